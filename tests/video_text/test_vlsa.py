"""VLSA: what it hides, what its codes are made of, and that samples without sound train nothing about sound."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations, product
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from quatrefoil.core.data.collate import collate
from quatrefoil.core.distributed import rank
from quatrefoil.core.losses import IGNORE
from quatrefoil.core.objectives import Objective, Step
from quatrefoil.core.training.trainer import freeze_unreached
from quatrefoil.core.views import Views, graph_of
from quatrefoil.video_text.encoders.patches import draw_visible, hidden_places, patches_of, take
from quatrefoil.video_text.encoders.unified import MODALITIES, Modality, sharing_groups
from quatrefoil.video_text.models.vlsa import JointVlsa, Vlsa, VlsaConfig
from quatrefoil.video_text.recipes.vlsa import COMPARISON, GLOBAL, LOCAL, PRETRAINING, TUNE_TEXT_AUDIO, TUNE_TEXT_VIDEO
from tests.distributed_harness import run_ranks
from tests.video_text.small_vlsa import SMALL

SHARINGS: list[tuple[Modality, ...]] = [(), *combinations(MODALITIES, 2), MODALITIES]
GLOBAL_CODES = ("video_global", "text_global", "audio_global")
CODES = ("video", "text", "audio")


def sample(number: int, *, sound: bool = True, words: int = 4, windows: int = 1) -> dict[str, Any]:
    draw = torch.Generator().manual_seed(number)
    text = torch.tensor([1, *torch.randint(5, 40, (words,), generator=draw).tolist(), 2])
    labels = torch.full_like(text, IGNORE)
    labels[2] = text[2]
    return {
        "id": f"clip{number}",
        "group": number,
        "frames": torch.randint(0, 256, (2, 3, 16, 16), generator=draw, dtype=torch.uint8),
        "video_visible": draw_visible(2, 16, draw, 0.75),
        "sound": torch.randn(windows, 16, 24, generator=draw) * sound,
        "sound_mask": torch.full((windows,), sound),
        "audio_visible": draw_visible(1, 24, draw, 0.75),
        "text_ids": text,
        "text_mask": torch.ones(len(text), dtype=torch.bool),
        "text_masked_ids": text.index_fill(0, torch.tensor(2), 3),
        "text_labels": labels,
    }


def batch_of(*samples: dict[str, Any]) -> dict[str, Any]:
    return collate(samples, {"text_labels": IGNORE})


HEARD = [sample(0), sample(1, words=7), sample(2, words=2), sample(3)]
LACKING = [*HEARD[:3], sample(3, sound=False), sample(4, sound=False)]  # the second of two ranks hears nothing
MIXED = [HEARD[0], sample(1, words=7, sound=False), HEARD[2], HEARD[3]]


def wordless(one: dict[str, Any]) -> dict[str, Any]:
    """The sample with a start and an end token in the place of its text."""
    text = {name: one[name][[0, -1]] for name in ("text_ids", "text_mask", "text_masked_ids", "text_labels")}
    return one | text | {"text_labels": torch.full((2,), IGNORE)}


UNSAID = [HEARD[0], wordless(HEARD[1]), HEARD[2], wordless(MIXED[1] | {"id": "clip4", "group": 4}), HEARD[3]]


def build(config: VlsaConfig) -> Vlsa:
    torch.manual_seed(0)
    model = config.build().eval()
    for parameter in model.parameters():  # nothing stays at a start of zero, which could hide a dependence
        parameter.data += 0.05 * torch.randn_like(parameter)
    return model


def full_size() -> Vlsa:
    with torch.device("meta"):
        return Vlsa(VlsaConfig())


def test_the_full_size_has_the_parameters_of_the_specifications_audit() -> None:
    model = full_size()
    millions = {
        name: sum(parameter.numel() for parameter in part.parameters()) / 1e6 for name, part in model.named_children()
    }
    assert sum(millions.values()) == pytest.approx(151.4, rel=0.01)
    audit = {
        "encoder": 85.06,
        "decoder": 25.22 + 0.39,
        "video_head": 0.39,
        "audio_head": 0.13,
        "token_head": 15.7 + 0.26,
    }
    for name, expected in audit.items():
        assert millions[name] == pytest.approx(expected, rel=0.02), name


def test_the_full_size_has_1568_and_40_and_256_tokens_of_which_392_and_40_and_64_are_seen() -> None:
    draw = torch.Generator().manual_seed(0)
    model = full_size()
    batch = {
        "frames": torch.zeros(1, 8, 3, 224, 224, dtype=torch.uint8),
        "sound": torch.zeros(1, 1, 256, 256),
        "video_visible": draw_visible(8, 196, draw, 0.75)[None],
        "audio_visible": draw_visible(1, 256, draw, 0.75)[None],
        "text_masked_ids": torch.zeros(1, 40, dtype=torch.long),
    }
    views = Views(model, {name: value.to("meta") for name, value in batch.items()})
    assert (views["video_patches"].shape, views["audio_patches"].shape) == ((1, 1568, 768), (1, 1, 256, 256))
    seen = [views[name].shape for name in ("visible_video", "masked_text", "visible_audio")]
    assert seen == [(1, 392, 768), (1, 40, 768), (1, 64, 768)]
    hidden_per_frame = 196 - (batch["video_visible"][0] // 196).bincount()
    assert hidden_per_frame.tolist() == [147] * 8


def test_patches_are_squares_in_reading_order_with_the_channel_outermost() -> None:
    x = torch.randn(2, 5, 3, 8, 12)
    patches = patches_of(x, 4)
    assert patches.shape == (2, 5, 6, 48)
    assert torch.equal(patches[1, 2, 4], x[1, 2, :, 4:8, 4:8].flatten())
    with pytest.raises(ValueError, match="5 x 5 do not divide 8 x 12"):
        patches_of(x, 5)


def test_visible_and_hidden_places_are_all_places_once() -> None:
    draw = torch.Generator().manual_seed(0)
    visible_BV = torch.stack([draw_visible(3, 20, draw, 0.75) for _ in range(4)])
    both = torch.cat([visible_BV, hidden_places(visible_BV, 60)], 1)
    assert torch.equal(both.sort(1).values, torch.arange(60).expand(4, -1))
    assert all(torch.equal(row, row.sort().values) for row in hidden_places(visible_BV, 60))
    assert not torch.equal(visible_BV[0], visible_BV[1])
    x_BTD = torch.arange(60.0)[None, :, None].expand(4, -1, 2)
    assert torch.equal(take(x_BTD, visible_BV)[..., 0], visible_BV.float())


@pytest.mark.parametrize("shared", SHARINGS, ids=str)
@pytest.mark.parametrize("part", ["encoder", "decoder"])
def test_modalities_share_one_storage_or_have_their_own(part: str, shared: tuple[Modality, ...]) -> None:
    model = build(replace(SMALL, **{f"{part}_shared": shared}))
    parts = model.encoder.stacks if part == "encoder" else model.decoder.decoders
    assert len(parts) == len(sharing_groups(shared)) == {0: 3, 2: 2, 3: 1}[len(shared)]
    blocks = [sum(p.numel() for name, p in one.named_parameters() if "blocks" in name) for one in parts]
    assert len(set(blocks)) == 1
    assert sum(p.numel() for name, p in parts.named_parameters() if "blocks" in name) == sum(blocks)
    assert freeze_unreached(Step(model, PRETRAINING | COMPARISON), batch_of(*HEARD)) == []


@pytest.mark.parametrize("part", ["encoder", "decoder"])
@pytest.mark.parametrize("wrong", [("video",), ("video", "video"), ("video", "tags")])
def test_sharing_with_nobody_is_refused_before_a_model_is_built(part: str, wrong: Any) -> None:
    with pytest.raises(ValueError, match="share among two or three"):
        replace(SMALL, **{f"{part}_shared": wrong})


@pytest.mark.parametrize("shared", SHARINGS, ids=str)
def test_only_modalities_that_share_an_encoder_see_one_another(shared: tuple[Modality, ...]) -> None:
    model = build(replace(SMALL, encoder_shared=shared))
    before = Views(model, batch_of(*HEARD))["joint"]
    after = Views(model, batch_of(*(one | {"sound": -one["sound"]} for one in HEARD)))["joint"]
    for modality in MODALITIES:
        sees = modality == "audio" or {modality, "audio"} <= set(shared)
        assert torch.equal(before[modality], after[modality]) != sees, modality


def changed(what: str) -> dict[str, Any]:
    """The batch with the sound, or all else, of every sample exchanged."""
    other = {"audio": {"sound": batch_of(*HEARD)["sound"].flip(0)}}
    return batch_of(*HEARD) | other[what]


def test_alone_a_code_of_video_or_text_does_not_change_by_a_bit_with_the_sound() -> None:
    model = build(SMALL)
    before, after = Views(model, batch_of(*HEARD)), Views(model, changed("audio"))
    for name in ("video_global", "text_global", "video", "text"):
        assert torch.equal(before[name], after[name]), name
    assert not torch.equal(before["audio_global"], after["audio_global"])


def test_in_the_joint_pass_it_does_which_is_the_papers_flaw() -> None:
    """With equations 6 and 7 to the letter a code holds the sound that it is to be matched with."""
    model = build(replace(SMALL, gam_source="joint"))
    assert isinstance(model, JointVlsa)
    before, after = Views(model, batch_of(*HEARD)), Views(model, changed("audio"))
    for name in GLOBAL_CODES:
        assert not torch.equal(before[name], after[name]), name
    for name in ("video", "text"):  # retrieval encodes each alone all the same
        assert torch.equal(before[name], after[name]), name


def test_global_matching_alone_needs_no_joint_pass_and_no_decoder() -> None:
    graph = graph_of(Vlsa)
    needed = set(graph.order([need for objective in GLOBAL.values() for need in objective.needs]))
    assert not needed & {"joint", "video_hidden", "audio_hidden", "text_token_logits"}
    assert "joint" in graph_of(JointVlsa).order(["audio_global"])


@pytest.mark.parametrize("gam_source", ["unimodal", "joint"])
def test_codes_do_not_depend_on_the_rest_of_the_batch_nor_on_padding(gam_source: Any) -> None:
    model = build(replace(SMALL, gam_source=gam_source))
    together = Views(model, batch_of(*MIXED))
    for row, one in enumerate(MIXED):
        alone = Views(model, batch_of(one))
        for name in (*CODES, *GLOBAL_CODES, "video_hidden", "audio_hidden"):
            torch.testing.assert_close(together[name][row : row + 1], alone[name], rtol=0, atol=1e-5)
        for name in ("video", "text", *GLOBAL_CODES):
            assert alone[name].norm().item() == pytest.approx(1, abs=1e-5)


def losses(objectives: Mapping[str, Objective], *samples: dict[str, Any], **config: Any) -> tuple[Any, Vlsa]:
    model = build(replace(SMALL, **config))
    out = Step(model, objectives)(batch_of(*samples), 0)
    out["loss"].backward()
    return out, model


def gradients(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.grad for name, value in model.named_parameters() if value.grad is not None}


@pytest.mark.parametrize("gam_source", ["unimodal", "joint"])
def test_what_stands_where_there_is_no_sound_trains_nothing(gam_source: Any) -> None:
    noise = MIXED[1] | {"sound": 9 * torch.randn(1, 16, 24)}
    (zeros, one), (noisy, other) = (
        losses(PRETRAINING, MIXED[0], row, MIXED[2], MIXED[3], gam_source=gam_source) for row in (MIXED[1], noise)
    )
    assert torch.equal(zeros["loss"], noisy["loss"])
    for name, gradient in gradients(one).items():
        assert torch.equal(gradient, gradients(other)[name]), name


def test_terms_of_audio_are_those_of_the_samples_that_have_it() -> None:
    names = ("masked_audio/loss", "audio_video_contrast/loss", "audio_text_contrast/loss")
    mixed, _ = losses(PRETRAINING, *MIXED)
    fewer, _ = losses(PRETRAINING, MIXED[0], MIXED[2], MIXED[3])
    for name in names:
        torch.testing.assert_close(mixed[name], fewer[name], rtol=1e-5, atol=1e-6)
    assert mixed["masked_video/loss"] != fewer["masked_video/loss"]


def alone(model: Vlsa, one: dict[str, Any]) -> Views:
    """The views of one sample; without sound its joint pass is one of frames and text, with no token of sound."""
    views = Views(model, batch_of(one))
    if one["sound_mask"].any():
        return views
    tokens: dict[Modality, Tensor] = {"video": views["visible_video"], "text": views["masked_text"]}
    without = model.encoder(tokens, {"text": views["text_mask"]})
    return views.replace(joint={**without, "audio": torch.full_like(views["visible_audio"], torch.nan)})


def test_losses_with_samples_without_sound_are_those_computed_by_hand() -> None:
    out, model = losses(PRETRAINING, *MIXED)
    each = [alone(model, one) for one in MIXED]
    heard = [views for views in each if views["audio_present"].all()]
    texts = [nn.functional.cross_entropy(one["text_token_logits"], one["text_labels"][:, 2]) for one in each]
    expected = {"masked_text": torch.stack(texts).mean()}
    for modality, rows in (("video", each), ("audio", heard)):
        errors = [one[f"{modality}_hidden"] - one[f"{modality}_hidden_target"] for one in rows]
        expected[f"masked_{modality}"] = torch.cat(errors).square().mean()
    audio = torch.cat([one["audio_global"] for one in heard])
    for other in ("video", "text"):
        codes = torch.cat([one[f"{other}_global"] for one in heard])
        alike = model.logit_scale() * audio @ codes.T
        own = torch.arange(len(heard))
        both = [nn.functional.cross_entropy(each_way, own) for each_way in (alike, alike.T)]
        expected[f"audio_{other}_contrast"] = torch.stack(both).mean()
    for name, value in expected.items():
        torch.testing.assert_close(out[f"{name}/loss"], value.detach(), rtol=1e-5, atol=1e-6, msg=name)


@pytest.mark.parametrize("other", ["video", "text"])
def test_false_pairs_are_drawn_among_samples_with_sound(other: str) -> None:
    """The loss is that of one of the 64 ways to draw a false partner for each side of three true pairs."""
    out, model = losses(PRETRAINING, *MIXED)
    heard = [Views(model, batch_of(one)) for one in MIXED if one["sound_mask"].any()]
    audio, codes = (torch.cat([one[f"{name}_global"] for one in heard]) for name in ("audio", other))
    match = model._match(f"audio_{other}", audio.repeat_interleave(3, 0), codes.repeat(3, 1)).log_softmax(-1)
    true_33, false_33 = (-match[:, which].view(3, 3) for which in (1, 0))
    others = [[row for row in range(3) if row != own] for own in range(3)]
    drawn = [sum(false_33[own, row] for own, row in enumerate(rows)) for rows in product(*others)]
    back = [sum(false_33[row, own] for own, row in enumerate(rows)) for rows in product(*others)]
    possible = torch.stack([(2 * true_33.trace() + a + b) / 12 for a, b in product(drawn, back)])
    assert (possible - out[f"audio_{other}_match/loss"]).abs().min() < 1e-5


def test_terms_of_text_are_those_of_the_samples_that_have_words() -> None:
    some, _ = losses(PRETRAINING | COMPARISON, *UNSAID)
    said, _ = losses(PRETRAINING | COMPARISON, HEARD[0], HEARD[2], HEARD[3])
    heard, _ = losses(PRETRAINING | COMPARISON, *HEARD)
    for name in ("masked_text", "audio_text_contrast", "audio_text_match", "video_text_contrast", "video_text_match"):
        torch.testing.assert_close(some[f"{name}/loss"], said[f"{name}/loss"], rtol=1e-5, atol=1e-6, msg=name)
    torch.testing.assert_close(some["audio_video_contrast/loss"], heard["audio_video_contrast/loss"])


def test_a_joint_pass_without_words_is_one_of_frames_and_sound() -> None:
    model = build(SMALL)
    views = Views(model, batch_of(*UNSAID))
    one = Views(model, batch_of(UNSAID[1]))
    without = model.encoder({"video": one["visible_video"], "audio": one["visible_audio"]})
    for modality in ("video", "audio"):
        torch.testing.assert_close(views["joint"][modality][1:2], without[modality], rtol=0, atol=1e-5)


@pytest.mark.parametrize("objectives", [TUNE_TEXT_VIDEO, TUNE_TEXT_AUDIO], ids=["video", "audio"])
def test_what_lacks_words_has_no_part_in_fine_tuning_on_words(objectives: Mapping[str, Objective]) -> None:
    some, said = (losses(objectives, *rows)[0] for rows in (UNSAID, (HEARD[0], HEARD[2], HEARD[3])))
    torch.testing.assert_close(some["contrast/loss"], said["contrast/loss"], rtol=1e-5, atol=1e-6)


def test_a_batch_without_any_word_has_finite_gradients() -> None:
    out, model = losses(PRETRAINING, *(wordless(one) for one in HEARD))
    assert all(gradient.isfinite().all() for gradient in gradients(model).values())
    assert all(value == 0 for name, value in out.items() if "text" in name)


def test_a_batch_without_any_sound_reaches_the_same_parameters_with_finite_gradients() -> None:
    silent, model = losses(PRETRAINING, *(sample(number, sound=False) for number in range(3)))
    _, heard = losses(PRETRAINING, *HEARD)
    assert gradients(model).keys() == gradients(heard).keys()
    assert all(gradient.isfinite().all() for gradient in gradients(model).values())
    assert all(value == 0 for name, value in silent.items() if "audio" in name)


def _gradients_on_this_rank(sizes: list[int]) -> dict[str, Tensor]:
    start = sum(sizes[: rank()])
    model, batch = build(SMALL), batch_of(*LACKING)
    rows = {name: value[start : start + sizes[rank()]] for name, value in batch.items() if name != "skipped"}
    Step(model, PRETRAINING)(rows, 0)["loss"].backward()
    return gradients(model)


@pytest.mark.parametrize("sizes", [[3, 2], [1, 4]])
def test_ranks_with_and_without_sound_have_the_gradients_of_the_whole_batch(sizes: list[int]) -> None:
    whole = _gradients_on_this_rank([len(LACKING)])
    ranks = run_ranks(2, _gradients_on_this_rank, sizes)
    for name, gradient in whole.items():
        error = (torch.stack([grads[name] for grads in ranks]).mean(0) - gradient).norm()
        assert error <= 1e-5 * gradient.norm().clamp(min=1), name  # fp32; some gradients are zero but for rounding


def test_a_saved_model_comes_back_as_what_it_is(tmp_path: Path) -> None:
    model = build(replace(SMALL, gam_source="joint", encoder_shared=("video", "text")))
    model.assets = dict.fromkeys(model.asset_names, "{}")
    model.save_pretrained(tmp_path)
    again = JointVlsa.from_pretrained(tmp_path)
    assert again.config == model.config
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in model.state_dict().items())
    with pytest.raises(ValueError, match="holds a model of class JointVlsa, not Vlsa"):
        Vlsa.from_pretrained(tmp_path)


def test_retrieval_with_samples_without_sound_has_finite_gradients() -> None:
    views = Views(model := build(SMALL), batch_of(*MIXED))
    (views["audio"][views["audio_present"]] @ views["text"].T).sum().backward()
    assert not views["audio"][1].any()
    assert all(gradient.isfinite().all() for gradient in gradients(model).values())


def test_a_long_sound_is_the_mean_of_its_windows_whatever_pads_them() -> None:
    model = build(SMALL)
    long = sample(5, windows=3)
    code = Views(model, batch_of(long))["audio"]
    singles = [long | {"sound": window[None], "sound_mask": torch.tensor([True])} for window in long["sound"]]
    mean = Views(model, batch_of(*singles))["audio"].mean(0, keepdim=True)
    torch.testing.assert_close(code, nn.functional.normalize(mean, dim=-1), rtol=0, atol=1e-5)
    padded = Views(model, batch_of(long, sample(6, windows=5)))["audio"][:1]
    torch.testing.assert_close(padded, code, rtol=0, atol=1e-5)
    with pytest.raises(ValueError, match="3 windows of sound"):
        Views(model, batch_of(long))["visible_audio"]


def test_only_hidden_patches_are_targets_and_only_visible_ones_are_seen() -> None:
    model, batch = build(SMALL), batch_of(*HEARD)
    views = Views(model, batch)
    patches, visible = views["video_patches"], batch["video_visible"]
    hidden = hidden_places(visible, patches.shape[1])
    assert torch.equal(views["video_hidden_target"], take(patches, hidden))
    blind = views.replace(video_patches=patches.scatter(1, hidden[..., None].expand(-1, -1, 48), 5.0))
    assert torch.equal(blind["video_hidden"], views["video_hidden"])
    assert not torch.equal(blind["video"], views["video"])


def test_a_visible_patch_tells_what_a_hidden_one_is_told_by_its_place() -> None:
    """Exchanging two visible tokens with their places changes nothing; exchanging places alone does."""
    model, batch = build(SMALL), batch_of(*HEARD)
    want = Views(model, batch)["video_hidden"]
    order = torch.randperm(batch["video_visible"].shape[1])
    shuffled = Views(model, batch | {"video_visible": batch["video_visible"][:, order]})
    torch.testing.assert_close(shuffled["video_hidden"], want, rtol=0, atol=1e-5)
    moved = Views(model, batch).replace(visible_video=Views(model, batch)["visible_video"][:, order])
    assert not torch.allclose(moved["video_hidden"], want, atol=1e-3)


def test_the_matching_head_can_tell_a_match() -> None:
    """A map of two codes side by side is a sum of two scores, and right on one of two crossed pairs at most."""
    model = build(SMALL)
    codes = nn.functional.normalize(torch.randn(32, 16, generator=torch.Generator().manual_seed(0)), dim=-1)
    head = model.match_heads["audio_video"]
    optimizer = torch.optim.Adam(head.parameters(), lr=0.05)
    same = torch.eye(32, dtype=torch.bool).flatten()
    pairs = codes[:, None].expand(-1, 32, -1).flatten(0, 1), codes.expand(32, -1, -1).flatten(0, 1)
    for _ in range(200):
        logits = model.match_audio_video(*pairs)
        loss = nn.functional.cross_entropy(logits, same.long(), weight=torch.tensor([1.0, 31.0]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert ((logits[:, 1] > logits[:, 0]) == same).double().mean() > 0.97


def test_more_frames_or_words_than_positions_are_refused() -> None:
    model, batch = build(SMALL), batch_of(*HEARD)
    with pytest.raises(ValueError, match="48 tokens have no positions among 2 x 16 places"):
        Views(model, batch | {"frames": batch["frames"].repeat(1, 2, 1, 1, 1)[:, :3]})["video"]
    long = batch | {name: batch[name].repeat(1, 2) for name in ("text_ids", "text_mask")}
    with pytest.raises(ValueError, match="18 tokens have no positions among 9 places"):
        Views(model, long)["text"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"patch_size": 5}, "patch_size 5 does not divide"),
        ({"decoder": replace(SMALL.decoder, norm_order="post")}, "norm_order=pre"),
    ],
)
def test_configurations_that_cannot_be_built_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(SMALL, **change)


def test_the_comparison_exchanges_global_matching_alone() -> None:
    assert {name: COMPARISON[name] for name in LOCAL} == dict(LOCAL)
    assert sum(objective.weight for objective in GLOBAL.values()) == 2 * (10 + 5)
    assert not {need for name in COMPARISON.keys() - LOCAL.keys() for need in COMPARISON[name].needs} & {"audio_global"}
    out, _ = losses(COMPARISON, *HEARD)
    assert out["loss"].isfinite()


def test_places_of_patches_can_be_heard_from_the_first_step_on() -> None:
    """Beside patches of about one, positions of 0.02 would be noise: which patch is loud could not be told."""
    torch.manual_seed(0)
    encoder, decoder = replace(SMALL.encoder, width=64), replace(SMALL.decoder, width=32)
    model = VlsaConfig(encoder=encoder, decoder=decoder).build()
    everywhere = [model.video_embed.positions, model.audio_embed.positions, *model.decoder.positions.values()]
    for positions in everywhere:
        places_TD = positions(torch.Size(positions.sizes).numel())
        assert places_TD.square().mean().sqrt().item() == pytest.approx(0.5**0.5, rel=0.1)
    assert model.text_positions(40).std() < 0.1  # words themselves start at 0.02
