"""Frame sampling as arithmetic."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from quatrefoil.video_text.media.sampling import FrameSampling, at_rate, segment_centres, segment_random, uniform

counts = st.integers(1, 10_000)
few = st.integers(1, 64)
seeds = st.integers(0, 2**32)


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@given(counts, few, seeds)
def test_each_segment_gives_one_frame_of_its_own(frame_count: int, segments: int, seed: int) -> None:
    indices = segment_random(frame_count, segments, generator(seed)).tolist()
    for i, index in enumerate(indices):
        # Frame k spans [k, k + 1): it must meet the segment [i n / S, (i + 1) n / S).
        assert index * segments < (i + 1) * frame_count
        assert (index + 1) * segments > i * frame_count
    assert indices == sorted(indices)


@given(counts, few, seeds)
def test_indices_are_in_range_sorted_and_as_many_as_asked(frame_count: int, frames: int, seed: int) -> None:
    for indices in (
        segment_random(frame_count, frames, generator(seed)),
        segment_centres(frame_count, frames),
        uniform(frame_count, frames),
    ):
        assert indices.shape == (frames,)
        assert indices.min() >= 0
        assert indices.max() < frame_count
        assert bool((indices.diff() >= 0).all())


@given(counts, few, seeds)
def test_random_segments_depend_on_the_generator_only(frame_count: int, segments: int, seed: int) -> None:
    torch.manual_seed(seed % 7)
    first = segment_random(frame_count, segments, generator(seed))
    torch.manual_seed(seed % 7 + 1)
    assert torch.equal(first, segment_random(frame_count, segments, generator(seed)))


def test_every_frame_of_a_segment_is_drawn() -> None:
    shared = generator(0)
    drawn = {int(segment_random(12, 3, shared)[1]) for _ in range(200)}
    assert drawn == {4, 5, 6, 7}


@given(few)
def test_as_many_segments_as_frames_give_each_frame_once(frame_count: int) -> None:
    assert segment_random(frame_count, frame_count, generator(0)).tolist() == list(range(frame_count))
    assert segment_centres(frame_count, frame_count).tolist() == list(range(frame_count))


@given(counts, few)
def test_uniform_is_the_slices_of_clip4clip(frame_count: int, frames: int) -> None:
    assert uniform(frame_count, frames).tolist() == np.linspace(0, frame_count - 1, num=frames, dtype=int).tolist()


@given(st.integers(2, 60), st.integers(1, 20))
def test_frames_at_a_rate_are_those_on_screen(fps: int, seconds: int) -> None:
    times = torch.arange(fps * seconds + 1, dtype=torch.float64) / fps + 0.067
    assert at_rate(times, 1.0).tolist() == [fps * second for second in range(seconds + 1)]


def test_frames_at_a_rate_repeat_while_nothing_new_is_shown() -> None:
    assert at_rate(torch.tensor([0.0, 0.4, 2.5]), 2.0).tolist() == [0, 1, 1, 1, 1, 2]


def test_sampling_at_a_rate_chooses_among_its_frames() -> None:
    times = torch.arange(300, dtype=torch.float64) / 30
    among = {30 * second for second in range(10)}
    for sampling in (FrameSampling("uniform", 4, fps=1.0), FrameSampling("segments", 12, fps=1.0)):
        for draw in (None, generator(3)):
            assert set(sampling.indices(times, draw).tolist()) <= among
    assert FrameSampling("uniform", 4, fps=1.0).indices(times, None).tolist() == [0, 90, 180, 270]


@pytest.mark.parametrize("wrong", [{"policy": "middle"}, {"frames": 0}, {"fps": 0.0}])
def test_impossible_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=str(next(iter(wrong.values())))):
        FrameSampling(**{"policy": "segments", "frames": 8, **wrong})
