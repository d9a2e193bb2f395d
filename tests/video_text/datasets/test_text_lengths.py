"""Texts that are longer than what is read: all of them are counted, said and stored, and tokenised once."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from quatrefoil.video_text.datasets.choice_data import ChoiceData
from quatrefoil.video_text.datasets.clips import Reading
from quatrefoil.video_text.datasets.module import VideoTextData
from quatrefoil.video_text.datasets.question_data import QuestionMaker, lengths_with_blanks
from quatrefoil.video_text.datasets.text_lengths import ReadTexts
from quatrefoil.video_text.media.augment import FrameTransform
from quatrefoil.video_text.media.sampling import FrameSampling
from quatrefoil.video_text.text.tokenizer import TextTokenizer
from tests.video_text.datasets.small import write_corpus
from tests.video_text.datasets.test_question_data import _write_blanks, _write_choices, _write_open, data

TEXTS = ("a red dot", "", "it goes up and down, then left", "the dot", "the [MASK] sings", "[MASK]", "what [MASK]?")
ALL_FIT = 96


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = write_corpus(tmp_path_factory.mktemp("lengths") / "small")
    TextTokenizer.train(TEXTS, 300, root / "tokenizer.json")
    for write in (_write_open, _write_choices, _write_blanks):
        write(root / "annotation")
    return root


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUATREFOIL_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def tokens(root: Path) -> TextTokenizer:
    return TextTokenizer.load(root / "tokenizer.json")


def captions(root: Path, text_length: int) -> VideoTextData:
    return VideoTextData(
        corpus="msrvtt", protocol="msrvtt-1kA", root=root, tokenizer=str(root / "tokenizer.json"),
        frames=FrameSampling("segments", 3), transform=FrameTransform(16), text_length=text_length,
    )  # fmt: skip


@pytest.mark.parametrize("limit", [2, 4, 9, 40])
def test_a_text_is_too_long_where_reading_it_loses_tokens(tokens: TextTokenizer, limit: int) -> None:
    lost = sum(tokens.encode([text], limit).ids != tokens.encode([text], 1000).ids for text in TEXTS)
    assert ReadTexts(TEXTS, "these").longer_than(limit, tokens) == lost


def test_a_blank_counts_as_the_one_token_that_stands_for_it(tokens: TextTokenizer) -> None:
    made = [len(QuestionMaker(tokens, 1000).make([text])["question_ids"]) for text in TEXTS]
    assert lengths_with_blanks(tokens, TEXTS) == made


def test_texts_are_made_into_tokens_once_for_a_tokeniser(tokens: TextTokenizer, tmp_path: Path) -> None:
    seen: list[int] = []

    def lengths(tokenizer: TextTokenizer, texts: Sequence[str]) -> list[int]:
        seen.append(len(texts))
        return tokenizer.lengths(texts)

    texts = ReadTexts(TEXTS, "these", lengths)
    first = [texts.longer_than(limit, tokens) for limit in (3, 5, 8)]
    assert [texts.longer_than(limit, tokens) for limit in (3, 5, 8)] == first
    assert seen == [len(TEXTS)]
    texts.longer_than(5, TextTokenizer.train(["another"], 280, tmp_path / "another.json"))
    assert seen == [len(TEXTS)] * 2


def test_captions_that_are_cut_are_said_once_and_stored(
    root: Path, tokens: TextTokenizer, capsys: pytest.CaptureFixture[str]
) -> None:
    long = captions(root, ALL_FIT).build(0)
    lengths = tokens.lengths(long.split("train").texts.texts)
    limit = sorted(lengths)[len(lengths) // 2]
    cut = sum(length > limit for length in lengths)
    short = captions(root, limit).build(0)
    described = short.describe()
    assert short.describe() == described
    assert described["splits"]["train"]["too_long"] == cut > 0
    said = f"msrvtt train: {cut} of {len(lengths)} texts have more than {limit} tokens; their ends are not read"
    assert capsys.readouterr().out.splitlines().count(said) == 1
    assert {split["too_long"] for split in long.describe()["splits"].values()} == {0}
    assert capsys.readouterr().out == ""
    assert long.describe()["fingerprint"] == described["fingerprint"]


def test_tests_are_held_to_their_own_limit(root: Path) -> None:
    tested = Reading(FrameSampling("segments", 3), ALL_FIT)
    found = data(root, "msrvtt-qa", "msrvtt-qa", text_length=4, tested=tested).build(0).describe()["splits"]
    assert {name: split["too_long"] for name, split in found.items()} == {"train": 4, "val": 0, "test": 0}


def test_questions_that_end_in_what_is_asked_about_are_said_to_be_bad_samples(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = data(root, "tgif-qa", "tgif-action-noval", text_length=8).build(0).describe()["splits"]
    assert found["train"]["too_long"] == 5 * found["train"]["questions"]
    assert "they end in what is asked about: bad samples" in capsys.readouterr().out


def test_candidates_of_choices_are_counted_as_tests_read_them(root: Path) -> None:
    asked = ChoiceData(
        **{name: getattr(captions(root, 4), name) for name in ("corpus", "protocol", "root", "tokenizer", "frames")},
        transform=FrameTransform(16), text_length=4,
    )  # fmt: skip
    module = asked.build(0)
    offered = [text for question in module._test.questions for text in question.candidates]
    cut = sum(length > 4 for length in module.tokenizer.lengths(offered))
    assert module.describe()["splits"]["test"]["too_long"] == cut > 0
