"""Spoken digits by speakers who were never heard: `python -m benchmarks.spoken_digits FOLDER`.

VLSA (`vlsa/fsdd`) from each of `--seeds`, and two baselines that draw nothing: log-mels of a recording, stretched to
one length, against those of training, by the nearest ones and by a linear map. Settings, and the step of VLSA, are
chosen by the validation speaker; the tested one is scored once.

Legend: N recordings, M mels, T times, D numbers of a recording, K digits.
"""

from argparse import ArgumentParser
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as nnf
from sklearn.linear_model import LogisticRegression
from torch import Tensor
from torchaudio.transforms import MelSpectrogram

from benchmarks.own_process import train
from benchmarks.timing import keep
from quatrefoil.core.evaluation.retrieval import rank_blocks, retrieval_metrics
from quatrefoil.core.runs.folder import RunFolder
from quatrefoil.video_text.datasets.corpus import CorpusError, Split, SplitName
from quatrefoil.video_text.datasets.fsdd import DIGITS, PARTNERS, Fsdd
from quatrefoil.video_text.media.audio import read_audio
from quatrefoil.video_text.media.stored import Media

RESULTS = Path(__file__).parent / "results" / "spoken_digits.json"
RATE, LEAST = 8_000, 1e-6
DIRECTIONS = ("audio-to-text/R@1", "text-to-audio/R@1")


@dataclass(frozen=True)
class LogMel:
    """How a recording becomes numbers: mels, times, and whether each mel's mean over time is taken out (which takes out
    how a microphone hears)."""

    mels: int
    times: int
    centred: bool

    def __call__(self, split: Split) -> Tensor:
        """(N, D)."""
        return torch.stack([self._numbers(clip.video) for clip in split.clips])

    def _numbers(self, media: Media) -> Tensor:
        log_MS = (_transform(self.mels)(_heard(media)) + LEAST).log()
        log_MS = log_MS - log_MS.mean(1, keepdim=True) if self.centred else log_MS
        return nnf.interpolate(log_MS[None], self.times, mode="linear", align_corners=False)[0].flatten()


@cache
def _heard(media: Media) -> Tensor:
    heard = read_audio(media, rate=RATE)
    assert heard is not None, "the corpus holds sound"
    return heard.samples_CT[0]


@cache
def _transform(mels: int) -> MelSpectrogram:
    return MelSpectrogram(RATE, n_fft=256, hop_length=80, n_mels=mels)


class Labelled(NamedTuple):
    """Recordings as numbers (N, D), and their digits (N,)."""

    numbers_ND: Tensor
    digits_N: Tensor


Scorer = Callable[[Labelled, Tensor], Tensor]
"""From training and the numbers of other recordings (N, D) to how much each is like each digit, (N, K)."""


@dataclass(frozen=True)
class Nearest:
    """How like the most alike recording of a digit is, by cosine."""

    def __call__(self, train: Labelled, numbers_ND: Tensor) -> Tensor:
        alike_NN = nnf.normalize(numbers_ND, dim=1) @ nnf.normalize(train.numbers_ND, dim=1).T
        digits = torch.arange(len(DIGITS))
        return torch.stack([alike_NN[:, train.digits_N == digit].amax(1) for digit in digits], 1)


@dataclass(frozen=True)
class Linear:
    """Logistic regression of standardised numbers; `strength` is the inverse of the penalty's."""

    strength: float

    def __call__(self, train: Labelled, numbers_ND: Tensor) -> Tensor:
        mean_D, deviation_D = train.numbers_ND.mean(0), train.numbers_ND.std(0) + LEAST
        model = LogisticRegression(C=self.strength, max_iter=2_000)
        model.fit(((train.numbers_ND - mean_D) / deviation_D).numpy(), train.digits_N.numpy())
        return torch.from_numpy(model.predict_log_proba(((numbers_ND - mean_D) / deviation_D).numpy()))


FRONTS = [LogMel(mels, times, centred) for mels, times, centred in product((20, 40), (8, 16, 32), (False, True))]
METHODS: dict[str, list[Scorer]] = {
    "nearest neighbour": [Nearest()],
    "linear": [Linear(10.0**power) for power in (-4, -3, -2, -1)],
}


