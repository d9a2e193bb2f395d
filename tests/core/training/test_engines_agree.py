"""One process, DDP and ZeRO 0 to 3 train the same, and go on from one another's checkpoints."""

import json
import shutil
import time
from pathlib import Path

import pytest
import torch

from quatrefoil.core.distributed import RanksDisagree
from quatrefoil.core.runs import checkpoint
from tests.core.toy import toy_run
from tests.core.training.in_turn import as_a_launcher_does, make_way
from tests.core.training.test_accelerate_configs import FOLDER as CONFIGS
from tests.core.training.test_run import LAUNCH, TWO, launch, logged
from tests.distributed_harness import RankFailed, run_ranks

pytestmark = pytest.mark.slow
SETTINGS = ["train.steps=20", "train.batch_size=7", "train.checkpoint_every=10"]
CUT = ["zero0", "zero1", "zero2", "zero3", "fsdp2"]
CACHING = ["ddp", "zero0", "zero1", "fsdp2"]


def _trained(engine: str, folder: Path, *overrides: str) -> None:
    """Train the toy with an engine in a process that may have trained with others."""
    make_way(engine, folder)
    toy_run([f"run.dir={folder}", "resume=auto", f"run.engine={engine}", *SETTINGS, *overrides])


def _in_other_settings(engines: list[str], folder: Path) -> None:
    as_a_launcher_does()
    alone = ["objectives.contrast=off", "objectives.match=off"]  # what couples samples cannot be accumulated
    for engine in engines:
        _trained(engine, folder / f"{engine}-accumulated", "train.steps=5", "train.accumulate=2", *alone)
        _trained(engine, folder / f"{engine}-bf16", "train.steps=5", "train.precision=bf16")
        for parts in (1, 2) if engine in CACHING else ():
            apart = ["train.steps=5", f"train.accumulate={parts}", "objectives.match=off"]
            _trained(engine, folder / f"{engine}-in-{parts}", *apart)


def _on_ranks(engines: list[str], folder: Path, resumed: dict[str, str]) -> None:
    """Train with each engine; then go on from the middle of one's run with another (folder -> engine)."""
    rank = as_a_launcher_does()
    for engine in engines:
        _trained(engine, folder / engine)
    torch.distributed.barrier()
    for name, engine in resumed.items():
        if rank == 0:
            _halved(folder / name.split("-")[0], folder / name)
        torch.distributed.barrier()
        _trained(engine, folder / name)


