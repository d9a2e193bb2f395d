"""What recipes start from, of all installed packages."""

from dataclasses import fields
from typing import get_type_hints

from quatrefoil.core.installed import names
from quatrefoil.core.recipes import load
from quatrefoil.core.runs.start import START


def test_weights_that_a_model_may_start_from_are_hashed_as_what_lies_there_and_not_by_their_path() -> None:
    found = [
        (name, field.name, field.metadata == START)
        for name in names()
        for model in [load(name).model]
        for field in fields(model)
        if get_type_hints(type(model))[field.name] == str | None
    ]
    assert {field for _, field, _ in found} >= {"pretrained", "clip", "bert", "mae", "dnabert"}
    assert [(name, field) for name, field, marked in found if not marked] == []
