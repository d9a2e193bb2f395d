"""The two commands, end to end on files; and the real material of several cell types and factors."""

import re
from argparse import ArgumentParser
from pathlib import Path

import bioframe
import numpy as np
import pandas as pd
import pytest
import zarr

from quatrefoil.core.installed import Command
from quatrefoil.genomics.regions.commands import matrix, scan
from quatrefoil.genomics.regions.matrix import MatrixPlan, build
from quatrefoil.genomics.regions.peaks import merged, read_peaks
from quatrefoil.genomics.regions.sources import read_hits
from quatrefoil.genomics.regions.store import MatrixError, RegionMatrix
from quatrefoil.genomics.sequence.codes import LETTERS
from quatrefoil.genomics.sequence.fasta import Genome
from tests.genomics.regions.toys import sequence, write_fasta

JASPAR = """\
>M1 One
A [9 0 0 9 0 9]
C [0 9 0 0 0 0]
G [0 0 9 0 9 0]
T [0 0 0 0 0 0]
>M2 Two
A [0 0]
C [5 1]
G [5 8]
T [0 1]
"""


def run(command: object, *arguments: object) -> int:
    parser = ArgumentParser()
    command.add_arguments(parser)  # type: ignore[attr-defined]
    status: int = command.run(parser.parse_args([str(a) for a in arguments]))  # type: ignore[attr-defined]
    return status


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_fasta(tmp_path / "g.fa", {"chr1": LETTERS[sequence(5000, 1)].tobytes().decode(), "chr2": "ACGAGA" * 50})
    (tmp_path / "m.jaspar").write_text(JASPAR)
    (tmp_path / "a.bed").write_text("chr1\t100\t900\nchr2\t0\t30\nchr2\t0\t30\n")
    (tmp_path / "b.bed").write_text("chr1\t50\t2000\n")
    return tmp_path


