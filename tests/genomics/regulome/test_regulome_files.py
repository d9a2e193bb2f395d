"""The files of a made benchmark: in the formats of the field, true, apart by chromosome, the same for any workers."""

import json
import re
from collections import defaultdict
from itertools import chain
from pathlib import Path

import numpy as np
import pytest

from quatrefoil.core.cli import main
from quatrefoil.genomics.datasets.regulome import make
from quatrefoil.genomics.datasets.regulome.data import write_kmers
from quatrefoil.genomics.datasets.regulome.gallery import gallery, read_stretch
from quatrefoil.genomics.datasets.regulome.motifs import draw_motifs
from quatrefoil.genomics.datasets.regulome.windows import NEGATIVES
from quatrefoil.genomics.datasets.regulome.world import CELL_TYPES, CHROMOSOMES, HELD_OUT_TYPES
from quatrefoil.genomics.sequence.kmers import reverse_complement
from tests.genomics.regulome.conftest import rows_of

Genome = dict[str, str]
SPLITS = ("train", "dev", "test")


def located(genome: Genome) -> dict[str, str]:
    """Chromosome -> both strands in upper case, for looking windows up."""
    return {name: f"{text.upper()}|{reverse_complement(text.upper())}" for name, text in genome.items()}


def test_two_workers_make_the_same_bytes_as_one(tiny: Path, tmp_path: Path) -> None:
    again = make("tiny", seed=0, root=tmp_path, workers=2)
    assert (again / "manifest.json").read_bytes() == (tiny / "manifest.json").read_bytes()


def test_the_content_is_that_of_its_version(tiny: Path) -> None:
    """Whoever changes this hash changes what results were measured on: give Regulome a new version."""
    assert json.loads((tiny / "manifest.json").read_text())["content_hash"] == (
        "2286d92d8551cc584377d6ab5b8a38bffdc6ba5a8470969d8cd34a32b8c25b07"
    )


def test_the_index_finds_the_letters_that_the_file_has(tiny: Path, genome: Genome) -> None:
    assert list(genome) == list(CHROMOSOMES)
    for start, length in ((0, 80), (79, 3), (1_234, 1_000)):
        assert read_stretch(tiny, "chr9", start, length).decode() == genome["chr9"][start : start + length]
    for text in genome.values():
        assert set(text) <= set("ACGTacgtN")
        assert text[0] == text[-1] == "N"


def test_motif_files_agree_and_hold_what_was_drawn(tiny: Path) -> None:
    counts = [
        [int(count) for count in re.findall(r"\d+", line.split("[")[1])]
        for line in (tiny / "motifs" / "motifs.jaspar").read_text().splitlines()
        if not line.startswith(">")
    ]
    meme = (tiny / "motifs" / "motifs.meme").read_text()
    assert meme.startswith("MEME version 4\n\nALPHABET= ACGT\n")
    blocks = re.findall(r"MOTIF (\S+) (\S+)\nletter-probability matrix: alength= 4 w= (\d+) .*\n((?:[\d. ]+\n)+)", meme)
    motifs = draw_motifs(0)
    assert [(id, name) for id, name, *_ in blocks] == [(motif.id, motif.name) for motif in motifs]
    for number, (motif, (*_, width, text)) in enumerate(zip(motifs, blocks, strict=True)):
        assert np.array(counts[4 * number : 4 * number + 4]).T.tolist() == motif.counts_W4.tolist()
        rows = np.array([[float(share) for share in line.split()] for line in text.splitlines()])
        assert rows.shape == (int(width), 4)
        assert np.abs(rows - motif.probabilities_W4).max() < 1e-6
        assert np.allclose(rows.sum(1), 1)


def test_planted_sites_lie_in_the_genome_and_look_like_their_matrix(tiny: Path, genome: Genome) -> None:
    motifs = {motif.name: motif for motif in draw_motifs(0)}
    scores = []
    for name, start, end, factor, _, strand in rows_of(tiny / "truth" / "sites.bed"):
        word = genome[name][int(start) : int(end)]
        word = word if strand == "+" else reverse_complement(word)
        assert set(word) <= set("ACGT")
        odds = motifs[factor].log_odds_W4
        scores.append(sum(odds[place, "ACGT".index(base)] for place, base in enumerate(word)))
    expected = np.mean([(motif.probabilities_W4 * motif.log_odds_W4).sum() for motif in motifs.values()])
    assert abs(np.mean(scores) - expected) < 2


