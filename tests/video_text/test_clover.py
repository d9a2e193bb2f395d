"""Clover computes each view from what it names and nothing more; the official code's values are in tests/golden."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from quatrefoil.core.data.collate import collate
from quatrefoil.core.hub import Model
from quatrefoil.core.losses import IGNORE
from quatrefoil.core.nn.bert import BertConfig, bert_transformer
from quatrefoil.core.objectives import (
    Classification,
    Contrastive,
    ExclusiveContrastive,
    FocalMaskedTokens,
    Objective,
    Ranking,
    Step,
)
from quatrefoil.core.training.trainer import freeze_unreached
from quatrefoil.core.views import Views, graph_of
from quatrefoil.video_text.encoders.video_swin import video_swin
from quatrefoil.video_text.media.augment import FrameTransform
from quatrefoil.video_text.media.sampling import FrameSampling
from quatrefoil.video_text.models.clover import Clover, CloverConfig
from quatrefoil.video_text.models.clover_answers import AnswerConfig, CloverAnswers, CloverAnswersConfig
from quatrefoil.video_text.models.clover_choices import CloverChoicesConfig
from quatrefoil.video_text.models.clover_fusion import FusionConfig
from quatrefoil.video_text.models.clover_heads import HeadWidths
from quatrefoil.video_text.models.clover_sizes import small_clover
from quatrefoil.video_text.models.clover_weights import clover_places, is_official, load_clover
from quatrefoil.video_text.models.pretrained import reads_other_tokens
from quatrefoil.video_text.preprocessing import Preprocessing
from quatrefoil.video_text.recipes.clover import EARLY, PRETRAIN
from quatrefoil.video_text.text.tokenizer import TextTokenizer

BLOCKS = bert_transformer(16, 2, 2)
SMALL = CloverConfig(
    video=video_swin(8, (2, 2), (1, 2), window=(2, 2, 2), mask_token=True),
    text=BertConfig(vocab_size=40, max_positions=24, transformer=BLOCKS),
    fusion=FusionConfig(times=2, transformer=replace(BLOCKS, layers=1)),
    heads=HeadWidths(video=24, text=20, fused_video=28, fused_text=18),
    image_size=32,
    projection=12,
)
SIZES = {name: getattr(SMALL, name) for name in ("video", "text", "fusion", "heads", "image_size", "projection")}
ANSWERS = {
    "open_ended": AnswerConfig(task="open_ended", answers=6, hidden=8),
    "multiple_choice": AnswerConfig(task="multiple_choice", answers=1, hidden=8),
    "fill_in_the_blank": AnswerConfig(task="fill_in_the_blank", answers=6, hidden=8, mask_id=3),
}
VARIANTS = {
    "official": SMALL,
    "text_cls": replace(SMALL, fused_readout="text_cls"),
    "joint token": replace(SMALL, fusion=replace(SMALL.fusion, joint="token")),
    "joint token, text_cls": replace(
        SMALL, fusion=replace(SMALL.fusion, joint="token"), fused_readout="text_cls"
    ),
}  # fmt: skip
every_variant = pytest.mark.parametrize("config", VARIANTS.values(), ids=VARIANTS.keys())
SCALE, MARGIN = 20.0, 5.0
RANKINGS: dict[str, Objective] = {
    "rank_text": Ranking("video", "text", "text_masked", SCALE, MARGIN, weights="text_has_mask"),
    "rank_video": Ranking("text", "video", "video_masked", SCALE, MARGIN),
}
ALL: dict[str, Objective] = {
    "mlm": FocalMaskedTokens("text_token_logits", "text_labels", gamma=2.0),
    "tma_video": ExclusiveContrastive("video", ("text", "text_masked", "fused_masked_video"), SCALE),
    "tma_text": ExclusiveContrastive("text", ("video", "video_masked", "fused_masked_text"), SCALE),
    **RANKINGS,
}
RETRIEVAL: dict[str, Objective] = {"vtc": Contrastive("video", "text", SCALE)}
CODES = ("video", "video_masked", "text", "text_masked", "fused_masked_video", "fused_masked_text", "fused_video",
         "fused_text")  # fmt: skip


def without(*names: str) -> dict[str, Objective]:
    return {name: objective for name, objective in ALL.items() if name not in names}


def sample(number: int, words: int = 4, frames: int = 4) -> dict[str, Any]:
    """Four frames (two times), a caption of which a word is masked, and a question with a blank."""
    draw = torch.Generator().manual_seed(number)
    text = torch.tensor([1, *torch.randint(5, 40, (words,), generator=draw).tolist(), 2])
    labels = torch.full_like(text, IGNORE)
    labels[2] = text[2]
    cells = torch.zeros(4, 4, dtype=torch.bool)
    cells[number % 3 : number % 3 + 2, 1:3] = True
    mask = torch.ones(len(text), dtype=torch.bool)
    masked = text.index_fill(0, torch.tensor(2), 3)
    return {
        "id": f"clip{number}",
        "group": number,
        "frames": torch.randint(0, 256, (frames, 3, 32, 32), generator=draw, dtype=torch.uint8),
        "video_masked_cells": cells,
        "text_ids": text,
        "text_mask": mask,
        "text_masked_ids": masked,
        "text_labels": labels,
        "question_ids": masked,
        "question_mask": mask,
    }


BATCH = [sample(0), sample(1, words=7), sample(2, words=2)]


def batch_of(*samples: dict[str, Any]) -> dict[str, Any]:
    return collate(samples, {"text_labels": IGNORE})


def build(config: CloverConfig) -> Any:
    torch.manual_seed(0)
    model = config.build().eval()
    for parameter in model.parameters():  # nothing stays at a start of zero, which could hide a dependence
        parameter.data += 0.05 * torch.randn_like(parameter)
    return model


def answers(task: str, config: CloverConfig = SMALL) -> CloverAnswersConfig:
    return CloverAnswersConfig(**(SIZES | {"fusion": config.fusion}), answer=ANSWERS[task])


@every_variant
def test_codes_do_not_depend_on_the_rest_of_the_batch_nor_on_padding(config: CloverConfig) -> None:
    model = build(config)
    together = Views(model, batch_of(*BATCH))
    for row, one in enumerate(BATCH):
        alone = Views(model, batch_of(one))
        for view in CODES:
            torch.testing.assert_close(together[view][row : row + 1], alone[view], rtol=0, atol=1e-5)
            assert alone[view].norm(dim=-1).item() == pytest.approx(1, abs=1e-5)
        logits = alone["text_token_logits"]
        torch.testing.assert_close(together["text_token_logits"][row : row + 1], logits, rtol=0, atol=1e-5)


@every_variant
def test_every_parameter_is_reached_by_the_objectives_of_pre_training(config: CloverConfig) -> None:
    assert freeze_unreached(Step(config.build(), ALL), batch_of(*BATCH)) == []


def calls_of(objectives: dict[str, Objective]) -> Counter[str]:
    step, calls = Step(SMALL.build(), objectives), Counter[str]()
    for name, module in step.model.named_children():
        module.register_forward_hook(lambda *_, name=name: calls.update([name]))
    step(batch_of(*BATCH), 0)
    return calls


TOWERS = {"visual": 2, "textual": 2, "video_head": 2, "text_head": 2}
FUSED_VIDEO = {"visual_tokens": 1, "fusion": 1, "fused_video_head": 1}
FUSED_TEXT = {"visual_tokens": 1, "fusion": 1, "fused_text_head": 1}


@pytest.mark.parametrize(
    ("objectives", "wanted"),
    [
        (ALL, Counter(TOWERS) + Counter(FUSED_VIDEO) + Counter(FUSED_TEXT) + Counter(token_head=1)),
        (without("mlm"), Counter(TOWERS) + Counter(FUSED_VIDEO) + Counter(FUSED_TEXT)),
        (without("mlm", "tma_video"), Counter(TOWERS) + Counter(FUSED_TEXT)),
        (without("mlm", "tma_text"), Counter(TOWERS) + Counter(FUSED_VIDEO)),
        (RANKINGS, Counter(TOWERS)),
        ({"rank_text": RANKINGS["rank_text"]}, Counter(visual=1, textual=2, video_head=1, text_head=2)),
        (RETRIEVAL, Counter(visual=1, textual=1, video_head=1, text_head=1)),
        ({"mlm": ALL["mlm"]}, Counter(visual=1, textual=1, visual_tokens=1, fusion=1, token_head=1)),
    ],
    ids=["all", "no mlm", "anchor text", "anchor video", "rankings", "one ranking", "retrieval", "mlm"],
)
def test_no_pass_runs_that_no_objective_asked_for(objectives: dict[str, Objective], wanted: Counter[str]) -> None:
    assert calls_of(objectives) == wanted


def test_retrieval_asks_the_data_for_frames_and_captions_alone() -> None:
    assert graph_of(Clover).fields(["video", "text"]) == {"frames", "text_ids", "text_mask"}
    assert graph_of(Clover).fields(["video"]) == {"frames"}


def test_a_few_steps_put_codes_in_order() -> None:
    torch.manual_seed(0)
    step = Step(SMALL.build(), without("mlm")).eval()
    optimizer, batch = torch.optim.AdamW(step.parameters(), lr=1e-3), batch_of(*BATCH)
    for number in range(22):
        optimizer.zero_grad()
        step(batch, number)["loss"].backward()
        optimizer.step()
    accuracies = {name: value.item() for name, value in step(batch, 22).items() if "accuracy" in name}
    assert accuracies == dict.fromkeys(accuracies, pytest.approx(1))
    assert len(accuracies) == 2 * 2 + 2


def test_masked_cells_hide_their_pixels_at_all_times_and_only_them() -> None:
    model, first = build(SMALL), batch_of(BATCH[0])
    inside, outside = ({**first, "frames": first["frames"].clone()} for _ in range(2))
    inside["frames"][..., :16, 8:24] = 7  # cells of 8 pixels: rows 0 and 1, columns 1 and 2 are masked
    outside["frames"][..., 16:, :] = 7
    views, hidden, seen = (Views(model, batch) for batch in (first, inside, outside))
    assert torch.equal(hidden["video_masked"], views["video_masked"])
    assert (hidden["video"] - views["video"]).norm() > 1e-3
    assert (seen["video_masked"] - views["video_masked"]).norm() > 1e-3
    nothing = Views(model, {**first, "video_masked_cells": torch.zeros(1, 4, 4, dtype=torch.bool)})
    assert torch.equal(nothing["video_masked"], views["video"])


def test_a_fused_code_reads_the_masked_copy_of_one_side_and_the_complete_other() -> None:
    model, first = build(SMALL), batch_of(*BATCH)
    changes = {
        "video_masked_cells": first["video_masked_cells"].roll(1, 1),
        "text_ids": first["text_ids"].clamp(min=4),
        "text_masked_ids": first["text_masked_ids"].clamp(min=4),
    }
    reads = {
        "fused_masked_video": {"video_masked_cells", "text_ids"},
        "fused_masked_text": {"text_masked_ids"},
        "fused_video": {"text_ids"},
        "fused_text": {"text_ids"},
    }
    for view, fields in reads.items():
        before = Views(model, first)[view]
        changed = {
            name for name, value in changes.items() if not torch.equal(with_(model, first, name, value)[view], before)
        }
        assert changed == fields


@every_variant
def test_where_nothing_is_masked_the_masked_and_the_complete_fusion_are_one(config: CloverConfig) -> None:
    batch = batch_of(*BATCH)
    batch |= {"video_masked_cells": batch["video_masked_cells"] & False, "text_masked_ids": batch["text_ids"]}
    views = Views(build(config), batch)
    for masked, complete in (("fused_masked_video", "fused_video"), ("fused_masked_text", "fused_text")):
        torch.testing.assert_close(views[masked], views[complete])


def with_(model: Model, batch: dict[str, Any], name: str, value: Tensor) -> Views:
    return Views(model, {**batch, name: value})


def specified(anchor_BP: Tensor, positives: list[Tensor]) -> Tensor:
    """The alignment loss as the specification writes it (section 3.1), term by term."""
    scores = [SCALE * anchor_BP @ positive_BP.T for positive_BP in positives]
    rows = range(len(anchor_BP))
    others = [[s[i, j] for s in scores for j in rows if j != i] for i in rows]
    forward = [sum(torch.stack([s[i, i], *others[i]]).logsumexp(0) - s[i, i] for s in scores) for i in rows]
    backward = [torch.stack([s[:, j].logsumexp(0) - s[j, j] for j in rows]).mean() for s in scores]
    return torch.stack([torch.as_tensor(term) for term in forward]).mean() + torch.stack(backward).mean()


@pytest.mark.parametrize(
    ("objectives", "crossed"), [(PRETRAIN, True), (EARLY, False)], ids=["final pairing", "early pairing"]
)
def test_either_pairing_is_the_formula_of_the_specification(objectives: dict[str, Objective], crossed: bool) -> None:
    model, batch = build(SMALL), batch_of(*BATCH)
    views = Views(model, batch)
    of_video, of_text = "fused_masked_video", "fused_masked_text"  # <masked video, text>, <video, masked text>
    third = {"video": of_video if crossed else of_text, "text": of_text if crossed else of_video}
    losses = Step(model, objectives)(batch, 0)
    for anchor, other in (("video", "text"), ("text", "video")):
        positives = [views[other], views[f"{other}_masked"], views[third[anchor]]]
        torch.testing.assert_close(losses[f"tma_{anchor}/loss"], specified(views[anchor], positives))


def test_the_read_out_of_fusion_is_the_mean_of_visual_states_or_the_joint_state() -> None:
    batch = batch_of(*BATCH)
    by_mean, by_cls = build(SMALL), build(VARIANTS["text_cls"])
    fused = Views(by_mean, batch)["fusion_masked_video"]
    for model, state in ((by_mean, fused.visual_BVD.mean(1)), (by_cls, fused.text_BLD[:, 0])):
        wanted = torch.nn.functional.normalize(model.fused_video_head(state), dim=-1)
        torch.testing.assert_close(Views(model, batch)["fused_masked_video"], wanted)


def test_a_joint_token_stands_between_vision_and_text() -> None:
    model, batch = build(VARIANTS["joint token"]), batch_of(*BATCH)
    fused = Views(model, batch)["fusion_masked_text"]
    assert fused.visual_BVD.shape == (3, 2 * 16, 16)
    assert fused.text_BLD.shape == (*batch["text_ids"].shape, 16)
    assert (fused.joint_BD - fused.text_BLD[:, 0]).abs().max() > 1e-3
    assert (fused.joint_BD - fused.visual_BVD[:, -1]).abs().max() > 1e-3


def test_masked_words_are_predicted_from_both_sides_and_from_the_clip() -> None:
    model, first = build(SMALL), batch_of(BATCH[1])
    right = first["text_masked_ids"].clone()
    right[0, 6] = 7
    before = Views(model, first)["text_token_logits"]
    assert before.shape == (1, 40)
    for name, value in (("text_masked_ids", right), ("frames", torch.zeros_like(first["frames"]))):
        assert (with_(model, first, name, value)["text_token_logits"] - before).abs().max() > 1e-4


@pytest.mark.parametrize("chosen", [True, False])
def test_a_copy_that_equals_its_text_is_not_ranked(chosen: bool) -> None:
    model, plain = build(SMALL), dict(BATCH[0])
    assert (plain["text_labels"] != IGNORE).any()  # a tenth of what is chosen keeps its word
    plain["text_masked_ids"] = plain["text_ids"]
    if not chosen:
        plain["text_labels"] = torch.full_like(plain["text_labels"], IGNORE)
    batch = batch_of(plain, BATCH[1])
    assert Views(model, batch)["text_has_mask"].tolist() == [False, True]
    both = Step(model, {"rank": RANKINGS["rank_text"]})(batch, 0)["rank/loss"]
    alone = Step(model, {"rank": RANKINGS["rank_text"]})(batch_of(BATCH[1]), 0)["rank/loss"]
    torch.testing.assert_close(both, alone)
    assert len(Views(model, batch_of(plain))["text_token_logits"]) == int((plain["text_labels"] != IGNORE).sum())


def test_clips_longer_than_the_fusion_encoder_knows_are_retrieved_and_not_fused() -> None:
    model, batch = build(SMALL), batch_of(sample(0, frames=12))
    views = Views(model, batch)
    assert views["video_states"].shape == (1, 6, 4, 4, 16)
    assert views["video"].shape == views["video_masked"].shape == (1, 12)
    with pytest.raises(ValueError, match=r"6 times of 16 places.*positions for 2 times"):
        views["fused_masked_text"]
    wide = {**batch_of(BATCH[0]), "frames": torch.zeros(1, 4, 3, 48, 48, dtype=torch.uint8)}
    with pytest.raises(ValueError, match="36 places cannot be fused"):
        Views(model, wide)["fused_masked_text"]


def test_the_states_of_several_clips_are_averaged() -> None:
    model, batch = build(SMALL), batch_of(*BATCH)
    clips = [batch["frames"], batch["frames"].flip(0)]
    several = with_(model, batch, "frames", torch.stack(clips, 1))
    for states in ("video_states", "video_masked_states"):
        wanted = torch.stack([with_(model, batch, "frames", frames)[states] for frames in clips]).mean(0)
        torch.testing.assert_close(several[states], wanted, rtol=0, atol=1e-5)
    assert several["fused_masked_text"].shape == (3, 12)


@pytest.mark.parametrize("task", ["open_ended", "fill_in_the_blank"])
@every_variant
def test_answers_do_not_depend_on_the_rest_of_the_batch_nor_on_padding(config: CloverConfig, task: str) -> None:
    model = build(answers(task, config))
    together = Views(model, batch_of(*BATCH))["answer_logits"]
    assert together.shape == (3, 6)
    for row, one in enumerate(BATCH):
        alone = Views(model, batch_of(one))["answer_logits"]
        torch.testing.assert_close(together[row : row + 1], alone, rtol=0, atol=1e-5)


def choices() -> dict[str, Tensor]:
    """Three candidates for each of three clips, of different lengths."""
    ids = torch.randint(5, 40, (3, 3, 9), generator=torch.Generator().manual_seed(0))
    mask = torch.arange(9) < torch.tensor([[9, 4, 6], [5, 9, 3], [7, 8, 2]])[..., None]
    return {"question_ids": ids * mask, "question_mask": mask}


def test_a_candidate_is_scored_as_if_it_were_alone() -> None:
    model, batch, texts = build(answers("multiple_choice")), batch_of(*BATCH), choices()
    together = Views(model, batch | texts)["answer_logits"]
    assert together.shape == (3, 3)
    for number in range(3):
        one = {name: value[:, number : number + 1] for name, value in texts.items()}
        torch.testing.assert_close(Views(model, batch | one)["answer_logits"], together[:, number : number + 1])
    order = torch.tensor([2, 0, 1])
    shuffled = Views(model, batch | {name: value[:, order] for name, value in texts.items()})["answer_logits"]
    torch.testing.assert_close(shuffled, together[:, order])


def test_a_video_is_encoded_once_for_all_of_its_candidates() -> None:
    model, rows = build(answers("multiple_choice")), Counter[str]()
    for name, module in model.named_children():
        module.register_forward_hook(lambda _, inputs, __, name=name: rows.update({name: len(inputs[0])}))
    Views(model, batch_of(*BATCH) | choices())["answer_logits"]
    assert rows == Counter(visual=3, visual_tokens=3, textual=9, fusion=9, answer_head=9)


def test_a_blank_is_filled_from_the_state_of_its_mask_token() -> None:
    model, batch = build(answers("fill_in_the_blank")), batch_of(*BATCH)
    views = Views(model, batch)
    states = views["fusion_question"].text_BLD[:, 2]
    torch.testing.assert_close(views["answer_logits"], model.answer_head(states))
    for wrong in (batch["question_ids"].clamp(min=4), torch.full_like(batch["question_ids"], 3)):
        with pytest.raises(ValueError, match="exactly one blank"):
            with_(model, batch, "question_ids", wrong)["answer_logits"]


def test_a_candidate_that_is_absent_is_never_chosen_and_moves_nothing() -> None:
    batch, texts = batch_of(*BATCH), choices()
    texts["question_mask"][1, 2] = False  # the second question has two candidates, the first two as before
    batch |= {"answer": torch.tensor([2, 1, 0])}
    for config, logits in (
        (answers("multiple_choice"), "answer_logits"),
        (CloverChoicesConfig(**SIZES), "choice_logits"),
    ):
        model = build(config)
        given, absent = (Views(model, batch | choices())[logits], Views(model, batch | texts)[logits])
        assert absent.isfinite().all()
        assert (absent[1, 2] < absent[1, :2] - 1e30).all()
        present = torch.ones(3, 3, dtype=torch.bool)
        present[1, 2] = False
        torch.testing.assert_close(absent[present], given[present])
        step = Step(model, {"choose": Classification(logits, "answer")})
        gradients = list[dict[str, Tensor]]()
        for ids in (texts["question_ids"], texts["question_ids"].clone()):
            if gradients:
                ids[1, 2, 1:] = 7
            model.zero_grad()
            step(batch | texts | {"question_ids": ids}, 0)["loss"].backward()
            gradients.append({name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None})
        assert all(value.isfinite().all() for value in gradients[0].values())
        assert all(torch.equal(value, gradients[1][name]) for name, value in gradients[0].items())


@pytest.mark.parametrize("task", ANSWERS)
def test_an_empty_batch_has_answers_of_no_rows(task: str) -> None:
    texts = choices() if task == "multiple_choice" else {}
    empty = {name: value[:0] for name, value in (batch_of(*BATCH) | texts).items() if isinstance(value, Tensor)}
    views = Views(build(answers(task)), empty)
    assert views["answer_logits"].shape == (0, 3 if task == "multiple_choice" else 6)
    assert all(views[name].shape == (0, 12) for name in CODES)


def test_answering_reaches_everything_but_the_heads_of_pre_training() -> None:
    model = answers("open_ended").build()
    Views(model, batch_of(*BATCH))["answer_logits"].sum().backward()
    unreached = {name.split(".")[0] for name, p in model.named_parameters() if p.grad is None}
    heads = {name for name, _ in model.named_children() if name.endswith("_head")} - {"answer_head"}
    assert unreached == heads | {"visual"}
    assert [name for name, p in model.visual.named_parameters() if p.grad is None] == ["mask_token"]


@pytest.mark.parametrize("config", [*VARIANTS.values(), answers("open_ended")])
def test_a_saved_model_comes_back_bit_for_bit(config: CloverConfig, tmp_path: Path) -> None:
    model = build(config)
    model.assets = dict.fromkeys(model.asset_names, "{}")
    model.save_pretrained(tmp_path)
    again = type(model).from_pretrained(tmp_path)
    assert again.config == config
    batch = batch_of(*BATCH)
    assert all(torch.equal(Views(model, batch)[view], Views(again.eval(), batch)[view]) for view in CODES)


def test_answering_starts_from_a_pre_trained_model_all_but_its_own_head(tmp_path: Path) -> None:
    trained = build(SMALL)
    trained.assets = dict.fromkeys(trained.asset_names, "{}")
    trained.save_pretrained(tmp_path)
    tuned = replace(answers("open_ended"), pretrained=str(tmp_path)).build()
    ours, theirs = dict(tuned.named_parameters()), dict(trained.named_parameters())
    assert all(torch.equal(ours[name], value) for name, value in theirs.items())
    assert {name.split(".")[0] for name in ours.keys() - theirs.keys()} == {"answer_head"}
    with pytest.raises(ValueError, match="another model"):
        replace(SMALL, fusion=replace(SMALL.fusion, joint="token"), pretrained=str(tmp_path)).build()


def test_text_fusion_and_token_head_start_from_one_bert(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    sizes = {"vocab_size": 40, "max_position_embeddings": 24, "hidden_size": 16, "num_hidden_layers": 2}
    described = transformers.BertConfig(**sizes, num_attention_heads=2, intermediate_size=64)
    theirs = transformers.BertForMaskedLM(described).eval()
    theirs.save_pretrained(tmp_path, safe_serialization=True)
    model = replace(SMALL, bert=str(tmp_path)).build().eval()
    ids = BATCH[0]["text_ids"][None]
    with torch.no_grad():
        states = model.textual(ids)
        torch.testing.assert_close(model.token_head(states), theirs(ids).logits, atol=1e-5, rtol=0)
    pairs = zip(
        model.fusion.transformer.blocks[0].parameters(), model.textual.transformer.blocks[0].parameters(), strict=True
    )
    assert all(torch.equal(a, b) for a, b in pairs)
    assert model.token_head.decoder.weight is not model.textual.token_embedding.weight
    other = replace(SMALL.fusion, transformer=replace(SMALL.fusion.transformer, heads=4))
    with pytest.raises(ValueError, match=r"fusion encoder of another shape; set heads=2 \(not 4\)"):
        replace(SMALL, fusion=other, bert=str(tmp_path)).build()


def official_state(model: Clover) -> dict[str, Tensor]:
    """The model's weights as the official code would have saved them, with some that it never reads."""
    state = dict(
        pair
        for part in clover_places(model).values()
        for place in part
        for pair in zip(place.keys, place.parameter.detach().chunk(len(place.keys)), strict=True)
    )
    prefix = "multimodal_backbone."
    types = [state.pop(f"{prefix}{side}_type") for side in ("vision", "text")]
    state |= {f"{prefix}{name}": state[f"{prefix}{name}"][None, None] for name in ("vis_space_pos",)}
    state |= {f"{prefix}vis_tempor_pos": state[f"{prefix}vis_tempor_pos"][None, :, None]}
    state |= {f"{prefix}token_type_embeddings.weight": torch.stack(types)}
    state |= {"backbone.mask_token": state["backbone.mask_token"][None, :, None, None, None]}
    return state | {
        f"{prefix}bert_embedding.LayerNorm.weight": torch.ones(16),
        "text_backbone.bert.pooler.dense.bias": torch.ones(16),
    }


