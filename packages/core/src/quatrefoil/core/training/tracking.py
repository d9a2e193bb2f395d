"""Where the numbers of a run go: `log.jsonl` always, TensorBoard and wandb on request, and a progress bar."""

import importlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, TypeVar

from tqdm import tqdm

from quatrefoil.core.files import replace_text
from quatrefoil.core.runs.checkpoint import Json

Item = TypeVar("Item")


class Tracker(Protocol):
    """Takes the numbers of a step."""

    def log(self, step: int, values: Mapping[str, float]) -> None: ...

    def close(self) -> None: ...


class JsonLines:
    """One line per logged step, flushed at once, so that nothing is lost when the process dies.

    `after` is the step from which the run goes on (0: from the start). Lines of later steps, and a last line that was
    cut off, are removed, so that the file of a run that was interrupted equals that of one that was not. Python
    writes a float with as many digits as give the same float back; NaN and infinities are written as `NaN` and
    `Infinity`.
    """

    def __init__(self, path: Path, after: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            _cut(path, after)
        self._file = path.open("a")

    def log(self, step: int, values: Mapping[str, float]) -> None:
        self._file.write(json.dumps({"step": step, **values}) + "\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()


def _cut(path: Path, after: int) -> None:
    whole = [line for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]
    kept = [line for line in whole if json.loads(line)["step"] <= after]
    replace_text(path, "".join(kept))


class TensorBoard:
    """Scalars in the files of TensorBoard; on resume those of steps later than `after` are hidden."""

    def __init__(self, folder: Path, after: int) -> None:
        module = _optional("tensorboard", "torch.utils.tensorboard")
        self._writer = module.SummaryWriter(str(folder), purge_step=after + 1)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        self._writer.close()


class Wandb:
    """A run of Weights & Biases, with its files in `folder`; a resumed run goes on under the same `name`."""

    def __init__(self, folder: Path, name: str, config: Json) -> None:
        wandb = _optional("wandb", "wandb")
        folder.mkdir(parents=True, exist_ok=True)
        self._run = wandb.init(project="quatrefoil", id=name, name=name, dir=str(folder), config=config, resume="allow")

    def log(self, step: int, values: Mapping[str, float]) -> None:
        self._run.log(dict(values), step=step)

    def close(self) -> None:
        self._run.finish()


class Trackers:
    """Several trackers as one."""

    def __init__(self, trackers: Iterable[Tracker]) -> None:
        self._trackers = tuple(trackers)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        for tracker in self._trackers:
            tracker.log(step, values)

    def close(self) -> None:
        for tracker in self._trackers:
            tracker.close()


def trackers(folder: Path, after: int, names: tuple[Literal["tensorboard", "wandb"], ...], config: Json) -> Trackers:
    """`log.jsonl` in the run's folder, and the trackers asked for by name.

    Raises ValueError for a tracker that is not installed (naming the extra) or not known.
    """
    makers: dict[str, Callable[[], Tracker]] = {
        "tensorboard": lambda: TensorBoard(folder / "tensorboard", after),
        "wandb": lambda: Wandb(folder / "wandb", folder.name, config),
    }
    if unknown := [name for name in names if name not in makers]:
        raise ValueError(f"no tracker is called {unknown}: there are {sorted(makers)}")
    others = [makers[name]() for name in names]
    return Trackers([JsonLines(folder / "log.jsonl", after), *others])


def _optional(package: str, module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ValueError(
            f'tracking with {package} needs it installed: pip install "quatrefoil-core[track]", or leave it out'
        ) from error


class Lap(NamedTuple):
    """How long a stretch of work took, and the share of that time spent waiting for data."""

    seconds: float
    waiting: float


def each_within(items: Iterable[Item], within: Callable[[], AbstractContextManager[None]]) -> Iterator[Item]:
    """The items, each of which comes within a context of its own; what is done with it is outside."""
    iterator = iter(items)
    while True:
        with within():
            try:
                item = next(iterator)
            except StopIteration:
                return
        yield item


class Stopwatch:
    """Measures which share of the time goes by in waiting for data; `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._started = clock()
        self._waited = 0.0

    def waiting_for(self, items: Iterable[Item]) -> Iterator[Item]:
        """The items; the time that each takes to come counts as waiting."""
        return each_within(items, self._waiting)

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        began = self._clock()
        try:
            yield
        finally:
            self._waited += self._clock() - began

    def lap(self) -> Lap:
        """The time since the last lap (or the start); a new lap begins."""
        now = self._clock()
        seconds = now - self._started
        lap = Lap(seconds, self._waited / seconds if seconds > 0 else 0.0)
        self._started, self._waited = now, 0.0
        return lap


class Progress:
    """A bar over the steps of run `name`: the latest losses, samples per second, the share of time waiting for data."""

    def __init__(self, name: str, steps: int, after: int, shown: bool) -> None:
        self._bar = tqdm(desc=name, total=steps, initial=after, disable=not shown, unit="step", dynamic_ncols=True)

    def advance(self) -> None:
        """Counts one step."""
        self._bar.update()

    def show(self, losses: Mapping[str, float], samples: int, lap: Lap) -> None:
        """Shows the losses, and the speed at which `samples` samples went by in `lap`."""
        speed = {"samples/s": f"{samples / lap.seconds:.1f}"} if lap.seconds > 0 else {}
        numbers = {name: f"{value:.4g}" for name, value in losses.items()}
        self._bar.set_postfix({**numbers, **speed, "waiting": f"{lap.waiting:.0%}"})

    def close(self) -> None:
        """Leaves the bar as it is."""
        self._bar.close()
