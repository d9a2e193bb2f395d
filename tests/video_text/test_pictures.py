"""Pictures of what VLSA has learned: nothing is lost or moved on the way from patches to a PNG."""

import itertools
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as nnf
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from quatrefoil.core.cli import main
from quatrefoil.core.config import ConfigError
from quatrefoil.core.losses import IGNORE
from quatrefoil.core.objectives import MaskedPatches
from quatrefoil.core.views import Views
from quatrefoil.video_text.datasets.fields import mask_id_of
from quatrefoil.video_text.encoders.patches import patches_of
from quatrefoil.video_text.pictures import look, reconstruction, similarity
from quatrefoil.video_text.pictures.look import Looked
from quatrefoil.video_text.pictures.panels import (
    draw_frames,
    draw_sound,
    enlarged,
    entitle,
    joined,
    rows_of_panels,
    save,
)
from quatrefoil.video_text.recipes.vlsa import LOCAL
from quatrefoil.video_text.text.tokenizer import TextTokenizer
from tests.video_text.small_vlsa import SMALL
from tests.video_text.test_vlsa import HEARD, MIXED, UNSAID, batch_of, build


@given(
    st.integers(1, 3), st.sampled_from([1, 3]), st.integers(1, 4), st.integers(1, 4), st.integers(1, 5), st.integers(0)
)
def test_joined_patches_are_the_pictures_that_were_cut(
    pictures: int, channels: int, rows: int, columns: int, side: int, seed: int
) -> None:
    draw = torch.Generator().manual_seed(seed % 2**63)
    given_NCHW = torch.randn(pictures, channels, rows * side, columns * side, generator=draw)
    patches_TP = patches_of(given_NCHW, side).flatten(0, 1)
    assert torch.equal(joined(patches_TP, channels, rows * side, columns * side), given_NCHW)


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4))
def test_an_enlarged_map_lies_over_its_patches(rows: int, columns: int, side: int) -> None:
    numbers_hw = torch.arange(rows * columns, dtype=torch.float32).reshape(rows, columns)
    patches_TP = patches_of(enlarged(numbers_hw, side)[None], side)
    assert torch.equal(patches_TP, numbers_hw.flatten()[:, None].expand(-1, side**2))


def _reconstructed(samples: list[dict[str, Any]], normalised: bool) -> tuple[Any, Any, Views]:
    model = build(SMALL)
    views = Views(model, batch_of(*samples))
    with torch.no_grad():
        said = dict.fromkeys(("video_hidden", "audio_hidden"), normalised)
        frames, sound, present_B = reconstruction.reconstructed(model, views, said)
    assert present_B.tolist() == [bool(sample["sound_mask"].any()) for sample in samples]
    return frames, sound, views


@pytest.mark.parametrize("normalised", [False, True])
def test_what_is_visible_is_shown_as_it_is_and_only_the_rest_is_rebuilt(normalised: bool) -> None:
    frames, sound, _ = _reconstructed(HEARD, normalised)
    originals = torch.stack([sample["frames"] for sample in HEARD]) / 255
    torch.testing.assert_close(frames.original, originals)
    assert torch.equal(sound.original, torch.stack([sample["sound"][0] for sample in HEARD]))
    for part in (frames, sound):
        hidden = part.hidden.isnan()
        assert hidden.float().mean() == 0.75
        assert torch.equal(part.hidden[~hidden], part.original[~hidden])
        assert torch.equal(part.rebuilt[~hidden], part.original[~hidden])
        assert part.rebuilt.isfinite().all()
        assert (part.rebuilt[hidden] != part.original[hidden]).float().mean() > 0.9


def test_rebuilt_patches_are_the_predictions_in_their_places() -> None:
    _, sound, views = _reconstructed(HEARD, normalised=False)
    rebuilt_BTP = patches_of(sound.rebuilt[:, None], SMALL.patch_size)
    for number, visible_V in enumerate(views["audio_visible"]):
        hidden = sorted(set(range(rebuilt_BTP.shape[1])) - set(visible_V.tolist()))
        assert torch.equal(rebuilt_BTP[number, hidden], views["audio_hidden"][number])


