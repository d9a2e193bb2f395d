"""Runs as processes that are forked from one that has imported everything: a start takes a second, not ten.

`python -m tests.models.forked FOLDER RECIPE ENGINE RANKS STEPS KILLS`: trains into FOLDER/whole, then into
FOLDER/killed, where the job is killed (SIGKILL) in the midst of the step after each of KILLS, and started again.

The parent computes nothing and starts no thread, so forking it is safe; it does what a launcher does: gives ranks their
numbers and a port, and kills the other ranks when one has died.
"""

import hashlib
import json
import multiprocessing.forkserver
import os
import signal
import socket
import sys
from pathlib import Path

import torch

from quatrefoil.core.data import Batch
from quatrefoil.core.data.collate import worker_context
from quatrefoil.core.training.trainer import Trainer
from tests.models.small import small, small_run

SETTINGS = ("resume=auto", "train.checkpoint_every=1", "train.keep_last=1", "run.workers=2")


def start(folder: Path, name: str, engine: str, rank: int, ranks: int, port: int, steps: int, kill: int | None) -> int:
    """Fork a rank of a run; its process id."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        _as_rank(rank, ranks, port, engine)
        _watch(folder, rank, kill if kill is None or kill % ranks == rank else None)
        settings = [f"run.dir={folder}", f"run.processes={ranks}", f"train.steps={steps}", *SETTINGS]
        small_run(small(name, [*settings, f"run.engine={engine}"]))
        status = 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _as_rank(rank: int, ranks: int, port: int, engine: str) -> None:
    torch.set_num_threads(1)
    # The server of loader workers is the parent's, which a child cannot wait for, but can use.
    setattr(multiprocessing.forkserver._forkserver, "ensure_running", int)  # noqa: B010
    os.environ |= {"ACCELERATE_USE_CPU": "true", "CUDA_VISIBLE_DEVICES": ""}
    if engine != "plain":
        os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(ranks)}
        os.environ |= {"MASTER_ADDR": "localhost", "MASTER_PORT": str(port)}


def _watch(folder: Path, rank: int, kill: int | None) -> None:
    """Write down the samples and the generator of each step; die in the midst of step `kill`, after its backward."""
    train_step = Trainer.train_step

    def write(batch: Batch, step: int) -> None:
        drawn = hashlib.sha256(torch.get_rng_state().numpy().tobytes()).hexdigest()
        with (folder / f"seen-{rank}.jsonl").open("a") as file:
            file.write(json.dumps([step, batch["id"], drawn]) + "\n")

    def watched(self: Trainer, batch: Batch, step: int) -> dict[str, float]:
        def die() -> None:
            # Gradients have been exchanged: another rank may yet save this step, so that none takes it again.
            write(batch, step)
            _mark(folder, step).touch()
            os.kill(os.getpid(), signal.SIGKILL)

        if step == kill:
            setattr(self.updater, "update", die)  # noqa: B010  # no method to mypy
        logs = train_step(self, batch, step)
        write(batch, step)
        return logs

    Trainer.train_step = watched  # type: ignore[method-assign]


def _mark(folder: Path, step: int) -> Path:
    """What is left by a rank that came to its kill: one that fails of itself leaves none."""
    return folder / f"killed-in-{step}"


def job(folder: Path, name: str, engine: str, ranks: int, steps: int, kill: int | None = None) -> bool:
    """One start of a run; whether it came to its end. Where a rank dies, the others are killed."""
    folder.mkdir(parents=True, exist_ok=True)
    with socket.socket() as found:
        found.bind(("localhost", 0))
        port = found.getsockname()[1]
    children = {start(folder, name, engine, rank, ranks, port, steps, kill) for rank in range(ranks)}
    whole = True
    while children:
        child, status = os.wait()
        if child not in children:
            continue
        children.remove(child)
        if status != 0 and whole:
            whole = False
            for other in children:
                os.kill(other, signal.SIGKILL)
    return whole


def main(folder: Path, name: str, engine: str, ranks: int, steps: int, kills: list[int]) -> None:
    worker_context()
    multiprocessing.forkserver.ensure_running()
    if engine.startswith("zero"):
        os.environ["DS_ACCELERATOR"] = "cpu"
        import deepspeed  # noqa: F401  # once, for all that are forked
    assert job(folder / "whole", name, engine, ranks, steps), "the run that is not killed did not come to its end"
    for kill in kills:
        assert not job(folder / "killed", name, engine, ranks, steps, kill), f"the run lived through step {kill}"
        assert _mark(folder / "killed", kill).exists(), f"the run failed of itself, before its kill in step {kill}"
    assert job(folder / "killed", name, engine, ranks, steps), "the killed run did not come to its end"


if __name__ == "__main__":
    folder, name, engine, ranks, steps, kills = sys.argv[1:]
    main(Path(folder), name, engine, int(ranks), int(steps), json.loads(kills))
