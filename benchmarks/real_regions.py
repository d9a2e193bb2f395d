"""Real regions through the matrix builder, and one pre-training step of the full-size GeneBERT on each matrix.

`python -m benchmarks.real_regions GENOMICS` makes `results/real_regions.json`. GENOMICS is the folder that holds
`regions/`, `scatac/` and `motifs/`. Every matrix is built by `quatrefoil matrix` and every step made by
`genebert/atac-pretrain`, two samples each: that they run on such material, what they take, and nothing of what is
learned. What there is of hg19 decides what can be asked:

- `scanned`, `bound`: the 1,479 windows of 101 bases of chr1 and chr10 whose bases are known, one beside the other with
  an N between, so that places in them are not those of hg19. Cell types are the factors that ENCODE finds on a window.
  The matrix's rows are JASPAR's motifs, scanned, or the factors themselves. A sample reads 100 bases, of one window.
- `blood`: some 10,000 regions by six blood cell types, and the peaks of PBMC, on hg19 itself; rows are the factors that
  ENCODE finds on chr1 and chr10. Of this genome only those windows are known: nearly all k-mers are [UNK].
"""

import argparse
import gzip
import re
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import bioframe
import numpy as np
import pandas as pd

from benchmarks.own_process import quatrefoil, train
from benchmarks.timing import CPU, keep, surroundings
from quatrefoil.core.measuring.collect import LOG, read_curves
from quatrefoil.core.runs.folder import RunFolder
from quatrefoil.genomics.regions.store import RegionMatrix
from quatrefoil.genomics.sequence.fasta import Genome

RESULTS: Final = Path(__file__).parent / "results" / "real_regions.json"
RECIPE: Final = "genebert/atac-pretrain"
TRAINING: Final = "chr1"
VALIDATION: Final = "chr10"
MOTIFS: Final = 282
"""Of JASPAR's file, the first: the full-size model has room for 288 rows."""
_LENGTH: Final = 101
_LINE: Final = 10**6
_PLACES: Final = ["chrom", "start", "end"]


@dataclass(frozen=True)
class Material:
    """What a matrix is built of.

    Args:
        regions: what they are, in words.
        hits: where hits come from, as options of `quatrefoil matrix`.
        peaks: cell type -> its BED file.
        known: bases of the genome that are no N.
        settings: of the step, beside genome and matrix.
    """

    name: str
    regions: str
    genome: Path
    hits: tuple[str, ...]
    peaks: Mapping[str, Path]
    known: int
    settings: tuple[str, ...] = ()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("genomics", type=Path)
    parser.add_argument("--runs", type=Path, default=Path("runs/real_regions"))
    options = parser.parse_args()
    materials = lay_out(options.genomics, options.runs.resolve())
    around = surroundings("python -m benchmarks.real_regions GENOMICS", CPU)
    keep(RESULTS, around | {"rows": [measured(each, options.runs.resolve()) for each in materials]})


def measured(material: Material, runs: Path) -> dict[str, Any]:
    """Build the matrix anew, make the step, and tell what both came to."""
    folder, run = runs / f"{material.name}-matrix", runs / f"{material.name}-step"
    for old in (folder, run):
        shutil.rmtree(old, ignore_errors=True)
    begun = time.perf_counter()
    given = [f"{name}={path}" for name, path in material.peaks.items()]
    where = ["--genome", str(material.genome), "--training", TRAINING, "--out", str(folder)]
    print(f"building {material.name}", flush=True)
    quatrefoil(f"the matrix of {material.name}", "matrix", *material.hits, *where, "--peaks", *given)
    seconds = time.perf_counter() - begun
    matrix = RegionMatrix.open(folder)
    values = {name: matrix.window(name, 0, len(matrix.peaks(name))) for name in matrix.cell_types}
    train(RECIPE, settings(material, folder), run)
    facts = RunFolder(run).facts()
    windows = {split: found["windows"] for split, found in facts["data"]["splits"].items() if found["windows"]}
    return {
        "material": material.name,
        "regions": material.regions,
        "genome_bases": sum(Genome.open(material.genome).lengths.values()),
        "known_bases": material.known,
        "rows": len(matrix.motifs),
        "columns": {name: found.shape[1] for name, found in values.items()},
        "hit_share": float(np.mean(np.concatenate([found.ravel() for found in values.values()]) > 0)),
        "build_seconds": round(seconds, 1),
        "windows": windows,
        "parameters": facts["parameters"],
        "step_seconds": round(facts["train_seconds"], 1),
        "peak_mib": round(facts["peak_memory_bytes"] / 2**20),
        "loss": read_curves(run / LOG)["loss"][-1][1],
        "command": facts["command"].replace(str(runs), "RUNS"),
    }


def settings(material: Material, matrix: Path) -> list[str]:
    """Of one step of the full-size recipe; the same few windows are evaluated, as a pass takes seconds."""
    data = [f"data.genome={material.genome}", f"data.matrix={matrix}", f'data.validation_chromosomes=["{VALIDATION}"]']
    few = ["data.test_chromosomes=[]", "data.evaluated=2", "train.steps=1", "train.batch_size=2"]
    return [*data, *few, "train.precision=fp32", "train.schedule.warmup=0", *material.settings]