@pytest.mark.parametrize("config", [SMALL, answers("open_ended")], ids=["pre-training", "answers"])
def test_official_weights_find_their_places(config: CloverConfig) -> None:
    model, fresh = build(config), config.build()
    assert load_clover(fresh, official_state(model)) == ()
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), fresh.parameters(), strict=True))


def test_heads_that_official_weights_lack_keep_their_start_and_are_named() -> None:
    model, fresh = build(SMALL), CloverAnswers(answers("open_ended"))
    before = fresh.answer_head.expand.weight.clone()
    assert load_clover(fresh, official_state(model)) == ("answer_head",)
    assert torch.equal(fresh.answer_head.expand.weight, before)


def test_official_weights_of_retrieval_need_no_fusion_and_may_come_from_within_ddp() -> None:
    model, fresh = build(SMALL), SMALL.build()
    state = {f"module.{k}": v for k, v in official_state(model).items() if not k.startswith("multimodal_backbone.")}
    before = {name: value.clone() for name, value in fresh.state_dict().items()}
    assert is_official(state)
    assert load_clover(fresh, state) == ("visual_tokens", "fusion")
    trained = model.state_dict()
    for name, value in fresh.state_dict().items():
        kept = name.startswith(("visual_tokens.", "fusion."))
        assert torch.equal(value, before[name] if kept else trained[name]), name


