"""What a step of Clover costs with terms off, in one run: `python -m benchmarks.speed_clover`.

Forward and backward of the small recipes on clips of the embedded benchmark, and how often each encoder was run: what
no objective asks for must not be computed.
"""

from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from benchmarks.timing import CPU, keep, least, surroundings
from quatrefoil.core import recipes
from quatrefoil.core.data import Batch
from quatrefoil.core.data.collate import first_batch
from quatrefoil.core.data.sampler import BatchPlan
from quatrefoil.core.objectives import Step

RESULTS = Path(__file__).parent / "results" / "speed_clover.json"
FULL = "clover/stage-pretrain"
RECIPES = (FULL, f"{FULL}-no-ranking", f"{FULL}-no-masks", f"{FULL}-pairwise")
ENCODERS = {"visual": "video", "textual": "text", "fusion": "fusion"}
ROUNDS, CLIPS = 7, 32


def build(name: str) -> tuple[Step, Batch]:
    """The step of a recipe and a batch of training clips."""
    recipe = recipes.load(name, ["data.size=tiny"])
    data = recipe.data.build(recipe.seed)
    model = recipe.model_for(data).build()
    model.assets |= data.assets()
    samples = data.train(recipe.train_fields)
    plan = BatchPlan(samples.groups_N, CLIPS, recipe.seed)
    return Step(model, recipe.objectives, recipe.seed), first_batch(samples, plan, data.fill, rows=CLIPS)


def passes(step: Step, batch: Batch) -> Counter[str]:
    """How often a step runs each encoder."""
    found: Counter[str] = Counter()

    def count(module: nn.Module, *_: Any) -> None:
        found[names[module]] += 1

    names = {getattr(step.model, part): shown for part, shown in ENCODERS.items()}
    hooks = [module.register_forward_pre_hook(count) for module in names]
    step(batch, 0)
    for hook in hooks:
        hook.remove()
    return found


def gradient(step: Step, batch: Batch) -> None:
    """Forward and backward."""
    step.zero_grad(set_to_none=True)
    step(batch, 0)["loss"].backward()


def main() -> None:
    """Measure, write and print."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    steps = {name: build(name) for name in RECIPES}
    found = least({name: partial(gradient, *each) for name, each in steps.items()}, ROUNDS, CPU)
    times = {name: each.seconds for name, each in found.items()}
    rows = [
        {
            "recipe": name,
            "passes": dict(passes(*steps[name])),
            "seconds": round(times[name], 3),
            "ratio": round(times[name] / times[FULL], 3),
        }
        for name in RECIPES
    ]
    keep(RESULTS, {**surroundings("python -m benchmarks.speed_clover", CPU), "clips": CLIPS, "rows": rows})


if __name__ == "__main__":
    main()
