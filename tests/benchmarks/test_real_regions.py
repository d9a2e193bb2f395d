"""Real regions: bases and places of the published windows, and what is asked of them."""

import gzip
from pathlib import Path

import bioframe
import numpy as np
import pandas as pd
import pytest

from benchmarks.real_regions import RECIPE, Material, lay_out, settings
from quatrefoil.core import recipes
from quatrefoil.genomics.sequence.codes import LETTERS
from quatrefoil.genomics.sequence.fasta import Genome

WINDOWS = {("chr1", 101): "ACGT" * 25 + "A", ("chr1", 1001): "GATTACA" * 14 + "GAT", ("chr10", 501): "CCGTA" * 20 + "C"}
"""Chromosome and first base, counted from 1, as the headers do."""


@pytest.fixture
def materials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Material]:
    genomics = tmp_path / "genomics"
    for name in ("regions/keras_genomics", "scatac/pbmc1k_nextgem", "motifs"):
        (genomics / name).mkdir(parents=True)
    records = [f">{chrom}:{start}-{start + 100}\n{letters}\n" for (chrom, start), letters in WINDOWS.items()]
    others = [f">chr2:101-201\n{'A' * 101}\n", f">chr1:101-201_shuf\n{'C' * 101}\n"]
    (genomics / "regions/keras_genomics/test.fa").write_text("".join([*records, *others]))
    with gzip.open(genomics / "regions/encode_tf_hg19_chr1_chr10.bed.gz", "wt") as peaks:
        peaks.write("1\t201\t300\tPol2\n1\t150\t160\tCTCF\n10\t0\t501\tCTCF\n1\t1000\t1001\tPol2\n")
    levels = "loc\tMono\tEry\nchr1:100-300\t1.0\t-1.0\n"
    (genomics / "regions/hg19.blood.most_variable.10k.txt").write_text(levels)
    (genomics / "scatac/pbmc1k_nextgem/peaks.bed").write_text("chr1\t100\t300\n")
    (genomics / "motifs/JASPAR2020_vertebrates.pfm").write_text(">one\nA [1 0]\n")
    monkeypatch.setattr(bioframe, "fetch_chromsizes", lambda *_, **__: pd.Series({"chr1": 5000, "chr10": 3000}))
    return {each.name: each for each in lay_out(genomics, tmp_path / "laid")}


def bases(material: Material, chromosome: str, start: int, end: int) -> str:
    return LETTERS[Genome.open(material.genome).fetch(chromosome, start, end)].tobytes().decode()


def test_windows_lie_on_hg19_where_their_headers_say_and_all_else_is_unknown(materials: dict[str, Material]) -> None:
    found = materials["blood"]
    for (chromosome, start), letters in WINDOWS.items():
        assert bases(found, chromosome, start - 1, start + 100) == letters
    whole = "".join(bases(found, name, 0, length) for name, length in Genome.open(found.genome).lengths.items())
    assert len(whole) - whole.count("N") == found.known == 3 * 101


def test_a_cell_type_is_the_windows_that_its_factor_touches_beside_one_another(materials: dict[str, Material]) -> None:
    found = materials["scanned"]
    of_factor = {name: path.read_text().split("\n")[:-1] for name, path in found.peaks.items()}
    assert {name: len(lines) for name, lines in of_factor.items()} == {"CTCF": 2, "Pol2": 1}
    told = [bases(found, chrom, int(start), int(end)) for chrom, start, end in map(str.split, of_factor["CTCF"])]
    assert told == [WINDOWS["chr1", 101], WINDOWS["chr10", 501]]
    (place,) = of_factor["Pol2"]
    assert bases(found, place.split()[0], *map(int, place.split()[1:])) == WINDOWS["chr1", 1001]
    hits = Path(materials["bound"].hits[1]).read_text().splitlines()
    assert sorted(line.split("\t")[3:] for line in hits) == [["CTCF", "1", "."], ["CTCF", "1", "."], ["Pol2", "1", "."]]


def test_levels_of_blood_cells_are_powers_of_two_and_the_step_is_of_the_full_size_recipe(
    materials: dict[str, Material], tmp_path: Path
) -> None:
    assert materials["blood"].peaks["Ery"].read_text() == "chr1\t100\t300\tregion\t0.5\n"
    for material in materials.values():
        recipe = recipes.load(RECIPE, settings(material, tmp_path))
        assert (recipe.train.steps, recipe.model) == (1, recipes.load(RECIPE, []).model)
        assert np.isclose(recipe.data.most_unknown, 1.0 if material.name == "blood" else 0.05)
