"""A run as a whole: killed and resumed, over one process and several, and what it refuses."""

import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from quatrefoil.core.config import ConfigError
from quatrefoil.core.data import SampleKey
from quatrefoil.core.data.collate import TooManySkipped, collate
from quatrefoil.core.evaluation.encode import EncodingRun
from quatrefoil.core.evaluation.tasks import Retrieval, metric_names, score_splits
from quatrefoil.core.losses import IGNORE
from quatrefoil.core.objectives import Step
from quatrefoil.core.runs import checkpoint
from quatrefoil.core.runs.checkpoint import CheckpointError
from quatrefoil.core.runs.stored import evaluate
from quatrefoil.core.training.engine import EngineError, start_engine
from quatrefoil.core.training.stopping import NonFiniteLoss
from quatrefoil.core.training.trainer import Trainer, freeze_unreached
from tests.core.toy import OBJECTIVES, Toy, ToyConfig, ToyModule, ToySamples, toy_batch, toy_recipe, toy_run

TIMING = ("samples_per_second", "data_wait")
METRIC = "left_code-to-right_code/R@1"
ONE = [sys.executable, "-m", "tests.core.toy"]
LAUNCH = [
    sys.executable,
    "-m",
    "accelerate.commands.launch",
    "--num_machines",
    "1",
    "--mixed_precision",
    "no",
    "--dynamo_backend",
    "no",
]
TWO = [*LAUNCH, "--multi_gpu", "--num_processes", "2", "--main_process_port", "0", "-m", "tests.core.toy"]
ROOT = Path(__file__).resolve().parents[3]


def launch(command: list[str], *overrides: str, **environment: str) -> subprocess.CompletedProcess[str]:
    plain = {
        k: v
        for k, v in os.environ.items()
        if k not in ("WORLD_SIZE", "RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
    }
    full = plain | {"ACCELERATE_USE_CPU": "true", "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"} | environment
    return subprocess.run([*command, *overrides], env=full, capture_output=True, text=True, timeout=300, cwd=ROOT)


def logged(folder: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if k not in TIMING} for line in lines]


SETTINGS = ["train.checkpoint_every=3", "train.evaluate_every=4", "run.workers=1", "train.ema=0.9", "data.count=48"]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("uninterrupted") / "run"
    whole = launch(ONE, f"run.dir={folder}", *SETTINGS)
    assert whole.returncode == 0, whole.stderr
    return folder


@pytest.mark.parametrize("step", [1, 7])  # before the first checkpoint, and after one, in the second epoch
def test_a_run_killed_and_resumed_logs_the_same_losses_to_the_bit(
    uninterrupted: Path, tmp_path: Path, step: int
) -> None:
    killed = launch(ONE, f"run.dir={tmp_path}/cut", "resume=auto", *SETTINGS, DIE_AT=str(step))
    assert killed.returncode == -9
    resumed = launch(ONE, f"run.dir={tmp_path}/cut", "resume=auto", *SETTINGS)
    assert resumed.returncode == 0, resumed.stderr
    assert logged(tmp_path / "cut") == logged(uninterrupted)
    last = [
        checkpoint.load(checkpoint.checkpoints(run / "checkpoints")[-1]) for run in (uninterrupted, tmp_path / "cut")
    ]
    for name, tensors in last[0].tensors.items():
        assert all(torch.equal(value, last[1].tensors[name][key]) for key, value in tensors.items())


def test_a_finished_run_tells_what_its_cpu_time_went_into(uninterrupted: Path) -> None:
    told = json.loads((uninterrupted / "metrics.json").read_text())["cpu_seconds"]
    assert told.keys() == {"steps", "scores", "data", "rest"}
    assert all(seconds > 0 for seconds in told.values())  # a loader was another process


def test_two_processes_and_one_at_the_same_global_batch_learn_the_same(tmp_path: Path) -> None:
    settings = ["train.steps=20", "train.batch_size=7", "data.corrupt=16", "train.skip_budget=0.2"]
    one = launch(ONE, f"run.dir={tmp_path}/one", *settings)
    two = launch(TWO, f"run.dir={tmp_path}/two", *settings, "run.processes=2")
    assert one.returncode == 0, one.stderr
    assert two.returncode == 0, two.stderr
    assert json.loads((tmp_path / "two" / "metrics.json").read_text())["processes"] == 2
    for a, b in zip(logged(tmp_path / "one"), logged(tmp_path / "two"), strict=True):
        for name in ("loss", "contrast/loss", "match/loss", "tokens/loss", "gradient_norm"):
            assert a[name] == pytest.approx(b[name], rel=1e-5), (a["step"], name)
        assert a["skipped_samples"] == b["skipped_samples"]
    assert a["skipped_samples"] > 4


