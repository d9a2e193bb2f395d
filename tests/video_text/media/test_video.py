"""The video seam, on real files and on small ones made here."""

import multiprocessing
import pickle
import subprocess
import sys
from pathlib import Path

import av
import pytest
import torch

from quatrefoil.video_text.media.errors import (
    CorruptMediaError,
    EmptyMediaError,
    MediaError,
    MediaTimeoutError,
    NoVideoError,
)
from quatrefoil.video_text.media.fetch import Backend
from quatrefoil.video_text.media.sampling import FrameSampling
from quatrefoil.video_text.media.video import open_video, read_clip
from tests.video_text.media.clips import turn, write_clip, write_tone

SAMPLING = FrameSampling("segments", 8)

# Real files of every container, codec and oddity at hand, and the reason for which decord may not read them (None where
# it may: there it must give the same bytes).
REAL = {
    "msrvtt/videos/video1820.mp4": None,
    "msrvtt/videos/video231.mp4": None,
    "msrvtt/videos/video4382.mp4": None,
    "msrvtt/videos/video676.mp4": None,
    "msrvtt/videos/video7011.mp4": None,
    "msrvtt/videos/video7012.mp4": None,
    "clips_av/applausing.mp4": None,
    "clips_av/demo.mp4": None,
    "clips_av/dog_barking.mp4": None,
    "clips_av/v_GGSY1Qvo990.mp4": None,
    "clips_av/tvlt/K0m1tO3Ybyc_2.mp4": None,
    "edge_cases/chaplin.mp4": None,
    "edge_cases/flipping_a_pancake.mkv": None,
    "edge_cases/video_with_failing_audio.mp4": None,
    # decord seeks to wrong frames in AVI.
    "msvd/videos/LuQ0KiMMhoI_49_64.avi": "container avi",
    "msvd/videos/3I9tSDU-OSk_17_22.avi": "container avi",
    "msvd/videos/-_aaMGK6GGw_57_61.avi": "container avi",
    "ucf101_subset/ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c02.avi": "container avi",
    "ucf101_subset/BenchPress/v_BenchPress_g01_c03.avi": "container avi",
    "clips_av/test.avi": "container avi",
    # decord takes the largest stream, we the first.
    "clips_av/nasa_13013.mp4": "several video streams",
    # decord turns the picture before it converts colours, we after: the same bytes here, not in general.
    "edge_cases/video_90.mov": "rotated",
    # decord cannot open these.
    "edge_cases/no_duration.webm": "codec vp9",
    "tgif_qa/gifs/1.gif": "container gif",
    "tgif_qa/gifs/transition_1.gif": "container gif",
}


