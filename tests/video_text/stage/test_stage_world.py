"""Facts, statements, twins and captions: what may be drawn, and that nothing untrue is said."""

import dataclasses
from collections import Counter
from collections.abc import Mapping
from itertools import combinations, islice, pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from quatrefoil.video_text.datasets.stage import lexicon
from quatrefoil.video_text.datasets.stage.atoms import Statement, all_atoms
from quatrefoil.video_text.datasets.stage.captions import MAX_WORDS, draw_captions
from quatrefoil.video_text.datasets.stage.clips import SIZES, cast
from quatrefoil.video_text.datasets.stage.twins import FAMILY_SIZES, TWIN_KINDS, families
from quatrefoil.video_text.datasets.stage.world import (
    ACTIONS,
    BACKGROUNDS,
    COLOURS,
    MAX_TURNS,
    SHAPES,
    SIGNS,
    SOUNDS,
    Facts,
    draw_facts,
    draw_train_facts,
    held_out_look,
    held_out_sound,
    is_held_out,
    stream,
)

SEEDS = st.integers(0, 10_000)


def facts_of(seed: int) -> Facts:
    return draw_facts(stream(seed, "validate", 0, "facts"))


def leaves(value: Any) -> Any:
    """The facts as nested plain values."""
    return dataclasses.asdict(value)


def differences(one: Any, other: Any) -> int:
    """Number of leaves in which two nested values differ; lists of other lengths differ everywhere."""
    if isinstance(one, dict):
        return sum(differences(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)) and len(one) == len(other):
        return sum(map(differences, one, other))
    return int(one != other)


@given(SEEDS)
def test_drawn_facts_keep_the_rules_of_the_world(seed: int) -> None:
    facts = facts_of(seed)
    assert 1 <= len({actor.shape for actor in facts.actors}) == len(facts.actors) <= 2
    assert len({sound.name for sound in facts.sounds}) == len(facts.sounds) <= 3
    for actor in facts.actors:
        assert 1 <= len({act.action for act in actor.acts}) == len(actor.acts) <= 3
        assert sum(act.times for act in actor.acts) <= MAX_TURNS


def test_train_holds_no_held_out_combination_and_the_other_splits_do() -> None:
    assert not any(is_held_out(draw_train_facts(0, index)) for index in range(1_000))
    others = [casting.facts for casting in cast(SIZES["tiny"], 0) if casting.split != "train"]
    assert sum(map(is_held_out, others)) >= len(others) // 10


def test_every_single_value_is_common_in_train() -> None:
    counts: Counter[str] = Counter()
    for index in range(1_000):
        counts.update(set(all_atoms(draw_train_facts(0, index)).atoms()))
    for kind, values in (("background", BACKGROUNDS), ("shape", SHAPES), ("colour", COLOURS), ("action", ACTIONS)):
        assert min(counts[f"{kind}={value}"] for value in values) > 30
    assert min(counts[f"sound={name}"] for name in SOUNDS) > 30
    assert min(counts[f"sign={word}"] for word in SIGNS) > 5


def test_held_out_combinations_are_a_small_share_spread_over_all_values() -> None:
    looks = [(s, c, a) for s in SHAPES for c in COLOURS for a in ACTIONS if held_out_look(s, c, a)]
    heard = [(s, a) for s in SOUNDS for a in ACTIONS if held_out_sound(s, a)]
    assert len(looks) == len(SHAPES) * len(COLOURS) * len(ACTIONS) // 11
    assert [{look[k] for look in looks} for k in range(3)] == [set(SHAPES), set(COLOURS), set(ACTIONS)]
    assert {action for _, action in heard} == set(ACTIONS)


def test_members_of_a_family_differ_in_exactly_one_fact() -> None:
    for kind, members in islice(families(0), 60):
        for one, other in combinations(members, 2):
            if kind == "order":
                assert one.actors[0].acts != other.actors[0].acts
                assert set(one.actors[0].acts) == set(other.actors[0].acts)
                one, other = (
                    dataclasses.replace(f, actors=(dataclasses.replace(f.actors[0], acts=()), *f.actors[1:]))
                    for f in (one, other)
                )
                assert one == other
            else:
                assert differences(leaves(one), leaves(other)) == 1


def test_families_of_each_kind_take_every_size_and_fill_the_test_split() -> None:
    found = {(kind, len(members)) for kind, members in islice(families(0), 30)}
    assert found == {(kind, size) for kind in TWIN_KINDS for size in FAMILY_SIZES}
    assert all(size.test % sum(FAMILY_SIZES) == 0 for size in SIZES.values())


def test_a_larger_size_holds_the_clips_of_a_smaller_one() -> None:
    small, large = ({(c.split, c.index): c.facts for c in cast(SIZES[size], 3)} for size in ("tiny", "default"))
    assert small.items() <= large.items()


@given(SEEDS, st.sampled_from([(), *TWIN_KINDS.values()]))
def test_captions_state_only_true_facts_in_few_words(seed: int, forced: tuple[str, ...]) -> None:
    facts = facts_of(seed)
    for caption in draw_captions(facts, forced, stream(seed, "validate", 0, "captions")):
        assert caption.states.holds(all_atoms(facts))
        assert len(caption.text.replace(",", " ,").split()) <= MAX_WORDS


@given(SEEDS)
def test_a_caption_says_in_words_what_it_states_and_no_other_value(seed: int) -> None:
    tables: tuple[tuple[str, Mapping[str, tuple[str, ...]]], ...] = (
        ("shape", lexicon.NOUNS),
        ("colour", lexicon.COLOUR_WORDS),
        ("size", lexicon.SIZE_WORDS),
        ("background", lexicon.BACKGROUND_PHRASES),
        ("sound", lexicon.SOUND_EVENTS),
        ("action", {action: tuple(f for pair in pairs for f in pair) for action, pairs in lexicon.VERBS.items()}),
    )
    for caption in draw_captions(facts_of(seed), (), stream(seed, "validate", 0, "captions")):
        text = f" {caption.text.replace(',', '')} "
        stated = set(caption.states.atoms())
        for kind, table in tables:
            said = {f"{kind}={value}" for value, words in table.items() if any(f" {word} " in text for word in words)}
            assert said == {atom for atom in stated if atom.startswith(f"{kind}=")}, (kind, text)


@given(SEEDS, SEEDS)
def test_a_statement_with_one_false_atom_does_not_hold(seed: int, other: int) -> None:
    truth, foreign = all_atoms(facts_of(seed)), all_atoms(facts_of(other))
    for atom in foreign.scene - truth.scene:
        assert not Statement(frozenset([atom]), ()).holds(truth)
    for atom in foreign.actors[0].difference(*truth.actors):
        assert not Statement(frozenset(), (frozenset([atom]),)).holds(truth)


@given(SEEDS)
def test_order_is_stated_of_pairs_and_never_both_ways(seed: int) -> None:
    for actor, atoms in zip(facts_of(seed).actors, all_atoms(facts_of(seed)).actors, strict=True):
        for first, second in pairwise(actor.acts):
            assert f"order={first.action}<{second.action}" in atoms
            assert f"order={second.action}<{first.action}" not in atoms
