"""The Free Spoken Digit Dataset (Jakobovski et al.): ten digits, spoken, each with its name as a caption."""

from functools import cached_property
from itertools import product
from typing import ClassVar

from quatrefoil.video_text.datasets.corpus import SOUND_EXTENSIONS, Corpus, Entry, Listing
from quatrefoil.video_text.datasets.split_files import NO_VAL, is_held_out

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
PARTNERS = {
    "george": "lucas",
    "jackson": "nicolas",
    "lucas": "george",
    "nicolas": "jackson",
    "theo": "yweweler",
    "yweweler": "theo",
}
_TAKES, _TEST_TAKES = 50, 5
_OFFICIAL = "fsdd-takes"


class Fsdd(Corpus):
    """3,000 recordings, `recordings/{digit}_{speaker}_{take}.wav`: 6 speakers, 50 takes of each digit.

    - `fsdd-<speaker>`: that speaker is tested and was never heard before. Speakers are paired (first with fourth of the
      alphabet and so on, our choice): a speaker's partner validates, the other four train.
    - `fsdd-takes`: the official split: takes 0-4 test, all others train. As it has no validation set, one training take
      of 20 validates (`is_held_out`); `fsdd-takes-noval` trains on all of them.

    Captions name classes: a digit is right or wrong, whichever recording of it is found.
    """

    name = "fsdd"
    holds = "audio"
    classes = True
    extensions = SOUND_EXTENSIONS
    video_folders = ("recordings", ".")
    protocols: ClassVar[tuple[str, ...]] = (
        *(f"fsdd-{speaker}" for speaker in PARTNERS),
        _OFFICIAL,
        _OFFICIAL + NO_VAL,
    )

    def _listing(self, protocol: str) -> Listing:
        return self._by_take(protocol) if protocol.startswith(_OFFICIAL) else self._by_speaker(protocol)

    def _by_speaker(self, protocol: str) -> Listing:
        tested = protocol.removeprefix("fsdd-")
        held_out = (tested, PARTNERS[tested])
        return {
            "train": tuple(entry for speaker in PARTNERS if speaker not in held_out for entry in self._spoken[speaker]),
            "val": self._spoken[PARTNERS[tested]],
            "test": self._spoken[tested],
        }

    def _by_take(self, protocol: str) -> Listing:
        entries = [entry for spoken in self._spoken.values() for entry in spoken]
        tested = {entry.id for entry in entries if int(entry.id.rsplit("_", 1)[1]) < _TEST_TAKES}
        train = tuple(entry for entry in entries if entry.id not in tested)
        test = tuple(entry for entry in entries if entry.id in tested)
        if protocol.endswith(NO_VAL):
            return {"train": train, "test": test}
        kept, val = (tuple(entry for entry in train if is_held_out(entry.id) == out) for out in (False, True))
        return {"train": kept, "val": val, "test": test}

    @cached_property
    def _spoken(self) -> dict[str, tuple[Entry, ...]]:
        """What there is of each speaker, on disk or not."""
        names = list(product(enumerate(DIGITS), range(_TAKES)))
        return {
            speaker: tuple(Entry(f"{digit}_{speaker}_{take}", (word,)) for (digit, word), take in names)
            for speaker in PARTNERS
        }
