"""From pre-training on the tiny benchmark to every task that follows it, the bounds beside each score."""

import json
import shutil
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

import pytest
import torch
import zarr
from safetensors.torch import load_file

from quatrefoil.core.cli import main
from quatrefoil.core.training.run import train
from quatrefoil.genomics.datasets.pretraining.regulome import regulome_matrix
from quatrefoil.genomics.regions.same_genome import BASES_UNDER_PEAKS
from quatrefoil.genomics.variants.commands import length_of, variants

pytest.importorskip("accelerate")
pytest.importorskip("cyvcf2")

QUICK = [
    "data.size=tiny",
    "train.batch_size=8",
    "train.steps=2",
    "train.schedule.warmup=0",
    "train.evaluate_every=0",
    "train.checkpoint_every=0",
    "train.select=none",
    "run.workers=0",
    "run.progress=false",
]


def small(model: str) -> list[str]:
    return [f"{model}.transformer.width=16", f"{model}.transformer.layers=1"]


BOTH = [*small("model"), "model.regions.swin.width=12"]
PROMOTER = {"test", "test-dinuc_shuffle", "test-subst12of20"}
TASKS = {
    "promoter": (small("model.encoder"), PROMOTER, "ROC-AUC"),
    "tfbs": (small("model.encoder"), {"test"}, "ROC-AUC"),
    "splice": (small("model.encoder"), {"test"}, "ROC-AUC-ovo"),
    "variants": (small("model.reader.encoder"), {"test"}, "ROC-AUC"),
    "openness": (BOTH, {"test"}, "openness-varying/ROC-AUC"),
    "openness-sequence": (BOTH, {"test"}, "openness/ROC-AUC"),
}


def run(name: str, tiny: Path, folder: Path, *more: str) -> Path:
    return train(f"genebert/regulome-{name}", [*QUICK, *more, f"data.root={tiny.parent}", f"run.dir={folder}"])