def test_every_process_stops_at_the_step_at_which_the_budget_of_all_is_spent(tmp_path: Path) -> None:
    settings = ["train.steps=20", "data.corrupt=4", "train.skip_budget=0", "run.processes=2"]
    stopped = launch(TWO, f"run.dir={tmp_path}/two", *settings)
    assert stopped.returncode != 0
    said = re.findall(r"TooManySkipped: (\d+ of \d+ samples)", stopped.stderr)
    assert said, stopped.stderr
    assert len(set(said)) == 1


def test_a_launcher_that_starts_fewer_processes_than_asked_is_an_error(tmp_path: Path) -> None:
    silent = launch([*LAUNCH, "--cpu", "--num_processes", "2", "-m", "tests.core.toy"], f"run.dir={tmp_path}/x")
    assert silent.returncode != 0
    assert "started one" in silent.stderr
    recipe = toy_recipe(["run.processes=2"])
    with pytest.raises(EngineError, match="this run has 1"):
        start_engine(recipe.train, recipe.run)


def test_a_run_folder_is_never_overwritten_nor_resumed_with_other_settings(tmp_path: Path) -> None:
    toy_run([f"run.dir={tmp_path}", "train.steps=2"])
    with pytest.raises(FileExistsError, match="resume=auto"):
        toy_run([f"run.dir={tmp_path}", "train.steps=2"])
    with pytest.raises(CheckpointError, match="resume with the same settings"):
        toy_run([f"run.dir={tmp_path}", "train.steps=3", "resume=auto"])


def test_a_finished_run_that_is_gone_on_with_stays_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    toy_run([f"run.dir={tmp_path}", "train.steps=2"])
    before = {path: path.read_bytes() for path in sorted(tmp_path.rglob("*")) if path.is_file()}
    toy_run([f"run.dir={tmp_path}", "train.steps=2", "resume=auto"])
    assert f"finished before: {tmp_path}/metrics.json" in capsys.readouterr().out
    assert {path: path.read_bytes() for path in sorted(tmp_path.rglob("*")) if path.is_file()} == before


def test_a_finished_run_is_not_resumed_elsewhere_without_the_weights_that_were_chosen(tmp_path: Path) -> None:
    settings = ["train.steps=1", f"train.select={METRIC}"]
    last = toy_run([f"run.dir={tmp_path}/own", *settings]) / "checkpoints" / "step-00000001"
    with pytest.raises(CheckpointError, match=r"the best weights, of step 1, are not in .*other.*resume=auto"):
        toy_run([f"run.dir={tmp_path}/other", *settings, f"resume={last}"])
    assert not (tmp_path / "other").exists()


HOW = [
    "train.accumulate=2",
    "train.skip_budget=0.5",
    "train.compile=true",
    "train.log_every=7",
    "train.checkpoint_every=5",
    "train.keep_last=9",
    "evaluate.retrieval.batch_size=3",
    "evaluate.retrieval.dual_softmax=0.1",
    "run.workers=2",
]


@pytest.mark.parametrize("setting", HOW)
def test_settings_of_how_are_no_part_of_what_was_trained(setting: str) -> None:
    assert toy_recipe([setting]).config_hash == toy_recipe().config_hash


@pytest.mark.parametrize("setting", ["train.steps=13", "train.precision=bf16", "train.evaluate_every=2"])
def test_settings_of_what_change_the_configuration_hash(setting: str) -> None:
    assert toy_recipe([setting]).config_hash != toy_recipe().config_hash


def test_a_run_goes_on_under_other_settings_of_how_as_if_nothing_had_changed(tmp_path: Path) -> None:
    settings = [f"run.dir={tmp_path}", "train.steps=4", "train.checkpoint_every=2"]
    toy_run(settings)
    last = tmp_path / "checkpoints" / "step-00000004"
    whole = checkpoint.load(last).tensors["model"]
    shutil.rmtree(last)  # as if the run had been killed after step 2
    how = ["train.skip_budget=0.5", "train.log_every=3", "train.keep_last=1", "evaluate.retrieval.batch_size=5"]
    toy_run([*settings, "resume=auto", *how])
    resumed = checkpoint.load(last).tensors["model"]
    assert all(torch.equal(value, resumed[name]) for name, value in whole.items())
    assert [path.name for path in checkpoint.checkpoints(tmp_path / "checkpoints")] == [last.name]


