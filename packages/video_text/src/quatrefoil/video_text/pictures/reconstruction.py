"""Hidden patches and words as a run of VLSA holds them to be, beside what they are: `quatrefoil reconstruct`.

Legend: B clips, F frames, C channels, H W pixels, R S rows and columns of a picture of sound, T patches, V visible
ones, M hidden ones, P numbers of a patch, L tokens of a caption.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from quatrefoil.core.config import ConfigError
from quatrefoil.core.losses import IGNORE
from quatrefoil.core.objectives import MaskedPatches, MaskedTokens, Objective
from quatrefoil.core.views import Views
from quatrefoil.video_text.datasets.fields import mask_id_of
from quatrefoil.video_text.encoders.patches import hidden_places, take, wide
from quatrefoil.video_text.encoders.video_swin import PIXEL_MEAN, PIXEL_STD
from quatrefoil.video_text.models.vlsa import Vlsa
from quatrefoil.video_text.pictures.look import look
from quatrefoil.video_text.pictures.panels import draw_frames, draw_sound, entitle, joined, rows_of_panels, save

_WORDS = "text_token_logits"
_VIEWS = ("video_hidden", "audio_hidden", "audio_present", _WORDS)
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
    """A PNG for each clip below `out`: frames, sound and caption, as they are, with what is hidden, and rebuilt.

    Of words nothing is told where the run was not trained to restore them.

    Raises:
        ConfigError: the run was not trained to restore hidden patches; and as `look`.
    """
    looked = look(run, overrides, split, clips, _VIEWS)
    normalised = _normalised(looked.recipe.objectives, run)
    views = Views(looked.model, looked.batch)
    with torch.no_grad():
        frames, sound, present_B = reconstructed(looked.model, views, normalised)
        told = captions(looked.model, views, looked.captions) if _restores_words(looked.recipe.objectives) else None
    paths = []
    for number, id in enumerate(looked.batch["id"]):
        heard = bool(present_B[number])
        figure, axes = rows_of_panels(len(_TITLES), frames.original.shape[1])
        span = float(sound.original[number].min()), float(sound.original[number].max())
        for row, (title, frames_BFCHW, sound_BRS) in enumerate(zip(_TITLES, frames, sound, strict=True)):
            draw_frames(axes[row, 0], frames_BFCHW[number])
            draw_sound(axes[row, 1], sound_BRS[number] if heard else None, span)
            axes[row, 0].set_ylabel(title)
        words = [f"{title}: {text}" for title, text in zip(_TITLES[1:], told[number], strict=True)] if told else []
        entitle(figure, [f"{id}: {looked.captions[number]}", *words])
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


def captions(model: Vlsa, views: Views, texts: Sequence[str]) -> list[tuple[str, str]]:
    """Each caption as the model reads it, `[?]` or another word in the place of what is hidden, and with what the model
    holds that to be: in brackets, token by token."""
    hidden_BL, read_BL = views["text_labels"] != IGNORE, views["text_masked_ids"]
    said_BL = read_BL.masked_scatter(hidden_BL, views[_WORDS].argmax(-1))
    tokenizer, asked = model.tokenizer, mask_id_of(model.tokenizer)

    def told(number: int, ids_BL: Tensor) -> str:
        spans = tokenizer.encode([texts[number]], ids_BL.shape[1]).offsets[0]
        ids = {place: int(ids_BL[number, place]) for place in hidden_BL[number].nonzero()[:, 0].tolist()}
        words = {place: "?" if id == asked else tokenizer.piece(id) or "␣" for place, id in ids.items()}
        return with_words(texts[number], {spans[place]: word for place, word in words.items()})

    return [(told(number, read_BL), told(number, said_BL)) for number in range(len(texts))]


def with_words(text: str, words: Mapping[tuple[int, int], str]) -> str:
    """A text with other words, in brackets, in these places of its characters; spaces before them stay."""
    parts, done = [], 0
    for (start, end), word in sorted(words.items()):
        hidden = text[start:end]
        parts += [text[done:start], hidden[: len(hidden) - len(hidden.lstrip())], f"[{word}]"]
        done = end
    return "".join([*parts, text[done:]])


def _coloured(frames_FCHW: Tensor) -> Tensor:
    mean, deviation = (frames_FCHW.new_tensor(values)[:, None, None] for values in (PIXEL_MEAN, PIXEL_STD))
    return frames_FCHW * deviation + mean


def _restores_words(objectives: Mapping[str, Objective]) -> bool:
    return any(isinstance(term, MaskedTokens) and term.logits == _WORDS for term in objectives.values())


def _normalised(objectives: Mapping[str, Objective], run: Path) -> dict[str, bool]:
    found = {term.predicted: term.normalised for term in objectives.values() if isinstance(term, MaskedPatches)}
    if missing := {"video_hidden", "audio_hidden"} - found.keys():
        raise ConfigError(
            f"{run} was not trained to restore hidden patches (no objective on {', '.join(sorted(missing))}); give a "
            "run of pre-training"
        )
    return found
