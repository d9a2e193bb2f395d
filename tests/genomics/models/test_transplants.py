"""What GeneBERT with others' objectives must hold: nothing leaks, all is trained, and it is GeneBERT besides."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from quatrefoil.core.nn.swin import SwinConfig
from quatrefoil.core.objectives import Objective, Ranking, Step
from quatrefoil.core.runs import checkpoint
from quatrefoil.core.training.trainer import freeze_unreached
from quatrefoil.core.views import Views, graph_of
from quatrefoil.genomics.datasets.pretraining.config import HiddenCells
from quatrefoil.genomics.datasets.pretraining.fields import ASSET, USUAL
from quatrefoil.genomics.datasets.pretraining.region_pairs import hide
from quatrefoil.genomics.models.genebert import GeneBert, GeneBertConfig
from quatrefoil.genomics.models.genebert_aligned import AlignedGeneBert, AlignedGeneBertConfig
from quatrefoil.genomics.models.genebert_columns import ColumnGeneBert, ColumnGeneBertConfig
from quatrefoil.genomics.models.genebert_restoring import RestoringGeneBert, RestoringGeneBertConfig
from quatrefoil.genomics.models.genebert_tagged import TaggedGeneBert, TaggedGeneBertConfig
from quatrefoil.genomics.models.openness import OpennessConfig
from quatrefoil.genomics.models.region_encoders import SwinRegions
from quatrefoil.genomics.recipes.genebert import ALL, regulome_columns
from quatrefoil.genomics.recipes.transplants import CONTRAST, EXCLUSIVE, RANKING, RESTORING
from tests.genomics.models.test_genebert import ENCODERS, MOTIFS, ROWS, SWIN, batch, config_of

GRID, CELLS = (8, 8), HiddenCells(grid=(2, 2), rate=0.5)
MASKED = SwinRegions(grid=GRID, swin=SwinConfig(**{**vars(SWIN), "mask_token": True}))
PLAIN = vars(config_of(ENCODERS["deep-sets"]))
CONFIGS: Mapping[str, GeneBertConfig] = {
    "aligned": AlignedGeneBertConfig(**PLAIN, projection=6),
    "tagged": TaggedGeneBertConfig(**PLAIN, motifs=MOTIFS, guide_layers=1, guide_heads=2),
    "restoring": RestoringGeneBertConfig(**{**PLAIN, "regions": MASKED}),
    "columns": ColumnGeneBertConfig(**PLAIN, motifs=MOTIFS),
}
OBJECTIVES: Mapping[str, Mapping[str, Objective]] = {
    "aligned": {**ALL, **EXCLUSIVE, **RANKING, **CONTRAST},
    "tagged": ALL,
    "restoring": {**ALL, **RESTORING},
    "columns": regulome_columns().objectives,
}
ALWAYS_RANKED = Ranking(**{**vars(RANKING["rank_sequence"]), "margin": 1000.0})  # no row has reached the margin
every_model = pytest.mark.parametrize("name", CONFIGS)


def given() -> dict[str, Any]:
    draw = torch.Generator().manual_seed(2)
    return {**batch(), "hidden_cells": torch.stack([hide(CELLS, draw) for _ in range(ROWS)])}


def build(name: str) -> GeneBert:
    torch.manual_seed(0)
    return CONFIGS[name].build().eval()


@every_model
def test_every_parameter_is_reached_by_own_and_planted_objectives(name: str) -> None:
    step = Step(CONFIGS[name].build(), OBJECTIVES[name])
    if name == "tagged":  # at a start of zero the map of what is gathered hides the guide from the first gradient
        torch.nn.init.normal_(step.model.gathered.weight)
    assert freeze_unreached(step, given()) == []


@every_model
def test_a_planted_objective_that_is_switched_off_takes_its_parts_along(name: str) -> None:
    frozen = freeze_unreached(Step(CONFIGS[name].build(), ALL), given())
    parts = {"aligned": {"sequence_code_map", "regions_code_map", "scale"}, "restoring": {"restore", "region_encoder"}}
    parts["columns"] = {"column_head"}
    assert {path.split(".")[0] for path in frozen} == parts.get(name, set())


@every_model
def test_a_sequence_never_needs_regions_and_regions_never_the_sequence_or_the_label(name: str) -> None:
    graph = graph_of(CONFIGS[name].model_type)
    assert graph.fields(["sequence"]) == {"ids", "token_mask", "segments"}
    assert graph.fields(["regions"]) == {"matrix", "region_mask"}


@pytest.mark.parametrize(
    ("view", "fields"),
    [
        ("sequence_code", {"ids", "token_mask", "segments"}),
        ("masked_sequence_code", {"masked_ids", "token_mask", "segments"}),
        ("regions_code", {"matrix", "region_mask"}),
    ],
)
def test_no_code_holds_the_other_side(view: str, fields: set[str]) -> None:
    assert graph_of(AlignedGeneBert).fields([view]) == fields
    code_BP = Views(build("aligned"), given())[view]
    assert code_BP.shape == (ROWS, 6)
    torch.testing.assert_close(code_BP.norm(dim=1), torch.ones(ROWS))


def test_a_column_is_told_from_the_masked_sequence_alone_and_in_units_of_what_is_usual() -> None:
    graph = graph_of(ColumnGeneBert)
    assert graph.fields(["column_told"]) == {"masked_ids", "token_mask", "segments"}
    assert graph.fields(["column_target"]) == {"own_column"}
    model, batched = build("columns"), given()
    assert model.enrichment is not None
    model.enrichment.set_usual([0.5] * MOTIFS, [0.25] * MOTIFS)
    target_B1M = Views(model, batched)["column_target"]
    torch.testing.assert_close(target_B1M[:, 0], (batched["own_column"] - 0.5) / 0.25)


@pytest.mark.parametrize("config", [ColumnGeneBertConfig, TaggedGeneBertConfig])
def test_data_of_another_number_of_motifs_are_refused_before_training(config: type[GeneBertConfig]) -> None:
    sizes: dict[str, Any] = {**PLAIN, "enrichment": True, "regions": MASKED, "motifs": MOTIFS}
    facts = {"k": PLAIN["k"], "segment": 8, "regions": 4, "motifs": ["a"] * MOTIFS}
    usual = {"mean": [0.5] * MOTIFS, "deviation": [0.25] * MOTIFS}
    assets = {ASSET: json.dumps(facts), USUAL: json.dumps(usual)}
    model = config(**sizes).build()
    model.assets = assets
    model.check_assets()
    other = config(**{**sizes, "motifs": MOTIFS + 1}).build()
    other.assets = assets
    with pytest.raises(ValueError, match=rf"name {MOTIFS} motifs, model\.motifs={MOTIFS + 1}; set it to theirs"):
        other.check_assets()


def test_openness_starts_from_columns_and_leaves_their_head_behind(tmp_path: Path) -> None:
    trained = build("columns")
    stored = checkpoint.save(tmp_path, 1, tensors={"model": trained.state_dict()}, state={}, config={})
    started = OpennessConfig(**PLAIN, pretrained=str(stored)).build().state_dict()
    theirs = {name: value for name, value in trained.state_dict().items() if not name.startswith("column_head")}
    assert all(torch.equal(started[name], value) for name, value in theirs.items())
    assert {name.split(".")[0] for name in started.keys() - theirs.keys()} == {"sequence_head"}


def test_columns_without_what_is_usual_are_refused() -> None:
    with pytest.raises(ValueError, match=r"set model\.enrichment=true"):
        ColumnGeneBertConfig(**{**PLAIN, "enrichment": False}, motifs=MOTIFS)


@pytest.mark.parametrize("objective", [CONTRAST["contrast"], EXCLUSIVE["exclusive"], ALWAYS_RANKED])
def test_regions_that_are_not_the_sequences_own_teach_no_alignment(objective: Objective) -> None:
    def gradient(data: dict[str, Any]) -> Tensor:
        step = Step(build("aligned"), {"it": objective})
        step(data, 0)["loss"].backward()
        assert isinstance(step.model, AlignedGeneBert)
        assert step.model.regions_code_map.weight.grad is not None
        return step.model.regions_code_map.weight.grad

    whole, other = given(), given()
    false_B = whole["match_label"] == 0
    assert false_B.any()
    other["matrix"] = torch.where(false_B[:, None, None], 0.5, whole["matrix"])
    assert torch.equal(gradient(other), gradient(whole))
    assert gradient(whole).any()


def test_a_masked_copy_that_lost_nothing_is_not_ranked_as_worse() -> None:
    data = given()
    data["masked_ids"] = data["ids"]
    assert not Views(build("aligned"), data)["worse_if_masked"].any()


def test_guidance_starts_from_the_code_without_tags() -> None:
    views = Views(build("tagged"), given())
    assert torch.equal(views["regions"], views["regions_unguided"])


def guided(matrix: Tensor, mask: Tensor) -> Tensor:
    model = build("tagged")
    assert isinstance(model, TaggedGeneBert)
    torch.nn.init.normal_(model.gathered.weight, generator=torch.Generator().manual_seed(3))
    regions: Tensor = Views(model, {"matrix": matrix, "region_mask": mask})["regions"]
    return regions


@torch.no_grad()
def test_tags_name_the_motifs_that_the_shown_regions_hit_and_no_others() -> None:
    matrix = torch.zeros(2, MOTIFS, 4)
    matrix[0, 1, 0], matrix[0, 3, 3], matrix[1, 2, :2] = 0.5, 0.5, 0.1
    mask = torch.tensor([[True, True, True, False], [True] * 4])
    tags = Views(build("tagged"), {"matrix": matrix, "region_mask": mask})["motif_tags"]
    assert tags.mask_BT.tolist() == [
        [False, True, False, False, False],  # what padding hits is no tag
        [False, False, True, False, False],
    ]
    names = build("tagged").names.weight  # type: ignore[union-attr]
    torch.testing.assert_close(tags.states_BTD[1, 2], names[2] * 0.5)


@torch.no_grad()
def test_a_motif_that_only_a_region_that_was_taken_out_hits_is_no_tag() -> None:
    whole = torch.zeros(1, MOTIFS, 4)
    whole[0, 1, 0], whole[0, 3, 1:] = 0.5, 0.5
    holed = whole.clone()
    holed[:, :, 0] = 0.0
    tags = [
        Views(build("tagged"), {"matrix": matrix, "region_mask": torch.ones(1, 4, dtype=torch.bool)})["motif_tags"]
        for matrix in (whole, holed)
    ]
    assert [found.mask_BT[0].nonzero().flatten().tolist() for found in tags] == [[1, 3], [3]]
    assert torch.equal(tags[0].states_BTD[0, 3], tags[1].states_BTD[0, 3]), "the others' shares are as they were"


def test_tags_are_read_from_the_shown_regions_alone() -> None:
    assert graph_of(TaggedGeneBert).fields(["motif_tags"]) == {"matrix", "region_mask"}


@torch.no_grad()
def test_tags_do_not_depend_on_padding() -> None:
    data = given()
    dirty = data["matrix"].masked_fill(~data["region_mask"][:, None], torch.nan)
    torch.testing.assert_close(guided(dirty, data["region_mask"]), guided(data["matrix"], data["region_mask"]))


def restoring() -> RestoringGeneBert:
    model = build("restoring")
    assert isinstance(model, RestoringGeneBert)
    return model


@torch.no_grad()
def test_targets_are_the_hidden_cells_row_by_row() -> None:
    data = given()
    data["hidden_cells"] = torch.tensor([[True, False], [False, True]]).expand(ROWS, -1, -1)
    padded = torch.zeros(ROWS, *GRID)
    padded[:, :MOTIFS, : data["matrix"].shape[2]] = data["matrix"].masked_fill(~data["region_mask"][:, None], 0.0)
    wanted = torch.stack([padded[:, :4, :4].flatten(1), padded[:, 4:, 4:].flatten(1)], 1)
    views = Views(restoring(), data)
    assert torch.equal(views["hidden_regions_target"], wanted)
    assert views["hidden_regions"].shape == wanted.shape


@torch.no_grad()
def test_what_is_hidden_is_not_seen_by_what_restores_it() -> None:
    data = given()
    hidden = data["hidden_cells"].repeat_interleave(4, 1).repeat_interleave(4, 2)[:, :MOTIFS, : data["matrix"].shape[2]]
    other = data["matrix"].masked_fill(hidden, 0.9)
    model = restoring()
    shown, changed = Views(model, data), Views(model, {**data, "matrix": other})
    assert torch.equal(shown["hidden_regions"], changed["hidden_regions"])
    assert not torch.equal(shown["regions"], changed["regions"])


def test_a_step_learns_what_is_hidden() -> None:
    torch.manual_seed(0)
    step, data = Step(CONFIGS["restoring"].build(), RESTORING), given()
    optimizer = torch.optim.AdamW(step.parameters(), lr=2e-2)
    losses = []
    for number in range(15):
        loss = step(data, number)["loss"]
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.parametrize("rate", [0.0, 0.01, 1.0])
def test_a_rate_that_hides_nothing_or_all_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="must hide some of 2 x 2 cells, and not all"):
        HiddenCells(grid=(2, 2), rate=rate)


def test_cells_of_another_grid_are_refused() -> None:
    data = given()
    data["hidden_cells"] = torch.ones(ROWS, 4, 4, dtype=torch.bool)
    with pytest.raises(ValueError, match=r"data.hidden.grid=\(4, 4\), the encoder ends with \(2, 2\) cells"):
        Views(restoring(), data)["hidden_regions"]


def test_a_swin_that_cannot_hide_is_refused() -> None:
    plain = SwinRegions(grid=GRID, swin=SWIN)
    with pytest.raises(ValueError, match="mask_token=true"):
        RestoringGeneBertConfig(**{**PLAIN, "regions": plain})
    with pytest.raises(ValueError, match="do not tile"):
        RestoringGeneBertConfig(**{**PLAIN, "regions": SwinRegions(grid=(8, 10), swin=MASKED.swin)})
