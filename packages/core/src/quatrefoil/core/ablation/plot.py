"""Effects with their intervals as one picture, in units of the reference's spread, so that metrics share an axis."""

from collections.abc import Sequence

from quatrefoil.core.ablation.report import EffectRecord
from quatrefoil.core.measuring.forest import Estimate, forest_plot

STYLE = (
    "<style>text{font:12px sans-serif}.grid{stroke:#ddd}.zero{stroke:#555}.whisker{stroke:#2563a8;stroke-width:2}"
    ".cut{stroke:#2563a8;stroke-width:2;stroke-dasharray:3 3}.tick{fill:#555}.subject{font-weight:bold}</style>"
)
MOST = 20.0
"""Spreads to which the axis reaches at most."""


def effects_plot(effects: Sequence[EffectRecord], style: str = STYLE) -> str:
    """A line for each `effect_record` that has an interval and a spread; those without are not drawn."""
    drawn = [_estimate(told) for told in effects if told["in_spreads"] is not None and told["interval"]]
    title = "Effects in units of the reference's spread over seeds"
    return forest_plot(drawn, "spreads of the reference", title, MOST, style)


def _estimate(told: EffectRecord) -> Estimate:
    low, high = told["interval"]
    return Estimate(
        f"{told['factor']}: {told['level']}",
        told["in_spreads"],
        (low / told["spread"], high / told["spread"]),
        under=f"{told['model']} on {told['domain']}, {told['metric']}, {told['split']}",
    )