@pytest.mark.parametrize(
    ("config", "key", "token"),
    [
        (SMALL, "backbone.mask_token", "visual.mask_token"),  # fine-tuned, and to be pre-trained further
        (answers("fill_in_the_blank", VARIANTS["joint token"]), "multimodal_backbone.all_cls_token",
         "fusion.joint_token"),  # pre-trained, where the text's own first token stood for the pair
    ],
    ids=["mask token", "joint token"],
)  # fmt: skip
def test_a_token_that_official_weights_never_learned_keeps_its_start_and_is_named(
    config: CloverConfig, key: str, token: str
) -> None:
    model, fresh = build(config), config.build()
    state = official_state(model)
    del state[key]
    before = dict(fresh.named_parameters())[token].clone()
    assert load_clover(fresh, state) == (token,)
    ours, theirs = dict(fresh.named_parameters()), dict(model.named_parameters())
    assert torch.equal(ours.pop(token), before)
    assert all(torch.equal(value, theirs[name]) for name, value in ours.items())


def test_an_official_checkpoint_is_a_start_like_any_other(tmp_path: Path) -> None:
    model, path = build(SMALL), tmp_path / "epoch_40.pth"
    torch.save({"meta": {"epoch": 40}, "state_dict": official_state(model), "optimizer": {}}, path)
    same = replace(SMALL, pretrained=str(path)).build()
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), same.parameters(), strict=True))
    tuned = replace(answers("open_ended"), pretrained=str(path)).build()
    assert tuned.started_from == f"{path} (official), fresh: answer_head"
    assert all(torch.equal(value, tuned.state_dict()[name]) for name, value in model.state_dict().items())
    with_assets(tuned, tmp_path)  # it has no tokeniser beside it, with which that of the data could be compared
    assert not reads_other_tokens(tuned.tokenizer, tuned.config.pretrained)


