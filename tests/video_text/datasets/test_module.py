"""Samples: functions of (seed, epoch, id), made field by field, with and without a cache of frames."""

import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from quatrefoil.core.data import Sample, SampleKey, SampleSet
from quatrefoil.core.data.collate import collate
from quatrefoil.core.losses.masked import IGNORE
from quatrefoil.video_text.datasets.corpus import Clip
from quatrefoil.video_text.datasets.fields import FIELDS, mask_id_of
from quatrefoil.video_text.datasets.frames import FileFrames, build_cache
from quatrefoil.video_text.datasets.module import VideoTextData
from quatrefoil.video_text.media.augment import FrameTransform
from quatrefoil.video_text.media.errors import MediaError
from quatrefoil.video_text.media.sampling import FrameSampling
from quatrefoil.video_text.preprocessing import Preprocessing
from quatrefoil.video_text.tags.selection import EXPERTS, TagSelection
from quatrefoil.video_text.tags.store import write_tags
from quatrefoil.video_text.text.tokenizer import TextTokenizer
from tests.video_text.datasets.small import CAPTIONS, write_corpus


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> VideoTextData:
    root = write_corpus(tmp_path_factory.mktemp("module") / "small")
    TextTokenizer.train([*CAPTIONS, "red thing dot rise"], 290, root / "tokenizer.json")
    return VideoTextData(
        corpus="msrvtt", root=root, protocol="msrvtt-1kA", tokenizer=str(root / "tokenizer.json"),
        frames=FrameSampling("segments", 3), transform=FrameTransform(16, jitter=0.3),
        tags=TagSelection(experts=("object", "motion")), mask_rate=0.4, tag_dropout=0.3,
        expert_dropout=0.2, text_length=48,
    )  # fmt: skip


@pytest.fixture
def cache_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QUATREFOIL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def _change(data: VideoTextData, **changes: Any) -> VideoTextData:
    return dataclasses.replace(data, **changes)


def _equal(one: Sample, other: Sample, names: Sequence[str]) -> bool:
    return all(torch.equal(torch.as_tensor(one[name]), torch.as_tensor(other[name])) for name in names)


def _all(samples: SampleSet, epoch: int = 0) -> list[Sample]:
    return [samples[SampleKey(epoch, index)] for index in range(len(samples))]


@pytest.mark.parametrize("unit", ["clip", "caption"])
def test_a_field_does_not_depend_on_which_others_are_asked_for(data: VideoTextData, unit: str) -> None:
    module = _change(data, unit=unit).build(seed=3)
    together = _all(module.train(FIELDS))
    for name in FIELDS:
        alone = _all(module.train([name]))
        assert all(set(sample) == {"id", "group", name} for sample in alone)
        assert all(_equal(one, other, [name]) for one, other in zip(together, alone, strict=True))


def test_samples_are_functions_of_seed_epoch_and_id(data: VideoTextData) -> None:
    first, again, other = (data.build(seed).train(FIELDS) for seed in (1, 1, 2))
    for index in (0, 5, 11):
        torch.manual_seed(index)
        sample = first[SampleKey(4, index)]
        assert _equal(sample, again[SampleKey(4, index)], FIELDS)
        assert not _equal(sample, again[SampleKey(5, index)], ["frames"])
        assert not _equal(sample, other[SampleKey(4, index)], ["frames"])


def test_worker_processes_make_the_same_samples(data: VideoTextData) -> None:
    samples = data.build(seed=0).train(FIELDS)
    keys = [SampleKey(1, index) for index in range(len(samples))]
    options = {"batch_size": None, "sampler": keys, "num_workers": 2, "multiprocessing_context": "fork"}
    loaded = list(torch.utils.data.DataLoader(samples, **options))  # type: ignore[arg-type]
    assert all(_equal(samples[key], sample, FIELDS) for key, sample in zip(keys, loaded, strict=True))


