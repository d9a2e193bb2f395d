"""Contrast at once, in tiles and by cached gradients: peak memory, time, and how far values and gradients are apart.

`python -m benchmarks.speed_contrast [PAIRS ...]` takes the gradient of two small towers and their contrast, in each way
in a process of its own (a peak is of a process) and one thread, prints one JSON object a size, and with `--write` keeps
them in `benchmarks/results/speed_contrast.json`. `tiled` spares the matrix of similarities, `cached` the graph, too.
"""

import argparse
import importlib
import itertools
import json
import multiprocessing
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from quatrefoil.core.hardware import hardware, resident_peak
from quatrefoil.core.objectives import Contrastive, Step
from quatrefoil.core.training.microbatches import MicroBatches
from quatrefoil.core.versions import versions
from quatrefoil.core.views import view

RESULTS = Path(__file__).parent / "results" / "speed_contrast.json"
SIZES = [1024, 4096, 16384]
WAYS = ("whole", "tiled", "cached")
WIDTH, HIDDEN, LAYERS = 128, 512, 4
PART = 512
"""Rows of a micro-batch, for `cached`."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", type=int, nargs="*", default=SIZES)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = [compared(pairs) | _surroundings() for pairs in options.pairs]
    for row in rows:
        print(json.dumps(row), flush=True)
    if options.write:
        RESULTS.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")


def _surroundings() -> dict[str, Any]:
    command = "python -m benchmarks.speed_contrast --write"
    return {"command": command, "versions": versions(), "hardware": hardware(torch.device("cpu"))}


def compared(pairs: int) -> dict[str, float]:
    """All ways on the same pairs; ratios are of `whole` to the other way, so that above 1 speaks for that."""
    found = {way: _in_a_process(pairs, way) for way in WAYS}
    whole = found.pop("whole")
    row = {"pairs": pairs, "whole_mib": whole["mib"], "whole_s": whole["seconds"]}
    for way, other in found.items():
        row |= {
            f"{way}_mib": other["mib"],
            f"{way}_s": other["seconds"],
            f"{way}_memory_ratio": round(whole["mib"] / other["mib"], 2),
            f"{way}_time_ratio": round(whole["seconds"] / other["seconds"], 2),
            f"{way}_value_differs": abs(whole["loss"] - other["loss"]) / abs(whole["loss"]),
            f"{way}_gradient_differs": _apart(whole["gradient"], other["gradient"]),
        }
    return row


def _apart(one: list[float], other: list[float]) -> float:
    a, b = torch.tensor(one), torch.tensor(other)
    return float((a - b).norm() / a.norm())


def _in_a_process(pairs: int, way: str) -> dict[str, Any]:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measured, (pairs, way))


def measured(pairs: int, way: str) -> dict[str, Any]:
    """Memory beyond towers and pairs (MiB), processor seconds in one thread, the loss, and the towers' gradient."""
    torch.set_num_threads(1)
    # Each way is to be one thing at any size; micro-batches, too, have their codes compared in tiles.
    limit = pairs**2 if way == "whole" else 0
    vars(importlib.import_module("quatrefoil.core.losses.contrastive"))["WHOLE_UP_TO"] = limit
    cut = way == "cached"
    _gradient(_towers(), _pairs(64), 2 if cut else 1)  # what is loaded at the first call is not counted
    towers, batch, before = _towers(), _pairs(pairs), resident_peak() / 2**20
    began = time.process_time()
    loss = _gradient(towers, batch, pairs // PART if cut else 1)
    seconds = time.process_time() - began
    gradient = torch.cat([p.grad.flatten() for p in towers.parameters() if p.grad is not None])
    return {
        "mib": round(resident_peak() / 2**20 - before, 1),
        "seconds": round(seconds, 2),
        "loss": loss,
        "gradient": gradient.tolist(),
    }


class Towers(nn.Module):
    """Two towers of layers without dropout, and a fixed scale."""

    def __init__(self) -> None:
        super().__init__()
        self.towers = nn.ModuleList(_tower() for _ in range(2))

    @view
    def a(self, left: Tensor) -> Tensor:
        return normalize(self.towers[0](left), dim=1)

    @view
    def b(self, right: Tensor) -> Tensor:
        return normalize(self.towers[1](right), dim=1)


def _tower() -> nn.Sequential:
    widths = [WIDTH, *[HIDDEN] * LAYERS]
    layers = [part for a, b in itertools.pairwise(widths) for part in (nn.Linear(a, b), nn.GELU())]
    return nn.Sequential(*layers, nn.Linear(HIDDEN, WIDTH))


def _towers() -> Step:
    torch.manual_seed(0)
    return Step(Towers(), {"contrast": Contrastive("a", "b", scale=20.0)})


def _pairs(pairs: int) -> dict[str, Any]:
    left, noise = torch.randn(2, pairs, WIDTH, generator=torch.Generator().manual_seed(0))
    return {"left": left, "right": left + noise, "id": list(range(pairs)), "group": torch.arange(pairs)}


class _Alone:
    """The engine of one process."""

    def __init__(self, step: Step) -> None:
        self.module = step

    def accumulating(self) -> nullcontext[None]:
        return nullcontext()

    def backward(self, loss: Tensor) -> None:
        torch.autograd.backward(loss)


def _gradient(step: Step, batch: dict[str, Any], parts: int) -> float:
    probe = {name: value[:2] for name, value in batch.items()}
    micro_batches = MicroBatches(step, parts, "plain", bf16=False, probe=probe)
    return float(micro_batches.backward(_Alone(step), batch, 0)["loss"])


if __name__ == "__main__":
    main()
