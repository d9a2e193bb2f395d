"""Broken checkpoints, starts and configurations."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from quatrefoil.core.hub import Model
from quatrefoil.core.runs import checkpoint
from quatrefoil.core.runs.stored import evaluate
from tests.broken.table import Broken
from tests.core.toy import Toy, ToyConfig, toy_recipe

Damage = Callable[[Path], object]


def configuration(path: Path) -> object:
    """Overrides of the toy recipe, one a line."""
    return toy_recipe(path.read_text().splitlines())


def model(path: Path) -> Model:
    return Toy.from_pretrained(path)


def saved(path: Path, damage: Damage) -> None:
    """A checkpoint of step 3, damaged."""
    tensors = {"model": {"a": torch.arange(6.0)}, "optimizer": {"a.exp_avg": torch.ones(6)}}
    damage(checkpoint.save(path.parent, 3, tensors=tensors, state={"losses": [0.5]}, config={"lr": 0.1}))


def pretrained(path: Path, damage: Damage) -> None:
    """A saved model, damaged."""
    ToyConfig().build().save_pretrained(path)
    damage(path)


def removed(name: str) -> Damage:
    return lambda folder: (folder / name).unlink()


def cut(name: str) -> Damage:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:-3])


def flipped(name: str) -> Damage:
    def flip(folder: Path) -> None:
        content = bytearray((folder / name).read_bytes())
        content[len(content) // 2] ^= 1
        (folder / name).write_bytes(content)

    return flip


def written(name: str, text: str) -> Damage:
    return lambda folder: (folder / name).write_text(text)


def renamed(folder: Path) -> None:
    folder.rename(folder.with_name("step-00000004"))


def pickled(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")


def resized(folder: Path) -> None:
    settings = json.loads((folder / "config.json").read_text())
    settings["width"] = 9
    (folder / "config.json").write_text(json.dumps(settings))


STEP = "step-00000003"
_MEND = "take another checkpoint"
CHECKPOINTS = [
    Broken(STEP, checkpoint.load, partial(saved, damage=damage), said)
    for damage, said in (
        (removed("manifest.json"), r"manifest.json is missing: this is no checkpoint"),
        (removed("model.safetensors"), rf"model.safetensors is missing: {_MEND}"),
        (removed("state.json"), rf"state.json is missing: {_MEND}"),
        (cut("model.safetensors"), rf"model.safetensors has \d+ bytes instead of \d+: {_MEND}"),
        (cut("state.json"), rf"state.json has \d+ bytes instead of \d+: {_MEND}"),
        (flipped("model.safetensors"), rf"model.safetensors is not what was written \(sha256 differs\): {_MEND}"),
        (flipped("optimizer.safetensors"), rf"optimizer.safetensors is not what was written .*: {_MEND}"),
        (flipped("config.json"), rf"config.json is not what was written .*: {_MEND}"),
        (flipped("manifest.json"), rf"manifest.json (is not what was written|cannot be read).*: {_MEND}"),
        (written("manifest.json", "{"), rf"manifest.json cannot be read .*: {_MEND}"),
        (written("manifest.json", "[]"), rf"manifest.json cannot be read .*: {_MEND}"),
    )
] + [
    Broken("step-00000004", checkpoint.load, partial(saved, damage=renamed), r"holds the checkpoint of step 3"),
    Broken("nowhere", checkpoint.load, lambda path: None, r"manifest.json is missing: this is no checkpoint"),
    Broken("nowhere", evaluate, lambda path: None, r"there is no .*nowhere; give a run folder"),
    Broken(
        "empty",
        evaluate,
        lambda path: path.mkdir(),
        r"empty is neither a finished run \(no metrics.json\) nor a checkpoint \(no",
    ),
]
MODELS = [
    Broken("model", model, partial(pretrained, damage=damage), said)
    for damage, said in (
        (cut("model.safetensors"), r"model/model.safetensors is damaged, or not of the model that config.json"),
        (removed("model.safetensors"), r"model/model.safetensors is missing: the folder is not a complete Toy"),
        (pickled, r"model/model.safetensors is missing: the folder is not a complete Toy"),
        (resized, r"model/model.safetensors is damaged, or not of the model that config.json"),
        (
            written("config.json", "{"),
            r"model: config.json cannot be read \(Expecting property name enclosed in double",
        ),
    )
]
CONFIGURATIONS = [
    Broken(name, configuration, content, said)
    for name, content, said in (
        (
            "unknown key",
            "train.stpes=3",
            r"unknown key `train.stpes`: no `stpes` here \(did you mean `train.steps`\?\); there are",
        ),
        (
            "unknown group",
            "trian.steps=3",
            r"unknown key `trian.steps`: no `trian` here \(did you mean `train.steps`\?\); there are",
        ),
        ("no value", "train.steps", r"`train.steps` is not of the form key=value"),
        (
            "a word for a number",
            "train.steps=many",
            r"train.steps=many: needs a whole number, not 'many'",
        ),
        (
            "a fraction of a step",
            "train.steps=1.5",
            r"train.steps=1.5: needs a whole number, not '1.5'",
        ),
        ("no step", "train.steps=0", r"train.steps=0: train.steps must be at least 1, not 0"),
        (
            "unknown precision",
            "train.precision=fp8",
            r"train.precision=fp8: needs one of fp32, bf16, not 'fp8'",
        ),
        (
            "unknown engine",
            "run.engine=zero4",
            r"run.engine=zero4: needs one of plain, ddp, zero0, .*, fsdp2 or none, not 'zero4'",
        ),
        (
            "a rate below zero",
            "train.optimizer.lr=-1",
            r"train.optimizer.lr=-1: train.optimizer.lr must be above 0, not -1",
        ),
        (
            "a share above one",
            "train.skip_budget=1.5",
            r"train.skip_budget=1.5: train.skip_budget is a share from 0 to below 1, not",
        ),
        ("an average that never moves", "train.ema=1", r"train.ema=1: train.ema is a decay between 0 and 1, not 1.0"),
        (
            "an objective that is not there",
            "objectives.vtm=off",
            r"unknown key `objectives.vtm`: no `vtm` here; there are contrast, match,",
        ),
        (
            "a metric that nothing measures",
            "train.select=R@1",
            r"train.select=R@1: no evaluation measures that; there are",
        ),
        ("a seed below zero", "seed=-1", r"seed=-1: seed must be 0 or more, not -1"),
    )
]
TABLE = [*CHECKPOINTS, *MODELS, *CONFIGURATIONS]