def test_peaks_are_well_formed_and_follow_the_truth_but_for_the_noise(tiny: Path, genome: Genome) -> None:
    elements = [(r[0], int(r[1]), int(r[2]), set(r[7].split(","))) for r in rows_of(tiny / "truth" / "elements.bed")]
    missed = found = spurious = total = 0
    for cell_type in CELL_TYPES:
        summits = defaultdict(list)
        rows = rows_of(tiny / "peaks" / f"{cell_type}.narrowPeak")
        assert [(CHROMOSOMES.index(r[0]), int(r[1])) for r in rows] == sorted(
            (CHROMOSOMES.index(r[0]), int(r[1])) for r in rows
        )
        for name, start, end, _, score, strand, signal, _, _, summit in rows:
            assert 0 <= int(start) <= int(start) + int(summit) < int(end) <= len(genome[name])
            assert 0 <= int(score) <= 1_000
            assert (strand, float(signal) > 0) == (".", True)
            summits[name].append(int(start) + int(summit))
        seen = [cell_type in types for name, s, e, types in elements if any(s <= at < e for at in summits[name])]
        truly = sum(cell_type in types for *_, types in elements)
        found, missed = found + sum(seen), missed + truly - sum(seen)
        spurious, total = spurious + len(rows) - sum(seen), total + len(rows)
    assert 0.01 < missed / (found + missed) < 0.12
    assert 0.005 < spurious / total < 0.12


def test_windows_of_a_split_come_from_its_chromosomes_alone(tiny: Path, genome: Genome) -> None:
    strands = located(genome)
    chromosomes = json.loads((tiny / "splits.json").read_text())["chromosomes"]
    shuffled = ("dinuc_shuffle", "subst12of20")
    files = [path for path in tiny.rglob("*.csv") if not any(rule in path.parts for rule in shuffled)]
    assert len(files) == 3 * 7
    for path in files:
        for sequence, _ in rows_of(path, ",")[1:]:
            homes = {name for name, both in strands.items() if sequence in both}
            assert homes
            assert homes <= set(chromosomes[path.stem]) or "CACACACA" in sequence


def test_window_sets_have_the_columns_lengths_and_balance_of_the_real_ones(tiny: Path, shared: Path) -> None:
    real = {
        "prom_core_tata": "prom/prom_core_tata",
        "prom_300_tata": "prom/prom_300_tata",
        "tfbs": "tf/2",
        "splice": "splice/reconstructed",
    }
    for ours, theirs in real.items():
        example = rows_of(shared / "data" / "genomics" / "gue" / theirs / "dev.csv", ",")
        found = [path for path in tiny.rglob("dev.csv") if ours in path.as_posix()]
        assert found
        for path in found:
            rows = rows_of(path, ",")
            assert rows[0] == example[0]
            assert {len(sequence) for sequence, _ in rows[1:]} == {len(example[1][0])}
            assert {label for _, label in rows[1:]} == {label for _, label in example[1:]}
            positives = sum(label in ("0", "1") if ours == "splice" else label == "1" for _, label in rows[1:])
            assert 2 * positives == len(rows) - 1 or ours == "splice"


def test_splice_labels_mean_what_they_mean_in_gue(tiny: Path) -> None:
    for split in SPLITS:
        for sequence, label in rows_of(tiny / "splice" / "regulome" / f"{split}.csv", ",")[1:]:
            donor, acceptor = sequence[200:202] == "GT", sequence[198:200] == "AG"
            assert {"0": acceptor, "1": donor, "2": donor or acceptor}[label]


def test_the_three_kinds_of_negatives_share_their_positives_and_nothing_else(tiny: Path) -> None:
    for name in ("prom_300_tata", "prom_core_notata"):
        sets = [rows_of(tiny / "prom" / rule / name / "train.csv", ",")[1:] for rule in NEGATIVES]
        positives = [sorted(s for s, label in rows if label == "1") for rows in sets]
        assert positives[0] == positives[1] == positives[2]
        negatives = [{s for s, label in rows if label == "0"} for rows in sets]
        assert not set.intersection(*negatives)
        assert not set(positives[0]) & set(chain(*negatives))


def test_every_negative_of_the_tata_class_from_the_genome_has_a_tata_motif(tiny: Path) -> None:
    rows = rows_of(tiny / "prom" / "genomic_matched" / "prom_core_tata" / "train.csv", ",")[1:]
    negatives = [sequence for sequence, label in rows if label == "0"]
    assert all(re.search("TA[AT]|[AT]A[AT]A|TATA", sequence) for sequence in negatives)


