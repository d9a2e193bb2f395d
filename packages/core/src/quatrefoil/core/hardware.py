"""On what a result was made."""

import os
import resource
from pathlib import Path

import torch


def hardware(device: torch.device) -> str:
    """The machine in words, for results."""
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)}"
    return f"{os.cpu_count()} CPU cores, {torch.get_num_threads()} threads"


def peak_memory(device: torch.device) -> int:
    """The most bytes that this process has held: of the GPU's memory as torch counts it, else of the machine's."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resident_peak()


def resident_peak() -> int:
    """The most bytes of the machine's memory that this process has held.

    Not `ru_maxrss` where there is something else: a process starts with its parent's.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS
    (peak,) = (line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) * 1024  # Linux counts kibibytes
