"""The question sets: real files have the published counts, other forms say the same, Stage's come back as written."""

import contextlib
import csv
import json
import pickle
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quatrefoil.video_text.datasets.check import CheckOptions, CorpusActions, check
from quatrefoil.video_text.datasets.clover_pickles import clover_captions, clover_choices, clover_open
from quatrefoil.video_text.datasets.corpus import CorpusError
from quatrefoil.video_text.datasets.lsmdc import LsmdcQa
from quatrefoil.video_text.datasets.msrvtt_qa import MsrvttQa
from quatrefoil.video_text.datasets.msvd_qa import MsvdQa
from quatrefoil.video_text.datasets.questions import AnswerVocabulary, Question, QuestionCorpus, answerable
from quatrefoil.video_text.datasets.split_files import is_held_out
from quatrefoil.video_text.datasets.stage.captions import draw_captions
from quatrefoil.video_text.datasets.stage.clips import Clip, Size, cast
from quatrefoil.video_text.datasets.stage.question_files import Questions, write_questions
from quatrefoil.video_text.datasets.stage.questions import BLANK, Blank, Choice, Open
from quatrefoil.video_text.datasets.stage.twins import TWIN_KINDS
from quatrefoil.video_text.datasets.stage.world import stream
from quatrefoil.video_text.datasets.tgif_qa import TgifQa

REAL_COUNTS: list[tuple[type[QuestionCorpus], str, dict[str, tuple[int, int]]]] = [
    (TgifQa, "tgif-action-noval", {"train": (20_471, 20_471), "test": (2_274, 2_274)}),
    (TgifQa, "tgif-frame", {"test": (7_132, 13_691)}),
    (MsrvttQa, "msrvtt-qa", {"val": (497, 12_278)}),
    (MsvdQa, "msvd-qa", {"train": (1_161, 30_933), "val": (245, 6_415)}),
]


def _root(shared: Path, corpus: type[QuestionCorpus]) -> Path:
    return shared / "data/video_text" / corpus.name.replace("-", "_")


@pytest.mark.parametrize(("corpus", "protocol", "counts"), REAL_COUNTS, ids=lambda value: str(value)[:20])
def test_real_files_have_the_published_counts(
    shared: Path, corpus: type[QuestionCorpus], protocol: str, counts: dict[str, tuple[int, int]]
) -> None:
    items = corpus(_root(shared, corpus)).items(protocol)
    assert {name: (len({q.clip_id for q in found}), len(found)) for name, found in items.items()} == counts
    assert len({q.id for found in items.values() for q in found}) == sum(map(len, items.values()))