@pytest.mark.parametrize(
    ("select", "near"),
    [
        ("left_code-to-right_code/R@2", r"left_code-to-right_code/R@\d+"),
        ("right_code-to-left_code/MedianRank", "MedianR"),
    ],
)
def test_a_metric_that_no_evaluation_gives_is_refused_with_the_recipe_and_the_nearest_is_named(
    select: str, near: str
) -> None:
    with pytest.raises(ConfigError, match=f"did you mean `.*{near}`"):
        toy_recipe([f"train.select={select}"])


def test_a_metric_that_the_data_turn_out_not_to_give_is_told_with_those_that_they_give(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Retrieval, "metrics", ("AUPR",))  # exists for some data
    with pytest.raises(ConfigError, match=f"train.select=AUPR: these data do not give it, but .*{METRIC}"):
        toy_run([f"run.dir={tmp_path}", "train.steps=1", "train.select=AUPR"])


@pytest.mark.parametrize("names", [["one"], ["one", "two"]])
@pytest.mark.parametrize("temperature", ["none", "0.1"])
def test_metrics_are_announced_under_the_names_that_they_get(names: list[str], temperature: str) -> None:
    recipe = toy_recipe([f"evaluate.retrieval.dual_softmax={temperature}", "evaluate.retrieval.also_within=[3]"])
    evaluations = dict.fromkeys(names, recipe.evaluate["retrieval"])
    run = EncodingRun(torch.device("cpu"))
    scores = score_splits(Toy(ToyConfig()), ToyModule(64), evaluations, ["val"], run)
    assert list(scores["val"].metrics) == metric_names(evaluations)


def test_scores_of_dual_softmax_stand_beside_the_plain_ones_which_stay() -> None:
    """Post-processed, the similarity of a hub to any query is divided by that to all."""
    run = EncodingRun(torch.device("cpu"))
    model, data = Toy(ToyConfig()), ToyModule(64)
    plain, both = (
        toy_recipe([f"evaluate.retrieval.dual_softmax={each}"]).evaluate["retrieval"](model, data, "val", run)
        for each in ("none", "0.02")
    )
    assert plain.metrics.items() < both.metrics.items()
    processed = {name: value for name, value in both.metrics.items() if name not in plain.metrics}
    assert all("/dual_softmax/" in name for name in processed)
    assert list(processed.values()) != list(plain.metrics.values())
    assert both.ranks.keys() == {*plain.ranks, *(f"{direction}/dual_softmax" for direction in plain.ranks)}
    with pytest.raises(ConfigError, match="temperature of dual_softmax is above 0"):
        toy_recipe(["evaluate.retrieval.dual_softmax=0"])


def test_further_recalls_stand_beside_the_others_with_their_intervals() -> None:
    further = ["evaluate.retrieval.also_within=[2, 50]"]
    assert toy_recipe(further).config_hash == toy_recipe([]).config_hash, "what else is scored trains nothing"
    evaluation = toy_recipe(further).evaluate["retrieval"]
    found = evaluation(Toy(ToyConfig()), ToyModule(64), "val", EncodingRun(torch.device("cpu")))
    assert sorted(evaluation.metrics) == sorted(found.metrics)
    for direction, ranks in found.ranks.items():
        for k in (2, 50):
            share = found.metrics[f"{direction}/R@{k}"]
            assert share == pytest.approx(100 * sum(rank <= k for rank in ranks) / len(ranks))
            low, high = found.intervals[f"{direction}/R@{k}"]
            assert low <= share <= high
    for wrong in (0, 5):
        with pytest.raises(ConfigError, match=f"R@{wrong} is no further recall"):
            toy_recipe([f"evaluate.retrieval.also_within=[{wrong}]"])


def trainer(*overrides: str) -> Trainer:
    recipe = toy_recipe(overrides)
    return Trainer(recipe, ToyModule(64), start_engine(recipe.train, recipe.run))


def test_accumulation_is_refused_where_pairs_are_computed_across_micro_batches() -> None:
    with pytest.raises(ValueError, match="match compute views of pairs"):
        trainer("train.accumulate=2")