def lay_out(genomics: Path, folder: Path) -> list[Material]:
    """Write what the commands read, and say what is built of it.

    Raises:
        FileNotFoundError: a file of the material is not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    windows, factors = known_windows(genomics), factor_peaks(genomics)
    bound = {name: windows.index.isin(_touched(windows, peaks)) for name, peaks in factors.items()}
    beside = _beside(windows)
    joined, hg19 = _join(windows, folder / "windows.fa"), _known_alone(windows, folder / "hg19-known")
    of_factor = {name: _bed(beside[found], folder / f"windows-{name}.bed") for name, found in bound.items()}
    on_windows = pd.concat([beside[found].assign(name=name) for name, found in bound.items()])
    on_hg19 = pd.concat([peaks.assign(name=name) for name, peaks in factors.items()])
    motifs = _first_motifs(genomics / "motifs/JASPAR2020_vertebrates.pfm", folder / "motifs.pfm")
    known = len(windows) * _LENGTH
    short = (f"data.segment={_LENGTH // 2}",)  # a sample of 500 bases would read the next windows
    told = f"{len(windows):,} windows of hg19, by the factors that are found on them"
    return [
        Material("scanned", told, joined, ("--motifs", str(motifs)), of_factor, known, short),
        Material(
            "bound", told, joined, ("--hits", _hits(on_windows, folder / "on-windows.bed")), of_factor, known, short
        ),
        Material(
            "blood",
            "the most variable regions of six blood cell types, and the peaks of PBMC, on hg19",
            hg19,
            ("--hits", _hits(on_hg19, folder / "on-hg19.bed")),
            {"PBMC": genomics / "scatac/pbmc1k_nextgem/peaks.bed", **_blood(genomics, folder)},
            known,
            ("data.most_unknown=1",),
        ),
    ]


def known_windows(genomics: Path) -> pd.DataFrame:
    """Windows of chr1 and chr10 of which the bases are published: chrom, start, end, letters."""
    text = (genomics / "regions/keras_genomics/test.fa").read_text(encoding="utf-8")
    found = re.findall(rf"^>({TRAINING}|{VALIDATION}):(\d+)-(\d+)\n(\w+)", text, re.MULTILINE)
    frame = pd.DataFrame(found, columns=[*_PLACES, "letters"]).astype({"start": int, "end": int})
    frame["start"] -= 1  # the headers count from 1, and name the last base
    return frame.sort_values(_PLACES, ignore_index=True)


def factor_peaks(genomics: Path) -> dict[str, pd.DataFrame]:
    """ENCODE's peaks of chr1 and chr10 by factor: chrom, start, end."""
    path = genomics / "regions/encode_tf_hg19_chr1_chr10.bed.gz"
    frame = pd.read_csv(path, sep="\t", names=[*_PLACES, "name"], dtype={"chrom": str})
    frame["chrom"] = "chr" + frame["chrom"]
    return {str(name): part[_PLACES] for name, part in frame.groupby("name")}


def _touched(windows: pd.DataFrame, peaks: pd.DataFrame) -> set[int]:
    return set(bioframe.overlap(windows[_PLACES], peaks, how="inner", return_index=True)["index"])


def _beside(windows: pd.DataFrame) -> pd.DataFrame:
    """The windows' places in `_join`'s file."""
    start = windows.groupby("chrom").cumcount() * (_LENGTH + 1)
    return pd.DataFrame({"chrom": windows["chrom"], "start": start, "end": start + _LENGTH})


def _join(windows: pd.DataFrame, path: Path) -> Path:
    records = [f">{name}\n{'N'.join(part['letters'])}\n" for name, part in windows.groupby("chrom")]
    path.write_text("".join(records), encoding="utf-8")
    return path


def _known_alone(windows: pd.DataFrame, folder: Path) -> Path:
    """hg19 with N wherever its bases are not known here, packed: windows about 100,000 peaks are read."""
    lengths = bioframe.fetch_chromsizes("hg19", provider="local")
    fasta = folder.with_suffix(".fa.gz")
    with gzip.open(fasta, "wb", compresslevel=1) as out:
        for name, length in lengths.items():
            letters = bytearray(b"N" * length)
            for window in windows[windows["chrom"] == name].itertuples():
                letters[window.start : window.end] = window.letters.encode()
            out.write(f">{name}\n".encode())
            for start in range(0, length, _LINE):
                out.write(bytes(letters[start : start + _LINE]) + b"\n")
    shutil.rmtree(folder, ignore_errors=True)
    quatrefoil("hg19 packed", "pack", str(fasta), "--out", str(folder))
    return folder


def _blood(genomics: Path, folder: Path) -> dict[str, Path]:
    """A BED file for each blood cell type, with the level (2 to the power of the published logarithm) as its score."""
    table = pd.read_csv(genomics / "regions/hg19.blood.most_variable.10k.txt", sep="\t")
    places = table["loc"].str.extract(r"(?P<chrom>\w+):(?P<start>\d+)-(?P<end>\d+)").assign(name="region")
    return {name: _bed(places.assign(level=2.0 ** table[name]), folder / f"{name}.bed") for name in table.columns[1:]}


def _hits(peaks: pd.DataFrame, path: Path) -> str:
    """Each peak is a hit of its factor, scored 1."""
    return str(_bed(peaks.assign(score=1, strand="."), path))


def _bed(frame: pd.DataFrame, path: Path) -> Path:
    frame.to_csv(path, sep="\t", header=False, index=False)
    return path


def _first_motifs(path: Path, out: Path) -> Path:
    records = path.read_text(encoding="utf-8").split(">")[1 : MOTIFS + 1]
    out.write_text("".join(f">{each}" for each in records), encoding="utf-8")
    return out


if __name__ == "__main__":
    main()