def test_a_key_without_a_place_is_named_and_nothing_is_copied() -> None:
    state, fresh = official_state(build(SMALL)), SMALL.build()
    before = [parameter.clone() for parameter in fresh.parameters()]
    state["stray"] = state.pop("ssl_head.text_projector.2.bias")
    with pytest.raises(
        ValueError, match=r"missing keys \['ssl_head\.text_projector\.2\.bias'\], unexpected keys \['stray'\]"
    ):
        load_clover(fresh, state)
    assert all(torch.equal(a, b) for a, b in zip(before, fresh.parameters(), strict=True))


def with_assets(model: Clover, folder: Path, **changes: Any) -> Clover:
    """Assets that fit `model` but for the changes."""
    TextTokenizer.train(["a red dot rises", "a blue dot falls"] * 3, 270, folder / "tokenizer.json")
    sizes = {"frames": FrameSampling("segments", 4), "transform": FrameTransform(32), "text_length": 12}
    given = Preprocessing(**{**sizes, "tag_length": 4, "tag_sentence_length": 8, **changes})
    model.assets = {"tokenizer.json": (folder / "tokenizer.json").read_text(), "preprocessing.json": given.to_json()}
    return model


def test_impossible_configurations_are_refused() -> None:
    with pytest.raises(ValueError, match="one width, not 16 and 32"):
        replace(SMALL, fusion=FusionConfig(transformer=bert_transformer(32, 1, 2)))
    with pytest.raises(ValueError, match="not from both"):
        replace(SMALL, pretrained="a", bert="b")
    for task, count in (("open_ended", 1), ("multiple_choice", 5), ("fill_in_the_blank", 0)):
        with pytest.raises(ValueError, match=f"answers={count} with task={task}"):
            replace(ANSWERS[task], answers=count)