def _halved(run: Path, to: Path) -> Path:
    """A copy of the run as it was after ten steps."""
    shutil.copytree(run, to)
    shutil.rmtree(to / "checkpoints" / "step-00000020")
    return to


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of every engine at two ranks, and of one process."""
    folder = tmp_path_factory.mktemp("runs")
    resumed = {f"{engine}-resumed": engine for engine in CUT}
    run_ranks(2, _on_ranks, ["ddp", *CUT], folder, resumed, timeout_s=900)
    run_ranks(1, _on_ranks, ["ddp"], _made(folder / "alone"), {}, timeout_s=300)
    return folder


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def assert_same_losses(a: Path, b: Path, tolerance: float = 1e-5) -> None:
    for one, other in zip(logged(a), logged(b), strict=True):
        for name in (name for name in one if name.endswith("loss") or name == "gradient_norm"):
            assert one[name] == pytest.approx(other[name], rel=tolerance), (one["step"], name)


@pytest.mark.parametrize("engine", ["ddp", *CUT])
def test_an_engine_trains_as_one_process_does(runs: Path, engine: str) -> None:
    assert_same_losses(runs / "alone" / "ddp", runs / engine)
    facts = json.loads((runs / engine / "metrics.json").read_text())
    assert (facts["engine"], facts["processes"]) == (engine, 2)


@pytest.mark.parametrize("engine", CUT)
def test_an_engine_that_cuts_resumes_to_the_bit(runs: Path, engine: str) -> None:
    resumed = runs / f"{engine}-resumed"
    assert logged(resumed) == logged(runs / engine)
    whole, again = (checkpoint.load(run / "checkpoints" / "step-00000020").tensors for run in (runs / engine, resumed))
    for name, tensors in whole.items():
        assert all(torch.equal(value, again[name][key]) for key, value in tensors.items()), name


@pytest.mark.parametrize(("engine", "processes"), [("ddp", 1), ("ddp", 4), ("zero2", 1), ("zero3", 4), ("fsdp2", 4)])
def test_a_run_of_two_processes_goes_on_with_another_number_over_the_same_samples(
    runs: Path, engine: str, processes: int
) -> None:
    name = f"{engine}-at-{processes}"
    run_ranks(processes, _on_ranks, [], runs, {name: "ddp"}, timeout_s=600)
    assert_same_losses(runs / engine, runs / name)
    assert json.loads((runs / name / "metrics.json").read_text())["processes"] == processes


def _on_a_disk_of_its_own(folder: Path) -> None:
    _trained("ddp", folder / str(as_a_launcher_does()))


def test_ranks_that_see_other_checkpoints_are_refused_before_they_train_apart(runs: Path, tmp_path: Path) -> None:
    _halved(runs / "ddp", tmp_path / "0")
    with pytest.raises(RankFailed, match=r"one folder for all ranks: .* differs .*rank 0: 10, rank 1: 0"):
        run_ranks(2, _on_a_disk_of_its_own, tmp_path)


def _told_apart(folder: Path, by_rank: list[list[str]]) -> list[str]:
    """What each pair of settings, one for each of two ranks, ends in."""
    rank, said = as_a_launcher_does(), []
    for number, settings in enumerate(by_rank):
        with pytest.raises(RanksDisagree) as refused:
            _trained("ddp", folder / str(number), settings[rank])
        said.append(str(refused.value))
    return said


def test_ranks_that_were_told_different_things_are_refused_before_they_train_apart(tmp_path: Path) -> None:
    pairs = [["train.accumulate=1", "train.accumulate=2"], ["objectives.match=off", "train.log_every=1"]]
    pairs += [["seed=1", "seed=2"], ["data.corrupt=0", "data.corrupt=9"], ["run.workers=0", "data.count=80"]]
    names = ["train.accumulate", "the configuration", "the seed", "the configuration", "the configuration"]
    for said in run_ranks(2, _told_apart, tmp_path, pairs):
        assert [each.partition(" differs between ranks: rank 0: ")[0] for each in said] == names
    assert list(tmp_path.glob("*/config.json")) == []


def test_accumulated_cached_and_in_bf16_all_train_as_ddp_does(tmp_path: Path) -> None:
    run_ranks(2, _in_other_settings, ["ddp", *CUT], tmp_path, timeout_s=600)
    for engine in CUT:
        assert_same_losses(tmp_path / "ddp-accumulated", tmp_path / f"{engine}-accumulated")
        assert_same_losses(tmp_path / "ddp-bf16", tmp_path / f"{engine}-bf16", tolerance=1e-2)  # bf16 rounds at 4e-3
    for engine in CACHING:
        assert_same_losses(tmp_path / "ddp-in-1", tmp_path / f"{engine}-in-2")


def test_a_rank_that_dies_ends_the_job_within_a_minute(tmp_path: Path) -> None:
    killed = launch([*TWO[:-1], "tests.core.training.one_rank_dies"], f"run.dir={tmp_path}", *SETTINGS)
    assert killed.returncode != 0
    assert len(logged(tmp_path)) == 3
    assert time.time() - (tmp_path / "log.jsonl").stat().st_mtime < 60  # since the last step that all ranks took


def test_zero_with_fewer_processes_than_asked_is_an_error() -> None:
    one = ["--use_deepspeed", "--num_processes", "1", "--main_process_port", "0"]
    alone = launch([*LAUNCH, *one, "-m", "tests.core.toy"], "run.processes=2")
    assert alone.returncode != 0
    assert "run.processes=2, but this run has 1" in alone.stderr


def test_the_launchers_fsdp_is_the_engine_fsdp2(tmp_path: Path) -> None:
    file = CONFIGS / "fsdp2_cpu.yaml"
    done = launch([*LAUNCH, "--config_file", str(file), "-m", "tests.core.toy"], f"run.dir={tmp_path}", *SETTINGS)
    assert done.returncode == 0, done.stderr
    facts = json.loads((tmp_path / "metrics.json").read_text())
    assert (facts["engine"], facts["processes"]) == ("fsdp2", 2)
