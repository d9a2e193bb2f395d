"""What stands for a model in the plots of a section: a colour, and a dash and a shape where colours are used again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

COLOURS = (
    *("#2563a8", "#c2571a", "#2f8f5b", "#8b4fa8", "#b8860b", "#3b8ea5", "#a83252", "#5b6b2f"),
    *("#555b66", "#7a5230", "#d46a8c", "#1f7a7a", "#9aa317", "#6a5acd"),
)
_RADIUS = 5.0
_SHAPES = (
    "",  # a circle
    "-1,-1 1,-1 1,1 -1,1",
    "0,-1.3 1.2,1 -1.2,1",
    "0,-1.35 1.35,0 0,1.35 -1.35,0",
)


@dataclass(frozen=True)
class Mark:
    """One model's; `turn` counts how often the colours were used up before."""

    model: str
    colour: str
    turn: int

    @property
    def dash(self) -> str:
        """The class of its lines."""
        return f"curve dash{self.turn % len(_SHAPES)}"

    def at(self, x: float, y: float) -> str:
        """Its shape about a point, as SVG."""
        corners = _SHAPES[self.turn % len(_SHAPES)]
        if not corners:
            return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{_RADIUS}" fill="{self.colour}"/>'
        pairs = (corner.split(",") for corner in corners.split())
        points = " ".join(f"{x + _RADIUS * float(right):.1f},{y + _RADIUS * float(down):.1f}" for right, down in pairs)
        return f'<polygon points="{points}" fill="{self.colour}"/>'

    @property
    def swatch(self) -> str:
        """For a legend: its line and its shape."""
        line = f'<path class="{self.dash}" stroke="{self.colour}" d="M0 7h26"/>'
        return f'<svg viewBox="0 0 26 14" width="26" height="14" aria-hidden="true">{line}{self.at(13, 7)}</svg>'

    def drawn(self, parts: Sequence[str], words: str) -> str:
        """What is drawn for it, so that the page can find it; `words` appear under the pointer."""
        inside = "\n".join([f"<title>{escape(f'{self.model}: {words}')}</title>", *parts])
        return f'<g data-model="{escape(self.model)}">{inside}</g>'


def marks(models: Iterable[str]) -> dict[str, Mark]:
    """A mark for each model, by its name, in order of the names."""
    named = sorted(set(models))
    return {name: Mark(name, COLOURS[place % len(COLOURS)], place // len(COLOURS)) for place, name in enumerate(named)}
