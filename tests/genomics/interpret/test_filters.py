"""What a filter is drawn as is what excites it, and its effect is how far log odds move without it."""

from argparse import ArgumentParser
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from quatrefoil.core.views import Views
from quatrefoil.genomics.interpret import commands
from quatrefoil.genomics.interpret.filters import _means, read_filters
from quatrefoil.genomics.models import stored
from quatrefoil.genomics.models.expert_classifier import ExpertClassifierConfig
from quatrefoil.genomics.models.motif_cnn import MotifCnn, MotifCnnConfig
from quatrefoil.genomics.models.one_hot_cnn import OneHotCnnConfig
from quatrefoil.genomics.regions.motifs import Motif, read_motifs
from quatrefoil.genomics.sequence.codes import Codes, reverse_complement
from quatrefoil.genomics.sequence.fasta import codes_of

WORDS = ("GATTACA", "CCGTGCC")


def model_of(both_strands: bool = False) -> MotifCnn:
    """Filters that look for these words, one each, and no others."""
    torch.manual_seed(0)
    model = MotifCnnConfig(classes=2, width=2, motif=len(WORDS[0]), cells=2, both_strands=both_strands).build()
    assert isinstance(model, MotifCnn)
    with torch.no_grad():
        words = [nn.functional.one_hot(torch.tensor(codes_of(word)).long(), 4).T for word in WORDS]
        model.motifs.weight.copy_(torch.stack(words))
    return model


def sequences(number: int = 60, letters: int = 80) -> list[Codes]:
    """Of which every second holds both words, and others none as a rule."""
    rng = np.random.default_rng(0)
    found = []
    for row in range(number):
        codes = rng.integers(0, 4, letters).astype(np.uint8)
        for word, place in zip(WORDS, (10, 50), strict=True) if row % 2 else ():
            codes[place : place + len(word)] = codes_of(word)
        found.append(codes)
    return found


def test_a_filter_is_drawn_as_the_sites_that_excite_it_most() -> None:
    found = {one.motif.name: one for one in read_filters(model_of(), sequences(), sites=20)}
    assert found.keys() == {"filter-0", "filter-1"}
    for number, word in enumerate(WORDS):
        motif = found[f"filter-{number}"].motif
        assert motif.sites == 20
        np.testing.assert_array_equal(motif.frequencies_W4, np.eye(4)[codes_of(word)])


def test_sites_hold_no_unknown_base_and_sequences_too_short_for_a_filter_have_none() -> None:
    word = codes_of(WORDS[0])
    hidden = word.copy()
    hidden[3] = 4
    found = read_filters(model_of(), [hidden, word[:5], np.concatenate([codes_of("T"), word])], sites=9)
    motif = next(one.motif for one in found if one.motif.name == "filter-0")
    assert motif.sites == 1
    np.testing.assert_array_equal(motif.frequencies_W4, np.eye(4)[word])
    with pytest.raises(ValueError, match="no sequence has 7 known bases in a row"):
        read_filters(model_of(), [hidden, word[:5]])


def test_the_effect_is_how_far_log_odds_move_where_a_filter_says_its_mean_and_none_where_it_is_not_heard() -> None:
    model, given = model_of(), sequences()
    with torch.no_grad():
        model.convolution.weight[:, 1] = 0
    found = {one.motif.name: one.effect for one in read_filters(model, given)}
    assert found["filter-1"] == 0
    bases_BL = torch.tensor(np.stack(given))
    with torch.no_grad():
        scores_BFL = model.motifs(bases_BL)
        silenced_BFL = scores_BFL.clone()
        silenced_BFL[:, 0] = scores_BFL[:, 0].mean()
        model.eval()
        first, second = (
            Views(model, {"bases": bases_BL, "motif_scores": scores})["strand_logits"].diff(dim=1)
            for scores in (scores_BFL, silenced_BFL)
        )
    assert found["filter-0"] == pytest.approx(float((first - second).abs().mean()), rel=1e-4)
    assert found["filter-0"] > 0