def test_predictions_of_normalised_targets_get_mean_and_deviation_back() -> None:
    patches_BTP = 3 + 2 * torch.randn(2, 6, 8, generator=torch.Generator().manual_seed(0))
    visible_BV = torch.tensor([[0, 4], [1, 2]])
    hidden = torch.tensor([[1, 2, 3, 5], [0, 3, 4, 5]])
    truth_BMP = torch.stack([patches_BTP[row, hidden[row]] for row in range(2)])
    perfect_BMP = (truth_BMP - truth_BMP.mean(-1, keepdim=True)) / truth_BMP.std(-1, keepdim=True)
    rebuilt = reconstruction.versions(patches_BTP, visible_BV, perfect_BMP, normalised=True).rebuilt
    torch.testing.assert_close(rebuilt, patches_BTP)


def test_the_shares_of_patches_have_the_cosine_of_codes_as_their_mean() -> None:
    model = build(SMALL)
    views = Views(model, batch_of(*HEARD))
    with torch.no_grad():
        found = similarity.states(model, views, seen=True)
        text_BD, video_BD, audio_BD = views["text"], views["video"], views["audio"]
    for number in range(len(HEARD)):
        for states_BTD, code_BD in ((found.video, video_BD), (found.audio, audio_BD)):
            mean = similarity.shares(states_BTD[number], text_BD[number]).mean()
            torch.testing.assert_close(mean, code_BD[number] @ text_BD[number])


@given(st.text("ab ", max_size=12), st.lists(st.integers(0, 12), max_size=8, unique=True), st.booleans())
def test_words_are_put_in_the_place_of_characters_and_all_others_stay(text: str, cuts: list[int], odd: bool) -> None:
    ends = [cut for cut in sorted(cuts) if cut <= len(text)]
    spans = list(itertools.pairwise(ends))[odd::2]
    same = reconstruction.with_words(text, {(start, end): text[start:end].lstrip() for start, end in spans})
    assert same.replace("[", "").replace("]", "") == text
    assert same.count("[") == same.count("]") == len(spans)
    assert " ]" not in reconstruction.with_words(text, dict.fromkeys(spans, "word"))


def test_captions_are_told_as_they_are_read_and_as_they_are_rebuilt(tmp_path: Path) -> None:
    model = build(SMALL)
    tokens = TextTokenizer.train(TEXTS, 265, tmp_path / "tokenizer.json")
    ids = torch.tensor(tokens.encode(TEXTS[2:], 64).ids)  # do, n, ', t
    read, labels = ids.clone(), torch.full_like(ids, IGNORE)
    labels[0, [2, 4]] = ids[0, [2, 4]]
    read[0, 2] = mask_id_of(tokens)
    logits_KV = nnf.one_hot(torch.tensor([ids[0, 1], ids[0, 3]]), tokens.vocab_size)
    views: Any = {"text_labels": labels, "text_masked_ids": read, "text_token_logits": logits_KV}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(model), "tokenizer", tokens)
        ((hidden, rebuilt),) = reconstruction.captions(model, views, TEXTS[2:])
    assert (hidden, rebuilt) == ("do[?]'[t] stop", "do[do]'['] stop")


TEXTS = ["a Red dot, rising", "the dot  goes up", "don't stop"]


def test_words_have_all_of_their_tokens_and_no_special_one(tmp_path: Path) -> None:
    tokenizer = TextTokenizer.train(TEXTS, 265, tmp_path / "tokenizer.json")
    for text in TEXTS:
        tokens = tokenizer.encode([text], 64)
        words = similarity.words_of(text, tokens)
        assert "".join(word for word, _ in words) == text.replace(" ", "")
        assert [place for _, of in words for place in of] == list(range(1, len(tokens.ids[0]) - 1))


