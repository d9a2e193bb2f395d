"""What GeneBERT must hold with any encoder of regions."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from quatrefoil.core.losses import IGNORE
from quatrefoil.core.nn.bert import bert_transformer
from quatrefoil.core.nn.swin import SwinConfig
from quatrefoil.core.nn.transformer import TransformerConfig
from quatrefoil.core.objectives import Step
from quatrefoil.core.runs import checkpoint
from quatrefoil.core.training.trainer import freeze_unreached
from quatrefoil.core.views import Views, graph_of
from quatrefoil.genomics.datasets.pretraining.fields import ASSET, SCORED, USUAL
from quatrefoil.genomics.models.genebert import GeneBert, GeneBertConfig
from quatrefoil.genomics.models.region_encoders import (
    DeepSetsRegions,
    Enrichment,
    RegionsConfig,
    SwinRegions,
    TransformerRegions,
)
from quatrefoil.genomics.models.stem_classifier import StemClassifierConfig
from quatrefoil.genomics.models.stem_encoder import Stem, StemEncoderConfig
from quatrefoil.genomics.recipes.genebert import ALL
from quatrefoil.genomics.regions.pvalues import Scoring
from quatrefoil.genomics.regions.scan import Scanner
from quatrefoil.genomics.sequence.kmers import MASK
from tests.genomics.regions.toys import UNIFORM
from tests.genomics.regions.toys import motif as drawn_motif

K, MOTIFS, REGIONS, ROWS, TOKENS = 3, 5, 7, 6, 21
SWIN = SwinConfig(
    in_channels=1, patch=(2, 2), width=8, depths=(2, 2), heads=(1, 2), window=(2, 2), merged=(0, 1), shift_together=True
)
ENCODERS: dict[str, RegionsConfig] = {
    "swin": SwinRegions(grid=(8, 12), swin=SWIN),
    "transformer": TransformerRegions(motifs=MOTIFS, transformer=TransformerConfig(width=16, layers=1, heads=2)),
    "deep-sets": DeepSetsRegions(motifs=MOTIFS, set_width=12),
}
Configured = Callable[[RegionsConfig], GeneBertConfig]
every_encoder = pytest.mark.parametrize("regions", ENCODERS.values(), ids=ENCODERS.keys())


def config_of(regions: RegionsConfig) -> GeneBertConfig:
    transformer = bert_transformer(16, 2, 2, dropout=0.0, attention_dropout=0.0)
    return GeneBertConfig(k=K, max_positions=32, transformer=transformer, regions=regions)


def with_stem(regions: RegionsConfig) -> GeneBertConfig:
    sizes = TransformerConfig(width=16, layers=1, heads=2)
    return GeneBertConfig(k=K, transformer=sizes, stem=Stem(dropout=0.0), regions=regions)


every_sequence_encoder = pytest.mark.parametrize("configured", [config_of, with_stem], ids=["bert", "stem"])


def build(regions: RegionsConfig, configured: Configured = config_of) -> GeneBert:
    torch.manual_seed(0)
    model = configured(regions).build().eval()
    for parameter in model.parameters():  # nothing stays at a start of zero, which could hide a dependence
        parameter.data += 0.05 * torch.randn_like(parameter)
    return model


def batch() -> dict[str, Any]:
    draw = torch.Generator().manual_seed(1)
    ids = torch.randint(5, 69, (ROWS, TOKENS), generator=draw)
    chosen = torch.rand(ROWS, TOKENS, generator=draw) < 0.3
    chosen[:, 4] = True
    return {
        "id": [str(row) for row in range(ROWS)],
        "group": torch.arange(ROWS),
        "ids": ids,
        "masked_ids": ids.masked_fill(chosen, MASK),
        "labels": ids.masked_fill(~chosen, IGNORE),
        "token_mask": torch.ones(ROWS, TOKENS, dtype=torch.bool),
        "segments": (torch.arange(TOKENS) > TOKENS // 2).long().expand(ROWS, -1),
        "next_label": torch.arange(ROWS) % 2,
        "matrix": torch.rand(ROWS, MOTIFS, REGIONS, generator=draw),
        "region_mask": torch.arange(REGIONS) < torch.tensor([7, 5, 1, 7, 3, 6])[:, None],
        "own_column": torch.rand(ROWS, MOTIFS, generator=draw),
        "match_label": torch.arange(ROWS) // 2 % 2,
        "match_kind": torch.arange(ROWS) % 4,
    }


def regions_of(model: GeneBert, matrix: Tensor, mask: Tensor) -> Tensor:
    code: Tensor = Views(model, {"matrix": matrix, "region_mask": mask})["regions"]
    return code


@every_encoder
@torch.no_grad()
def test_what_padded_cells_hold_changes_no_code_of_regions(regions: RegionsConfig) -> None:
    model, given = build(regions), batch()
    clean = regions_of(model, given["matrix"], given["region_mask"])
    for rubbish in (1e3, torch.nan):
        dirty = given["matrix"].masked_fill(~given["region_mask"][:, None], rubbish)
        assert torch.equal(regions_of(model, dirty, given["region_mask"]), clean)
    wider = torch.nn.functional.pad(given["matrix"], (0, 4), value=5.0)
    mask = torch.nn.functional.pad(given["region_mask"], (0, 4))
    torch.testing.assert_close(regions_of(model, wider, mask), clean, rtol=0, atol=1e-6)


@torch.no_grad()
@pytest.mark.parametrize("name", ENCODERS)
def test_only_the_swin_knows_the_order_of_regions(name: str) -> None:
    model, matrix = build(ENCODERS[name]), batch()["matrix"]
    mask, turned = torch.ones(ROWS, REGIONS, dtype=torch.bool), matrix.flip(2)
    moved = (regions_of(model, matrix, mask) - regions_of(model, turned, mask)).abs().max()
    assert moved > 1e-3 if name == "swin" else moved < 1e-5


def test_enrichment_is_the_deviation_of_a_windows_mean_from_what_is_usual() -> None:
    enrichment = Enrichment(MOTIFS + 3, 4)
    mean, deviation = [0.1, 0.2, 0.0, 0.4, 0.3], [0.5, 0.1, 0.0, 0.2, 0.3]
    enrichment.set_usual(mean, deviation)
    matrix_BMR, real_BR = torch.rand(2, MOTIFS, REGIONS), torch.arange(REGIONS) < torch.tensor([[REGIONS], [3]])
    matrix_BMR[1, :, 3:] = torch.nan
    seen: list[torch.Tensor] = []
    enrichment.embed.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    enrichment(matrix_BMR, real_BR)
    for row, size in ((0, REGIONS), (1, 3)):
        for motif in range(MOTIFS):
            above = matrix_BMR[row, motif, :size].mean() - mean[motif]
            scale = (deviation[motif] or 1.0) / size**0.5  # of a mean of so many; a motif never hit has none
            torch.testing.assert_close(seen[0][row, motif], above / scale)
    assert not seen[0][:, MOTIFS:].any()


def test_weights_that_know_what_is_usual_are_not_read_by_anything_else() -> None:
    enrichment = Enrichment(3, 4)
    enrichment.set_usual([0.1, 0.2], [0.3, 1e-4])
    assert enrichment.deviation_M.tolist() == pytest.approx([0.3, 0.02, 1.0])  # a rare hit does not drown all else
    enrichment.set_usual([0.1, 0.2], [0.3, 1e-4])
    with pytest.raises(ValueError, match="other hits are usual"):
        enrichment.set_usual([0.1, 0.25], [0.3, 1e-4])
    assert enrichment.mean_M.tolist() == pytest.approx([0.1, 0.2, 0.0])


@torch.no_grad()
def test_rows_have_names_where_patches_overlap() -> None:
    overlapping = SwinConfig(**{**vars(SWIN), "patch": (4, 4), "stride": (2, 2)})
    encoder = SwinRegions(grid=(16, 16), swin=overlapping).build()
    assert encoder(torch.rand(1, 16, 16), torch.ones(1, 16, dtype=torch.bool)).shape == (1, SWIN.widths[-1])


@pytest.mark.parametrize("named", [True, False])
def test_which_motifs_were_hit_reaches_the_code_of_regions_by_the_names_of_rows_alone(named: bool) -> None:
    """A Swin of one block knows offsets within a window: hits moved by whole windows leave its mean as it was."""
    plain = SwinConfig(**{**vars(SWIN), "depths": (1,), "heads": (1,)})
    torch.manual_seed(0)
    encoder = SwinRegions(grid=(8, 12), swin=plain, named_rows=named).build().eval()
    matrix_BMR, real_BR = torch.zeros(1, 8, 12), torch.ones(1, 12, dtype=torch.bool)
    matrix_BMR[:, :4] = torch.rand(1, 4, 12)
    moved = matrix_BMR.roll(4, dims=1)
    assert torch.allclose(encoder(matrix_BMR, real_BR), encoder(moved, real_BR), atol=1e-5) is not named


@every_encoder
@every_sequence_encoder
def test_every_parameter_is_reached_by_the_three_tasks(regions: RegionsConfig, configured: Configured) -> None:
    assert freeze_unreached(Step(configured(regions).build(), ALL), batch()) == []


def test_without_matching_the_encoder_of_regions_is_not_reached() -> None:
    objectives = {name: ALL[name] for name in ("mgm", "ngsp")}
    frozen = freeze_unreached(Step(config_of(ENCODERS["swin"]).build(), objectives), batch())
    assert {name.split(".")[0] for name in frozen} == {"region_encoder", "enrichment", "match_head"}


def test_a_sequences_code_never_needs_regions() -> None:
    assert graph_of(GeneBert).fields(["sequence"]) == {"ids", "token_mask", "segments"}


@torch.no_grad()
@every_sequence_encoder
def test_the_code_of_a_sequence_does_not_depend_on_padding(configured: Configured) -> None:
    model, given = build(ENCODERS["deep-sets"], configured), batch()
    short = {name: given[name][:, :15] for name in ("ids", "token_mask", "segments")}
    padded = {**given, "token_mask": (torch.arange(TOKENS) < 15).expand(ROWS, -1)}
    torch.testing.assert_close(Views(model, padded)["sequence"], Views(model, short)["sequence"], rtol=0, atol=1e-5)


@torch.no_grad()
def test_with_a_stem_the_code_of_a_sequence_is_of_all_its_tokens_and_stands_at_cls() -> None:
    model, given = build(ENCODERS["deep-sets"], with_stem), batch()
    views = Views(model, given)
    torch.testing.assert_close(views["sequence"], model.bert.pool(views["tokens"].states_BTD), rtol=0, atol=0)
    for place in (1, TOKENS // 2, TOKENS - 1):
        other = {**given, "ids": given["ids"].clone()}
        other["ids"][:, place] = 5 + (other["ids"][:, place] - 4) % 64
        assert not torch.isclose(Views(model, other)["sequence"], views["sequence"], rtol=0, atol=1e-6).all()


@torch.no_grad()
def test_at_its_start_the_code_of_a_stem_differs_from_sequence_to_sequence() -> None:
    """What all sequences have in common once was ten times as much, and saturated the code before it said anything."""
    torch.manual_seed(0)
    model = with_stem(ENCODERS["deep-sets"]).build().eval()
    ids = torch.randint(5, 69, (64, 100))
    code_BD = Views(model, {"ids": ids, "token_mask": ids > 0, "segments": torch.zeros_like(ids)})["sequence"]
    assert code_BD.std(0).square().mean().sqrt() > 0.3 * code_BD.square().mean().sqrt()


def test_a_pre_training_with_a_stem_is_where_a_classifier_starts(tmp_path: Path) -> None:
    pretrained = build(ENCODERS["deep-sets"], with_stem)
    stored = checkpoint.save(tmp_path, 7, tensors={"model": pretrained.state_dict()}, state={}, config={})
    encoder = StemEncoderConfig(k=K, dropout=0.0, transformer=TransformerConfig(width=16, layers=1, heads=2))
    started = StemClassifierConfig(classes=2, encoder=encoder, pretrained=str(stored)).build()
    wanted = pretrained.bert.encoder.state_dict()  # type: ignore[union-attr]  # which has a stem
    assert all(torch.equal(value, wanted[name]) for name, value in started.encoder.state_dict().items())


def test_dnaberts_weights_are_refused_where_there_is_a_stem() -> None:
    with pytest.raises(ValueError, match=r"set model\.stem=null"):
        replace(with_stem(ENCODERS["deep-sets"]), dnabert="folder")


@every_encoder
@every_sequence_encoder
def test_one_batch_is_learned_by_heart_in_all_three_tasks(regions: RegionsConfig, configured: Configured) -> None:
    torch.manual_seed(0)
    step, given = Step(configured(regions).build(), ALL), batch()
    optimizer = torch.optim.AdamW(step.parameters(), lr=5e-3)
    learned = False
    for number in range(300):
        logs = step(given, number)
        learned = all(logs[f"{name}/accuracy"] == 1 for name in ALL)
        if learned:
            break
        optimizer.zero_grad()
        logs["loss"].backward()
        optimizer.step()
    assert learned


@torch.no_grad()
def test_masked_hits_are_the_share_of_masked_kmers_told_right() -> None:
    model, given = build(ENCODERS["deep-sets"]), batch()
    views = Views(model, given)
    logits, masked = views["token_logits"], given["labels"] != IGNORE
    given["labels"][masked] = torch.where(torch.arange(len(logits)) % 3 == 0, logits.argmax(1), 5)
    right = torch.zeros(ROWS, TOKENS).masked_scatter(masked, (logits.argmax(1) == given["labels"][masked]).float())
    torch.testing.assert_close(Views(model, given)["masked_hits"][:, 0], right.sum(1) / masked.sum(1))


def assets_of(**change: Any) -> dict[str, str]:
    """What data of the toy's sizes say of themselves."""
    tables = Scanner([drawn_motif(6, seed) for seed in range(MOTIFS)], Scoring(UNIFORM, 1e-2)).tables
    scored: dict[str, Any] = {"weights": tables.weights_TW4.tolist(), "widths": tables.width_T.tolist()}
    scored |= {"threshold": tables.threshold_T.tolist(), "p_value": 1e-2}
    facts = {"k": K, "segment": 9, "regions": REGIONS, "motifs": ["m"] * MOTIFS}
    usual = {"mean": [0.1] * MOTIFS, "deviation": [0.2] * MOTIFS}
    return {name: json.dumps(told) for name, told in ({ASSET: facts, USUAL: usual, SCORED: scored} | change).items()}


