"""Where the words, frames and sound of a clip are alike to a run of VLSA: `quatrefoil similarity`.

A code is the direction of the mean of a modality's states, so the cosine of two codes is a mean over patches: a map
shows the share of each, its state's inner product with the other code, over the length of the mean state.

Legend: B clips, F frames, H W pixels, R S rows and columns of a picture of sound, h w patches of a frame, r s of a
picture of sound, L tokens, T tokens of a modality, Q what is looked for, D width.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
import torch.nn.functional as nnf
from torch import Tensor

from quatrefoil.core.views import Tokens, Views
from quatrefoil.video_text.encoders.clip import normalise_pixels
from quatrefoil.video_text.models.vlsa import Vlsa
from quatrefoil.video_text.pictures.look import look
from quatrefoil.video_text.pictures.panels import draw_frames, draw_sound, enlarged, entitle, rows_of_panels, save
from quatrefoil.video_text.text.tokenizer import NO_WORD, TokenIds

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_VIEWS = ("video", "text", "audio", "audio_present", "text_present", "text_ids", "text_mask", "frames", "sound")
_WORDS = 12


class States(NamedTuple):
    """Of every token of each modality alone, nothing hidden, (B, T, D); of the text with its mask; frames may lack."""

    video: Tensor | None
    audio: Tensor
    text: Tokens


class Sought(NamedTuple):
    """Something that is looked for in frames and sound: its name and its direction (D,)."""

    name: str
    code_D: Tensor


def states(model: Vlsa, views: Views, seen: bool) -> States:
    """Those whose means are the codes of retrieval; of frames where clips have some (`seen`)."""
    video = model.encoder({"video": model.video_embed(views["video_patches"])})["video"] if seen else None
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
        found = states(model, views, "frames" in batch)
        whole = {name: views[name] for name in ("text", "audio", *(["video"] if "frames" in batch else []))}
    paths = []
    for number, id in enumerate(batch["id"]):
        heard = bool(batch["sound_mask"][number].any())
        said = bool(views["text_present"][number])
        codes = [Sought("caption", whole["text"][number])] if said else []
        codes += _words(model, looked.captions[number], found.text.states_BTD[number])
        codes += [Sought("sound", whole["audio"][number])] if heard else []
        codes += [Sought("frames", whole["video"][number])] if "video" in whole else []
        seen = _Part(batch["frames"][number], found.video[number]) if found.video is not None else None
        sound = _Part(batch["sound"][number, 0], found.audio[number]) if heard else None
        clip = _Clip(id, looked.captions[number], seen, sound)
        paths.append(_draw(clip, codes, model.config.patch_size, out))
    return paths


class _Part(NamedTuple):
    """The frames of a clip (F, C, H, W) or its picture of sound (R, S), and the states of their patches (T, D)."""

    shown: Tensor
    states_TD: Tensor

    def map_of(self, code_D: Tensor, side: int) -> Tensor:
        """What each patch has to do with a direction: (F, h, w) of frames, (r, s) of sound."""
        *frames_and_colours, height, width = self.shown.shape
        return shares(self.states_TD, code_D).reshape(*frames_and_colours[:1], height // side, width // side)


class _Clip(NamedTuple):
    id: str
    caption: str
    frames: _Part | None
    sound: _Part | None


def _words(model: Vlsa, caption: str, states_LD: Tensor) -> list[Sought]:
    words = words_of(caption, model.tokenizer.encode([caption], len(states_LD)))
    return [Sought(word, nnf.normalize(states_LD[of].mean(0), dim=0)) for word, of in words[:_WORDS]]


def _draw(clip: _Clip, codes: Sequence[Sought], side: int, out: Path) -> Path:
    figure, axes = rows_of_panels(len(codes), 1 if clip.frames is None else len(clip.frames.shown))
    for (left, right), (name, code_D) in zip(axes, codes, strict=True):
        left.set_ylabel(name)
        _draw_seen(left, clip.frames, code_D, side)
        _draw_heard(right, clip.sound, code_D, side)
    entitle(figure, [f"{clip.id}: {clip.caption}"])
    return save(figure, out, clip.id)


def _draw_seen(axes: "Axes", frames: _Part | None, code_D: Tensor, side: int) -> None:
    if frames is None:
        draw_frames(axes, None)
        return
    map_Fhw = frames.map_of(code_D, side)
    draw_frames(axes, normalise_pixels(frames.shown, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)), enlarged(map_Fhw, side))
    _entitle(axes, map_Fhw)


def _draw_heard(axes: "Axes", sound: _Part | None, code_D: Tensor, side: int) -> None:
    if sound is None:
        draw_sound(axes, None, (0.0, 1.0))
        return
    map_rs = sound.map_of(code_D, side)
    draw_sound(axes, sound.shown, (float(sound.shown.min()), float(sound.shown.max())), enlarged(map_rs, side))
    _entitle(axes, map_rs)


def _entitle(axes: "Axes", found: Tensor) -> None:
    """The mean of a map, which is the cosine of the two codes."""
    axes.set_title(f"{float(found.mean()):+.2f}", fontsize=8, loc="left")
