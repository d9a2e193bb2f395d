"""Clover's tasks on real corpora, small: the full-size tasks but for sizes, trained on the clips that are there."""

import json
from pathlib import Path

import pytest

from quatrefoil.core import recipes
from quatrefoil.core.cli import main
from quatrefoil.video_text.models.clover import CloverConfig
from quatrefoil.video_text.models.clover_answers import CloverAnswers, CloverAnswersConfig
from quatrefoil.video_text.text.tokenizer import TextTokenizer
from tests.video_text.recipes.test_clover import FULL

TASKS = [name for name in FULL if name != "webvid-cc3m"]


@pytest.mark.parametrize("task", TASKS)
def test_a_small_task_asks_and_scores_what_the_full_size_task_does(task: str) -> None:
    small, full = recipes.load(f"clover/{task}-small"), recipes.load(f"clover/{task}")
    assert (small.objectives, small.evaluate) == (full.objectives, full.evaluate)
    assert small.train.select == full.train.select
    for name in ("corpus", "protocol", "root", "text_length"):
        assert getattr(small.data, name) == getattr(full.data, name)
    assert isinstance(small.model, CloverConfig)
    assert type(small.model) is type(full.model)
    assert (small.model.pretrained, small.model.bert, small.model.swin) == (None, None, None)
    if isinstance(small.model, CloverAnswersConfig):
        assert isinstance(full.model, CloverAnswersConfig)
        assert (small.model.answer.task, small.model.answer.answers) == (
            full.model.answer.task, full.model.answer.answers,
        )  # fmt: skip


def test_the_mask_token_of_small_models_is_that_of_tokenisers_that_are_trained_here(tmp_path: Path) -> None:
    tokens = TextTokenizer.train(["a dot"], 300, tmp_path / "tokenizer.json")
    model = recipes.load("clover/lsmdc-fib-small").model
    assert isinstance(model, CloverAnswersConfig)
    assert model.answer.mask_id == tokens.mask_id


def few_of_msvd_qa(source: Path, root: Path) -> Path:
    """MSVD-QA's own files with four questions about each of six clips to train on and of four to validate on."""
    names = dict(line.split()[::-1] for line in (source / "msvd/youtube_mapping.txt").read_text().splitlines())
    videos = {path.stem: path for path in (source / "msvd/videos").iterdir()}
    (root / "videos").mkdir(parents=True)
    for split, count in (("train", 6), ("val", 4)):
        asked = json.loads((source / f"msvd_qa/{split}_qa.json").read_text())
        ids = list(dict.fromkeys(row["video_id"] for row in asked if names[f"vid{row['video_id']}"] in videos))
        few = [row for id in ids[:count] for row in [row for row in asked if row["video_id"] == id][:4]]
        (root / f"{split}_qa.json").write_text(json.dumps(few))
        for path in (videos[names[f"vid{id}"]] for id in ids[:count]):
            (root / "videos" / path.name).symlink_to(path)
    (root / "youtube_mapping.txt").symlink_to(source / "msvd/youtube_mapping.txt")
    return root


@pytest.mark.slow
def test_real_questions_about_real_clips_are_learnt_from_random_weights_and_unknown_answers_are_wrong(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUATREFOIL_CACHE", str(tmp_path / "cache"))
    root = few_of_msvd_qa(shared / "data/video_text", tmp_path / "msvd")
    short = ["train.steps=2", "train.batch_size=4", "train.evaluate_every=2", "run.progress=false", "run.workers=0"]
    few = ["data.frames.frames=2", "data.vocabulary=5", f"data.root={root}", f"run.dir={tmp_path / 'run'}"]
    assert main(["train", "clover/msvd-qa-small", *short, *few]) == 0
    facts = json.loads((tmp_path / "run" / "metrics.json").read_text())
    val, scores = facts["data"]["splits"]["val"], facts["scores"]["val"]
    model = CloverAnswers.from_pretrained(tmp_path / "run" / "model")
    answers, asked = json.loads(model.assets["answers.json"]), json.loads((root / "val_qa.json").read_text())
    unknown = sum(row["answer"] not in answers for row in asked)
    long = sum(length > 40 for length in model.tokenizer.lengths([row["question"] for row in asked]))
    assert (val["clips"], val["questions"], val["outside"], val["too_long"]) == (4, len(asked), unknown, long)
    assert len(answers) == 5
    assert unknown > 0
    assert scores["metrics"]["accuracy"] <= 100 * (1 - unknown / len(asked))
