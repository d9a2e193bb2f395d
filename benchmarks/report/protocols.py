"""Where scores come from, in words: the heading of each ground, and what its protocol asks."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from quatrefoil.core.measuring.rows import Ground
from quatrefoil.core.wording import counted

_RETRIEVAL = "retrieval over the whole split; the tables name the directions"
_CHOICE = "questions about a clip, with five answers to choose from"
_OPEN = "open questions about a clip, answered by a word out of those of training"
_PROMOTER = "a promoter, or a stretch"
ASKED: Mapping[str, str] = {
    "one-caption": f"{_RETRIEVAL}; one caption to a clip",
    "msrvtt-1kA": f"{_RETRIEVAL}; JSFUSION's 1,000 clips, one caption to a clip",
    "msrvtt-7k": f"{_RETRIEVAL}; JSFUSION's 1,000 clips, one caption to a clip; trained on the 7k list",
    "msvd-all-captions": f"{_RETRIEVAL}; every caption of a clip is a query",
    "tgif-action": f"{_CHOICE}: what is done so many times",
    "tgif-transition": f"{_CHOICE}: what is done before or after something else",
    "tgif-frame": _OPEN,
    "msrvtt-qa": _OPEN,
    "msrvtt-mc": "multiple choice: which of five sentences is the clip's",
    "lsmdc-fib": "a sentence about a clip, in which one word is to be filled in",
    "pretraining": "masked k-mers (mgm), the next segment (ngsp), regions of this sequence or of another one (srm)",
    "regulome/openness": "is a region open in cell types that were not trained on",
    "regulome/prom/genomic_matched/prom_300_tata": f"{_PROMOTER} of as much G and C elsewhere in the genome",
    "regulome/prom/dinuc_shuffle/prom_300_tata": f"{_PROMOTER} made of promoters, its pairs of bases in another order",
    "regulome/prom/subst12of20/prom_300_tata": f"{_PROMOTER} made of promoters, 12 of 20 parts of each replaced",
    "regulome/splice/regulome": "a donor, an acceptor, or neither",
    "regulome/tfbs/MIR2": "is a stretch bound by the factor MIR2",
    "regulome/variants/breaking": "does a variant break a site",
}
"""Protocol, less the name of the data set -> what is asked; protocols that are not here are told by name alone."""


class Heading(NamedTuple):
    """Over what was measured on one ground, or on several of one data set; never silent about embedded data.

    Attributes:
        below: what tells it from the others of its data set.
    """

    dataset: str
    kind: str
    below: str

    def __str__(self) -> str:
        return f"{self.dataset}, {self.below} ({self.kind})"

    @property
    def data(self) -> str:
        """What all headings of one data set share."""
        return f"{self.dataset} ({self.kind})"


def headings(grounds: Sequence[Ground]) -> dict[Ground, Heading]:
    """A heading for each ground, no two alike."""
    plain = {ground: _heading(ground, short_protocol(ground)) for ground in grounds}
    times = Counter(plain.values())
    return {ground: found if times[found] == 1 else _told_apart(ground, found) for ground, found in plain.items()}


def shared_heading(ground: Ground, protocols: int) -> Heading:
    """The heading of so many protocols of this one's data set and split."""
    return _heading(ground, counted(protocols, "protocol"))


def _heading(ground: Ground, protocol: str) -> Heading:
    kind = "EMBEDDED benchmark, not a real corpus" if ground.embedded else "real corpus"
    return Heading(ground.dataset, kind, f"{protocol}, {ground.split}")


def _told_apart(ground: Ground, heading: Heading) -> Heading:
    """By its data, from another of the same protocol."""
    return heading._replace(below=f"{heading.below}, data {ground.data_version} {ground.data_hash[:12]}")


def short_protocol(ground: Ground) -> str:
    """The protocol without the name of the data set, where it begins with that."""
    return ground.protocol.removeprefix(f"{ground.dataset}-")


def lead(ground: Ground) -> list[str]:
    """Sentences: what the protocol asks, where that is known, and which protocol and data these are."""
    return [f"{said[0].upper()}{said[1:]}." for said in [*_asked(ground), origin(ground)]]


def _asked(ground: Ground) -> list[str]:
    return [ASKED[name]] if (name := short_protocol(ground)) in ASKED else []


def brief(ground: Ground) -> str:
    """What the protocol asks, where that is known, and of which data; the protocol's name stands beside it."""
    return "; ".join([*_asked(ground), f"data {ground.data_hash[:12]}"])


def origin(ground: Ground) -> str:
    """The protocol by its full name, and which data."""
    return f"protocol {ground.protocol}, data {ground.data_hash[:12]}"
