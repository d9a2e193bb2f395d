"""Mutagenesis is what a model says of each mutant; pictures are drawn of what was computed."""

from argparse import ArgumentParser
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from quatrefoil.genomics.interpret.commands import logos
from quatrefoil.genomics.interpret.logos import draw_letters, draw_logos, information
from quatrefoil.genomics.interpret.mutagenesis import mutagenesis
from quatrefoil.genomics.interpret.plots import draw_mutagenesis
from quatrefoil.genomics.interpret.sequences import named_sequences
from quatrefoil.genomics.models.kmer_logistic import KmerLogistic, KmerLogisticConfig, count_kmers
from quatrefoil.genomics.models.one_hot_cnn import OneHotCnn, OneHotCnnConfig
from quatrefoil.genomics.regions.motifs import Motif
from quatrefoil.genomics.sequence.fasta import codes_of
from quatrefoil.genomics.tables import TextError

SEQUENCE = "ACGTNACGTTGCA"


def model_of(classes: int) -> OneHotCnn:
    torch.manual_seed(0)
    model = OneHotCnnConfig(classes=classes, width=8).build().eval()
    assert isinstance(model, OneHotCnn)
    nn.init.normal_(model.head.weight)  # type: ignore[union-attr]
    model.assets["classes.json"] = str([f"c{n}" for n in range(classes)]).replace("'", '"')
    return model


@pytest.mark.parametrize("classes", [2, 3])
def test_changes_are_those_of_each_mutant_read_alone(classes: int) -> None:
    model = model_of(classes)
    found = mutagenesis(model, codes_of(SEQUENCE), "c1")

    def log_odds(sequence: str) -> float:
        p = model.predict([sequence])[0].double()
        return float(torch.log(p[1]) - torch.log(p.sum() - p[1]))

    assert found.log_odds == pytest.approx(log_odds(SEQUENCE), abs=1e-4)
    for place, letter in enumerate(SEQUENCE):
        for number, base in enumerate("ACGT"):
            if letter == "N":
                assert np.isnan(found.change_L4[place, number])
            else:
                mutant = SEQUENCE[:place] + base + SEQUENCE[place + 1 :]
                expected = log_odds(mutant) - log_odds(SEQUENCE)
                assert found.change_L4[place, number] == pytest.approx(expected, abs=1e-4)
    assert found.importance_L[4] == 0


def kmer_model(weights_V: torch.Tensor) -> KmerLogistic:
    """Of classes no and yes, the second of which counts 3-mers with these weights."""
    model = KmerLogisticConfig(classes=2, shortest=3, longest=3).build().eval()
    assert isinstance(model, KmerLogistic)
    model.assets["classes.json"] = '["no", "yes"]'
    model.head.weight.data[1] = weights_V  # type: ignore[union-attr, index]
    return model


def test_bases_that_a_class_is_made_of_matter_most() -> None:
    made_of = count_kmers(torch.tensor(codes_of("GTC"))[None], 3)[0]
    importance_L = mutagenesis(kmer_model(5 * made_of), codes_of("AAAAAGTCAAAA"), "yes").importance_L
    assert set(np.argsort(importance_L)[-3:].tolist()) == {5, 6, 7}
    assert importance_L[5:8].min() > 0 > np.delete(importance_L, [5, 6, 7]).max()  # others only make it rarer


def test_nothing_matters_to_a_model_without_weights_and_classes_are_its_own() -> None:
    model = kmer_model(torch.zeros(64))
    assert np.abs(mutagenesis(model, codes_of("ACGTACGT"), "yes").change_L4).max() == 0
    assert mutagenesis(model_of(2), codes_of("AC"), None).class_name in ("c0", "c1")
    with pytest.raises(ValueError, match="no class 'maybe'; it has no, yes"):
        mutagenesis(model, codes_of("ACGTACGT"), "maybe")


def test_letters_fill_the_boxes_of_their_heights_those_below_zero_hanging() -> None:
    axes = pytest.importorskip("matplotlib.figure").Figure().add_subplot()
    draw_letters(axes, np.array([[0.5, 0.25, -0.75, 0], [0, 0, 0, 2.0]]))
    (letters,) = axes.collections
    boxes = [path.get_extents().bounds for path in letters.get_paths()]
    wanted = [(0, 0.25), (0.25, 0.5), (-0.75, 0.75), (0, 2)]
    drawn = [(low, height) for _, low, _, height in boxes if height > 0]
    assert np.allclose(drawn, wanted)
    assert [round(left, 2) for left, _, width, height in boxes if height > 0] == [-0.45, -0.45, -0.45, 0.55]


def test_a_labelled_table_may_come_without_labels_and_one_sequence_too(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("sequence\nACGT\nGGCC\n")
    sequences, left_out = named_sequences(None, tmp_path / "a.csv", 1)
    assert ([codes.tolist() for _, codes in sequences], left_out) == ([[0, 1, 2, 3]], 1)


def test_what_is_too_short_for_the_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.fa").write_text(">a\nACGTACGT\n>b\nACG\n")
    with pytest.raises(TextError, match=r"a.fa:3: 3 bases; this model reads sequences of 6 and more"):
        named_sequences(None, tmp_path / "a.fa", 2, 6)
    with pytest.raises(TextError, match="--sequence: 5 bases; this model reads"):
        named_sequences("ACGTA", None, 2, 6)
    assert len(named_sequences(None, tmp_path / "a.fa", 1, 6)[0]) == 1


def test_a_letter_is_as_high_as_what_its_place_tells() -> None:
    heights = information(np.array([[1, 0, 0, 0], [0.25] * 4, [0.5, 0.5, 0, 0]]))
    np.testing.assert_allclose(heights, [[2, 0, 0, 0], [0] * 4, [0.5, 0.5, 0, 0]], atol=1e-12)


def test_pictures_of_sequences_and_motifs_are_written(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    found = mutagenesis(model_of(2), codes_of(SEQUENCE))
    draw_mutagenesis([("one", found), ("two", found)], tmp_path / "a.png")
    motifs = [Motif(f"M{n}", f"M{n}", np.full((6, 4), 0.25) + np.eye(6, 4) / 4, 20.0) for n in range(5)]
    draw_logos(motifs, tmp_path / "b.svg")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "b.svg").read_text().count("<path") > 20
    with pytest.raises(ValueError, match="no motif to draw"):
        draw_logos([], tmp_path / "c.png")


def test_a_factor_names_all_of_its_motifs_however_their_ids_are_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("MA0139.1_CTCF", "MA1929.1 CTCF", "M1.00 (CTCF)_(Mus_musculus)_(DBD_1.00)", "MA0002.1_CTCFL")
    rows = "0.7 0.1 0.1 0.1\n" * 5
    blocks = "".join(f"MOTIF {name}\nletter-probability matrix: alength= 4 w= 5\n{rows}\n" for name in names)
    (tmp_path / "m.meme").write_text(f"MEME version 4\n\nALPHABET= ACGT\n\n{blocks}")
    parser = ArgumentParser()
    logos.add_arguments(parser)
    for name, count in (("CTCF", 3), ("CTCFL", 1), ("MA0139.1_CTCF", 1)):
        asked = [f"{tmp_path}/m.meme", "--names", name, "--out", f"{tmp_path}/l.png"]
        assert logos.run(parser.parse_args(asked)) == 0
        assert f"{count} logos" in capsys.readouterr().out