def test_a_filter_has_the_same_mean_whatever_longer_sequences_are_beside_its_own() -> None:
    filters = model_of().motifs
    with torch.no_grad():
        filters.bias.copy_(torch.tensor([5.0, -3.0]))
        given = [np.zeros(20, np.uint8), *sequences(3, 90)]
        alone_NF = torch.stack([filters(torch.tensor(codes)[None])[0].sum(1) for codes in given])
        torch.testing.assert_close(_means(filters, given), alone_NF.sum(0) / sum(map(len, given)))


def test_a_model_of_both_strands_shows_what_it_reads_on_the_other_one() -> None:
    turned = [reverse_complement(codes_of("TTT" + WORDS[0] + "TTT"))] * 3
    for both_strands in (False, True):
        found = read_filters(model_of(both_strands), turned, sites=3)
        frequencies_W4 = next(one.motif.frequencies_W4 for one in found if one.motif.name == "filter-0")
        assert np.array_equal(frequencies_W4, np.eye(4)[codes_of(WORDS[0])]) == both_strands


def test_filters_are_named_by_the_most_alike_of_the_known_motifs() -> None:
    def motif(word: str) -> Motif:
        return Motif(word, word, np.eye(4)[codes_of(word)], 20.0)

    reverse = "TGTAATC"  # of the first word
    found = read_filters(model_of(), sequences(), sites=20, known=[motif("AAAAAAA"), motif(reverse), motif(WORDS[1])])
    likes = {one.motif.name: one.like for one in found if one.like is not None}
    assert {name: like.motif.name for name, like in likes.items()} == {"filter-0": reverse, "filter-1": WORDS[1]}
    assert [like.similarity for like in likes.values()] == pytest.approx([1, 1])


def test_a_model_without_filters_and_nothing_to_read_are_refused() -> None:
    with pytest.raises(ValueError, match="OneHotCnn has no motif filters; give a run of genebert/classify"):
        read_filters(OneHotCnnConfig(classes=2, width=8).build(), sequences(4))
    with pytest.raises(ValueError, match="0 sequences and 100 sites a filter"):
        read_filters(model_of(), [])


def test_the_command_draws_and_writes_the_filters_of_a_model_that_has_an_encoder_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    torch.manual_seed(0)
    model = ExpertClassifierConfig(classes=2, motifs=MotifCnnConfig(width=6, cells=2)).build().eval()
    monkeypatch.setattr(stored, "classifier_of", lambda _: model)
    letters_of = np.array(list("ACGTN"))
    (tmp_path / "a.csv").write_text("sequence\n" + "\n".join("".join(letters_of[row]) for row in sequences(10)) + "\n")
    (tmp_path / "known.meme").write_text(
        "MEME version 4\n\nALPHABET= ACGT\n\nMOTIF M1 USF1\nletter-probability matrix: alength= 4 w= 5\n"
        + "0.7 0.1 0.1 0.1\n" * 5
    )
    parser = ArgumentParser()
    commands.filters.add_arguments(parser)
    given = ["any", "--fasta", f"{tmp_path}/a.csv", "--known", f"{tmp_path}/known.meme", "--limit", "8", "--count", "4"]
    written = {what: tmp_path / name for what, name in (("out", "f.svg"), ("motifs", "f.meme"), ("table", "f.tsv"))}
    options = [text for what, path in written.items() for text in (f"--{what}", str(path))]
    assert commands.filters.run(parser.parse_args([*given, *options])) == 0
    assert "4 of 6 filters in" in (said := capsys.readouterr().out)
    assert "2 beyond --limit left out" in said
    assert written["out"].read_text().count("<path") > 4
    motifs = read_motifs(written["motifs"])
    rows = [line.split("\t") for line in written["table"].read_text().splitlines()]
    assert rows[0] == ["filter", "effect", "sites", "like", "similarity"]
    assert [row[0] for row in rows[1:]] == [motif.name for motif in motifs]
    assert [float(row[1]) for row in rows[1:]] == sorted((float(row[1]) for row in rows[1:]), reverse=True)
    assert {row[3] for row in rows[1:]} == {"USF1 (M1)"}
    with pytest.raises(ValueError, match="--count is 0"):
        commands.filters.run(parser.parse_args([*given, "--out", f"{tmp_path}/f.svg", "--count", "0"]))
