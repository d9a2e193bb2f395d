"""The files of a made benchmark: in the formats of the real sets, true, and the same for any number of workers."""

import csv
import hashlib
import importlib
import json
import math
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quatrefoil.video_text.datasets.corpus import SplitName
from quatrefoil.video_text.datasets.msrvtt import MsrVtt
from quatrefoil.video_text.datasets.stage import gallery, make
from quatrefoil.video_text.datasets.stage.clips import SIZES, cast, produce
from quatrefoil.video_text.datasets.stage.motion import FRAME_SIZE, FRAMES, tracks
from quatrefoil.video_text.datasets.stage.render import RGB
from quatrefoil.video_text.datasets.stage.sound import SAMPLE_RATE
from quatrefoil.video_text.datasets.stage.tags import MISSED, VOCABULARY, WRONG, draw_tags, true_words
from quatrefoil.video_text.datasets.stage.world import STAGE_VERSION, draw_train_facts, stream
from quatrefoil.video_text.media.audio import read_audio
from quatrefoil.video_text.media.video import open_video


def rows_of(path: Path, delimiter: str) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file, delimiter=delimiter))


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def tree(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_two_workers_make_the_same_bytes_as_one_even_after_a_killed_run(tiny: Path, tmp_path: Path) -> None:
    left = tmp_path / f".{tiny.name}.part" / "videos" / "video9999.mp4"
    left.parent.mkdir(parents=True)
    left.touch()
    assert tree(make("tiny", seed=0, root=tmp_path, workers=2)) == tree(tiny)


def test_the_content_is_that_of_its_version(tiny: Path) -> None:
    """Whoever changes this hash changes what rows of the leaderboard were measured on: give Stage a new version."""
    pinned = "404acdc59bf523826d778da20a1314f6cf71536574704ca62d72da2cebaa4ae3"
    assert json.loads((tiny / "manifest.json").read_text())["content_hash"] == pinned


def test_a_clip_is_the_same_whatever_was_made_before(tiny: Path, tmp_path: Path) -> None:
    castings = cast(SIZES["tiny"], 0)
    for casting in (castings[70], castings[3]):
        clip = produce(casting, 0, tmp_path)
        film = f"videos/{casting.video_id}.mp4"
        assert json.loads((tiny / "manifest.json").read_text())["files"][film]["sha256"] == clip.sha256


def test_other_seeds_make_other_clips() -> None:
    assert cast(SIZES["tiny"], 0)[0].facts != cast(SIZES["tiny"], 1)[0].facts


def test_a_finished_benchmark_is_returned_and_not_made_again(tiny: Path) -> None:
    before = (tiny / "manifest.json").stat().st_mtime_ns
    assert make("tiny", seed=0, root=tiny.parent, workers=1) == tiny
    assert (tiny / "manifest.json").stat().st_mtime_ns == before


def test_a_benchmark_that_lost_a_file_is_refused(tiny: Path) -> None:
    film = tiny / "videos" / "video0.mp4"
    aside = film.rename(film.with_suffix(".aside"))
    try:
        with pytest.raises(ValueError, match=r"video0\.mp4 is missing"):
            make("tiny", seed=0, root=tiny.parent, workers=1)
    finally:
        aside.rename(film)


@pytest.mark.parametrize(("arguments", "message"), [({"size": "huge"}, "no size 'huge'"), ({"workers": 0}, "workers")])
def test_wrong_arguments_are_refused(arguments: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        make(**arguments, root=tmp_path)


def test_a_killed_run_leaves_nothing_that_looks_finished(tmp_path: Path) -> None:
    code = "import sys, pathlib; from quatrefoil.video_text.datasets.stage import make; "
    code += "make('default', root=pathlib.Path(sys.argv[1]), workers=1)"
    run = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stderr=subprocess.DEVNULL)
    part = tmp_path / f".stage-v{STAGE_VERSION}-default-seed0.part" / "videos"
    end = time.monotonic() + 300
    while not (part.is_dir() and len(list(part.iterdir())) > 2):
        assert time.monotonic() < end, "the run did not begin"
        time.sleep(0.05)
    run.kill()
    run.wait()
    assert not (tmp_path / f"stage-v{STAGE_VERSION}-default-seed0").exists()


def test_a_failed_run_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError("no space left")

    module = importlib.import_module("quatrefoil.video_text.datasets.stage.make")  # the package's `make` is a function
    monkeypatch.setattr(module, "write_annotation", fail)
    monkeypatch.setattr(module, "film_all", lambda *_: [])
    with pytest.raises(OSError, match="no space left"):
        make("tiny", root=tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_ordinary_loader_reads_it_as_msrvtt(tiny: Path) -> None:
    corpus = MsrVtt(tiny)
    names: tuple[SplitName, ...] = ("train", "val", "test")
    splits = {name: corpus.split("msrvtt-1kA", name) for name in names}
    sizes = {name: (len(split.clips), len(split.captions)) for name, split in splits.items()}
    assert sizes == {"train": (64, 640), "val": (16, 160), "test": (40, 40)}


def test_annotation_has_the_columns_and_keys_of_the_real_files(tiny: Path, shared: Path) -> None:
    real = shared / "data" / "video_text" / "msrvtt" / "annotation"
    for name in ("MSRVTT_JSFUSION_test.csv", "MSRVTT_train.9k.csv", "MSRVTT_train.7k.csv"):
        assert rows_of(tiny / "annotation" / name, ",")[0] == rows_of(real / name, ",")[0]
    ours, theirs = (json.loads((f / "test_videodatainfo.json").read_text()) for f in (tiny / "annotation", real))
    assert ours.keys() == theirs.keys()
    for part in ("videos", "sentences"):
        assert {k: type(v) for k, v in ours[part][0].items()} == {k: type(v) for k, v in theirs[part][0].items()}


def test_question_files_have_the_columns_and_keys_of_the_real_files(tiny: Path, shared: Path) -> None:
    real, ours = shared / "data" / "video_text", tiny / "questions"
    for task in ("action", "frameqa"):
        name = f"tgif_qa/Test_{task}_question.csv"
        assert rows_of(ours / name, "\t")[0] == rows_of(real / name, "\t")[0]
    transition = rows_of(ours / "tgif_qa" / "Train_transition_question.csv", "\t")
    assert transition[0] == rows_of(real / "tgif_qa" / "Test_action_question.csv", "\t")[0]
    assert lines_of(ours / "msrvtt_qa" / "val.jsonl")[0].keys() == lines_of(real / "msrvtt_qa" / "val.jsonl")[0].keys()
    fib = rows_of(ours / "lsmdc_fib" / "LSMDC16_annos_training_FIB.csv", "\t")
    assert {len(row) for row in fib} == {8}
    assert all(fill.replace("_____", word) == sentence for *_, sentence, fill, word in fib)


def test_the_right_options_are_true_and_the_answers_unbalanced_nowhere(tiny: Path, truth: list[dict[str, Any]]) -> None:
    captions = {row["video_id"]: {c["caption"] for c in row["captions"]} for row in truth}
    lines = lines_of(tiny / "questions" / "msrvtt_mc" / "test.jsonl")
    for line in lines:
        own = [option in captions[line["video_id"]] for option in line["options"]]
        assert own[line["answer"]]
        assert len(set(line["options"])) == 5
    actions = rows_of(tiny / "questions" / "tgif_qa" / "Train_action_question.csv", "\t")[1:]
    assert {len(set(row[2:7])) for row in actions} == {5}


def test_jsfusion_captions_tell_each_clip_from_its_twins(tiny: Path, truth: list[dict[str, Any]]) -> None:
    stated = {(row["video_id"], c["caption"]): c["states"] for row in truth for c in row["captions"]}
    rows = rows_of(tiny / "annotation" / "MSRVTT_JSFUSION_test.csv", ",")[1:]
    kinds = {"repeats": "times"}
    twin = {row["video_id"]: row["twin"] for row in truth}
    for _, _, video_id, sentence in rows:
        claims = stated[video_id, sentence]
        atoms = [*claims["scene"], *(atom for actor in claims["actors"] for atom in actor)]
        kind = kinds.get(twin[video_id], twin[video_id])
        assert any(atom.startswith(f"{kind}=") for atom in atoms)


def test_manifest_hashes_are_those_of_the_files(tiny: Path) -> None:
    files = json.loads((tiny / "manifest.json").read_text())["files"]
    found = tree(tiny)
    assert {name: entry["sha256"] for name, entry in files.items()} == {
        name: digest for name, digest in found.items() if name != "manifest.json"
    }


def test_tags_miss_and_err_at_their_stated_rates() -> None:
    missed = facts = wrong = tags = 0
    for index in range(1_500):
        drawn = draw_train_facts(0, index)
        told = draw_tags(drawn, stream(0, "train", index, "tags"))
        for expert, true in true_words(drawn).items():
            words = {word for word, _ in told[expert]}
            assert words <= set(VOCABULARY[expert])
            facts, missed = facts + len(true), missed + len(set(true) - words)
            tags, wrong = tags + len(words), wrong + len(words - set(true))
    assert abs(missed / facts - MISSED) < 4 * math.sqrt(MISSED * (1 - MISSED) / facts)
    assert abs(wrong / tags - WRONG) < 4 * math.sqrt(WRONG * (1 - WRONG) / tags)


def test_films_have_the_stated_format(tiny: Path) -> None:
    film = tiny / "videos" / "video5.mp4"
    with open_video(film) as video:
        assert (video.frame_count, video.height, video.width) == (FRAMES, FRAME_SIZE, FRAME_SIZE)
        assert np.allclose(np.diff(video.times_F.numpy()), 1 / 8)
    heard = read_audio(film, rate=SAMPLE_RATE)
    assert heard is not None
    assert abs(heard.samples_CT.shape[1] - 4 * SAMPLE_RATE) <= 2 * 1024


def pixels_of_actors(tiny: Path) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    """(colour, decoded RGB beside the middle of the first actor) of clips with one actor of filled shape."""
    for casting in cast(SIZES["tiny"], 0):
        actor = casting.facts.actors[0]
        if len(casting.facts.actors) == 1 and actor.shape in ("circle", "square", "ghost") and not casting.facts.sign:
            way = tracks(casting.facts.actors, stream(0, casting.split, casting.index, "look"))[0]
            with open_video(tiny / "videos" / f"{casting.video_id}.mp4") as video:
                frame = video.frames([16])[0].float().numpy()
            if way.opacity_T[16] > 0:
                y, x = round(float(way.y_T[16]) - 0.5), round(float(way.x_T[16]) - 0.5)
                yield actor.colour, frame[:, y - 1 : y + 2, x - 1 : x + 2].mean((1, 2))


def test_colours_survive_compression_for_the_nearest_colour_to_name(tiny: Path) -> None:
    palette = np.array([RGB[colour] for colour in RGB], float)
    found = list(pixels_of_actors(tiny))
    named = [list(RGB)[int(np.linalg.norm(palette - pixel, axis=1).argmin())] for _, pixel in found]
    assert len(found) >= 10
    assert np.mean([name == colour for name, (colour, _) in zip(named, found, strict=True)]) >= 0.95


def test_the_gallery_is_drawn_with_whole_families(tiny: Path, tmp_path: Path) -> None:
    out = gallery(tiny, tmp_path / "sheet.png", clips=3)
    assert out.read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="no clips of split 'valid'"):
        gallery(tiny, tmp_path / "sheet.png", split="valid")
