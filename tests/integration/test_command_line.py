"""The command line as a user meets it, on the embedded benchmark."""

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from quatrefoil.core import installed, recipes
from quatrefoil.core.cli import main
from quatrefoil.video_text.datasets.stage import make
from quatrefoil.video_text.models.table import Table
from quatrefoil.video_text.tags.selection import Tag
from quatrefoil.video_text.tags.store import TAG_FOLDER, TagStore

SHORT = ["data.size=tiny", "train.steps=2", "train.batch_size=8", "train.evaluate_every=0", "run.progress=false"]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    os.environ["QUATREFOIL_CACHE"] = str(folder)
    make("tiny")
    return folder


@pytest.fixture(scope="module")
def run(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "table"
    main(["train", "table/stage", *SHORT, f"run.dir={folder}"])
    return folder


def test_recipes_are_listed_one_per_line(capsys: pytest.CaptureFixture[str]) -> None:
    main(["recipes"])
    lines = capsys.readouterr().out.splitlines()
    assert lines == recipes.names()
    assert {"table/stage", "table/msrvtt", "table/msvd", "table/msvd-small"} <= set(lines)


@pytest.mark.parametrize("name", recipes.names())
def test_every_recipe_builds_on_the_meta_device_and_describes_itself(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["describe", name]) == 0
    views, objectives, parameters, _ = capsys.readouterr().out.split("\n## ")[1:]
    recipe = recipes.load(name)
    for objective in recipe.objectives:
        assert f"\n{objective} " in objectives
    assert "<-" in views
    assert "in all" in parameters


def test_the_help_of_data_lists_every_data_set_and_action_and_explains_its_options(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["data", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert all(name in said for name in installed.names(installed.DATASETS))
    assert "check all" in said
    assert "kmers regulome make regulome, stage" in said
    assert all(option in said for option in ("root=", "size=", "seed=", "manifest.json"))


def test_the_package_runs_as_the_command_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["quatrefoil", "recipes"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("quatrefoil", run_name="__main__")
    assert ended.value.code == 0
    assert "table/stage" in capsys.readouterr().out


def test_help_explains_overrides(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    text = capsys.readouterr().out
    assert all(
        key in text for key in ("seed=", "run.dir=", "train.steps=", "train.batch_size=", "resume=auto", "data.size=")
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "table/stag"], "did you mean `table/stage`"),
        (["train", "nothing"], "no recipe `nothing`; installed: 1"),
        (["describe", "nothing"], "which `quatrefoil recipes` lists"),
        (["train", "table/stage-retrieval"], "did you mean `table/stage-frames`"),
        (["train", "clover/stage-pretrain", "model.heads.video=-3"], "every width must be positive"),
        (["train", "table/stage", "train.step=3"], "did you mean `train.steps`"),
        (["train", "table/stage", "data.size=huge"], "data.size=huge"),
        (["train", "table/stage", "objectives.vtc.a=vidio"], "did you mean `video`"),
        (["train", "table/msrvtt", "data.root=/nowhere"], "there is no folder /nowhere"),
        (["train", "table/stage", "data.protocol=msrvtt-full"], "data.protocol=msrvtt-full cannot be set"),
        (["train", "table/stage", "data.size=tiny", "data.transform.size=64"], "model.vision.image_size=96"),
        (["train", "table/stage", "objectives=off"], "is a group; set one of its parts: vtc, vtm, mlm"),
        (["data", "check", "msrvtt"], "root=FOLDER"),
        (["data", "check", "msrvt"], "did you mean `msrvtt`"),
        (["data", "sing", "msrvtt"], "no action `sing`"),
        (
            ["cohort", "e", "--vcf", "v", "--phenotypes", "p", "--out", "/nowhere/a"],
            "--out /nowhere/a: there is no folder",
        ),
        (["evaluate", "/nowhere"], "there is no /nowhere; give a run folder"),
    ],
)
def test_a_mistake_is_told_in_one_line_with_status_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main([*arguments, *([f"run.dir={tmp_path}/run"] if arguments[0] == "train" else [])]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


def test_a_run_folder_holds_all_that_is_promised(run: Path) -> None:
    assert {"config.json", "log.jsonl", "metrics.json", "checkpoints", "model"} <= {path.name for path in run.iterdir()}
    facts = json.loads((run / "metrics.json").read_text())
    assert facts["data"]["embedded"] is True
    assert facts["data"]["splits"]["test"]["clips"] == 40
    scores, bounds = facts["scores"]["test"]["metrics"], facts["data"]["reference"]["test"]
    for metric in ("text-to-video/R@1", "video-to-text/R@10"):
        assert 0 <= scores[metric] <= 100
        assert bounds[metric]["chance"] < bounds[metric]["all"] <= 100
    assert facts["frozen"] == []


def test_evaluating_a_run_again_gives_its_scores(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    main(["evaluate", str(run), "--json"])
    again = json.loads(capsys.readouterr().out)
    stored = json.loads((run / "metrics.json").read_text())["scores"]
    assert again == stored


def test_an_evaluation_names_the_weights_that_it_is_of(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    main(["evaluate", str(run), "--split", "val"])
    said = capsys.readouterr().out.splitlines()[0]
    why = "the best on validation by text-to-video/R@1"
    assert said == f"evaluated: {run / 'model' / 'model.safetensors'}, step 2 of 2 ({why})"
    saved = run / "checkpoints" / "step-00000002"
    main(["evaluate", str(saved), "--split", "val"])
    assert capsys.readouterr().out.splitlines()[0] == f"evaluated: checkpoint {saved}, step 2"


def test_a_trained_model_encodes_files_and_sentences(run: Path, cache: Path) -> None:
    stage = cache / "stage-v1-tiny-seed0"
    model = Table.from_pretrained(run / "model")
    texts = model.encode_text(["a red star spins", "a bell rings"])
    clips = sorted((stage / "videos").glob("*.mp4"))[:3]
    store = TagStore(stage / TAG_FOLDER)
    videos = model.encode_video(clips, tags=[store.tags(clip.stem) for clip in clips])
    assert model.similarity(texts, videos).shape == (2, 3)
    assert torch.allclose(videos.norm(dim=-1), torch.ones(3))
    with pytest.raises(ValueError, match=r"tag `ghost`: no expert `persn` \(did you mean `person`\?\); there"):
        model.encode_video(clips[:1], tags=[[Tag("ghost", 0.7, "persn")]])
    with pytest.raises(ValueError, match="one list of tags per file"):
        model.encode_video(clips)
    with pytest.raises(ValueError, match="a list of paths"):
        model.encode_video(str(clips[0]))


def test_the_example_of_the_readme_runs(
    run: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    (example,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    shutil.copytree(run / "model", tmp_path / "runs/demo/table")
    shutil.copyfile(cache / "stage-v1-tiny-seed0/videos/video64.mp4", tmp_path / "runs/demo/clip.mp4")
    monkeypatch.chdir(tmp_path)
    exec(example, {})


def test_the_loaders_of_real_corpora_check_stage(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["data", "check", "msrvtt", f"root={cache}/stage-v1-tiny-seed0", "json=true"])
    report = json.loads(capsys.readouterr().out)
    assert not report["problems"]


@pytest.mark.slow
def test_two_processes_train_table_as_one_does(cache: Path, tmp_path: Path) -> None:
    settings = [*SHORT, "train.steps=20", "train.log_every=1", "run.workers=1"]
    environment = os.environ | {"ACCELERATE_USE_CPU": "true", "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--num_machines", "1", "--mixed_precision", "no"]
    launch += ["--dynamo_backend", "no", "--main_process_port", "0", "--multi_gpu", "--num_processes", "2"]
    commands = {"one": [sys.executable], "two": launch}
    for name, command in commands.items():
        asked = [*settings, f"run.dir={tmp_path}/{name}", f"run.processes={list(commands).index(name) + 1}"]
        done = subprocess.run(
            [*command, "-m", "quatrefoil.train", "table/stage", *asked],
            env=environment,
            capture_output=True,
            text=True,
            timeout=200,
        )
        assert done.returncode == 0, done.stderr
    logs = [
        [json.loads(line) for line in (tmp_path / name / "log.jsonl").read_text().splitlines()] for name in commands
    ]
    for one, two in zip(*logs, strict=True):
        keys = ("loss", "vtc/loss", "vtm/loss", "mlm/loss") if "loss" in one else tuple(one)
        for key in keys:
            assert one[key] == pytest.approx(two[key], rel=1e-5), (one["step"], key)
    assert sum("loss" in line for line in logs[0]) == 20


def test_help_lists_all_commands_without_importing_torch() -> None:
    """It takes half a second, where torch alone takes two."""
    script = "import sys; from quatrefoil.core.cli import parser; parser(['--help']); print('torch' in sys.modules)"
    listed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert listed.stdout.strip() == "False"
