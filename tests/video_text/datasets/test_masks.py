"""Masks of meaning: functions of (seed, epoch, id), of the right words and cells, and only where they are asked for."""

from pathlib import Path
from typing import Any

import pytest
import torch

from quatrefoil.core.data import Sample, SampleKey
from quatrefoil.core.losses import IGNORE
from quatrefoil.video_text.datasets import module as modules
from quatrefoil.video_text.datasets.clips import Reading
from quatrefoil.video_text.datasets.fields import FIELDS
from quatrefoil.video_text.datasets.masks import VIDEO_MASK, CellsMaker, Masks
from quatrefoil.video_text.datasets.module import CloverData
from quatrefoil.video_text.media.augment import FrameTransform
from quatrefoil.video_text.media.sampling import FrameSampling
from quatrefoil.video_text.text.part_of_speech import TextBlobTagger
from quatrefoil.video_text.text.tokenizer import TextTokenizer
from tests.video_text.datasets.small import CAPTIONS, write_corpus

MASKED = ("text_masked_ids", "text_labels", *VIDEO_MASK)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = write_corpus(tmp_path_factory.mktemp("masks") / "small")
    TextTokenizer.train(CAPTIONS, 290, root / "tokenizer.json")
    return root


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUATREFOIL_CACHE", str(tmp_path / "cache"))


def data(root: Path, **changes: Any) -> CloverData:
    settings: dict[str, Any] = {
        "corpus": "msrvtt", "root": root, "protocol": "msrvtt-1kA", "tokenizer": str(root / "tokenizer.json"),
        "frames": FrameSampling("segments", 4), "transform": FrameTransform(16), "text_length": 48,
        "mask_rate": 0.5, "masks": Masks(cells=CellsMaker((7, 7))),
    }  # fmt: skip
    return CloverData(**(settings | changes))


def equal(one: Sample, other: Sample) -> bool:
    return all(torch.equal(one[name], other[name]) for name in MASKED)


def test_masks_are_functions_of_seed_epoch_and_id(root: Path) -> None:
    first, again, other = (data(root).build(seed).train(MASKED) for seed in (1, 1, 2))
    seeds, epochs = [], []
    for index in range(len(first)):
        torch.manual_seed(index)
        key = SampleKey(4, index)
        assert equal(first[key], again[key])
        seeds.append(equal(first[key], other[key]))
        epochs.append(equal(first[key], first[SampleKey(5, index)]))
    assert not all(seeds)
    assert not all(epochs)


def test_worker_processes_draw_the_same_masks(root: Path) -> None:
    samples = data(root).build(0).train(MASKED)
    keys = [SampleKey(1, index) for index in range(len(samples))]
    options: dict[str, Any] = {"batch_size": None, "sampler": keys, "num_workers": 1}
    loaded = torch.utils.data.DataLoader(samples, multiprocessing_context="forkserver", **options)  # type: ignore[arg-type]
    assert all(equal(samples[key], sample) for key, sample in zip(keys, loaded, strict=True))


def test_only_nouns_and_verbs_are_masked_and_each_of_them_sometimes(root: Path) -> None:
    module = data(root).build(0)
    samples, tokens = module.train(["text_labels"]), module.tokenizer
    (row,) = tokens.encode(["a red dot rises slowly in video0"], 48).offsets
    masked = set[str]()
    for epoch in range(40):
        for (start, end), label in zip(row, samples[SampleKey(epoch, 0)]["text_labels"].tolist(), strict=True):
            if label != IGNORE:
                masked.add("a red dot rises slowly in video0"[start:end].strip())
    assert not {"a", "red", "in", "slowly", ""} & masked
    assert {"dot", "rises"} <= {word for word in ("dot", "rises") if any(piece and piece in word for piece in masked)}


def test_a_caption_without_meaning_stays_as_it_is(tmp_path: Path) -> None:
    masks = Masks(cells=CellsMaker((2, 2)))
    words = masks.semantic_words(["and of the"], 0.5, tmp_path)
    assert words.candidates["and of the"] == ()


def test_nothing_is_tagged_or_drawn_that_no_one_asked_for(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("made what no one asked for")

    module = data(root).build(0)
    monkeypatch.setattr(TextBlobTagger, "tag", refuse)
    monkeypatch.setattr(CellsMaker, "make", refuse)
    sample = module.train(["text_ids", "text_mask"])[SampleKey(0, 0)]
    assert sample.keys() == {"id", "group", "text_ids", "text_mask"}
    for name in MASKED:
        with pytest.raises(AssertionError, match="no one asked for"):
            module.train([name])[SampleKey(0, 0)]


def test_parts_of_speech_are_found_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    tag = TextBlobTagger.tag
    monkeypatch.setattr(TextBlobTagger, "tag", lambda self, texts: asked.append(len(texts)) or tag(self, texts))
    for seed in (0, 1):
        data(root).build(seed).train(MASKED)
    assert asked == [12]


def test_masks_do_not_change_the_other_fields(root: Path) -> None:
    masked = data(root).build(0).train([*FIELDS[:3], *MASKED])[SampleKey(2, 3)]
    alone = data(root).build(0).train(FIELDS[:3])[SampleKey(2, 3)]
    assert all(torch.equal(masked[name], alone[name]) for name in FIELDS[:3])


def test_a_fifth_of_the_cells_is_masked(root: Path) -> None:
    samples = data(root).build(0).train(VIDEO_MASK)
    for index in range(len(samples)):
        cells = samples[SampleKey(0, index)]["video_masked_cells"]
        assert (cells.shape, cells.dtype, int(cells.sum())) == ((7, 7), torch.bool, 10)


def test_data_that_mask_nothing_of_the_video_have_no_such_field(root: Path) -> None:
    shared = {name: value for name, value in vars(data(root)).items() if name not in ("masks", "tested")}
    plain = modules.VideoTextData(**shared).build(0)
    with pytest.raises(ValueError, match=r"no fields \['video_masked_cells'\]"):
        plain.train(VIDEO_MASK)


def test_tests_read_as_many_frames_and_clips_as_they_are_told(root: Path) -> None:
    module = data(root, tested=Reading(FrameSampling("segments", 6), 8, clips=2)).build(0)
    assert module.train(["frames"])[SampleKey(0, 0)]["frames"].shape == (4, 3, 16, 16)
    tested = module.items("test", "clip", ["frames", "text_ids"])[SampleKey(0, 0)]
    assert tested["frames"].shape == (2, 3, 3, 16, 16)
    assert len(tested["text_ids"]) == module.config.preprocessing.text_length == 8
    whole = data(root, tested=Reading(FrameSampling("segments", 6), 8)).build(0)
    frames = whole.items("test", "clip", ["frames"])[SampleKey(0, 0)]["frames"]
    assert torch.equal(tested["frames"].flatten(0, 1), frames)
    with pytest.raises(ValueError, match="cannot be cut into 4 clips"):
        Reading(FrameSampling("segments", 6), 8, clips=4)
