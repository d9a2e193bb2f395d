"""Hidden patches as a run of VLSA holds them to be, beside what they are: `quatrefoil reconstruct`.

Legend: B clips, F frames, C channels, H W pixels, R S rows and columns of a picture of sound, T patches, V visible
ones, M hidden ones, P numbers of a patch.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from quatrefoil.core.config import ConfigError
from quatrefoil.core.objectives import MaskedPatches, Objective
from quatrefoil.core.views import Views
from quatrefoil.video_text.encoders.patches import hidden_places, take, wide
from quatrefoil.video_text.encoders.video_swin import PIXEL_MEAN, PIXEL_STD
from quatrefoil.video_text.models.vlsa import Vlsa
from quatrefoil.video_text.pictures.look import look
from quatrefoil.video_text.pictures.panels import draw_frames, draw_sound, joined, rows_of_panels, save

_VIEWS = ("video_hidden", "audio_hidden", "audio_present")
_TITLES = ("original", "hidden", "reconstructed")


class Versions(NamedTuple):
    """What a clip shows, what is visible of it (hidden: NaN), and both that and what the model makes of the rest."""

    original: Tensor
    hidden: Tensor
    rebuilt: Tensor


def versions(patches_BTP: Tensor, visible_BV: Tensor, predicted_BMP: Tensor, normalised: bool) -> Versions:
    """Of patches, each (B, T, P). Where targets were `normalised`, predictions get back mean and deviation of their
    patch, as MAE draws them: how bright a patch is was then not asked of the model."""
    places_BM = hidden_places(visible_BV, patches_BTP.shape[1])
    if normalised:
        truth_BMP = take(patches_BTP, places_BM)
        predicted_BMP = predicted_BMP * truth_BMP.std(-1, keepdim=True) + truth_BMP.mean(-1, keepdim=True)
    index_BMP = wide(places_BM, patches_BTP)
    hidden_BTP = patches_BTP.scatter(1, index_BMP, torch.nan)
    return Versions(patches_BTP, hidden_BTP, patches_BTP.scatter(1, index_BMP, predicted_BMP.to(patches_BTP.dtype)))


def draw_run(run: Path, overrides: Sequence[str], split: str, clips: int, out: Path) -> list[Path]:
    """A PNG for each clip below `out`: frames and sound, as they are, with the hidden patches, and rebuilt.

    Raises:
        ConfigError: the run was not trained to restore hidden patches; and as `look`.
    """
    looked = look(run, overrides, split, clips, _VIEWS)
    normalised = _normalised(looked.recipe.objectives, run)
    with torch.no_grad():
        frames, sound, present_B = reconstructed(looked.model, Views(looked.model, looked.batch), normalised)
    paths = []
    for number, id in enumerate(looked.batch["id"]):
        heard = bool(present_B[number])
        figure, axes = rows_of_panels(len(_TITLES), frames.original.shape[1])
        span = float(sound.original[number].min()), float(sound.original[number].max())
        for row, (title, frames_BFCHW, sound_BRS) in enumerate(zip(_TITLES, frames, sound, strict=True)):
            draw_frames(axes[row, 0], frames_BFCHW[number])
            draw_sound(axes[row, 1], sound_BRS[number] if heard else None, span)
            axes[row, 0].set_ylabel(title)
        figure.suptitle(f"{id}: {looked.captions[number]}")
        paths.append(save(figure, out, id))
    return paths


def reconstructed(model: Vlsa, views: Views, normalised: Mapping[str, bool]) -> tuple[Versions, Versions, Tensor]:
    """Frames (B, F, C, H, W) with colours from 0 to 1, pictures of sound (B, R, S), and which clips have sound (B,)."""
    config = model.config
    size, rows, columns = config.image_size, config.sound_rows, config.sound_columns
    video = versions(views["video_patches"], views["video_visible"], views["video_hidden"], normalised["video_hidden"])
    audio = versions(
        views["audio_patches"][:, 0], views["audio_visible"], views["audio_hidden"], normalised["audio_hidden"]
    )
    return (
        Versions(*(torch.stack([_coloured(joined(one_TP, 3, size, size)) for one_TP in part]) for part in video)),
        Versions(*(joined(part_BTP, 1, rows, columns)[:, 0] for part_BTP in audio)),
        views["audio_present"],
    )


def _coloured(frames_FCHW: Tensor) -> Tensor:
    mean, deviation = (frames_FCHW.new_tensor(values)[:, None, None] for values in (PIXEL_MEAN, PIXEL_STD))
    return frames_FCHW * deviation + mean


def _normalised(objectives: Mapping[str, Objective], run: Path) -> dict[str, bool]:
    found = {term.predicted: term.normalised for term in objectives.values() if isinstance(term, MaskedPatches)}
    if missing := {"video_hidden", "audio_hidden"} - found.keys():
        raise ConfigError(
            f"{run} was not trained to restore hidden patches (no objective on {', '.join(sorted(missing))}); give a "
            "run of pre-training"
        )
    return found
