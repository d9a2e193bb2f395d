"""The real labelled sets: which files train, select and test, for how many steps, after which pre-training.

`WHOLE` are those with all of their labels; beside them stand some of the same with few, so that what pre-training gives
can be seen by how many there are.

Files are named from a folder that holds the published ones and, under `cut/`, those that `cut` makes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

PARTS: Final = ("train", "validation", "test")
CUTS: Final = "cut"
OF_GUE, OF_ALL = "pretrained", "pretrained-without-any-test"
BOTH_STRANDS: Final = ("data.both_strands=true",)
"""A binding site and an enhancer have no direction; a promoter and a splice site have one."""


@dataclass(frozen=True)
class Cut:
    """How many sequences of `source`, a file or POSITIVES+NEGATIVES, test and validate; the others train.

    None test where a file of its own does.
    """

    source: str
    test: int
    validation: int


@dataclass(frozen=True)
class Few:
    """So many sequences of each class of what trains in the set `of` train; what selects and tests is that set's."""

    of: str
    per_class: int


@dataclass(frozen=True)
class RealSet:
    """Files as `genebert/classify` reads them, the steps of the encoder (`runs.Arm` says what others have), settings,
    the folder of its pre-training, and what has to be cut."""

    train: str
    validation: str
    test: str
    steps: int
    settings: tuple[str, ...]
    pretraining: str
    cut: Cut | Few | None = None

    def overrides(self, steps: int) -> list[str]:
        """Of a run of so many steps on this set; one of ten evaluations selects its checkpoint."""
        files = (f"data.{part}={getattr(self, part)}" for part in PARTS)
        return [*files, *self.settings, f"train.steps={steps}", f"train.evaluate_every={steps // 10}"]


