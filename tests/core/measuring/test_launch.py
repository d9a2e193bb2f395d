"""Where runs are made: how many at once, on which cores and GPUs, and on a cluster."""

from concurrent.futures import Future
from pathlib import Path

import pytest
import submitit
from submitit.core.utils import FailedJobError

from quatrefoil.core.measuring import launch
from quatrefoil.core.measuring.jobs import Job
from quatrefoil.core.measuring.launch import Launch, Made, launcher
from quatrefoil.core.measuring.make import make
from quatrefoil.core.measuring.store import Store
from tests.core.measuring.toys import JOBS, ONE, says


def test_a_lost_start_of_several_is_trained_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    note = f"open({str(tmp_path / 'made')!r}, 'a').write(f.name + chr(10))"
    code = f"f = p.Path(sys.argv[1]); f.mkdir(parents=True); time.sleep(0.2); {note}"
    says(monkeypatch, f"import sys, time, pathlib as p; {code}; (f / 'metrics.json').write_text('{{}}')")
    later = [Job(ONE[1], 0, digit * 16, start=JOBS[0]) for digit in "ef"]
    with launcher("local", 2) as two:
        for made in [two.start(job) for job in later]:
            made.result()
    assert sorted((tmp_path / "made").read_text().split()) == sorted(j.folder.name for j in (JOBS[0], *later))


def test_several_at_once_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, str]] = []
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(launch, "train", lambda job, *, environment, **_: seen.append(environment))
    monkeypatch.setattr(launch.os, "sched_getaffinity", lambda _: set(range(8)))
    monkeypatch.setattr(launch.torch.cuda, "device_count", lambda: 0)
    with launcher("local", 3) as three:
        three.start(JOBS[0]).result()
    assert seen == [{"OMP_NUM_THREADS": "2"}]
    monkeypatch.setattr(launch.torch.cuda, "device_count", lambda: 4)
    with launcher("local", None) as four:
        for made in [four.start(job) for job in JOBS * 2]:
            made.result()
    assert {environment["CUDA_VISIBLE_DEVICES"] for environment in seen[1:]} <= set("0123")


@pytest.mark.parametrize(("gpus", "cores", "slots"), [(0, 1, 1), (0, 2, 2), (0, 64, 4), (3, 64, 3)])
def test_as_many_runs_are_made_at_once_as_there_are_gpus_or_a_few_cores(
    monkeypatch: pytest.MonkeyPatch, gpus: int, cores: int, slots: int
) -> None:
    monkeypatch.setattr(launch.torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setattr(launch.os, "sched_getaffinity", lambda _: set(range(cores)))
    with launcher("local", None) as found:
        assert found.slots == slots


def test_processes_take_none_but_the_gpus_that_may_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    shares = [launch._share(number, 3, devices=2) for number in range(3)]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,GPU-7")
    narrower = [launch._share(number, 3, devices=2) for number in range(3)]
    assert [share["CUDA_VISIBLE_DEVICES"] for share in (*shares, *narrower)] == ["0", "1", "0", "5", "GPU-7", "5"]


def test_a_clusters_jobs_are_the_same_training(
    tmp_path: Path, trained: list[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "LOGS", tmp_path / "cluster")
    start = launch._cluster("debug", 0, 2)  # submitit's executor that works in this process
    assert make(ONE, Store(tmp_path / "store"), Launch(start, 2, None)) == []
    assert trained == JOBS


def test_a_clusters_job_that_fails_is_a_failure_of_that_run_alone(tmp_path: Path, trained: list[Job]) -> None:
    class Lost:
        def done(self) -> bool:
            return True

        def result(self) -> None:
            raise TimeoutError("the cluster has taken it away")

    def start(job: Job) -> Made:
        return launch._OnCluster(job, Lost(), TimeoutError)

    failures = make(ONE, Store(tmp_path / "store"), Launch(start, 2, None))
    assert [str(failure) for failure in failures] == [f"{job}: the cluster has taken it away" for job in JOBS]


def test_no_process_makes_no_run() -> None:
    with pytest.raises(ValueError, match="give at least 1"), launcher("local", 0):
        pass


class Cluster:
    """In the place of submitit's executor: what it was asked for, and what was sent."""

    def __init__(self, **_: object) -> None:
        self.asked, self.sent = dict[str, object](), list[dict[str, object]]()

    def update_parameters(self, **asked: object) -> None:
        self.asked = asked

    def submit(self, *what: object, **how: object) -> Made:
        self.sent.append(how)
        done: Future[None] = Future()
        done.set_result(None)
        return done


@pytest.mark.parametrize("gpus", [0, 1])
def test_a_run_asks_the_cluster_for_gpus_and_cores_and_has_a_thread_for_each_core(
    monkeypatch: pytest.MonkeyPatch, gpus: int
) -> None:
    cluster = Cluster()
    monkeypatch.setattr(submitit, "AutoExecutor", lambda **_: cluster)
    with launcher("slurm", 3, gpus=gpus, cores=6) as found:
        found.start(JOBS[0]).result()
    assert (cluster.asked["gpus_per_node"], cluster.asked["cpus_per_task"]) == (gpus or None, 6)
    assert [how["environment"] for how in cluster.sent] == [{"OMP_NUM_THREADS": "6"}]


@pytest.mark.parametrize(("gpus", "cores"), [(-1, 1), (0, 0)])
def test_no_run_is_made_without_a_core(gpus: int, cores: int) -> None:
    asked = r"--gpus 0 or more, --cores 1 or more"
    with pytest.raises(ValueError, match=asked), launcher("slurm", 1, gpus=gpus, cores=cores):
        pass


def test_a_machine_without_slurm_is_told_what_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ValueError, match=r'sent to slurm .* "srun".*or leave out --on'), launcher("slurm", 1):
        pass


def test_a_job_that_the_cluster_does_not_take_is_a_failure_of_that_run_alone(
    tmp_path: Path, one_hash: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> Made:
        raise FailedJobError("Invalid generic resource")

    monkeypatch.setattr(submitit, "AutoExecutor", Cluster)
    monkeypatch.setattr(Cluster, "submit", refuse)
    with launcher("slurm", 1) as found:
        failures = make(ONE, Store(tmp_path / "store"), found)
    asked = "slurm did not take it, asked for --gpus 1 --cores 4: Invalid generic resource"
    assert [str(failure) for failure in failures] == [f"{job}: {asked}" for job in JOBS]