@pytest.mark.parametrize("off", [["match"], ["match", "contrast"], ["match", "tokens"]])
def test_accumulation_gives_the_losses_and_weights_of_the_whole_batch(off: list[str]) -> None:
    kept = [f"objectives.{name}=off" for name in off]
    whole, parts = trainer(*kept), trainer(*kept, "train.accumulate=3")
    for step, (batch, same) in enumerate(zip(whole.batches(0), parts.batches(0), strict=False)):
        # Uneven numbers of masked tokens in the micro-batches: a mean of means would be another loss.
        for b in (batch, same):
            b["right_labels"][0] = b["right_masked"][0]
            if step == 2:  # and a batch without a term at all
                b["right_labels"].fill_(IGNORE)
        a, b = whole.train_step(batch, step), parts.train_step(same, step)
        assert a.keys() == b.keys()
        assert a["loss"] == pytest.approx(b["loss"], rel=1e-6)
        assert a["gradient_norm"] == pytest.approx(b["gradient_norm"], rel=1e-5)
        if step == 4:
            break


def test_more_micro_batches_than_samples_are_refused_before_the_first_step() -> None:
    with pytest.raises(ValueError, match="a process has only 8 samples of a batch of 8"):
        trainer("objectives.match=off", "train.accumulate=9")


def test_a_batch_that_has_lost_samples_is_in_as_many_micro_batches_as_it_has_samples() -> None:
    corrupt = ("objectives.match=off", "train.skip_budget=0.5")
    whole, parts = (
        Trainer(recipe, ToyModule(64, corrupt=8), start_engine(recipe.train, recipe.run))
        for recipe in (toy_recipe(corrupt), toy_recipe([*corrupt, "train.accumulate=8"]))
    )
    for step, (batch, same) in enumerate(zip(whole.batches(0), parts.batches(0), strict=False)):
        a, b = whole.train_step(batch, step), parts.train_step(same, step)
        assert a["loss"] == pytest.approx(b["loss"], rel=1e-6)
        if step == 7:
            break
    assert parts.budget.skipped == 8


def test_accumulation_in_bf16_is_the_whole_batch_in_bf16() -> None:
    how = ("objectives.match=off", "train.precision=bf16")
    whole, parts = trainer(*how), trainer(*how, "train.accumulate=3")
    batch = next(whole.batches(0))
    a, b = whole.train_step(batch, 0), parts.train_step(batch, 0)
    assert a["contrast/loss"] == pytest.approx(b["contrast/loss"], rel=2e-2)  # bf16 rounds at 4e-3
    assert a["gradient_norm"] == pytest.approx(b["gradient_norm"], rel=2e-2)


def test_parameters_that_no_objective_reaches_are_frozen_and_named() -> None:
    only = {"tokens": OBJECTIVES["tokens"]}
    step = Step(Toy(ToyConfig()), only)
    frozen = freeze_unreached(step, toy_batch())
    assert set(frozen) == {"pair_head.weight", "pair_head.bias", "scale.log_scale"}
    assert {name for name, p in step.model.named_parameters() if not p.requires_grad} == set(frozen)
    assert freeze_unreached(Step(Toy(ToyConfig()), OBJECTIVES), toy_batch()) == []


def test_a_loss_that_is_not_finite_stops_the_run_and_names_the_samples() -> None:
    run = trainer()
    batch = next(run.batches(0))
    batch["left"][0] = torch.nan
    before = {name: value.clone() for name, value in run.model.state_dict().items()}
    with pytest.raises(NonFiniteLoss, match=re.escape(f"nothing was updated; samples: {batch['id']}")):
        run.train_step(batch, 0)
    assert all(torch.equal(value, before[name]) for name, value in run.model.state_dict().items())


def test_corrupt_samples_are_skipped_within_the_budget_and_stop_the_run_beyond_it() -> None:
    recipe = toy_recipe(["train.skip_budget=0.5"])
    module = ToyModule(64, corrupt=8)
    run = Trainer(recipe, module, start_engine(recipe.train, recipe.run))
    for step, batch in zip(range(8), run.batches(0), strict=False):
        assert torch.isfinite(torch.tensor(run.train_step(batch, step)["loss"]))
    assert run.budget.seen == 64
    assert run.budget.skipped == len(run.budget.named) == 8  # an epoch of 64 samples holds 8 corrupt ones
    assert "cannot be read" in run.budget.named[0].reason
    strict = Trainer(toy_recipe(), module, start_engine(recipe.train, recipe.run))
    steps = (strict.train_step(batch, step) for step, batch in enumerate(strict.batches(0)))
    with pytest.raises(TooManySkipped, match=r"1[12] of "):  # the first ten pass
        list(itertools.islice(steps, 16))


