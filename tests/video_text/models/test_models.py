"""What every model of clips and texts must hold."""

from collections import Counter
from pathlib import Path

import pytest
import torch

from quatrefoil.core.objectives import Objective, Step
from quatrefoil.core.training.trainer import freeze_unreached
from quatrefoil.core.views import Views
from quatrefoil.video_text.datasets.fields import TAG_WORDS, TAGS
from quatrefoil.video_text.models.table import Table, TableConfig
from quatrefoil.video_text.models.two_tower import TwoTowerConfig
from quatrefoil.video_text.recipes.table import ALL, VTC
from tests.video_text.models.small import CROSS, MODELS, PARTS, batch_of, sample

Case = tuple[TwoTowerConfig, dict[str, Objective]]
every_model = pytest.mark.parametrize("case", MODELS.values(), ids=MODELS.keys())
BATCH = [sample(0), sample(1, tags=5, words=7), sample(2, tags=0), sample(3, tags=1, words=2)]
TAGGED = [name for name in MODELS if name != "frames"]


def build(config: TwoTowerConfig) -> torch.nn.Module:
    torch.manual_seed(0)
    model = config.build().eval()
    for parameter in model.parameters():  # nothing stays at a start of zero, which could hide a dependence
        parameter.data += 0.05 * torch.randn_like(parameter)
    return model


@every_model
def test_codes_do_not_depend_on_the_rest_of_the_batch_nor_on_padding(case: Case) -> None:
    model = build(case[0])
    together = Views(model, batch_of(*BATCH))
    for row, one in enumerate(BATCH):
        alone = Views(model, batch_of(one))
        for view in ("video", "text"):
            torch.testing.assert_close(together[view][row : row + 1], alone[view], rtol=0, atol=1e-5)
            assert alone[view].norm(dim=-1).item() == pytest.approx(1, abs=1e-5)


@every_model
def test_the_video_code_never_sees_the_query(case: Case) -> None:
    graph_fields = Views(build(case[0]), {})._graph.fields(["video"])
    assert not {field for field in graph_fields if field.startswith("text")}


@every_model
def test_every_parameter_is_reached_by_its_objectives_or_is_listed(case: Case) -> None:
    config, objectives = case
    frozen = freeze_unreached(Step(config.build(), objectives), batch_of(*BATCH))
    assert frozen == []


@every_model
def test_a_saved_model_comes_back_bit_for_bit(case: Case, tmp_path: Path) -> None:
    model = build(case[0])
    model.assets = {"tokenizer.json": "{}", "preprocessing.json": "{}"}
    model.save_pretrained(tmp_path)
    again = type(model).from_pretrained(tmp_path)
    assert again.config == case[0]
    batch = batch_of(*BATCH)
    assert all(torch.equal(Views(model, batch)[view], Views(again, batch)[view]) for view in ("video", "text"))
    assert again.assets == model.assets


@every_model
def test_a_few_steps_learn_a_few_pairs(case: Case) -> None:
    config, objectives = case
    torch.manual_seed(0)
    step = Step(config.build(), objectives)
    optimizer = torch.optim.AdamW(step.parameters(), lr=3e-3)
    batch = batch_of(*BATCH)
    losses = []
    for number in range(40):
        losses.append(step(batch, number)["vtc/loss"].item())
        optimizer.zero_grad()
        step(batch, number)["loss"].backward()
        optimizer.step()
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize("name", TAGGED)
def test_tags_change_the_video_code_and_the_order_of_words_does_not(name: str) -> None:
    model = build(MODELS[name][0])
    one, other = dict(BATCH[1]), dict(BATCH[1])
    swap = torch.tensor([3, 0, 4, 1, 2])
    for field in TAG_WORDS:
        one[field] = BATCH[1][field][swap]
    other |= {field: BATCH[0][field] for field in TAGS}
    code, reordered, changed = (Views(model, batch_of(s))["video"] for s in (BATCH[1], one, other))
    torch.testing.assert_close(reordered, code, rtol=0, atol=1e-5)
    assert (changed - code).norm() > 1e-3


@pytest.mark.parametrize("name", TAGGED)
def test_a_batch_in_which_no_clip_has_tags_is_a_batch_like_any_other(name: str) -> None:
    config, objectives = MODELS[name]
    loss = Step(config.build(), objectives)(batch_of(sample(5, tags=0), sample(6, tags=0)), 0)["loss"]
    assert torch.isfinite(loss)
    loss.backward()


def test_at_the_start_table_equals_mean_pooling() -> None:
    torch.manual_seed(0)
    table = TableConfig(**PARTS, **CROSS).build().eval()
    frames = TwoTowerConfig(**PARTS).build().eval()
    frames.load_state_dict({k: v for k, v in table.state_dict().items() if k in frames.state_dict()})
    batch = batch_of(*BATCH)
    torch.testing.assert_close(Views(table, batch)["video"], Views(frames, batch)["video"], rtol=0, atol=1e-6)


def calls_of(objectives: dict[str, Objective]) -> Counter[str]:
    step = Step(TableConfig(**PARTS, **CROSS).build(), objectives)
    calls: Counter[str] = Counter()
    for name, module in step.model.named_children():
        module.register_forward_hook(lambda *_, name=name: calls.update([name]))
    step(batch_of(*BATCH), 0)
    return calls


def test_an_objective_switched_off_switches_off_the_encoders_that_only_it_needs() -> None:
    everything, alone = calls_of(dict(ALL)), calls_of(dict(VTC))
    assert everything["joint_encoder"] == 2
    assert everything["textual"] == 3  # captions, their masked copies, tags
    assert alone["joint_encoder"] == alone["match_head"] == alone["token_head"] == 0
    assert alone["textual"] == 2
    assert alone["visual"] == everything["visual"] == alone["tag_guide"] == 1


def test_masked_words_are_predicted_from_both_sides_and_from_the_clip() -> None:
    model = build(TableConfig(**PARTS, **CROSS))
    first = batch_of(BATCH[1])
    right = {**first, "text_masked_ids": first["text_masked_ids"].clone()}
    right["text_masked_ids"][0, 6] = 7
    clip = {**first, "frames": torch.zeros_like(first["frames"])}
    logits = [Views(model, batch)["text_token_logits"] for batch in (first, right, clip)]
    assert (logits[1] - logits[0]).abs().max() > 1e-4
    assert (logits[2] - logits[0]).abs().max() > 1e-4


def test_a_configuration_with_two_widths_of_the_shared_space_is_refused() -> None:
    with pytest.raises(ValueError, match="projection must be one width"):
        Table(TableConfig(vision=PARTS["vision"]))


def test_the_order_of_a_tag_sentence_changes_the_video_code() -> None:
    model = build(MODELS["table-sentence"][0])
    sentence = BATCH[1]["tag_sentence"]
    turned = {**BATCH[1], "tag_sentence": torch.cat([sentence[:1], sentence[1:-1].flip(0), sentence[-1:]])}
    codes = [Views(model, batch_of(one))["video"] for one in (BATCH[1], turned)]
    assert (codes[1] - codes[0]).norm() > 1e-4


def test_a_model_is_not_built_from_the_configuration_of_another() -> None:
    with pytest.raises(ValueError, match="of a SentenceTable, not of a Table"):
        Table(TableConfig(**PARTS, **CROSS, tag_form="sentence"))
