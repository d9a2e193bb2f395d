"""On what a result was made."""

import os
import resource

import torch


def hardware(device: torch.device) -> str:
    """The machine in words, for results."""
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)}"
    return f"{os.cpu_count()} CPU cores, {torch.get_num_threads()} threads"


def peak_memory(device: torch.device) -> int:
    """The most bytes that this process has held so far: of the GPU's memory as torch counts it, else of the machine's."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # Linux counts kibibytes
