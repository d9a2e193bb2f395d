"""One run, from a recipe's name to a folder of results.

<run>/config.json  log.jsonl  checkpoints/step-*/  model/  metrics.json
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from safetensors.torch import load_file

from quatrefoil.core import recipes
from quatrefoil.core.config import ConfigError, override, restore, to_plain
from quatrefoil.core.evaluation.encode import EncodingRun
from quatrefoil.core.evaluation.tasks import Scores, score_splits, table
from quatrefoil.core.files import replace_text
from quatrefoil.core.recipes import Recipe
from quatrefoil.core.training import checkpoint
from quatrefoil.core.training.checkpoint import Checkpoint, CheckpointError
from quatrefoil.core.training.engine import hardware, start_engine
from quatrefoil.core.training.tracking import Lap, Progress, Stopwatch, Tracker, Trackers, trackers
from quatrefoil.core.training.trainer import Trainer, load_weights
from quatrefoil.core.versions import versions

CONFIG, METRICS, CHECKPOINTS, MODEL = "config.json", "metrics.json", "checkpoints", "model"


@dataclass
class Standing:
    """Where a run stands; saved with every checkpoint."""

    step: int = 0
    best_step: int | None = None
    best_value: float | None = None
    logged_step: int = 0
    train_seconds: float = 0.0


def train(name: str, overrides: Sequence[str] = ()) -> Path:
    """Train and evaluate recipe `name`; the run folder.

    Raises:
        ConfigError, ViewError: the recipe or an override is wrong (before anything runs).
        EngineError: not the processes that were asked for.
        FileExistsError: the run folder holds a run and `resume` is `never`.
    """
    recipe = recipes.load(name, overrides)
    accelerator = start_engine(recipe.train, recipe.run)
    run = Run(name, recipe, list(overrides), accelerator)
    run.fit()
    run.finish()
    return run.folder


def default_folder(name: str, recipe: Recipe) -> Path:
    return Path("runs") / name / f"{recipe.config_hash}-seed{recipe.seed}"


class Run:
    """A run folder and the trainer that fills it."""

    def __init__(self, name: str, recipe: Recipe, overrides: list[str], accelerator: Accelerator) -> None:
        self.name, self.recipe, self.accelerator = name, recipe, accelerator
        self.folder = recipe.run.dir or default_folder(name, recipe)
        self.checkpoints = self.folder / CHECKPOINTS
        self.saved_config = {
            "recipe": name,
            "overrides": overrides,
            "config_hash": recipe.config_hash,
            "config": to_plain(recipe),
        }
        with accelerator.main_process_first():  # what an embedded corpus needs is made once
            self.data = recipe.data.build(recipe.seed)
        self._check_validation()
        saved = self._resumed_from()  # nothing is written before this is settled
        self.trainer = Trainer(recipe, self.data, accelerator)
        self.progress = self._restored(saved) if saved else Standing()
        accelerator.wait_for_everyone()  # every rank has seen the folder as it was
        if accelerator.is_main_process:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_json(self.folder / CONFIG, self.saved_config)
            print(json.dumps(self.saved_config, indent=1))
            print(f"optimiser:\n{self.trainer.groups_text}")
            print(f"frozen, as no objective reaches them: {', '.join(self.trainer.frozen) or 'none'}", flush=True)
        self.encoding = EncodingRun(
            accelerator.device, workers=recipe.run.workers, bf16=recipe.train.precision == "bf16"
        )

    def _check_validation(self) -> None:
        train = self.recipe.train
        if (train.select or train.evaluate_every) and "val" not in self.data.splits:
            raise ConfigError(
                f"there is no validation split (only: {', '.join(self.data.splits) or 'none'}), so nothing can be "
                f"selected; set train.select=none and train.evaluate_every=0"
            )

    def _origin(self) -> Path | None:
        """The checkpoint from which to go on."""
        if self.recipe.resume == "auto":
            return checkpoint.newest_valid(self.checkpoints)
        if (self.folder / CONFIG).exists():
            raise FileExistsError(
                f"{self.folder} holds a run; go on with resume=auto, or set run.dir to another folder"
            )
        return None if self.recipe.resume == "never" else Path(self.recipe.resume)

    def _resumed_from(self) -> Checkpoint | None:
        """The checkpoint from which to go on, if it is of this very run: its settings, its seed, its data."""
        origin = self._origin()
        if origin is None:
            return None
        saved = checkpoint.load(origin)
        theirs = (saved.config["config_hash"], saved.config["config"]["seed"], saved.state["data"])
        ours = (self.recipe.config_hash, self.recipe.seed, self._data_fingerprint())
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
        return saved

    def _data_fingerprint(self) -> str:
        return str(self.data.describe()["fingerprint"])

    def _restored(self, saved: Checkpoint) -> Standing:
        """The trainer stands where the checkpoint was written; so does what this returns."""
        self.trainer.load(saved)
        standing = Standing(**saved.state["progress"])
        if standing.best_step is not None and not checkpoint.path_of(self.checkpoints, standing.best_step).exists():
            standing.best_step = standing.best_value = None  # the best one lies in another folder: choose anew
        return standing

    def fit(self) -> None:
        """Train from where the run stands to the last step."""
        config, trainer, progress = self.recipe.train, self.trainer, self.progress
        main = self.accelerator.is_main_process
        tracker = (
            trackers(self.folder, progress.step, self.recipe.run.trackers, self.saved_config) if main else Trackers([])
        )
        bar = Progress(config.steps, progress.step, shown=main and self.recipe.run.progress)
        watch, steps = Stopwatch(), range(progress.step, config.steps)
        # The steps come first: zip then asks for no batch after the last one.
        for step, batch in zip(steps, watch.waiting_for(trainer.batches(progress.step)), strict=False):
            logs = trainer.train_step(batch, step)
            progress.step = step + 1
            bar.advance()
            last = progress.step == config.steps
            if _due(config.log_every, progress.step) or last:
                self._log(tracker, bar, logs, watch.lap())
            validates = _due(config.evaluate_every, progress.step) or (last and config.select is not None)
            improved = validates and self._validate(tracker)
            if _due(config.checkpoint_every, progress.step) or improved or last:
                self._save()
        bar.close()
        tracker.close()

    def _log(self, tracker: Tracker, bar: Progress, logs: dict[str, float], lap: Lap) -> None:
        progress = self.progress
        samples = (progress.step - progress.logged_step) * self.recipe.train.batch_size
        progress.logged_step, progress.train_seconds = progress.step, progress.train_seconds + lap.seconds
        tracker.log(progress.step, {**logs, "samples_per_second": samples / lap.seconds, "data_wait": lap.waiting})
        bar.show({name: value for name, value in logs.items() if name.endswith("loss")}, samples, lap)

    def _validate(self, tracker: Tracker) -> bool:
        """Score the validation split; whether it is the best so far (by train.select)."""
        metrics = self._score(["val"])["val"].metrics
        tracker.log(self.progress.step, {f"val/{name}": value for name, value in metrics.items()})
        select, best = self.recipe.train.select, self.progress.best_value
        if select is None:
            return False
        if select not in metrics:
            raise ValueError(f"train.select={select}: validation measures {sorted(metrics)}")
        if best is not None and metrics[select] <= best:
            return False
        self.progress.best_step, self.progress.best_value = self.progress.step, metrics[select]
        return True

    def _score(self, splits: Sequence[str]) -> dict[str, Scores]:
        with self.trainer.averaged_weights():
            return score_splits(self.trainer.model, self.data, self.recipe.evaluate, splits, self.encoding)

    def _save(self) -> None:
        if self.accelerator.is_main_process:
            tensors, state = self.trainer.state()
            state |= {"progress": vars(self.progress), "data": self._data_fingerprint()}
            checkpoint.save(
                self.checkpoints, self.progress.step, tensors=tensors, state=state, config=self.saved_config
            )
            keep = [self.progress.best_step] if self.progress.best_step is not None else []
            checkpoint.prune(self.checkpoints, self.recipe.train.keep_last, keep)
        self.accelerator.wait_for_everyone()

    def finish(self) -> None:
        """Evaluate the selected weights on every split that the data have; write metrics.json and model/."""
        evaluated = self.progress.best_step if self.recipe.train.select else self.progress.step
        assert evaluated is not None, "a run that selects has validated at its last step"
        if evaluated != self.progress.step:
            self.trainer.load(checkpoint.load(checkpoint.path_of(self.checkpoints, evaluated)))
        scores = self._score(self.data.splits)
        skipped = self.trainer.budget.skipped
        if self.accelerator.is_main_process:
            self._write_results(scores, evaluated, skipped)
        self.accelerator.wait_for_everyone()

    def _write_results(self, scores: Mapping[str, Scores], evaluated_step: int, skipped: int) -> None:
        parameters = list(self.trainer.model.parameters())
        facts = {
            **self.saved_config,
            "seed": self.recipe.seed,
            "data": dict(self.data.describe()),
            "scores": {split: score.plain() for split, score in scores.items()},
            "steps": self.progress.step,
            "evaluated_step": evaluated_step,
            "train_seconds": round(self.progress.train_seconds, 1),
            "processes": self.accelerator.num_processes,
            "hardware": hardware(self.accelerator.device),
            "versions": versions(),
            "command": command(self.name, self.saved_config["overrides"]),
            "skipped_samples": skipped,
            "parameters": sum(p.numel() for p in parameters),
            "trained_parameters": sum(p.numel() for p in parameters if p.requires_grad),
            "frozen": self.trainer.frozen,
        }
        with self.trainer.averaged_weights():
            self.trainer.model.save_pretrained(self.folder / MODEL, model_card_kwargs=card(facts))
        write_json(self.folder / METRICS, facts)  # last: a folder with metrics.json is a finished run
        print(f"{table(scores) if scores else 'nothing was scored: the data have no split but train'}")
        print(f"run folder: {self.folder}", flush=True)


def evaluate(path: Path, overrides: Sequence[str] = ()) -> dict[str, Scores]:
    """Evaluate a finished run folder, or one of its checkpoints, again: on every split, in this process.

    Args:
        overrides: of where things are, e.g. `data.root=...`; not of what was trained.

    Raises:
        CheckpointError: `path` is neither; ConfigError: an override would change what was trained.
    """
    if (path / checkpoint.MANIFEST).exists():
        saved = checkpoint.load(path)
        config, weights = saved.config, saved.tensors.get("ema", saved.tensors["model"])
    elif (path / METRICS).exists():
        config, weights = json.loads((path / CONFIG).read_text()), load_file(path / MODEL / "model.safetensors")
    else:
        raise CheckpointError(
            f"{path} is neither a finished run (no {METRICS}) nor a checkpoint (no {checkpoint.MANIFEST})"
        )
    recipe: Recipe = override(restore(recipes.find(config["recipe"]).load()(), config["config"]), overrides)
    if recipe.config_hash != config["config_hash"]:
        raise ConfigError(
            f"this is not what was trained ({config['config_hash']}): {' '.join(overrides) or 'other version'}"
        )
    data = recipe.data.build(recipe.seed)
    model = recipe.model.model_type(recipe.model)  # type: ignore[call-arg]
    load_weights(model, weights)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    run = EncodingRun(device, workers=recipe.run.workers, bf16=recipe.train.precision == "bf16")
    return score_splits(model.to(device), data, recipe.evaluate, data.splits, run)


def command(name: str, overrides: Sequence[str]) -> str:
    """The command that repeats a run."""
    return " ".join(["quatrefoil train", name, *overrides])


def card(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What the model card states."""
    measured = [
        (split, name, f"{value:.4g}")
        for split, score in facts["scores"].items()
        for name, value in score["metrics"].items()
    ]
    kept = {key: facts[key] for key in ("seed", "config_hash", "steps", "command")}
    data = facts["data"]
    return {**kept, "title": facts["recipe"], "measured": measured, "data": data["name"], "protocol": data["protocol"]}


def write_json(path: Path, value: Any) -> None:
    """Write JSON whole or not at all."""
    replace_text(path, json.dumps(value, indent=1) + "\n")


def _due(every: int, step: int) -> bool:
    return every > 0 and step % every == 0
