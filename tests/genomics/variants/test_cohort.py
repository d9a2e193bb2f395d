"""Burdens are sums over alleles; scores are of people that the fit has not seen; structure is told apart."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quatrefoil.core.cli import main
from quatrefoil.genomics.tables import TextError
from quatrefoil.genomics.variants.cohort import BOTH, BURDEN, COVARIATES, DEALT, CrossValidation, burden, risk
from quatrefoil.genomics.variants.phenotypes import People, read_people
from quatrefoil.genomics.variants.scored import read_effects
from quatrefoil.genomics.variants.vcf import Variant
from tests.genomics.variants.toy import write_vcf

pytest.importorskip("sklearn")


@given(st.integers(1, 6), st.integers(1, 5), st.integers(1, 3), st.integers(0, 99))
def test_a_burden_is_what_ones_alleles_add_up_to(variants: int, people: int, effects: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    dosages_VP = rng.integers(-1, 3, (variants, people)).astype(np.int8)
    effects_VE = rng.normal(size=(variants, effects))
    found = burden(dosages_VP, effects_VE)
    for person in range(people):
        up, down = np.zeros(effects), np.zeros(effects)
        for copies_P, effect_E in zip(dosages_VP, effects_VE, strict=True):
            called = copies_P[copies_P >= 0]
            copies = copies_P[person] if copies_P[person] >= 0 else (called.mean() if len(called) else 0)
            up, down = up + copies * np.maximum(effect_E, 0), down + copies * np.maximum(-effect_E, 0)
        np.testing.assert_allclose(found[person], [*up, *down], atol=1e-12)


def cohort(seed: int, genetic: bool) -> tuple[People, np.ndarray, np.ndarray]:
    """200 people; the disease follows from the first of 30 variants' burden, or from a covariate alone."""
    rng = np.random.default_rng(seed)
    dosages_VP = rng.integers(0, 3, (30, 200)).astype(np.int8)
    effects_VE = np.where(np.arange(30) < 3, -2.0, 0.0)[:, None]
    batch_P = rng.integers(0, 2, 200).astype(float)
    cause_P = dosages_VP[:3].sum(0) if genetic else 4 * batch_P
    ill_P = cause_P + rng.normal(size=200) > cause_P.mean()
    people = People([f"p{n}" for n in range(200)], ill_P.astype(np.int64), batch_P[:, None], ["batch"])
    return people, dosages_VP, effects_VE


HOW = CrossValidation(repeats=2)


def test_a_burden_of_what_matters_tells_and_one_of_dealt_effects_does_not() -> None:
    found = risk(*cohort(0, genetic=True), HOW)
    assert found.metrics[BURDEN]["ROC-AUC"] > 80
    assert found.metrics[DEALT]["ROC-AUC"] < 65
    assert (found.deals, found.reaching) == (20, 0)
    assert found.gain_interval.low > 0
    assert found.compared == (BOTH, COVARIATES)


def test_without_covariates_the_burden_is_compared_with_the_one_of_dealt_effects() -> None:
    people, dosages_VP, effects_VE = cohort(0, genetic=True)
    found = risk(people._replace(covariates_PC=np.empty((200, 0)), covariates=[]), dosages_VP, effects_VE, HOW)
    assert found.compared == (BURDEN, DEALT)
    assert found.gain == pytest.approx(found.metrics[BURDEN]["ROC-AUC"] - found.metrics[DEALT]["ROC-AUC"])


@pytest.mark.parametrize("seed", range(2))
def test_intervals_are_of_the_scores_that_are_told_however_much_the_repeats_differ(seed: int) -> None:
    """Of useless effects each repeat scores at random: the mean of their scores is not the score of their mean."""
    people, dosages_VP, effects_VE = cohort(seed, genetic=False)
    outcome_P = np.random.default_rng(seed).permutation(np.arange(40) % 2)
    few = People(people.names[:40], outcome_P, people.covariates_PC[:40], people.covariates)
    found = risk(few, dosages_VP[:, :40], effects_VE, CrossValidation(repeats=6))
    for who, (low, high) in found.intervals.items():
        assert abs(found.metrics[who]["ROC-AUC"] - (low + high) / 2) < (high - low) / 4
    assert found.gain_interval.low < found.gain < found.gain_interval.high


