"""Effects with their intervals as one picture, in units of the reference's spread, so that metrics share an axis."""

import math
from collections.abc import Iterator, Sequence

from quatrefoil.core.ablation.report import EffectRecord
from quatrefoil.core.measuring import svg

WIDTH, LEFT, RIGHT, LINE, TOP, BOTTOM = 900, 470, 20, 20, 12, 40
STYLE = (
    "<style>text{font:12px sans-serif}.grid{stroke:#ddd}.zero{stroke:#555}.whisker{stroke:#2563a8;stroke-width:2}"
    ".cut{stroke:#2563a8;stroke-width:2;stroke-dasharray:3 3}.tick{fill:#555}.subject{font-weight:bold}</style>"
)
MOST = 20.0
"""Spreads to which the axis reaches at most; an interval that goes on is drawn dashed."""


def effects_plot(effects: Sequence[EffectRecord]) -> str:
    """A line for each `effect_record` that has an interval and a spread; those without are not drawn."""
    drawn = [told for told in effects if told["in_spreads"] is not None and told["interval"]]
    reach = min(MOST, max((_reach(effect) for effect in drawn), default=1.0))
    parts = [STYLE, *_axis(reach, len(drawn) * LINE + TOP)]
    for place, told in enumerate(drawn):
        parts += _line(told, TOP + LINE * (place + 0.5), reach)
    title = "Effects in units of the reference's spread over seeds"
    return svg.document(WIDTH, len(drawn) * LINE + TOP + BOTTOM, title, parts) + "\n"


def _ends(told: EffectRecord) -> tuple[float, float]:
    low, high = told["interval"]
    return low / told["spread"], high / told["spread"]


def _reach(told: EffectRecord) -> float:
    return float(math.ceil(max(map(abs, _ends(told)))))


def _x(value: float, reach: float) -> float:
    inside = max(-reach, min(reach, value))
    return LEFT + (WIDTH - LEFT - RIGHT) * (inside + reach) / (2 * reach)


def _axis(reach: float, height: float) -> Iterator[str]:
    for value in (-reach, -reach / 2, 0.0, reach / 2, reach):
        x = _x(value, reach)
        yield svg.path([(x, TOP), (x, height)], "grid" if value else "zero")
        yield svg.label(x, height + 16, f"{value:+g}" if value else "0", "tick", "middle")
    yield svg.label(WIDTH - RIGHT, height + 32, "spreads of the reference", "tick", "end")


def _line(told: EffectRecord, y: float, reach: float) -> Iterator[str]:
    low, high = _ends(told)
    what = f"{told['model']} on {told['domain']}, {told['metric']}, {told['split']}"
    words = f"{what}: {told['factor']}: {told['level']}"
    yield svg.label(LEFT - 8, y + 4, words, "label", "end")
    kind = "whisker" if -reach <= low and high <= reach else "cut"
    yield svg.path([(_x(low, reach), y), (_x(high, reach), y)], kind)
    yield f'<circle cx="{_x(told["in_spreads"], reach):.1f}" cy="{y:.1f}" r="4" fill="#2563a8"/>'
