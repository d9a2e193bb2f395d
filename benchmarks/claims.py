"""What the papers claim, each claim as a comparison of two arms that are trained here.

Several claims are of more than one kind of task, or of several parts: each is then a comparison of its own (T4a, ...).
What a comparison of small models on made data can say is whether the effect is there where the truth is known; it says
nothing of the sizes that the papers print.
"""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from string import ascii_lowercase

from benchmarks.entries import (
    BRUTE_FORCE,
    CLOVER,
    CLOVER_ANY_WORDS,
    CLOVER_NO_MASKS,
    CLOVER_NO_RANKING,
    CLOVER_PAIRWISE,
    CLOVER_SCRATCH,
    FRAMES,
    FRAMES_AS_LONG,
    GENEBERT,
    GENEBERT_NO_MGM,
    GENEBERT_NO_NGSP,
    GENEBERT_NO_SRM,
    GENEBERT_SCRATCH,
    GENEBERT_SEQUENCE,
    METRIC_KNOWN,
    METRICS,
    NO_VTM_MLM,
    OPENNESS,
    OPENNESS_OF_SEQUENCE,
    OPENNESS_VARYING,
    TABLE,
    TABLE_NO_TAGS,
    TABLE_WITHOUT,
    VLSA,
    VLSA_GLOBAL,
    VLSA_LOCAL,
    VLSA_NO_SOUND,
    VLSA_SCRATCH,
    VLSA_UNSHARED,
    VLSA_VTM,
    ZERO_SHOT,
    Arm,
)
from quatrefoil.core import recipes
from quatrefoil.core.ablation.compute import unlike
from quatrefoil.core.config import nearest
from quatrefoil.core.measuring.entries import FIVE_SEEDS, Entry
from quatrefoil.core.recipes import Recipe


@dataclass(frozen=True)
class Claim:
    """One claim.

    Args:
        name: as the tables call it, e.g. T1.
        source: where it is made.
        claimed: in one line.
        better, than: the arms; the first is claimed to score higher.
        metric: in percent, higher is better, on the split `test`.
        seeds: on which it is judged, all of them and no others.
        known: how many of these had been run when their number was fixed, or the claim was declared, and were seen.
        arm_known: the model of which all of them had been seen then, where that is so of one arm.
        task: of which it is said, where it is said of several.
        metric_known: how many seeds had been seen when its metric was chosen, and why it was; None = before any.
        was: how it was put until its seeds had been seen; arms, metric and seeds were the same. None = as it is.
        ours: whether the paper compares the arms too, but not on this task.
    """

    name: str
    source: str
    claimed: str
    better: Entry
    than: Entry
    metric: str
    seeds: Sequence[int] = FIVE_SEEDS
    known: int = 0
    task: str = ""
    metric_known: tuple[int, str] | None = None
    ours: bool = False
    was: str | None = None
    arm_known: str | None = None

    @property
    def statement(self) -> str:
        """What is claimed, and of which task."""
        return f"{self.claimed}: {self.task}" if self.task else self.claimed

    @property
    def family(self) -> str:
        """The name that it shares with what is claimed of other tasks."""
        return self.name[:-1] if self.task else self.name

    @property
    def unlike(self) -> tuple[str, ...]:
        """What the second arm's training and objectives have otherwise than the first's, and those they start from.

        Found by comparing the recipes; model and data are what is claimed.
        """
        starts = self.better.start, self.than.start
        if all(starts):
            before = [f"in pre-training, {said}" for said in _unlike(*starts)]
        else:
            before = ["only one of both is pre-trained, in steps that the other does not have"] if any(starts) else []
        return *_unlike(self.better, self.than), *before

    @property
    def compares(self) -> tuple[str, str, str]:
        """Two models, and the metric."""
        return self.better.model, self.than.model, self.metric


TABLE_PAPER = "TABLE (Chen et al., AAAI 2023)"
CLOVER_PAPER = "Clover (Huang et al., CVPR 2023)"
VLSA_PAPER = "VLSA (arXiv 2405.07202)"
GENEBERT_PAPER = "GeneBERT (arXiv 2110.05231)"


