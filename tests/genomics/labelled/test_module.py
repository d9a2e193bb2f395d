"""Labelled sequences as data of a recipe."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from quatrefoil.core.data import SampleKey
from quatrefoil.core.evaluation.tasks import LabelledSet
from quatrefoil.genomics.datasets.labelled.module import LabelledData, LabelledModule
from quatrefoil.genomics.sequence.codes import reverse_complement
from quatrefoil.genomics.tables import TextError

TRAIN = "sequence,label\n" + "".join(f"{'ACGGT' * 2}{'ACGT'[i % 4] * (i + 1)},{'ab'[i % 2]}\n" for i in range(20))


def opened(folder: Path, train: str = TRAIN, **files: str) -> LabelledModule:
    (folder / "train").write_text(train)
    for name, text in files.items():
        (folder / name).write_text(text)
    return LabelledData(root=folder, train="train", **{name: name for name in files}).build(0)  # type: ignore[arg-type]


def test_validation_is_made_of_training_never_of_test(tmp_path: Path) -> None:
    alone = opened(tmp_path)
    tested = opened(tmp_path, test="sequence,label\nTTTTTTTT,a\nCCCCCCCC,b\n")
    assert list(alone.splits) == ["val"]
    assert list(tested.splits) == ["val", "test"]
    ids = [list(data.items("val", "sequence", ["bases"]).ids) for data in (alone, tested)]
    assert ids[0] == ids[1]
    assert not set(ids[0]) & set(tested.train(["bases"]).ids)


def test_files_whose_sequences_would_be_one_prediction_are_refused_when_they_are_read(tmp_path: Path) -> None:
    for folder, first in (("sub", "ACGT"), ("b/sub", "GGGT")):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "x.fa").write_text(f">one\n{first}ACGTACGT\n")
    (tmp_path / "train").write_text(TRAIN.replace(",a", ",0").replace(",b", ",1"))
    data = LabelledData(root=tmp_path, train="train", test="sub/x.fa+b/sub/x.fa")
    with pytest.raises(
        TextError, match=r"/b/sub/x\.fa:1: is sub/x\.fa:1 among .*, and so is .*[^b]/sub/x\.fa:1; rename"
    ):
        data.build(0)
    (tmp_path / "b/sub").rename(tmp_path / "b/other")
    assert len(replace(data, test="sub/x.fa+b/other/x.fa").build(0).items("test", "sequence", ["bases"])) == 2


def test_what_is_also_in_training_and_what_has_several_labels_there_is_remarked_on_either_strand(
    tmp_path: Path,
) -> None:
    train = TRAIN + "GATTACAGAT,a\nATCTGTAATC,b\nGATTACAGAT,a\n"
    test = "sequence,label\nATCTGTAATC,b\nTTTTTTTTTT,a\n"
    leaked, torn, absent = opened(tmp_path, train, validation="sequence,label\nGTGTGTGT,a\n", test=test).remarks()
    assert leaked.startswith("1 sequence of 2 of test also in training, on either strand: ")
    assert torn.startswith("3 sequences of 23 of training under several labels, on either strand (the first at ")
    assert torn.endswith("train:22)")
    assert absent == "val has no sequence of class b: there is no ROC-AUC and no AUPR of it"
    assert opened(tmp_path, validation="sequence,label\nGTGTGTGT,a\nGTGTGTTT,b\n").remarks() == []
    few = opened(tmp_path, train + "GGTTAGGCAA,NA\n", validation="sequence,label\nGTGTGTGT,a\n").remarks()
    assert "class NA has 1 sequence in training" in few
    assert "val has no sequence of class NA, b: there is no ROC-AUC and no AUPR of it" in few


def test_a_class_that_training_lacks_is_an_error_that_names_the_line(tmp_path: Path) -> None:
    for split in ("validation", "test"):
        with pytest.raises(TextError, match=rf"{split}:3: class 'c' is not among those of training \(a, b\)"):
            opened(tmp_path, **{split: "sequence,label\nACGTACGT,a\nACGTACGT,c\n"})


def test_titles_of_a_test_that_is_of_one_class_are_read_as_those_of_training(tmp_path: Path) -> None:
    train = "".join(f">chr1:{i}|{i % 2}\n{'ACGGT' * 3}{'ACGT'[i % 4] * (i + 1)}\n" for i in range(20))
    data = opened(tmp_path, train, test=">chr2:1|0\nACGTACGA\n>chr2:2|0\nACGTACGG\n")
    assert [record.label for record in data._records["test"]] == ["0", "0"]
    with pytest.raises(TextError, match=r"give data\.test=POSITIVES\+NEGATIVES"):
        opened(tmp_path, train, test=">chr2:1|7\nACGTACGA\n>chr2:2|7\nACGTACGG\n")


def test_one_class_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TextError, match="all sequences are of class 'a'"):
        opened(tmp_path, "sequence,label\nACGTACGT,a\nACCTACGT,a\nACCTACGG,a\n")


def test_no_training_set_says_how_to_name_one() -> None:
    with pytest.raises(TextError, match=r"say data\.train=FILE"):
        LabelledData().build(0)


def test_real_negatives_are_never_mixed_with_made_ones(tmp_path: Path) -> None:
    with pytest.raises(TextError, match=r"give data\.test=POSITIVES\+NEGATIVES"):
        opened(tmp_path, test=">a\nACGTACGT\n")


def test_a_positive_and_its_made_negative_are_on_one_side(tmp_path: Path) -> None:
    data = opened(tmp_path, "".join(f"{'ACGGT' * 3}{'ACGT'[i % 4] * (i + 1)}\n" for i in range(20)))
    for samples in (data.train(["bases"]), data.items("val", "sequence", ["bases"])):
        made = [id for id in samples.ids if "~" in id]
        assert sorted(id.split("~")[0] for id in made) == sorted(set(samples.ids) - set(made))
    assert "negatives-dinucleotide-shuffle" in data.describe()["protocol"]


def test_samples_are_what_evaluation_wants_and_hold_what_is_asked_for(tmp_path: Path) -> None:
    data = opened(tmp_path)
    items = data.items("val", "sequence", ["bases"])
    assert isinstance(items, LabelledSet)
    assert set(items[SampleKey(0, 0)]) == {"id", "group", "bases"}
    sample = data.train(["bases", "label"])[SampleKey(0, 3)]
    assert (sample["id"], sample["label"]) == (data.train([]).ids[3], int(data.train([]).labels_N[3]))


def test_the_other_strand_is_drawn_anew_in_each_epoch_and_only_in_training(tmp_path: Path) -> None:
    (tmp_path / "train").write_text(TRAIN)
    data = LabelledData(root=tmp_path, train="train", both_strands=True).build(0)
    train, plain = data.train(["bases"]), opened(tmp_path).train(["bases"])
    for row in range(len(train)):
        forward = plain[SampleKey(0, row)]["bases"]
        seen = [train[SampleKey(epoch, row)]["bases"] for epoch in range(16)]
        strands = {tuple(forward.tolist()), tuple(reverse_complement(forward.numpy()).tolist())}
        assert {tuple(bases.tolist()) for bases in seen} == strands
        assert torch.equal(train[SampleKey(3, row)]["bases"], seen[3])
    items = data.items("val", "sequence", ["bases"])
    assert all(torch.equal(items[SampleKey(e, 0)]["bases"], items[SampleKey(0, 0)]["bases"]) for e in range(16))


def test_copies_on_either_strand_are_one_group_in_evaluation(tmp_path: Path) -> None:
    data = opened(tmp_path, test="sequence,label\nAACC,a\nGGTT,a\nAACG,b\n")
    assert data.items("test", "sequence", []).groups_N.tolist() == [0, 0, 1]


def test_what_test_shares_with_training_is_counted(tmp_path: Path) -> None:
    first = TRAIN.splitlines()[-1]
    data = opened(tmp_path, validation="sequence,label\nAACC,a\n", test=f"sequence,label\n{first}\nTTTTTTTT,b\n")
    splits = data.describe()["splits"]
    assert (splits["test"]["also_in_training"], splits["val"]["also_in_training"]) == (1, 0)


def test_the_fingerprint_follows_sequences_and_labels(tmp_path: Path) -> None:
    prints = {opened(tmp_path, text).describe()["fingerprint"] for text in (TRAIN, TRAIN.replace(",a", ",c"))}
    prints.add(opened(tmp_path, TRAIN.lower().replace("sequence", "SEQUENCE")).describe()["fingerprint"])
    assert len(prints) == 2


def test_classes_travel_with_the_model(tmp_path: Path) -> None:
    assert json.loads(opened(tmp_path).assets()["classes.json"]) == ["a", "b"]


@pytest.mark.parametrize("written", ["{:.4f}", "{:.0f}"], ids=["decimals", "whole"])
def test_measurements_are_no_classes(tmp_path: Path, written: str) -> None:
    values = (written.format(1000 * i / 7) for i in range(20))
    numbers = "sequence,label\n" + "".join(f"ACGGT{'ACGT'[i % 4] * (i + 1)},{v}\n" for i, v in enumerate(values))
    with pytest.raises(TextError, match=r"train:\d+: 20 of 20 labels stand at one sequence each .*measurements"):
        opened(tmp_path, numbers)
    names = "sequence,label\n" + "".join(f"ACGGT{'ACGT'[i % 4] * (i + 1)},name{i}\n" for i in range(20))
    assert len(opened(tmp_path, names, validation=names).classes) == 20


def test_a_made_negative_that_is_a_positive_is_told(tmp_path: Path) -> None:
    positives = "".join(f">{i}\n{'ACGGT' * 3}{'ACGT'[i % 4] * (i + 1)}\n" for i in range(40)) + ">same\nAAAAAAAAAA\n"
    torn, made, *told = opened(tmp_path, positives, validation=">x\nGATTACAGGAACC\n").remarks()
    assert torn.startswith("2 sequences of ")
    assert made.startswith("1 of these are made negatives")
    by = "made of its positives (data.negatives=dinucleotide-shuffle)"
    assert told == [f"train: 41 negatives, all {by}", f"val: 1 negative, all {by}"]
