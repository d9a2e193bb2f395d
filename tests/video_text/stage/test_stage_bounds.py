"""Bounds: exact under ties, monotone in what is seen, and equal to plain enumeration."""

import json
import math
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quatrefoil.video_text.datasets.stage.atoms import all_atoms
from quatrefoil.video_text.datasets.stage.captions import draw_captions
from quatrefoil.video_text.datasets.stage.matcher import (
    CARRIED,
    Gallery,
    Odds,
    ideal_scores_QN,
    sound_odds,
    sound_posterior,
    sound_sets,
)
from quatrefoil.video_text.datasets.stage.ranking import expected_hit, expected_recall
from quatrefoil.video_text.datasets.stage.tags import Tag, expert_tags, log_likelihood
from quatrefoil.video_text.datasets.stage.world import SOUNDS, draw_facts, stream

LADDER = ("chance", "still", "frames", "frames+sound", "all")
FACTS = [draw_facts(stream(0, "validate", index, "facts")) for index in range(60)]
TRUTHS = [all_atoms(facts) for facts in FACTS]


@given(st.lists(st.integers(0, 2), min_size=2, max_size=6), st.data())
def test_expected_hit_is_the_mean_over_all_ways_to_break_ties(levels: list[int], data: st.DataObject) -> None:
    relevant = data.draw(st.lists(st.booleans(), min_size=len(levels), max_size=len(levels)))
    k = data.draw(st.integers(1, len(levels)))
    orders = list(permutations(range(len(levels))))
    hits = [
        any(relevant[item] for item in sorted(order, key=lambda item: -levels[item])[:k])  # sorted keeps ties in order
        for order in orders
    ]
    found = expected_hit(np.array(levels, float), np.array(relevant), k)
    assert found == pytest.approx(sum(hits) / len(orders))


@given(st.lists(st.integers(0, 2), min_size=2, max_size=8), st.data())
def test_one_relevant_item_gives_the_same_by_both_ways(levels: list[int], data: st.DataObject) -> None:
    own = np.eye(len(levels), dtype=bool)[[data.draw(st.integers(0, len(levels) - 1))]]
    scores = np.array([levels], float)
    for k in range(1, len(levels) + 1):
        assert expected_recall(scores, own, k)[0] == pytest.approx(expected_hit(scores[0], own[0], k))


@pytest.mark.parametrize("modalities", CARRIED)
def test_the_gallery_fits_exactly_the_clips_of_which_a_caption_holds(modalities: str) -> None:
    gallery = Gallery(TRUTHS)
    for index, facts in enumerate(FACTS):
        for caption in draw_captions(facts, (), stream(0, "validate", index, "captions")):
            seen = caption.states.only(CARRIED[modalities])
            assert gallery.fits_N(seen).tolist() == [seen.holds(truth) for truth in TRUTHS]


def test_the_matcher_that_sees_all_is_right_wherever_only_one_clip_fits() -> None:
    statements = [
        draw_captions(facts, (), stream(0, "validate", index, "captions"))[0].states
        for index, facts in enumerate(FACTS)
    ]
    scores = ideal_scores_QN(statements, Gallery(TRUTHS), Odds(TRUTHS), "all")
    own = np.eye(len(FACTS), dtype=bool)
    for query, statement in enumerate(statements):
        fitting = sum(statement.holds(truth) for truth in TRUTHS)
        assert expected_hit(scores[query], own[query], 1) == pytest.approx(1 / fitting)


@pytest.mark.parametrize("captions", ["one_caption", "all_captions"])
@pytest.mark.parametrize("metric", ["R@1", "R@5", "R@10"])
def test_more_modalities_never_lower_the_text_to_video_bound(tiny: Path, captions: str, metric: str) -> None:
    found = json.loads((tiny / "bounds.json").read_text())[f"text_to_video/{captions}"][metric]
    ladder = [found[modalities] for modalities in LADDER]
    assert ladder == sorted(ladder)
    assert found["sound"] <= found["frames+sound"]
    assert found["frames"] <= found["frames+tags"] + 1e-9


def test_twins_are_bound_by_the_modality_that_carries_their_fact(tiny: Path) -> None:
    found = json.loads((tiny / "bounds.json").read_text())["text_to_video/one_caption"]
    for kind, blind, seeing in (
        ("colour", "sound", "still"),
        ("sign", "sound", "still"),
        ("action", "still", "frames"),
        ("repeats", "still", "frames"),
        ("order", "still", "frames"),
        ("sound", "frames", "frames+sound"),
    ):
        assert found[f"R@1/{kind}"][blind] <= 0.5
        assert found[f"R@1/{kind}"][seeing] >= 0.9
    assert found["R@1"]["all"] == 1.0


def test_chance_is_the_share_of_clips(tiny: Path) -> None:
    found = json.loads((tiny / "bounds.json").read_text())
    for metric, k in (("R@1", 1), ("R@5", 5), ("R@10", 10)):
        for direction in ("text_to_video", "video_to_text"):
            assert found[f"{direction}/one_caption"][metric]["chance"] == pytest.approx(k / 40)


def test_sound_posteriors_add_up_and_agree_with_simulation() -> None:
    rng = stream(0, "validate", 0, "simulation")
    sets = list(sound_sets())
    assert sum(sound_sets().values()) == pytest.approx(1)
    expected, happened = [], []
    for _ in range(2_000):
        heard = rng.choices(sets, list(sound_sets().values()))[0]
        tags = tuple(expert_tags(sorted(heard), SOUNDS, rng))
        assert sum(sound_posterior(tags).values()) == pytest.approx(1)
        expected.append(math.exp(sound_odds(frozenset(["sound=bell"]), tags)) * bell_prior())
        happened.append("bell" in heard)
    # Calibrated: within four standard errors of a sum of independent Bernoulli draws.
    spread = math.sqrt(sum(p * (1 - p) for p in expected))
    assert abs(sum(expected) - sum(happened)) < 4 * spread


def bell_prior() -> float:
    return sum(p for heard, p in sound_sets().items() if "bell" in heard)


def test_a_sure_tag_raises_and_a_missing_one_lowers_the_odds_of_its_sound() -> None:
    bell = frozenset(["sound=bell"])
    sure: tuple[Tag, ...] = (("bell", 0.95),)
    unsure: tuple[Tag, ...] = (("bell", 0.05),)
    assert sound_odds(bell, sure) > sound_odds(bell, unsure) > sound_odds(bell, (("drum", 0.95),))
    assert sound_odds(frozenset(), sure) == pytest.approx(0)
    assert log_likelihood(list(sure), frozenset(), SOUNDS) == -math.inf