@pytest.mark.parametrize("longest", [None, 6])
@every_encoder
def test_a_saved_model_comes_back_bit_for_bit(regions: RegionsConfig, longest: int | None, tmp_path: Path) -> None:
    model = replace(config_of(regions), known_motifs=longest).build().eval()
    model.assets = assets_of()
    model.check_assets()
    model.save_pretrained(tmp_path)
    again = GeneBert.from_pretrained(tmp_path).eval()
    assert again.config == model.config
    for view in ("token_logits", "next_segment", "match"):
        assert torch.equal(Views(again, batch())[view], Views(model, batch())[view])


@torch.no_grad()
def test_known_motifs_reach_the_code_of_a_sequence_and_of_a_masked_one_by_its_own_tokens() -> None:
    given = batch()
    model = replace(config_of(ENCODERS["deep-sets"]), known_motifs=6).build().eval()
    model.assets = assets_of()
    model.check_assets()
    assert model.known_motifs is not None
    for code, ids in (("sequence", "ids"), ("masked_sequence", "masked_ids")):
        with_motifs = Views(model, given)[code]
        alone = model.bert.pool(model.bert(given[ids], given["token_mask"], given["segments"]))
        torch.testing.assert_close(with_motifs, alone + model.known_motifs(given[ids], given["segments"]))
        assert not torch.allclose(with_motifs, alone)


