"""Random draws as pure functions of names and numbers, so that nothing random has a state to save or to share."""

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

SeedKey = int | str


def seed_of(*key: SeedKey) -> int:
    """A 63-bit seed that is the same for the same key on every machine, and unrelated for any other key."""
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in key)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def generator(*key: SeedKey) -> "torch.Generator":
    """A fresh CPU generator for `key`, e.g. `generator(seed, epoch, sample_id, "crop")`."""
    # Imported here because processes that only name seeds start several times faster without it.
    import torch

    return torch.Generator().manual_seed(seed_of(*key))