@pytest.fixture
def looked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Looked:
    model = build(SMALL)
    definition = TextTokenizer.train(TEXTS, 265, tmp_path / "tokenizer.json")
    monkeypatch.setattr(type(model), "tokenizer", definition)
    recipe: Any = type("Trained", (), {"objectives": LOCAL})()
    found = Looked(model, recipe, batch_of(*MIXED), (*TEXTS, "another"))
    for module in (reconstruction, similarity):
        monkeypatch.setattr(module, "look", lambda *_: found)
    return found


@pytest.mark.parametrize("draw", [reconstruction.draw_run, similarity.draw_run])
def test_every_clip_is_drawn_with_sound_or_without(looked: Looked, draw: Any, tmp_path: Path) -> None:
    paths = draw(Path("run"), [], "test", 4, tmp_path / "out")
    assert [path.name for path in paths] == [f"clip{number}.png" for number in range(4)]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)


def test_of_a_clip_of_which_nothing_is_said_no_words_are_looked_for(
    looked: Looked, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found, drawn = looked._replace(batch=batch_of(*UNSAID[:2]), captions=(TEXTS[0], "")), list[list[str]]()
    monkeypatch.setattr(similarity, "look", lambda *_: found)
    monkeypatch.setattr(similarity, "_draw", lambda clip, codes, *_: drawn.append([code.name for code in codes]))
    similarity.draw_run(Path("run"), [], "train", 2, tmp_path)
    assert drawn[0][0] == "caption"
    assert drawn[1] == ["sound", "frames"]


def test_clips_of_sound_alone_are_drawn_without_frames(looked: Looked, tmp_path: Path) -> None:
    for name in [name for name in looked.batch if name == "frames" or name.startswith("video")]:
        del looked.batch[name]
    paths = similarity.draw_run(Path("run"), [], "test", 4, tmp_path / "out")
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)


@pytest.mark.parametrize(("holds", "kept"), [("video", {"video", "text", "audio"}), ("audio", {"text", "audio"})])
def test_what_a_corpus_of_sound_alone_cannot_give_is_left_out_and_told(
    holds: str, kept: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = SimpleNamespace(holds=holds, name="digits")
    data: Any = SimpleNamespace(corpus=corpus)
    assert set(look._given(build(SMALL), ["video", "text", "audio"], data)) == kept
    assert ("digits holds sound and no frames" in capsys.readouterr().out) == (holds == "audio")


def test_a_run_that_restores_nothing_is_refused(looked: Looked, tmp_path: Path) -> None:
    recipe: Any = looked.recipe
    recipe.objectives = {"masked_audio": MaskedPatches("audio_hidden", "audio_hidden_target")}
    with pytest.raises(ConfigError, match=r"no objective on video_hidden.*give a run of pre-training"):
        reconstruction.draw_run(Path("run"), [], "test", 4, tmp_path / "out")


def test_maps_and_hidden_patches_can_be_drawn_and_names_are_safe(tmp_path: Path) -> None:
    figure, axes = rows_of_panels(1, 2)
    frames_FCHW: Tensor = torch.rand(2, 3, 8, 8)
    frames_FCHW[0, :, :4] = torch.nan
    draw_frames(axes[0, 0], frames_FCHW, torch.zeros(2, 8, 8))
    draw_sound(axes[0, 1], None, (0.0, 1.0))
    entitle(figure, ["id: $1 or \\frac$", "hidden: [\x12]"])
    assert figure.get_suptitle() == "id: $1 or \\frac$\nhidden: [·]"
    assert save(figure, tmp_path, "v/one two#3").name == "v-one-two-3.png"


@pytest.mark.parametrize("name", ["reconstruct", "similarity"])
def test_the_commands_are_installed_and_tell_what_is_no_run(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([name, str(tmp_path / "nowhere"), "data.root=there", "--out", str(tmp_path / "out")]) == 2
    assert f"there is no {tmp_path / 'nowhere'}; give a run folder" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
