"""What is run together: suites of entries."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from benchmarks.claims import CLAIMS, Claim
from benchmarks.corpora import CORPORA, on_real_corpora
from benchmarks.entries import (
    BRUTE_FORCE,
    CLOVER,
    CLOVER_ARMS,
    CLOVER_SCRATCH,
    FRAMES,
    GENEBERT,
    GENEBERT_ARMS,
    OPENNESS,
    OPENNESS_OF_SEQUENCE,
    PROMOTERS_AMONG_OTHERS,
    REGULOME_BASELINES,
    TABLE,
    TABLE_ABLATIONS,
    VLSA,
    VLSA_ARMS,
    VLSA_SCRATCH,
    Arm,
)
from quatrefoil.core.measuring.entries import ONE_SEED, THREE_SEEDS, Entry


@dataclass(frozen=True)
class Suite:
    """Entries measured together.

    Args:
        what: it measures, in a line of help.
        claims: that it is made for; their verdicts are told at the end.
        committed: the results belong to the repository; else to a folder under runs/.
        gallery: the data set of which samples are drawn, to look at beside the table.
        corpora_seeds: of the real corpora that are there (`with_corpora`); none = it does not measure them.
        left_out: what these are not asked, and why.
    """

    name: str
    entries: Sequence[Entry]
    committed: bool
    gallery: str | None = None
    corpora_seeds: Sequence[int] = ()
    left_out: Sequence[str] = ()
    claims: Sequence[Claim] = ()
    what: str = ""

    def with_corpora(self, environment: Mapping[str, str] = os.environ) -> "Suite":
        """With what is measured of the real corpora that lie where the environment says, if it measures any.

        Raises:
            FileNotFoundError: the folder named there does not exist, or holds no corpus.
        """
        if not self.corpora_seeds:
            told = f"{CORPORA} is set, but the suite {self.name} measures no real corpora: default and full do"
            return replace(self, left_out=[told]) if environment.get(CORPORA) else self
        entries, left_out = on_real_corpora(environment)
        asked = [entry.with_seeds(self.corpora_seeds) for entry in entries]
        return replace(self, entries=[*self.entries, *asked], left_out=left_out)


_CORE = (FRAMES, BRUTE_FORCE, TABLE)
ON_ONE_TASK = (
    *_CORE,
    CLOVER_SCRATCH.tasks["retrieval"],
    CLOVER.tasks["retrieval"],
    VLSA_SCRATCH.tasks["text-audio retrieval"],
    VLSA.tasks["text-audio retrieval"],
    OPENNESS_OF_SEQUENCE,
    GENEBERT.tasks[OPENNESS],
)
"""Every model beside a baseline, on one task."""
_MINUTES = ("train.steps=250", "train.evaluate_every=0", "data.frames.frames=2")
_SECONDS = ("data.size=tiny", "train.steps=20", "train.batch_size=8")


def suites() -> dict[str, Suite]:
    """The suites by name, without real corpora, which are opened only for the suite that is run."""
    clover, vlsa = entries_of(CLOVER_ARMS), entries_of(VLSA_ARMS)
    regulome = [*entries_of(GENEBERT_ARMS), *REGULOME_BASELINES, *PROMOTERS_AMONG_OTHERS]
    full = each_once([*_CORE, *TABLE_ABLATIONS, *clover, *vlsa, *regulome, *claimed(CLAIMS)])
    return {
        suite.name: suite
        for suite in (
            Suite(
                "quick",
                [_shortened(entry, _SECONDS) for entry in ON_ONE_TASK],
                committed=False,
                what="every model beside a baseline on tiny data for 20 steps: minutes, into runs/quick",
            ),
            Suite(
                "demo",
                [_shortened(entry, _MINUTES) for entry in (FRAMES, TABLE)],
                committed=False,
                gallery="stage",
                what="TABLE and frames alone, with samples and a model to try: 5 to 10 minutes, into runs/demo",
            ),
            Suite(
                "default",
                [entry.with_seeds(ONE_SEED) for entry in ON_ONE_TASK],
                committed=True,
                corpora_seeds=ONE_SEED,
                what="every model beside a baseline from one seed, and the real corpora of QUATREFOIL_DATA",
            ),
            Suite("clover", clover, committed=True, what="Clover and its ablations on all tasks of Stage, all seeds"),
            Suite("vlsa", vlsa, committed=True, what="VLSA and its ablations on all tasks of Stage, all seeds"),
            Suite("regulome", regulome, committed=True, what="GeneBERT, its ablations and baselines, all seeds"),
            Suite("full", full, committed=True, corpora_seeds=THREE_SEEDS, what="all of these, and the claims: days"),
            Suite(
                "claims",
                claimed(CLAIMS),
                committed=True,
                claims=CLAIMS,
                what="what the papers claim, or some of it: CLAIMS.md",
            ),
            Suite("pages", [], committed=True, what="nothing is run: what is stored is drawn"),
        )
    }


def _shortened(entry: Entry, settings: tuple[str, ...]) -> Entry:
    return entry.with_seeds(ONE_SEED).with_overrides(settings)


def claimed(claims: Sequence[Claim]) -> list[Entry]:
    """What is compared by these claims, each with the seeds of all claims that speak of it."""
    return each_once(entry.with_seeds(claim.seeds) for claim in claims for entry in (claim.better, claim.than))


def each_once(entries: Iterable[Entry]) -> list[Entry]:
    """Entries that are alike but for their seeds put together, so that no run is made twice."""
    seeds: dict[Entry, set[int]] = {}
    for entry in entries:
        seeds.setdefault(entry.with_seeds(()), set()).update(entry.seeds)
    return [entry.with_seeds(tuple(sorted(each))) for entry, each in seeds.items()]


def entries_of(arms: Sequence[Arm]) -> list[Entry]:
    """All that is measured of these ways of pre-training, task by task, so that what is compared is made together."""
    tasks = dict.fromkeys(task for arm in arms for task in arm.tasks)
    return [arm.tasks[task] for task in tasks for arm in arms if task in arm.tasks]
