"""The sequences that are asked for on the command line."""

from pathlib import Path

from quatrefoil.genomics.datasets.labelled.readers import read_labelled
from quatrefoil.genomics.datasets.labelled.records import Record, bases, refuse_shorter
from quatrefoil.genomics.sequence.codes import UNKNOWN, Codes
from quatrefoil.genomics.tables import TextError


def named_sequences(
    sequence: str | None, file: Path | None, limit: int, least: int = 1
) -> tuple[list[tuple[str, Codes]], int]:
    """(name, codes) of one sequence or of the first `limit` of a file, and how many of the file are left out.

    Args:
        least: bases that the model needs.

    Raises:
        TextError: no DNA, too little of it, nothing but N, or a file that cannot be read; ValueError: a limit below 1.
    """
    _refuse_none(limit)
    if file is None:
        assert sequence is not None, "the parser asks for one of both"
        given = Record("--sequence", "sequence", bases(sequence, "--sequence"), "")
        refuse_shorter([given], least)
        return [(given.name, _known(given.where, given.codes))], 0
    records = read_labelled(Path(), str(file), labels=False).records
    chosen = records[:limit]
    refuse_shorter(chosen, least)
    return [(r.name or r.where, _known(r.where, r.codes)) for r in chosen], len(records) - len(chosen)


def spread_sequences(file: Path, limit: int) -> tuple[list[Codes], int]:
    """At most `limit` sequences of a file, evenly spread over it as classes may be sorted, and how many are left out.

    Raises:
        TextError: a file that cannot be read; ValueError: a limit below 1.
    """
    _refuse_none(limit)
    records = read_labelled(Path(), str(file), labels=False).records
    taken = min(limit, len(records))
    return [records[number * len(records) // taken].codes for number in range(taken)], len(records) - taken


def _refuse_none(limit: int) -> None:
    if limit < 1:
        raise ValueError(f"--limit is {limit}; read one sequence at least")


def _known(where: str, codes: Codes) -> Codes:
    if (codes == UNKNOWN).all():
        raise TextError(f"{where}: no base but N, so none can be substituted; give A, C, G or T")
    return codes
