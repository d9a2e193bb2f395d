"""Bounds: what the best matcher with a given set of modalities scores, computed and not trained.

`bounds.json` is `{protocol: {metric: {modalities: value}}}`:
- `text_to_video/one_caption` and so on: `R@1`, `R@5`, `R@10` in [0, 1], in expectation over ties; `R@1/colour` is R@1
  over the queries from families of colour twins. `one_caption` has the captions of the JSFUSION list for queries or
  gallery, `all_captions` all of them (a clip counts as found by any of its own). The matcher is that of `matcher`.
- `look_alikes`: `clips`, the number of test clips that share everything that the modalities carry with another one.
- the question sets: `accuracy` of guessing (`chance`) and of the question alone (`question_only`).
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from quatrefoil.video_text.datasets.stage.annotation import test_captions
from quatrefoil.video_text.datasets.stage.atoms import Statement, all_atoms
from quatrefoil.video_text.datasets.stage.clips import Clip
from quatrefoil.video_text.datasets.stage.matcher import CARRIED, TAGGED, Gallery, Odds, add_hearsay, ideal_scores_QN
from quatrefoil.video_text.datasets.stage.question_bounds import question_bounds
from quatrefoil.video_text.datasets.stage.question_files import Questions
from quatrefoil.video_text.datasets.stage.ranking import Bools, Floats, expected_recall
from quatrefoil.video_text.datasets.stage.twins import TWINS

CUTOFFS = (1, 5, 10)
Bounds = dict[str, dict[str, dict[str, float]]]


def compute_bounds(clips: list[Clip], questions: Questions) -> Bounds:
    """All bounds of a benchmark."""
    test = [clip for clip in clips if clip.casting.split == "test"]
    odds = Odds(all_atoms(clip.casting.facts) for clip in clips if clip.casting.split == "train")
    one = [caption.states for caption in test_captions(test)]
    every = [caption.states for clip in test for caption in clip.captions]
    return {
        **retrieval_bounds("one_caption", one, test, odds),
        **retrieval_bounds("all_captions", every, test, odds),
        "look_alikes": {"clips": look_alikes(test)},
        **question_bounds(questions),
    }


def retrieval_bounds(name: str, statements: Sequence[Statement], test: Sequence[Clip], odds: Odds) -> Bounds:
    """Both directions of one protocol, for captions in the order of their clips, equally many of each."""
    gallery = Gallery([all_atoms(clip.casting.facts) for clip in test])
    twins = np.array([clip.casting.twin for clip in test])
    each = len(statements) // len(test)
    own_QN = np.repeat(np.eye(len(test), dtype=np.bool_), each, axis=0)
    text_to_video: dict[str, dict[str, float]] = {}
    video_to_text: dict[str, dict[str, float]] = {}
    for modalities in CARRIED:
        scores_QN = ideal_scores_QN(statements, gallery, odds, modalities)
        if modalities == TAGGED:
            scores_QN = add_hearsay(scores_QN, statements, [clip.tags["audio"] for clip in test])
        add_metrics(text_to_video, modalities, scores_QN, own_QN, np.repeat(twins, each))
        add_metrics(video_to_text, modalities, scores_QN.T, own_QN.T, twins)
    return {f"text_to_video/{name}": text_to_video, f"video_to_text/{name}": video_to_text}


def add_metrics(
    into: dict[str, dict[str, float]],
    modalities: str,
    scores_QN: Floats,
    own_QN: Bools,
    twins_Q: np.ndarray[tuple[int], np.dtype[np.str_]],
) -> None:
    """Add the recalls of one set of modalities, over all queries and over those of each kind of twin."""
    for k in CUTOFFS:
        hits_Q = expected_recall(scores_QN, own_QN, k)
        into.setdefault(f"R@{k}", {})[modalities] = round(float(hits_Q.mean()), 6)
        for kind in TWINS if k == 1 else ():
            into.setdefault(f"R@1/{kind}", {})[modalities] = round(float(hits_Q[twins_Q == kind].mean()), 6)


def look_alikes(test: Sequence[Clip]) -> dict[str, float]:
    """For each set of modalities the number of clips that nothing it carries tells from every other clip.

    Without `TAGGED`: tags of clips that are alike differ by noise, which tells clips apart but not which is meant.
    """
    numbers = {}
    for modalities in CARRIED.keys() - {TAGGED}:
        views = [all_atoms(clip.casting.facts).only(CARRIED[modalities]) for clip in test]
        # As a multiset: which actor is called the first is no fact that a viewer sees.
        seen = Counter((view.scene, frozenset(Counter(view.actors).items())) for view in views)
        numbers[modalities] = float(sum(count for count in seen.values() if count > 1))
    return {modalities: numbers[modalities] for modalities in CARRIED if modalities in numbers}
