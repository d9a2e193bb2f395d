"""Commands that packages bring: found by entry point, loaded when asked for, named when they are bad."""

import sys
from argparse import ArgumentParser, Namespace
from importlib.metadata import EntryPoint
from types import ModuleType

import pytest

from quatrefoil.core import installed
from quatrefoil.core.cli import _parsed, main


class Sum:
    help = "Add numbers; 100 % exact."

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        parser.add_argument("numbers", nargs="*", type=int)
        parser.add_argument("--fail", action="store_true")

    @staticmethod
    def run(args: Namespace) -> int:
        if args.fail:
            raise ValueError("these cannot be added; give others")
        print(sum(args.numbers))
        return 1 if sum(args.numbers) > 9 else 0


@pytest.fixture
def entries(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """name -> target of the installed commands, to be filled by a test."""
    brought: dict[str, str] = {}
    module = ModuleType("brought_by_a_test")
    module.Sum, module.nothing = Sum, object()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(
        installed,
        "entry_points",
        lambda group: [
            EntryPoint(name.split("#")[0], f"{module.__name__}{target}", group) for name, target in brought.items()
        ],
    )
    return brought


def test_a_command_of_a_package_runs_and_gives_its_status(
    entries: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    entries["sum"] = ":Sum"
    assert main(["sum", "2", "3"]) == 0
    assert main(["sum", "7", "8"]) == 1
    assert capsys.readouterr().out.split() == ["5", "15"]
    assert main(["sum", "--fail"]) == 2
    assert "ValueError: these cannot be added" in capsys.readouterr().err


def test_help_lists_every_command_the_broken_ones_as_broken(
    entries: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    entries |= {"sum": ":Sum", "gone": "_and_gone:Sum"}
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert ended.value.code == 0
    assert "Add numbers; 100 % exact." in text
    assert "BROKEN: command `gone` (brought_by_a_test_and_gone:Sum" in text


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("_and_gone:Sum", "cannot be loaded: ModuleNotFoundError: No module named 'brought_by_a_test_and_gone'"),
        (":Product", "cannot be loaded: AttributeError"),
        (":nothing", "is no command: it needs help, add_arguments and run"),
    ],
)
def test_a_bad_command_is_named_when_it_is_asked_for_and_harms_no_other(
    entries: dict[str, str], target: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    entries |= {"bad": target, "sum": ":Sum"}
    assert main(["bad"]) == 2
    error = capsys.readouterr().err
    assert f"command `bad` (brought_by_a_test{target}" in error
    assert message in error
    assert main(["sum", "1"]) == 0
    assert main(["recipes"]) == 0


def test_a_mistyped_command_is_answered_with_the_nearest(
    entries: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["trian"])
    assert ended.value.code == 2
    assert "no command `trian` (did you mean `train`?); there are train, describe," in capsys.readouterr().err


def test_no_command_takes_the_name_of_another(entries: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    entries |= {"sum": ":Sum", "sum#again": ":nothing"}
    assert main(["sum", "1"]) == 2
    assert "several packages bring a command `sum`" in capsys.readouterr().err
    entries["train"] = ":Sum"
    assert main(["train", "x"]) == 2
    assert "brings a command `train`, which is one of ours" in capsys.readouterr().err


def test_overrides_may_stand_before_and_behind_options(capsys: pytest.CaptureFixture[str]) -> None:
    given = ["describe", "toy", "seed=1", "--flops", "train.steps=2"]
    options = _parsed(given)
    assert (options.recipe, options.overrides, options.flops) == ("toy", ["seed=1", "train.steps=2"], True)
    for wrong in ([*given, "--flop-count"], ["recipes", "--verbose", "seed=1"]):
        with pytest.raises(SystemExit):
            _parsed(wrong)
        assert "unrecognized arguments" in capsys.readouterr().err
