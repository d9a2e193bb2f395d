"""What a study says is what its rows say."""

import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.report import studies
from benchmarks.report.studies import EFFECTS, TOLD, read_studies
from quatrefoil.core.ablation import ablate
from quatrefoil.core.ablation.arms import arms_of
from quatrefoil.core.ablation.effects import effects_of
from quatrefoil.core.ablation.report import json_lines
from quatrefoil.core.ablation.study import Design, Level
from quatrefoil.core.measuring.collect import collect
from quatrefoil.core.measuring.rows import RowError
from quatrefoil.core.measuring.store import Results, Store
from tests.core.ablation.conftest import toys  # noqa: F401 - a fixture
from tests.core.ablation.toys import MATCHING, SUBJECT, WIDTH, facts, rows, study
from tests.core.measuring.fabricated import run_folder


@pytest.mark.usefixtures("toys")
@pytest.mark.parametrize("design", ["one-at-a-time", "full-grid"])
def test_effects_are_recomputed_from_all_settings_that_they_are_means_over(tmp_path: Path, design: Design) -> None:
    rng, arms = np.random.default_rng(0), arms_of(study(design=design))
    made = [row for arm in arms for row in rows(arm, rng.normal(50, 9, 3).tolist())]  # not additive
    effects = effects_of(arms, Results(rows=made))
    told = [json.loads(line) for line in json_lines(effects).splitlines()]
    found = studies._recomputed(tmp_path, told, made)
    assert len(found) == len(effects) == 4
    for effect, again in zip(effects, found, strict=True):
        for name, value in vars(again).items():
            assert value == pytest.approx(getattr(effect, name)), name


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, toys: None) -> Path:  # noqa: F811 - the fixture
    """A study of today, with all its runs, as `quatrefoil ablate any` tells it."""
    declared, folder = study(), tmp_path / "studies" / "any"
    monkeypatch.setattr(ablate, "load_study", lambda name: declared)
    arms = arms_of(declared)
    for place, arm in enumerate(arms):
        for seed in arm.entry.seeds:
            run = tmp_path / "runs" / f"{place}-{seed}"
            run_folder(run, facts(arm.recipe.config_hash, "toy", seed, 50.0 + place * (1 + seed)))
            Store(folder).add(collect(run, arm.entry, arm.recipe.config_hash, seed))
    ablate.Place(folder, ()).tell(declared, arms, "quatrefoil ablate any")
    return folder


def test_a_level_that_was_not_run_leads_nowhere(told: Path) -> None:
    declared = study()
    gone = arms_of(declared)[-1]
    for name in ("rows", "curves", "costs"):
        path = told / f"{name}.jsonl"
        path.write_text("".join(each for each in path.read_text().splitlines(True) if gone.trained[0] not in each))
    ablate.Place(told, ()).tell(declared, arms_of(declared), "quatrefoil ablate any")
    ((section, _, _),) = read_studies(told.parent)
    assert [row.cells[1].link is None for row in section.tables[0].rows] == [False, False, False, True]
    assert len(section.commands) == 3


def test_a_level_that_is_declared_later_is_named_and_its_command_trains_it(
    told: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wider = replace(WIDTH, levels=(*WIDTH.levels, Level("32", ("model.width=32",))))
    monkeypatch.setattr(
        ablate, "load_study", lambda name: study(subjects=(replace(SUBJECT, factors=(wider, MATCHING)),))
    )
    with pytest.raises(RowError, match=r"effects.md: its study has Toy on toys, 32, .* today, which is not told; its"):
        read_studies(told.parent)
    monkeypatch.setattr(ablate, "load_study", lambda name: study(subjects=(replace(SUBJECT, factors=(WIDTH,)),)))
    with pytest.raises(RowError, match=r"effects.md: its study has no Toy on toys, off, .* today"):
        read_studies(told.parent)


def test_numbers_of_a_study_may_differ_by_rounding_and_no_more(told: Path) -> None:
    path = told / EFFECTS
    effects = [json.loads(line) for line in path.read_text().splitlines()]
    for apart, fine in ((1e-9, True), (1e-3, False)):
        low, high = effects[1]["interval"]
        moved = [{**each, "interval": [low + apart, high]} if each is effects[1] else each for each in effects]
        path.write_text("".join(json.dumps(each) + "\n" for each in moved))
        with nullcontext() if fine else pytest.raises(RowError, match=r"effects.jsonl:2: .*interval is"):
            read_studies(told.parent)


def test_a_study_of_today_leads_from_each_level_to_its_command(told: Path) -> None:
    ((section, _, _),) = read_studies(told.parent)
    links = [row.cells[1].link for row in section.tables[0].rows]
    assert len(set(links)) == 4
    assert {command.anchor for command in section.commands} == set(links)
    assert all("\n    quatrefoil train toy seed=0" in command.said for command in section.commands)


TAMPERED: list[tuple[str, Callable[[str], str], str]] = [
    (EFFECTS, lambda text: text.replace('["2 CPU cores"]', '["another"]'), r"effects.jsonl:1: .*another"),
    (TOLD, lambda text: text.replace("everything", "nothing"), r"effects.md:\d+: .* of a model: nothing"),
    (TOLD, lambda text: text.replace("What matters?", "What does not?"), r"effects.md:\d+: .*What does not"),
    (TOLD, lambda text: text.replace("- compute", "- computed"), r"effects.md:\d+: .*computed"),
    (TOLD, lambda text: text.rstrip("\n") + "\n- a remark\n", r"effects.md:\d+: '- a remark'"),
    (TOLD, lambda text: text.replace("ablate any", "ablate any --seeds 2"), r"effects.md:\d+: "),
    (TOLD, lambda text: text.replace("ablate any", "ablate any --factor nothing"), "has no factor `nothing`"),
    (TOLD, lambda text: text.replace("ablate any", "ablate any --sed 2"), "cannot be told again: unrecognized"),
]


@pytest.mark.parametrize(("name", "how", "said"), TAMPERED)
def test_a_study_of_today_is_told_anew_and_refused_where_anything_differs(
    told: Path, name: str, how: Callable[[str], str], said: str
) -> None:
    assert len(read_studies(told.parent)) == 1
    before = (told / name).read_text()
    (told / name).write_text(how(before))
    assert (told / name).read_text() != before
    with pytest.raises(RowError, match=said):
        read_studies(told.parent)


def test_a_study_of_today_that_leaves_a_stored_seed_out_is_refused(told: Path) -> None:
    fewer = study(seeds=(0, 1))
    ablate.Place(told, ()).tell(fewer, arms_of(fewer), "quatrefoil ablate any")
    assert len({row.seed for row in Store(told).read().rows}) == 3
    with pytest.raises(RowError, match=r"effects.md:\d+: .* 2 .* by its study and its rows .* 3 "):
        read_studies(told.parent)


def test_levels_of_a_study_of_today_whose_names_are_exchanged_are_refused(told: Path) -> None:
    effects = [json.loads(line) for line in (told / EFFECTS).read_text().splitlines()]
    names = {"4": "16", "16": "4"}
    moved = [{**each, "level": names.get(each["level"], each["level"])} for each in effects]
    (told / EFFECTS).write_text("".join(json.dumps(each) + "\n" for each in moved))
    text = (told / TOLD).read_text()
    swapped = text.replace("width: 4 ", "width: @ ").replace("width: 16", "width: 4 ").replace("width: @ ", "width: 16")
    (told / TOLD).write_text(swapped)
    with pytest.raises(RowError, match=r"effects.md:\d+: .*width: 16.* by its study and its rows .*width: 4"):
        read_studies(told.parent)
