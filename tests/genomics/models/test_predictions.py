"""`quatrefoil predict`: a line for each sequence, by what the model says of it alone, and by the run's validation."""

import csv
import json
from argparse import ArgumentParser
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from quatrefoil.core.evaluation.calibration import fitted_temperature, probabilities
from quatrefoil.core.evaluation.classification import Predictions
from quatrefoil.genomics.models import commands, predictions
from quatrefoil.genomics.models.classifier import SequenceModel
from quatrefoil.genomics.models.motif_cnn import MotifCnnConfig
from quatrefoil.genomics.tables import TextError

LENGTHS = [*range(20, 90), 31]
RNG = np.random.default_rng(0)
SEQUENCES = ["".join(RNG.choice(list("ACGTN"), length)) for length in LENGTHS]


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> SequenceModel:
    torch.manual_seed(0)
    built = MotifCnnConfig(classes=3, width=8, cells=4, both_strands=True).build().eval()
    torch.nn.init.normal_(built.head.weight)  # type: ignore[union-attr, arg-type]
    built.assets["classes.json"] = '["EI", "IE", "N"]'
    monkeypatch.setattr(predictions, "classifier_of", lambda _: built)
    return built


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The folder of a run whose validation was told somewhat."""
    targets_N = np.arange(60) % 3
    scores_NK = 9 * np.eye(3)[targets_N] + np.random.default_rng(1).normal(0, 6, (60, 3))
    names = [str(row) for row in range(60)]
    (tmp_path / "run/predictions/val").mkdir(parents=True)
    found = Predictions(names, names, targets_N, scores_NK)
    found.write(tmp_path / "run/predictions/val/class_logits.jsonl", scores=True)
    (tmp_path / "run/metrics.json").write_text(json.dumps({"data": {"splits": {"train": {"bases": [20, 60]}}}}))
    return tmp_path / "run"


def asked(run: Path, sequences: str, *options: str) -> list[dict[str, str]]:
    parser, out = ArgumentParser(), run.parent / "out.tsv"
    commands.add_arguments(parser)
    assert commands.run(parser.parse_args([str(run), "--sequences", sequences, "--out", str(out), *options])) == 0
    return list(csv.DictReader(out.open(), delimiter="\t"))


def written(folder: Path, *extra: str) -> str:
    lines = [f">s{row}\n{sequence}" for row, sequence in enumerate(SEQUENCES)]
    (folder / "a.fa").write_text("\n".join([*lines, *extra]) + "\n")
    return str(folder / "a.fa")


def told(rows: list[dict[str, str]]) -> torch.Tensor:
    return torch.tensor([[float(row[f"P({name})"]) for name in ("EI", "IE", "N")] for row in rows])


def test_each_line_is_what_the_model_says_of_that_sequence_alone(
    model: SequenceModel, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = asked(run, written(run.parent), "--raw")
    alone = torch.cat([model.predict([sequence]) for sequence in SEQUENCES])
    assert torch.allclose(told(rows), alone, atol=1e-5)
    assert [row["name"] for row in rows] == [f"s{row}" for row in range(len(SEQUENCES))]
    assert [row["class"] for row in rows] == [model.classes[place] for place in alone.argmax(1).tolist()]
    assert f"{len(SEQUENCES)} sequences in" in (said := capsys.readouterr().out)
    assert "as the model gives them" in said


def test_validation_gives_the_temperature_and_changes_no_class(
    model: SequenceModel, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(run.parent)
    raw, calibrated = asked(run, file, "--raw"), asked(run, file)
    temperature = fitted_temperature(predictions.read_predictions(run / "predictions/val/class_logits.jsonl"))
    assert temperature is not None
    assert abs(temperature - 1) > 0.2
    scores_NK = torch.cat([torch.log(model.predict([each])) for each in SEQUENCES]).double().numpy()
    assert np.allclose(told(calibrated), probabilities(scores_NK, temperature), atol=1e-4)
    assert [row["class"] for row in calibrated] == [row["class"] for row in raw]
    assert f"at temperature {temperature:.2f}, by 60 sequences of validation" in (said := capsys.readouterr().out)
    others = sum(length > 60 for length in LENGTHS)
    assert f"\n{others} of other lengths than those that trained (20 to 60 bases): not calibrated for them" in said


@given(st.lists(st.integers(1, 100_000), min_size=1, max_size=300))
def test_batches_hold_every_sequence_once_and_few_bases_in_all(lengths: list[int]) -> None:
    batches = list(predictions._batches(np.array(lengths)))
    assert sorted(number for batch in batches for number in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[number] for number in batch) <= 1 << 15
        assert len(batch) <= 64


@pytest.mark.usefixtures("model")
def test_sequences_without_a_known_base_are_counted(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked(run, written(run.parent, ">n\nNNNNNNNN"))
    assert "(1 without a known base, of which nothing can be told); prob" in capsys.readouterr().out


@pytest.mark.usefixtures("model")
def test_labels_of_a_table_are_not_looked_at(run: Path) -> None:
    (run.parent / "a.csv").write_text("sequence\nACGTACGTTTACG\n")
    (run.parent / "b.csv").write_text("label,sequence\nof no class,ACGTACGTTTACG\n")
    plain, labelled = (asked(run, str(run.parent / name)) for name in ("a.csv", "b.csv"))
    assert told(plain).equal(told(labelled))
    assert plain[0]["name"].endswith("a.csv:2")


@pytest.mark.usefixtures("model")
def test_without_validation_probabilities_are_asked_for_raw(run: Path) -> None:
    file = written(run.parent)
    (run / "predictions/val/class_logits.jsonl").unlink()
    with pytest.raises(ValueError, match=r"has no predictions/val/class_logits.jsonl, .*; give --raw"):
        asked(run, file)
    assert len(asked(run, file, "--raw")) == len(SEQUENCES)


@pytest.mark.usefixtures("model")
def test_validation_that_fits_no_temperature_is_told(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = Predictions(["a", "b"], ["a", "b"], np.array([0, 1]), np.eye(3)[:2])
    found.write(run / "predictions/val/class_logits.jsonl", scores=True)
    file = written(run.parent)
    assert told(asked(run, file)).equal(told(asked(run, file, "--raw")))
    assert "2 sequences of validation fit no temperature, all of them classified correctly" in capsys.readouterr().out


def test_a_sequence_that_is_too_short_for_the_model_is_named(model: SequenceModel, run: Path) -> None:
    model.least_bases = 6
    file = written(run.parent, ">short\nACGTA")
    with pytest.raises(TextError, match=rf"a.fa:{2 * len(SEQUENCES) + 1}: 5 bases; this model reads .* of 6"):
        asked(run, file)
