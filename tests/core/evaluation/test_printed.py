"""Scores as text: the page that a run ends in, and all of them."""

from quatrefoil.core.evaluation.printed import MAIN, table, whole_table
from quatrefoil.core.evaluation.tasks import Scores, beside_known

FEW = {"val": Scores({"a-to-b/R@1": 10.0, "a-to-b/MeanR": 3.0}), "test": Scores({"a-to-b/R@1": 20.0})}
NAMES = [f"task{task}/{name}" for task in range(4) for name in ("ROC-AUC", "AUPR", "macro-F1", "macro-recall")]
MANY = {
    split: Scores({name: float(place) for place, name in enumerate(NAMES)}, {NAMES[0]: (-1.0, 1.0)})
    for split in ("val", "test", "unseen")
}


def test_few_scores_are_shown_whole() -> None:
    assert table(FEW) == whole_table(FEW)


def test_of_many_scores_the_main_ones_stand_in_a_column_for_each_split_and_the_others_are_counted() -> None:
    head, *lines, rest = table(MANY).splitlines()
    assert head.split()[:4] == ["metric", "val", "test", "unseen"]
    assert [line.split()[0] for line in lines] == [name for name in NAMES if name.rpartition("/")[2] in MAIN]
    assert lines[0].split() == [NAMES[0], *["0.00", "(-1.0", "..", "1.0)"] * 3]
    assert lines[1].split() == [NAMES[4], "4.00", "4.00", "4.00"]
    assert rest.startswith("12 of 48 numbers; all of them are in metrics.json")


def test_a_metric_that_a_split_has_not_leaves_its_place_empty() -> None:
    *_, last, _ = table({**MANY, "more": Scores({"alone/accuracy": 5.0})}).splitlines()
    assert last.split() == ["alone/accuracy", "-", "-", "-", "5.00"]


def test_many_scores_without_a_main_one_are_shown_whole() -> None:
    odd = {"test": Scores({f"odd{number}": 1.0 for number in range(50)})}
    assert len(table(odd).splitlines()) == 51


def test_columns_stand_below_one_another_however_long_a_name_is() -> None:
    long = {"test": Scores({"short": 1.0, "a-name-of-more-than-twenty-eight-letters": 2.0})}
    head, *lines = whole_table(long).splitlines()
    assert {line.index(".") for line in lines} == {head.index("value") + 2}


def test_beside_main_scores_stands_what_the_data_allow_whether_few_or_many_are_shown() -> None:
    said = {
        "test": {
            "accuracy": {"chance": 20.0, "question_only": 25.125},
            "MeanR": {"chance": 9.0},
            "absent": {"chance": 1.0},
        }
    }
    line = "beside test accuracy, computed from the data: chance 20.00, question only 25.12"
    for others in ({"MeanR": 3.0}, {f"odd{number}": 1.0 for number in range(50)}):
        scores = {split: Scores({"accuracy": 38.0, **others}) for split in ("val", "test")}
        assert "beside" not in table(beside_known(scores, {}))
        assert [each for each in table(beside_known(scores, {"reference": said})).splitlines() if "beside" in each] == [
            line
        ]
