"""The loop: batch -> views -> losses -> gradients -> update, the same for every model, on accelerate.

A step is a function of (weights, optimiser state, seed, step): batches come from a counter-based plan, the global
generator is re-seeded at every step, so that a run killed anywhere goes on as if nothing had happened.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext

import torch
from accelerate import Accelerator
from torch import Tensor
from torch.optim import Optimizer

from quatrefoil.core.data import Batch, DataModule
from quatrefoil.core.data.collate import SkipBudget, first_batch, loader, to_device
from quatrefoil.core.data.mixture import plan_of
from quatrefoil.core.data.sampler import Cursor
from quatrefoil.core.distributed import global_sum
from quatrefoil.core.ending import StopSignal
from quatrefoil.core.hub import Model, load_weights
from quatrefoil.core.losses.common import NonFinite
from quatrefoil.core.objectives import Step
from quatrefoil.core.recipes import Recipe
from quatrefoil.core.runs.checkpoint import Checkpoint, Json
from quatrefoil.core.seeding import seed_of
from quatrefoil.core.training import optimizer_state
from quatrefoil.core.training.ema import Ema
from quatrefoil.core.training.engine import engine_of
from quatrefoil.core.training.microbatches import MicroBatches
from quatrefoil.core.training.optimizer import Group, adamw, describe, names, parameter_groups
from quatrefoil.core.training.replicas import Replicas
from quatrefoil.core.training.schedules import scheduler
from quatrefoil.core.training.settings import ZERO_STAGES
from quatrefoil.core.training.sharded import Sharded
from quatrefoil.core.training.stopping import NonFiniteLoss
from quatrefoil.core.training.updater import Updater
from quatrefoil.core.training.zero import Zero


class Trainer:
    """Trains the model of a recipe.

    Args:
        recipe: checked.
        data: the module of recipe.data.
        accelerator: the engine.

    Raises:
        ValueError: micro-batches are asked for with objectives, or an engine, that need the batch whole.
    """

    def __init__(self, recipe: Recipe, data: DataModule, accelerator: Accelerator) -> None:
        self.recipe, self.config, self.accelerator = recipe, recipe.train, accelerator
        torch.manual_seed(seed_of(recipe.seed, "initial weights"))
        self.model_config = recipe.model_for(data)
        self.model = self.model_config.build()
        self.model.assets |= data.assets()
        self.model.check_assets()
        self.samples, self.fill = data.train(recipe.train_fields), data.fill
        ranks = accelerator.process_index, accelerator.num_processes
        self.plan = plan_of(self.samples, self.config.batch_size, recipe.seed, *ranks)
        step = Step(self.model, recipe.objectives, recipe.seed).to(accelerator.device)
        probe = self._probe()
        self.frozen = freeze_unreached(step, probe)
        self._check_parts()
        engine = engine_of(accelerator)
        self.micro_batches = MicroBatches(step, self.config.accumulate, engine, self.config.bf16, probe)
        groups = parameter_groups(self.model, self.config.optimizer)
        self.groups_text, self.parameter_names = describe(groups), names(groups)
        self.sizes = {name: p.numel() for name, p in self.model.named_parameters()}  # before an engine cuts them
        self.trained_size = sum(self.sizes[name] for name, p in self.model.named_parameters() if p.requires_grad)
        self.ema = Ema(self.model, self.config.ema) if self.config.ema is not None else None
        optimizer = adamw(groups, self.config.optimizer)
        self.updater = self._updater(step, optimizer, groups)
        self.schedule = scheduler(optimizer, self.config.schedule, self.config.steps)
        self.stop = StopSignal("saving after the step that is being made")
        self.stops = False  # whether any rank was told to, known to all of them after a step
        self.budget = SkipBudget(self.config.skip_budget, minimum=10 if self.config.skip_budget else 0)

    def _check_parts(self) -> None:
        rows = self.config.batch_size // self.accelerator.num_processes
        if rows < self.config.accumulate:
            raise ValueError(
                f"train.accumulate={self.config.accumulate}: a process has only {rows} samples of a batch of "
                f"{self.config.batch_size}; it can be in {rows} micro-batches at the most"
            )

    def _updater(self, step: Step, optimizer: Optimizer, groups: list[Group]) -> Updater:
        limit = math.inf if self.config.optimizer.clip_norm is None else self.config.optimizer.clip_norm
        if engine_of(self.accelerator) in ZERO_STAGES:
            return Zero(self.accelerator, self.model, step, optimizer, groups, limit, self._model_with)
        if engine_of(self.accelerator) == "fsdp2":
            return Sharded(self.accelerator, self.model, step, optimizer, limit, self.config.bf16, self._model_with)
        return Replicas(self.accelerator, self.model, step, optimizer, limit, self.config.compile)

    def _model_with(self, weights: Mapping[str, Tensor]) -> Model:
        """Another model as this one is, with these weights."""
        copy = self.model_config.build().to(self.accelerator.device)
        copy.assets |= self.model.assets
        load_weights(copy, weights)
        return copy

    def _probe(self) -> Batch:
        """Two samples, to see before the run what the objectives reach and count."""
        return to_device(first_batch(self.samples, self.plan, self.fill, rows=2), self.accelerator.device)

    def batches(self, start: int) -> Iterator[Batch]:
        """Local batches on the device, from step `start` on, without an end."""
        cursor = Cursor().after(start, self.plan.batches_per_epoch)
        workers, device = self.recipe.run.workers, self.accelerator.device
        pinned = device.type == "cuda"
        for batch in loader(self.samples, self.plan, cursor, workers=workers, fill=self.fill, pin_memory=pinned):
            yield to_device(batch, device)

    def train_step(self, batch: Batch, step: int) -> dict[str, float]:
        """One update; losses and metrics of the global batch, gradient norm, learning rate, samples skipped so far.

        Raises:
            NonFiniteLoss: names the step and the samples; nothing was updated.
            TooManySkipped: on every rank at the same step.
        """
        self.updater.module.train()
        torch.manual_seed(seed_of(self.recipe.seed, "step", step, self.accelerator.process_index))
        try:
            logged = self.micro_batches.backward(self.updater, batch, step)
        except NonFinite as error:
            raise NonFiniteLoss(f"step {step}: {error}; nothing was updated; samples: {batch['id']}") from error
        if (norm := self.updater.clip()) is not None:
            logged["gradient_norm"] = norm.to(self.accelerator.device)
        logs = self._global_means(logged, batch)
        _check_finite(logs, batch, step)
        if (late_norm := self.updater.update()) is not None:
            logs["gradient_norm"] = late_norm
            _check_finite(logs, batch, step)
        logs["learning_rate"] = float(max(self.schedule.get_last_lr()))
        logs["skipped_samples"] = self.budget.skipped
        self.schedule.step()
        if self.ema is not None:
            self.ema.update(self.model)
        return logs

    def _global_means(self, logged: Mapping[str, Tensor], batch: Batch) -> dict[str, float]:
        """Means over ranks; the same collective counts skipped samples and signals to stop, exact as doubles."""
        skipped = batch["skipped"]
        values = torch.stack([value.detach().double() for value in logged.values()])
        counts = values.new_tensor([len(batch["id"]) + len(skipped), len(skipped), self.stop.asked is not None])
        *sums, seen, lost, stops = global_sum(torch.cat([values, counts])).tolist()
        self.stops = stops > 0
        self.budget.add(int(seen), int(lost), skipped)
        return {name: total / self.accelerator.num_processes for name, total in zip(logged, sums, strict=True)}

    def state(self) -> tuple[dict[str, dict[str, Tensor]], Json]:
        """What a checkpoint holds: tensors by file, and the rest as JSON. All ranks call it together."""
        optimizer_tensors, optimizer_json = optimizer_state.flatten(self.updater.optimizer_state())
        tensors = {"model": self.updater.weights(), "optimizer": optimizer_tensors}
        if self.ema is not None:
            tensors["ema"] = self.ema.tensors()
        skips = {"seen": self.budget.seen, "skipped": self.budget.skipped}
        return tensors, {"optimizer": optimizer_json, "schedule_step": self.schedule.last_epoch, "skips": skips}

    def load(self, saved: Checkpoint) -> None:
        """Stand where a checkpoint was written, by whichever engine."""
        state = optimizer_state.unflatten(saved.tensors["optimizer"], saved.state["optimizer"], self.parameter_names)
        self.updater.load(saved.tensors["model"], state)
        self.schedule.last_epoch = saved.state["schedule_step"]
        self.schedule._last_lr = [group["lr"] for group in state["param_groups"]]
        if self.ema is not None:
            self.ema.load(saved.tensors["ema"])
        self.budget.seen, self.budget.skipped = saved.state["skips"]["seen"], saved.state["skips"]["skipped"]

    @contextmanager
    def evaluated(self) -> Iterator[Model]:
        """The model in evaluation mode, with all its weights: the averaged ones where an average is kept."""
        with self.updater.whole_model() as model:
            model.eval()
            with self.ema.swapped(model) if self.ema is not None else nullcontext():
                yield model


def _check_finite(logs: Mapping[str, float], batch: Batch, step: int) -> None:
    if not all(math.isfinite(value) for value in logs.values()):
        raise NonFiniteLoss(f"step {step}: {dict(logs)}; nothing was updated; samples: {batch['id']}")


def freeze_unreached(step: Step, probe: Batch) -> list[str]:
    """Freeze the parameters that no objective reaches, and name them.

    Data-parallel engines wait for a gradient of every trainable parameter; what an ablation switched off gets none. The
    probe is one pass over two samples; which parameters are reached does not depend on the values in a batch.
    """
    step(probe, 0)["loss"].backward()
    unreached = [name for name, p in step.model.named_parameters() if p.requires_grad and p.grad is None]
    for name, parameter in step.model.named_parameters():
        parameter.grad = None
        if name in unreached:
            parameter.requires_grad_(False)
    return unreached
