"""The recipes of classification as a whole: any labelled set goes in, stored predictions give the metrics."""

import json
import random
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from quatrefoil.core import recipes
from quatrefoil.core.config import ConfigError
from quatrefoil.core.evaluation.classification import classification_metrics, read_predictions
from quatrefoil.core.objectives import Classification
from quatrefoil.core.runs.elsewhere import evaluate_on
from quatrefoil.core.runs.stored import evaluate
from quatrefoil.core.training.run import train
from quatrefoil.genomics.interpret.filters import motif_cnn_of, read_filters
from quatrefoil.genomics.models.stored import classifier_of
from quatrefoil.genomics.sequence.fasta import codes_of
from quatrefoil.genomics.tables import TextError

pytest.importorskip("accelerate")
QUICK = ["train.batch_size=16", "run.workers=0", "run.progress=false", "train.select=none", "train.evaluate_every=0"]
SIZES = ["transformer.width=16", "transformer.heads=2", "transformer.layers=1", "k=3"]
SMALL, STEM = ([f"{where}.{size}" for size in SIZES] for where in ("model", "model.encoder"))


def planted(path: Path, rows: int, seed: int, motifs: dict[str, str]) -> None:
    """Random sequences of 20 to 40 bases; the class is the motif that is planted."""
    rng, lines = random.Random(seed), ["sequence,label"]
    for row in range(rows):
        label = sorted(motifs)[row % len(motifs)]
        bases = "".join(rng.choices("ACGT", k=rng.randint(20, 40)))
        place = rng.randint(0, 13)
        lines.append(f"{bases[:place]}{motifs[label]}{bases[place + 7 :]},{label}")
    path.write_text("\n".join(lines))


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("genebert/classify", STEM),
        ("genebert/classify-encoder", STEM),
        ("genebert/classify-placed", STEM),
        ("genebert/classify-bert", SMALL),
        ("genebert/classify-cnn", ["model.width=8"]),
        ("genebert/classify-motif-cnn", ["model.width=8"]),
        ("genebert/classify-kmer-logistic", []),
    ],
)
def test_three_classes_of_any_name_go_in_and_predictions_by_id_come_out(
    tmp_path: Path, name: str, sizes: list[str]
) -> None:
    for file, rows, seed in (("train.csv", 60, 0), ("test.csv", 30, 1)):
        planted(tmp_path / file, rows, seed, {"EI": "GATTACA", "IE": "CCCGGGC", "N": "TATATAT"})
    run = tmp_path / "run"
    data = [f"data.root={tmp_path}", "data.train=train.csv", "data.test=test.csv", f"run.dir={run}"]
    train(name, [*QUICK, *sizes, *data, "train.steps=2"])
    stored = json.loads((run / "metrics.json").read_text())
    assert stored["data"]["classes"] == ["EI", "IE", "N"]
    for split, count in (("val", 6), ("test", 30)):
        found = read_predictions(run / "predictions" / split / "class_logits.jsonl")
        assert len(found.ids) == count
        assert classification_metrics(found) == pytest.approx(stored["scores"][split]["metrics"])
    assert found.ids[0] == f"{tmp_path.name}/test.csv:2"
    assert evaluate(run)["test"].metrics == pytest.approx(stored["scores"]["test"]["metrics"])
    model = classifier_of(run)
    assert model.classes == ["EI", "IE", "N"]
    if name in ("genebert/classify", "genebert/classify-motif-cnn"):
        filters = read_filters(model, [codes_of("ACGTTGCAGTAACCTTAGGA")] * 3)
        assert len(filters) == motif_cnn_of(model).config.width
    (run / "model" / "classes.json").write_text('["IE", "EI", "N"]')
    with pytest.raises(ConfigError, match=r"the data bring another classes\.json than the model"):
        evaluate(run)


def test_a_finished_run_refuses_a_line_of_other_data_that_is_too_short_for_it(tmp_path: Path) -> None:
    planted(tmp_path / "train.csv", 60, 0, {"0": "ACGTGCA", "1": "GATTACA"})
    (tmp_path / "short.csv").write_text("sequence,label\nACGTACGTA,1\nACGTA,0\n")
    data, run = [f"data.root={tmp_path}", "data.train=train.csv"], tmp_path / "run"
    train("genebert/classify-kmer-logistic", [*QUICK, *data, f"run.dir={run}", "train.steps=1"])
    other = [*data, "data.test=short.csv", "run.workers=0"]
    with pytest.raises(TextError, match=r"short\.csv:3: 5 bases; this model reads .* of 6 and more: take it out"):
        evaluate_on(run, "genebert/classify-kmer-logistic", other)


