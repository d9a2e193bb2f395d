"""Augmentation of whole clips."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from quatrefoil.video_text.media.augment import (
    FrameTransform,
    WholeFrame,
    centre_crop,
    colour_jitter,
    random_flip,
    random_resized_crop,
    resize,
)
from quatrefoil.video_text.media.sampling import FrameSampling
from quatrefoil.video_text.preprocessing import Preprocessing

STRONG = FrameTransform(32, flip=0.5, jitter=0.4)
sizes = st.integers(5, 80)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def clip(height: int = 48, width: int = 64, frames: int = 3) -> torch.Tensor:
    return torch.randint(256, (frames, 3, height, width), generator=generator(), dtype=torch.uint8)


@settings(max_examples=40, deadline=None)
@given(sizes, sizes, st.integers(2, 40), st.integers(0, 99))
def test_any_clip_becomes_a_square_of_bytes(height: int, width: int, size: int, seed: int) -> None:
    frames = clip(height, width)
    for draw in (None, generator(seed)):
        result = FrameTransform(size, flip=0.5, jitter=0.2)(frames, draw)
        assert result.shape == (3, 3, size, size)
        assert result.dtype == torch.uint8


@given(st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_all_frames_of_a_clip_are_changed_alike(seed: int) -> None:
    still = clip(frames=1).expand(4, -1, -1, -1)
    result = STRONG(still, generator(seed))
    assert all(torch.equal(result[0], frame) for frame in result)


def test_augmentation_depends_on_the_generator_only() -> None:
    torch.manual_seed(1)
    first = STRONG(clip(), generator(5))
    torch.manual_seed(2)
    assert torch.equal(first, STRONG(clip(), generator(5)))
    assert not torch.equal(first, STRONG(clip(), generator(6)))


def test_left_and_right_stay_unless_a_flip_is_asked_for() -> None:
    ramp = torch.arange(64, dtype=torch.uint8).expand(2, 3, 48, 64)
    for seed in range(20):
        result = FrameTransform(16)(ramp, generator(seed)).float()
        assert float(result[..., -1].mean()) > float(result[..., 0].mean())
    assert torch.equal(random_flip(ramp, 1.0, generator()), ramp.flip(-1))


def test_the_test_view_is_the_middle_square() -> None:
    frames = clip(48, 64)
    assert torch.equal(centre_crop(frames, 48), frames[..., 8:56])


def test_a_box_of_the_whole_frame_is_a_resize() -> None:
    frames = clip(40, 40)
    assert torch.equal(random_resized_crop(frames, 24, (1.0, 1.0), (1.0, 1.0), generator()), resize(frames, 24, 24))


def test_a_whole_frame_loses_nothing_but_its_shape_in_training_and_in_tests() -> None:
    wide = clip(32, 96)
    for draw in (None, generator()):
        assert torch.equal(WholeFrame(48)(wide, draw), resize(wide, 48, 48))
    assert not torch.equal(FrameTransform(48, scale=(1.0, 1.0), ratio=(1.0, 1.0))(wide, None), resize(wide, 48, 48))
    with pytest.raises(ValueError, match="no box to draw"):
        WholeFrame(48, scale=(0.5, 1.0))


@pytest.mark.parametrize("transform", [STRONG, WholeFrame(24, flip=0.5)])
def test_how_frames_are_made_travels_with_a_model(transform: FrameTransform) -> None:
    given = Preprocessing(FrameSampling("segments", 4), transform, 12, 0, 0)
    again = Preprocessing.from_json(given.to_json())
    assert (again, type(again.transform)) == (given, type(transform))


def test_no_strength_of_jitter_changes_nothing() -> None:
    frames = clip()
    assert torch.equal(colour_jitter(frames, 0.0, generator()), frames)
    assert not torch.equal(colour_jitter(frames, 0.5, generator()), frames)


@pytest.mark.parametrize("wrong", [{"size": 1}, {"scale": (0.0, 1.0)}, {"flip": 2.0}, {"jitter": -1.0}])
def test_impossible_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        FrameTransform(**{"size": 8, **wrong})
