"""VLSA's recipes on real data: what no objective asks for is not computed, all directions are scored, tasks go on."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations
from math import isfinite
from pathlib import Path
from shutil import copytree, rmtree

import pytest
import torch

from quatrefoil.core import recipes
from quatrefoil.core.cli import main
from quatrefoil.core.config import ConfigError
from quatrefoil.core.data.collate import first_batch
from quatrefoil.core.data.mixture import plan_of
from quatrefoil.core.evaluation.encode import EncodingRun
from quatrefoil.core.objectives import Step
from quatrefoil.core.recipes import Recipe
from quatrefoil.core.runs.elsewhere import evaluate_on
from quatrefoil.video_text.datasets.stage import make
from quatrefoil.video_text.models.vlsa import JointVlsa, Vlsa
from quatrefoil.video_text.recipes.vlsa_tasks import SIX

TINY = ["data.size=tiny", "data.cache_frames=false", "data.cache_sound=false"]
SHORT = [*TINY, "train.steps=2", "train.batch_size=8", "train.evaluate_every=0", "train.select=none"]
QUIET = ["run.progress=false", "run.workers=0"]
PRETRAINING = ("", "-local-only", "-global-only", "-vtm", "-unshared", "-joint")
PAIRS = ("text-video", "text-audio", "audio-video")
FULL = ("howto100m-audioset", "msrvtt", "lsmdc", "sounddescs", "audiocaps", "youcook2")
HIDDEN = {"video_visible", "audio_visible", "text_masked_ids", "text_labels"}


@pytest.fixture(scope="module", autouse=True)
def _cache(embedded_cache: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUATREFOIL_CACHE", str(embedded_cache))
        make("tiny")
        yield


def calls_of(recipe: Recipe) -> Counter[str]:
    """How often a step on real data calls each part of the model."""
    data = recipe.data.build(recipe.seed)
    samples = data.train(recipe.train_fields)
    batch = first_batch(samples, plan_of(samples, 4, recipe.seed), data.fill, rows=4)
    assert batch.keys() - {"id", "group", "skipped"} == recipe.train_fields - {"id", "group"}
    step, calls = Step(recipe.model_for(data).build(), recipe.objectives), Counter[str]()
    step.model.encoder.register_forward_hook(lambda *_: calls.update(["encoder"]))
    for decoder in step.model.decoder.decoders:
        decoder.register_forward_hook(lambda *_: calls.update(["decoder"]))
    assert torch.isfinite(step(batch, 0)["loss"])
    return calls


@pytest.mark.parametrize(
    ("name", "encoder", "decoder"),
    [
        ("pretrain", 4, 3),  # the joint pass and each modality alone
        ("pretrain-local-only", 1, 3),
        ("pretrain-global-only", 3, 0),
        ("pretrain-vtm", 3, 3),
        ("pretrain-joint", 1, 3),
        ("text-video", 2, 0),
        ("text-audio", 2, 0),
        ("audio-video", 2, 0),
    ],
)
def test_only_the_passes_that_an_objective_asks_for_are_run(name: str, encoder: int, decoder: int) -> None:
    calls = calls_of(recipes.load(f"vlsa/stage-{name}", TINY))
    assert (calls["encoder"], calls["decoder"]) == (encoder, decoder)


@pytest.mark.parametrize("pair", PAIRS)
def test_retrieval_hides_nothing_and_reads_its_two_modalities_alone(pair: str) -> None:
    recipe = recipes.load(f"vlsa/stage-{pair}")
    assert not recipe.train_fields & HIDDEN
    fields = {"text": "text_ids", "audio": "sound", "video": "frames"}
    assert {modality for modality, field in fields.items() if field in recipe.train_fields} == set(pair.split("-"))
    scored = {field for name in recipe.evaluate.values() for field in recipe.graph.fields(name.needs)}
    assert scored == recipe.train_fields - {"group"}


def test_baselines_differ_from_pre_training_in_one_thing() -> None:
    whole = recipes.load("vlsa/stage-pretrain")
    for name in ("local-only", "global-only", "vtm"):
        baseline = recipes.load(f"vlsa/stage-pretrain-{name}")
        assert baseline == replace(whole, objectives=baseline.objectives) != whole
    for name in ("unshared", "joint"):
        baseline = recipes.load(f"vlsa/stage-pretrain-{name}")
        assert baseline == replace(whole, model=baseline.model) != whole
    texts_and_videos = {"video_global", "text_global"}
    assert not any(texts_and_videos <= set(objective.needs) for objective in whole.objectives.values())


def test_all_six_directions_are_those_of_the_pairs_alone() -> None:
    recipe = recipes.load("vlsa/stage-pretrain", TINY)
    data = recipe.data.build(0)
    torch.manual_seed(0)
    model = recipe.model_for(data).build().eval()
    run = EncodingRun(torch.device("cpu"))
    together = SIX(model, data, "val", run)
    assert set(together.metrics) == set(SIX.metrics)
    assert len(together.ranks) == 6
    for pair in SIX.pairs.values():
        alone = pair(model, data, "val", run)
        assert alone.metrics.items() <= together.metrics.items()
        assert alone.ranks.items() <= together.ranks.items()


@pytest.mark.parametrize("name", [f"vlsa/{name}" for name in FULL] + ["vlsa-s"])
def test_every_full_size_recipe_fits_its_data_and_builds_on_the_meta_device(name: str) -> None:
    recipe = recipes.load(name)
    model, data = replace(recipe.model, pretrained=None), recipe.data
    with torch.device("meta"):
        assert isinstance(model.model_type(model), Vlsa)
    assert data.hiding.patch_size == model.patch_size
    assert (data.sound.rows, data.sound.columns) == (model.sound_rows, model.sound_columns)
    assert (data.transform.size, data.text_length) == (model.image_size, model.text_length)
    assert data.frames.frames <= model.frames


def test_tasks_train_as_long_and_in_batches_as_large_as_in_the_paper() -> None:
    whole = recipes.load("vlsa/howto100m-audioset").train
    assert (whole.steps, whole.batch_size, whole.optimizer.lr, whole.optimizer.weight_decay) == (
        200_000,
        2048,
        1e-4,
        0.01,
    )
    tuned = recipes.load("vlsa/msrvtt").train
    assert (tuned.steps, tuned.batch_size) == (20 * 35, 256)  # 20 epochs of 9,000 clips


def trained(tmp_path: Path, name: str, *more: str) -> Path:
    folder = tmp_path / name
    assert main(["train", f"vlsa/{name}", *SHORT, *QUIET, f"run.dir={folder}", *more]) == 0
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of pre-training."""
    return trained(tmp_path_factory.mktemp("vlsa"), "stage-pretrain")