def test_known_motifs_need_a_matrix_that_says_how_they_are_scored() -> None:
    model = replace(config_of(ENCODERS["deep-sets"]), known_motifs=6).build()
    model.assets = assets_of(**{SCORED: None})
    with pytest.raises(ValueError, match=r"build it with --motifs, or train with model\.known_motifs=null"):
        model.check_assets()


@pytest.mark.parametrize(
    ("change", "message"),
    [({"k": 4}, "data.k=4, but model.k=3"), ({"segment": 40}, "79 tokens"), ({"motifs": ["m"] * 9}, "exceed the grid")],
)
def test_data_that_do_not_fit_the_model_are_refused(change: dict[str, Any], message: str) -> None:
    model = config_of(ENCODERS["swin"]).build()
    facts = {"k": K, "segment": 9, "regions": REGIONS, "motifs": ["m"] * MOTIFS}
    model.assets = {ASSET: json.dumps(facts | change)}
    with pytest.raises(ValueError, match=message):
        model.check_assets()


def test_another_number_of_motifs_is_refused_where_they_are_counted() -> None:
    with pytest.raises(ValueError, match=r"4 motifs, the encoder of regions reads 5; set model\.regions\.motifs"):
        regions_of(build(ENCODERS["deep-sets"]), torch.zeros(1, 4, 2), torch.ones(1, 2, dtype=torch.bool))
