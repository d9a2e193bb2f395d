"""The golden runner fails where it must: perturbed values, missing kinds, unreadable files."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from tests.golden.__main__ import main
from tests.golden.checks import Check, activation, exact, gradient_norms, integers, scalar
from tests.golden.files import UnreadableGolden, read_golden
from tests.golden.kinds import KINDS

FILES = {
    "retrieval_metrics": "retrieval/metrics.json",
    "kmer_ids": "genomics/kmer_ids.json",
    "clover_losses": "clover/losses.safetensors",
    "clover_pretrain": "clover/pretrain_small.safetensors",
    "clover_qa_oe": "clover/qa_open_ended.safetensors",
    "clover_qa_mc": "clover/qa_multiple_choice.safetensors",
    "video_swin": "clover/video_swin.safetensors",
    "log_frequency_spectrogram": "vlsa/log_frequency_spectrogram.safetensors",
}
Perturb = Callable[[dict[str, Any]], None]


def shift(*keys: str | int) -> Perturb:
    """Add 1 to the number at a path of keys."""

    def apply(document: dict[str, Any]) -> None:
        place: Any = document
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] += 1

    return apply


def test_every_kind_here_has_a_file_to_pass() -> None:
    assert set(FILES) == set(KINDS)


@pytest.mark.parametrize("name", FILES.values())
def test_the_files_of_others_pass(name: str, shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(shared / "golden" / name)]) == 0
    assert ": PASS " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "perturb"),
    [
        *(
            (FILES["retrieval_metrics"], shift("multi_text_to_video", key))
            for key in ("R1", "R5", "R10", "MR", "MeanR")
        ),
        *(
            (FILES["retrieval_metrics"], shift("multi_video_to_text", key))
            for key in ("R1", "R5", "R10", "MR", "MeanR")
        ),
        (FILES["retrieval_metrics"], shift("text_to_video", "MR")),
        (FILES["retrieval_metrics"], shift("video_to_text", "MeanR")),
        (FILES["retrieval_metrics"], shift("caption_counts", 3)),
        (FILES["kmer_ids"], shift("k", "6", "ids", 7, 2)),
        (FILES["kmer_ids"], shift("k", "3", "vocabulary_size")),
        (FILES["kmer_ids"], lambda document: document["k"]["4"].update(vocabulary_sha256="0")),
        (FILES["kmer_ids"], lambda document: document["k"]["5"]["ids"].pop()),
        (FILES["kmer_ids"], lambda document: document["k"]["5"]["ids"][0].pop()),
    ],
)
def test_a_perturbed_value_fails(
    name: str, perturb: Perturb, shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = json.loads((shared / "golden" / name).read_text())
    perturb(document)
    path = tmp_path / "perturbed.json"
    path.write_text(json.dumps(document))
    assert main([str(path)]) == 1
    assert ": FAIL " in capsys.readouterr().out


def test_a_kind_that_is_not_implemented_never_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "new.safetensors"
    save_file({"in.x": torch.ones(2)}, path, {"config": json.dumps({"kind": "unheard_of"})})
    assert main([str(path)]) == 1
    assert capsys.readouterr().out == f"{path}: NOT IMPLEMENTED unheard_of\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("broken.json", b"{"),
        ("list.json", b"[]"),
        ("unkind.json", b"{}"),
        ("binary.json", b"\xff\xfe\xfa"),
        ("broken.safetensors", b"12345678"),
        ("tensors.npz", b""),
        ("empty.json", b'{"kind": "retrieval_metrics"}'),
        ("lacking.json", b'{"kind": "retrieval_metrics", "similarity": [[1.0]]}'),
        ("nothing.json", b'{"kind": "kmer_ids", "k": {}}'),
    ],
)
def test_an_unreadable_file_exits_with_two_and_the_others_are_still_judged(
    name: str, content: bytes, tmp_path: Path, shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_bytes(content)
    good = shared / "golden" / FILES["kmer_ids"]
    assert main([str(tmp_path / name), str(good)]) == 2
    lines = capsys.readouterr().out.splitlines()
    assert ": UNREADABLE " in lines[0]
    assert ": PASS " in lines[1]


def test_an_error_of_the_project_is_a_failure_of_that_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "nan.json"
    path.write_text('{"kind": "retrieval_metrics", "similarity": [[NaN]]}')
    assert main([str(path)]) == 1
    assert "FAIL ValueError: 1 rows of queries: NaN similarities: 0" in capsys.readouterr().out


def test_a_missing_file_or_tensor_is_named(tmp_path: Path) -> None:
    assert main([str(tmp_path / "absent.json")]) == 2
    path = tmp_path / "new.safetensors"
    save_file({"in.x": torch.ones(2)}, path, {"config": json.dumps({"kind": "k"})})
    golden = read_golden(path)
    assert golden.tensor("in.x").tolist() == [1, 1]
    with pytest.raises(UnreadableGolden, match=r"needs the tensor in\.y"):
        golden.tensor("in.y")


@pytest.mark.parametrize(("error", "passed"), [(0.99e-4, True), (1.01e-4, False), (math.nan, False)])
def test_activations_are_held_to_the_larger_of_one_and_the_largest_reference(error: float, passed: bool) -> None:
    for largest in (0.5, 20.0):
        want = torch.tensor([largest, 0.0], dtype=torch.float64)
        assert activation("x", want + error * max(1, largest), want).passed is passed


def test_losses_and_gradient_norms_are_held_to_relative_errors() -> None:
    assert scalar("loss", 3.0 * (1 + 0.9e-5), 3.0).passed
    assert not scalar("loss", 3.0 * (1 + 1.1e-5), 3.0).passed
    assert not scalar("loss", 1e-9, 0.0).passed
    noise = {"tiny": 0.9e-6}
    assert [c.passed for c in gradient_norms("g.", {"a": 1.0009, "b": 1.0011}, {"a": 1, "b": 1} | noise)] == [
        True,
        False,
    ]
    assert not gradient_norms("g.", {}, {"a": 1.0})[0].passed


def test_nan_shapes_and_lengths_never_pass() -> None:
    assert not Check("x", math.nan, 1.0).passed
    assert not scalar("x", math.nan, 1.0).passed
    assert not activation("x", torch.ones(2, 1), torch.ones(2)).passed
    assert not activation("x", torch.ones(0), torch.ones(0)).passed
    assert not integers("x", [1, 2], [1]).passed
    assert not exact("x", [1], (1,)).passed
