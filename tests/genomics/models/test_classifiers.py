"""Classifiers of sequences: independent of padding and of what else is in a batch, k-mers as the vocabulary's."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from quatrefoil.core import recipes
from quatrefoil.core.nn.bert import BertConfig, bert_transformer
from quatrefoil.core.nn.transformer import TransformerConfig
from quatrefoil.core.runs import checkpoint
from quatrefoil.core.views import Tokens, Views
from quatrefoil.genomics.datasets.labelled.module import LabelledData
from quatrefoil.genomics.models.bases import kmer_ids, one_hot, other_strand
from quatrefoil.genomics.models.classifier import ClassifierConfig, mean_opinion
from quatrefoil.genomics.models.expert_classifier import ExpertClassifier, ExpertClassifierConfig
from quatrefoil.genomics.models.kmer_logistic import KmerLogistic, KmerLogisticConfig, count_kmers
from quatrefoil.genomics.models.masked_sequences import MaskedSequences, MaskedSequencesConfig
from quatrefoil.genomics.models.motif_cnn import MotifCnn, MotifCnnConfig, MotifFilters
from quatrefoil.genomics.models.one_hot_cnn import OneHotCnn, OneHotCnnConfig
from quatrefoil.genomics.models.placed_classifier import PlacedClassifier, PlacedClassifierConfig
from quatrefoil.genomics.models.placed_cnn import PlacedCnn, PlacedCnnConfig
from quatrefoil.genomics.models.pooling import highest_of_cells
from quatrefoil.genomics.models.sequence_classifier import SequenceClassifier, SequenceClassifierConfig, cut
from quatrefoil.genomics.models.stem_classifier import StemClassifier, StemClassifierConfig
from quatrefoil.genomics.models.stem_encoder import StemEncoderConfig
from quatrefoil.genomics.sequence.codes import PADDED, UNKNOWN
from quatrefoil.genomics.sequence.fasta import codes_of
from quatrefoil.genomics.sequence.kmers import CLS, PAD, SEP, UNK, KmerVocabulary

TINY = bert_transformer(16, 2, 2)
BERT = SequenceClassifierConfig(classes=3, k=3, max_positions=12, transformer=TINY)
STEM = StemEncoderConfig(k=3, convolutions=2, transformer=TransformerConfig(width=16, layers=2, heads=2))
CONFIGS = [
    StemClassifierConfig(classes=3, encoder=STEM),
    StemClassifierConfig(classes=3, encoder=replace(STEM, k=1, convolutions=0, stride=1), counted=()),
    PlacedClassifierConfig(classes=3, encoder=STEM, cells=4),
    BERT,
    replace(BERT, pooling="cls"),
    replace(BERT, pooling="pooler"),
    OneHotCnnConfig(classes=3, width=8),
    PlacedCnnConfig(classes=3, width=8, cells=4),
    MotifCnnConfig(classes=3, width=8, cells=4),
    ExpertClassifierConfig(classes=3, encoder=STEM, motifs=MotifCnnConfig(width=8, cells=4)),
    KmerLogisticConfig(classes=3),
]
SEQUENCES = st.lists(st.text("ACGTN", min_size=6, max_size=40), min_size=1, max_size=6)


def padded(sequences: list[str], extra: int = 0) -> Tensor:
    rows = [torch.tensor(codes_of(sequence)) for sequence in sequences]
    return nn.functional.pad(nn.utils.rnn.pad_sequence(rows, True, PADDED), (0, extra), value=PADDED)


@pytest.mark.parametrize("config", CONFIGS, ids=repr)
def test_the_shortest_sequence_that_a_model_says_it_reads_is_read(config: ClassifierConfig) -> None:
    logits_BK = (
        config.build().eval().encode({"bases": torch.zeros(1, config.least_bases, dtype=torch.long)}, "class_logits")
    )
    assert logits_BK.shape == (1, 3)
    assert logits_BK.isfinite().all()


@settings(deadline=None, max_examples=40)
@given(SEQUENCES, st.integers(1, 6), st.integers(0, 5))
def test_kmers_are_numbered_as_the_vocabulary_does_and_padding_is_none(
    sequences: list[str], k: int, extra: int
) -> None:
    ids_BW = kmer_ids(padded(sequences, extra), k)
    for ids_W, sequence in zip(ids_BW, sequences, strict=True):
        expected = KmerVocabulary(k).encode(sequence)
        assert ids_W[: len(expected)].tolist() == expected.tolist()
        assert (ids_W[len(expected) :] == PAD).all()


def test_a_sequence_without_a_kmer_is_an_error() -> None:
    for sequences in (["ACGTACGT", "ACGTA"], ["ACGTA"]):
        with pytest.raises(ValueError, match="fewer than 6 bases holds no 6-mer"):
            kmer_ids(padded(sequences), 6)


def test_the_setting_that_asks_for_longer_kmers_than_a_sequence_has_is_named() -> None:
    models = {
        "model.longest": KmerLogisticConfig(classes=2),
        "model.encoder.k": StemClassifierConfig(classes=2, encoder=replace(STEM, k=6)),
        "model.counted": StemClassifierConfig(classes=2, encoder=replace(STEM, k=3)),
    }
    for key, config in models.items():
        with pytest.raises(ValueError, match=f"6-mer, which {key} asks for; .* let {key} ask for shorter ones"):
            config.build().logits([codes_of("ACGTA")])


def test_an_unknown_base_is_a_quarter_of_each_and_padding_is_nothing() -> None:
    assert one_hot(padded(["GN"], 1))[0].T.tolist() == [[0, 0, 1, 0], [0.25] * 4, [0] * 4]


@pytest.mark.parametrize(
    "config", CONFIGS, ids=lambda config: f"{type(config).__name__}-{getattr(config, 'pooling', '')}"
)
@settings(deadline=None, max_examples=10)
@given(SEQUENCES, st.integers(0, 30))
def test_logits_depend_neither_on_padding_nor_on_the_rest_of_the_batch(
    config: ClassifierConfig, sequences: list[str], extra: int
) -> None:
    torch.manual_seed(0)
    model = config.build().eval()
    nn.init.normal_(model.head.weight)  # type: ignore[union-attr]
    with torch.no_grad():
        together = Views(model, {"bases": padded(sequences, extra)})["class_logits"]
        alone = torch.cat([Views(model, {"bases": padded([sequence])})["class_logits"] for sequence in sequences])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "config", CONFIGS, ids=lambda config: f"{type(config).__name__}-{getattr(config, 'pooling', '')}"
)
@settings(deadline=None, max_examples=10)
@given(SEQUENCES, st.integers(0, 30))
def test_what_has_no_direction_is_the_same_on_either_strand(
    config: ClassifierConfig, sequences: list[str], extra: int
) -> None:
    torch.manual_seed(0)
    model = replace(config, both_strands=True).build().eval()
    nn.init.normal_(model.head.weight)  # type: ignore[union-attr]
    bases = padded(sequences, extra)
    assert torch.equal(other_strand(other_strand(bases)), bases)
    turned = padded([sequence[::-1].translate(str.maketrans("ACGT", "TGCA")) for sequence in sequences], extra)
    assert torch.equal(other_strand(bases), turned)
    with torch.no_grad():
        given_BK, turned_BK = (Views(model, {"bases": side})["class_logits"] for side in (bases, turned))
        strand_BK = Views(model.train(), {"bases": bases})["class_logits"]
    torch.testing.assert_close(given_BK, turned_BK, rtol=1e-4, atol=1e-5)
    assert strand_BK.shape == given_BK.shape


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(1, 50), min_size=1, max_size=6), st.integers(3, 20))
def test_pieces_hold_every_kmer_once_in_order_and_fit(lengths: list[int], most: int) -> None:
    rows = [torch.arange(10, 10 + length) for length in lengths]
    pieces = cut(nn.utils.rnn.pad_sequence(rows, True, PAD), most)
    assert pieces.ids_PT.shape[1] <= most
    assert torch.equal(pieces.mask_PT, pieces.ids_PT != PAD)
    assert (pieces.ids_PT[:, 0] == CLS).all()
    assert ((pieces.ids_PT == SEP).sum(1) == 1).all()
    for row, ids in enumerate(rows):
        real = pieces.ids_PT[pieces.row_P == row]
        assert torch.equal(real[real > SEP], ids)
        assert len(real) == -(-len(ids) // (most - 2))


def test_bases_are_hidden_in_training_alone_and_padding_stays() -> None:
    model = StemClassifierConfig(classes=2, encoder=STEM, hidden=0.3).build()
    bases = padded(["ACGT" * 200, "ACGT" * 100])
    seen = Views(model.train(), {"bases": bases})["seen_bases"]
    changed = seen != bases
    assert (seen[changed] == UNKNOWN).all()
    assert torch.equal(seen == PADDED, bases == PADDED)
    assert 0.25 < float(changed.sum() / (bases != PADDED).sum()) < 0.35
    assert torch.equal(Views(model.eval(), {"bases": bases})["seen_bases"], bases)


def test_counts_of_kmers_are_counted() -> None:
    vocabulary = KmerVocabulary(2)
    counts = count_kmers(padded(["ACACN", "GG"], 2), 2)
    named = [{t: int(n) for t, n in zip(vocabulary.tokens[5:], row, strict=True) if n} for row in counts.tolist()]
    assert named == [{"AC": 2, "CA": 1}, {"GG": 1}]
    assert UNK < 5


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        (CONFIGS[0], StemClassifier),
        (PlacedClassifierConfig(classes=3, encoder=STEM), PlacedClassifier),
        (BERT, SequenceClassifier),
        (OneHotCnnConfig(classes=3, width=8), OneHotCnn),
        (PlacedCnnConfig(classes=3, width=8), PlacedCnn),
        (MotifCnnConfig(classes=3, width=8, cells=4), MotifCnn),
        (ExpertClassifierConfig(classes=3, encoder=STEM, motifs=MotifCnnConfig(width=8)), ExpertClassifier),
        (KmerLogisticConfig(classes=3), KmerLogistic),
    ],
)
def test_a_saved_model_predicts_the_same_with_the_names_of_its_classes(
    tmp_path: Path, config: ClassifierConfig, kind: type[SequenceClassifier]
) -> None:
    model = config.build()
    model.assets["classes.json"] = '["EI", "IE", "N"]'
    model.save_pretrained(tmp_path)
    loaded = kind.from_pretrained(tmp_path)
    sequences = ["ACGTACGTACGTN", "acgtac"]
    assert loaded.classes == ["EI", "IE", "N"]
    assert torch.equal(loaded.predict(sequences), model.predict(sequences))
    torch.testing.assert_close(model.predict(sequences).sum(1), torch.ones(2))


def test_the_data_say_how_many_classes_there_are(tmp_path: Path) -> None:
    (tmp_path / "train").write_text(
        "sequence,label\n" + "".join(f"ACGTAC{'ACGT'[i % 4] * i},{i % 3}\n" for i in range(12))
    )
    data = LabelledData(root=tmp_path, train="train").build(0)
    assert SequenceClassifierConfig().fitted(data).classes == 3
    with pytest.raises(ValueError, match=r"model.classes=2, but the data have 3: 0, 1, 2"):
        SequenceClassifierConfig(classes=2).fitted(data)


@pytest.fixture
def pretrained(tmp_path: Path) -> tuple[nn.Module, Path]:
    """An encoder, and a checkpoint of a pre-training that holds it among other parts."""
    torch.manual_seed(1)
    bert = BertConfig(vocab_size=69, max_positions=12, pooler=True, transformer=TINY).build()
    weights = {f"bert.{name}": value for name, value in bert.state_dict().items()} | {"head.weight": torch.ones(2)}
    return bert, checkpoint.save(tmp_path, 7, tensors={"model": weights}, state={}, config={})


def test_init_takes_the_sequence_encoder_of_a_pretraining(pretrained: tuple[nn.Module, Path]) -> None:
    theirs = pretrained[0].state_dict()
    for pooling in ("mean", "pooler"):
        ours = replace(BERT, pooling=pooling, pretrained=str(pretrained[1])).build().get_submodule("bert").state_dict()
        assert all(torch.equal(value, theirs[name]) for name, value in ours.items())


def test_init_of_other_sizes_is_an_error_that_names_them(pretrained: tuple[nn.Module, Path]) -> None:
    with pytest.raises(ValueError, match=r"other sizes: token_embedding.weight \(69, 16\), here \(261, 16\)"):
        replace(BERT, k=4, pretrained=str(pretrained[1])).build()


def test_init_takes_the_encoder_of_a_pretraining_on_sequences(tmp_path: Path) -> None:
    torch.manual_seed(1)
    model = MaskedSequencesConfig(encoder=STEM).build()
    stored = checkpoint.save(tmp_path, 7, tensors={"model": model.state_dict()}, state={}, config={})
    ours = StemClassifierConfig(classes=2, encoder=STEM, pretrained=str(stored)).build().encoder.state_dict()
    theirs = model.encoder.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(value, theirs[name]) for name, value in ours.items())
    with pytest.raises(ValueError, match=r"other sizes: token_embedding.weight \(69, 16\), here \(4101, 16\)"):
        StemClassifierConfig(classes=2, encoder=replace(STEM, k=6), pretrained=str(stored)).build()


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 6), st.integers(1, 5), SEQUENCES, st.integers(0, 9), st.data())
def test_hidden_bases_are_told_from_their_neighbours_and_from_no_padding(
    k: int, stride: int, sequences: list[str], extra: int, data: st.DataObject
) -> None:
    torch.manual_seed(0)
    model = MaskedSequencesConfig(encoder=replace(STEM, k=k, stride=stride)).build().eval()
    bases = padded(sequences, extra)
    labels = torch.full(bases.shape, -100)
    places = [(row, data.draw(st.integers(0, len(text) - 1))) for row, text in enumerate(sequences)]
    for row, place in places:
        labels[row, place], bases[row, place] = row % 4, 4
    logits, hits = predicted(model, bases, labels)
    assert torch.equal(hits[:, 0] == 1, logits.argmax(1) == labels[labels != -100])
    for row, text in enumerate(sequences):
        alone = slice(row, row + 1), slice(0, len(text))
        torch.testing.assert_close(
            predicted(model, bases[alone], labels[alone])[0], logits[[row]], rtol=1e-4, atol=1e-5
        )


def predicted(model: MaskedSequences, bases: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    with torch.no_grad():
        views = Views(model, {"masked_bases": bases, "labels": labels})
        return views["base_logits"], views["masked_hits"]


def test_the_classes_that_the_docs_name_are_those_of_the_recipes() -> None:
    docs = (Path(__file__).parents[3] / "docs/genebert.md").read_text()
    table = docs.split("| of `genebert/` | class |")[1].split("\n\n")[0]
    rows = [row.split("|")[1:4] for row in table.splitlines()[2:]]
    assert len(rows) == 12
    for names, of_class, module in rows:
        recipe = recipes.find(f"genebert/{names.split('`')[1]}").load()()
        model = recipe.model.model_type
        assert (model.__name__, model.__module__.rpartition(".")[2]) == (of_class.strip(" `"), module.strip(" `"))


def test_the_cnn_hears_in_which_part_of_a_sequence_a_motif_stands_and_that_it_is_there_wherever() -> None:
    torch.manual_seed(0)
    model = PlacedCnnConfig(classes=2, width=8, cells=4).build().eval()
    nn.init.zeros_(model.placed)  # else the convolutions themselves are told the place
    early, late = ("T" * place + "ACGACG" + "T" * (194 - place) for place in (72, 124))
    with torch.no_grad():
        codes_BDC = Views(model, {"bases": padded([early, late])})["sequence"].view(2, 8, 5)
    torch.testing.assert_close(codes_BDC[0, :, -1], codes_BDC[1, :, -1])
    highest_BC = codes_BDC[:, :, :4].argmax(2).mode(1).values
    assert highest_BC.tolist() == [1, 2]


def test_scores_of_motif_filters_have_mean_0_and_their_spread_over_even_bases_whatever_their_size() -> None:
    torch.manual_seed(0)
    filters = MotifFilters(width=6, motif=5)
    with torch.no_grad():
        filters.gain.copy_(torch.arange(1, 7) / 2)
    bases_BL = torch.cartesian_prod(*[torch.arange(4)] * 5)  # every word once
    scores_BF = filters(bases_BL)[:, :, 2]
    torch.testing.assert_close(scores_BF.mean(0), torch.zeros(6), atol=1e-5, rtol=0)
    torch.testing.assert_close(scores_BF.std(0, correction=0), filters.gain)
    with torch.no_grad():
        filters.weight.mul_(7).add_(3)
    torch.testing.assert_close(filters(bases_BL)[:, :, 2], scores_BF, atol=1e-4, rtol=1e-4)


def test_unknown_bases_and_padding_add_nothing_to_the_score_of_a_motif() -> None:
    filters = MotifFilters(width=4, motif=5)
    with torch.no_grad():
        filters.bias.copy_(torch.arange(4.0))
    for nothing in (UNKNOWN, PADDED):
        scores_FL = filters(torch.full((1, 9), nothing))[0]
        torch.testing.assert_close(scores_FL, filters.bias[:, None].expand(4, 9), atol=1e-6, rtol=0)


def test_the_motif_cnn_hears_the_exponential_of_the_highest_score_of_each_few_bases() -> None:
    torch.manual_seed(0)
    model = MotifCnnConfig(classes=2, width=6, pool=4).build().eval()
    assert isinstance(model, MotifCnn)
    nn.init.zeros_(model.placed)
    heard: list[torch.Tensor] = []
    model.convolution.register_forward_hook(lambda _, given, __: heard.append(given[0]))
    bases = padded(["ACGTTGCAACGA"])
    model.encode({"bases": bases}, "sequence")
    scores_FL = model.motifs(bases)[0].clamp(max=6)
    torch.testing.assert_close(heard[0][0], torch.stack([part.amax(1).exp() for part in scores_FL.split(4, 1)], 1))


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_filters_that_have_grown_leave_the_code_and_its_gradients_finite(kind: torch.dtype) -> None:
    torch.manual_seed(0)
    model = MotifCnnConfig(classes=2, width=8).build()
    assert isinstance(model, MotifCnn)
    with torch.no_grad():
        model.motifs.gain.fill_(100)
    with torch.autocast("cpu", torch.bfloat16, enabled=kind == torch.bfloat16):
        logits_BK = Views(model, {"bases": padded(["ACGT" * 20, "GGTACCA" * 9])})["class_logits"]
    assert bool(logits_BK.isfinite().all())
    logits_BK[:, 0].float().sum().backward()
    assert all(bool(p.grad.isfinite().all()) for p in model.parameters() if p.grad is not None)


def test_the_motif_cnn_hears_in_which_cell_a_motif_stands() -> None:
    torch.manual_seed(0)
    model = MotifCnnConfig(classes=2, width=8, hidden=8, cells=4).build().eval()
    assert isinstance(model, MotifCnn)
    nn.init.zeros_(model.placed)
    early, late = ("T" * place + "ACGACG" + "T" * (194 - place) for place in (72, 124))
    bases = padded([early, late])
    one_D, other_D = model.encode({"bases": bases}, "sequence")
    torch.testing.assert_close(one_D, other_D)
    codes_BCD = model.encode({"bases": bases}, "cells")
    differs_C = (codes_BCD[0] - codes_BCD[1]).abs().amax(1) > 1e-4
    assert differs_C.tolist() == [False, True, True, False]


def taught_by(model: ExpertClassifier | MotifCnn, *readings: str) -> dict[str, set[str]]:
    """Which parts of a model the loss of each reading teaches."""
    model.train()
    views = Views(model, {"bases": padded(["ACGT" * 20, "GGTACCA" * 9])})
    taught = {}
    for reading in readings:
        model.zero_grad()
        nn.functional.cross_entropy(views[f"{reading}_logits"], torch.tensor([0, 1])).backward(retain_graph=True)
        moved = (name for name, value in model.named_parameters() if value.grad is not None and value.grad.any())
        taught[reading] = {name.split(".")[0] for name in moved}
    return taught


def test_each_reading_has_a_loss_of_its_own_on_the_same_filters() -> None:
    model = MotifCnnConfig(classes=2, width=8, cells=4).build()
    assert isinstance(model, MotifCnn)
    taught = taught_by(model, "whole", "placed")
    both = {"motifs", "convolution", "norm", "placed", "head"}
    assert taught == {"whole": both | {"contract"}, "placed": both | {"contract_placed"}}


def test_experts_do_not_learn_from_each_others_losses_and_the_mean_of_what_they_say_is_heard() -> None:
    torch.manual_seed(0)
    motifs = MotifCnnConfig(width=8, cells=4)
    model = ExpertClassifierConfig(classes=2, encoder=STEM, motifs=motifs, dropout=0).build()
    assert isinstance(model, ExpertClassifier)
    taught = taught_by(model, "encoder", "whole", "placed")
    assert taught["whole"] == taught["placed"] == {"motifs"}
    assert "motifs" not in taught["encoder"]
    assert {"encoder", "head", "profile_head"} <= taught["encoder"]
    with torch.no_grad():
        views = Views(model.eval(), {"bases": padded(["ACGT" * 20, "GGTACCA" * 9])})
        said = [views[f"{name}_logits"].softmax(1).log() for name in ("encoder", "whole", "placed")]
    torch.testing.assert_close(views["class_logits"], (said[0] + said[1] + said[2]) / 3)


def test_who_knows_nothing_changes_no_order() -> None:
    logits_BK = torch.randn(20, 3, generator=torch.Generator().manual_seed(0))
    heard_BK = mean_opinion(logits_BK, torch.full((20, 3), 7.0))
    assert torch.equal(heard_BK.argsort(1), logits_BK.argsort(1))
    assert torch.equal((heard_BK[:, 1] - heard_BK[:, 0]).argsort(), (logits_BK[:, 1] - logits_BK[:, 0]).argsort())


def test_filters_of_other_classes_than_the_models_are_refused() -> None:
    for key, motifs in {
        "classes": MotifCnnConfig(classes=2),
        "both_strands": MotifCnnConfig(both_strands=True),
    }.items():
        with pytest.raises(ValueError, match=rf"model\.motifs\.{key}: .*; set model\.{key} alone"):
            ExpertClassifierConfig(motifs=motifs)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=4), st.integers(1, 6), st.integers(0, 3), st.integers(0, 99))
def test_cells_are_equal_parts_of_each_sequence_by_itself(
    lengths: list[int], cells: int, extra: int, seed: int
) -> None:
    places = max(lengths) + extra
    states_BTD = torch.randn(len(lengths), places, 2, generator=torch.Generator().manual_seed(seed)) - 5
    mask_BT = torch.arange(places) < torch.tensor(lengths)[:, None]
    found_BCD = highest_of_cells(Tokens(states_BTD, mask_BT), cells)
    for states_TD, length, found_CD in zip(states_BTD, lengths, found_BCD, strict=True):
        of_cell = [[t for t in range(length) if t * cells // length == cell] for cell in range(cells)]
        expected = [states_TD[own].amax(0) if own else torch.zeros(2) for own in of_cell]
        assert torch.equal(found_CD, torch.stack(expected))


def test_the_placed_classifier_begins_as_the_one_without_places_and_learns_from_them() -> None:
    model = PlacedClassifierConfig(classes=2, encoder=STEM, cells=4, dropout=0).build().eval()
    bases = padded(["ACGT" * 8, "GGTACC" * 6])
    views = Views(model, {"bases": bases})
    without = StemClassifier.strand_logits(model, views["sequence"], bases)
    torch.testing.assert_close(views["class_logits"], without)
    views["class_logits"][:, 0].sum().backward()
    assert model.placed_head is not None
    assert model.placed_head.weight.grad is not None
    assert bool((model.placed_head.weight.grad[0] != 0).all())


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"cells": 0}, r"model\.cells=0: a sequence has one part or more"),
        ({"pool": 0}, r"model\.pool=0"),
        ({"motif": 4}, "odd windows"),
    ],
)
def test_a_motif_cnn_of_no_size_is_refused(wrong: dict[str, int], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        MotifCnnConfig(classes=2, **wrong)


@pytest.mark.parametrize("kind", [PlacedCnnConfig, PlacedClassifierConfig])
def test_a_classifier_of_no_part_is_refused(kind: type[PlacedCnnConfig | PlacedClassifierConfig]) -> None:
    with pytest.raises(ValueError, match=r"model\.cells=0: a sequence has one part or more"):
        kind(classes=2, cells=0)


def test_one_text_is_no_list_of_sequences() -> None:
    with pytest.raises(ValueError, match="one text of 4 letters; give a list of sequences"):
        CONFIGS[0].build().predict("ACGT")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([None], "0. is a NoneType; give"),
        (["A", b"A"], "1. is a bytes; give"),
        (["A", ""], "1. has 0 bases; this model reads sequences of 1 and more"),
        ([], "one"),
    ],
)
def test_what_is_no_sequence_is_named_by_its_place(given: list[str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        MotifCnnConfig(classes=2, width=6, cells=2).build().predict(given)
