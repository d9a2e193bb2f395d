"""What VLSA is scored on: retrieval between text, video and audio, in all six directions, by cosine alone."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from quatrefoil.core.data import DataModule
from quatrefoil.core.evaluation.encode import EncodingRun
from quatrefoil.core.evaluation.tasks import Retrieval, Scores, Side
from quatrefoil.core.hub import Model
from quatrefoil.video_text.datasets.sound_data import SOUNDING

VIDEO, AUDIO = Side("video", "clip"), Side("audio", "clip")
TEXT_VIDEO = Retrieval(many=Side("text", "caption"), one=VIDEO)
TEXT_AUDIO = Retrieval(many=Side("text", "caption"), one=AUDIO)
TEXT_AUDIO_WITHIN_50 = replace(TEXT_AUDIO, also_within=(50,))  # as the audio retrieval benchmark prints it
AUDIO_VIDEO = Retrieval(many=AUDIO, one=VIDEO)


@dataclass(frozen=True)
class Retrievals:
    """Several retrievals as one evaluation: the directions, which all differ, name the metrics without a prefix.

    Args:
        pairs: name -> retrieval; every caption of a clip is a query, and in the other direction its best one counts.
    """

    pairs: Mapping[str, Retrieval]

    @property
    def needs(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(need for pair in self.pairs.values() for need in pair.needs))

    @property
    def metrics(self) -> tuple[str, ...]:
        return tuple(metric for pair in self.pairs.values() for metric in pair.metrics)

    def __call__(self, model: Model, data: DataModule, split: str, run: EncodingRun) -> Scores:
        parts = [pair(model, data, split, run) for pair in self.pairs.values()]
        merged = ({k: v for part in parts for k, v in getattr(part, of.name).items()} for of in fields(Scores))
        return Scores(*merged)


def _sounding(pair: Retrieval) -> Retrieval:
    """Among the clips of a split that have sound."""
    many, one = (replace(side, unit=SOUNDING + side.unit) for side in (pair.many, pair.one))
    return replace(pair, many=many, one=one)


SIX = Retrievals({"text_video": TEXT_VIDEO, "text_audio": TEXT_AUDIO, "audio_video": AUDIO_VIDEO})
SIX_WITH_SOUND = Retrievals(
    {"text_video": TEXT_VIDEO, "text_audio": _sounding(TEXT_AUDIO), "audio_video": _sounding(AUDIO_VIDEO)}
)
"""Where clips may lack sound: those are no part of what sound is asked for."""
