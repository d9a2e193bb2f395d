"""AdamW with parameter groups: who is decayed, and whose learning rate is another."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from torch import nn
from torch.optim import AdamW

from quatrefoil.core.config import nearest
from quatrefoil.core.wording import counted

Group = dict[str, Any]


@dataclass(frozen=True)
class OptimizerConfig:
    """Settings of AdamW (Loshchilov & Hutter 2019, decoupled weight decay).

    `multipliers` pairs a dotted prefix of parameter names with a factor on `lr`; of several that fit, the longest
    counts. `clip_norm` is the largest global gradient norm, None for no limit.
    """

    lr: float = 1e-4
    weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    multipliers: tuple[tuple[str, float], ...] = ()
    clip_norm: float | None = 1.0

    def __post_init__(self) -> None:
        for name in ("lr", "eps"):
            if getattr(self, name) <= 0:
                raise ValueError(f"train.optimizer.{name} must be above 0, not {getattr(self, name)}")
        if self.weight_decay < 0:
            raise ValueError(f"train.optimizer.weight_decay must be 0 or more, not {self.weight_decay}")
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError(f"train.optimizer.betas must lie from 0 to below 1, not {list(self.betas)}")
        if self.clip_norm is not None and self.clip_norm <= 0:
            raise ValueError(f"train.optimizer.clip_norm must be above 0, or none for no limit, not {self.clip_norm}")
        prefixes = [prefix for prefix, _ in self.multipliers]
        if len(set(prefixes)) < len(prefixes):
            raise ValueError(f"each prefix may have one multiplier, got {self.multipliers}")
        if frozen := [prefix for prefix, factor in self.multipliers if factor <= 0]:
            raise ValueError(
                f"multipliers must be positive, those of {frozen} are not: freeze with requires_grad_(False)"
            )


def parameter_groups(model: nn.Module, config: OptimizerConfig) -> list[Group]:
    """Splits the trainable parameters by (prefix, decayed or not), in the order of the model; each group has a `name`.

    Not decayed are parameters of fewer than two dimensions (biases, gains of norms, log-scales) and the weights of
    `nn.Embedding`, whose rows shrink by decay while no gradient comes (our choice; a head tied to an embedding goes
    with it).

    Raises ValueError for a prefix that fits no parameter, and for a model without trainable parameters.
    """
    trainable = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    if not trainable:
        raise ValueError("the model has no trainable parameter: nothing can be learned")
    factors = dict(config.multipliers)
    _check_prefixes(model, factors)
    embeddings = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    groups: dict[tuple[str, bool], Group] = {}
    for name, parameter in trainable.items():
        prefix = max((p for p in factors if _fits(p, name)), key=len, default="")
        decayed = parameter.ndim >= 2 and id(parameter) not in embeddings
        group = groups.setdefault((prefix, decayed), _empty_group(prefix, factors.get(prefix, 1.0), decayed, config))
        group["params"].append((name, parameter))
    return list(groups.values())


def _empty_group(prefix: str, factor: float, decayed: bool, config: OptimizerConfig) -> Group:
    rest = "other weights" if config.multipliers else "weights"
    return {
        "params": [],
        "name": f"{prefix or rest} {'with decay' if decayed else 'without decay (biases, norms, embeddings)'}",
        "lr": config.lr * factor,
        "weight_decay": config.weight_decay if decayed else 0.0,
    }


def _fits(prefix: str, name: str) -> bool:
    return name == prefix or name.startswith(f"{prefix}.")


def _check_prefixes(model: nn.Module, prefixes: Iterable[str]) -> None:
    names = [name for name, _ in model.named_parameters()]
    modules = [name for name, _ in model.named_modules() if name]
    for prefix in prefixes:
        if not any(_fits(prefix, name) for name in names):
            raise ValueError(f"the multiplier of {prefix!r} fits no parameter{nearest(prefix, modules + names)}")


def names(groups: Iterable[Group]) -> list[list[str]]:
    """The names of the parameters, group by group."""
    return [[name for name, _ in group["params"]] for group in groups]


def describe(groups: Iterable[Group]) -> str:
    """One line per group: name, learning rate, weight decay, number of tensors and of values."""
    return "\n".join(
        f"{group['name']}: lr {group['lr']:g}, weight decay {group['weight_decay']:g}, "
        f"{counted(len(group['params']), 'tensor')}, "
        f"{counted(sum(parameter.numel() for _, parameter in group['params']), 'value')}"
        for group in groups
    )


def adamw(groups: list[Group], config: OptimizerConfig) -> AdamW:
    """AdamW over `parameter_groups`: fused on GPUs (one kernel a group), elsewhere torch's plain loop."""
    on_gpu = all(parameter.is_cuda for group in groups for _, parameter in group["params"])
    copies = [dict(group) for group in groups]  # torch rewrites the groups that it is given
    return AdamW(copies, lr=config.lr, betas=config.betas, eps=config.eps, fused=on_gpu, foreach=False)
