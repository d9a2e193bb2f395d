"""Engines: what was asked for runs or is an error; all train the same, and read one another's checkpoints."""

import os

import pytest

from quatrefoil.core.config import restore, to_plain
from quatrefoil.core.training.engine import EngineError, start_engine
from tests.core.toy import toy_recipe

OF_LAUNCHERS = ("LOCAL_RANK", "ACCELERATE_USE_DEEPSPEED", "ACCELERATE_DEEPSPEED_ZERO_STAGE", "ACCELERATE_USE_FSDP")


@pytest.fixture(autouse=True)
def no_launcher(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in OF_LAUNCHERS:
        monkeypatch.delenv(name, raising=False)


def refused(*overrides: str, says: str) -> None:
    recipe = toy_recipe(overrides)
    with pytest.raises(EngineError, match=says):
        start_engine(recipe.train, recipe.run)


def test_an_engine_that_was_asked_for_and_is_not_the_one_that_runs_is_refused() -> None:
    refused("run.engine=ddp", says=r"run.engine=ddp, but this run has plain \(accelerate: DistributedType.NO\)")


@pytest.mark.parametrize("engine", ["zero0", "zero1", "zero2", "zero3"])
def test_zero_without_a_launcher_is_refused_with_the_command_to_give(engine: str) -> None:
    refused(f"run.engine={engine}", says=rf"accelerate launch --config_file configs/accelerate/{engine}_cpu.yaml")


@pytest.mark.parametrize("engine", ["zero1", "zero3", "plain", "ddp"])
def test_an_engine_other_than_the_launchers_is_refused(monkeypatch: pytest.MonkeyPatch, engine: str) -> None:
    monkeypatch.setenv("ACCELERATE_USE_DEEPSPEED", "true")
    monkeypatch.setenv("ACCELERATE_DEEPSPEED_ZERO_STAGE", "2")
    monkeypatch.setenv("LOCAL_RANK", "0")
    refused(f"run.engine={engine}", says=f"run.engine={engine}, but the launcher was told zero2")


@pytest.mark.parametrize(
    ("stage", "setting", "says"),
    [
        ("1", "train.compile=true", "train.compile has not been tried"),
        ("3", "train.ema=0.9", "zero3 has them in parts"),
    ],
)
def test_settings_that_a_stage_does_not_have_are_refused_with_what_to_take_instead(
    monkeypatch: pytest.MonkeyPatch, stage: str, setting: str, says: str
) -> None:
    monkeypatch.setenv("ACCELERATE_USE_DEEPSPEED", "true")
    monkeypatch.setenv("ACCELERATE_DEEPSPEED_ZERO_STAGE", stage)
    refused(setting, says=says)


@pytest.mark.parametrize(
    ("variables", "asked", "says"),
    [
        ({"FSDP_VERSION": "2"}, ["run.engine=ddp"], "run.engine=ddp, but the launcher was told FSDP"),
        ({"FSDP_VERSION": "1"}, [], "fsdp_version: 2"),
        ({"FSDP_VERSION": "2", "FSDP_OFFLOAD_PARAMS": "true"}, ["run.engine=fsdp2"], "fsdp_offload_params: false"),
    ],
)
def test_fsdp_of_the_launcher_is_ours_or_refused(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], asked: list[str], says: str
) -> None:
    for name, value in {"ACCELERATE_USE_FSDP": "true", **variables}.items():
        monkeypatch.setenv(name, value)
    refused(*asked, says=says)


def test_fsdp2_in_one_process_is_refused_with_the_command_to_give() -> None:
    refused("run.engine=fsdp2", says="run.engine=fsdp2, but this run has plain .*--num_processes 2")


@pytest.mark.parametrize("setting", ["train.compile=true", "train.ema=0.9"])
def test_settings_that_fsdp2_does_not_have_are_refused(setting: str) -> None:
    refused("run.engine=fsdp2", setting, says="fsdp2.*take (ddp|zero2)")


def test_a_refused_engine_leaves_the_environment_as_it_was() -> None:
    before = dict(os.environ)
    refused("run.engine=zero2", says="needs a launcher")
    assert dict(os.environ) == before


def test_a_run_that_was_stored_before_engines_had_a_setting_is_still_read() -> None:
    plain = to_plain(toy_recipe())
    del plain["run"]["engine"]
    assert restore(toy_recipe(), plain) == toy_recipe()
