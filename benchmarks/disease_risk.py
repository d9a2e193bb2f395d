"""Disease risk on Regulome's cohort, from what variants do to openness: the runs of openness, each with its bounds.

`python -m benchmarks.disease_risk` scores every variant of the cohort by each run of openness that lies in `runs/bench`
(`make bench BENCH=regulome` makes them): what it changes in the cell type of the disease, alt minus ref, in log odds of
being open. No run has seen a variant, a person or a disease. What closes most is expected to be a breaking allele: of
the variants on held-out chromosomes, `breaking` says how well. What the variants of a person add up to is the burden;
people are cross-validated (`quatrefoil cohort`). Rows of runs that do not lie here stay as they are stored in
`results/disease_risk.json`.
"""

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.entries import GENEBERT_ARMS, OPENNESS
from benchmarks.own_process import quatrefoil
from benchmarks.timing import keep
from quatrefoil.core.evaluation.classification import roc_auc, roc_auc_interval
from quatrefoil.core.evaluation.statistics import Interval
from quatrefoil.core.measuring.jobs import Job, order, planned
from quatrefoil.core.measuring.store import Store
from quatrefoil.genomics.datasets.pretraining.regulome import regulome_matrix
from quatrefoil.genomics.datasets.regulome.make import BOUNDS, make
from quatrefoil.genomics.datasets.regulome.world import DISEASE_TYPE, SPLIT_OF
from quatrefoil.genomics.tables import read_table

RESULTS: Final = Path(__file__).parent / "results" / "disease_risk.json"
COVARIATES: Final = ("batch", "ancestry1", "ancestry2")
Row = Mapping[str, Any]


def main() -> None:
    rows = json.loads(RESULTS.read_text(encoding="utf-8"))["rows"] if RESULTS.exists() else []
    folder = make("default", 0)
    for job in jobs_here():
        if list(job.run) not in [row["run"] for row in rows]:
            rows = sorted([*without(rows, job), scored(job, folder)], key=place_of)
            store(rows, folder)


def jobs_here() -> list[Job]:
    """The finished runs of openness that lie here."""
    results, entries = Store(RESULTS.parent).read(), [arm.tasks[OPENNESS] for arm in GENEBERT_ARMS]
    jobs = (planned(entry, seed, results) for entry, seed in order(entries) if entry in entries)
    return [job for job in jobs if job and job.finished]


def without(rows: Sequence[Row], job: Job) -> list[Row]:
    """All rows but that of an earlier run of this model and seed."""
    return [row for row in rows if (row["model"], row["run"][-1]) != (job.entry.model, job.seed)]


def place_of(row: Row) -> tuple[int, int]:
    """Arms in their order, then seeds."""
    models = [arm.tasks[OPENNESS].model for arm in GENEBERT_ARMS]
    return models.index(row["model"]), row["run"][-1]


def store(rows: Sequence[Row], folder: Path) -> None:
    """Keep the rows, with the bounds of the benchmark in this folder."""
    bounds = json.loads((folder / BOUNDS).read_text(encoding="utf-8"))["disease"]["auc"]
    facts = {"command": "python -m benchmarks.disease_risk", "cell_type": DISEASE_TYPE, "covariates": COVARIATES}
    keep(RESULTS, {**facts, "bounds": {who: 100 * share for who, share in bounds.items()}, "rows": rows})


def scored(job: Job, folder: Path) -> Row:
    """What one run says of the cohort in the benchmark's folder."""
    vcf, people = (str(folder / "disease" / name) for name in ("cohort.vcf", "phenotypes.tsv"))
    where = ["--genome", str(folder / "genome.fa"), "--matrix", str(regulome_matrix(folder))]
    print(f"scoring {job}", flush=True)
    with tempfile.TemporaryDirectory() as laid:
        effects, out = f"{laid}/effects.tsv", f"{laid}/risk.json"
        of_type = ["--cell-type", DISEASE_TYPE, "--out", effects]
        quatrefoil(f"effects by {job}", "variants", str(job.folder), "--vcf", vcf, *where, *of_type)
        known = ["--phenotypes", people, "--covariates", *COVARIATES, "--out", out]
        quatrefoil(f"risk by {job}", "cohort", effects, "--vcf", vcf, *known)
        found = json.loads(Path(out).read_text(encoding="utf-8"))
        breaking, interval = breaking_area(Path(effects), folder)
    return {
        "model": job.entry.model,
        "run": list(job.run),
        "ROC_AUC": {who: metrics["ROC-AUC"] for who, metrics in found["metrics"].items()},
        "intervals": found["ROC-AUC intervals"],
        "deals": [found["deals"]["reaching"], found["deals"]["of"]],
        "gain": found["gain"]["value"],
        "gain_interval": found["gain"]["interval"],
        "breaking": breaking,
        "breaking_interval": list(interval),
    }


def breaking_area(effects: Path, folder: Path) -> tuple[float, Interval]:
    """How well breaking alleles are ranked by how much they close, on the chromosomes that openness was tested on: area
    under the ROC curve in percent, and its 95 % interval over variants."""
    scored, labels = read_table(effects), read_table(folder / "truth" / "variants.tsv", ("variant", "breaking"))
    breaks = dict(zip(labels["variant"], labels["breaking"], strict=True))
    rows = zip(scored["variant"], scored["chrom"], scored[f"open in {DISEASE_TYPE}"], strict=True)
    found = [(breaks[name] == "1", -float(opens)) for name, chromosome, opens in rows if SPLIT_OF[chromosome] == "test"]
    breaking_V, closing_V = map(np.array, zip(*found, strict=True))
    interval = roc_auc_interval(closing_V, breaking_V)
    return 100 * roc_auc(closing_V, breaking_V), Interval(100 * interval.low, 100 * interval.high)


if __name__ == "__main__":
    main()
