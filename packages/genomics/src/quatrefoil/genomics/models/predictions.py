"""What a finished classifier says of any sequences.

Probabilities are made to mean what they say by the run's own validation (`core.evaluation.calibration`), on which the
checkpoint was chosen, too; which class is the likeliest does not change by that.

Legend: N sequences, K classes.
"""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from tqdm import tqdm

from quatrefoil.core.evaluation.calibration import fitted_temperature, log_loss, probabilities
from quatrefoil.core.evaluation.classification import read_predictions
from quatrefoil.core.evaluation.statistics import Floats, Ints
from quatrefoil.core.runs.folder import RunFolder
from quatrefoil.core.text_files import write_table
from quatrefoil.core.wording import counted
from quatrefoil.genomics.datasets.labelled.readers import read_labelled
from quatrefoil.genomics.datasets.labelled.records import Record, refuse_shorter
from quatrefoil.genomics.models.classifier import SequenceModel
from quatrefoil.genomics.models.stored import classifier_of
from quatrefoil.genomics.sequence.codes import UNKNOWN

_MOST: Final = 64  # sequences of a batch
_BASES: Final = 1 << 15  # of a batch, all brought to the longest: a contig is read alone
_FEW: Final = 100


def write_predictions(run: Path, sequences: str, out: Path, raw: bool) -> str:
    """A line of the table `out` for every sequence; what there is to say of it is given back.

    Raises:
        ValueError: a run of no classifier, sequences that cannot be read or are too short for it, or no stored
            validation, by which probabilities that are not `raw` are calibrated.
    """
    records = read_labelled(Path(), sequences, labels=False).records
    model = classifier_of(run).to("cuda" if torch.cuda.is_available() else "cpu")
    refuse_shorter(records, model.least_bases)
    temperature, said = (1.0, "as the model gives them") if raw else _calibration(run)
    found_NK = probabilities(_logits(model, records), temperature)
    write_table(out, _rows(records, model.classes, found_NK), "\t")
    unknown = sum(bool((record.codes == UNKNOWN).all()) for record in records)
    guessed = f" ({unknown:,} without a known base, of which nothing can be told)" if unknown else ""
    return f"{counted(len(records), 'sequence')} in {out}{guessed}; probabilities {said}{_other_lengths(run, records)}"


def _calibration(run: Path) -> tuple[float, str]:
    """The temperature that validation asks for, and what is said of it. Raises ValueError where it was not kept."""
    path = RunFolder(run).predictions("val", "class_logits")
    if not path.is_file():
        lacks = f"{run} has no {path.relative_to(run)}, by which probabilities are calibrated"
        raise ValueError(f"{lacks}; give --raw to leave them as the model gives them")
    found = read_predictions(path)
    by = f"{counted(len(found.ids), 'sequence')} of validation"
    if (temperature := fitted_temperature(found)) is None:
        why = "all of them classified correctly" if found.hits_N.all() else "classified no better than by chance"
        return 1.0, f"as the model gives them: {by} fit no temperature, {why}"
    few = "; so few fit it loosely, --raw leaves it out" if len(found.ids) < _FEW else ""
    losses = f"log loss there {log_loss(found, temperature):.3f}, {log_loss(found):.3f} without"
    return temperature, f"at temperature {temperature:.2f}, by {by} ({losses}){few}"


def _other_lengths(run: Path, records: Sequence[Record]) -> str:
    """What there is to say where sequences are shorter or longer than all that trained; nothing of older runs."""
    least, most = RunFolder(run).facts()["data"]["splits"]["train"].get("bases", (0, math.inf))
    if not (others := sum(not least <= len(record.codes) <= most for record in records)):
        return ""
    return (
        f"\n{others:,} of other lengths than those that trained ({least:,} to {most:,} bases): not calibrated for them"
    )


def _logits(model: SequenceModel, records: Sequence[Record]) -> Floats:
    """(N, K), in the order of the records."""
    lengths_N = np.array([len(record.codes) for record in records])
    logits_NK: Floats = np.empty((len(records), len(model.classes)))
    with tqdm(total=len(records), desc="sequences", unit="", dynamic_ncols=True) as bar:
        for batch in _batches(lengths_N):
            logits_NK[batch] = model.logits(records[number].codes for number in batch).double().numpy()
            bar.update(len(batch))
    return logits_NK


def _batches(lengths_N: Ints) -> Iterator[list[int]]:
    """The numbers of all sequences, shortest first, so that few bases are padded."""
    batch: list[int] = []
    for number in np.argsort(lengths_N, kind="stable").tolist():
        if batch and (len(batch) == _MOST or (len(batch) + 1) * lengths_N[number] > _BASES):
            yield batch
            batch = []
        batch.append(number)
    yield batch


def _rows(records: Sequence[Record], classes: Sequence[str], found_NK: Floats) -> list[Sequence[object]]:
    """By what the file calls a sequence, else by file and line."""
    told = [
        (record.name or record.where, classes[int(row_K.argmax())], *(f"{p:.6g}" for p in row_K))
        for record, row_K in zip(records, found_NK, strict=True)
    ]
    return [("name", "class", *(f"P({name})" for name in classes)), *told]
