"""Dotted overrides and saved configurations."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from quatrefoil.core.config import ConfigError, fingerprint, override, restore, to_plain


@dataclass(frozen=True)
class Part:
    rate: float = 0.1
    name: Literal["a", "b"] = "a"

    def __post_init__(self) -> None:
        if self.rate < 0:
            raise ValueError(f"rate must not be negative, not {self.rate}")


@dataclass(frozen=True)
class Whole:
    steps: int = 10
    part: Part = field(default_factory=Part)
    parts: Mapping[str, Part] = field(default_factory=lambda: {"one": Part(), "two": Part(rate=0.2)})
    sizes: tuple[int, ...] = (1, 2)
    path: Path | None = None
    text: str = "x"
    flag: bool = False
    share: float | None = None
    names: tuple[Literal["a", "b"], ...] | None = None


def test_overrides_reach_every_depth_and_leave_the_original_alone() -> None:
    whole = Whole()
    changed = override(
        whole, ["steps=1e2", "part.rate=0.5", "parts.two.name=b", "sizes=[3]", "path=/tmp/x", "text=12", "flag=on"]
    )
    assert changed == Whole(100, Part(0.5), {"one": Part(), "two": Part(0.2, "b")}, (3,), Path("/tmp/x"), "12", True)
    assert whole == Whole()


def test_off_removes_an_entry_and_empties_an_optional_field() -> None:
    changed = override(Whole(path=Path("x")), ["parts.one=off", "path=none"])
    assert list(changed.parts) == ["two"]
    assert changed.path is None


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("step=3", "did you mean `steps`"),
        ("part.rat=3", "no `rat` here .did you mean `part.rate`"),
        ("prat.rate=3", "no `prat` here .did you mean `part.rate`"),
        ("rate=3", "no `rate` here .did you mean `part.rate`"),
        ("parts.tow.rate=3", "no `tow` here .did you mean `parts.two.rate`"),
        ("steps=many", "steps=many: needs a whole number, not 'many'"),
        ("steps=1.5", "needs a whole number, not '1.5'"),
        ("part.name=c", "part.name=c: needs one of a, b, not 'c'"),
        ("sizes=[1.5]", "needs a list in brackets, each entry a whole number"),
        ("share=much", "needs a number or none, not 'much'"),
        ("part.rate=-1", "rate must not be negative"),
        ("part=3", "is a group"),
        ("parts.one=3", "can only be switched `off`"),
        ("steps.deep=3", "no parts"),
        ("steps", "key=value"),
        ("flag=perhaps", "needs true or false"),
    ],
)
def test_a_bad_assignment_says_what_where_and_how_to_mend_it(assignment: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        override(Whole(), [assignment])


@pytest.mark.parametrize("entries", ["[a,b]", "[a, b]", "['a','b']", '[a,"b"]'])
def test_a_list_whose_entries_lack_quotes_is_answered_by_what_to_write(entries: str) -> None:
    with pytest.raises(ConfigError, match="entries that are text need quotes") as told:
        override(Whole(), [f"names={entries}"])
    (assignment,) = shlex.split(str(told.value).rpartition(": ")[2])
    assert override(Whole(), [assignment]).names == ("a", "b")


@pytest.mark.parametrize("assignment", ["names=[a,c]", "names=a", "sizes=[1.5]", "sizes=[1,]"])
def test_quotes_are_not_spoken_of_where_they_would_not_help(assignment: str) -> None:
    with pytest.raises(ConfigError, match="needs a list in brackets") as told:
        override(Whole(), [assignment])
    assert "quotes" not in str(told.value)


def test_a_saved_configuration_comes_back_equal_whatever_the_defaults_are_now() -> None:
    saved = override(Whole(), ["part.rate=0.7", "parts.one=off", "sizes=[9]", "path=/a"])
    assert restore(Whole(steps=99), to_plain(saved)) == saved


def test_a_saved_configuration_of_another_structure_is_refused() -> None:
    plain = to_plain(Whole())
    plain["part"]["extra"] = 1
    with pytest.raises(ConfigError, match=r"config\.part"):
        restore(Whole(), plain)


def test_equal_configurations_have_equal_fingerprints_and_others_do_not() -> None:
    assert fingerprint(to_plain(Whole())) == fingerprint(to_plain(Whole()))
    assert fingerprint(to_plain(Whole())) != fingerprint(to_plain(Whole(steps=11)))
