"""Tags: the choice among them, the files, and experts run over clips."""

import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quatrefoil.video_text.datasets.corpus import Clip
from quatrefoil.video_text.media.video import open_video
from quatrefoil.video_text.tags.experts import tag_corpus
from quatrefoil.video_text.tags.selection import EXPERTS, ExpertLimits, Tag, TagSelection, rank
from quatrefoil.video_text.tags.sentence import sentence, sentence_fields
from quatrefoil.video_text.tags.store import TagError, TagStore, read_tags, tag_file, write_tags
from quatrefoil.video_text.text.tokenizer import TextTokenizer
from tests.video_text.datasets.small import write_video

WORDS = st.sampled_from(["Dog", "dog ", "cat", "run", "tree", "red car"])
TAGS = st.lists(st.builds(Tag, WORDS, st.floats(0, 1), st.sampled_from(EXPERTS)), max_size=40)


@given(TAGS, st.integers(1, 6), st.randoms(use_true_random=False))
def test_choice_does_not_depend_on_the_order_of_tags(tags: list[Tag], most: int, order: random.Random) -> None:
    selection = TagSelection(max_tags=most)
    shuffled = order.sample(tags, len(tags))
    assert selection.choose(tags) == selection.choose(shuffled)


@given(TAGS, st.integers(1, 6))
def test_chosen_words_are_few_plain_and_different(tags: list[Tag], most: int) -> None:
    selection = TagSelection(experts=("motion", "object"), limits=ExpertLimits(motion=1), max_tags=most)
    chosen = selection.choose(tags)
    words = [tag.word for tag in chosen]
    assert len(words) == len(set(words)) <= most
    assert all(word == word.strip().lower() for word in words)
    assert sum(tag.expert == "motion" for tag in chosen) <= 1
    assert {tag.expert for tag in chosen} <= {"object", "motion"}
    order = [(EXPERTS.index(tag.expert), -tag.score) for tag in chosen]
    assert order == sorted(order)


def test_a_word_of_two_experts_is_kept_once_with_its_highest_score() -> None:
    tags = [Tag("Dog", 0.5, "object"), Tag("dog", 0.7, "audio"), Tag("dog", 0.6, "ocr")]
    assert TagSelection().choose(tags) == (Tag("dog", 0.7, "audio"),)


def test_the_weakest_tags_are_dropped_first() -> None:
    tags = [Tag("a", 0.1, "object"), Tag("b", 0.9, "ocr"), Tag("c", 0.5, "scene")]
    assert [tag.word for tag in TagSelection(max_tags=2).choose(tags)] == ["c", "b"]


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    lines = {"v1": [("chien méchant", 0.25), ("tree", 1.0)], "v2": []}
    path = write_tags(tmp_path, "object", "model", lines)
    found = read_tags(path, "object")
    assert {id: list(line.tags) for id, line in found.items()} == lines
    assert [path.name for path in tmp_path.iterdir()] == ["object.jsonl"]


def test_videos_without_tags_are_none_and_counted(tmp_path: Path) -> None:
    write_tags(tmp_path, "object", "m1", {"v1": [("dog", 1.0)], "v2": []})
    store = TagStore(tmp_path)
    assert (store.tags("v2"), store.tags("v3"), store.experts) == ((), (), ("object",))
    assert store.coverage(["v1", "v2", "v3"]) == {"object": (2, 1, ("m1",))}


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        '{"video_id": "v", "expert": "object", "model": "m"}',
        '{"video_id": 3, "expert": "object", "model": "m", "tags": []}',
        '{"video_id": "v", "expert": "scene", "model": "m", "tags": []}',
        '{"video_id": "v", "expert": "object", "model": "m", "tags": [["dog"]]}',
        '{"video_id": "v", "expert": "object", "model": "m", "tags": [[" ", 1]]}',
        '{"video_id": "v", "expert": "object", "model": "m", "tags": [["dog", NaN]]}',
        '{"video_id": "v", "expert": "object", "model": "m", "tags": [["dog", true]]}',
        '{"video_id": "first", "expert": "object", "model": "m", "tags": []}',
    ],
)
def test_malformed_lines_are_errors_with_file_and_line(tmp_path: Path, line: str) -> None:
    path = write_tags(tmp_path, "object", "m", {"first": [("dog", 1.0)]})
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(TagError, match=r"object.jsonl:2: "):
        TagStore(tmp_path)


def test_unwritable_tags_leave_the_old_file(tmp_path: Path) -> None:
    path = write_tags(tmp_path, "object", "m", {"v": [("dog", 1.0)]})
    before = path.read_bytes()
    with pytest.raises(TagError, match="finite"):
        write_tags(tmp_path, "object", "m", {"v": [("dog", float("nan"))]})
    with pytest.raises(TagError, match="unknown expert 'taste'"):
        write_tags(tmp_path, "taste", "m", {})
    assert path.read_bytes() == before


