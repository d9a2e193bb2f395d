"""Stage's questions as data of recipes, read by the ordinary loaders of the sets whose files they are in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from quatrefoil.video_text.datasets.choice_data import ChoiceData, ChoiceModule
from quatrefoil.video_text.datasets.question_data import QuestionData, QuestionModule
from quatrefoil.video_text.datasets.stage.data import StageData, StagePlace, read_bounds, stage_facts

_CHOICES = "msrvtt-mc"
_BOUNDS_OF = {
    "tgif-action": "tgif_action",
    "tgif-transition": "tgif_transition",
    "tgif-frame": "tgif_frameqa",
    "msrvtt-qa": "msrvtt_qa",
    "lsmdc-fib": "lsmdc_fib",
    _CHOICES: "msrvtt_mc",
}


@dataclass(frozen=True, kw_only=True)
class StageQuestionData(StagePlace, QuestionData):
    """Questions of the embedded benchmark, by corpus and protocol."""

    def __post_init__(self) -> None:
        self.refuse_changes()
        if self.protocol not in _BOUNDS_OF or self.protocol == _CHOICES:
            here = ", ".join(name for name in _BOUNDS_OF if name != _CHOICES)
            raise ValueError(f"data.protocol={self.protocol}: there are no such questions in Stage; it has {here}")

    def build(self, seed: int) -> "StageQuestionModule":
        return StageQuestionModule(self, seed, self.files)


class StageQuestionModule(QuestionModule):
    """As ever; `reference` is chance and what a reader of the question alone gets."""

    config: StageQuestionData

    def describe(self) -> Mapping[str, Any]:
        protocol, bounds = self.config.protocol, read_bounds(self.files.root)
        return {**super().describe(), **stage_facts(self.config.stage_name, protocol, bounds[_BOUNDS_OF[protocol]])}


@dataclass(frozen=True, kw_only=True)
class StageChoiceData(StageData, ChoiceData):
    """Captions of the embedded benchmark to train on, choices among captions to be tested with."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.refuse_changes(choices=_CHOICES)

    def build(self, seed: int) -> "StageChoiceModule":  # type: ignore[override]  # its module tells other things
        return StageChoiceModule(self, seed, self.files)


class StageChoiceModule(ChoiceModule):
    """As `StageQuestionModule`."""

    config: StageChoiceData

    def describe(self) -> Mapping[str, Any]:
        facts = stage_facts(self.config.stage_name, _CHOICES, read_bounds(self.files.root)[_BOUNDS_OF[_CHOICES]])
        return {**super().describe(), **facts}
