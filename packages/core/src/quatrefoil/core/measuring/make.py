"""Making what is missing: run by run, each after what it starts from; what is finished is stored at once."""

import sys
from collections.abc import Callable, Sequence
from graphlib import TopologicalSorter
from typing import ParamSpec

from quatrefoil.core.measuring.collect import collect
from quatrefoil.core.measuring.entries import Entry
from quatrefoil.core.measuring.jobs import Job, Node, RunFailed, order, plan
from quatrefoil.core.measuring.launch import Launch, Made, first_done
from quatrefoil.core.measuring.rows import RowError
from quatrefoil.core.measuring.store import Store

P = ParamSpec("P")


def make(entries: Sequence[Entry], store: Store, launch: Launch) -> list[Exception]:
    """Make the runs that the store does not hold, each after what it starts from; what went wrong."""
    failures: list[Exception] = []
    running: dict[Node, tuple[Job, Made]] = {}
    graph = order(entries)
    first, sorter = {node: place for place, node in enumerate(graph)}, TopologicalSorter(graph)
    sorter.prepare()
    ready, settled = list[Node](), 0
    while sorter.is_active():
        ready = sorted([*ready, *sorter.get_ready()], key=first.__getitem__)
        if ready and len(running) < launch.slots:
            node = ready.pop(0)
            failures += attempt(begin, node, store, launch, running)
            ended = [] if node in running else [node]
        else:
            done = first_done([made for _, made in running.values()])
            ended = [node for node, (_, made) in running.items() if made in done]
            failures += [failure for node in ended for failure in attempt(finish, *running.pop(node), store)]
        sorter.done(*ended)
        settled += len(ended)
        if ended and running:
            print(f"{settled} of {len(graph)} runs are settled, {len(running)} under way", flush=True)
    return failures


def attempt(action: Callable[P, None], *arguments: P.args, **named: P.kwargs) -> list[Exception]:
    """Do it; what went wrong is said at once and returned."""
    try:
        action(*arguments, **named)
    except (RunFailed, RowError, FileNotFoundError) as error:
        print(f"failed: {error}", file=sys.stderr, flush=True)
        return [error]
    return []


def begin(node: Node, store: Store, launch: Launch, running: dict[Node, tuple[Job, Made]]) -> None:
    """Start one run, if it is missing; what lies there finished is stored.

    Raises:
        RunFailed: it could not be planned; RowError: what it measured may not be stored.
    """
    stored = store.read()
    job = plan(*node, stored)
    if job.run in stored.runs:
        print(f"skipped, rows are stored: {job}", flush=True)
    elif job.finished:
        print(f"finished before: {job}", flush=True)
        keep(job, store)
    else:
        print(f"training: {job}: {job.entry.note}", flush=True)
        running[node] = job, launch.start(job)


def finish(job: Job, made: Made, store: Store) -> None:
    """Store the rows of a run that ended.

    Raises:
        RunFailed: it ended with an error; RowError: what it measured may not be stored.
    """
    made.result()
    keep(job, store)


def keep(job: Job, store: Store) -> None:
    """Store the rows of a finished run."""
    store.add(collect(job.folder, job.entry, job.config_hash, job.seed))