def test_a_report_counts_the_questions_of_real_files(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert CorpusActions(TgifQa).check(CheckOptions(root=_root(shared, TgifQa), json=True)) == 1
    report = json.loads(capsys.readouterr().out)
    found = {(row["protocol"], row["split"]): (row["texts"], row["kind"]) for row in report["splits"]}
    assert found["tgif-action-noval", "train"] == (20_471, "questions")
    assert found["tgif-frame", "test"] == (13_691, "questions")
    assert len(report["missing"]) == 28_225  # frame questions ask about some of the GIFs that action questions train on
    assert check(MsvdQa, _root(shared, MsvdQa)).contradictions == []


def test_validation_is_held_out_by_clip_and_nothing_is_lost(shared: Path) -> None:
    corpus = TgifQa(_root(shared, TgifQa))
    held, whole = corpus.items("tgif-action"), corpus.items("tgif-action-noval")
    assert list(held) == ["train", "val", "test"]
    assert sorted(q.id for q in (*held["train"], *held["val"])) == sorted(q.id for q in whole["train"])
    assert all(is_held_out(q.clip_id) for q in held["val"])
    assert not {q.clip_id for q in held["val"]} & {q.clip_id for q in held["train"]}
    assert held["test"] == whole["test"] == corpus.items("tgif-action-zeroshot")["test"]
    assert 0.04 < len(held["val"]) / len(whole["train"]) < 0.06


def test_the_vocabulary_of_real_answers_has_its_size_and_tells_what_it_lacks(shared: Path) -> None:
    corpus = MsvdQa(_root(shared, MsvdQa))
    vocabulary = corpus.vocabulary("msvd-qa")
    assert (len(vocabulary), vocabulary.answers[:3]) == (1_000, ("man", "woman", "person"))
    train = answerable(corpus.items("msvd-qa")["train"], vocabulary)
    assert (len(train.questions), len(train.dropped)) == (29_883, 1_050)


def test_the_usual_label_map_is_read_as_a_vocabulary(shared: Path) -> None:
    corpus = MsrvttQa(_root(shared, MsrvttQa))
    vocabulary = AnswerVocabulary.from_json((corpus.root / "train_ans2label.json").read_text())
    assert len(vocabulary) == corpus.vocabulary_sizes["msrvtt-qa"]
    assert len(answerable(corpus.items("msrvtt-qa")["val"], vocabulary).questions) == 11_419


# Stage: what was written is what is read.


@pytest.fixture(scope="module")
def questions() -> Questions:
    castings = cast(Size(train=30, validate=10, test=40), seed=0)
    return Questions([_unfilmed(casting) for casting in castings], seed=0)


def _unfilmed(casting: Any) -> Clip:
    forced = TWIN_KINDS[casting.twin] if casting.twin else ()
    captions = draw_captions(casting.facts, forced, stream(0, casting.split, casting.index, "captions"))
    return Clip(casting, captions, {}, "", 0)


@pytest.fixture(scope="module")
def stage(questions: Questions, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("stage")
    write_questions(root, questions)
    return root


def _written(rows: Iterable[tuple[Clip, Any]]) -> list[tuple[Any, ...]]:
    return [(clip.casting.video_id, *_plain(asked)) for clip, asked in rows]


def _plain(asked: Choice | Open | Blank) -> tuple[Any, ...]:
    if isinstance(asked, Choice):
        return asked.question, asked.answer, asked.options
    if isinstance(asked, Open):
        return asked.question, asked.answer, ()
    return asked.fill_in.replace(BLANK, "[MASK]"), asked.word, ()


def _back(found: Iterable[Question]) -> list[tuple[Any, ...]]:
    return [(q.clip_id, q.text, q.answer, q.candidates) for q in found]


@pytest.mark.parametrize(
    ("corpus", "protocol", "name"),
    [
        (TgifQa, "tgif-action-noval", "action"),
        (TgifQa, "tgif-transition-noval", "transition"),
        (TgifQa, "tgif-frame-noval", "frameqa"),
        (MsrvttQa, "msrvtt-qa", "msrvtt_qa"),
        (LsmdcQa, "lsmdc-fib", "fib"),
    ],
)
def test_every_stage_question_comes_back_as_it_was_written(
    questions: Questions, stage: Path, corpus: type[QuestionCorpus], protocol: str, name: str
) -> None:
    found = corpus(stage).items(protocol)
    for split, theirs in {"train": "train", "val": "validate", "test": "test"}.items():
        if split in found:
            written = _written(getattr(questions, name)(theirs))
            assert written
            assert _back(found[split]) == written  # type: ignore[index]
    assert {"train", "test"} <= set(found)


def test_every_multiple_choice_of_stage_comes_back_as_it_was_written(questions: Questions, stage: Path) -> None:
    found = MsrvttQa(stage).items("msrvtt-mc")
    assert _back(found["test"]) == _written(questions.multiple_choice)
    assert list(found) == ["test"]


# Other forms of the files.


def _rows(path: Path, rows: list[list[str]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file, delimiter="\t", quoting=csv.QUOTE_NONE, quotechar=None).writerows(rows)


def test_the_right_sentence_of_lsmdc_is_not_told_by_its_place(tmp_path: Path) -> None:
    times = ["00.00.00.000"] * 4
    rows = [[f"m_{n}", *times, f"right {n}", *(f'wrong "{k} of {n}' for k in range(4))] for n in range(200)]
    _rows(tmp_path / "LSMDC16_multiple_choice_train.csv", rows)
    _rows(tmp_path / "LSMDC16_multiple_choice_test_randomized.csv", [[*row, "3"] for row in rows])
    found = LsmdcQa(tmp_path).items("lsmdc-mc")
    for row, question in zip(rows, found["train"], strict=True):
        assert question.candidates[int(question.answer)] == row[5]
        assert sorted(question.candidates) == sorted(row[5:])
    places = [sum(q.answer == place for q in found["train"]) for place in range(5)]
    assert min(places) > 20
    assert {(q.answer, q.candidates[2]) for q in found["test"]} == {(2, row[7]) for row in rows}


@pytest.mark.parametrize(
    "row", [{"video_id": "video1", "options": ["a", "b"]}, {"clip_name": "video1", "options": ["a", "b"]},
            {"video": "video1.mp4", "caption": ["a", "b"]}],
)  # fmt: skip
def test_multiple_choices_of_msrvtt_have_several_forms(tmp_path: Path, row: dict[str, Any]) -> None:
    (tmp_path / "msrvtt_mc_test.json").write_text(json.dumps([row | {"answer": 1}]))
    assert MsrvttQa(tmp_path).items("msrvtt-mc")["test"] == (Question("test#0", "video1", "", 1, ("a", "b")),)


def test_numbers_and_names_of_videos_say_the_same(tmp_path: Path) -> None:
    row = {"question": "what?", "answer": "dog", "category_id": 3, "id": 7}
    (tmp_path / "train_qa.json").write_text(json.dumps([row | {"video_id": 12}]))
    (tmp_path / "val.jsonl").write_text(json.dumps(row | {"video_id": "video12"}) + "\n\n")
    found = MsrvttQa(tmp_path).items("msrvtt-qa")
    assert found["train"][0].clip_id == found["val"][0].clip_id == "video12"


PICKLED: list[tuple[type[QuestionCorpus], str, str, list[dict[str, Any]], list[tuple[Any, ...]]]] = [
    (
        TgifQa,
        "tgif-action-clover",
        "action_test.pkl",
        [{"vid_name": "/data/tgif/a.gif", "question": "what?", "answers": ["x", "y"], "answer_idx": 1}],
        [("a", "what?", 1, ("x", "y"))],
    ),
    (
        TgifQa,
        "tgif-frame-clover",
        "frameqa_test.pkl",
        [{"filename": "/data/tgif/a.gif", "text": "what?", "answer_idx": 17}],
        [("a", "what?", "17", ())],
    ),
    (
        MsrvttQa,
        "msrvtt-qa-clover",
        "msrvtt_qa_test.pkl",
        [{"filename": "video7", "text": ["who?", "where?"], "answer_idx": [4, -1]}],
        [("video7", "who?", "4", ()), ("video7", "where?", "", ())],
    ),
    (
        MsrvttQa,
        "msrvtt-mc-clover",
        "msrvtt_mc_test.pkl",
        [{"filename": "video7", "text": [["a", "b"], ["c", "d"]], "answer_idx": 0}],
        [("video7", "", 0, ("a", "b")), ("video7", "", 0, ("c", "d"))],
    ),
    (
        MsvdQa,
        "msvd-qa-clover",
        "msvd_qa_test.pkl",
        [{"filename": "vid1", "text": "who?", "answer_idx": 2}],
        [("vid1", "who?", "2", ())],
    ),
    (
        LsmdcQa,
        "lsmdc-mc-clover",
        "lsmdc_MC_test.pkl",
        [{"filename": "m/1_x_00.01.avi", "text": ["a", "b"], "answer_idx": 1}],
        [("1_x_00.01", "", 1, ("a", "b"))],
    ),
    (
        LsmdcQa,
        "lsmdc-fib-clover",
        "lsmdc_FIB_test.pkl",
        [{"filename": "1_x_00.01", "text": "he [MASK].", "answer_idx": 3}],
        [("1_x_00.01", "he [MASK].", "3", ())],
    ),
]


@pytest.mark.parametrize(("corpus", "protocol", "file", "rows", "wanted"), PICKLED, ids=lambda value: str(value)[:20])
def test_the_official_pickles_are_read_as_their_code_reads_them(
    tmp_path: Path,
    corpus: type[QuestionCorpus],
    protocol: str,
    file: str,
    rows: list[dict[str, Any]],
    wanted: list[tuple[Any, ...]],
) -> None:
    (tmp_path / file).write_bytes(pickle.dumps(rows))
    assert _back(corpus(tmp_path).items(f"{protocol}-zeroshot")["test"]) == wanted


@pytest.mark.parametrize(
    "row",
    [
        {"text": "who?", "answer_idx": 1},
        {"filename": "video7", "text": "who?"},
        {"filename": "video7", "text": ["who?", "where?"], "answer_idx": [1]},
        {"filename": "video7", "text": [], "answer_idx": 1},
        {"filename": "video7", "text": [" "], "answer_idx": 1},
        {"filename": "video7", "text": "who?", "answer_idx": True},
        "video7",
    ],
)
def test_rows_of_another_shape_are_errors_that_name_the_file(tmp_path: Path, row: Any) -> None:
    (tmp_path / "msrvtt_qa_test.pkl").write_bytes(pickle.dumps([row]))
    with pytest.raises(CorpusError, match=r"msrvtt_qa_test\.pkl: (row|item) 0"):
        MsrvttQa(tmp_path).items("msrvtt-qa-clover-zeroshot")


VALUES = st.recursive(st.none() | st.integers(-1, 3) | st.text("ab", max_size=2), st.lists, max_leaves=4)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(["filename", "text", "answers", "question", "answer_idx"]), VALUES)))
def test_whatever_rows_hold_they_are_questions_or_errors_of_the_corpus(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]
) -> None:
    path = tmp_path_factory.mktemp("rows") / "rows.pkl"
    path.write_bytes(pickle.dumps(rows))
    for read in (clover_open, clover_choices):
        with contextlib.suppress(CorpusError):  # any other exception fails the test
            assert all(question.inputs for question in read(path, "test", (".mp4",)))
    with contextlib.suppress(CorpusError):
        assert all(caption.text for caption in clover_captions(path, ()))


def test_a_protocol_whose_files_are_not_here_names_them(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"train: Train_action_question\.csv; test: Test_action"):
        TgifQa(tmp_path).items("tgif-action")
    with pytest.raises(CorpusError, match="no protocol 'tgif-count'"):
        TgifQa(tmp_path).items("tgif-count")
    with pytest.raises(CorpusError, match="no open questions"):
        TgifQa(tmp_path).vocabulary("tgif-action")