def test_fields_have_their_shapes_and_types(data: VideoTextData) -> None:
    module = data.build(seed=0)
    batch = collate(_all(module.train(FIELDS)), module.fill)
    size, length = 12, int(batch["text_mask"].sum(1).max())
    assert length <= data.text_length
    assert (batch["frames"].shape, batch["frames"].dtype) == ((size, 3, 3, 16, 16), torch.uint8)
    for name in ("text_ids", "text_mask", "text_masked_ids", "text_labels"):
        assert batch[name].shape == (size, length)
    assert batch["text_mask"].dtype == batch["tags_mask"].dtype == torch.bool
    assert batch["tags"].shape == batch["tags_mask"].shape
    assert batch["tags"].shape[:2] == batch["tag_expert"].shape
    assert batch["group"].tolist() == [index // 3 for index in range(size)]
    assert batch["id"][:4] == ["video0#0", "video0#1", "video0#2", "video1#0"]


def test_masked_text_is_the_text_but_for_its_labels(data: VideoTextData) -> None:
    module = data.build(seed=0)
    tokens = module.tokenizer
    samples = _all(module.train(["text_ids", "text_mask", "text_masked_ids", "text_labels"]))
    assert any(mask_id_of(tokens) in sample["text_masked_ids"] for sample in samples)
    for sample in samples:
        chosen = sample["text_labels"] != IGNORE
        assert chosen.any()
        assert not chosen[~sample["text_mask"]].any()
        assert torch.equal(torch.where(chosen, sample["text_labels"], sample["text_masked_ids"]), sample["text_ids"])
        assert not set(sample["text_ids"][chosen].tolist()) & {tokens.start_id, tokens.end_id, tokens.pad_id}


def test_no_video_is_opened_for_text_and_tags(data: VideoTextData, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: FileFrames, clip: Clip, generator: torch.Generator | None) -> torch.Tensor:
        raise AssertionError(f"opened {clip.id}")

    monkeypatch.setattr(FileFrames, "frames", refuse)
    module = data.build(seed=0)
    assert len(_all(module.train([name for name in FIELDS if name != "frames"]))) == 12
    with pytest.raises(AssertionError, match="opened video0"):
        module.train(["frames"])[SampleKey(0, 0)]


def test_a_clip_draws_another_caption_in_other_epochs(data: VideoTextData) -> None:
    samples = _change(data, unit="clip").build(seed=0).train(["text_ids"])
    assert len(samples) == 4
    drawn = {tuple(samples[SampleKey(epoch, 0)]["text_ids"].tolist()) for epoch in range(40)}
    assert len(drawn) == len(CAPTIONS)


def test_evaluation_is_the_same_in_every_epoch_and_drops_no_tag(data: VideoTextData) -> None:
    items = data.build(seed=0).items("test", "clip", ["frames", "text_ids", "tags", "tags_mask", "tag_expert"])
    for index in range(2):
        names = ["frames", "text_ids", "tags", "tag_expert"]
        assert _equal(items[SampleKey(0, index)], items[SampleKey(7, index)], names)
        experts = [EXPERTS[expert] for expert in items[SampleKey(0, index)]["tag_expert"]]
        assert experts == ["object", "motion", "motion"]  # `dot` went to motion, which is surer of it


def test_evaluation_refuses_to_choose_among_captions(data: VideoTextData) -> None:
    module = data.build(seed=0)
    with pytest.raises(ValueError, match="unit='caption'"):
        module.items("val", "clip", ["text_ids"])
    assert len(module.items("val", "clip", ["frames"])) == 2
    assert module.items("val", "caption", ["text_ids"]).groups_N.tolist() == [0, 0, 0, 1, 1, 1]


def test_a_clip_without_tags_has_no_rows(data: VideoTextData) -> None:
    sample = data.build(seed=0).train(["tags", "tags_mask", "tag_expert"])[SampleKey(0, 9)]
    assert sample["id"] == "video3#0"
    assert len(sample["tags"]) == len(sample["tags_mask"]) == len(sample["tag_expert"]) == 0


def test_unknown_fields_and_rates_are_errors(data: VideoTextData) -> None:
    with pytest.raises(ValueError, match=r"no fields \['sound'\]; they have frames"):
        data.build(seed=0).train(["sound"])
    for change in ({"mask_rate": 0.0}, {"tag_dropout": 1.0}):
        with pytest.raises(ValueError, match="must lie in"):
            _change(data, **change)


def test_description_counts_splits_and_follows_content(data: VideoTextData, tmp_path: Path) -> None:
    described = data.build(seed=0).describe()
    assert (described["name"], described["protocol"]) == ("msrvtt", "msrvtt-1kA")
    assert described["splits"]["train"].items() >= {"clips": 4, "captions": 12, "dropped": 0}.items()
    copy = shutil.copytree(data.root, tmp_path / "copy")
    (copy / "videos/video7.mp4").unlink()
    dropped = _change(data, root=copy, missing="drop").build(seed=0).describe()
    assert dropped["protocol"] == "msrvtt-1kA[7/8 clips]"
    assert dropped["splits"]["test"].items() >= {"clips": 1, "captions": 1, "dropped": 1}.items()
    assets = data.build(seed=0).assets()
    assert assets["tokenizer.json"] == Path(data.tokenizer).read_text()
    assert Preprocessing.from_json(assets["preprocessing.json"]) == data.preprocessing
    assert dropped["fingerprint"] != described["fingerprint"]


def test_other_tags_are_other_data_and_another_choice_among_them_is_not(data: VideoTextData, tmp_path: Path) -> None:
    def fingerprints(root: Path, experts: tuple[str, ...]) -> set[str]:
        changed = _change(data, root=root, tags=TagSelection(experts=experts))
        described = changed.build(seed=0).describe()
        return {described["fingerprint"], *(split["fingerprint"] for split in described["splits"].values())}

    before = fingerprints(data.root, ("object", "motion"))
    copy = shutil.copytree(data.root, tmp_path / "copy")
    for experts in (("object", "motion"), ("object",), ()):
        assert fingerprints(copy, experts) == before
    write_tags(copy / "tags", "motion", "m", {"video0": [("rise", 0.81)]})
    after = fingerprints(copy, ("object", "motion"))
    (copy / "tags" / "motion.jsonl").unlink()
    assert len(before | after | fingerprints(copy, ("object",))) == 3 * len(before)


def test_a_trained_tokenizer_is_made_once_and_alone_in_its_folder(data: VideoTextData, cache_home: Path) -> None:
    first = _change(data, tokenizer="train:290").build(seed=0).assets()["tokenizer.json"]
    (path,) = (cache_home / "tokenizers").iterdir()
    stamp = path.stat().st_mtime_ns
    assert _change(data, tokenizer="train:290").build(seed=1).assets()["tokenizer.json"] == first == path.read_text()
    assert path.stat().st_mtime_ns == stamp


@pytest.mark.parametrize("sampling", [FrameSampling("segments", 3), FrameSampling("segments", 2, 4.0),
                                      FrameSampling("uniform", 5), FrameSampling("uniform", 2, 4.0)])  # fmt: skip
def test_cached_frames_are_the_decoded_ones(data: VideoTextData, cache_home: Path, sampling: FrameSampling) -> None:
    plain, cached = (_change(data, frames=sampling, cache_frames=cache).build(seed=5) for cache in (False, True))
    for epoch in (0, 1):
        pairs = zip(_all(plain.train(["frames"]), epoch), _all(cached.train(["frames"]), epoch), strict=True)
        assert all(_equal(one, other, ["frames"]) for one, other in pairs)
    one_test, other_test = (_all(module.items("test", "clip", ["frames"])) for module in (plain, cached))
    tested = zip(one_test, other_test, strict=True)
    assert all(_equal(one, other, ["frames"]) for one, other in tested)
    assert [path.name[0] for path in (cache_home / "frames").iterdir()] != ["."]


def test_caches_do_not_depend_on_workers_and_are_made_once(data: VideoTextData, cache_home: Path) -> None:
    split = data.build(seed=0).split("train")
    sampling = FrameSampling("uniform", 2)
    one = build_cache([split], sampling, workers=1)
    made = {path.name: path.read_bytes() for path in one.folder.iterdir()}
    stamp = one.folder.stat().st_mtime_ns
    assert build_cache([split], sampling, workers=1).folder.stat().st_mtime_ns == stamp
    shutil.rmtree(one.folder)
    two = build_cache([split], sampling, workers=2)
    assert two.folder == one.folder
    assert {path.name: path.read_bytes() for path in two.folder.iterdir()} == made


class _Full:
    free = 0


def test_an_interrupted_cache_leaves_nothing(
    data: VideoTextData, cache_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    split = data.build(seed=0).split("train")
    monkeypatch.setattr("quatrefoil.video_text.datasets.clip_cache.shutil.disk_usage", lambda _: _Full)
    with pytest.raises(ValueError, match="the disk is full after 0 of 4 clips"):
        build_cache([split], FrameSampling("uniform", 2), workers=1)
    assert list((cache_home / "frames").iterdir()) == []


def test_a_corrupt_clip_is_the_same_error_with_and_without_cache(
    data: VideoTextData, cache_home: Path, tmp_path: Path
) -> None:
    root = shutil.copytree(data.root, tmp_path / "copy")
    (root / "videos/video1.mp4").write_bytes(b"not a video")
    messages = []
    for cache in (False, True):
        samples = _change(data, root=root, cache_frames=cache).build(seed=0).train(["frames"])
        assert samples[SampleKey(0, 0)]["frames"].shape == (3, 3, 16, 16)
        with pytest.raises(MediaError) as raised:
            samples[SampleKey(0, 3)]
        messages.append(str(raised.value))
    assert messages[0] == messages[1]
