"""Clips with sound as data: what a sample holds, that sight and sound stay in step, that silence is a mask."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from quatrefoil.core.data import SampleKey
from quatrefoil.core.files import cache_home
from quatrefoil.core.losses import IGNORE
from quatrefoil.core.seeding import generator
from quatrefoil.video_text.datasets.corpus import Clip, CorpusError
from quatrefoil.video_text.datasets.module import VideoTextData
from quatrefoil.video_text.datasets.sound_data import Hiding, SoundData, SoundModule
from quatrefoil.video_text.datasets.sound_fields import Hearing, Windows, ending_with, stretch_of
from quatrefoil.video_text.datasets.stage.sound_data import synchrony
from quatrefoil.video_text.media.audio import FAR_S, read_audio
from quatrefoil.video_text.media.augment import FrameTransform
from quatrefoil.video_text.media.errors import EmptyMediaError, MediaError
from quatrefoil.video_text.media.sampling import FrameSampling
from quatrefoil.video_text.media.sound import Window
from quatrefoil.video_text.media.spectrogram import SpectrogramConfig
from tests.video_text.datasets.small import SPLITS, write_annotation
from tests.video_text.media.clips import write_clip, write_sound

SECOND = SpectrogramConfig(rate=8000, samples=8000, n_fft=510, hop=254, rows=32)  # 32 columns
ALL = ("frames", "sound", "sound_mask", "video_visible", "audio_visible", "text_masked_ids", "text_labels")
DEAF = ("video3", "video7")
Make = Callable[..., SoundModule]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MSR-VTT's files; every clip is 4 s long, two of them have no sound."""
    root = tmp_path_factory.mktemp("msrvtt")
    write_annotation(root)
    (root / "videos").mkdir()
    for id in (id for ids in SPLITS.values() for id in ids):
        write_clip(root / "videos" / f"{id}.mp4", sound=id not in DEAF)
    return root


