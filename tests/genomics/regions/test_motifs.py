"""One motif, written in any format, reads the same; what cannot be read is told with its line."""

import gzip
import re
from pathlib import Path

import numpy as np
import pytest

from quatrefoil.genomics.regions.motifs import MotifError, read_motifs
from quatrefoil.genomics.regions.similarity import similar_first, similarity
from tests.genomics.regions.toys import motif

COUNTS = np.array([[8, 1, 0, 1], [0, 10, 0, 0], [2, 3, 4, 1], [0, 0, 0, 10], [5, 5, 0, 0]])  # rows are positions

MEME_HEAD = (
    "MEME version 4\n\nALPHABET= ACGT\n\nstrands: + -\n\nBackground letter frequencies\nA 0.25 C 0.25 G 0.25 T 0.25\n\n"
)


def rows(values: np.ndarray) -> list[str]:
    return ["\t".join(f"{value:g}" for value in row) for row in values]


def written() -> dict[str, str]:
    by_base = rows(COUNTS.T)
    jaspar = "\n".join(f"{base} [ {row} ]" for base, row in zip("ACGT", by_base, strict=True))
    transfac = "\n".join(f"{place:02d}\t{row}\tN" for place, row in enumerate(rows(COUNTS), start=1))
    return {
        "jaspar": f">MA1.1\tToy\n{jaspar}\n",
        "four rows": ">MA1.1 Toy\n" + "\n".join(by_base) + "\n",
        "by position": ">MA1.1 Toy\n" + "\n".join(rows(COUNTS)) + "\n",
        "meme": f"{MEME_HEAD}MOTIF MA1.1 Toy\nletter-probability matrix: alength= 4 w= 5 nsites= 10 E= 0\n"
        + "\n".join(rows(COUNTS / 10))
        + "\n",
        "letters without brackets": f">MA1.1 Toy\n{re.sub('[][]', '', jaspar)}\n",
        "transfac": f"AC  MA1.1\nXX\nID  Toy\nXX\nP0\tA\tC\tG\tT\n{transfac}\nXX\n//\n",
    }


@pytest.mark.parametrize("format_", written())
def test_every_format_gives_the_same_motif(format_: str, tmp_path: Path) -> None:
    (tmp_path / "motifs").write_text(written()[format_])
    (found,) = read_motifs(tmp_path / "motifs")
    assert (found.name, found.factor, found.width, found.sites) == ("MA1.1", "Toy", 5, 10)
    np.testing.assert_allclose(found.frequencies_W4, COUNTS / 10, atol=1e-9)


def test_meme_frequencies_survive_a_single_site(tmp_path: Path) -> None:
    """Whole counts of one site would leave zeros and ones."""
    (tmp_path / "motifs").write_text(written()["meme"].replace("nsites= 10", "nsites= 1"))
    (found,) = read_motifs(tmp_path / "motifs")
    assert found.sites == 1
    np.testing.assert_allclose(found.frequencies_W4, COUNTS / 10, atol=1e-9)


BARE = MEME_HEAD.split("strands")[0]


@pytest.mark.parametrize(
    "head",
    [
        "MEME version 5.5.0 (Release date: x)\n\n",
        BARE,
        "\ufeff\n" + BARE,
        BARE.replace("= ACGT", ' "DNA" DNA-LIKE\nA "Adenine" 8510A8\nEND ALPHABET'),
        f"*****\nMEME - Motif discovery tool\n*****\n{MEME_HEAD}",
    ],
    ids=("version alone", "no background", "byte order mark", "alphabet of MEME 5", "MEME's own output"),
)
@pytest.mark.parametrize("packed", [False, True])
def test_what_meme_leaves_open_changes_no_motif(head: str, packed: bool, tmp_path: Path) -> None:
    content = written()["meme"].replace(MEME_HEAD, head).replace("Toy", "Toy width= 5 sites= 10").encode()
    (tmp_path / "motifs").write_bytes(gzip.compress(content) if packed else content)
    (found,) = read_motifs(tmp_path / "motifs")
    assert (found.name, found.factor, found.sites) == ("MA1.1", "Toy", 10)
    np.testing.assert_allclose(found.frequencies_W4, COUNTS / 10, atol=1e-9)


@pytest.mark.parametrize("stated", ["w= 5 ", ""])
def test_the_rows_of_meme_end_where_a_url_another_motif_or_the_file_follows_without_a_blank_line(
    stated: str, tmp_path: Path
) -> None:
    """JASPAR's own files write URL directly after the rows."""
    record = written()["meme"].removeprefix(MEME_HEAD).replace("w= 5 ", stated)
    (tmp_path / "motifs").write_text(
        MEME_HEAD
        + f"{record}URL http://jaspar.genereg.net/matrix/MA1.1\n"
        + record.replace("MA1.1", "MA2.1")
        + record.replace("MA1.1", "MA3.1")
        + record.replace("MA1.1", "MA4.1").rstrip("\n")
    )
    found = read_motifs(tmp_path / "motifs")
    assert [motif.name for motif in found] == ["MA1.1", "MA2.1", "MA3.1", "MA4.1"]
    for motif_ in found:
        np.testing.assert_allclose(motif_.frequencies_W4, COUNTS / 10, atol=1e-9)