@dataclass(frozen=True)
class Pretraining:
    """What is learned from, and the sets whose sequences that select or test, and what is like them, are kept out."""

    sequences: tuple[str, ...]
    without: tuple[str, ...]
    steps: int

    @property
    def settings(self) -> list[str]:
        """Of a run; it is evaluated and can be gone on with six times."""
        numbers = {"steps": self.steps, "evaluate_every": self.steps // 6, "checkpoint_every": self.steps // 6}
        return [f"train.{name}={number}" for name, number in numbers.items()]


def cut_file(name: str, part: str) -> str:
    """Where a part of a set that is cut lies."""
    return f"{CUTS}/{name}/{part}.tsv"


def _of_gue(name: str, steps: int, *settings: str) -> RealSet:
    """Three halves that GUE publishes."""
    train, validation, test = (f"gue/{name}/{split}.csv" for split in ("train", "dev", "test"))
    return RealSet(train, validation, test, steps, settings, OF_GUE)


def _of_deepbind(name: str, experiment: str) -> RealSet:
    """A is trained on, B tests; positives that validate are cut out of A, negatives of both are made by shuffling."""
    train, test = (f"chipseq_deepbind/{experiment}_{half}.seq.gz" for half in ("AC", "B"))
    kept, validation = (cut_file(f"deepbind/{name}", part) for part in PARTS[:2])
    return RealSet(kept, validation, test, 600, BOTH_STRANDS, OF_ALL, Cut(train, test=0, validation=250))


def _of_one_file(name: str, cut: Cut, steps: int, *settings: str) -> RealSet:
    train, validation, test = (cut_file(name, part) for part in PARTS)
    return RealSet(train, validation, test, steps, settings, OF_ALL, cut)


_DEEPBIND: Final = {
    "SRF": "SRF_H1-hESC_SRF_HudsonAlpha",
    "SUZ12": "SUZ12_H1-hESC_SUZ12_USC",
    "TAF1": "TAF1_H1-hESC_TAF1_HudsonAlpha",
    "TBP": "TBP_H1-hESC_TBP_Stanford",
    "TCF12": "TCF12_H1-hESC_TCF12_HudsonAlpha",
    "USF1": "USF1_H1-hESC_USF-1_HudsonAlpha",
    "USF2": "USF2_H1-hESC_USF2_Stanford",
}
_ONE_FILE: Final[Mapping[str, tuple[Cut, int, tuple[str, ...]]]] = {
    "splice/gue": (Cut("gue/splice/reconstructed/dev.csv", test=900, validation=450), 300, ()),
    "splice/uci": (Cut("splice_uci/splice.data", test=640, validation=320), 600, ()),
    "cnnprom/ecoli": (Cut("cnnprom/Ecoli_prom.fa+cnnprom/Ecoli_non_prom.fa", test=760, validation=380), 400, ()),
    "cnnprom/arabidopsis": (
        Cut("cnnprom/Arabidopsis_tata.fa+cnnprom/Arabidopsis_non_prom.fa", test=880, validation=440),
        300,
        (),
    ),
    "enhancer": (
        Cut("enhancer_2l/enhancer.cv.txt+enhancer_2l/non.cv.txt", test=600, validation=300),
        300,
        BOTH_STRANDS,
    ),
}
WHOLE: Final[Mapping[str, RealSet]] = {
    "prom/prom_core_tata": _of_gue("prom/prom_core_tata", 600),
    "tf/2": _of_gue("tf/2", 2000, *BOTH_STRANDS),
    "prom/prom_300_tata": _of_gue("prom/prom_300_tata", 600),
    **{f"deepbind/{name}": _of_deepbind(name, experiment) for name, experiment in _DEEPBIND.items()},
    **{name: _of_one_file(name, cut, steps, *settings) for name, (cut, steps, settings) in _ONE_FILE.items()},
}


def _with_few(name: str, per_class: int) -> tuple[str, RealSet]:
    few, whole = f"few/{per_class}/{name}", WHOLE[name]
    settings = (*whole.settings, "train.batch_size=32")  # of fifty sequences none is twice in a batch
    cut = Few(name, per_class)
    return few, replace(whole, train=cut_file(few, PARTS[0]), steps=300, settings=settings, cut=cut)


FEW: Final[Mapping[str, RealSet]] = dict(
    _with_few(name, per_class) for per_class in (25, 100, 400) for name in ("prom/prom_core_tata", "tf/2", "splice/uci")
)
"""A promoter, a binding site and a splice site; the most has a tenth of the first one's labels each, or more."""
SETS: Final[Mapping[str, RealSet]] = {**WHOLE, **FEW}
_GENOMES: Final = ("genomes/human_1mb_z.fa", "genomes/hg19_chr8_11496144_11627216.fa")


def _started(pretraining: str) -> tuple[str, ...]:
    return tuple(name for name, found in WHOLE.items() if found.pretraining == pretraining)


_PRETRAININGS: Final[Mapping[str, Pretraining]] = {
    OF_GUE: Pretraining(
        (
            *(f"gue/prom/prom_{name}/train.csv" for name in ("core_tata", "300_tata", "core_notata")),
            *(f"gue/tf/{number}/train.csv" for number in (0, 2, 4)),
            *_GENOMES,
        ),
        _started(OF_GUE),
        1500,
    ),
    OF_ALL: Pretraining(
        (*(WHOLE[name].train for name in _started(OF_ALL)), *_GENOMES),
        tuple(WHOLE),
        1200,
    ),
}
ONCE, LONGER = "", "-ten-times"
"""How often the steps: what a pre-training's name ends in."""
PRETRAININGS: Final[Mapping[str, Pretraining]] = {
    name + often: replace(found, steps=times * found.steps)
    for often, times in ((ONCE, 1), (LONGER, 10))
    for name, found in _PRETRAININGS.items()
}
"""Each also with ten times the steps, by the same schedule."""


def unseen(names: Iterable[str]) -> list[str]:
    """The files of these sets that select or test."""
    return [file for name in names for file in (SETS[name].validation, SETS[name].test)]
