"""Where runs are made: in processes of this machine, which share its GPUs or cores, or on a SLURM cluster."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Protocol

import torch

from quatrefoil.core.measuring.jobs import Job, RunFailed, Running, train
from quatrefoil.core.measuring.options import CORES, GPUS, MOST_PROCESSES, Where

POLL_SECONDS = 0.5
LOGS = Path("runs/cluster")


class Made(Protocol):
    """A run that is being made: `concurrent.futures.Future`, and submitit's jobs."""

    def done(self) -> bool: ...

    def result(self) -> Any:
        """Raises what the run raised."""


@dataclass(frozen=True)
class Launch:
    """Starts runs, of which `slots` may be made at once.

    Args:
        end: tells those under way to save and to end; None where they go on without us.
    """

    start: Callable[[Job], Made]
    slots: int
    end: Callable[[], None] | None


@contextmanager
def launcher(where: Where, processes: int | None, *, gpus: int = GPUS, cores: int = CORES) -> Iterator[Launch]:
    """Something that starts runs.

    Args:
        where: `local`, or `slurm`, through submitit, which has to be installed; partition, account and the like are
            taken from SLURM's own environment variables.
        processes: runs at once; None is one for each GPU, or, where there is none, for each of up to 4 processor cores:
            more would ask for more memory than a small machine has.
        gpus, cores: that a cluster gives each run; here, runs share what there is.

    Raises:
        ValueError: fewer than one process or core, fewer than no GPU, or a cluster that is not there, or without
            submitit.
    """
    devices = torch.cuda.device_count()
    if processes is None:
        processes = devices or min(MOST_PROCESSES, len(os.sched_getaffinity(0)))
    if processes < 1:
        raise ValueError(f"cannot make runs with {processes} processes; give at least 1")
    if where == "slurm":
        yield Launch(_cluster(where, gpus, cores), processes, end=None)
        return
    free: SimpleQueue[dict[str, str]] = SimpleQueue()
    for number in range(processes):
        free.put(_share(number, processes, devices))
    running = Running()
    with ThreadPoolExecutor(processes) as pool:
        yield Launch(lambda job: pool.submit(_with_share, job, free, processes == 1, running), processes, running.end)


def first_done(running: Sequence[Made], given_up: Callable[[], bool]) -> list[Made]:
    """Wait until some of these have ended; those. None where waiting is given up."""
    while not (ended := [made for made in running if made.done()]) and not given_up():
        time.sleep(POLL_SECONDS)
    return ended


def _share(number: int, processes: int, devices: int) -> dict[str, str]:
    """The GPU, or the processor cores, of one of several processes; what is set outside stands."""
    if devices:
        seen = os.environ.get("CUDA_VISIBLE_DEVICES") or ",".join(map(str, range(devices)))
        return {"CUDA_VISIBLE_DEVICES": seen.split(",")[number % devices].strip()}
    cores = len(os.sched_getaffinity(0)) // processes
    return {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(max(1, cores)))}


def _with_share(job: Job, free: "SimpleQueue[dict[str, str]]", alone: bool, running: Running) -> None:
    share = free.get()
    try:
        train(job, alone=alone, environment=share, begin=running.process)
    finally:
        free.put(share)


def _cluster(name: str, gpus: int, cores: int) -> Callable[[Job], Made]:
    """Runs as jobs of a cluster that submitit knows."""
    if gpus < 0 or cores < 1:
        raise ValueError(f"no run is made on {gpus} GPUs and {cores} cores; give --gpus 0 or more, --cores 1 or more")
    try:
        import submitit  # an extra: only clusters need it
        from submitit.core.utils import FailedSubmissionError, UncompletedJobError
    except ImportError as error:
        raise ValueError("runs on a cluster need submitit: pip install 'quatrefoil-core[cluster]'") from error
    try:
        executor = submitit.AutoExecutor(folder=LOGS, cluster=name)
    except RuntimeError as error:
        mend = "start them on a machine that submits its jobs, or leave out --on"
        raise ValueError(f"runs cannot be sent to {name} from this machine: {error} {mend}") from error
    srun = [f"--cpus-per-task={cores}"]  # since SLURM 22.05 a step does not take it from its job
    executor.update_parameters(
        timeout_min=24 * 60, gpus_per_node=gpus or None, cpus_per_task=cores, slurm_srun_args=srun
    )
    threads = {"OMP_NUM_THREADS": str(cores)}

    def start(job: Job) -> Made:
        try:
            made = executor.submit(train, job, alone=False, environment=threads)
        except (FailedSubmissionError, UncompletedJobError) as error:
            asked = f"--gpus {gpus} --cores {cores}"
            raise RunFailed(f"{job}: {name} did not take it, asked for {asked}: {error}") from error
        return _OnCluster(job, made, UncompletedJobError)

    return start


@dataclass(frozen=True)
class _OnCluster:
    """A job of submitit, which in place of what was raised over there raises an error of its own: `failed`."""

    job: Job
    made: Made
    failed: type[Exception]

    def done(self) -> bool:
        return self.made.done()

    def result(self) -> None:
        try:
            self.made.result()
        except self.failed as error:
            raise RunFailed(f"{self.job}: {error}") from error
