"""The clips of a benchmark: who is cast (facts, split, family), and everything that belongs to one clip."""

import hashlib
from dataclasses import asdict, dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from quatrefoil.video_text.datasets.stage.atoms import all_atoms
from quatrefoil.video_text.datasets.stage.captions import Caption, draw_captions
from quatrefoil.video_text.datasets.stage.film import write_film
from quatrefoil.video_text.datasets.stage.motion import tracks
from quatrefoil.video_text.datasets.stage.render import render
from quatrefoil.video_text.datasets.stage.sound import onsets_of, synthesise
from quatrefoil.video_text.datasets.stage.tags import Tag, draw_tags
from quatrefoil.video_text.datasets.stage.twins import TWIN_KINDS, families
from quatrefoil.video_text.datasets.stage.world import Facts, draw_facts, draw_train_facts, stream


@dataclass(frozen=True)
class Size:
    """How many clips each split has. `test` is a multiple of the clips in five families, so that none is cut."""

    train: int
    validate: int
    test: int


SIZES = {
    "tiny": Size(64, 16, 40),  # a batch of the small recipes
    "default": Size(3_000, 200, 500),
    "large": Size(20_000, 500, 1_000),
}


@dataclass(frozen=True)
class Casting:
    """What is decided of a clip before it is made. Only test clips have a `family` and a `twin` kind."""

    number: int
    split: str
    index: int
    facts: Facts
    family: int | None
    twin: str | None

    @property
    def video_id(self) -> str:
        """The name of the clip, as MSR-VTT names its own."""
        return f"video{self.number}"


@dataclass(frozen=True)
class Clip:
    """A clip that has been made: its captions, tags, and the hash and number of bytes of its film."""

    casting: Casting
    captions: list[Caption]
    tags: dict[str, list[Tag]]
    sha256: str
    size: int

    def truth(self) -> dict[str, Any]:
        """The line of `facts.jsonl`: everything that is true of the clip, and what each caption states."""
        casting = self.casting
        return {
            "video_id": casting.video_id,
            "split": casting.split,
            "index": casting.index,
            "family": casting.family,
            "twin": casting.twin,
            "facts": asdict(casting.facts),
            "atoms": all_atoms(casting.facts).to_json(),
            "captions": [{"caption": c.text, "states": c.states.to_json()} for c in self.captions],
        }


def cast(size: Size, seed: int) -> list[Casting]:
    """All clips of a benchmark, in order of their numbers. A larger size holds the clips of a smaller one."""
    solo = [("train", index, draw_train_facts(seed, index), None, None) for index in range(size.train)]
    solo += [
        ("validate", index, draw_facts(stream(seed, "validate", index, "facts")), None, None)
        for index in range(size.validate)
    ]
    kin = ((facts, family, kind) for family, (kind, members) in enumerate(families(seed)) for facts in members)
    test = (("test", index, *member) for index, member in enumerate(islice(kin, size.test)))
    return [Casting(number, *row) for number, row in enumerate(chain(solo, test))]


def produce(casting: Casting, seed: int, folder: Path) -> Clip:
    """Make one clip: write its film into `folder`, and return the rest."""
    path = folder / f"{casting.video_id}.mp4"
    look, hearing = (stream(seed, casting.split, casting.index, purpose) for purpose in ("look", "hearing"))
    ways = tracks(casting.facts.actors, look)
    frames = render(casting.facts, ways, look)
    write_film(path, frames, synthesise(casting.facts.sounds, onsets_of(ways), hearing))
    film = path.read_bytes()
    forced = TWIN_KINDS[casting.twin] if casting.twin else ()
    return Clip(
        casting,
        draw_captions(casting.facts, forced, stream(seed, casting.split, casting.index, "captions")),
        draw_tags(casting.facts, stream(seed, casting.split, casting.index, "tags")),
        hashlib.sha256(film).hexdigest(),
        len(film),
    )
