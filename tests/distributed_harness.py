"""Run a function on several ranks, as processes of this machine that speak gloo."""

import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch.multiprocessing.spawn import ProcessContext, ProcessExitedException, ProcessRaisedException

# A server imports torch once and forks every rank from there: a rank then costs milliseconds and not seconds.
mp.set_forkserver_preload(["torch", "torch.distributed"])


class RankFailed(AssertionError):
    """A rank raised, with its traceback; all ranks have been ended."""


class RanksTimedOut(AssertionError):
    """Ranks did not end in time, as when collectives do not match; all ranks have been killed."""


def run_ranks(world_size: int, function: Callable[..., Any], *args: Any, timeout_s: float = 300) -> list[Any]:
    """Call `function(*args)` on every rank of a new gloo group and return the results in rank order.

    Args:
        function: a function of a module's top level; torch.distributed is initialised when it is called.
        args: picklable arguments, the same for all ranks.
        timeout_s: seconds for all ranks together, start included; so many that a busy machine is not taken for a hang.

    Returns:
        What each rank returned: tensors, numbers and strings, and lists, tuples or dicts of them.

    Raises:
        RankFailed, RanksTimedOut: no process outlives either.
    """
    with tempfile.TemporaryDirectory() as folder:
        context: ProcessContext = mp.start_processes(
            _run_rank,
            args=(world_size, Path(folder), timeout_s, function, args),
            nprocs=world_size,
            join=False,
            daemon=True,
            start_method="forkserver",
        )
        _wait(context, function, time.monotonic() + timeout_s)
        return [torch.load(_result(Path(folder), rank), weights_only=True) for rank in range(world_size)]


def _wait(context: ProcessContext, function: Callable[..., Any], deadline: float) -> None:
    try:
        while not context.join(timeout=max(0.0, deadline - time.monotonic())):
            if time.monotonic() >= deadline:
                raise RanksTimedOut(f"{function.__name__}: ranks {_alive(context)} still ran when their time was over")
    except (ProcessRaisedException, ProcessExitedException) as error:
        raise RankFailed(f"{function.__name__}, rank {error.error_index}: {error}") from None
    finally:
        for process in context.processes:
            process.kill()
            process.join()


def _alive(context: ProcessContext) -> list[int]:
    return [rank for rank, process in enumerate(context.processes) if process.is_alive()]


def _run_rank(
    rank: int, world_size: int, folder: Path, timeout_s: float, function: Callable[..., Any], args: tuple[Any, ...]
) -> None:
    torch.set_num_threads(1)
    dist.init_process_group(
        "gloo",
        init_method=f"file://{folder / 'rendezvous'}",
        rank=rank,
        world_size=world_size,
        timeout=timedelta(seconds=timeout_s),
    )
    torch.save(function(*args), _result(folder, rank))
    dist.destroy_process_group()


def _result(folder: Path, rank: int) -> Path:
    return folder / f"rank{rank}.pt"
