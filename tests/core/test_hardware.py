"""On what a result was made, and what it took."""

import torch

from quatrefoil.core.hardware import peak_memory


def test_peak_memory_counts_what_was_held_and_never_falls() -> None:
    held = torch.ones(32 << 20, dtype=torch.uint8)
    peak = peak_memory(torch.device("cpu"))
    assert peak > held.nbytes
    del held
    assert peak_memory(torch.device("cpu")) >= peak