def test_retrieval_goes_on_from_pre_training_and_every_score_has_its_reference(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = json.loads((run / "metrics.json").read_text())
    references = facts["data"]["reference"]["test"]
    for direction in facts["scores"]["test"]["ranks"]:
        for k in (1, 5, 10):
            bounds = references[f"{direction}/R@{k}"]
            assert bounds["chance"] <= max(bounds.values()) <= 100
    capsys.readouterr()
    before = copytree(run, tmp_path / "before")
    tuned = trained(tmp_path, "stage-text-audio", f"model.pretrained={before}")
    assert f"{before}, fresh: temperature\n" in capsys.readouterr().out
    rmtree(before)  # what a run started from is not needed to read it, or other data by it
    assert evaluate_on(tuned, "vlsa/stage-text-audio", TINY, ["val"])["scores"].keys() == {"val"}
    model = Vlsa.from_pretrained(tuned / "model")
    clips = sorted(make("tiny").glob("videos/*.mp4"))[:3]
    codes = model.encode_audio(clips)
    assert codes.shape == (3, model.config.encoder.width)
    torch.testing.assert_close(codes.norm(dim=1), torch.ones(3))
    with pytest.raises(ValueError, match="not one path"):
        model.encode_audio(clips[0])
    for encode, view in ((model.encode_audio, "audio"), (model.encode_video, "video"), (model.encode_text, "text")):
        with pytest.raises(ValueError, match=f"nothing to encode as {view}.*give one item or more"):
            encode([])


def test_a_run_is_scored_on_data_of_other_windows_and_not_of_other_pictures(run: Path) -> None:
    """As the paper scores zero-shot: pre-training cuts windows out of clips, MSR-VTT's recipe does not."""
    on = "vlsa/stage-text-audio"
    plain, other = (
        evaluate_on(run, on, [*TINY, *changes], ["val"])["scores"]["val"]["metrics"]
        for changes in ([], ["data.cut=true", "data.windows=3"])
    )
    assert plain.keys() == other.keys()
    with pytest.raises(ConfigError, match=r"another sound\.json"):
        evaluate_on(run, on, [*TINY, "data.sound.centred=true"], ["val"])


def test_retrieval_does_not_go_on_from_other_pictures_of_sound(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changes = [f"model.pretrained={run}", "data.sound.centred=true", f"run.dir={tmp_path / 'run'}"]
    assert main(["train", "vlsa/stage-text-audio", *SHORT, *QUIET, *changes]) != 0
    assert f"data.sound shows other pictures than that of model.pretrained={run}" in capsys.readouterr().err


def test_a_joint_model_is_saved_as_what_it_is(tmp_path: Path) -> None:
    assert JointVlsa.from_pretrained(trained(tmp_path, "stage-pretrain-joint") / "model").config.gam_source == "joint"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["data.hiding.patch_size=8"], "patch_size=8, model.patch_size=16"),
        (["data.sound.rows=64"], "model.sound_rows"),
        (["data.text_length=64"], "text_length=64"),
        (["model.vocab_size=100"], "rows for 100"),
    ],
)
def test_data_that_do_not_fit_the_model_are_refused_before_training(
    tmp_path: Path, changes: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "vlsa/stage-pretrain", *SHORT, *QUIET, f"run.dir={tmp_path / 'run'}", *changes]) != 0
    assert message in capsys.readouterr().err


@pytest.mark.slow
def test_real_clips_with_and_without_sound_go_through_the_whole_pipeline(shared: Path, tmp_path: Path) -> None:
    root = shared / "data" / "video_text" / "msrvtt"
    last = ["train.steps=2", f"data.root={root}", "data.cache_frames=false", "data.cache_sound=false", *QUIET]
    assert main(["train", "vlsa/msrvtt-small", *last, f"run.dir={tmp_path / 'run'}"]) == 0
    facts = json.loads((tmp_path / "run" / "metrics.json").read_text())
    found = facts["scores"]["test"]["metrics"]
    assert all(0 <= found[f"{one}-to-{other}/R@1"] <= 100 for one, other in permutations(("text", "video", "audio"), 2))
    losses = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert all(isfinite(losses[-1][f"{name}/loss"]) for name in ("masked_video", "masked_audio", "masked_text"))
