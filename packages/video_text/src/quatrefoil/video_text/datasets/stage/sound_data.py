"""Stage with its sound, as data of a recipe."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quatrefoil.video_text.datasets.sound_data import SoundData, SoundModule
from quatrefoil.video_text.datasets.stage.bounds import CUTOFFS
from quatrefoil.video_text.datasets.stage.data import StageData, StageModule, read_bounds
from quatrefoil.video_text.datasets.stage.world import OFF_STAGE

_HEARD_BY = ("chance", "sound")
_BOUNDS_OF = {"text-to-audio": "text_to_video/one_caption", "audio-to-text": "video_to_text/one_caption"}
_SEEN_AND_HEARD = ("audio-to-video", "video-to-audio")


@dataclass(frozen=True, kw_only=True)
class StageSoundData(StageData, SoundData):
    """Stage's clips are one window long, and all of them have sound: noise at least."""

    cut: bool = False
    windows: int = 1

    def build(self, seed: int) -> "StageSoundModule":
        return StageSoundModule(self, seed, self.files)


class StageSoundModule(SoundModule, StageModule):
    """As `StageModule`, with references for sound."""

    config: StageSoundData

    def describe(self) -> Mapping[str, Any]:
        """`reference` also says what whoever hears which sounds there are could score, and see `synchrony`."""
        facts = dict(super().describe())
        return {**facts, "reference": {"test": facts["reference"]["test"] | _references(self.files.root)}}


def _references(folder: Path) -> dict[str, dict[str, float]]:
    bounds = read_bounds(folder)
    told = {
        f"{ours}/{metric}": {reader: 100 * best[reader] for reader in _HEARD_BY}
        for ours, theirs in _BOUNDS_OF.items()
        for metric, best in bounds[theirs].items()
    }
    with (folder / "facts.jsonl").open(encoding="utf-8") as lines:
        test = [clip["facts"] for clip in map(json.loads, lines) if clip["split"] == "test"]
    return told | {f"{ours}/R@{k}": synchrony(test, k) for ours in _SEEN_AND_HEARD for k in CUTOFFS}


def synchrony(test: list[Mapping[str, Any]], k: int) -> dict[str, float]:
    """R@k in percent of whoever finds each clip in which something sounds with an act, and guesses among the others.

    An upper bound: whatever sounds off stage is drawn apart from what is seen.
    """
    clips = len(test)
    bound = sum(any(sound["on"] != OFF_STAGE for sound in facts["sounds"]) for facts in test)
    guessed = min(k, clips - bound)
    return {"chance": 100 * min(1.0, k / clips), "synchrony": 100 * (bound + guessed) / clips}
