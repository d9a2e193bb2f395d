"""What runners of their own measured on real data, from the files that they leave beside the leaderboard's rows."""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from benchmarks.report.runner_files import DIGITS, REGIONS, RISKS, SEQUENCES, Facts, read_runner
from benchmarks.report.sections import Command, Link, Section
from quatrefoil.core.measuring.tables import NOTHING, Cell, Table, TableRow, interval_text

Tellers = Mapping[str, Callable[[Facts], Section]]
"""The name of a runner's file -> how to tell it."""


def runner_sections(folder: Path, tellers: Tellers) -> list[Section]:
    """A section for each of these files that lies in the folder. Raises RowError as `read_runner`."""
    found = ((folder / name, tell) for name, tell in tellers.items())
    return [tell(read_runner(path)) for path, tell in found if path.exists()]


def sequences_section(told: Facts) -> Section:
    """Runs on real labelled sequences, set by set, and what pre-training gave."""
    runs = sorted(told["runs"], key=lambda run: (run["set"], -run["test"]))
    tables = [_sequence_table(name, list(part)) for name, part in groupby(runs, lambda run: run["set"])]
    return Section(
        "Real sequences: promoters, binding sites, splice sites and enhancers, test (real corpus)",
        False,
        ["Classes of sequences, by the MCC times 100, made by `python -m benchmarks.real_sequences GENOMICS`."],
        [*tables, _sequence_differences(told["differences"])],
        [
            *_unhashed(runs),
            "a row is a run; every run took its checkpoint by the set's validation, the test was scored once",
            "data.test under cut/ is a test of ours, no published one: it was cut by sequence, families on one side",
            "intervals are 95 % bootstrap intervals over test sequences, which say nothing of the seed",
            "pre-trained and untrained twin are one model, from pre-training on sequences and from random weights",
            "encoder: the same model without motif filters; on most sets it has fewer steps (`train.steps` below). Its "
            "recipe was called genebert/classify until that got filters, in the commits that its rows name, too",
        ],
        commands=[Command(_sequence_command(run)) for run in [*told["pretraining"], *runs]],
        links=[Link("what it says and what it does not", "docs/genebert-results.md")],
    )


def _unhashed(runs: Sequence[Facts]) -> Iterator[str]:
    if old := sum("data" not in run for run in runs):
        told = "the first of them say nothing of the hash of their data, only how many sequences there were"
        yield f"runs of one set are of the same data, by its hash; {old} of {len(runs)}, {told}"


def _sequence_table(name: str, runs: Sequence[Facts]) -> Table:
    columns = [
        "model",
        "seed",
        "test MCC",
        "test ROC-AUC",
        "test accuracy",
        "validation MCC",
        "parameters",
        "train min",
    ]
    rows = [TableRow(_sequence_cells(run)) for run in runs]
    return Table(name, [*columns, "starts from"], rows)


def _sequence_cells(run: Facts) -> list[Cell]:
    return [
        Cell(run["arm"]),
        Cell.of(run["seed"]),
        *(_scored(run, name) for name in ("test", "test_ROC_AUC", "test_accuracy")),
        Cell.of(run["validation"], ".1f"),
        Cell(f"{run['parameters'] / 1e6:.2f} M", run["parameters"]),
        Cell(f"{run['train_seconds'] / 60:.1f}", run["train_seconds"]),
        Cell(run["pretraining"] or "random weights"),
    ]


def _scored(run: Facts, name: str) -> Cell:
    """Rows from before three classes had an area have none."""
    if name not in run:
        return Cell(NOTHING)
    return _within(run[name], run[f"{name}_interval"])


def _within(value: float, ends: Sequence[float], form: str = ".1f") -> Cell:
    """A score and the ends of its interval; it sorts by the score."""
    return Cell(f"{value:{form}} {interval_text(ends, form)}", value)


def _sequence_differences(found: Sequence[Facts]) -> Table:
    rows = [
        [
            Cell(f"{each['set']}: {each['of']} minus {each['less']}"),
            Cell.of(len(each["seeds"])),
            Cell.of(each["difference"], "+.1f"),
            Cell(interval_text(each["interval"], "+.1f")),
        ]
        for each in found
    ]
    columns = ["difference", "seeds", "points", "95 % interval over sequences"]
    return Table("differences in MCC", columns, list(map(TableRow, rows)))


def _sequence_command(run: Facts) -> str:
    what = run["arm"] if "arm" in run else f"pre-training {run['name']}"
    return f"{what}  {run['config_hash']}  {run['recipe']} {' '.join(run['overrides'])}"


def digits_section(told: Facts) -> Section:
    """Spoken digits, by the speaker who is tested: baselines that draw nothing, and models, which have a `seed`."""
    directions = digit_directions(told)
    seeded = any("seed" in row for row in told["rows"])
    who = "Models and baselines" if seeded else "Baselines"
    scores = [f"{name}, {d}" for d in directions for name in ("test", "val")]
    columns = ["protocol", "method", *["seed"] * seeded, *scores, "settings"]
    chance = Cell.of(told["chance"], ".1f")
    computed = [Cell("chance"), Cell("computed"), *[Cell(NOTHING)] * seeded, *[chance] * len(scores), Cell(NOTHING)]
    rows = [TableRow(_digit_cells(row, directions, seeded)) for row in told["rows"]]
    return Section(
        "Spoken digits, test (real corpus)",
        False,
        [f"{who} on recordings of a speaker who was never heard before, made by `{told['command']}`."],
        [Table("R@1 by speaker", columns, [TableRow(computed, "computed"), *rows])],
        [
            "settings are chosen by the validation speaker; the tested one is scored once",
            "a row with a seed is one run; the others draw no seed" if seeded else "no seed is drawn",
        ],
    )


