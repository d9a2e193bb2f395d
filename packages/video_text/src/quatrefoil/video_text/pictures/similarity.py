"""Where the words, frames and sound of a clip are alike to a run of VLSA: `quatrefoil similarity`.

A code is the direction of the mean of a modality's states, so the cosine of two codes is a mean over patches: a map
shows the share of each, its state's inner product with the other code, over the length of the mean state.

Legend: B clips, F frames, H W pixels, R S rows and columns of a picture of sound, h w patches of a frame, r s of a
picture of sound, L tokens, T tokens of a modality, Q what is looked for, D width.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as nnf
from torch import Tensor

from quatrefoil.core.views import Tokens, Views
from quatrefoil.video_text.encoders.clip import normalise_pixels
from quatrefoil.video_text.models.vlsa import Vlsa
from quatrefoil.video_text.pictures.look import look
from quatrefoil.video_text.pictures.panels import draw_frames, draw_sound, enlarged, rows_of_panels, save
from quatrefoil.video_text.text.tokenizer import NO_WORD, TokenIds

_VIEWS = ("video", "text", "audio", "audio_present", "text_ids", "text_mask", "frames", "sound")
_WORDS = 12


class States(NamedTuple):
    """Of every token of each modality alone, nothing hidden, (B, T, D); of the text with its mask."""

    video: Tensor
    audio: Tensor
    text: Tokens


class Sought(NamedTuple):
    """Something that is looked for in frames and sound: its name and its direction (D,)."""

    name: str
    code_D: Tensor


def states(model: Vlsa, views: Views) -> States:
    """Those whose means are the codes of retrieval."""
    video = model.encoder({"video": model.video_embed(views["video_patches"])})["video"]
    audio = model.encoder({"audio": model.audio_embed(views["audio_patches"][:, 0])})["audio"]
    mask_BL = views["text_mask"]
    text = model.encoder({"text": model.words(views["text_ids"])}, {"text": mask_BL})["text"]
    return States(video, audio, Tokens(text, mask_BL))


def shares(states_TD: Tensor, code_D: Tensor) -> Tensor:
    """How much each token has to do with a direction (T,): their mean is the cosine with the mean state."""
    mean_D = states_TD.mean(0)
    found_T: Tensor = states_TD @ code_D / mean_D.norm().clamp(min=torch.finfo(mean_D.dtype).tiny)
    return found_T


def words_of(text: str, tokens: TokenIds) -> list[tuple[str, list[int]]]:
    """The words of a tokenised text, each with the places of its tokens."""
    places: dict[int, list[int]] = {}
    for place, word in enumerate(tokens.word_ids[0]):
        if word != NO_WORD:
            places.setdefault(word, []).append(place)
    spans = tokens.offsets[0]
    return [(text[spans[of[0]][0] : spans[of[-1]][1]].strip(), of) for of in places.values()]


def draw_run(run: Path, overrides: Sequence[str], split: str, clips: int, out: Path) -> list[Path]:
    """A PNG for each clip below `out`: maps over frames and sound for the caption, its first words, the sound and the
    frames as a whole. Red adds to the similarity and blue takes from it, on a scale of its own for each map.

    Raises: as `look`.
    """
    looked = look(run, overrides, split, clips, _VIEWS)
    model, batch = looked.model, looked.batch
    with torch.no_grad():
        views = Views(model, batch)
        found = states(model, views)
        whole = {name: views[name] for name in ("text", "audio", "video")}
    paths = []
    for number, id in enumerate(batch["id"]):
        heard = bool(batch["sound_mask"][number].any())
        codes = [Sought("caption", whole["text"][number])]
        codes += _words(model, looked.captions[number], found.text.states_BTD[number])
        codes += [Sought("sound", whole["audio"][number])] if heard else []
        codes += [Sought("frames", whole["video"][number])]
        clip = _Clip(id, looked.captions[number], batch["frames"][number], batch["sound"][number, 0] if heard else None)
        paths.append(_draw(clip, found.video[number], found.audio[number], codes, model.config.patch_size, out))
    return paths


class _Clip(NamedTuple):
    id: str
    caption: str
    frames_FCHW: Tensor
    sound_RS: Tensor | None


def _words(model: Vlsa, caption: str, states_LD: Tensor) -> list[Sought]:
    words = words_of(caption, model.tokenizer.encode([caption], len(states_LD)))
    return [Sought(word, nnf.normalize(states_LD[of].mean(0), dim=0)) for word, of in words[:_WORDS]]


def _draw(clip: _Clip, video_TD: Tensor, audio_TD: Tensor, codes: Sequence[Sought], side: int, out: Path) -> Path:
    frames, _, height, width = clip.frames_FCHW.shape
    shown = normalise_pixels(clip.frames_FCHW, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    figure, axes = rows_of_panels(len(codes), frames)
    span = (0.0, 1.0) if clip.sound_RS is None else (float(clip.sound_RS.min()), float(clip.sound_RS.max()))
    for (left, right), (name, code_D) in zip(axes, codes, strict=True):
        seen_Fhw = shares(video_TD, code_D).reshape(frames, height // side, width // side)
        draw_frames(left, shown, enlarged(seen_Fhw, side))
        heard_rs = None
        if clip.sound_RS is not None:
            heard_rs = shares(audio_TD, code_D).reshape(*(size // side for size in clip.sound_RS.shape))
        draw_sound(right, clip.sound_RS, span, None if heard_rs is None else enlarged(heard_rs, side))
        left.set_ylabel(name)
        left.set_title(f"{float(seen_Fhw.mean()):+.2f}", fontsize=8, loc="left")
        if heard_rs is not None:
            right.set_title(f"{float(heard_rs.mean()):+.2f}", fontsize=8, loc="left")
    figure.suptitle(f"{clip.id}: {clip.caption}")
    return save(figure, out, clip.id)
