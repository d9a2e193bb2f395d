"""Clover's recipes on real data: what no objective asks for is not computed, runs resume, tasks go on from runs."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from quatrefoil.core import recipes
from quatrefoil.core.cli import main
from quatrefoil.core.data.collate import first_batch
from quatrefoil.core.data.mixture import plan_of
from quatrefoil.core.describe import count_flops
from quatrefoil.core.objectives import Step
from quatrefoil.core.recipes import Recipe
from quatrefoil.core.runs import checkpoint
from quatrefoil.video_text.datasets.choice_data import ChoiceData
from quatrefoil.video_text.datasets.clips import Reading
from quatrefoil.video_text.datasets.module import CloverData
from quatrefoil.video_text.datasets.question_data import QuestionData
from quatrefoil.video_text.datasets.stage import make
from quatrefoil.video_text.media.augment import resize
from quatrefoil.video_text.models.clover_answers import CloverAnswers, CloverAnswersConfig

TINY = ["data.size=tiny", "data.cache_frames=false"]
SHORT = [*TINY, "train.batch_size=8", "train.evaluate_every=0", "run.progress=false", "run.workers=0"]
MASKED_FIELDS = {"text_masked_ids", "text_labels", "video_masked_cells"}
QUESTIONS = ("action", "transition", "frame", "fib", "mc")
FULL = ("webvid-cc3m", "msrvtt", "didemo", "lsmdc", "tgif-action", "tgif-transition", "tgif-frame", "msrvtt-qa",
        "msvd-qa", "msrvtt-mc", "lsmdc-mc", "lsmdc-fib")  # fmt: skip


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
    for name, module in step.model.named_children():
        module.register_forward_hook(lambda *_, name=name: calls.update([name]))
    assert torch.isfinite(step(batch, 0)["loss"])
    return calls


def test_pre_training_runs_each_encoder_twice() -> None:
    calls = calls_of(recipes.load("clover/stage-pretrain", TINY))
    assert {calls[name] for name in ("visual", "textual", "fusion", "video_head", "text_head")} == {2}
    assert calls["fused_video_head"] == calls["fused_text_head"] == calls["token_head"] == 1


@pytest.mark.parametrize(
    ("name", "fusions"), [("stage-pretrain-no-masks", 1), ("stage-pretrain-pairwise", 0), ("stage-retrieval", 0)]
)
def test_without_objectives_of_masks_no_mask_is_made_and_no_masked_pass_is_run(name: str, fusions: int) -> None:
    recipe = recipes.load(f"clover/{name}", TINY)
    assert not MASKED_FIELDS & recipe.train_fields
    calls = calls_of(recipe)
    assert (calls["visual"], calls["textual"], calls["fusion"], calls["token_head"]) == (1, 1, fusions, 0)


def test_without_masked_copies_a_step_is_less_than_six_tenths_of_the_work() -> None:
    whole, unmasked, pairwise = (
        count_flops(recipes.load(f"clover/stage-pretrain{arm}", TINY), rows=4).total
        for arm in ("", "-no-masks", "-pairwise")
    )
    assert pairwise < unmasked < 0.6 * whole


def test_an_ablation_by_override_drops_the_passes_that_only_it_needed() -> None:
    off = ["objectives.tma_text=off", "objectives.mlm=off", "objectives.rank_text=off", "objectives.tma_video=off"]
    recipe = recipes.load("clover/stage-pretrain", [*TINY, *off])
    assert recipe.train_fields & MASKED_FIELDS == {"video_masked_cells"}
    calls = calls_of(recipe)
    assert (calls["visual"], calls["textual"], calls["fusion"]) == (2, 1, 0)


def test_ablations_differ_from_pre_training_in_their_objectives_alone() -> None:
    whole = recipes.load("clover/stage-pretrain")
    kept = {
        "early": set(whole.objectives),
        "pairwise": {"vtc"},
        "no-ranking": {"mlm", "tma_video", "tma_text"},
        "no-masks": {"tma_video", "tma_text"},
    }
    for name, names in kept.items():
        ablation = recipes.load(f"clover/stage-pretrain-{name}")
        assert set(ablation.objectives) == names
        assert (ablation.model, ablation.data, ablation.train) == (whole.model, whole.data, whole.train)


def test_a_resumed_run_has_the_weights_of_one_that_was_not_stopped(tmp_path: Path) -> None:
    for name, steps in (("whole", "4"), ("stopped", "2")):
        every = ["train.steps=4", "train.checkpoint_every=2", "train.select=none", f"run.dir={tmp_path / name}"]
        main(["train", "clover/stage-pretrain", *SHORT, *every])
        for path in checkpoint.checkpoints(tmp_path / name / "checkpoints"):
            if int(path.name.removeprefix("step-")) > int(steps):
                (path / checkpoint.MANIFEST).unlink()
    with pytest.warns(UserWarning, match="passed over the checkpoint"):
        main(["train", "clover/stage-pretrain", *SHORT, *every, "resume=auto"])
    ends = [
        checkpoint.load(checkpoint.path_of(tmp_path / name / "checkpoints", 4)).tensors["model"]
        for name in ("whole", "stopped")
    ]
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])


@pytest.mark.slow
def test_tasks_go_on_from_a_pre_trained_run_and_say_what_is_fresh(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(name: str, *more: str) -> Path:
        folder = tmp_path / name
        last = ["train.steps=2", "train.select=none"]  # of so few clips none may be held out to validate on
        assert main(["train", f"clover/{name}", *SHORT, *last, f"run.dir={folder}", *more]) == 0
        return folder

    trained = run("stage-pretrain")
    for name in ("stage-retrieval", *(f"stage-qa-{task}" for task in QUESTIONS)):
        capsys.readouterr()
        folder = run(name, f"model.pretrained={trained}")
        answers = name.startswith("stage-qa") and name != "stage-qa-mc"
        assert f"{trained}, fresh: {'answer_head' if answers else 'nothing'}\n" in capsys.readouterr().out
        facts = json.loads((folder / "metrics.json").read_text())
        (metric,) = {"accuracy", "text-to-video/R@1"} & facts["scores"]["test"]["metrics"].keys()
        assert facts["data"]["reference"]["test"][metric]["chance"] > 0
    model = CloverAnswers.from_pretrained(tmp_path / "stage-qa-frame" / "model")
    assert len(json.loads(model.assets["answers.json"])) == model.config.answer.answers
    trained.rename(tmp_path / "moved")  # what a run started from is not needed to evaluate it
    main(["evaluate", str(tmp_path / "stage-qa-frame"), "--json"])
    again = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert again == json.loads((tmp_path / "stage-qa-frame" / "metrics.json").read_text())["scores"]


@pytest.mark.parametrize("arm", ["-pairwise", "-no-masks", "-no-ranking"])
def test_tasks_go_on_from_every_ablation_and_its_seeds_are_one_configuration(tmp_path: Path, arm: str) -> None:
    tasks = ("stage-retrieval", "stage-qa-frame")
    hashes = []
    for seed in (0, 1):
        folder = tmp_path / str(seed)
        more = ["train.steps=1", "train.select=none", "evaluate.retrieval=off", f"seed={seed}", f"run.dir={folder}"]
        assert main(["train", f"clover/stage-pretrain{arm}", *SHORT, *more]) == 0
        started = [recipes.load(f"clover/{task}", [*TINY, f"model.pretrained={folder}"]) for task in tasks]
        hashes.append([recipe.config_hash for recipe in started])
    assert hashes[0] == hashes[1]
    weights = started[0].model.build().state_dict()
    saved = checkpoint.load(folder / "checkpoints" / "step-00000001").tensors["model"]
    assert all(torch.equal(weights[name], value) for name, value in saved.items())


def test_a_start_of_another_size_or_tokeniser_is_told_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = recipes.load("clover/stage-pretrain", ["model.projection=64"]).model.build()
    other.assets = dict.fromkeys(other.asset_names, "{}")
    other.save_pretrained(tmp_path / "other")
    asked = [*SHORT, f"model.pretrained={tmp_path / 'other'}", f"run.dir={tmp_path / 'run'}"]
    assert main(["train", "clover/stage-retrieval", *asked]) == 2
    assert "of a model of another size" in capsys.readouterr().err


def test_a_choice_must_not_be_trained_on_the_clips_that_it_is_tested_with() -> None:
    data = recipes.load("clover/stage-qa-mc", TINY).data
    module = data.build(0)
    tested = {clip.id for clip in module._test.split.clips}  # type: ignore[attr-defined]
    assert tested
    assert not tested & {clip.id for clip in module.split("train").clips}  # type: ignore[attr-defined]


def test_msvd_qa_reads_whole_frames_resized_as_its_official_configuration_does() -> None:
    data = recipes.load("clover/msvd-qa").data
    frames = torch.randint(256, (1, 3, 40, 80), dtype=torch.uint8)
    assert torch.equal(data.transform(frames, None), resize(frames, 224, 224))  # type: ignore[attr-defined]


@pytest.mark.parametrize("task", [name for name in FULL if name != "webvid-cc3m"])
def test_full_size_tasks_start_from_the_run_that_pre_training_leaves(task: str) -> None:
    left = recipes.load("clover/webvid-cc3m").run.dir
    assert Path(recipes.load(f"clover/{task}").model.pretrained) == left  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("task", "batch", "rate", "decay", "epochs", "warmup", "clip", "frames", "lengths", "precision"),
    [
        ("msrvtt", 128, 1.2e-5, 0.01, 100, 10, 5, (12, 32), (30, 25), "bf16"),
        ("didemo", 256, 1.2e-5, 0.01, 50, 5, 5, (8, 32), (50, 64), "fp32"),
        ("lsmdc", 256, 1.2e-5, 0.01, 50, 5, 5, (8, 32), (40, 40), "bf16"),
        ("msrvtt-mc", 16, 1.2e-5, 0.01, 100, 10, 5, (8, 32), (30, 30), "bf16"),
        ("msrvtt-qa", 256, 1.2e-5, 0.001, 20, 2, 50, (8, 8), (40, 40), "bf16"),
        ("msvd-qa", 128, 1.2e-5, 0.01, 40, 4, 50, (8, 8), (40, 40), "bf16"),
        ("tgif-frame", 128, 1.2e-5, 0.01, 20, 2, 50, (8, 8), (40, 40), "bf16"),
        ("tgif-action", 128, 5e-6, 0.01, 100, 10, 50, (8, 32), (100, 100), "bf16"),
        ("tgif-transition", 128, 5e-6, 0.01, 50, 5, 50, (8, 32), (100, 100), "bf16"),
        ("lsmdc-mc", 128, 1.2e-5, 0.01, 20, 2, 50, (8, 8), (256, 256), "fp32"),
        ("lsmdc-fib", 128, 1.2e-5, 0.01, 20, 2, 50, (8, 8), (200, 200), "bf16"),
    ],
)
def test_full_size_tasks_have_the_official_settings(
    task: str, batch: int, rate: float, decay: float, epochs: int, warmup: int, clip: float,
    frames: tuple[int, int], lengths: tuple[int, int], precision: str,
) -> None:  # fmt: skip
    """The official configurations, exp_local/finetune_*.py; fp16 there is bf16 here."""
    recipe = recipes.load(f"clover/{task}")
    train, data = recipe.train, recipe.data
    assert isinstance(data, CloverData | ChoiceData | QuestionData)
    assert (train.batch_size, train.precision) == (batch, precision)
    options = train.optimizer
    assert (options.lr, options.weight_decay, options.betas, options.clip_norm) == (rate, decay, (0.9, 0.98), clip)
    assert (train.steps / train.evaluate_every, train.schedule.warmup / train.evaluate_every) == (epochs, warmup)
    assert train.schedule.name == "cosine"
    tested = data.tested or Reading(data.frames, data.text_length)
    assert (data.frames.frames, tested.frames.frames) == frames
    assert (data.text_length, tested.text_length) == lengths
    assert dict(options.multipliers) == ({"answer_head": 10.0} if isinstance(data, QuestionData) else {})


@pytest.mark.parametrize(
    ("task", "answers", "dropout"),
    [
        ("msrvtt-qa", 1500, 0.1), ("msvd-qa", 1000, 0.5), ("tgif-frame", 1540, 0.1), ("lsmdc-fib", 908, 0.5),
        ("tgif-action", 1, 0.5), ("tgif-transition", 1, 0.5), ("lsmdc-mc", 1, 0.5),
    ],
)  # fmt: skip
def test_full_size_questions_have_the_official_heads(task: str, answers: int, dropout: float) -> None:
    model = recipes.load(f"clover/{task}").model
    assert isinstance(model, CloverAnswersConfig)
    assert (model.answer.answers, model.answer.dropout) == (answers, dropout)


def test_full_size_pre_training_keeps_the_official_share_of_gradients() -> None:
    objectives = recipes.load("clover/webvid-cc3m").objectives
    scales = {name: vars(objective).get("gradient_scale") for name, objective in objectives.items()}
    assert scales == {**dict.fromkeys(("tma_video", "tma_text", "rank_text", "rank_video"), "local"), "mlm": None}


def few_of_msvd(source: Path, root: Path) -> Path:
    """A folder with MSVD's annotations and five of its clips for validation."""
    videos = sorted((source / "videos").glob("*.*"))
    wanted = set((source / "val_list.txt").read_text().split())
    (root / "videos").mkdir(parents=True)
    for path in [path for path in videos if path.stem in wanted][:5]:
        (root / "videos" / path.name).symlink_to(path)
    for path in source.glob("*.*"):
        (root / path.name).symlink_to(path)
    return root