def digit_directions(told: Facts) -> list[str]:
    """In which digits are retrieved."""
    return sorted({direction for row in told["rows"] for direction in row["test"]})


def _digit_cells(row: Facts, directions: Sequence[str], seeded: bool) -> list[Cell]:
    values = [row[split][direction] for direction in directions for split in ("test", "val")]
    return [
        Cell(row["protocol"]),
        Cell(row["method"]),
        *[Cell.of(row.get("seed"))] * seeded,
        *(Cell.of(value, ".1f") for value in values),
        Cell(row["settings"]),
    ]


def regions_section(told: Facts) -> Section:
    """Real regions: the matrices built of them, and a step of the full-size model on each."""
    columns = ["material", "rows x columns by cell type", "hit", "build s", "bases known", "windows", "step s", "MiB"]
    rows = [TableRow(_region_cells(row)) for row in told["rows"]]
    (parameters,) = {row["parameters"] for row in told["rows"]}
    where = f"{told['device']}, {told['threads']} threads, {told['cores']} cores"
    return Section(
        "Real regions: motifs x regions, and one step of the full-size model (real corpus)",
        False,
        [f"Made by `{told['command']}`: GeneBERT of {parameters / 1e6:.1f} M, a step of two samples; {where}."],
        [Table("matrices and steps", [*columns, "loss of the step"], rows)],
        [
            "that it runs on such material and what it takes; a step teaches nothing, and its loss says nothing",
            *(f"{row['material']}: {row['regions']}" for row in told["rows"]),
        ],
        commands=[Command(row["command"]) for row in told["rows"]],
    )


def _region_cells(row: Facts) -> list[Cell]:
    columns = ", ".join(f"{name} {count:,}" for name, count in row["columns"].items())
    windows = ", ".join(f"{split} {count:,}" for split, count in row["windows"].items())
    return [
        Cell(row["material"]),
        Cell(f"{row['rows']} x {columns}", row["rows"]),
        Cell(f"{row['hit_share']:.1%}", row["hit_share"]),
        Cell.of(row["build_seconds"], ".1f"),
        Cell(f"{row['known_bases']:,} of {row['genome_bases']:,}", row["known_bases"] / row["genome_bases"]),
        Cell(windows),
        Cell.of(row["step_seconds"], ".1f"),
        Cell.of(row["peak_mib"], ",d"),
        Cell.of(row["loss"], ".2f"),
    ]


def risks_section(told: Facts) -> Section:
    """Disease risk of a cohort, from what variants do to openness, beside structure and bounds."""
    features = list(told["rows"][0]["ROC_AUC"])
    rows = [
        [
            Cell(row["model"]),
            Cell.of(row["run"][-1]),
            *(_within(row["ROC_AUC"][of], row["intervals"][of]) for of in features),
            _within(row["gain"], row["gain_interval"], "+.1f"),
            _within(row["breaking"], row["breaking_interval"]),
        ]
        for row in told["rows"]
    ]
    columns = ["model", "seed", *features, "gain over covariates", "breaking variants"]
    return Section(
        "Regulome, disease risk of people, from what variants do to openness (EMBEDDED benchmark, not a real corpus)",
        True,
        [
            f"Area under the ROC curve of who is ill, made by `{told['command']}`: what each variant changes in the "
            f"openness of {told['cell_type']}, by runs that saw no variant, added up for every person."
        ],
        [Table("runs", columns, [*(TableRow(row) for row in rows), *risk_bounds(told, columns)])],
        [
            "people are cross-validated, and intervals are over people: they say nothing of the seed",
            f"covariates ({', '.join(told['covariates'])}) tell of structure, and so may a burden: beside it stands "
            "that of the same effects dealt out to the variants at random, the mean of twenty deals",
            "best of: what is possible for one that knows this of each person",
            "breaking variants: how well those on held-out chromosomes are ranked by how much they close, area under "
            "the ROC curve with the interval over variants, none of which was trained on",
        ],
    )


def risk_bounds(told: Facts, columns: Sequence[str], names: Container[str] | None = None) -> list[TableRow]:
    """The bounds, or those of these names, as lines of a table: under what they know, else under the burden."""
    found = []
    for who, score in told["bounds"].items():
        if names is None or who in names:
            words = who.replace("_", " ")
            under = words if words in columns else "burden"
            cells = [Cell.of(score, ".1f") if column == under else Cell(NOTHING) for column in columns[1:]]
            found.append(TableRow([Cell(words if who == "chance" else f"best of {words}"), *cells], "computed"))
    return found


RUNNERS: Tellers = {
    SEQUENCES: sequences_section,
    REGIONS: regions_section,
    RISKS: risks_section,
    DIGITS: digits_section,
}
