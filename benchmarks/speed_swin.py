"""Time and memory of a step of our Video Swin beside torchvision's, in one run: `python -m benchmarks.speed_swin`.

torchvision is no dependency of this project: `pip install --no-deps torchvision==0.26.0` beside torch 2.11.0.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from benchmarks.timing import fastest, keep, least, surroundings
from quatrefoil.core.nn.swin import SwinConfig
from quatrefoil.video_text.encoders.video_swin import VIDEO_SWIN_T, video_swin

RESULTS = Path(__file__).parent / "results" / "speed_swin.json"
ROUNDS = 9


@dataclass(frozen=True)
class Case:
    """A model and the clips (B, F, H, W) of one step; no stochastic depth, so that both do the same work."""

    config: SwinConfig
    clips: tuple[int, int, int, int]


_SMALL = video_swin(16, (2, 2, 2, 2), (1, 2, 4, 8))
CASES = {
    "swin3d_t, 2 clips of 8 x 112 x 112": Case(
        video_swin(96, VIDEO_SWIN_T.depths, VIDEO_SWIN_T.heads), (2, 8, 112, 112)
    ),
    "golden 0, 2 clips of 8 x 56 x 56": Case(_SMALL, (2, 8, 56, 56)),
    "golden 1, 2 clips of 4 x 64 x 72": Case(_SMALL, (2, 4, 64, 72)),
    "golden 2, 2 clips of 6 x 40 x 40": Case(_SMALL, (2, 6, 40, 40)),
}


class Ours(nn.Module):
    """Pooled tokens of our Swin."""

    def __init__(self, config: SwinConfig) -> None:
        super().__init__()
        self.swin = config.build()

    def forward(self, x_BCFHW: Tensor) -> Tensor:
        """(B, D)."""
        pooled: Tensor = self.swin(x_BCFHW).pooled()
        return pooled


def theirs(config: SwinConfig) -> nn.Module:
    """torchvision's Swin of the same sizes, without its classifier."""
    model: Any = importlib.import_module("torchvision.models.video.swin_transformer").SwinTransformer3d(
        patch_size=list(config.patch),
        embed_dim=config.width,
        depths=list(config.depths),
        num_heads=list(config.heads),
        window_size=list(config.window),
        mlp_ratio=config.mlp_ratio,
        stochastic_depth_prob=0.0,
    )
    model.head = nn.Identity()
    built: nn.Module = model
    return built


MODELS: dict[str, Callable[[SwinConfig], nn.Module]] = {"ours": Ours, "torchvision": theirs}


def step(model: nn.Module, clips: Tensor) -> None:
    """Forward and backward."""
    model.zero_grad(set_to_none=True)
    model(clips).square().mean().backward()


def build(name: str, case: str) -> tuple[nn.Module, Tensor]:
    """A model on the fastest device here, and its clips."""
    device = fastest()
    batch, *sizes = CASES[case].clips
    return MODELS[name](CASES[case].config).to(device), torch.randn(batch, 3, *sizes, device=device)


def seconds(case: str) -> dict[str, float]:
    """Least time of a step of each model."""
    built = {name: build(name, case) for name in MODELS}
    sizes = {name: sum(p.numel() for p in model.parameters()) for name, (model, _) in built.items()}
    assert len(set(sizes.values())) == 1, f"not the same model: {sizes} parameters"
    found = least({name: partial(step, *each) for name, each in built.items()}, ROUNDS, fastest())
    return {name: each.seconds for name, each in found.items()}


def peak_mib(name: str, case: str) -> float:
    """Memory that a step adds to a model, its gradients and its clips at the most, in MiB."""
    model, clips = build(name, case)
    step(model, clips)
    if clips.is_cuda:
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        step(model, clips)
        return (torch.cuda.max_memory_allocated() - before) / 2**20
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        step(model, clips)
    assert profiler.profiler is not None
    events = [event for event in profiler.profiler.kineto_results.events() if event.name() == "[memory]"]
    changes = (event.nbytes() for event in sorted(events, key=lambda event: event.start_ns()))
    return float(max(accumulate(changes))) / 2**20


def measure(case: str) -> dict[str, Any]:
    """One row: both models and ours over theirs."""
    times = seconds(case)
    memory = {name: peak_mib(name, case) for name in MODELS}
    return {
        "case": case,
        "seconds": {name: round(value, 4) for name, value in times.items()},
        "mib": {name: round(value, 1) for name, value in memory.items()},
        "time_ratio": round(times["ours"] / times["torchvision"], 3),
        "memory_ratio": round(memory["ours"] / memory["torchvision"], 3),
    }


def main() -> None:
    """Measure all cases, write and print them."""
    torch.manual_seed(0)
    around = surroundings("python -m benchmarks.speed_swin", fastest(), ("torch", "torchvision"))
    keep(RESULTS, {**around, "rows": [measure(case) for case in CASES]})


if __name__ == "__main__":
    main()