@cache
def _unlike(one: Entry, other: Entry) -> tuple[str, ...]:
    """Settings of training, as "the one's against the other's", and objectives that only one of them has."""
    recipe, others = (recipes.load(each.recipe, each.overrides) for each in (one, other))
    found = unlike(recipe.train, others.train)
    return (
        *(f"{name} {ours} against {theirs}" for name, (ours, theirs) in found.items()),
        *_alone("first", recipe, others),
        *_alone("second", others, recipe),
    )


def _alone(which: str, recipe: Recipe, other: Recipe) -> Iterator[str]:
    if alone := [name for name in recipe.objectives if name not in other.objectives]:
        yield f"minimised in the {which} arm alone: {', '.join(alone)}"


def _of_table(
    name: str,
    claimed: str,
    than: Entry,
    seeds: Sequence[int] = FIVE_SEEDS,
    known: int = 0,
    better: Entry = TABLE,
    arm_known: str | None = None,
) -> Claim:
    return Claim(name, TABLE_PAPER, claimed, better, than, "text-to-video/R@1", seeds, known, arm_known=arm_known)


def _of_arms(
    name: str, source: str, claimed: str, better: Arm, than: Arm, known: int = 0, of_paper: Container[str] | None = None
) -> Iterator[Claim]:
    """A claim for each task that both arms have.

    Args:
        of_paper: the tasks on which the paper compares them; None = not known, or all.
    """
    shared = [task for task in better.tasks if task in than.tasks]
    for letter, task in zip(ascii_lowercase, shared, strict=False):
        arms, metric = (better.tasks[task], than.tasks[task]), METRICS[task.removeprefix(ZERO_SHOT)]
        yield Claim(
            f"{name}{letter}",
            source,
            claimed,
            *arms,
            metric,
            known=known,
            task=task,
            metric_known=METRIC_KNOWN.get(task),
            ours=of_paper is not None and task not in of_paper,
        )


_CLOVER: Mapping[str, tuple[str, Arm]] = {
    "C1": ("all of Clover (tri-modal alignment, masks, ranking) beats pair-wise contrast", CLOVER_PAIRWISE),
    "C2m": ("masking (words to predict, masked copies, ranking) adds", CLOVER_NO_MASKS),
    "C2s": ("masks of nouns and verb phrases beat masks of any words", CLOVER_ANY_WORDS),
    "C2r": ("ranking adds", CLOVER_NO_RANKING),
    "C3": (
        "one pre-trained model beats the task's own on every task (what retrieval costs: docs/clover.md)",
        CLOVER_SCRATCH,
    ),
}
_VLSA: Mapping[str, tuple[str, Arm]] = {
    "V1s": ("VLSA beats the same without sound, in which video is matched with text", VLSA_NO_SOUND),
    "V1p": ("pre-training with audio helps", VLSA_SCRATCH),
    "V2l": ("local and global objectives beat local ones", VLSA_LOCAL),
    "V2g": ("local and global objectives beat global ones", VLSA_GLOBAL),
    "V3": ("matching audio beats matching video with text", VLSA_VTM),
    "V4": ("shared encoder and decoder beat separate ones", VLSA_UNSHARED),
}
_BY_TEXT = ("text-video retrieval", "text-audio retrieval")
_OF_VLSA_PAPER: Mapping[str, Container[str]] = {"V3": _BY_TEXT[:1]}
"""Its Table 5 and figures 3 and 4 compare on retrieval by text, after fine-tuning; matching of video and text (V3) only
on that of videos."""
_GENEBERT: Mapping[str, tuple[str, Arm]] = {
    "G1": ("two modalities beat one", GENEBERT_SEQUENCE),
    "G2m": ("masked k-mers add", GENEBERT_NO_MGM),
    "G2n": ("the next segment adds", GENEBERT_NO_NGSP),
    "G2s": ("matching with regions adds", GENEBERT_NO_SRM),
}

_OF_GENEBERT_PAPER = tuple(task for task in GENEBERT.tasks if task != OPENNESS)

_WAS: Mapping[str, str] = {
    "T1": "tags help",
    "T1c": "tags help, at equal compute",
    "T2": "tags that guide beat tags that are merely added",
    "C1": "tri-modal alignment beats pair-wise contrast",
    "V1s": "audio in pre-training helps, beside frames and words",
}
"""What was claimed of arms that differ in more; their sisters (T1o, T2o, C1o, V1o) have other arms."""

