"""Others' objectives on TABLE and VLSA."""

from typing import Any

import pytest
import torch

from quatrefoil.core import recipes
from quatrefoil.core.objectives import Objective, Step
from quatrefoil.core.training.trainer import freeze_unreached
from quatrefoil.core.views import Views, graph_of
from quatrefoil.video_text.models.vlsa import Vlsa
from quatrefoil.video_text.recipes.transplants import EXCLUSIVE, KINDS, RANKING, WHOLE, table_kinds
from quatrefoil.video_text.recipes.vlsa import PRETRAINING
from tests.video_text import test_vlsa as vlsa
from tests.video_text.models import small as table
from tests.video_text.small_vlsa import SMALL

PLANTED = {**WHOLE, **EXCLUSIVE, **RANKING}


def gradients(name: str, objective: Objective, batch: dict[str, Any]) -> dict[str, torch.Tensor]:
    model = vlsa.build(SMALL)
    Step(model, {name: objective})(batch, 0)["loss"].backward()
    return {path: value.grad for path, value in model.named_parameters() if value.grad is not None}


@pytest.mark.parametrize("name", PLANTED)
def test_what_stands_where_there_is_no_sound_trains_nothing(name: str) -> None:
    batch = vlsa.batch_of(*vlsa.MIXED)
    absent_B = ~batch["sound_mask"].any(1)
    assert absent_B.any()
    other = {**batch, "sound": torch.where(absent_B[:, None, None, None], 3.0, batch["sound"])}
    one, two = gradients(name, PLANTED[name], batch), gradients(name, PLANTED[name], other)
    assert one.keys() == two.keys()
    assert any(value.any() for value in one.values())
    for path, value in one.items():
        torch.testing.assert_close(two[path], value, rtol=1e-5, atol=1e-7)


def test_a_masked_text_that_is_its_text_is_not_ranked_as_worse() -> None:
    batch = vlsa.batch_of(*vlsa.HEARD)
    views = Views(vlsa.build(SMALL), {**batch, "text_masked_ids": batch["text_ids"]})
    assert not views["audio_and_masked_text"].any()


def test_no_code_that_vlsa_aligns_holds_another_modality() -> None:
    fields = {name: graph_of(Vlsa).fields([name]) for name in ("audio", "video", "text", "video_global", "text_global")}
    of = {"audio": "sound", "video": "frames", "text": "text"}
    for name, needs in fields.items():
        others = {start for modality, start in of.items() if modality != name.split("_")[0]}
        assert not [need for need in needs if need.startswith(tuple(others))], name


def test_what_is_planted_in_vlsa_weighs_what_it_replaces() -> None:
    replaced = sum(PRETRAINING[name].weight * 2 for name in ("audio_video_contrast", "audio_text_contrast")) / 2
    exclusive = EXCLUSIVE["exclusive"]
    assert exclusive.weight * (len(exclusive.positives) + 1) == pytest.approx(replaced)  # type: ignore[attr-defined]


def test_the_control_of_exclusive_contrast_compares_the_same_whole_sides_with_as_much_weight() -> None:
    exclusive = EXCLUSIVE["exclusive"]
    sides = {side for objective in WHOLE.values() for side in objective.needs} - {"audio_present"}  # not of all
    assert sides < set(exclusive.needs)
    assert not any(side.endswith("_global") for side in sides)
    assert {name: objective.weight for name, objective in WHOLE.items()} == {n: PRETRAINING[n].weight for n in WHOLE}


def kinds_step(*names: str) -> Step:
    torch.manual_seed(0)
    return Step(table.MODELS["table-mean"][0].build(), {name: table_kinds().objectives[name] for name in names})


def batch() -> dict[str, Any]:
    return table.batch_of(*(table.sample(number, tags=1 + number % 3, words=3 + number % 4) for number in range(8)))


def test_matching_of_kinds_reaches_all_that_tables_own_matching_reaches() -> None:
    assert freeze_unreached(kinds_step("vtc", "vtm", "mlm"), batch()) == []


def test_negatives_of_every_kind_differ_from_the_true_pairs() -> None:
    views = Views(kinds_step("vtm").model.eval(), batch())
    for kind in KINDS:
        (name,) = kind.swap
        value = views[name]
        turned = type(value)(*(part.roll(1, 0) for part in value))
        assert (views.replace(**{name: turned})["match"] - views["match"]).abs().amax(1).min() > 1e-6, kind.name


def test_matching_of_kinds_learns_a_batch_by_heart() -> None:
    step, given = kinds_step("vtm"), batch()
    optimizer = torch.optim.AdamW(step.parameters(), lr=3e-3)
    losses = []
    for number in range(40):
        values = step(given, number)
        optimizer.zero_grad()
        values["loss"].backward()
        torch.nn.utils.clip_grad_norm_(step.parameters(), 1.0)
        optimizer.step()
        losses.append(values["vtm/loss"].item())
    assert min(losses[-10:]) < 0.6 < losses[0]  # knowing the share of each class alone gives 0.69


@pytest.mark.parametrize(
    "name",
    [
        "table/stage-kinds",
        "vlsa/stage-pretrain-contrast",
        "vlsa/stage-pretrain-whole",
        "vlsa/stage-pretrain-exclusive",
        "vlsa/stage-pretrain-exclusive-ranking",
    ],
)
def test_recipes_differ_from_their_model_in_objectives_alone(name: str) -> None:
    own = recipes.load("table/stage" if name.startswith("table") else "vlsa/stage-pretrain")
    planted = recipes.load(name)
    assert (planted.model, planted.data, planted.train) == (own.model, own.data, own.train)
    assert planted.objectives != own.objectives
