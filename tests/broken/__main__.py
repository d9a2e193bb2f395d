"""`python -m tests.broken`: every broken input, as a table of what it is and what is said of it, in Markdown."""

import sys
import tempfile
from contextlib import redirect_stdout
from pathlib import Path

from tests.broken import core, genomics, video_text


def main() -> None:
    print("| read by | input | what is said |\n|---|---|---|")
    for broken in (*core.TABLE, *video_text.TABLE, *genomics.TABLE):
        # Some readers talk, and this is a table.
        with tempfile.TemporaryDirectory() as folder, redirect_stdout(sys.stderr):
            said = broken.message(Path(folder)).replace(f"{folder}/", "")
        cells = (broken.read.__name__, broken.name, said)
        print(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |", flush=True)


if __name__ == "__main__":
    main()
