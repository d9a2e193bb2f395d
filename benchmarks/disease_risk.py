"""Disease risk on Regulome's cohort, from what variants do to openness: the runs of openness, each with its bounds.

`python -m benchmarks.disease_risk` scores every variant of the cohort by each run of openness that lies in `runs/bench`
(`make bench BENCH=regulome` makes them): what it changes in the cell type of the disease, alt minus ref, in log odds of
being open. No run has seen a variant, a person or a disease. What the variants of a person add up to is the burden;
people are cross-validated (`quatrefoil cohort`). Rows of runs that do not lie here stay as they are stored in
`results/disease_risk.json`.
"""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from benchmarks.entries import GENEBERT_ARMS, OPENNESS
from benchmarks.report.commands import quatrefoil
from benchmarks.timing import keep
from quatrefoil.core.measuring.jobs import Job, order, plan
from quatrefoil.core.measuring.store import Store
from quatrefoil.genomics.datasets.pretraining.regulome import regulome_matrix
from quatrefoil.genomics.datasets.regulome.make import BOUNDS, make
from quatrefoil.genomics.datasets.regulome.world import DISEASE_TYPE

RESULTS: Final = Path(__file__).parent / "results" / "disease_risk.json"
COVARIATES: Final = ("batch", "ancestry1", "ancestry2")


def main() -> None:
    stored = json.loads(RESULTS.read_text(encoding="utf-8"))["rows"] if RESULTS.exists() else []
    results, entries = Store(RESULTS.parent).read(), [arm.tasks[OPENNESS] for arm in GENEBERT_ARMS]
    jobs = [plan(entry, seed, results) for entry, seed in order(entries) if entry in entries]
    rows = {key_of(row): row for row in stored}
    folder = make("default", 0)
    for job in jobs:
        if job.finished and (job.entry.model, job.seed, job.config_hash) not in rows:
            row = scored(job, folder)
            rows[key_of(row)] = row
    shown = [rows[key] for job in jobs if (key := (job.entry.model, job.seed, job.config_hash)) in rows]
    bounds = json.loads((folder / BOUNDS).read_text(encoding="utf-8"))["disease"]["auc"]
    facts = {"command": "python -m benchmarks.disease_risk", "cell_type": DISEASE_TYPE, "covariates": COVARIATES}
    keep(RESULTS, {**facts, "bounds": {who: 100 * share for who, share in bounds.items()}, "rows": shown})


def key_of(row: Mapping[str, Any]) -> tuple[str, int, str]:
    """What tells a row from others."""
    return row["model"], row["seed"], row["config_hash"]


def scored(job: Job, folder: Path) -> dict[str, Any]:
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
    return {
        "model": job.entry.model,
        "seed": job.seed,
        "config_hash": job.config_hash,
        "ROC_AUC": {who: metrics["ROC-AUC"] for who, metrics in found["metrics"].items()},
        "intervals": found["ROC-AUC intervals"],
        "gain": found["gain"]["value"],
        "gain_interval": found["gain"]["interval"],
    }


if __name__ == "__main__":
    main()
