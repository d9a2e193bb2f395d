"""On what a result was made."""

import os

import torch


def hardware(device: torch.device) -> str:
    """The machine in words, for results."""
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)}"
    return f"{os.cpu_count()} CPU cores, {torch.get_num_threads()} threads"