def test_held_out_types_are_tested_alone_and_each_varying_element_is_open_in_exactly_one(tiny: Path) -> None:
    for split in SPLITS:
        rows = rows_of(tiny / "openness" / f"{split}.tsv")[1:]
        assert {row[4] for row in rows} == (
            set(HELD_OUT_TYPES) if split == "test" else set(CELL_TYPES) - set(HELD_OUT_TYPES)
        )
    opened = defaultdict(list)
    for _, _, _, name, _, is_open, varies in rows:
        opened[name, varies].append(int(is_open))
    assert all((sum(labels) == 1) == (varies == "1") for (_, varies), labels in opened.items())


def test_the_cohort_names_the_bases_of_the_genome(tiny: Path, genome: Genome) -> None:
    lines = (tiny / "disease" / "cohort.vcf").read_text().splitlines()
    assert lines[0] == "##fileformat=VCFv4.2"
    head = next(line for line in lines if line.startswith("#CHROM")).split("\t")
    people = rows_of(tiny / "disease" / "phenotypes.tsv")
    assert head[9:] == [row[0] for row in people[1:]]
    places = []
    for line in (line for line in lines if not line.startswith("#")):
        name, position, _, ref, alt, *_, form, first = line.split("\t")[:10]
        places.append((CHROMOSOMES.index(name), int(position)))
        assert genome[name][int(position) - 1].upper() == ref != alt
        assert (form, first in ("0/0", "0/1", "1/1")) == ("GT", True)
    assert len(set(places)) == len(places) == 300
    assert sum(row[1] == "1" for row in people) == 60


def test_bounds_are_ordered_as_they_must_be(tiny: Path) -> None:
    bounds = json.loads((tiny / "bounds.json").read_text())
    varies, everywhere = bounds["openness"]["auc/varies"], bounds["openness"]["auc/all"]
    assert varies["sequence"] == varies["training_types"] == varies["gc_content"] == varies["chance"] == 0.5
    assert varies["grammar"] == everywhere["grammar"] == 1.0
    assert everywhere["sequence"] >= everywhere["training_types"]
    assert bounds["disease"]["auc"]["true_burden"] > 0.6
    for task, metrics in bounds.items():
        for values in metrics.values():
            assert "chance" in values
            assert all(-1 <= value <= 1 for value in values.values()), task


def test_kmers_are_all_there_in_the_format_of_dnabert(tiny: Path, tmp_path: Path, shared: Path) -> None:
    write_kmers(tiny, tmp_path, 6)
    real = rows_of(shared / "data" / "genomics" / "dnabert_sample" / "dev.tsv")
    for path in tiny.glob("tfbs/*/dev.csv"):
        ours = rows_of(tmp_path / path.parent.relative_to(tiny) / "6" / "dev.tsv")
        plain = rows_of(path, ",")
        assert ours[0] == real[0]
        assert {len(row[0].split(" ")) for row in ours[1:]} == {len(real[1][0].split(" "))} == {101 - 6 + 1}
        joined = [kmers.replace(" ", "")[::6] + kmers[-5:] for kmers, _ in ours[1:]]
        assert joined == [sequence for sequence, _ in plain[1:]]
    with pytest.raises(ValueError, match="k is 7"):
        write_kmers(tiny, tmp_path, 7)


def test_the_command_line_checks_and_draws_it(tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["size=tiny", f"root={tiny.parent}"]
    assert main(["data", "check", "regulome", *where]) == 0
    assert "no problems found" in capsys.readouterr().out
    assert main(["data", "gallery", "regulome", *where, f"out={tmp_path / 'sheet.png'}", "length=5000"]) == 0
    assert (tmp_path / "sheet.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="no chromosome 'chr11'"):
        gallery(tiny, tmp_path / "sheet.png", "chr11")
    with pytest.raises(ValueError, match="is not within chr8"):
        gallery(tiny, tmp_path / "sheet.png", "chr8", 10**6)


def test_a_changed_base_is_found(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tiny / "genome.fa"
    before = path.read_bytes()
    path.write_bytes(before.replace(b"ACG", b"ACT", 1))
    try:
        assert main(["data", "check", "regulome", "size=tiny", f"root={tiny.parent}"]) == 1
        assert "PROBLEM genome.fa" in capsys.readouterr().out
    finally:
        path.write_bytes(before)
