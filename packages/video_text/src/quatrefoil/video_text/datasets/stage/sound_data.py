"""Stage with its sound, as data of a recipe."""

from dataclasses import dataclass

from quatrefoil.video_text.datasets.sound_data import SoundData, SoundModule
from quatrefoil.video_text.datasets.stage.data import StageData, StageModule


@dataclass(frozen=True, kw_only=True)
class StageSoundData(StageData, SoundData):
    """Stage's clips are one window long, and all of them have sound: noise at least."""

    cut: bool = False
    windows: int = 1

    def build(self, seed: int) -> "StageSoundModule":
        return StageSoundModule(self, seed, self.files)


class StageSoundModule(SoundModule, StageModule):
    """As `StageModule`, with sound."""

    config: StageSoundData