@pytest.fixture
def make(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    monkeypatch.setenv("QUATREFOIL_CACHE", str(tmp_path / "cache"))
    config = SoundData(
        corpus="msrvtt",
        root=root,
        protocol="msrvtt-full",
        tokenizer="train:300",
        frames=FrameSampling("segments", 4),
        transform=FrameTransform(32, scale=(1.0, 1.0), ratio=(1.0, 1.0)),
        unit="clip",
        sound=SECOND,
        windows=3,
        hiding=Hiding(patch_size=8),
    )
    return lambda seed=0, **changes: replace(config, **changes).build(seed)


def same(one: Any, other: Any) -> bool:
    return all(torch.equal(one[name], other[name]) for name in ALL)


def test_a_sample_is_a_function_of_seed_epoch_and_id(make: Make) -> None:
    first, again = (make().train(ALL)[SampleKey(0, 1)] for _ in range(2))
    assert same(first, again)
    for other in (make().train(ALL)[SampleKey(1, 1)], make(seed=1).train(ALL)[SampleKey(0, 1)]):
        for name in ALL[:2] + ALL[3:5]:
            assert not torch.equal(first[name], other[name]), name


def test_of_each_frame_and_of_the_sound_exactly_the_share_is_hidden(make: Make) -> None:
    sample = make().train(ALL)[SampleKey(0, 0)]
    assert (sample["frames"].shape, sample["sound"].shape) == ((4, 3, 32, 32), (1, 32, 32))
    assert (sample["video_visible"] // 16).bincount().tolist() == [4] * 4
    assert len(sample["audio_visible"].unique()) == 4
    tested = make().items("test", "clip", ("sound", "sound_mask"))[SampleKey(0, 0)]
    assert tested["sound"].shape == (3, 32, 32)


def test_a_file_without_sound_is_a_mask_and_its_frames_are_there(make: Make) -> None:
    samples = make().train(ALL)
    assert [bool(samples[SampleKey(0, row)]["sound_mask"].any()) for row in range(4)] == [True, True, True, False]
    assert not samples[SampleKey(0, 3)]["sound"].any()
    assert samples[SampleKey(0, 3)]["frames"].any()


def test_where_sound_is_asked_for_clips_without_it_are_left_out_and_counted(
    make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    data = make()
    for unit in ("clip", "caption"):
        fields = ("sound", "sound_mask") if unit == "clip" else ("text_ids", "text_mask")
        items = data.items("test", f"sounding-{unit}", fields)
        assert set(items.groups_N.tolist()) == {0}
        assert {items[SampleKey(0, row)]["group"] for row in range(len(items))} == {0}
    assert capsys.readouterr().out.count("1 of 2 clips have no sound") == 1
    assert len(data.items("test", "clip", ("sound",))) == 2


@pytest.mark.parametrize("cut", [True, False])
def test_cached_sound_is_pictured_as_that_of_the_file(make: Make, cut: bool) -> None:
    fields = ("sound", "sound_mask")
    plain, cached = make(cut=cut), make(cut=cut, cache_sound=True)
    for row in range(4):
        for one, other in (
            (plain.train(fields), cached.train(fields)),
            (plain.items("train", "clip", fields), cached.items("train", "clip", fields)),
        ):
            a, b = one[SampleKey(2, row)], other[SampleKey(2, row)]
            assert torch.equal(a["sound"], b["sound"])
            assert torch.equal(a["sound_mask"], b["sound_mask"])


def test_of_a_stretch_of_a_file_the_cache_keeps_the_stretch(make: Make, tmp_path: Path) -> None:
    """Far in its video, where decoding jumps."""
    start_s = round(FAR_S) + 1
    write_clip(tmp_path / "long.mp4", frames=8 * (start_s + 2))
    rows = [f"{split},{start_s},{start_s + 1.5},long.mp4,a tone" for split in ("a", "b")]
    (tmp_path / "train.csv").write_text("\n".join(["id,start,end,video,text", *rows]) + "\n")
    changes = {"corpus": "triples", "protocol": "triples", "root": tmp_path}
    plain, cached = (make(**changes, cache_sound=cache).train(("sound",))[SampleKey(0, 0)] for cache in (False, True))
    torch.testing.assert_close(plain["sound"], cached["sound"])
    (file,) = cache_home().glob("sounds/*/sounds.f32")
    assert file.stat().st_size == pytest.approx(2 * 4 * 1.5 * SECOND.rate, rel=0.01)


def test_clips_of_which_nothing_is_said_are_for_those_who_leave_them_out(make: Make, tmp_path: Path) -> None:
    for name in ("said", "unsaid"):
        write_clip(tmp_path / f"{name}.mp4", frames=32)
    (tmp_path / "train.csv").write_text("id,video,text\na,said.mp4,a tone is heard\nb,unsaid.mp4,\n")
    changes: dict[str, Any] = {"corpus": "triples", "protocol": "triples", "root": tmp_path}
    heard = make(**changes)
    fields = ("text_ids", "text_mask", "text_masked_ids", "text_labels")
    said, unsaid = (heard.train(fields)[SampleKey(0, row)] for row in range(2))
    assert unsaid["text_mask"].tolist() == [True, True]
    assert (unsaid["text_labels"] == IGNORE).all()
    assert torch.equal(unsaid["text_masked_ids"], said["text_ids"][[0, -1]])
    plain = VideoTextData(
        **changes, tokenizer="train:300", frames=FrameSampling("segments", 4), transform=FrameTransform(32)
    )
    with pytest.raises(CorpusError, match="triples, train: 1 texts are empty"):
        plain.build(0)


def test_by_texts_of_which_some_are_empty_nothing_is_scored(
    make: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_clip(tmp_path / "v.mp4", frames=32)
    (tmp_path / "train.csv").write_text("id,video,text\na,v.mp4,a tone is heard\nb,v.mp4,\n")
    data = make(corpus="triples", protocol="triples", root=tmp_path)
    for unit in ("caption", "sounding-caption"):
        with pytest.raises(CorpusError, match=r"triples, train: 1 texts are empty.* Score another split"):
            data.items("train", unit, ("text_ids",))
    assert len(data.items("train", "sounding-clip", ("sound",))) == 2
    assert not data.to_look_at("train", ("text_ids", "text_mask"))[SampleKey(0, 1)]["text_mask"][2:].any()
    data.train(("text_ids",))
    assert "triples train: 1 of 2 texts are empty" in capsys.readouterr().out
    assert data.describe()["splits"]["train"]["wordless"] == 1


@pytest.mark.parametrize("unit", ["clip", "caption"])
def test_clips_of_a_class_in_which_nothing_is_heard_are_left_out_and_no_others(
    make: Make, tmp_path: Path, unit: str
) -> None:
    """The classes of these clips stand in another order than the clips."""
    tone_T = 0.5 * np.sin(np.arange(4000, dtype=np.float32))
    sounds = {"0_theo_0": 0 * tone_T, "8_theo_0": tone_T, "0_jackson_0": tone_T, "0_nicolas_0": tone_T}
    for name, sound_T in sounds.items():
        write_sound(tmp_path / f"{name}.wav", sound_T, codec="pcm_s16le")
    changes = {"corpus": "fsdd", "protocol": "fsdd-theo", "root": tmp_path, "missing": "drop", "tokenizer": "train:261"}
    items = make(**changes).items("test", f"sounding-{unit}", ())
    assert [items[SampleKey(0, row)]["id"][:8] for row in range(len(items))] == ["8_theo_0"]


@pytest.mark.parametrize("field", ["frames", "sound"])
def test_a_stretch_that_starts_behind_the_end_of_its_file_is_a_bad_sample(
    make: Make, tmp_path: Path, field: str
) -> None:
    write_clip(tmp_path / "v.mp4", frames=32)
    (tmp_path / "train.csv").write_text("id,start,video,text\na,100,v.mp4,a tone is heard\n")
    data = make(corpus="triples", protocol="triples", root=tmp_path)
    with pytest.raises(MediaError, match=r"v\.mp4.*ends at 4.* s, and clip a starts at 100.* s"):
        data.train((field,))[SampleKey(0, 0)]


def test_a_file_that_does_not_say_how_long_it_is_ends_with_its_last_packet(shared: Path) -> None:
    clip = Clip("clip", shared / "data/video_text/edge_cases/no_duration.webm")
    with pytest.raises(EmptyMediaError, match=r"it lies from 0\.015 to 4\.8"):
        read_audio(clip.video, rate=8_000, start_s=9.0)
    assert stretch_of(clip).end_s == pytest.approx(4.9, abs=0.1)  # 74 frames at 15 a second
    assert Windows(2.0, 3, cut=True).of_tests(clip)[-1].end_s == stretch_of(clip).end_s


def test_a_cached_file_that_is_bad_stays_bad(make: Make, root: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    (broken / "videos").mkdir(parents=True)
    (broken / "annotation").symlink_to(root / "annotation")
    for path in (root / "videos").iterdir():
        (broken / "videos" / path.name).write_bytes(b"no media" if path.stem == "video1" else path.read_bytes())
    samples = make(root=broken, cache_sound=True).train(("sound",))
    with pytest.raises(MediaError, match="video1"):
        samples[SampleKey(0, 1)]
    assert samples[SampleKey(0, 0)]["sound"].any()


def drawn(epoch: int) -> Any:
    return partial(generator, 0, epoch, "clip")


@given(
    start=st.floats(0, 100),
    length=st.floats(0.01, 30),
    seconds=st.floats(0.1, 10),
    count=st.integers(1, 5),
    epoch=st.integers(0, 3),
    cut=st.booleans(),
)
def test_no_window_leaves_its_clip(
    start: float, length: float, seconds: float, count: int, epoch: int, cut: bool
) -> None:
    clip, windows = Clip("clip", Path("none.mp4"), start, start + length), Windows(seconds, count, cut)
    found = [windows.of_training(clip, drawn(epoch)), *windows.of_tests(clip)]
    for window in found:
        assert start <= window.start_s
        assert window.end_s <= start + length
        assert window.end_s - window.start_s == pytest.approx(min(seconds, length), abs=1e-4)
    assert windows.of_training(clip, drawn(epoch)) == found[0]


def test_frames_and_sound_are_of_one_window(make: Make) -> None:
    """Frames are taken as of a clip that is the window; the sound's window is the same draw."""
    module = make()
    clip = module.split("train").clips[0]
    for epoch in range(3):
        draw = partial(generator, 0, epoch, clip.id)
        window = module.config.hearing.windows.of_training(clip, draw)
        within = replace(clip, start_s=window.start_s, end_s=window.end_s)
        expected = module.frames_maker(True).make(within, "", draw, True)["frames"]
        sample = module.train(ALL)[SampleKey(epoch, 0)]
        assert torch.equal(sample["frames"], expected)


def test_what_a_model_needs_to_hear_travels(make: Make) -> None:
    config = make().config
    assert Hearing.from_json(make().assets()[Hearing.ASSET]) == config.hearing
    assert ending_with(Window(0, 2), Window(1, 4)) == Window(1, 2)


def test_what_cannot_be_served_is_refused(make: Make) -> None:
    with pytest.raises(ValueError, match=r"set data\.cut=false"):
        make(cache_frames=True)
    with pytest.raises(ValueError, match="text_length=2 has no room for a word"):
        make(text_length=2)
    with pytest.raises(ValueError, match="patch_size=7 does not divide 32 x 32"):
        make(hiding=Hiding(patch_size=7)).train(ALL)
    with pytest.raises(ValueError, match="between 0 and 1"):
        Hiding(video=1.0)


@given(synchronous=st.integers(0, 6), others=st.integers(0, 6), k=st.integers(1, 12))
def test_synchrony_lies_between_chance_and_all(synchronous: int, others: int, k: int) -> None:
    test = [{"sounds": [{"on": "rise"}]}] * synchronous + [{"sounds": [{"on": "off stage"}]}] * others
    if test:
        bound = synchrony(test, k)
        assert bound["chance"] <= bound["synchrony"] + 1e-9 <= 100 + 2e-9
        assert not others or k >= others or bound["synchrony"] < 100
