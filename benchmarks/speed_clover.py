"""What Clover costs, in one run: `python -m benchmarks.speed_clover`.

A step with terms off: forward and backward of the small recipes on clips of the embedded benchmark, and how often each
encoder was run; what no objective asks for must not be computed.

Retrieval: each of some texts beside each of as many clips, by the two codes, which is how Clover retrieves (the claim
that one model for both costs no more), and by the fusion encoder over every pair, as a model has to that has no codes.
Frames and words are encoded once in either case.
"""

from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.timing import CPU, keep, least, surroundings
from quatrefoil.core import recipes
from quatrefoil.core.data import Batch
from quatrefoil.core.data.collate import first_batch
from quatrefoil.core.data.sampler import BatchPlan
from quatrefoil.core.objectives import Step
from quatrefoil.core.views import Tokens, Views

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


@torch.no_grad()
def by_codes(step: Step, batch: Batch) -> Tensor:
    """Similarities (B, B) of codes."""
    views = Views(step.model, batch)
    similar_BB: Tensor = views["text"] @ views["video"].mT
    return similar_BB


@torch.no_grad()
def by_pairs(step: Step, batch: Batch) -> Tensor:
    """What the fusion encoder makes of every pair, (B, B, P); a text beside all clips at a time."""
    views = Views(step.model, batch)
    texts, clips = views["text_states"], views["video_states"]
    return torch.stack(
        [
            views.replace(text_states=Tokens(*(each[row : row + 1].expand_as(each) for each in texts)))["fused_video"]
            for row in range(len(clips))
        ]
    )


def retrieval(step: Step, batch: Batch) -> dict[str, float]:
    """Seconds of both ways."""
    step.eval()
    found = least({"codes": partial(by_codes, step, batch), "pairs": partial(by_pairs, step, batch)}, ROUNDS, CPU)
    codes, pairs = (found[way].seconds for way in ("codes", "pairs"))
    return {"codes_s": round(codes, 3), "pairs_s": round(pairs, 3), "ratio": round(pairs / codes, 2)}


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
    where = surroundings("python -m benchmarks.speed_clover", CPU)
    keep(RESULTS, {**where, "clips": CLIPS, "rows": rows, "retrieval": retrieval(*steps[FULL])})


if __name__ == "__main__":
    main()