@pytest.mark.parametrize("sites", [1, 10])
def test_a_square_is_read_along_the_side_that_has_equal_sums(tmp_path: Path, sites: int) -> None:
    """Four positions by four bases: HOMER writes a row a position, JASPAR a row a base."""
    square = COUNTS[:4] * sites / 10
    for letters in (rows(square), rows(square.T)):
        (tmp_path / "motifs").write_text(">a\tToy\t6.0\t-1.0\n" + "\n".join(letters) + "\n")
        (found,) = read_motifs(tmp_path / "motifs")
        np.testing.assert_allclose(found.frequencies_W4, COUNTS[:4] / 10)
        assert found.factor == "Toy"


def test_frequencies_without_a_number_of_sites_are_those_of_twenty(tmp_path: Path) -> None:
    (tmp_path / "motifs").write_text(">a\n" + "\n".join(rows(COUNTS / 10)) + "\n")
    assert read_motifs(tmp_path / "motifs")[0].sites == 20


def test_the_shared_collections_are_read_whole(shared: Path) -> None:
    folder = shared / "data/genomics/motifs"
    jaspar, cisbp = read_motifs(folder / "JASPAR2020_vertebrates.pfm"), read_motifs(folder / "Jaspar.meme")
    assert (len(jaspar), len(cisbp)) == (917, 734)
    for found in (*jaspar, *cisbp):
        np.testing.assert_allclose(found.frequencies_W4.sum(1), 1)
    np.testing.assert_allclose(cisbp[0].frequencies_W4[0], [0.213214, 0.176319, 0.135951, 0.474516], atol=2e-6)


MEME = MEME_HEAD + "MOTIF x\nletter-probability matrix: alength= 4 w= 2\n0.5 0.5 0 0\n{}\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("hello\n", r"bad: neither JASPAR .* MEME .* nor TRANSFAC"),
        (
            ">a\nA [1 2]\nC [1 2]\nG [1 2]\nT [1 2]\n>b\nA [1 2]\nC [1]\n",
            r"bad:6: `>b` has 2 rows of counts; JASPAR needs",
        ),
        (">a\n1 2 3 4\n1 2 x 4\n", r"bad:3: `x` in `>a` is no number; mend the line"),
        (">a\n1 2 3 4\n1 -2 3 4\n", r"bad:1: `>a` has a count that is negative"),
        (">a\n1 2 3 4\n0 0 0 0\n", r"bad:1: `>a`: position 2 has no counts"),
        (">a\n1 2 3 4\n>a\n1 2 3 4\n", r"bad:3: a second motif `a` \(the first: line 1\)"),
        (MEME.format("0.5 x 0 0"), r"bad:13: `x` in `MOTIF x` is no number; mend the line"),
        (MEME.format("0.5 0.5 0"), r"bad:10: `MOTIF x` has 1 row of four numbers where w= says 2; is the file cut off"),
        (MEME.format("0.5 0.5 0 0\n0.5 0.5 0 0"), r"`MOTIF x` has 3 rows of four numbers where w= says 2"),
        (MEME.format("0.5 0.1 0 0"), r"bad:10: `MOTIF x`: position 2 sums to 0.6; MEME's probabilities sum to 1"),
        (MEME.format("").rsplit("letter", 1)[0], r"bad:10: `MOTIF x` has no `letter-probability matrix:`; remove it"),
        (MEME.replace("ACGT", "ACGU").format("0 1 0 0"), r"bad:3: the alphabet is `ACGU`; motifs of DNA .* are needed"),
        (">\nA [1]\nC [1]\nG [1]\nT [1]\n", r"bad:1: `>`: a motif without a name; write it behind the `>`"),
        (">a\n1 2\n1 2\n1 2\n", r"bad:1: `>a` has 3 rows of counts; JASPAR needs four, of A, C, G and T"),
        (">a\n1 2\n1 2\n1 2\n1 2\n1 2\n", r"bad:1: `>a` has 5 rows of counts; JASPAR needs four"),
        ("AC  x\nP0 A C G T\n01 1 2 3\n//\n", r"bad:3: 3 numbers in a row of `AC  x`; four are"),
    ],
)
def test_a_broken_motif_file_is_told_with_its_line(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "bad").write_text(content)
    with pytest.raises(MotifError, match=message):
        read_motifs(tmp_path / "bad")


def test_similarity_does_not_see_strand_or_padding() -> None:
    first, second = motif(8, 1), motif(11, 2)
    turned = motif(8, 1).__class__("turned", "F", first.frequencies_W4[::-1, ::-1], 50)
    shifted = motif(8, 1).__class__("shifted", "F", np.vstack([np.full((2, 4), 0.25), first.frequencies_W4]), 50)
    like = similarity([first, turned, shifted, second])
    np.testing.assert_allclose(like[:3, :3], 1)
    np.testing.assert_allclose(like, like.T)
    assert like[3, 0] == pytest.approx(like[3, 1]) == pytest.approx(like[3, 2])
    assert like[3, 0] < 0.9


def test_like_motifs_become_neighbours() -> None:
    families = [motif(10, seed) for seed in range(5)]
    mixed = [families[place % 5] for place in range(15)]
    order = similar_first(mixed)
    assert sorted(order) == list(range(15))
    assert [order[place] % 5 for place in range(0, 15, 3)] == [order[place] % 5 for place in range(2, 15, 3)]