@pytest.fixture(scope="module")
def pretrained(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "pretrained"
    return run("pretrain", tiny, folder, *BOTH, "data.evaluated=8")


@pytest.fixture(scope="module")
def runs(pretrained: Path, tiny: Path) -> dict[str, Path]:
    """Task -> its run, started from the pre-training."""
    start = f"model.pretrained={pretrained}"
    return {name: run(name, tiny, pretrained.with_name(name), *sizes, start) for name, (sizes, *_) in TASKS.items()}


def facts_of(folder: Path) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((folder / "metrics.json").read_text())
    return facts


@pytest.mark.parametrize("name", TASKS)
def test_every_task_is_scored_on_held_out_splits_with_the_bounds_beside_it(runs: dict[str, Path], name: str) -> None:
    _, tested, metric = TASKS[name]
    facts = facts_of(runs[name])
    reference = facts["data"]["reference"]
    assert set(reference) == tested == set(facts["scores"]) - {"val"}
    for split in tested:
        assert metric in facts["scores"][split]["metrics"]
        assert 0 < reference[split][metric]["chance"] <= max(reference[split][metric].values()) <= 100
    assert facts["data"]["embedded"]


def test_who_knows_the_motifs_ranks_breaking_alleles_far_above_chance_and_is_no_oracle(runs: dict[str, Path]) -> None:
    bounds = facts_of(runs["variants"])["data"]["reference"]["test"]["ROC-AUC"]
    assert 80 < bounds["true_motifs"] < 100


def test_a_task_starts_from_the_weights_of_the_pretraining(pretrained: Path, tiny: Path, tmp_path: Path) -> None:
    theirs = load_file(pretrained / "model" / "model.safetensors")
    still = [
        f"model.pretrained={pretrained}",
        "train.optimizer.lr=1e-12",
        "train.optimizer.weight_decay=0",
        "train.steps=1",
    ]
    own = {part: part for part in ("bert.", "region_encoder.", "match_head.")}
    for name, parts in (("variants", {"reader.encoder.": "bert.encoder."}), ("openness", own)):
        ours = load_file(run(name, tiny, tmp_path / name, *TASKS[name][0], *still) / "model" / "model.safetensors")
        for part, their_part in parts.items():
            shared = {key: key.replace(part, their_part, 1) for key in ours if key.startswith(part)}
            assert len(shared) > 3
            for key, their_key in shared.items():
                torch.testing.assert_close(ours[key], theirs[their_key], atol=1e-6, rtol=0, msg=key)


def test_held_out_cell_types_and_chromosomes_are_tested_and_not_trained_on(runs: dict[str, Path]) -> None:
    splits = facts_of(runs["openness"])["data"]["splits"]
    assert splits["test"]["cell_types"] == ["birch3", "delta3"]
    assert not set(splits["test"]["cell_types"]) & set(splits["train"]["cell_types"])
    held = [set(splits[split]["chromosomes"]) for split in ("val", "test")]
    assert held == [{"chr10"}, {"chr8", "chr9"}]
    assert not set.union(*held) & set(splits["train"]["chromosomes"])


def test_variants_are_scored_and_make_a_cross_validated_risk(
    runs: dict[str, Path], tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = ["--vcf", f"{tiny}/disease/cohort.vcf", "--genome", f"{tiny}/genome.fa"]
    of_type = ["--matrix", str(regulome_matrix(tiny)), "--cell-type", "amber2"]
    for name, more in (("variants", []), ("tfbs", ["--length", "101"]), ("openness", of_type)):
        table = tmp_path / f"{name}.tsv"
        assert main(["variants", str(runs[name]), *files, *more, "--out", str(table)]) == 0
        bases = 300 if name == "openness" else 101  # the window of 200, twice, a half apart
        assert f"300 variants, each read in a window of {bases} bases, in {table}" in capsys.readouterr().out
        assert len(table.read_text().splitlines()) == 301
    people = ["--phenotypes", f"{tiny}/disease/phenotypes.tsv", "--covariates", "sex", "age", "batch"]
    shown = ["--bounds", f"{tiny}/bounds.json", "--out", str(tmp_path / "risk.json"), "--repeats", "1"]
    assert main(["cohort", str(table), *files[:2], *people, *shown]) == 0
    said = capsys.readouterr().out
    assert "burden and covariates" in said
    assert "bound: true_burden" in said
    risk = json.loads((tmp_path / "risk.json").read_text())
    assert len(risk["log_odds"]["burden"]) == 120
    assert main(["variants", str(runs["openness"]), *files, "--out", str(table)]) == 2
    assert "give --matrix and --cell-type" in capsys.readouterr().err
    assert main(["variants", str(runs["openness"]), *files, *of_type, "--length", "500", "--out", str(table)]) == 2
    assert "windows of its own length; leave --length out" in capsys.readouterr().err
    assert main(["variants", str(runs["tfbs"]), *files, *of_type, "--out", str(table)]) == 2
    assert "a classifier reads no peaks; leave --matrix and --cell-type out" in capsys.readouterr().err


def test_variants_are_not_scored_beside_a_matrix_of_another_genome_and_what_a_filter_says_of_them_is_told(
    runs: dict[str, Path], tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (
        (tiny / "disease" / "cohort.vcf").read_text().replace("\n#CHROM", '\n##FILTER=<ID=low,Description="x">\n#CHROM')
    )
    rows = text.splitlines()
    first = next(place for place, row in enumerate(rows) if not row.startswith("#"))
    rows[first] = "\t".join([*(cells := rows[first].split("\t"))[:6], "low", *cells[7:]])
    (vcf := tmp_path / "a.vcf").write_text("\n".join(rows) + "\n")
    files = ["--vcf", str(vcf), "--genome", f"{tiny}/genome.fa", "--out", str(tmp_path / "t.tsv")]
    assert main(["variants", str(runs["variants"]), *files]) == 0
    assert "1 record of" in (said := capsys.readouterr().out)
    assert "FILTER says something of" in said
    matrix = Path(shutil.copytree(regulome_matrix(tiny), tmp_path / "matrix"))
    attributes = zarr.open_group(str(matrix), mode="r+").attrs
    attributes["made_of"] = {**attributes["made_of"], BASES_UNDER_PEAKS: "those of another"}
    of_type = ["--matrix", str(matrix), "--cell-type", "amber2"]
    assert main(["variants", str(runs["openness"]), *files, *of_type]) == 2
    assert "has other bases under the peaks of" in capsys.readouterr().err


def test_a_window_is_as_long_as_in_training_or_its_length_is_asked_for(runs: dict[str, Path]) -> None:
    parser = ArgumentParser()
    variants.add_arguments(parser)

    def asked(run: str, *more: str) -> Namespace:
        return parser.parse_args([str(runs[run]), "--vcf", "v", "--genome", "g", "--out", "o", *more])

    assert length_of(asked("variants")) == facts_of(runs["variants"])["config"]["data"]["length"]
    assert length_of(asked("tfbs", "--length", "33")) == 33
    with pytest.raises(ValueError, match=r"does not say how long the windows are .*; give that as --length"):
        length_of(asked("tfbs"))


def test_pairs_of_a_batch_are_refused_in_micro_batches(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"openness compute views of pairs .*set train\.accumulate=1"):
        run("openness", tiny, tmp_path / "run", *BOTH, "train.accumulate=2")


def test_a_start_that_knew_no_motifs_is_told_how_to_be_read(tiny: Path, tmp_path: Path) -> None:
    run("columns", tiny, tmp_path / "columns", *BOTH, "data.evaluated=8")
    start = f"model.pretrained={tmp_path / 'columns'}"
    with pytest.raises(ValueError, match=r"without known motifs: set model\.known_motifs=null"):
        run("openness", tiny, tmp_path / "refused", *BOTH, start)
    assert (run("openness", tiny, tmp_path / "read", *BOTH, start, "model.known_motifs=null") / "metrics.json").exists()


def test_what_a_classifier_sees_is_drawn(
    runs: dict[str, Path], tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    picture, table = tmp_path / "seen.png", tmp_path / "seen.tsv"
    out = ["--out", str(picture), "--table", str(table)]
    assert main(["interpret", str(runs["splice"]), "--sequence", "ACGTACGTAGGTAAGT", "--class", "1", *out]) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert len(table.read_text().splitlines()) == 17
    logos = tmp_path / "logos.svg"
    assert main(["logos", f"{tiny}/motifs/motifs.jaspar", "--out", str(logos)]) == 0
    assert logos.is_file()
    assert main(["interpret", str(runs["variants"]), "--sequence", "ACGTACGT", "--out", str(picture)]) == 2
    assert "tells no classes of one sequence" in capsys.readouterr().err


def test_a_task_that_the_benchmark_does_not_have_is_named(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no `tfbs/MIR9`.*tfbs has "):
        run("tfbs", tiny, tmp_path / "run", "data.factor=MIR9")
