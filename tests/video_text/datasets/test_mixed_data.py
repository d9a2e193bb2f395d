"""Videos and images as one set: in turn, or mixed; each with its own frames."""

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from quatrefoil.core.data import SampleKey
from quatrefoil.core.data.collate import first_batch
from quatrefoil.core.data.mixture import plan_of
from quatrefoil.core.data.sampler import Cursor
from quatrefoil.video_text.datasets.masks import VIDEO_MASK, CellsMaker, Masks
from quatrefoil.video_text.datasets.mixed_data import MixedData
from quatrefoil.video_text.datasets.module import CloverData, CorpusName
from quatrefoil.video_text.media.augment import FrameTransform
from quatrefoil.video_text.media.sampling import FrameSampling
from quatrefoil.video_text.text.tokenizer import TextTokenizer
from tests.video_text.datasets.small import CAPTIONS, write_corpus

FIELDS = ("frames", "text_ids", "text_mask", "text_masked_ids", "text_labels", *VIDEO_MASK)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("mixed")
    write_corpus(root / "videos")
    TextTokenizer.train(CAPTIONS, 290, root / "tokenizer.json")
    images = root / "images"
    (images / "images").mkdir(parents=True)
    for number in range(9):
        Image.new("RGB", (40, 30), (20 * number, 0, 0)).save(images / "images" / f"{number}.jpg")
    for split, numbers in (("train", range(8)), ("val", [8])):
        rows = "".join(f"{number}.jpg\ta picture of dot {number}\n" for number in numbers)
        (images / f"cc3m_{split}.tsv").write_text(f"filename\ttext\n{rows}")
    return root


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUATREFOIL_CACHE", str(tmp_path / "cache"))


def part(root: Path, corpus: CorpusName, protocol: str, frames: int, **changes: Any) -> CloverData:
    settings: dict[str, Any] = {
        "corpus": corpus, "protocol": protocol, "frames": FrameSampling("segments", frames),
        "root": root / ("videos" if corpus == "msrvtt" else "images"), "tokenizer": str(root / "tokenizer.json"),
        "transform": FrameTransform(16), "masks": Masks(cells=CellsMaker((2, 2))), "text_length": 48,
    }  # fmt: skip
    return CloverData(**(settings | changes))


def mixed(root: Path, frames: int = 1, **changes: Any) -> MixedData:
    return MixedData(videos=part(root, "msrvtt", "msrvtt-1kA", 4), images=part(root, "cc3m", "cc3m", frames), **changes)


def test_batches_of_videos_and_of_images_take_turns(root: Path) -> None:
    samples = mixed(root).build(0).train(FIELDS)
    plan = plan_of(samples, 4, seed=0)
    stream = iter(plan.starting_at(Cursor()))
    for _ in range(3):
        for frames in (4, 1):
            made = [samples[key] for key in next(stream)]
            assert {sample["frames"].shape for sample in made} == {(frames, 3, 16, 16)}


def test_one_shuffle_shows_an_image_for_as_many_frames(root: Path) -> None:
    module = mixed(root, frames=4, steps="mixed").build(0)
    samples = module.train(FIELDS)
    batch = first_batch(samples, plan_of(samples, 12, seed=0), module.fill, rows=12)
    assert batch["frames"].shape == (12, 4, 3, 16, 16)
    assert {id.split("/")[0] for id in batch["id"]} == {"0", "1"}
    image = samples[SampleKey(0, len(samples) - 1)]["frames"]
    assert torch.equal(image, image[:1].expand_as(image))
    with pytest.raises(ValueError, match=r"set data\.images\.frames\.frames=4"):
        mixed(root, steps="mixed")


def test_samples_are_those_of_their_own_corpora(root: Path) -> None:
    data = mixed(root)
    samples = data.build(2).train(FIELDS)
    videos, images = (own.build(2).train(FIELDS) for own in (data.videos, data.images))
    for index in range(len(samples)):
        own, first = (videos, 0) if index < len(videos) else (images, len(videos))
        theirs = own[SampleKey(3, index - first)]
        assert all(torch.equal(samples[SampleKey(3, index)][name], theirs[name]) for name in FIELDS)


def test_both_corpora_are_described_and_the_videos_are_tested(root: Path) -> None:
    module = mixed(root).build(0)
    described = module.describe()
    assert (described["name"], described["protocol"]) == ("msrvtt+cc3m", "msrvtt-1kA+cc3m")
    assert set(described["splits"]) == {"train", "val", "test", "images/train", "images/val"}
    assert list(module.splits) == ["val", "test"]
    assert len(module.items("test", "clip", ["frames"])) == 2


def test_two_tokenisers_are_refused(root: Path) -> None:
    data = mixed(root)
    other = part(root, "cc3m", "cc3m", 1, tokenizer="train:270")
    with pytest.raises(ValueError, match="need one tokeniser"):
        MixedData(videos=data.videos, images=other).build(0)