def test_calls_that_are_missing_and_records_that_are_filtered_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of the people who are scored: the call of one without a phenotype counts for nothing."""
    pytest.importorskip("cyvcf2")
    people = tuple(f"p{n}" for n in range(12))
    calls = ["0/0", "0/1", "1/1", "0/0", "0/1", "0/0", "1/1", "0/1", "0/0", "0/1", "0/0", "./."]
    rows = [
        " ".join(["chr1", str(place), f"rs{place}", "A", "C" if place < 40 else ".", *holes, *calls[len(holes) :]])
        for place, holes in ((10, []), (20, ["./1", "0/.", "./."]), (30, []), (40, ["0/0"] * 12))
    ]
    effects = ["variant\tchrom\tposition\treference\talternative\teffect"]
    effects += [f"rs{place}\tchr1\t{place}\tA\tC\t{place}" for place in (10, 20, 30)]
    (tmp_path / "effects.tsv").write_text("\n".join(effects) + "\n")
    table = ["sample\tdisease", *(f"{name}\t{number % 2}" for number, name in enumerate(people[:-1]))]
    (tmp_path / "people.tsv").write_text("\n".join(table) + "\n")

    def said(*filters: str, whole: bool = False) -> str:
        told = [row.replace("./1", "0/1").replace("0/.", "0/0").replace("./.", "1/1") for row in rows]
        vcf = write_vcf(tmp_path / "a.vcf", told if whole else rows, people, filters)
        files = ["--vcf", str(vcf), "--phenotypes", str(tmp_path / "people.tsv"), "--repeats", "1"]
        assert main(["cohort", str(tmp_path / "effects.tsv"), *files]) == 0
        return capsys.readouterr().out

    found = said("q10", "PASS", "q10;s50", "q10")  # the last has no alternative allele, so it says nothing
    assert (
        "3 calls of 33 (9.09%) missing, half calls (`./1`) among them: each counts as the mean of the others" in found
    )
    assert "2 records of " in found
    assert "a.vcf kept that FILTER says something of" in found
    clean = said("PASS", ".", "PASS", whole=True)
    assert "calls of" not in clean
    assert "FILTER" not in clean


def test_log_odds_are_finite_where_a_fit_is_sure() -> None:
    outcome_P = np.arange(40) % 2
    features_PF = (outcome_P * 1e3 + np.where(np.arange(40) < 20, 0, 1e9 * outcome_P))[:, None].astype(float)
    assert np.isfinite(HOW.log_odds(features_PF, outcome_P)).all()


def test_what_structure_tells_is_no_gain_of_the_burden() -> None:
    found = risk(*cohort(1, genetic=False), HOW)
    assert found.metrics[COVARIATES]["ROC-AUC"] > 80
    assert found.metrics[BURDEN]["ROC-AUC"] < 65
    assert found.gain_interval.low < 0 < found.gain_interval.high + 5
    assert set(found.log_odds) == {BURDEN, DEALT, COVARIATES, BOTH}
    assert 0 < found.reaching < found.deals


def test_labels_that_mean_nothing_are_not_told_however_many_features_there_are() -> None:
    """With more features than people any fit is perfect on those that it has seen."""
    rng = np.random.default_rng(3)
    scores = HOW.log_odds(rng.normal(size=(60, 200)), np.arange(60) % 2)
    area = (scores[1::2].mean(1)[:, None] > scores[::2].mean(1)).mean()
    assert 0.2 < area < 0.8


def test_the_same_seed_gives_the_same_scores() -> None:
    first, again = (risk(*cohort(2, genetic=True), HOW).plain() for _ in range(2))
    assert first == again


def test_numbers_are_columns_and_words_are_indicators(tmp_path: Path) -> None:
    path = tmp_path / "people.tsv"
    path.write_text("sample\tdisease\tage\tsite\ta\nx\t1\t40\tnorth\t1\ny\t0\t50.5\teast\t1\nz\t0\t1e1\twest\t1\n")
    people = read_people(path, "disease", ["age", "site"])
    assert people.covariates == ["age", "site=north", "site=west"]
    assert people.covariates_PC.tolist() == [[40, 1, 0], [50.5, 0, 0], [10, 0, 1]]
    assert people.outcome_P.tolist() == [1, 0, 0]
    with pytest.raises(ValueError, match="1 people of one outcome cannot be dealt to 5 folds"):
        HOW.log_odds(people.covariates_PC, people.outcome_P)


@pytest.mark.parametrize("cell", ["NA", "nan", "inf", "unknown"])
def test_a_number_that_is_missing_does_not_turn_numbers_into_categories(tmp_path: Path, cell: str) -> None:
    path = tmp_path / "people.tsv"
    path.write_text(f"sample\tdisease\tage\na\t0\t31\nb\t1\t{cell}\nc\t1\t52\n")
    with pytest.raises(TextError, match=rf"people\.tsv:3: `age` holds '{cell}', elsewhere numbers; fill it in, take"):
        read_people(path, "disease", ["age"])


@pytest.mark.parametrize("cell", ["nan", "inf"])
def test_an_effect_that_is_not_finite_is_told_where_it_is_read(tmp_path: Path, cell: str) -> None:
    (tmp_path / "effects.tsv").write_text(f"variant\teffect\nv1\t{cell}\n")
    with pytest.raises(TextError, match=rf"effects\.tsv:2: `effect` holds {cell}, which no effect is; make it"):
        read_effects(tmp_path / "effects.tsv", [Variant("v1", "chr1", 0, "A", "C", "here")])