_DECLARED = (
    # Eight: what their first three seeds said would decide them, all claims counted.
    _of_table("T1", "all of TABLE (tags, matching, masked words) beats frames alone", FRAMES, range(8), known=3),
    _of_table("T1c", "all of TABLE beats frames alone, at equal FLOPs", FRAMES_AS_LONG),
    _of_table("T1o", "tags help, with equal objectives", TABLE_NO_TAGS, range(8), arm_known=TABLE.model),
    _of_table("T2", "all of TABLE beats tags that are merely added", BRUTE_FORCE, range(8), known=3),
    _of_table(
        "T2o",
        "tags that guide beat tags that are merely added, with equal objectives",
        BRUTE_FORCE,
        range(8),
        known=5,
        better=NO_VTM_MLM,
        arm_known=BRUTE_FORCE.model,
    ),
    _of_table("T3", "matching and masked words help", NO_VTM_MLM),
    *(
        _of_table(f"T4{letter}", f"{expert} tags help", entry)
        for letter, (expert, entry) in zip("abcdef", TABLE_WITHOUT.items(), strict=True)
    ),
    *(c for name, (said, than) in _CLOVER.items() for c in _of_arms(name, CLOVER_PAPER, said, CLOVER, than)),
    *_of_arms(
        "C1o",
        CLOVER_PAPER,
        "tri-modal alignment beats pair-wise contrast, nothing masked in either",
        CLOVER_NO_MASKS,
        CLOVER_PAIRWISE,
        known=5,
    ),
    *(
        claim
        for name, (said, than) in _VLSA.items()
        for claim in _of_arms(name, VLSA_PAPER, said, VLSA, than, of_paper=_OF_VLSA_PAPER.get(name, _BY_TEXT))
    ),
    *_of_arms(
        "V1o",
        VLSA_PAPER,
        "sound in pre-training helps, video being matched with text in both",
        VLSA_VTM,
        VLSA_NO_SOUND,
        known=5,
    ),
    *(
        claim
        for name, (said, than) in _GENEBERT.items()
        for claim in _of_arms(name, GENEBERT_PAPER, said, GENEBERT, than, of_paper=_OF_GENEBERT_PAPER)
    ),
    Claim(
        "G3",
        f"{GENEBERT_PAPER}: it generalises to unseen cell types; the task of G3, openness, is ours: the sequence is at "
        "50 by construction, and no pre-training is needed for what regions tell",
        "regions tell what the sequence cannot: where cell types are open that were not trained on",
        GENEBERT.tasks[OPENNESS],
        OPENNESS_OF_SEQUENCE,
        OPENNESS_VARYING,
        ours=True,
    ),
    *_of_arms(
        "G4",
        GENEBERT_PAPER,
        "pre-training on both helps",
        GENEBERT,
        GENEBERT_SCRATCH,
        known=3,
        of_paper=_OF_GENEBERT_PAPER,
    ),
)
CLAIMS = tuple(replace(claim, was=_WAS.get(claim.family)) for claim in _DECLARED)


def find_claims(names: Sequence[str]) -> list[Claim]:
    """The claims of these names; where there is none of a name, all its parts (T4: T4a, T4b, ...).

    Raises:
        ValueError: there is none of a name.
    """
    own = {claim.name: [claim] for claim in CLAIMS}
    found = {name: own.get(name) or [claim for claim in CLAIMS if _is_part(claim.name, name)] for name in names}
    if unknown := [name for name, claims in found.items() if not claims]:
        families = dict.fromkeys(claim.family for claim in CLAIMS)
        known = f"{nearest(unknown[0], families)}; there are {', '.join(families)}"
        raise ValueError(f"no claim {unknown[0]}{known}, with a letter behind each for one task, and T4, C2 and so on")
    return list(dict.fromkeys(claim for claims in found.values() for claim in claims))


def _is_part(part: str, name: str) -> bool:
    """C2sa is part of C2, of C2s and of itself; T12 is no part of T1."""
    return part.startswith(name) and set(part.removeprefix(name)) <= set(ascii_lowercase)
