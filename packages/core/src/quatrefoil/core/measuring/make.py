"""Making what is missing: run by run, each after what it starts from; what is finished is stored at once."""

import sys
from collections.abc import Callable, Sequence
from graphlib import TopologicalSorter
from typing import ParamSpec

from quatrefoil.core.ending import Preempted, StopSignal
from quatrefoil.core.measuring.collect import collect
from quatrefoil.core.measuring.entries import Entry
from quatrefoil.core.measuring.jobs import Job, Node, RunFailed, order, plan
from quatrefoil.core.measuring.launch import Launch, Made, first_done
from quatrefoil.core.measuring.rows import RowError
from quatrefoil.core.measuring.store import Results, Store

P = ParamSpec("P")


def make(entries: Sequence[Entry], store: Store, launch: Launch) -> list[Exception]:
    """Make the runs that the store does not hold, each after what it starts from; what went wrong.

    Raises:
        Preempted: SIGTERM or Ctrl-C came, and was passed on; the runs under way have saved and ended, and what had come
            to its end is stored. The status is 143 or 130, as shells have it, since not everything was made.
    """
    with StopSignal("the runs under way are told to save and to end; they are waited for") as stop:
        making = _Making(entries, store, launch)
        while making.sorter.is_active() and not stop.asked:
            making.go_on(lambda: stop.asked is not None)
        if stop.asked:
            making.end()
            raise Preempted(128 + stop.asked)
    return making.failures


def tell(failures: Sequence[Exception]) -> int:
    """Say what went wrong; the exit status, 1 where anything did."""
    for failure in failures:
        print(f"\nFAILED {failure}", file=sys.stderr)
    return 1 if failures else 0


class _Making:
    """Runs in an order of what starts from what: some settled, some under way, some ready to begin."""

    def __init__(self, entries: Sequence[Entry], store: Store, launch: Launch) -> None:
        self.store, self.launch = store, launch
        self.known = Known(store)
        self.failures: list[Exception] = []
        self.running: dict[Node, tuple[Job, Made]] = {}
        graph = order(entries)
        self.place, self.sorter = {node: place for place, node in enumerate(graph)}, TopologicalSorter(graph)
        self.sorter.prepare()
        self.ready, self.settled = list[Node](), 0

    def go_on(self, given_up: Callable[[], bool]) -> None:
        """Begin one run where there is room, else wait until some have ended, or until waiting is given up."""
        self.ready = sorted([*self.ready, *self.sorter.get_ready()], key=self.place.__getitem__)
        if self.ready and len(self.running) < self.launch.slots:
            node = self.ready.pop(0)
            self.failures += attempt(begin, node, self.known, self.launch, self.running)
            self._settle([] if node in self.running else [node])
        else:
            ended = self._ended(given_up)
            for node in ended:
                self.failures += attempt(finish, *self.running.pop(node), self.store)
            self._settle(ended)

    def _ended(self, given_up: Callable[[], bool]) -> list[Node]:
        done = first_done([made for _, made in self.running.values()], given_up)
        return [node for node, (_, made) in self.running.items() if made in done]

    def _settle(self, nodes: Sequence[Node]) -> None:
        self.sorter.done(*nodes)
        self.settled += len(nodes)
        if nodes and self.running:
            print(f"{self._counts}, {len(self.running)} under way", flush=True)

    @property
    def _counts(self) -> str:
        return f"{self.settled} of {len(self.place)} runs are settled"

    def end(self) -> None:
        """Let what is under way save and end; what comes to its end all the same is stored."""
        if self.launch.end is None:
            for job, _ in self.running.values():
                print(f"goes on where it is made: {job}", flush=True)
            return
        self.launch.end()
        while self.running:
            for node in self._ended(lambda: False):
                job, made = self.running.pop(node)
                if job.finished:
                    attempt(finish, job, made, self.store)
                else:
                    print(f"ended, {job.standing}: {job}", flush=True)
        print(f"{self._counts}; the same command goes on from here", flush=True)


def attempt(action: Callable[P, None], *arguments: P.args, **named: P.kwargs) -> list[Exception]:
    """Do it; what went wrong is said at once and returned."""
    try:
        action(*arguments, **named)
    except (RunFailed, RowError, FileNotFoundError) as error:
        print(f"failed: {error}", file=sys.stderr, flush=True)
        return [error]
    return []


class Known:
    """What is stored, read again when it has changed: a store of many runs takes seconds."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._state: object = None
        self._found = Results()

    def read(self) -> Results:
        """As `Store.read`."""
        if (state := self.store.state) != self._state:
            self._found, self._state = self.store.read(), state  # taken before: what comes between is read next time
        return self._found


def begin(node: Node, known: Known, launch: Launch, running: dict[Node, tuple[Job, Made]]) -> None:
    """Start one run, if it is missing; what lies there finished is stored.

    Raises:
        RunFailed: it could not be planned; RowError: what it measured may not be stored.
    """
    stored = known.read()
    job = plan(*node, stored)
    if job.run in stored.runs:
        print(f"skipped, rows are stored: {job}", flush=True)
    elif job.finished:
        print(f"finished before: {job}", flush=True)
        keep(job, known.store)
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