@pytest.mark.parametrize(("config", "millions"), [(CloverConfig(), 250.18), (small_clover(1024), 1.87)])
def test_the_sizes_are_those_that_we_say(config: CloverConfig, millions: float) -> None:
    with torch.device("meta"):
        model = config.build()
    assert sum(p.numel() for p in model.parameters()) / 1e6 == pytest.approx(millions, abs=0.01)


def test_under_bfloat16_codes_are_of_length_one_and_close_to_those_of_float32() -> None:
    model, batch = build(SMALL), batch_of(*BATCH)
    exact = Views(model, batch)
    with torch.autocast("cpu", torch.bfloat16):
        rough = Views(model, batch)
        for view in CODES:
            torch.testing.assert_close(rough[view].norm(dim=-1), torch.ones(3))
            assert (rough[view] - exact[view]).norm(dim=-1).max() < 0.1


@pytest.mark.parametrize("frames", [4, 8])
def test_the_small_size_trains_on_clips_of_the_embedded_benchmark(frames: int) -> None:
    one = sample(0, frames=frames)
    one |= {"frames": torch.zeros(frames, 3, 96, 96, dtype=torch.uint8), "video_masked_cells": torch.eye(6).bool()}
    loss = Step(small_clover(1024).build(), ALL)(batch_of(one, {**one, "id": "other", "group": 1}), 0)["loss"]
    loss.backward()
    assert torch.isfinite(loss)
