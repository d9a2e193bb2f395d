"""One run, from a recipe's name to a folder of results."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import torch
from accelerate import Accelerator

from quatrefoil.core import recipes
from quatrefoil.core.config import ConfigError
from quatrefoil.core.data import Batch, HasRemarks
from quatrefoil.core.distributed import agree, global_sum
from quatrefoil.core.ending import Preempted
from quatrefoil.core.evaluation.encode import EncodingRun
from quatrefoil.core.evaluation.printed import table
from quatrefoil.core.evaluation.tasks import Classification, Scores, beside_known, score_splits
from quatrefoil.core.hardware import hardware, peak_memory
from quatrefoil.core.recipes import Recipe
from quatrefoil.core.runs import checkpoint
from quatrefoil.core.runs.checkpoint import Checkpoint, CheckpointError, Json
from quatrefoil.core.runs.folder import command, description, folder_of
from quatrefoil.core.training.engine import engine_of, start_engine
from quatrefoil.core.training.memory import advised
from quatrefoil.core.training.spending import Spending
from quatrefoil.core.training.stopping import NonFiniteLoss, dump
from quatrefoil.core.training.summary import summary
from quatrefoil.core.training.tracking import Lap, Progress, Stopwatch, Tracker, Trackers, trackers
from quatrefoil.core.training.trainer import Trainer
from quatrefoil.core.versions import versions


@dataclass
class Standing:
    """Where a run stands; saved with every checkpoint."""

    step: int = 0
    best_step: int | None = None
    best_value: float | None = None
    logged_step: int = 0
    train_seconds: float = 0.0
    cpu_seconds: dict[str, float] = field(default_factory=dict)


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
    run.to_the_end()
    return run.folder.path


class Run:
    """A run folder and the trainer that fills it."""

    def __init__(self, name: str, recipe: Recipe, overrides: list[str], accelerator: Accelerator) -> None:
        self.recipe, self.accelerator = recipe, accelerator
        self.folder, self.described = folder_of(name, recipe), description(name, recipe, overrides)
        with accelerator.main_process_first():  # what an embedded corpus needs is made once
            self.data = recipe.data.build(recipe.seed)
        self._check_validation()
        about = self.data.describe()
        self.data_fingerprint = str(about["fingerprint"])
        _agree_on(recipe, self.data_fingerprint)
        saved = self.folder.resumed_from(recipe, self.data_fingerprint)  # nothing is written before this is settled
        self.trainer = Trainer(recipe, self.data, accelerator)
        self._check_scored()
        self.progress = self._restored(saved) if saved else Standing()
        self.spending = Spending(self.progress.cpu_seconds if accelerator.is_main_process else None)
        # Every rank has seen the folder as it was; one that saw another (on a disk of its own) would train apart.
        agree(self.progress.step, f"{self.folder.path} must be one folder for all ranks: the step to go on from")
        self.finished = self.folder.finished and self.progress.step == recipe.train.steps
        if accelerator.is_main_process and not self.finished:
            self.folder.write_config(self.described)
            remarks = self.data.remarks() if isinstance(self.data, HasRemarks) else ()
            print(summary(self.described, about, remarks, self.trainer, self.progress.step, self.folder), flush=True)
        self.encoding = EncodingRun(accelerator.device, workers=recipe.run.workers, bf16=recipe.train.bf16)

    def _check_validation(self) -> None:
        train = self.recipe.train
        if (train.select or train.evaluate_every) and "val" not in self.data.splits:
            raise ConfigError(
                f"there is no validation split (only: {', '.join(self.data.splits) or 'none'}), so nothing can be "
                f"selected; set train.select=none and train.evaluate_every=0"
            )

    def _check_scored(self) -> None:
        """What cannot be scored is not to be found out after training."""
        for task in [task for task in self.recipe.evaluate.values() if isinstance(task, Classification)]:
            for split in self.data.splits:
                task.items(self.trainer.model, self.data, split)

    def _restored(self, saved: Checkpoint) -> Standing:
        """The trainer stands where the checkpoint was written; so does what this returns.

        Raises:
            CheckpointError: of a finished run, without the checkpoint that was chosen.
        """
        self.trainer.load(saved)
        standing = Standing(**saved.state["progress"])
        if standing.best_step is not None and not self._checkpoint_at(standing.best_step).exists():
            if standing.step == self.recipe.train.steps:
                raise CheckpointError(
                    f"no step is left to train, and the best weights, of step {standing.best_step}, are not in "
                    f"{self.folder.checkpoints}: finish the run in its own folder, with resume=auto"
                )
            standing.best_step = standing.best_value = None  # the best one lies in another folder: choose anew
        return standing

    def _checkpoint_at(self, step: int) -> Path:
        return checkpoint.path_of(self.folder.checkpoints, step)

    def to_the_end(self) -> None:
        """Train and evaluate; nothing where the run that is gone on with was finished before."""
        if self.finished:
            self._say(
                f"finished before: {self.folder.metrics}; score it again by quatrefoil evaluate {self.folder.path}"
            )
            return
        self.fit()
        self.finish()

    def fit(self) -> None:
        """Train from where the run stands to the last step.

        Raises:
            NonFiniteLoss: with the samples, and the folder to which their batch was written.
            Preempted: SIGTERM or Ctrl-C came; the state is saved.
        """
        with self.trainer.stop:
            self._fit()

    def _fit(self) -> None:
        main, start = self.accelerator.is_main_process, self.progress.step
        tracker = trackers(self.folder.path, start, self.recipe.run.trackers, self.described) if main else Trackers([])
        shown = main and self.recipe.run.progress
        bar = Progress(self.described["recipe"], self.recipe.train.steps, start, shown=shown)
        with closing(tracker), closing(bar):  # however it ends: trackers keep the last numbers in memory
            self._steps(tracker, bar)

    def _steps(self, tracker: Tracker, bar: Progress) -> None:
        config, trainer, progress = self.recipe.train, self.trainer, self.progress
        watch, steps = Stopwatch(), range(progress.step, config.steps)
        batches = self.spending.over("data", watch.waiting_for(trainer.batches(progress.step)))
        # The steps come first: zip then asks for no batch after the last one.
        for step, batch in zip(steps, batches, strict=False):
            with self.spending.on("steps"):
                logs = self._train_step(batch, step)
            progress.step = step + 1
            bar.advance()
            last = progress.step == config.steps
            if _due(config.log_every, progress.step) or last:
                self._log(tracker, bar, logs, watch.lap())
            validates = _due(config.evaluate_every, progress.step) or (last and config.select is not None)
            improved = validates and self._validate(tracker)
            if _due(config.checkpoint_every, progress.step) or improved or last or trainer.stops:
                self._save()
            if trainer.stops and not last:
                self._say(f"saved step {progress.step}; go on with resume=auto")
                raise Preempted(trainer.stop.status)

    def _train_step(self, batch: Batch, step: int) -> dict[str, float]:
        engine, processes = engine_of(self.accelerator), self.accelerator.num_processes
        try:
            with advised(self.recipe, engine, processes, step):
                return self.trainer.train_step(batch, step)
        except NonFiniteLoss as error:
            folder = dump(self.folder.path, step, self.accelerator.process_index, batch, str(error))
            raise NonFiniteLoss(f"{error}; the batch is in {folder}") from error

    def _say(self, text: str) -> None:
        if self.accelerator.is_main_process:
            print(text, flush=True)

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
            raise ConfigError(f"train.select={select}: these data do not give it, but {', '.join(metrics)}")
        if best is not None and metrics[select] <= best:
            return False
        self.progress.best_step, self.progress.best_value = self.progress.step, metrics[select]
        return True

    def _score(self, splits: Sequence[str]) -> dict[str, Scores]:
        with self.spending.on("scores"), self.trainer.evaluated() as model:
            return score_splits(model, self.data, self.recipe.evaluate, splits, self.encoding)

    def _save(self) -> None:
        tensors, state = self.trainer.state()
        self.progress.cpu_seconds = self._cpu_seconds()
        if self.accelerator.is_main_process:
            state |= {"progress": vars(self.progress), "data": self.data_fingerprint}
            folder = self.folder.checkpoints
            checkpoint.save(folder, self.progress.step, tensors=tensors, state=state, config=self.described)
            keep = [self.progress.best_step] if self.progress.best_step is not None else []
            checkpoint.prune(folder, self.recipe.train.keep_last, keep)
        self.accelerator.wait_for_everyone()

    def _cpu_seconds(self) -> dict[str, float]:
        """What all ranks spent so far, by part; they call it together."""
        told = self.spending.told()
        seconds = global_sum(torch.tensor(list(told.values()), dtype=torch.float64, device=self.accelerator.device))
        return {part: round(value, 3) for part, value in zip(told, seconds.tolist(), strict=True)}

    def finish(self) -> None:
        """Evaluate the selected weights on every split that the data have; write metrics.json and model/."""
        evaluated = self.progress.best_step if self.recipe.train.select else self.progress.step
        assert evaluated is not None, "a run that selects has validated at its last step"
        skipped = self.trainer.budget.skipped  # read before an older checkpoint brings its own count
        if evaluated != self.progress.step:
            self.trainer.load(checkpoint.load(self._checkpoint_at(evaluated)))
        described = dict(self.data.describe())
        scores = beside_known(self._score(self.data.splits), described)
        self.progress.cpu_seconds = self._cpu_seconds()
        with self.trainer.evaluated() as model:
            if self.accelerator.is_main_process:
                self.folder.write_predictions(scores)
                self.folder.write_results(model, self._facts(described, scores, evaluated, skipped))
        if self.accelerator.is_main_process:
            print(f"{table(scores) if scores else 'nothing was scored: the data have no split but train'}")
            print(f"run folder: {self.folder.path}", flush=True)
        self.accelerator.wait_for_everyone()

    def _facts(self, data: Json, scores: Mapping[str, Scores], evaluated_step: int, skipped: int) -> Json:
        """What metrics.json says: all that makes a result one to believe."""
        return {
            **self.described,
            "seed": self.recipe.seed,
            "data": data,
            "scores": {split: score.plain() for split, score in scores.items()},
            "steps": self.progress.step,
            "evaluated_step": evaluated_step,
            "train_seconds": round(self.progress.train_seconds, 1),
            "cpu_seconds": self.progress.cpu_seconds,
            "processes": self.accelerator.num_processes,
            "engine": engine_of(self.accelerator),
            "hardware": hardware(self.accelerator.device),
            "peak_memory_bytes": peak_memory(self.accelerator.device),
            "versions": versions(),
            "command": command(self.described),
            "skipped_samples": skipped,
            "parameters": sum(self.trainer.sizes.values()),
            "trained_parameters": self.trainer.trained_size,
            "frozen": self.trainer.frozen,
        }


def _agree_on(recipe: Recipe, data_fingerprint: str) -> None:
    """Ranks that were told different things would train apart, or wait for one another.

    Raises:
        RanksDisagree: on every rank, with what each was told.
    """
    told: dict[str, int | str] = {
        **{f"train.{name}": str(value) for name, value in vars(recipe.train).items()},
        "the configuration": recipe.config_hash,
        "the seed": recipe.seed,
        "the data": data_fingerprint,
    }
    for what, value in told.items():
        agree(value, what)


def _due(every: int, step: int) -> bool:
    return every > 0 and step % every == 0