def plain_frames(path: Path) -> list[torch.Tensor]:
    """The reference: every frame, decoded from the first on, turned upright."""
    with av.open(str(path)) as container:
        arrays = [(frame.to_ndarray(format="rgb24"), frame.rotation) for frame in container.decode(video=0)]
    return [torch.rot90(torch.from_numpy(rgb), turn // 90).permute(2, 0, 1) for rgb, turn in arrays]


def read(path: Path, backend: Backend = "pyav") -> torch.Tensor:
    with open_video(path, backend) as reader:
        return reader.frames(range(reader.frame_count))


@pytest.mark.parametrize("name", REAL)
def test_random_access_equals_sequential_decoding(shared: Path, name: str) -> None:
    path = shared / "data/video_text" / name
    reference = plain_frames(path)
    with open_video(path, "pyav") as reader:
        assert reader.frame_count == len(reference)
        assert (reader.height, reader.width) == reference[0].shape[1:]
        assert bool((reader.times_F.diff() > 0).all())
        order = torch.randperm(reader.frame_count, generator=torch.Generator().manual_seed(0))[:6]
        for index, frame in zip(order, reader.frames(order), strict=True):
            assert torch.equal(frame, reference[int(index)])


@pytest.mark.parametrize("name", REAL)
def test_decord_gives_the_same_bytes_or_is_not_used(shared: Path, name: str) -> None:
    pytest.importorskip("decord")
    path = shared / "data/video_text" / name
    with open_video(path, "pyav") as floor, open_video(path, "decord") as reader:
        assert reader.fallback == (REAL[name] and f"decord: {REAL[name]}")
        assert reader.backend == ("pyav" if REAL[name] else "decord")
        indices = SAMPLING.indices(floor.times_F, torch.Generator().manual_seed(1))
        assert torch.equal(reader.frames(indices), floor.frames(indices))


def test_msvd_is_why_decord_may_not_read_avi(shared: Path) -> None:
    decord = pytest.importorskip("decord")
    path = shared / "data/video_text/msvd/videos/LuQ0KiMMhoI_49_64.avi"
    sought = torch.from_numpy(decord.VideoReader(str(path), num_threads=1)[113].asnumpy()).permute(2, 0, 1)
    assert not torch.equal(sought, plain_frames(path)[113])


@pytest.mark.parametrize("backend", ["pyav", "auto"])
@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_rotated_files_stand_upright(tmp_path: Path, backend: Backend, rotation: int) -> None:
    flat = write_clip(tmp_path / "flat.mp4", frames=8, sound=False)
    turned = turn(flat, tmp_path / "turned.mp4", rotation)
    assert torch.equal(read(turned, backend), torch.rot90(read(flat), rotation // 90, (2, 3)))


def test_times_are_those_of_a_variable_frame_rate(tmp_path: Path) -> None:
    ticks = [0, 1, 2, 6, 7, 15, 16, 31]
    path = write_clip(tmp_path / "vfr.mkv", pts=ticks, sound=False)
    with open_video(path) as reader:
        assert reader.times_F.tolist() == pytest.approx([tick / 8 for tick in ticks], abs=1e-3)


def test_a_window_shows_the_frames_within_it(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4")
    whole = read(path)
    with open_video(path, start_s=1.0, end_s=2.5) as reader:
        assert reader.times_F.tolist() == [1 + i / 8 for i in range(12)]
        assert torch.equal(reader.frames(range(12)), whole[8:20])
        with pytest.raises(IndexError, match="frames 0 to 11"):
            reader.frames([12])
    with pytest.raises(EmptyMediaError, match="no frame from 9"):
        open_video(path, start_s=9.0)
    with pytest.raises(ValueError, match="start_s must lie before end_s"):
        open_video(path, start_s=2.0, end_s=1.0)


@pytest.mark.parametrize("backend", ["pyav", "auto"])
@pytest.mark.parametrize(("name", "options"), [("clip.mkv", {}), ("clip.mp4", {"movflags": "faststart"})])
def test_a_truncated_file_gives_the_frames_it_holds(
    tmp_path: Path, name: str, options: dict[str, str], backend: Backend
) -> None:
    path = write_clip(tmp_path / name, sound=False, options=options)
    whole = read(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    with open_video(path, backend) as reader:
        # A cut among B-frames loses some that are shown before others that are there: the first group is whole.
        assert 8 <= reader.frame_count < 32
        assert torch.equal(reader.frames(range(8)), whole[:8])
        with pytest.raises((IndexError, CorruptMediaError)):
            reader.frames([reader.frame_count])


@pytest.mark.parametrize("backend", ["pyav", "auto"])
def test_a_frame_that_does_not_decode_is_an_error_that_counts_those_that_do(shared: Path, backend: Backend) -> None:
    with open_video(shared / "data/video_text/edge_cases/corrupted.mp4", backend) as reader:
        assert reader.frames(range(28)).shape == (28, 3, 720, 1280)
        with pytest.raises(CorruptMediaError, match="28 of its 50 frames"):
            reader.frames([3, 40])


def test_files_without_a_picture_are_named_errors(tmp_path: Path) -> None:
    empty, text, folder = tmp_path / "empty.mp4", tmp_path / "text.mp4", tmp_path / "folder.mp4"
    empty.touch()
    text.write_text("no video, but a page that says so" * 99)
    folder.mkdir()
    moov_lost = write_clip(tmp_path / "cut.mp4")
    moov_lost.write_bytes(moov_lost.read_bytes()[: moov_lost.read_bytes().index(b"moov")])
    cases: list[tuple[Path, type[Exception]]] = [
        (empty, EmptyMediaError),
        (text, CorruptMediaError),
        (folder, MediaError),
        (moov_lost, CorruptMediaError),
        (write_tone(tmp_path / "sound.m4a", 1.0), NoVideoError),
        (tmp_path / "nowhere.mp4", FileNotFoundError),
    ]
    for path, error in cases:
        with pytest.raises(error, match=path.name):
            open_video(path)


def test_reading_stops_when_its_time_is_over(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4")
    with pytest.raises(MediaTimeoutError, match="timeout_s"):
        read_clip(path, SAMPLING, None, timeout_s=1e-9)
    with pytest.raises(ValueError, match="cannot be stopped"):
        open_video(path, "torchcodec", timeout_s=1.0)
    with open_video(path, timeout_s=60.0) as reader:
        assert reader.backend == "pyav"


def test_an_absent_backend_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_clip(tmp_path / "clip.mp4", frames=2)
    absent: list[tuple[str, Backend]] = [("torchcodec.decoders", "torchcodec"), ("decord", "decord")]
    for module, backend in absent:
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(ImportError, match=f"pip install {backend}"):
            open_video(path, backend)
    with open_video(path, "auto") as reader:
        assert reader.backend == "pyav"


def test_a_reader_stays_in_its_process(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", frames=2)
    reader = open_video(path)
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(reader)
    reader._process += 1
    with pytest.raises(ValueError, match="another process"):
        reader.frames([0])
    reader.close()
    with pytest.raises(ValueError, match="closed"):
        reader.frames([0])


def checksum(job: tuple[Path, int]) -> int:
    path, seed = job
    torch.set_num_threads(1)
    clip = read_clip(path, SAMPLING, torch.Generator().manual_seed(seed), timeout_s=60.0)
    weights = torch.arange(clip.frames_F3HW.numel()).reshape(clip.frames_F3HW.shape) % 997
    return int((clip.frames_F3HW.long() * weights).sum())


def test_four_workers_read_what_one_reads(tmp_path: Path) -> None:
    jobs = [(write_clip(tmp_path / f"{i}.mp4", frames=24 + i, sound=False), i) for i in range(8)]
    alone = [checksum(job) for job in jobs]
    with multiprocessing.get_context("fork").Pool(4) as pool:
        assert pool.map(checksum, jobs) == alone


def test_no_decoder_is_loaded_at_import() -> None:
    modules = "video", "audio", "augment", "sampling"
    imports = "; ".join(f"import quatrefoil.video_text.media.{name}" for name in modules)
    check = "import sys; assert not {'av', 'decord', 'torchcodec'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", f"{imports}; {check}"], check=True)
