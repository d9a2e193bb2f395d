"""Questions: templates, vocabularies, and what of a split is left."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quatrefoil.core.evaluation.classification import OUTSIDE
from quatrefoil.video_text.datasets.corpus import CorpusError
from quatrefoil.video_text.datasets.msvd_qa import MsvdQa
from quatrefoil.video_text.datasets.questions import (
    MASK,
    UNKNOWN,
    AnswerVocabulary,
    Question,
    answerable,
    blank_filled,
)
from tests.video_text.datasets.small import write_video

WORDS = st.sampled_from(["cat", "dog", "eel", "fox", "gnu"])


def _open(answer: str, number: int = 0) -> Question:
    return Question(f"train#{number}", "clip", "what is it?", answer)


def _training(answers: list[str]) -> list[Question]:
    return [_open(answer, number) for number, answer in enumerate(answers)]


def test_a_choice_is_read_once_for_each_candidate() -> None:
    question = Question("test#0", "clip", "what does it do ?", 1, ("sit", "run"))
    start = "what does it do ? Options: sit run Answer: "
    assert question.inputs == (f"{start}sit", f"{start}run")
    assert Question("test#0", "clip", "", 0, ("a b", "c")).inputs[1] == " Options: a b c Answer: c"


def test_an_open_question_is_read_as_it_is() -> None:
    assert _open("cat").inputs == ("what is it?",)


@pytest.mark.parametrize(
    ("answer", "candidates"), [(2, ("a", "b")), (-1, ("a", "b")), ("a", ("a", "b")), (0, ()), (None, ()), (0, ("a",))]
)
def test_an_answer_that_cannot_be_right_is_refused(answer: Any, candidates: tuple[str, ...]) -> None:
    with pytest.raises(CorpusError, match="test#3: "):
        Question("test#3", "clip", "what?", answer, candidates)


@pytest.mark.parametrize("sentence", ["no blank", "two _____ and _____"])
def test_a_sentence_has_exactly_one_blank(sentence: str) -> None:
    assert blank_filled("he _____ away.", "_____", "here") == f"he {MASK} away."
    with pytest.raises(CorpusError, match="exactly one"):
        blank_filled(sentence, "_____", "here")


@given(st.lists(WORDS, min_size=1), st.integers(1, 6))
def test_a_vocabulary_holds_the_most_frequent_answers_ties_by_alphabet(answers: list[str], size: int) -> None:
    vocabulary, counts = AnswerVocabulary.from_training(_training(answers), size), Counter(answers)
    assert len(vocabulary) == min(size, len(counts))
    kept = [(-counts[answer], answer) for answer in vocabulary.answers]
    assert kept == sorted(kept)
    assert all((-counts[other], other) > kept[-1] for other in set(counts) - set(vocabulary.answers))


@given(st.lists(WORDS, min_size=1), st.integers(1, 6), st.randoms(use_true_random=False))
def test_a_vocabulary_does_not_depend_on_the_order_of_questions(answers: list[str], size: int, rng: Any) -> None:
    shuffled = rng.sample(answers, len(answers))
    one, other = (AnswerVocabulary.from_training(_training(listed), size) for listed in (answers, shuffled))
    assert one == other


@given(st.lists(st.text(min_size=1), min_size=1, unique=True))
def test_a_vocabulary_comes_back_from_its_asset(answers: list[str]) -> None:
    vocabulary = AnswerVocabulary(tuple(answers))
    back = AnswerVocabulary.from_json(vocabulary.to_json())
    assert back == vocabulary
    assert [back.label(_open(answer)) for answer in answers] == list(range(len(answers)))


@pytest.mark.parametrize("content", ["[]", "{}", '{"a": 1}', '{"a": 0, "b": 0}', '{"a": "x"}'])
def test_labels_that_are_no_places_are_refused(content: str) -> None:
    with pytest.raises(ValueError, match="vocabulary needs"):
        AnswerVocabulary.from_json(content)


@given(st.lists(WORDS, min_size=1), st.integers(1, 6))
def test_questions_outside_are_counted_and_the_others_kept_in_order(answers: list[str], size: int) -> None:
    questions = [*_training(answers), _open(UNKNOWN, 999)]
    vocabulary = AnswerVocabulary.from_training(questions, size)
    found = answerable(questions, vocabulary)
    assert [q for q in questions if q.answer in vocabulary.answers] == list(found.questions)
    assert {q.id for q in found.questions} | set(found.dropped) == {q.id for q in questions}
    assert "train#999" in found.dropped
    assert vocabulary.label(_open("never seen")) == vocabulary.label(_open(UNKNOWN)) == OUTSIDE


@pytest.mark.parametrize(("answers", "size"), [([], 5), (["cat"], 0)])
def test_an_empty_vocabulary_is_refused(answers: list[str], size: int) -> None:
    with pytest.raises(ValueError, match="vocabulary"):
        AnswerVocabulary.from_training(_training(answers), size)


def _corpus(root: Path) -> Path:
    for split, clips in (("train", (1, 2)), ("val", (3,))):
        rows = [{"question": f"who {n}?", "answer": f"a{n}", "video_id": n, "id": n} for n in clips for _ in "ab"]
        (root / f"{split}_qa.json").write_text(json.dumps(rows))
    (root / "youtube_mapping.txt").write_text("abc_0_1 vid1\ndef_0_1 vid2\n")
    write_video(root / "videos/abc_0_1.mp4", 20)
    write_video(root / "videos/vid3.mp4", 40)
    return root


def test_questions_without_a_video_are_dropped_by_name_and_change_the_protocol(tmp_path: Path) -> None:
    corpus = MsvdQa(_corpus(tmp_path), "drop")
    train = corpus.question_split("msvd-qa", "train")
    assert ([q.id for q in train.questions], train.dropped) == (["train#0", "train#1"], ("train#2", "train#3"))
    assert train.split.protocol == "msvd-qa[2/3 clips]"
    assert [clip.video.name for clip in train.split.clips] == ["abc_0_1.mp4"]
    with pytest.raises(CorpusError, match="1 of 3 videos are missing"):
        MsvdQa(tmp_path).question_split("msvd-qa", "val")


def test_a_fingerprint_changes_with_an_answer_and_not_with_the_place(tmp_path: Path) -> None:
    roots = [tmp_path / name for name in "abc"]
    for root in roots:
        root.mkdir()
        _corpus(root)
    file = roots[2] / "val_qa.json"
    file.write_text(file.read_text().replace('"a3"', '"b3"', 1))
    prints = [MsvdQa(root, "drop").question_split("msvd-qa", "val").fingerprint for root in roots]
    assert prints[0] == prints[1] != prints[2]


def test_vocabularies_do_not_depend_on_which_videos_are_here(tmp_path: Path) -> None:
    assert MsvdQa(_corpus(tmp_path), "drop").vocabulary("msvd-qa").answers == ("a1", "a2")
    assert len(MsvdQa(tmp_path).vocabulary("msvd-qa", size=1)) == 1
    (tmp_path / "train_qa.json").unlink()
    with pytest.raises(CorpusError, match="no training questions"):
        MsvdQa(tmp_path).vocabulary("msvd-qa")