def test_scan_writes_sorted_bed_with_p_values(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inputs = ("--genome", folder / "g.fa", "--motifs", folder / "m.jaspar", "--p-value", 1e-3)
    assert run(scan, *inputs, "--out", folder / "hits.bed") == 0
    lines = [line.split("\t") for line in (folder / "hits.bed").read_text().splitlines()]
    assert f"{len(lines)} hits of 2 motifs" in capsys.readouterr().out
    places = [(name, int(start)) for name, start, *_ in lines]
    assert places == sorted(places)
    assert sum(name == "chr2" for name, _ in places) >= 50
    assert all(0 < float(line[6]) <= 1e-3 and int(line[2]) - int(line[1]) == 6 for line in lines)


def test_held_out_cell_types_are_those_that_the_command_names(folder: Path) -> None:
    inputs = ("--genome", folder / "g.fa", "--motifs", folder / "m.jaspar", "--p-value", 1e-3, "--training", "chr1")
    both = ("--peaks", f"a={folder / 'a.bed'}", f"b={folder / 'b.bed'}")
    assert run(matrix, *inputs, *both, "--held-out", "b", "--out", folder / "both") == 0
    assert run(matrix, *inputs, both[0], both[1], "--out", folder / "alone") == 0
    held, alone = RegionMatrix.open(folder / "both"), RegionMatrix.open(folder / "alone")
    assert (held.held_out, alone.held_out, held.cell_types) == (("b",), (), ("a", "b"))
    np.testing.assert_array_equal(held.usual.mean_T, alone.usual.mean_T)
    np.testing.assert_array_equal(held.window("a", 0, 2), alone.window("a", 0, 2))
    with pytest.raises(ValueError, match=r"held-out cell type `c`.*has no peaks"):
        run(matrix, *inputs, *both, "--held-out", "c", "--out", folder / "other")


def test_scan_of_peaks_is_the_part_of_the_whole_scan_that_overlaps_them(folder: Path) -> None:
    inputs = (
        "--genome",
        folder / "g.fa",
        "--motifs",
        folder / "m.jaspar",
        "--p-value",
        1e-2,
        "--background",
        "uniform",
    )
    run(scan, *inputs, "--out", folder / "all.bed")
    run(scan, *inputs, "--out", folder / "some.bed", "--peaks", folder / "b.bed")
    lines = [line.split("\t") for line in (folder / "all.bed").read_text().splitlines()]
    inside = ["\t".join(line) for line in lines if line[0] == "chr1" and int(line[1]) < 2000 and int(line[2]) > 50]
    assert (folder / "some.bed").read_text().splitlines() == inside
    assert inside


def test_a_genome_of_other_bases_neither_goes_on_with_a_matrix_nor_reads_it(folder: Path) -> None:
    peaks = ("--peaks", f"a={folder}/a.bed", "--training", "chr1", "--background", "uniform")
    inputs = ("--genome", folder / "g.fa", "--motifs", folder / "m.jaspar", "--p-value", 1e-3)
    run(matrix, *inputs, *peaks, "--out", folder / "m")
    found = RegionMatrix.open(folder / "m")
    found.refuse_other_genome(Genome.open(folder / "g.fa"))
    text = (folder / "g.fa").read_text()
    reversed_lines = "\n".join(line if line.startswith(">") else line[::-1] for line in text.splitlines())
    (folder / "other.fa").write_text(reversed_lines + "\n")
    with pytest.raises(ValueError, match=r"other\.fa has other bases under the peaks of .*/m than"):
        found.refuse_other_genome(Genome.open(folder / "other.fa"))
    (folder / "lacking.fa").write_text(text.replace(">chr1", ">chrX"))
    with pytest.raises(
        ValueError, match=r"lacking\.fa is not the genome of .*/m: .* no chromosome `chr1`.*another assem"
    ):
        found.refuse_other_genome(Genome.open(folder / "lacking.fa"))
    zarr.open_group(str(folder / "m"), mode="r+").attrs["complete"] = False  # as if it had been cut short
    (folder / "g.fa").write_text(reversed_lines + "\n")
    with pytest.raises(MatrixError, match="was begun with other bases under the peaks; use the same"):
        run(matrix, *inputs, *peaks, "--out", folder / "m")


def test_the_facts_of_a_matrix_hold_the_digest_of_its_bases_but_for_an_embedded_benchmark(folder: Path) -> None:
    peaks = ("--peaks", f"a={folder}/a.bed", "--training", "chr1", "--background", "uniform")
    inputs = ("--genome", folder / "g.fa", "--motifs", folder / "m.jaspar", "--p-value", 1e-3)
    run(matrix, *inputs, *peaks, "--out", folder / "m")

    def facts(**changed: str | None) -> tuple[str, str]:
        """Those of the matrix, and its file, once what it was made of has been changed."""
        attributes = zarr.open_group(str(folder / "m"), mode="r+").attrs
        told = {**attributes["made_of"], **{name.replace("_", " "): value for name, value in changed.items()}}
        attributes["made_of"] = {name: value for name, value in told.items() if value is not None}
        return RegionMatrix.open(folder / "m").stored_facts, (folder / "m/zarr.json").read_text()

    ours, other = facts(), facts(bases_under_the_peaks="others")
    assert ours[0] == ours[1] != other[0]
    embedded = facts(benchmark="toy")
    assert embedded[0] == facts(bases_under_the_peaks="ours")[0]
    assert embedded[0] == facts(bases_under_the_peaks=None)[1]


def test_matrix_counts_what_it_drops(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    peaks = ("--peaks", f"a={folder}/a.bed", f"b={folder}/b.bed", "--training", "chr1")
    inputs = ("--genome", folder / "g.fa", "--motifs", folder / "m.jaspar", "--p-value", 1e-3)
    assert run(matrix, *inputs, *peaks, "--out", folder / "m") == 0
    said = capsys.readouterr().out
    assert "a: 2 peaks, 1 duplicate lines, 0 excluded" in said
    assert "1 motifs have no hits, their best word is likelier than 0.001: M2" in said
    assert RegionMatrix.open(folder / "m").cell_types == ("a", "b")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--peaks", "liver", "--training", "chr1"), "--peaks liver: give each cell type as NAME=FILE"),
        (("--peaks", "a={0}/a.bed", "a={0}/b.bed", "--training", "chr1"), "names cell type a twice"),
        (
            ("--peaks", "a={0}/a.bed", "--training", "chr1", "--background", "x"),
            "--background x: genome, uniform or four",
        ),
        (("--peaks", "={0}/a.bed", "--training", "chr1"), "/a.bed: give each cell type as NAME=FILE"),
        (("--peaks", "..={0}/a.bed", "--training", "chr1"), "/a.bed: give each cell type as NAME=FILE"),
        (
            ("--peaks", "a={0}/a.bed", "--training", "chr1", "--exclude", "chrM"),
            "--exclude chrM: neither genome nor peaks have it",
        ),
        (("--peaks", "a={0}/a.bed", "--training", "chr1", "chr1"), "training chromosome `chr1` is named twice"),
        (
            ("--peaks", "a={0}/a.bed", "b={0}/b.bed", "--training", "chr1", "--held-out", "a", "a"),
            "held-out cell type `a` is named twice",
        ),
        (
            ("--peaks", "a={0}/a.bed", "--training", "chr1", "--p-value", "2"),
            "p-value 2.0 (--p-value): give a number above 0 and below 1",
        ),
        (("--peaks", "a=", "--training", "chr1"), "--peaks a=: give each cell type as NAME=FILE"),
        (
            ("--peaks", "a={0}/a.bed", "--training", "chr1", "--workers", "-1"),
            "-1 workers; give 0 (this process alone) or more",
        ),
        (
            ("--peaks", "a={0}/a.bed", "--training", "chr1", "--exclude", "chr1", "chr2"),
            "a.bed: every interval is on an excluded chromosome; exclude fewer, or leave the file out",
        ),
    ],
)
def test_wrong_arguments_are_answered_with_the_right_ones(folder: Path, more: tuple[str, ...], message: str) -> None:
    arguments = [text.format(folder) for text in more]
    with pytest.raises(ValueError, match=re.escape(message)):
        run(matrix, "--genome", folder / "g.fa", "--motifs", folder / "m.jaspar", *arguments, "--out", folder / "m")