def test_a_planted_motif_is_found(tmp_path: Path) -> None:
    for file, rows, seed in (("train.csv", 400, 0), ("val.csv", 100, 1), ("test.csv", 100, 2)):
        planted(tmp_path / file, rows, seed, {"0": "ACGTGCA", "1": "GATTACA"})
    files = ["data.train=train.csv", "data.validation=val.csv", "data.test=test.csv"]
    folder = [f"data.root={tmp_path}", f"run.dir={tmp_path / 'run'}"]
    train("genebert/classify-kmer-logistic", [*QUICK, *files, *folder, "train.steps=200"])
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["scores"]["test"]["metrics"]["MCC"] > 80


def test_a_run_that_tests_on_what_trains_says_so_before_it_begins(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for file, rows, seed in (("train.csv", 60, 0), ("clean.csv", 30, 1)):
        planted(tmp_path / file, rows, seed, {"0": "ACGTGCA", "1": "GATTACA"})
    files = [f"data.root={tmp_path}", "data.train=train.csv", "data.validation=clean.csv", "train.steps=1"]
    for name in ("clean", "train"):
        train(
            "genebert/classify-kmer-logistic", [*QUICK, *files, f"data.test={name}.csv", f"run.dir={tmp_path / name}"]
        )
        said = capsys.readouterr().out
        assert ("\nbeware       60 sequences of 60 of test also in training" in said) == (name == "train")


def test_recipes_differ_in_the_model_its_training_and_which_readings_have_a_loss_alone() -> None:
    names = ("", "-encoder", "-bert", "-cnn", "-motif-cnn", "-kmer-logistic")
    ours, *baselines = (recipes.load(f"genebert/classify{name}") for name in names)
    for baseline in baselines:
        assert (baseline.data, baseline.evaluate) == (ours.data, ours.evaluate)
        assert (baseline.train.select, baseline.train.batch_size) == (ours.train.select, ours.train.batch_size)
        if not baseline.model.model_type.taught:
            assert baseline.objectives == {"classes": Classification("class_logits", "label")}
    for recipe in (ours, recipes.load("genebert/classify-motif-cnn")):
        views = recipe.model.model_type.taught
        assert recipe.objectives == {view.removesuffix("_logits"): Classification(view, "label") for view in views}


@pytest.mark.parametrize("reading", ["encoder", "whole", "placed"])
def test_a_reading_that_is_heard_and_not_taught_is_refused(reading: str) -> None:
    with pytest.raises(
        ConfigError, match=rf"ExpertClassifier answers by `{reading}_logits`, which no objective teaches"
    ):
        recipes.load("genebert/classify", [f"objectives.{reading}=off"])


def test_a_classifier_starts_from_a_pretraining_that_never_saw_its_test_sequences(tmp_path: Path) -> None:
    for file, rows, seed in (("train.csv", 60, 0), ("test.csv", 30, 1)):
        planted(tmp_path / file, rows, seed, {"0": "ACGTGCA", "1": "GATTACA"})
    corpus = ['data.sequences=["train.csv", "test.csv"]', 'data.exclude=["test.csv"]', "data.shortest=20"]
    first, second, root = tmp_path / "first", tmp_path / "second", [f"data.root={tmp_path}"]
    train("genebert/sequence-pretrain", [*QUICK, *STEM, *corpus, *root, f"run.dir={first}", "train.steps=2"])
    stored = json.loads((first / "metrics.json").read_text())
    assert stored["data"]["dropped"]["alike to what is excluded"] == 30
    assert sum(split["pieces"] for split in stored["data"]["splits"].values()) == 60
    data = ["data.train=train.csv", "data.test=test.csv", f"model.pretrained={first}", f"run.dir={second}"]
    train("genebert/classify", [*QUICK, *STEM, *data, *root, "train.steps=1", "train.optimizer.lr=1e-9"])
    before, after = (load_file(run / "model" / "model.safetensors") for run in (first, second))
    shared = [name for name in before if name.startswith("encoder.")]
    assert len(shared) > 20
    assert all(torch.allclose(before[name], after[name], rtol=0, atol=1e-6) for name in shared)