def scores(alike_NK: Tensor, digits_N: Tensor) -> dict[str, float]:
    """R@1 in percent, from sound to the ten names and from each name to the sounds, as the recipe's evaluation has
    them: the digit is right or wrong, whichever recording of it comes first."""
    names_K = torch.arange(len(DIGITS))
    there = retrieval_metrics(rank_blocks([alike_NK], digits_N, names_K), len(names_K))
    back = retrieval_metrics(rank_blocks([alike_NK.T], names_K, digits_N), len(digits_N))
    return dict(zip(DIRECTIONS, (round(there.r1, 6), round(back.r1, 6)), strict=True))


def compare(folder: Path, protocol: str) -> Iterable[dict[str, Any]]:
    """A row for each method, with the settings that the validation speaker chose."""
    corpus = Fsdd(folder, "drop")
    splits: dict[SplitName, Split] = {name: corpus.split(protocol, name) for name in ("train", "val", "test")}
    made = {front: {name: _labelled(front, split) for name, split in splits.items()} for front in FRONTS}
    for method, scorers in METHODS.items():
        found = [
            (scores(scorer(of["train"], of["val"].numbers_ND), of["val"].digits_N), front, scorer)
            for (front, of), scorer in product(made.items(), scorers)
        ]
        val, front, scorer = max(found, key=lambda one: one[0]["audio-to-text/R@1"])
        of = made[front]
        test = scores(scorer(of["train"], of["test"].numbers_ND), of["test"].digits_N)
        yield {
            "protocol": splits["test"].protocol,
            "method": method,
            "settings": f"{front}, {scorer}",
            "val": val,
            "test": test,
        }


def of_vlsa(folder: Path, protocol: str, seed: int, runs: Path) -> dict[str, Any]:
    """The row of a run of `vlsa/fsdd`, which is trained where it is not there."""
    overrides = [f"data.protocol={protocol}", f"seed={seed}"]
    run = runs / f"{protocol}-{seed}"
    train("vlsa/fsdd", [*overrides, f"data.root={folder}"], run)
    facts = RunFolder(run).facts()
    return {
        "protocol": Fsdd(folder, "drop").split(protocol, "test").protocol,
        "method": "VLSA",
        "seed": seed,
        "settings": f"vlsa/fsdd {' '.join(overrides)} ({facts['config_hash']})",
        **{split: {name: facts["scores"][split]["metrics"][name] for name in DIRECTIONS} for split in ("val", "test")},
    }


def _labelled(front: LogMel, split: Split) -> Labelled:
    assert split.class_C is not None, "captions name classes"
    return Labelled(front(split), torch.from_numpy(split.class_C))


def present_protocols(folder: Path) -> list[str]:
    """The speakers who are here with a partner to validate and others to train.

    Raises:
        CorpusError: there is no such folder, or nobody of whom that is true.
    """
    corpus = Fsdd(folder, "drop")
    protocols = (f"fsdd-{speaker}" for speaker in PARTNERS)
    found = [protocol for protocol in protocols if len(corpus.present(protocol)) == len(corpus.listing(protocol))]
    if not found:
        pairs = ", ".join(f"{one} and {other}" for one, other in PARTNERS.items() if one < other)
        raise CorpusError(f"{folder}: needs recordings/ of one of these pairs and of another speaker: {pairs}")
    return found


def main() -> None:
    """Measure all held-out speakers, write and print them."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="of the Free Spoken Digit Dataset")
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2], help="of VLSA (default: 0 1 2)")
    parser.add_argument("--runs", type=Path, default=Path("runs/spoken_digits"), help="where VLSA's runs lie")
    options = parser.parse_args()
    folder: Path = options.folder
    try:
        protocols = present_protocols(folder)
    except CorpusError as error:
        parser.error(str(error))
    rows = [row for protocol in protocols for row in compare(folder, protocol)]
    rows += [of_vlsa(folder, protocol, seed, options.runs) for protocol in protocols for seed in options.seeds]
    command = f"python -m benchmarks.spoken_digits FOLDER --seeds {' '.join(map(str, options.seeds))}"
    keep(RESULTS, {"command": command, "chance": 10.0, "rows": rows})


if __name__ == "__main__":
    main()
