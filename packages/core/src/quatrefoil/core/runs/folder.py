"""A run folder: what lies in it, and from which checkpoint of it a run may go on.

<run>/config.json  log.jsonl  checkpoints/step-*/  predictions/SPLIT/*.jsonl  model/  metrics.json
"""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quatrefoil.core.config import to_plain
from quatrefoil.core.evaluation.tasks import Scores
from quatrefoil.core.files import replace_text
from quatrefoil.core.hub import MODEL, Model
from quatrefoil.core.recipes import Recipe
from quatrefoil.core.runs import checkpoint
from quatrefoil.core.runs.checkpoint import Checkpoint, CheckpointError, Json

METRICS = "metrics.json"


@dataclass(frozen=True)
class RunFolder:
    """The files of one run."""

    path: Path

    @property
    def config(self) -> Path:
        return self.path / "config.json"

    @property
    def metrics(self) -> Path:
        """Written last: a folder that has it is a finished run."""
        return self.path / METRICS

    @property
    def finished(self) -> bool:
        return self.metrics.is_file()

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def model(self) -> Path:
        return self.path / MODEL

    def facts(self) -> Json:
        """What metrics.json says. Raises CheckpointError where the run is not finished."""
        if not self.finished:
            raise CheckpointError(
                f"{self.path} is no finished run: it has no {METRICS}; name a run folder that has one"
            )
        facts: Json = json.loads(self.metrics.read_text())
        return facts

    def resumed_from(self, recipe: Recipe, data_fingerprint: str) -> Checkpoint | None:
        """The checkpoint from which `recipe.resume` says to go on; None = from the start.

        Raises:
            FileExistsError: the folder holds a run that is neither to be resumed nor to be overwritten.
            CheckpointError: the checkpoint is of another run: other settings, another seed or other data.
        """
        origin = self._origin(recipe.resume)
        if origin is None:
            return None
        saved = checkpoint.load(origin)
        _check_same_run(origin, saved, recipe, data_fingerprint)
        return saved

    def _origin(self, resume: str) -> Path | None:
        if resume == "auto":
            return checkpoint.newest_valid(self.checkpoints)
        if self.config.exists():
            raise FileExistsError(f"{self.path} holds a run; go on with resume=auto, or set run.dir to another folder")
        return None if resume == "never" else Path(resume)

    def write_config(self, described: Json) -> None:
        """Open the folder for the run that `described` is about."""
        _write_json(self.config, described)

    def predictions(self, split: str, name: str) -> Path:
        """Where what was said of every item of a split is kept, of the scores of this name."""
        return self.path / "predictions" / split / f"{name.replace('/', '-')}.jsonl"

    def write_predictions(self, scores: Mapping[str, Scores]) -> None:
        """What was said of every item of every split, with its logits, so that any metric can be made later."""
        for split, score in scores.items():
            for name, found in score.predictions.items():
                found.write(self.predictions(split, name), scores=True)

    def write_results(self, model: Model, facts: Json) -> None:
        """The model with its card, then the facts."""
        model.save_pretrained(self.model, model_card_kwargs=_card(facts))
        _write_json(self.metrics, facts)


def folder_of(name: str, recipe: Recipe) -> RunFolder:
    """Where a run of recipe `name` is kept."""
    return RunFolder(recipe.run.dir or Path("runs") / name / f"{recipe.config_hash}-seed{recipe.seed}")


def description(name: str, recipe: Recipe, overrides: Sequence[str]) -> Json:
    """What a run folder and every checkpoint say about a run: enough to run again."""
    return {
        "recipe": name,
        "overrides": list(overrides),
        "config_hash": recipe.config_hash,
        "config": to_plain(recipe),
    }


def command(described: Mapping[str, Any]) -> str:
    """The command that repeats a run, as a shell takes it."""
    return shlex.join(["quatrefoil", "train", described["recipe"], *described["overrides"]])


def _check_same_run(origin: Path, saved: Checkpoint, recipe: Recipe, data_fingerprint: str) -> None:
    theirs = (saved.config["config_hash"], saved.config["config"]["seed"], saved.state["data"])
    ours = (recipe.config_hash, recipe.seed, data_fingerprint)
    differing = [
        f"{what} {a} there, {b} here"
        for what, a, b in zip(("configuration", "seed", "data"), theirs, ours, strict=True)
        if a != b
    ]
    if differing:
        raise CheckpointError(
            f"{origin} is of another run ({'; '.join(differing)}); resume with the same settings, or start anew in "
            f"another run.dir"
        )


def _card(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What the model card states."""
    measured = [
        (split, name, f"{value:.4g}", _interval(score["intervals"].get(name)))
        for split, score in facts["scores"].items()
        for name, value in score["metrics"].items()
    ]
    kept = {key: facts[key] for key in ("seed", "config_hash", "steps", "evaluated_step", "command")}
    data = facts["data"]
    about = {"title": facts["recipe"], "data": data["name"], "protocol": data["protocol"]}
    sizes = [(split, size) for split in facts["scores"] if (size := _size(data["splits"].get(split, {})))]
    return {**kept, **about, "measured": measured, "sizes": sizes, "select": facts["config"]["train"]["select"]}


def _interval(bounds: Sequence[float] | None) -> str:
    return "" if bounds is None else " to ".join(f"{bound:.4g}" for bound in bounds)


def _size(split: Mapping[str, Any]) -> str:
    """What the data say that a split holds, in words: `40 rows, 20 groups`."""
    counts = {what: n for what, n in split.items() if isinstance(n, int) and not isinstance(n, bool)}
    return ", ".join(f"{n:,} {what}" for what, n in counts.items())


def _write_json(path: Path, value: Any) -> None:
    replace_text(path, json.dumps(value, indent=1) + "\n")
