"""Weights of the official Clover (github.com/LeeYN-43/Clover), read into ours.

None were released: who has trained with the official code may go on here, and the tests compare both.
"""

from torch import Tensor, nn

from quatrefoil.core.nn.bert_weights import HEAD_NAMES
from quatrefoil.core.nn.bert_weights import NAMES as BERT
from quatrefoil.core.nn.swin_weights import OFFICIAL
from quatrefoil.core.weights import Names, Place, State, check_keys, copy_weights, keys_of, places

_FUSION = "multimodal_backbone."
_TYPES = f"{_FUSION}token_type_embeddings.weight"
_POSITIONS = {f"{_FUSION}vis_space_pos", f"{_FUSION}vis_tempor_pos"}  # (1, 1, H W, D) and (1, T, 1, D) there


def _mlp(*theirs: str) -> Names:
    """A head of theirs: its layers for ours, in this order, as far as there are any."""
    ours = ("expand.", "contract.", "hidden_norm.", "output_norm.")
    return Names(tuple(zip(ours, theirs, strict=False)), ())


# Our part -> the prefix and the names of its weights there.
_ENCODERS: dict[str, tuple[str, Names]] = {
    "visual": ("backbone.", OFFICIAL),
    "textual": ("text_backbone.bert.", BERT),
    "visual_tokens": (
        _FUSION,
        Names(
            (
                ("project.", "fc_in."),
                ("place_embedding.weight", "vis_space_pos"),
                ("time_embedding.weight", "vis_tempor_pos"),
            ),
            (),
        ),
    ),
    "fusion": (
        _FUSION,
        Names((*BERT.renames, ("encoder.layer.", "bert_encoder.layer."), ("joint_token", "all_cls_token")), BERT.qkv),
    ),
}
_HEADS: dict[str, tuple[str, Names]] = {
    "video_head": ("ssl_head.img_projector.", _mlp("0.", "3.", "1.", "4.")),
    "text_head": ("ssl_head.text_projector.", _mlp("0.", "2.")),
    "fused_video_head": ("mlm_ssl_V_head.", _mlp("img_fc1.", "img_fc2.", "img_bn1.", "img_bn2.")),
    "fused_text_head": ("mlm_ssl_T_head.", _mlp("fc1.", "fc2.")),
    "token_head": ("mlm_head.predictions.", HEAD_NAMES),
    "answer_head": ("qa_head.", _mlp("1.", "4.", "2.")),
}
# Learned in pre-training alone, and where blanks are filled in: their key and our name.
_TOKENS = {"backbone.mask_token": "visual.mask_token", f"{_FUSION}all_cls_token": "fusion.joint_token"}
# Never read there: embeddings and a pooler that are built and not called, a head that blanks do not reach, and tables
# that follow from the sizes.
_UNUSED = (f"{_FUSION}bert_embedding.", "text_backbone.bert.pooler.", "itm_head.")
_OWN = ("backbone.", "text_backbone.")
_WRAPPED = "module."  # saved from within DDP
_FUSED = ("visual_tokens", "fusion")  # retrieval is fine-tuned without them
_TABLES = (".relative_position_index", ".attn_mask", ".position_ids")


def is_official(state: State) -> bool:
    """Whether these are weights as the official code saves them, and not this project's."""
    return any(key.removeprefix(_WRAPPED).startswith(_OWN) for key in state)


def load_clover(model: nn.Module, state: State) -> tuple[str, ...]:
    """Copy the weights of an official state dict; every key must find its place, every weight of an encoder its key.

    Returns:
        What the state does not have, and what keeps its start: heads, fusion as a whole, and the two learned tokens.
        Pre-training and the tasks each have others.

    Raises:
        ValueError: missing or unexpected keys or wrong shapes, all named; nothing is copied then.
    """
    state = clover_state(state)
    parts = clover_places(model)
    may_lack = [*_HEADS, *([] if any(key.startswith(_FUSION) for key in state) else _FUSED)]
    absent = [name for name in parts if name in may_lack and not keys_of(parts[name]) & state.keys()]
    found = [place for name, part in parts.items() if name not in absent for place in part]
    tokens = (_TOKENS.keys() & keys_of(found)) - state.keys()
    found = [place for place in found if tokens.isdisjoint(place.keys)]
    check_keys("Clover", keys_of(found), state)
    copy_weights(found, state)
    return (*absent, *(ours for theirs, ours in _TOKENS.items() if theirs in tokens))


def clover_places(model: nn.Module) -> dict[str, list[Place]]:
    """Part of the model -> its parameters and their keys in a state as `clover_state` gives it."""
    known = _ENCODERS | _HEADS
    return {name: _prefixed(places(part, known[name][1]), known[name][0]) for name, part in model.named_children()}


def _prefixed(found: list[Place], prefix: str) -> list[Place]:
    return [Place(place.parameter, tuple(prefix + key for key in place.keys)) for place in found]


def clover_state(state: State) -> dict[str, Tensor]:
    """The same weights under `clover_key`, without those that are never read, tables flat, a key for each type."""
    named = {clover_key(key): value for key, value in state.items()}
    kept = {key: value for key, value in named.items() if not key.startswith(_UNUSED) and not key.endswith(_TABLES)}
    flat = {key: _flat(key, value) for key, value in kept.items()}
    types = flat.pop(_TYPES, None)
    return flat if types is None else flat | {f"{_FUSION}vision_type": types[0], f"{_FUSION}text_type": types[1]}


def _flat(key: str, value: Tensor) -> Tensor:
    if key in _POSITIONS:
        return value.flatten(0, -2)
    return value.flatten() if key in _TOKENS else value  # with axes of size one there


def clover_key(key: str) -> str:
    """The same name for the layers of both kinds of answers, and whether or not the model was wrapped."""
    key = key.removeprefix(_WRAPPED)
    return key.replace("qa_head.mc_vqa_classifier.", "qa_head.").replace("qa_head.vqa_classifier.", "qa_head.")