def test_a_folder_without_tag_files_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TagError, match="no tag files"):
        TagStore(tmp_path)


class _Brightness:
    """Says whether a clip is dark or bright."""

    name, model = "scene", "mean of pixels"

    def __init__(self, most: int = 100) -> None:
        self.asked: list[str] = []
        self.most = most

    def tag(self, clip: Clip) -> Sequence[tuple[str, float]]:
        if len(self.asked) == self.most:
            raise KeyboardInterrupt
        self.asked.append(clip.id)
        with open_video(clip.video) as reader:
            mean = float(reader.frames([0]).float().mean())
        return [("bright" if mean > 100 else "dark", 1.0)]


@pytest.fixture
def clips(tmp_path: Path) -> list[Clip]:
    levels = {"a": 10, "b": 200, "c": 180, "d": 20}
    for id, level in levels.items():
        write_video(tmp_path / f"{id}.mp4", level, frames=2)
    return [Clip(id, tmp_path / f"{id}.mp4") for id in levels]


def test_a_run_that_is_cut_off_ends_with_the_same_file(tmp_path: Path, clips: list[Clip]) -> None:
    whole = tag_corpus(_Brightness(), clips, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        tag_corpus(_Brightness(most=2), clips, tmp_path / "cut")
    part = tmp_path / "cut/.scene.jsonl.part"
    part.write_text(part.read_text() + '{"video_id": "c", "exp')
    second = _Brightness()
    report = tag_corpus(second, clips, tmp_path / "cut")
    assert (second.asked, report.kept, report.tagged) == (["c", "d"], 2, 2)
    assert report.path.read_bytes() == whole.path.read_bytes()
    assert [tag.word for clip in clips for tag in TagStore(tmp_path / "cut").tags(clip.id)] == [
        "dark",
        "bright",
        "bright",
        "dark",
    ]


def test_unreadable_clips_are_counted_and_tried_again(tmp_path: Path, clips: list[Clip]) -> None:
    video = clips[1].video.read_bytes()
    clips[1].video.write_bytes(b"")
    assert set(tag_corpus(_Brightness(), clips, tmp_path / "tags").unreadable) == {"b"}
    assert "b" not in read_tags(tag_file(tmp_path / "tags", "scene"), "scene")
    clips[1].video.write_bytes(video)
    report = tag_corpus(_Brightness(), clips, tmp_path / "tags")
    assert (report.tagged, report.kept, report.unreadable) == (1, 3, {})


def test_tags_of_another_model_are_not_mixed_in(tmp_path: Path, clips: list[Clip]) -> None:
    write_tags(tmp_path / "tags", "scene", "another", {"a": []})
    with pytest.raises(TagError, match="holds tags of"):
        tag_corpus(_Brightness(), clips, tmp_path / "tags")


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> TextTokenizer:
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    return TextTokenizer.train(["dog cat run tree red car, and. a dog"], 290, path)


def test_a_sentence_joins_words_by_commas_and_experts_by_full_stops() -> None:
    tags = [Tag("dog", 0.9, "object"), Tag("red car", 0.4, "object"), Tag("man", 0.8, "person"), Tag("stop", 1, "ocr")]
    assert sentence(tags) == "dog, red car. man. stop"
    assert sentence([]) == ""


@given(tags=TAGS, length=st.integers(2, 60))
def test_a_sentence_that_is_too_long_loses_its_least_sure_tags_and_no_more(
    tokenizer: TextTokenizer, tags: list[Tag], length: int
) -> None:
    chosen = TagSelection().choose(tags)
    fields = sentence_fields(chosen, tokenizer, length)
    ids = fields["tag_sentence"].tolist()
    surest = sorted(chosen, key=rank)
    shortened = [[tag for tag in chosen if tag in surest[:count]] for count in range(1, len(chosen) + 1)]
    whole = [tokenizer.encode([sentence(some)], 999).ids[0] for some in shortened]
    fitting = [one for one in whole if len(one) <= length]
    assert len(ids) <= length
    assert bool(fields["tag_sentence_mask"].all()) == bool(chosen)
    if fitting:
        assert ids == fitting[-1]
    elif chosen:
        assert ids == [*whole[0][: length - 1], tokenizer.end_id]


def test_no_tags_are_one_masked_token(tokenizer: TextTokenizer) -> None:
    fields = sentence_fields([], tokenizer, 8)
    assert fields["tag_sentence"].tolist() == [tokenizer.pad_id]
    assert fields["tag_sentence_mask"].tolist() == [False]
