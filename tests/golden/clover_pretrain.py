"""Clover's pre-training step: activations of both passes of every module, five losses and the norms of gradients."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from quatrefoil.core.objectives import ExclusiveContrastive, FocalMaskedTokens, Objective, Ranking, Step
from quatrefoil.core.views import Views
from quatrefoil.video_text.models.clover import Clover, CloverConfig
from quatrefoil.video_text.models.clover_fusion import Fused
from quatrefoil.video_text.models.clover_weights import clover_key, clover_places, load_clover
from tests.golden.checks import Check, activation, gradient_norms, scalar
from tests.golden.clover_model import clover_sizes, weights_of
from tests.golden.files import Golden

GRADNORM, TYPES = "gradnorm.", "multimodal_backbone.token_type_embeddings.weight"


def clover_pretrain_kind(golden: Golden) -> list[Check]:
    """Everything that the file holds."""
    model = clover(golden)
    return [*_activations(golden, model), *_losses(golden, model), *_gradients(golden, model)]


def clover(golden: Golden) -> Clover:
    """The file's model; unless the file says otherwise, its read-out is that of the official code's last version."""
    space = len(golden.tensor("weight.ssl_head.text_projector.2.weight"))
    readout = golden.config.get("fused_readout", "text_cls")
    config = CloverConfig(**clover_sizes(golden), projection=space, fused_readout=readout)
    model = config.build().eval()
    assert load_clover(model, weights_of(golden)) == ()
    return model


def batch_of(golden: Golden) -> dict[str, Tensor]:
    """Frames that are normalised already, both texts, and the mask of cells without its axis of time."""
    ids = golden.tensor("in.token_ids")
    return {
        "pixels": golden.tensor("in.frames")[:, None],
        "video_masked_cells": golden.tensor("in.video_mask")[:, 0].bool(),
        "text_ids": ids,
        "text_masked_ids": golden.tensor("in.masked_token_ids"),
        "text_mask": golden.tensor("in.attention_mask").bool(),
        "text_labels": golden.tensor("in.mlm_labels"),
        "group": torch.arange(len(ids)),
    }


@torch.no_grad()
def _activations(golden: Golden, model: Clover) -> list[Check]:
    views = Views(model, batch_of(golden))

    def all_states(fused: Fused) -> Tensor:
        return torch.cat([fused.visual_BVD, fused.text_BLD], 1)

    masked_video, masked_text = views["fusion_masked_video"], views["fusion_masked_text"]
    got = {
        "video_tokens.0": views["video_states"].movedim(-1, 1),
        "video_tokens.1": views["video_masked_states"].movedim(-1, 1),
        "video_projected.0": model.video_head(views["video_states"].mean((1, 2, 3))),
        "video_projected.1": model.video_head(views["video_masked_states"].mean((1, 2, 3))),
        "text_projected.0": model.text_head(views["text_states"].states_BTD[:, 0]),
        "text_projected.1": model.text_head(views["text_masked_states"].states_BTD[:, 0]),
        "fusion_last_hidden.0": all_states(masked_video),
        "fusion_last_hidden.1": all_states(masked_text),
        "fused_masked_video.0": model.fused_video_head(model.read_fused_video(masked_video)),
        "fused_masked_text.0": model.fused_text_head(masked_text.joint_BD),
        "mlm_logits.0": model.token_head(masked_text.text_BLD),
    }
    return [activation(f"out.{name}", value, golden.tensor(f"out.{name}")) for name, value in got.items()]


def objectives(golden: Golden) -> dict[str, Objective]:
    """The origin's names for its five losses."""
    scale, margin = 1 / golden.field("temperature"), golden.field("ttm_margin")
    return {
        "mlm_loss": FocalMaskedTokens("text_token_logits", "text_labels", gamma=golden.field("focal_gamma")),
        "nce_loss": ExclusiveContrastive("video", ("text", "text_masked", "fused_masked_video"), scale),
        "v_nce_loss": ExclusiveContrastive("text", ("video", "video_masked", "fused_masked_text"), scale),
        "rank_t_tm_loss": Ranking("video", "text", "text_masked", scale, margin),
        "rank_v_vm_loss": Ranking("text", "video", "video_masked", scale, margin),
    }


def _losses(golden: Golden, model: Clover) -> list[Check]:
    """Leaves the gradients of the sum in the model."""
    named = objectives(golden)
    result = Step(model, named)(batch_of(golden), 0)
    result["loss"].backward()
    got = {name: result[f"{name}/loss"] for name in named} | {"total": result["loss"].detach()}
    return [scalar(f"loss.{name}", value, golden.tensor(f"loss.{name}")) for name, value in got.items()]


def _gradients(golden: Golden, model: Clover) -> list[Check]:
    wanted = {key: float(value) for key, value in golden.tensors.items() if key.startswith(GRADNORM)}
    return gradient_norms(GRADNORM, _norms(model), {clover_key(k.removeprefix(GRADNORM)): v for k, v in wanted.items()})


def _norms(model: Clover) -> Mapping[str, float]:
    """Norms under the origin's keys: of a part of our gradient where the origin has several weights for one of ours."""
    norms = {
        key: part.norm().item()
        for found in clover_places(model).values()
        for place in found
        if place.parameter.grad is not None
        for key, part in zip(place.keys, place.parameter.grad.chunk(len(place.keys)), strict=True)
    }
    types = [norms.pop(key) for key in list(norms) if key.endswith(("vision_type", "text_type"))]
    return norms | {TYPES: math.hypot(*types)}