def test_a_run_on_stage_is_evaluated_zero_shot_on_real_clips_in_its_own_tokens(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one_step = ["train.steps=1", "train.select=none", "evaluate.retrieval=off", f"run.dir={tmp_path / 'run'}"]
    assert main(["train", "clover/stage-pretrain-pairwise", *SHORT, *one_step]) == 0
    capsys.readouterr()
    root = few_of_msvd(shared / "data/video_text/msvd", tmp_path / "msvd")
    msvd = ["--on", "clover/msvd-small", "--split", "val", f"data.root={root}", "run.workers=0"]
    assert main(["evaluate", str(tmp_path / "run"), *msvd, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert facts["data"]["protocol"].startswith("msvd-all-captions[5/")
    assert (facts["recipe"], facts["evaluated_on"]) == ("clover/stage-pretrain-pairwise", "clover/msvd-small")
    ranks = facts["scores"]["val"]["ranks"]["text-to-video"]
    assert len(ranks) == facts["data"]["splits"]["val"]["captions"]
    assert max(ranks) <= facts["data"]["splits"]["val"]["clips"] == 5
    assert main(["evaluate", str(tmp_path / "run"), *msvd, "data.transform.size=64"]) == 2
    assert "data.transform.size=64, model.image_size=96" in capsys.readouterr().err