@pytest.mark.parametrize("more", [("--p-value", "1e-3"), ("--background", "uniform")])
def test_settings_of_a_scan_are_refused_beside_hits_that_were_made_before(folder: Path, more: tuple[str, ...]) -> None:
    places = ("--genome", folder / "g.fa", "--hits", folder / "h.bed", "--peaks", f"a={folder}/a.bed")
    with pytest.raises(ValueError, match="--hits are taken as they are: leave out --p-value and --background"):
        run(matrix, *places, "--training", "chr1", *more, "--out", folder / "m")


def test_peaks_on_chromosomes_that_the_genome_lacks_are_left_out_of_a_scan_where_asked(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "more.bed").write_text((folder / "a.bed").read_text() + "chrUn\t1\t5\n")
    inputs = ("--genome", folder / "g.fa", "--motifs", folder / "m.jaspar", "--out", folder / "hits.bed")
    with pytest.raises(ValueError, match=r"chrUn:1-5 is on no chromosome .*leave it out with --exclude"):
        run(scan, *inputs, "--peaks", folder / "more.bed")
    assert run(scan, *inputs, "--peaks", folder / "more.bed", "--exclude", "chrUn") == 0
    assert "1 excluded" in capsys.readouterr().out
    with pytest.raises(ValueError, match="--exclude leaves peaks out; give --peaks, too"):
        run(scan, *inputs, "--exclude", "chrUn")
    with pytest.raises(ValueError, match="--exclude chr9: neither genome nor peaks have it"):
        run(scan, *inputs, "--peaks", folder / "a.bed", "--exclude", "chr9")


