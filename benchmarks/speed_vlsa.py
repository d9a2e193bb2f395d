"""Time of VLSA's joint pass over visible tokens beside that over all, and of reading clips beside training on them:
`python -m benchmarks.speed_vlsa`.

The joint pass is forward and backward through the encoder, the one part of a step in which hiding saves work. Whether a
loader keeps up is computed from processor time, which does not grow when others run beside us: one process reads clips
(frames and sound of Stage's files, decoded anew or from caches) and one trains on them, each on a core of its own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.timing import CPU, fastest, keep, least, surroundings
from quatrefoil.core import recipes
from quatrefoil.core.data.collate import first_batch
from quatrefoil.core.data.mixture import plan_of
from quatrefoil.core.objectives import Step
from quatrefoil.core.views import Views
from quatrefoil.video_text.encoders.patches import draw_visible
from quatrefoil.video_text.models.vlsa import Vlsa, VlsaConfig
from quatrefoil.video_text.recipes.vlsa_stage import SMALL

RESULTS = Path(__file__).parent / "results" / "speed_vlsa.json"
ROUNDS = 5
HIDDEN = 0.75


@dataclass(frozen=True)
class Case:
    """A model and the number of clips of one step."""

    config: VlsaConfig
    clips: int


CASES = {"full size, 1 clip": Case(VlsaConfig(), 1), "Stage's size, 16 clips": Case(SMALL, 16)}


def batch_of(case: Case) -> dict[str, Tensor]:
    """Noise, of which a quarter is visible, with texts as long as they may be."""
    config, draw = case.config, torch.Generator().manual_seed(0)
    (frames, per_frame), (rows, columns) = config.axes["video"], config.axes["audio"]
    visible = {"video_visible": (frames, per_frame), "audio_visible": (1, rows * columns)}
    side, length = config.image_size, config.text_length
    return {
        "frames": torch.randint(0, 256, (case.clips, frames, 3, side, side), generator=draw, dtype=torch.uint8),
        "sound": torch.randn(case.clips, 1, config.sound_rows, config.sound_columns, generator=draw),
        "sound_mask": torch.ones(case.clips, 1, dtype=torch.bool),
        "text_masked_ids": torch.randint(0, config.vocab_size, (case.clips, length), generator=draw),
        "text_mask": torch.ones(case.clips, length, dtype=torch.bool),
        **{
            name: torch.stack([draw_visible(*sizes, draw, HIDDEN) for _ in range(case.clips)])
            for name, sizes in visible.items()
        },
    }


def all_visible(batch: Mapping[str, Tensor], config: VlsaConfig) -> dict[str, Tensor]:
    """The same clips with nothing hidden."""
    clips = len(batch["frames"])
    tokens = {f"{modality}_visible": torch.Size(config.axes[modality]).numel() for modality in ("video", "audio")}
    return {**batch, **{name: torch.arange(count).expand(clips, -1) for name, count in tokens.items()}}


def step(model: Vlsa, batch: Mapping[str, Tensor]) -> int:
    """Forward and backward of the joint pass; how many tokens a clip had in it."""
    model.zero_grad(set_to_none=True)
    states = Views(model, batch)["joint"]
    sum(state.square().mean() for state in states.values()).backward()
    return sum(state.shape[1] for state in states.values())


def measure(name: str) -> dict[str, Any]:
    """One row: tokens and least seconds of both."""
    case, device = CASES[name], fastest()
    model = case.config.build().to(device)
    masked = {field: value.to(device) for field, value in batch_of(case).items()}
    whole = {field: value.to(device) for field, value in all_visible(masked, case.config).items()}
    found = least({"visible": partial(step, model, masked), "all": partial(step, model, whole)}, ROUNDS, device)
    return {
        "case": name,
        "tokens": {which: each.given for which, each in found.items()},
        "seconds": {which: round(each.seconds, 4) for which, each in found.items()},
        "times_faster": round(found["all"].seconds / found["visible"].seconds, 2),
    }


READING = {"from files": "false", "from caches": "true"}
READ_CLIPS = 16


def keeps_up(how: str) -> dict[str, Any]:
    """One row: least processor seconds of a clip in a loader and in pre-training, and the share of time that is waited.

    Of two cores. A loader that is slower than training makes it wait for the difference.
    """
    settings = [f"data.cache_{what}={READING[how]}" for what in ("frames", "sound")]
    recipe = recipes.load("vlsa/stage-pretrain", ["data.size=tiny", *settings])
    data = recipe.data.build(recipe.seed)
    samples = data.train(recipe.train_fields)
    plan = plan_of(samples, READ_CLIPS, recipe.seed)
    batch = first_batch(samples, plan, data.fill, READ_CLIPS)
    step = Step(recipe.model_for(data).build(), recipe.objectives)
    works: dict[str, Callable[[], object]] = {
        "loader": partial(first_batch, samples, plan, data.fill, READ_CLIPS),
        "training": lambda: step(batch, 0)["loss"].backward(),
    }
    seconds = {which: each.seconds / READ_CLIPS for which, each in least(works, ROUNDS, CPU).items()}
    return {
        "case": f"vlsa/stage-pretrain, clips {how}",
        "seconds_a_clip": {which: round(each, 4) for which, each in seconds.items()},
        "waiting_percent": round(100 * max(0.0, 1 - seconds["training"] / seconds["loader"]), 1),
    }


def main() -> None:
    """Measure all cases, write and print them."""
    torch.manual_seed(0)
    found = {"rows": [measure(name) for name in CASES], "loader": [keeps_up(how) for how in READING]}
    keep(RESULTS, {**surroundings("python -m benchmarks.speed_vlsa", fastest()), **found})


if __name__ == "__main__":
    main()
