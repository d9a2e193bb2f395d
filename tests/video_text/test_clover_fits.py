"""What the data give has to fit the model: all that does not is told, at once, before anything is trained."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from quatrefoil.video_text.media.augment import FrameTransform
from quatrefoil.video_text.text.tokenizer import TextTokenizer
from tests.video_text.test_clover import ANSWERS, SMALL, answers, with_assets


def test_sentences_become_codes_and_data_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    words = replace(SMALL, text=replace(SMALL.text, vocab_size=280))
    model = with_assets(words.build(), tmp_path)
    model.check_assets()
    codes = model.encode_text(["a red dot rises", "a dot"])
    torch.testing.assert_close(codes.norm(dim=-1), torch.ones(2))
    torch.testing.assert_close(model.encode_text(["a dot"]), codes[1:], atol=1e-5, rtol=0)
    with pytest.raises(ValueError, match=r"270 token ids, rows for 40"):
        with_assets(SMALL.build(), tmp_path).check_assets()
    for name, value, problem in (
        ("transform", FrameTransform(48), r"transform\.size=48, model\.image_size=32"),
        ("text_length", 99, r"text_length=99 > model\.text\.max_positions=24"),
    ):
        with pytest.raises(ValueError, match=problem):
            with_assets(words.build(), tmp_path, **{name: value}).check_assets()
    blanks = replace(
        answers("fill_in_the_blank"), text=words.text, answer=replace(ANSWERS["fill_in_the_blank"], mask_id=7)
    )
    with pytest.raises(ValueError, match=r"mask token 3, model\.answer\.mask_id=7"):
        with_assets(blanks.build(), tmp_path).check_assets()


@pytest.mark.parametrize("place", [".", "model"], ids=["saved model", "run folder"])
def test_data_in_other_tokens_than_those_of_pre_training_are_refused(tmp_path: Path, place: str) -> None:
    words, folder = replace(SMALL, text=replace(SMALL.text, vocab_size=280)), tmp_path / "trained"
    trained = with_assets(words.build(), tmp_path)
    trained.save_pretrained(folder / place)
    if place == "model":
        (folder / "config.json").write_text("{}")
        (folder / "metrics.json").write_text("{}")
    tuned = replace(words, pretrained=str(folder)).build()
    tuned.assets = dict(trained.assets)
    tuned.check_assets()
    TextTokenizer.train(["another text of other words"] * 3, 270, tmp_path / "other.json")
    other = replace(words, pretrained=str(folder)).build()
    other.assets = trained.assets | {"tokenizer.json": (tmp_path / "other.json").read_text()}
    with pytest.raises(ValueError, match=r"data\.tokenizer is not that of model\.pretrained="):
        other.check_assets()


def test_a_head_is_not_taken_over_by_other_answers_than_it_was_trained_to_tell_apart(tmp_path: Path) -> None:
    asks = answers("open_ended")
    words = replace(asks, text=replace(asks.text, vocab_size=280))
    trained, listed = with_assets(words.build(), tmp_path), json.dumps({"red": 0, "blue": 1})
    trained.assets |= {"answers.json": listed}
    trained.save_pretrained(tmp_path / "trained")
    again = replace(words, pretrained=str(tmp_path / "trained")).build()
    again.assets = dict(trained.assets)
    again.check_assets()
    again.assets |= {"answers.json": json.dumps({"blue": 0, "red": 1})}
    with pytest.raises(ValueError, match=r"the answers are not those that the head of model\.pretrained="):
        again.check_assets()


def test_nothing_that_fits_is_named_and_all_that_does_not_is(tmp_path: Path) -> None:
    words = replace(SMALL, text=replace(SMALL.text, vocab_size=280))
    assert not any(with_assets(words.build(), tmp_path).mismatches().values())
    blanks = replace(answers("fill_in_the_blank"), answer=replace(ANSWERS["fill_in_the_blank"], mask_id=7))
    model = with_assets(blanks.build(), tmp_path, transform=FrameTransform(48), text_length=99)
    wrong = [what for what, is_wrong in model.mismatches().items() if is_wrong]
    assert len(wrong) == 4
    with pytest.raises(ValueError, match="data and model do not fit") as refused:
        model.check_assets()
    assert all(what in str(refused.value) for what in wrong)