def test_evaluating_again_gives_the_same_scores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy_run([f"run.dir={tmp_path}", "train.steps=3"])
    monkeypatch.setattr(
        "quatrefoil.core.recipes.find", lambda name: type("Entry", (), {"load": staticmethod(lambda: toy_recipe)})
    )
    stored = json.loads((tmp_path / "metrics.json").read_text())["scores"]
    for path in (tmp_path, tmp_path / "checkpoints" / "step-00000003"):
        assert {split: score.metrics for split, score in evaluate(path).items()} == {
            split: score["metrics"] for split, score in stored.items()
        }
    assert list(evaluate(tmp_path, splits=["val"])) == ["val"]
    with pytest.raises(ConfigError, match="no split 'tset'; there are train, val"):
        evaluate(tmp_path, splits=["tset"])
    assert not evaluate(tmp_path, ["evaluate.retrieval=off"], ["val"])["val"].metrics


def test_what_cannot_be_evaluated_is_told_with_what_can(tmp_path: Path) -> None:
    toy_run([f"run.dir={tmp_path}", "train.steps=1"])
    with pytest.raises(CheckpointError, match="neither a finished run"):
        evaluate(tmp_path / "model")
    with pytest.raises(CheckpointError, match=f"there is no {tmp_path}/gone; give a run folder"):
        evaluate(tmp_path / "gone")
    (tmp_path / "metrics.json").unlink()
    with pytest.raises(CheckpointError, match=r"has not finished; .*resume=auto, or evaluate .*step-00000001"):
        evaluate(tmp_path)


def test_a_saved_model_comes_back_the_same_and_its_card_states_what_was_measured(tmp_path: Path) -> None:
    toy_run([f"run.dir={tmp_path}", "train.steps=2", "seed=3"])
    model, of_run = (Toy.from_pretrained(folder) for folder in (tmp_path / "model", tmp_path))
    assert all(torch.equal(value, of_run.state_dict()[name]) for name, value in model.state_dict().items())
    batch = collate([ToySamples()[SampleKey(0, 5)]], {"right_labels": IGNORE})
    saved = checkpoint.load(tmp_path / "checkpoints" / "step-00000002").tensors["model"]
    assert all(torch.equal(value, saved[name]) for name, value in model.state_dict().items())
    assert model.encode(batch, "left_code").shape == (1, 8)
    card = (tmp_path / "model" / "README.md").read_text()
    assert "toy-v1" in card
    low, high = json.loads((tmp_path / "metrics.json").read_text())["scores"]["test"]["intervals"][METRIC]
    (line,) = (line for line in card.splitlines() if line.startswith(f"| test | {METRIC} |"))
    assert line.endswith(f" | {low:.4g} to {high:.4g} |")
    assert "from tests.core.toy import Toy\n\nmodel = Toy.from_pretrained(" in card
    assert "Seed 3" in card
    assert "the last step: no split chose them" in card


def test_all_files_of_a_run_can_be_read_by_others(tmp_path: Path) -> None:
    toy_run([f"run.dir={tmp_path}", "train.steps=1", "train.ema=0.9"])
    weights = list(tmp_path.rglob("*.safetensors"))
    assert {"model.safetensors", "ema.safetensors", "optimizer.safetensors"} <= {path.name for path in weights}
    assert {oct(path.stat().st_mode & 0o777) for path in weights} == {"0o644"}


def test_a_model_of_another_class_is_named(tmp_path: Path) -> None:
    class Larger(Toy):
        def __init__(self, config: ToyConfig) -> None:
            super().__init__(config)
            self.more = nn.Linear(2, 2)

    toy_run([f"run.dir={tmp_path}", "train.steps=1"])
    with pytest.raises(ValueError, match=r"model holds a model of class Toy, not Larger; read it by that"):
        Larger.from_pretrained(tmp_path)


def test_a_card_says_which_metric_chose_the_weights_that_it_is_of(tmp_path: Path) -> None:
    toy_run([f"run.dir={tmp_path}", "train.steps=1", f"train.select={METRIC}"])
    assert f"the weights of step 1, chosen on `val` by {METRIC}" in (tmp_path / "model" / "README.md").read_text()


def test_a_folder_without_a_model_and_a_path_that_is_none_are_named(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=f"{tmp_path} has no config.json: no model lies there; give a finished run, or"
    ):
        Toy.from_pretrained(tmp_path)
    for wrong in (tmp_path / "none", "./none", "a/b/c", "model.safetensors"):
        with pytest.raises(ValueError, match=f"there is no {wrong} "):
            Toy.from_pretrained(wrong)
