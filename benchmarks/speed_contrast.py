"""Contrast in tiles against contrast at once: peak memory, time, and how far value and gradients are apart.

`python -m benchmarks.speed_contrast [PAIRS ...]` measures each size in a process of its own (a peak is of a process),
prints one JSON object a size, and with `--write` keeps them in `benchmarks/results/speed_contrast.json`.
"""

import argparse
import importlib
import json
import multiprocessing
import resource
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from quatrefoil.core.losses import contrastive
from quatrefoil.core.losses.contrastive import TILE_ROWS

RESULTS = Path(__file__).parent / "results" / "speed_contrast.json"
WIDTH = 256


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", type=int, nargs="*", default=[1024, 4096, 16384])
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    rows = [compared(pairs) for pairs in options.pairs]
    for row in rows:
        print(json.dumps(row), flush=True)
    if options.write:
        RESULTS.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")


def compared(pairs: int) -> dict[str, Any]:
    """Both ways on the same codes, as ratios of at once to in tiles."""
    whole, tiled = (_in_a_process(pairs, tile) for tile in (None, TILE_ROWS))
    return {
        "pairs": pairs,
        "width": WIDTH,
        "whole_mib": whole["mib"],
        "tiled_mib": tiled["mib"],
        "memory_ratio": round(whole["mib"] / tiled["mib"], 1),
        "whole_s": whole["seconds"],
        "tiled_s": tiled["seconds"],
        "time_ratio": round(whole["seconds"] / tiled["seconds"], 2),
        "value_differs": abs(whole["loss"] - tiled["loss"]) / abs(whole["loss"]),
        "gradients_differ": max(
            float((torch.tensor(a) - torch.tensor(b)).norm() / torch.tensor(a).norm())
            for a, b in zip(whole["gradients"], tiled["gradients"], strict=True)
        ),
    }


def _in_a_process(pairs: int, tile_rows: int | None) -> dict[str, Any]:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measured, (pairs, tile_rows))


def measured(pairs: int, tile_rows: int | None) -> dict[str, Any]:
    """Memory beyond the inputs (MiB), processor seconds in one thread, the loss, and some rows of the gradients."""
    torch.set_num_threads(1)
    # What is not asked for in tiles is to be at once, however large.
    vars(importlib.import_module("quatrefoil.core.losses.contrastive"))["WHOLE_UP_TO"] = pairs**2
    _step(_leaves(64), tile_rows)  # what is loaded at the first call is not counted
    leaves, before = _leaves(pairs), _peak_mib()
    began = time.process_time()
    loss = _step(leaves, tile_rows)
    seconds = time.process_time() - began
    some = [leaf.grad[:64].tolist() if leaf.ndim else [leaf.grad.item()] for leaf in leaves if leaf.grad is not None]
    return {"mib": round(_peak_mib() - before, 1), "seconds": round(seconds, 2), "loss": loss, "gradients": some}


def _leaves(pairs: int) -> list[Tensor]:
    a, b = normalize(torch.randn(2, pairs, WIDTH, generator=torch.Generator().manual_seed(0)), dim=-1)
    return [x.clone().requires_grad_() for x in (a, normalize(a + b, dim=1), torch.tensor(20.0))]


def _step(leaves: list[Tensor], tile_rows: int | None) -> float:
    result = contrastive(*leaves, tile_rows=tile_rows)
    torch.autograd.backward(result.loss)
    return result.loss.item()


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
