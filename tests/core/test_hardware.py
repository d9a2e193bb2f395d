"""On what a result was made, and what it took."""

import torch

from quatrefoil.core.hardware import peak_memory


def test_peak_memory_counts_what_was_held_after_it_was_given_back() -> None:
    cpu = torch.device("cpu")
    held = torch.ones(128 << 20, dtype=torch.uint8)
    size, peak = held.nbytes, peak_memory(cpu)
    assert peak > size
    del held
    assert peak_memory(cpu) > peak - size / 2  # Linux counts pages by processor, and adds them up now and then
