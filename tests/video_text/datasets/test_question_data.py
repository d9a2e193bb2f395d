"""Questions as samples: what is read, which class is right, and what training leaves out."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from quatrefoil.core.data import SampleError, SampleKey
from quatrefoil.core.data.collate import collate
from quatrefoil.core.evaluation.classification import OUTSIDE
from quatrefoil.core.evaluation.tasks import TellsChoices
from quatrefoil.video_text.datasets.choice_data import ChoiceData, validation_choices
from quatrefoil.video_text.datasets.corpus import Caption, Clip, CorpusError, Split
from quatrefoil.video_text.datasets.question_data import ANSWER, QUESTION, UNIT, QuestionData, QuestionMaker
from quatrefoil.video_text.datasets.questions import AnswerVocabulary
from quatrefoil.video_text.media.augment import FrameTransform
from quatrefoil.video_text.media.sampling import FrameSampling
from quatrefoil.video_text.text.tokenizer import TextTokenizer
from tests.video_text.datasets.small import SPLITS, write_corpus

FIELDS = (*QUESTION, *ANSWER)
OPTIONS = ("jump", "sing", "wave a hand", "sit", "run away")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = write_corpus(tmp_path_factory.mktemp("questions") / "small")
    texts = ["what does the dot do before it sings", "the dot is on the left", *OPTIONS]
    TextTokenizer.train(texts, 300, root / "tokenizer.json")
    _write_open(root / "annotation")
    _write_choices(root / "annotation")
    _write_blanks(root / "annotation")
    return root


def _write_open(folder: Path) -> None:
    answers = {"train": ["red", "red", "blue", "green"], "val": ["red", "violet"], "test": ["blue", "violet"]}
    ids = {"train": SPLITS["train"], "val": SPLITS["validate"], "test": SPLITS["test"]}
    for split, given in answers.items():
        rows = [
            {"question": f"what colour is the dot of {id}?", "answer": answer, "video_id": int(id[5:])}
            for id, answer in zip(ids[split], given, strict=True)
        ]
        (folder / f"{split}_qa.json").write_text(json.dumps(rows))
    lines = [{"answer": 1, "options": [f"{n} {id}" for n in range(5)], "video_id": id} for id in SPLITS["test"]]
    (folder / "msrvtt_mc_test.jsonl").write_text("\n".join(map(json.dumps, lines)))


def _write_choices(folder: Path) -> None:
    for name, ids in (("Train", SPLITS["train"]), ("Test", SPLITS["test"])):
        with (folder / f"{name}_action_question.csv").open("w", newline="") as file:
            rows = csv.writer(file, delimiter="\t")
            rows.writerow(["gif_name", "question", *(f"a{n}" for n in range(1, 6)), "answer"])
            rows.writerows([id, f"what does {id} do?", *OPTIONS, number % 5] for number, id in enumerate(ids))


def _write_blanks(folder: Path) -> None:
    for name, ids in (("training", SPLITS["train"]), ("test", SPLITS["test"])):
        rows = ["\t".join([id, *"0000", "the dot sings", "the _____ sings", "dot"]) for id in ids]
        (folder / f"LSMDC16_annos_{name}_FIB.csv").write_text("\n".join(rows))


def data(root: Path, corpus: str, protocol: str, **changes: Any) -> QuestionData:
    settings: dict[str, Any] = {
        "corpus": corpus, "protocol": protocol, "root": root, "tokenizer": str(root / "tokenizer.json"),
        "frames": FrameSampling("segments", 3), "transform": FrameTransform(16), "text_length": 96,
    }  # fmt: skip
    return QuestionData(**(settings | changes))


def test_each_candidate_is_a_text_of_its_own_that_ends_in_it(root: Path) -> None:
    module = data(root, "tgif-qa", "tgif-action-noval").build(0)
    sample = module.train(FIELDS)[SampleKey(0, 2)]
    ids_OL, mask_OL = sample["question_ids"], sample["question_mask"]
    assert (ids_OL.shape, sample["answer"]) == (mask_OL.shape, 2)
    for ids, mask, option in zip(ids_OL, mask_OL, OPTIONS, strict=True):
        text = f"what does video2 do? Options: {' '.join(OPTIONS)} Answer: {option}"
        assert ids[mask].tolist() == module.tokenizer.encode([text], 96).ids[0]
    assert module.assets()[AnswerVocabulary.ASSET] == "{}"


@pytest.mark.parametrize(
    ("corpus", "protocol", "chosen"), [("tgif-qa", "tgif-action-noval", True), ("lsmdc-qa", "lsmdc-fib", False)]
)
def test_labels_are_places_where_candidates_come_with_the_question(
    root: Path, corpus: str, protocol: str, chosen: bool
) -> None:
    items = data(root, corpus, protocol).build(0).items("test", UNIT, FIELDS)
    assert isinstance(items, TellsChoices)
    assert items.among_candidates == chosen


def test_the_blank_is_the_mask_token(root: Path) -> None:
    module = data(root, "lsmdc-qa", "lsmdc-fib").build(0)
    ids = module.train(FIELDS)[SampleKey(0, 0)]["question_ids"].tolist()
    before, after = (module.tokenizer.encode([text], 96).ids[0][1:-1] for text in ("the ", " sings"))
    tokens = module.tokenizer
    assert ids == [tokens.start_id, *before, tokens.mask_id, *after, tokens.end_id]


@pytest.mark.parametrize("length", range(4, 12))
def test_a_long_text_never_loses_its_blank_in_silence(root: Path, length: int) -> None:
    tokens = TextTokenizer.load(root / "tokenizer.json")
    maker = QuestionMaker(tokens, length)
    for text in ("the dot [MASK] before it sings and waves", "[MASK] sings", "what [MASK]"):
        before = tokens.encode([text.partition("[MASK]")[0]], 96).ids[0]  # with start and end, between which it stands
        if len(before) + 1 > length:
            with pytest.raises(ValueError, match="cuts off the blank"):
                maker.make([text])
            continue
        ids = maker.make([text])["question_ids"].tolist()
        assert ids.count(tokens.mask_id) == 1
        assert len(ids) <= length
        assert (ids[0], ids[-1]) == (tokens.start_id, tokens.end_id)


def test_a_candidate_is_never_cut_off_in_silence(root: Path) -> None:
    tokens = TextTokenizer.load(root / "tokenizer.json")
    texts = [f"what does it do? Options: sing wave Answer: {option}" for option in ("sing", "wave")]
    length = max(len(tokens.encode([text], 96).ids[0]) for text in texts)
    fitting = QuestionMaker(tokens, length, candidates=2, whole=True).make(texts)
    assert not torch.equal(*fitting["question_ids"])
    with pytest.raises(SampleError, match=rf"data\.text_length={length - 1} cuts off the candidate of 'what does"):
        QuestionMaker(tokens, length - 1, candidates=2, whole=True).make(texts)


def test_questions_of_fewer_candidates_than_others_have_rows_of_which_nothing_is_real(root: Path) -> None:
    maker = QuestionMaker(TextTokenizer.load(root / "tokenizer.json"), 24, candidates=3)
    two, three = maker.make(["a dot", "the dot sings"]), maker.make(["a dot", "the dot sings", "a"])
    assert two["question_mask"].any(-1).tolist() == [True, True, False]
    batch = collate([{"id": str(n), "group": n, **sample} for n, sample in enumerate((two, three))], {})
    assert batch["question_mask"].any(-1).tolist() == [[True, True, False], [True] * 3]


def test_training_leaves_out_what_the_vocabulary_lacks_and_tests_count_it_wrong(root: Path) -> None:
    module = data(root, "msrvtt-qa", "msrvtt-qa", vocabulary=2).build(0)
    assert json.loads(module.assets()[AnswerVocabulary.ASSET]) == {"red": 0, "blue": 1}
    assert module.train(FIELDS).labels_N.tolist() == [0, 0, 1]
    tested = module.items("test", UNIT, FIELDS)
    assert tested.labels_N.tolist() == [1, OUTSIDE]
    assert tested.ids == ["test#0", "test#1"]
    splits = module.describe()["splits"]
    assert {name: (split["questions"], split["outside"]) for name, split in splits.items()} == {
        "train": (4, 1), "val": (2, 1), "test": (2, 1),
    }  # fmt: skip


def test_open_questions_without_training_ones_are_refused_with_what_to_do(root: Path) -> None:
    module = data(root, "msrvtt-qa", "msrvtt-qa-zeroshot").build(0)
    with pytest.raises(CorpusError, match=r"reads no training questions.* with data\.protocol=msrvtt-qa$"):
        assert module.vocabulary is None


def test_an_annotation_file_without_questions_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = data(root, "msrvtt-qa", "msrvtt-qa").build(0)
    monkeypatch.setattr(module.corpus, "items", lambda protocol: {"train": ()})
    with pytest.raises(CorpusError, match="the file of train holds no question"):
        assert module.vocabulary is None


def test_another_vocabulary_is_other_data(root: Path) -> None:
    one, other = (data(root, "msrvtt-qa", "msrvtt-qa", vocabulary=size).build(0).describe() for size in (2, 3))
    assert one["fingerprint"] != other["fingerprint"]


def test_samples_are_functions_of_seed_epoch_and_id_also_in_workers(root: Path) -> None:
    module = data(root, "msrvtt-qa", "msrvtt-qa").build(1)
    samples = module.train(["frames", *FIELDS])
    keys = [SampleKey(epoch, index) for epoch in (0, 1) for index in range(len(samples))]
    options: dict[str, Any] = {"batch_size": None, "sampler": keys, "num_workers": 1}
    loaded = torch.utils.data.DataLoader(samples, multiprocessing_context="forkserver", **options)  # type: ignore[arg-type]
    again = data(root, "msrvtt-qa", "msrvtt-qa").build(1).train(["frames"])
    for key, sample in zip(keys, loaded, strict=True):
        assert torch.equal(samples[key]["frames"], sample["frames"])
        assert torch.equal(samples[key]["frames"], again[key]["frames"])
    drawn = [samples[SampleKey(epoch, 0)]["frames"] for epoch in range(6)]
    assert any(not torch.equal(drawn[0], other) for other in drawn)


def test_questions_of_other_lengths_make_a_batch(root: Path) -> None:
    module = data(root, "tgif-qa", "tgif-action-noval").build(0)
    samples = module.items("test", UNIT, FIELDS)
    batch = collate([samples[SampleKey(0, index)] for index in range(len(samples))], module.fill)
    assert batch["question_ids"].shape == batch["question_mask"].shape == (2, 5, batch["question_ids"].shape[-1])
    assert (batch["question_ids"][~batch["question_mask"]] == module.tokenizer.pad_id).all()
    assert batch["answer"].tolist() == samples.labels_N.tolist() == [0, 1]


def test_unknown_fields_and_units_are_errors(root: Path) -> None:
    module = data(root, "tgif-qa", "tgif-action-noval").build(0)
    with pytest.raises(ValueError, match=r"no fields \['text_ids'\]"):
        module.train(["text_ids"])
    with pytest.raises(ValueError, match="unit='question'"):
        module.items("test", "clip", FIELDS)


def _split(clips: int) -> Split:
    ids = [f"clip{number}" for number in range(clips)]
    captions = tuple(Caption(id, f"{text} of {id}") for id in ids for text in ("first", "second"))
    return Split("val", "p", tuple(Clip(id, Path(id)) for id in ids), captions)


def test_choices_to_validate_on_offer_every_caption_alike_and_are_right_by_their_clip() -> None:
    found = validation_choices(_split(11))
    offered = [candidate for question in found for candidate in question.candidates]
    assert sorted({question.clip_id for question in found}) == sorted(f"clip{number}" for number in range(11))
    for question in found:
        assert question.candidates[int(question.answer)] == f"first of {question.clip_id}"
        assert len(set(question.candidates)) == 5
        assert offered.count(f"first of {question.clip_id}") == 5
    assert len({question.answer for question in found}) > 2
    with pytest.raises(CorpusError, match="choices among 5 need as many clips"):
        validation_choices(_split(4))


def test_choices_are_tested_on_the_questions_of_the_set(root: Path) -> None:
    asked = ChoiceData(
        corpus="msrvtt", protocol="msrvtt-1kA", root=root, tokenizer=str(root / "tokenizer.json"),
        frames=FrameSampling("segments", 3), transform=FrameTransform(16),
    )  # fmt: skip
    module = asked.build(0)
    tested = module.items("test", UNIT, FIELDS)
    assert tested.labels_N.tolist() == [1, 1]
    assert tested.among_candidates  # type: ignore[attr-defined]  # as the questions of a set have it
    ids = tested[SampleKey(0, 0)]["question_ids"]
    assert ids[3].tolist() == module.tokenizer.encode(["3 video6"], 32).ids[0][: len(ids[3])]
    assert module.describe()["splits"]["test"]["questions"] == 2
    assert len(module.train(["text_ids"])) == 12
