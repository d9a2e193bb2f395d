"""How fast it is and how much memory it takes, beside a peer or another way of its own, each pair timed in one run."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.report.damage import MEND, undamaged
from benchmarks.report.sections import Command, Section
from quatrefoil.core.measuring.tables import Cell, Table, TableRow

Facts = Mapping[str, Any]


def speed_sections(folder: Path) -> list[Section]:
    """One section of what runners of speed left in the folder, or none. Raises RowError as `_told`."""
    found = [_told(folder / name, tell) for name, tell in _TELLERS.items() if (folder / name).exists()]
    if not found:
        return []
    return [
        Section(
            "Speed and memory",
            None,
            ["What a line compares was timed in one run of its command. `times as` is in favour of ours above 1."],
            [table for tables, _ in found for table in tables],
            commands=[Command(said) for said in sorted({said for _, said in found})],
        )
    ]


def _told(path: Path, tell: Callable[[Any], list[Table]]) -> tuple[list[Table], str]:
    """Tables of a file, and the command that made it. Raises RowError where it lacks something, or is no JSON."""
    with undamaged(path, MEND):
        told = json.loads(path.read_text(encoding="utf-8"))
        return tell(told), _command(told)


def _command(told: Any) -> str:
    command: str = (told[0] if isinstance(told, list) else told)["command"]
    return command


def _table(title: str, columns: list[str], rows: list[list[Cell]], told: Facts) -> Table:
    where = f"{told['device']}, {told['threads']} of {told['cores']} cores" if "device" in told else told["hardware"]
    remark = f"{where}; {', '.join(f'{name} {version}' for name, version in told['versions'].items())}"
    return Table(title, columns, list(map(TableRow, rows)), [remark])


def _swin(told: Facts) -> list[Table]:
    columns = ["case", "ours s", "torchvision s", "times as fast", "ours MiB", "torchvision MiB", "times as small"]
    rows = [
        [
            Cell(row["case"]),
            *(Cell.of(row["seconds"][who], ".3f") for who in ("ours", "torchvision")),
            Cell.of(1 / row["time_ratio"], ".2f"),
            *(Cell.of(row["mib"][who], ".1f") for who in ("ours", "torchvision")),
            Cell.of(1 / row["memory_ratio"], ".2f"),
        ]
        for row in told["rows"]
    ]
    return [_table("3-D Swin, forward and backward, beside torchvision's", columns, rows, told)]


def _contrast(told: list[Facts]) -> list[Table]:
    """Of tiles and of cached gradients, against the whole matrix of similarities."""
    ways = ("tiled", "cached")
    columns = ["pairs", "whole s", "whole MiB"]
    columns += [f"{way}, times as {what}" for way in ways for what in ("fast", "small")]
    rows = [
        [
            Cell.of(row["pairs"], ",d"),
            Cell.of(row["whole_s"], ".2f"),
            Cell.of(row["whole_mib"], ",.0f"),
            *(Cell.of(row[f"{way}_{what}_ratio"], ".2f") for way in ways for what in ("time", "memory")),
        ]
        for row in told
    ]
    return [_table("Contrast of a large batch, in tiles and with cached gradients", columns, rows, told[0])]


def _clover(told: Facts) -> list[Table]:
    columns = ["recipe", "passes of video, text, fusion", "s a step", "share of the whole"]
    rows = [
        [
            Cell(row["recipe"]),
            Cell(", ".join(str(row["passes"].get(part, 0)) for part in ("video", "text", "fusion"))),
            Cell.of(row["seconds"], ".3f"),
            Cell.of(row["ratio"], ".2f"),
        ]
        for row in told["rows"]
    ]
    clips, asked = told["clips"], told["retrieval"]
    way = [Cell.of(asked[name], form) for name, form in (("codes_s", ".2f"), ("pairs_s", ".2f"), ("ratio", ".1f"))]
    return [
        _table(f"Clover's objectives, a step of {clips} clips", columns, rows, told),
        _table(
            f"Clover's retrieval, {clips} texts beside {clips} clips",
            ["by codes s", "fusion of every pair s", "times as fast"],
            [way],
            told,
        ),
    ]


def _vlsa(told: Facts) -> list[Table]:
    columns = ["case", "visible tokens", "all tokens", "visible s", "all s", "times as fast"]
    rows = [
        [
            Cell(row["case"]),
            *(Cell.of(row["tokens"][which]) for which in ("visible", "all")),
            *(Cell.of(row["seconds"][which], ".2f") for which in ("visible", "all")),
            Cell.of(row["times_faster"], ".2f"),
        ]
        for row in told["rows"]
    ]
    tables = [_table("VLSA's encoder over visible tokens alone", columns, rows, told)]
    waits = [
        [
            Cell(row["case"]),
            *(Cell.of(1000 * row["seconds_a_clip"][which], ".1f") for which in ("loader", "training")),
            Cell.of(row["waiting_percent"], ".1f"),
        ]
        for row in told["loader"]
    ]
    columns = ["case", "loader ms a clip", "training ms a clip", "waiting %"]
    return [*tables, _table("VLSA's loader beside its training", columns, waits, told)]


def _scan(told: Facts) -> list[Table]:
    """One line for each scanner that was installed."""
    rows = [
        [
            Cell(f"{other} {told['versions'][other]}"),
            *(Cell.of(told[name], ".2f") for name in (f"{other}_setup_s", f"{other}_s", f"{other}_ratio")),
            Cell.of(told[f"{other}_differ"]),
        ]
        for other in ("moods", "lightmotif")
        if f"{other}_s" in told
    ]
    ours = f"ours: set up in {told['setup_s']} s (thresholds, too, which the others are given), {told['scan_s']} s"
    title = f"Motif scan: {told['motifs']} motifs, {told['bases']:,} bases, {told['hits']:,} hits; {ours}"
    columns = ["beside", "set up s", "scan s", "ours is times as fast", "hits not in common"]
    rates = (Cell.of(told[f"kmer_{kind}windows_per_s"], ",d") for kind in ("", "text_"))
    kmers = [[*rates, Cell.of(told["kmer_ratio"], ".1f"), Cell.of(told["kmer_differ"])]]
    tables = [_table(title, columns, rows, told)] if rows else []
    columns = ["windows a second", "through text", "times as fast", "windows that differ"]
    return [*tables, _table("6-mer ids of windows of 1,000 bases, beside DNABERT's way", columns, kmers, told)]


_TELLERS: Mapping[str, Callable[[Any], list[Table]]] = {
    "speed_swin.json": _swin,
    "speed_contrast.json": _contrast,
    "speed_clover.json": _clover,
    "speed_vlsa.json": _vlsa,
    "speed_motif_scan.json": _scan,
}
