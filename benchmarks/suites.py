"""What is run together: suites of entries."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.claims import CLAIMS, Claim
from benchmarks.entries import (
    BRUTE_FORCE,
    CLOVER_ARMS,
    FRAMES,
    GENEBERT_ARMS,
    REGULOME_BASELINES,
    TABLE,
    TABLE_ABLATIONS,
    VLSA_ARMS,
    Arm,
)
from quatrefoil.core.measuring.entries import AS_FOUND, ONE_SEED, Entry

CORPORA = "QUATREFOIL_DATA"
"""Environment variable: the folder that holds real corpora, each in a folder of its name."""


@dataclass(frozen=True)
class Suite:
    """Entries measured together.

    Args:
        committed: the results belong to the repository; else to a folder under runs/.
        gallery: the data set of which samples are drawn, to look at beside the table.
    """

    name: str
    entries: Sequence[Entry]
    committed: bool
    gallery: str | None = None


_MINUTES = ("train.steps=250", "train.evaluate_every=0", "data.frames.frames=2")
_SECONDS = ("data.size=tiny", "train.steps=20", "train.batch_size=8")


def suites(environment: Mapping[str, str] = os.environ) -> dict[str, Suite]:
    """The suites by name; real corpora are measured where the environment says that they lie.

    Raises:
        FileNotFoundError: the folder named there does not exist.
    """
    core, real = (FRAMES, BRUTE_FORCE, TABLE), real_entries(environment)
    clover, vlsa = entries_of(CLOVER_ARMS), entries_of(VLSA_ARMS)
    regulome = [*entries_of(GENEBERT_ARMS), *REGULOME_BASELINES]
    return {
        suite.name: suite
        for suite in (
            Suite("quick", [replace(e, seeds=ONE_SEED, overrides=_SECONDS) for e in (FRAMES, TABLE)], committed=False),
            Suite("demo", [replace(e, seeds=ONE_SEED, overrides=_MINUTES) for e in (FRAMES, TABLE)], False, "stage"),
            Suite("default", [*core, *real], committed=True),
            Suite("clover", clover, committed=True),
            Suite("vlsa", vlsa, committed=True),
            Suite("regulome", regulome, committed=True),
            Suite("full", [*core, *TABLE_ABLATIONS, *clover, *vlsa, *regulome, *real], committed=True),
            Suite("claims", claimed(CLAIMS), committed=True),
        )
    }


def claimed(claims: Sequence[Claim]) -> list[Entry]:
    """What is compared by these claims, each with the seeds of all claims that speak of it."""
    seeds: dict[Entry, set[int]] = {}
    for claim in claims:
        for entry in (claim.better, claim.than):
            seeds.setdefault(entry, set()).update(claim.seeds)
    return [entry.with_seeds(tuple(sorted(each))) for entry, each in seeds.items()]


def entries_of(arms: Sequence[Arm]) -> list[Entry]:
    """All that is measured of these ways of pre-training, task by task, so that what is compared is made together."""
    tasks = dict.fromkeys(task for arm in arms for task in arm.tasks)
    return [arm.tasks[task] for task in tasks for arm in arms if task in arm.tasks]


def real_entries(environment: Mapping[str, str]) -> list[Entry]:
    """TABLE on each real corpus that is there."""
    if CORPORA not in environment:
        return []
    root = Path(environment[CORPORA])
    if not root.is_dir():
        raise FileNotFoundError(f"{CORPORA}={root} is no folder; set it to the one that holds msrvtt/ and msvd/")
    return [_real_entry(root / name) for name in ("msrvtt", "msvd") if (root / name).is_dir()]


def _real_entry(folder: Path) -> Entry:
    recipe, overrides = f"table/{folder.name}", (f"data.root={folder}",)
    return replace(TABLE, recipe=recipe, note="full size", overrides=overrides, data_version=AS_FOUND)
