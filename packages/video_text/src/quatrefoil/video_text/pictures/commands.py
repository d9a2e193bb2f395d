"""`quatrefoil reconstruct RUN --out FOLDER` and `quatrefoil similarity RUN --out FOLDER`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class PictureCommand:
    """Draws clips of a split as a stored run sees them, a PNG each.

    Args:
        help: what it does, in a line.
        pictures: finds the function that draws: imported when the command runs, as it brings models and matplotlib.
    """

    help: str
    pictures: Callable[[], Callable[..., list[Path]]]

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Those of both commands."""
        parser.add_argument("stored", type=Path, metavar="RUN_OR_CHECKPOINT")
        parser.add_argument("overrides", nargs="*", metavar="key=value", help="where things are now, e.g. data.root")
        parser.add_argument("--out", type=Path, required=True, help="folder for the PNGs")
        parser.add_argument("--split", default="test", help="whose clips (default: test)")
        parser.add_argument("--clips", type=int, default=8, help="how many, evenly spaced over the split (default: 8)")

    def run(self, args: Namespace) -> int:
        """Draws, and prints what was written. Raises ValueError (`look`), ImportError without matplotlib."""
        for path in self.pictures()(args.stored, args.overrides, args.split, args.clips, args.out):
            print(path)
        return 0


def _reconstructions() -> Callable[..., list[Path]]:
    from quatrefoil.video_text.pictures.reconstruction import draw_run

    return draw_run


def _similarities() -> Callable[..., list[Path]]:
    from quatrefoil.video_text.pictures.similarity import draw_run

    return draw_run


RECONSTRUCT = PictureCommand("Draw hidden frames, sound and words beside what a run makes of them.", _reconstructions)
SIMILARITY = PictureCommand("Draw where words, frames and sound of a clip are alike to a run.", _similarities)