def test_a_device_that_is_not_there_is_told_before_anything_is_read(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    for name in ("quantum", "meta"):
        with pytest.raises(ValueError, match=rf"--device {name}: torch has none here .*; take cpu"):
            run(scan, "--genome", nowhere, "--motifs", nowhere, "--device", name, "--out", nowhere)


def test_hits_that_stand_twice_are_told_and_sums_that_cannot_be_stored_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hits = folder / "made.bed"
    inputs = ("--genome", folder / "g.fa", "--hits", hits, "--peaks", f"a={folder}/a.bed", "--training", "chr1")
    hits.write_text("chr1\t0\t500\tM\t3\t+\n" * 3)
    assert run(matrix, *inputs, "--out", folder / "m") == 0
    assert f"2 hits of {hits} more than once in it; each counts every time" in capsys.readouterr().out
    hits.write_text("".join(f"chr1\t{start}\t500\tM\t2000000\t+\n" for start in (0, 1)))
    with pytest.raises(ValueError, match="chr1, a: the hits of a peak sum to 4,000,000 bits, stored are 2,147,483 at"):
        run(matrix, *inputs, "--out", folder / "high")


def test_a_build_does_not_go_on_with_hits_that_have_changed(folder: Path) -> None:
    hits = folder / "made.bed"
    hits.write_text("chr1\t0\t500\tM\t3\t+\n")
    inputs = ("--genome", folder / "g.fa", "--hits", hits, "--peaks", f"a={folder}/a.bed", "--training", "chr1")
    assert run(matrix, *inputs, "--out", folder / "m") == 0
    zarr.open_group(str(folder / "m"), mode="r+").attrs["complete"] = False
    hits.write_text("chr1\t0\t500\tM\t4\t+\n")
    with pytest.raises(ValueError, match="was begun with other hits; use the same, or another folder"):
        run(matrix, *inputs, "--out", folder / "m")


@pytest.mark.parametrize(
    ("command", "more", "message"),
    [
        (scan, (), "required: --motifs"),
        (matrix, ("--peaks", "a=a.bed", "--training", "chr1"), "one of the arguments --motifs --hits is required"),
        (
            matrix,
            ("--peaks", "a=a.bed", "--training", "chr1", "--motifs", "m", "--hits", "x"),
            "--hits: not allowed with argument --motifs",
        ),
    ],
)
def test_where_hits_come_from_must_be_said_once(
    command: Command, more: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run(command, "--genome", "g.fa", *more, "--out", "m")
    assert message in capsys.readouterr().err


def encode_peaks(shared: Path) -> dict[str, pd.DataFrame]:
    """ENCODE peaks of chr1 and chr10 by factor, with bioframe's columns."""
    path = shared / "data/genomics/regions/encode_tf_hg19_chr1_chr10.bed.gz"
    frame = pd.read_csv(path, sep="\t", names=["chrom", "start", "end", "name"], dtype={"chrom": str})
    return dict(list(frame.assign(chrom="chr" + frame["chrom"]).groupby("name")))


def test_real_windows_show_the_motif_of_ctcf_and_shuffled_ones_do_not(shared: Path, tmp_path: Path) -> None:
    """1,479 real windows x 6 factors: the peaks of a `cell type` are the windows that ENCODE calls bound by a factor.

    What they are held against are their own letters, shuffled (the windows are CTCF's also where ENCODE has no peak).
    """
    records = (shared / "data/genomics/regions/keras_genomics/test.fa").read_text().split(">")[1:]
    windows = [tuple(r.split("\n")[:2]) for r in records if r.split(":")[0] in ("chr1", "chr10")]
    windows.sort(key=lambda window: "shuf" in window[0])
    places = pd.DataFrame(
        [re.split("[:-]", name) for name, _ in windows if "shuf" not in name], columns=["chrom", "start", "end"]
    )
    places = places.astype({"start": int, "end": int})
    fasta = write_fasta(tmp_path / "w.fa", {"windows": "N".join(letters for _, letters in windows)})
    step = len(windows[0][1]) + 1
    cells = []
    bound_by = {
        factor: sorted(set(bioframe.overlap(places, peaks, how="inner", return_index=True)["index"]))
        for factor, peaks in encode_peaks(shared).items()
    }
    bound_by |= {"all": range(len(places)), "shuffled": range(len(places), len(windows))}
    for factor, bound in bound_by.items():
        (tmp_path / f"{factor}.bed").write_text("".join(f"windows\t{n * step}\t{n * step + step - 1}\n" for n in bound))
        cells.append(f"{factor}={tmp_path}/{factor}.bed")
    motifs = shared / "data/genomics/motifs/JASPAR2020_vertebrates.pfm"
    chosen = re.findall(r"^>(?:MA0139.1|MA0108.2|MA0062.3|MA0476.1)[^>]*", motifs.read_text(), re.MULTILINE)
    (tmp_path / "m.pfm").write_text("".join(chosen))
    inputs = ("--genome", fasta, "--motifs", tmp_path / "m.pfm", "--peaks", *cells, "--training", "windows")
    assert run(matrix, *inputs, "--out", tmp_path / "m") == 0
    found = RegionMatrix.open(tmp_path / "m")
    assert (len(found.peaks("all")), len(found.peaks("CTCF"))) == (1479, 1171)
    row = found.motifs.index("MA0139.1_CTCF")
    real, shuffled = ((found.window(c, 0, len(found.peaks(c)))[row] > 0).mean() for c in ("all", "shuffled"))
    assert real > 0.7
    assert shuffled < 0.1


def test_encode_peaks_as_hits_give_a_factor_by_region_matrix_of_blood_cells_and_pbmc(
    shared: Path, tmp_path: Path
) -> None:
    """10k regions x 6 blood cell types and the PBMC peaks, on hg19; hits are ENCODE's peaks on chr10, each scored 1."""
    hg19 = bioframe.fetch_chromsizes("hg19", provider="local").to_dict()
    factors = {name: peaks[peaks["chrom"] == "chr10"] for name, peaks in encode_peaks(shared).items()}
    hits = pd.concat(factors.values()).assign(score="1", strand=".")
    hits.to_csv(tmp_path / "hits.bed", sep="\t", header=False, index=False)
    blood = pd.read_csv(shared / "data/genomics/regions/hg19.blood.most_variable.10k.txt", sep="\t")
    places = blood["loc"].str.extract(r"(?P<chrom>\w+):(?P<start>\d+)-(?P<end>\d+)").assign(name="r")
    peaks = {"pbmc": read_peaks(shared / "data/genomics/scatac/pbmc1k_nextgem/peaks.bed", hg19)}
    for cell in blood.columns[1:]:
        places.assign(level=2.0 ** blood[cell]).to_csv(tmp_path / f"{cell}.bed", sep="\t", header=False, index=False)
        peaks[cell] = read_peaks(tmp_path / f"{cell}.bed", hg19)
    source = read_hits(tmp_path / "hits.bed", merged(peaks.values(), hg19))
    plan = MatrixPlan(source, peaks, hg19, list(hg19), range(6), {"hits": "ENCODE"})
    found = build(plan, tmp_path / "m")
    assert found.cell_types == ("pbmc", "Mono", "CD4", "CD8", "Nkcell", "Bcell", "Ery")
    stored = found.peaks("pbmc")
    assert len(stored) == 50_025
    values = found.window("pbmc", 0, len(stored))
    regions = pd.DataFrame({"chrom": stored.chromosome, "start": stored.start, "end": stored.end})
    for row, factor in enumerate(found.motifs):
        counts = bioframe.count_overlaps(regions, factors[factor])["count"].to_numpy()
        np.testing.assert_array_equal(values[row] > 0, counts > 0)
    signals = [found.peaks(cell).signal for cell in ("Mono", "Ery")]
    assert (signals[0] != signals[1]).mean() > 0.9
