"""`python -m tests.broken`: every broken input, as a table of what it is and what is said of it, in Markdown."""

import tempfile
from pathlib import Path

from tests.broken import core, genomics, video_text


def main() -> None:
    print("| read by | input | what is said |\n|---|---|---|")
    for broken in (*core.TABLE, *video_text.TABLE, *genomics.TABLE):
        with tempfile.TemporaryDirectory() as folder:
            said = broken.message(Path(folder)).replace(f"{folder}/", "")
        cells = (broken.read.__name__, broken.name, said)
        print(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |", flush=True)


if __name__ == "__main__":
    main()
