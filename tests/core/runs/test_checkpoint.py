"""Checkpoints: back bit by bit, refused when damaged, whole or absent however their writer dies."""

import itertools
import json
import os
import re
import resource
import shutil
import signal
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from quatrefoil.core.files import sha256
from quatrefoil.core.runs import checkpoint
from quatrefoil.core.runs.checkpoint import CheckpointError, load, newest_valid, path_of, prune, save

TENSORS = {
    "model": {
        "a": torch.arange(6.0).reshape(2, 3),
        "half": torch.tensor([1.0, -0.0, float("nan")], dtype=torch.bfloat16),
    },
    "optimizer": {"0.step": torch.tensor(3.0), "0.exp_avg": torch.full((2, 3), 1e-40)},
}
STATE = {"step": 3, "losses": [0.1, 1 / 3], "nested": {"flag": True, "none": None}}
FILES = ["model.safetensors", "optimizer.safetensors", "state.json", "config.json", "manifest.json"]


def written(folder: Path, step: int = 3) -> Path:
    return save(folder, step, tensors=TENSORS, state=STATE, config={"lr": 0.1})


def bits(tensor: torch.Tensor) -> tuple[torch.dtype, torch.Size, bytes]:
    return tensor.dtype, tensor.shape, tensor.contiguous().flatten().view(torch.uint8).numpy().tobytes()


def in_a_child(work: Callable[[], object]) -> int:
    """Runs `work` in a child, which goes no further whatever comes of it; its process id."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return child


def die(work: Callable[[], object], lethal: int) -> bool:
    """Runs `work` in a child that kills itself at the `lethal`-th touch of the disk; True if it lived to the end."""
    _, status = os.waitpid(in_a_child(lambda: (_count_down(lethal), work())), 0)
    assert status == 0 or (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL)
    return status == 0


def _count_down(lethal: int) -> None:
    left = [lethal]

    def touch(event: str = "", args: object = ()) -> None:
        if event in ("", "open", "os.mkdir", "os.rename", "os.rmdir", "os.remove"):
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    fsync = os.fsync

    def lethal_fsync(fd: Any) -> None:
        touch()
        fsync(fd)

    os.fsync = lethal_fsync
    sys.addaudithook(touch)


def test_everything_comes_back_bit_by_bit(tmp_path: Path) -> None:
    path = written(tmp_path)
    assert sorted(file.name for file in path.iterdir()) == sorted(FILES)
    found = load(path)
    assert (found.step, found.state, found.config) == (3, STATE, {"lr": 0.1})
    assert found.tensors.keys() == TENSORS.keys()
    for name, group in TENSORS.items():
        assert {key: bits(tensor) for key, tensor in found.tensors[name].items()} == {
            key: bits(tensor) for key, tensor in group.items()
        }


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_in_the_state_come_back_bit_by_bit(number: float) -> None:
    assert repr(json.loads(checkpoint._dump({"n": number}))["n"]) == repr(number)


def test_numbers_that_json_does_not_know_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        save(tmp_path, 1, tensors={}, state={"best": float("-inf")}, config={})
    assert newest_valid(tmp_path) is None


def test_tied_tensors_come_back_tied_and_views_come_back_whole(tmp_path: Path) -> None:
    base = torch.arange(12.0)
    group = {
        "tied.a": base,
        "tied.b": base,
        "overlapping": base[2:7],
        "transposed": base.reshape(3, 4).T,
        "reshaped": base.reshape(3, 4),
        "empty": torch.zeros(0),
        "also empty": torch.zeros(0),
        "trained": torch.nn.Parameter(torch.ones(2)),
    }
    found = load(save(tmp_path, 1, tensors={"model": group}, state={}, config={})).tensors["model"]
    assert {name: bits(tensor) for name, tensor in found.items()} == {n: bits(t.detach()) for n, t in group.items()}
    assert found["tied.a"] is found["tied.b"]
    assert found["reshaped"].data_ptr() != found["tied.a"].data_ptr()


@pytest.mark.parametrize("name", FILES)
def test_one_flipped_bit_anywhere_is_refused_naming_the_file(tmp_path: Path, name: str) -> None:
    file = written(tmp_path) / name
    content = file.read_bytes()
    for place in range(0, len(content), max(1, len(content) // 40)):
        file.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(CheckpointError, match=name):
            load(file.parent)
    file.write_bytes(content)
    load(file.parent)


@pytest.mark.parametrize("name", FILES)
def test_missing_and_truncated_files_are_refused_by_name(tmp_path: Path, name: str) -> None:
    file = written(tmp_path) / name
    content = file.read_bytes()
    for size in (0, 1, len(content) // 2, len(content) - 1):
        file.write_bytes(content[:size])
        with pytest.raises(CheckpointError, match=name):
            load(file.parent)
    file.unlink()
    with pytest.raises(CheckpointError, match=f"{name} is missing"):
        load(file.parent)


def test_a_checkpoint_that_is_not_there_is_an_error_and_not_a_fresh_start(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="step-00000009"):
        load(path_of(tmp_path, 9))


def test_a_renamed_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="step 3: the folder was renamed"):
        load(written(tmp_path).rename(path_of(tmp_path, 4)))


def test_the_newest_valid_one_is_found_with_a_warning_for_each_damaged_one(tmp_path: Path) -> None:
    assert newest_valid(tmp_path) is None
    good, damaged = written(tmp_path, 99_999_999), written(tmp_path, 100_000_000)  # one digit more sorts after, too
    (damaged / "state.json").write_text("{}")
    with pytest.warns(UserWarning, match=r"step-100000000: .*state\.json has 2 bytes"):
        assert newest_valid(tmp_path) == good


def test_a_valid_checkpoint_is_never_overwritten_and_a_damaged_one_is(tmp_path: Path) -> None:
    path = written(tmp_path)
    with pytest.raises(CheckpointError, match="there and valid"):
        written(tmp_path)
    (path / "config.json").unlink()
    assert load(written(tmp_path)).state == STATE


def test_pruning_keeps_the_latest_and_the_chosen(tmp_path: Path) -> None:
    for step in (1, 2, 3, 4, 5):
        written(tmp_path, step)
    prune(tmp_path, keep_last=2, keep={2, 77})
    assert [path.name[-1] for path in checkpoint.checkpoints(tmp_path)] == ["2", "4", "5"]
    assert len(list(tmp_path.iterdir())) == 3
    with pytest.raises(ValueError, match="keep_last"):
        prune(tmp_path, keep_last=0)


def test_a_writer_killed_at_any_touch_of_the_disk_leaves_a_valid_checkpoint(tmp_path: Path) -> None:
    first = written(tmp_path, 1)
    for lethal in range(200):
        lived = die(lambda: written(tmp_path, 2), lethal)
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # no half checkpoint is ever seen, so there is nothing to pass over
            found = newest_valid(tmp_path)
        assert found in (first, path_of(tmp_path, 2))
        load(found)
        shutil.rmtree(path_of(tmp_path, 2), ignore_errors=True)
        if lived:
            break
    assert lived
    assert lethal > 15
    written(tmp_path, 3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-00000001", "step-00000003"]


def test_a_pruner_killed_at_any_touch_of_the_disk_leaves_no_half_checkpoint(tmp_path: Path) -> None:
    for lethal in range(100):
        for step in (1, 2):
            if not path_of(tmp_path, step).exists():
                written(tmp_path, step)
        lived = die(lambda: prune(tmp_path, keep_last=1), lethal)
        assert all(load(path) for path in checkpoint.checkpoints(tmp_path))
        assert newest_valid(tmp_path) == path_of(tmp_path, 2)
        if lived:
            return
    pytest.fail("the pruner never came to an end")


def test_a_writer_killed_at_any_time_leaves_a_valid_checkpoint(tmp_path: Path) -> None:
    first = written(tmp_path, 1)
    large = {"model": {str(n): torch.full((250_000,), float(n)) for n in range(8)}}

    def write_on() -> None:
        for step in itertools.count(2):
            save(tmp_path, step, tensors=large, state={}, config={})

    for trial in range(8):
        child = in_a_child(write_on)
        time.sleep(0.01 + 0.02 * trial)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        found = newest_valid(tmp_path)
        assert found is not None
        assert all(load(path) for path in checkpoint.checkpoints(tmp_path))
        prune(tmp_path, 1, keep={1})
        for path in set(checkpoint.checkpoints(tmp_path)) - {first}:
            shutil.rmtree(path)


def test_a_writer_killed_at_any_byte_of_its_largest_file_leaves_the_checkpoint_before_it(tmp_path: Path) -> None:
    first = written(tmp_path, 1)
    weights = {"model": {"a": torch.arange(50_000.0)}}
    largest = save(tmp_path / "whole", 2, tensors=weights, state={}, config={}) / "model.safetensors"
    size = largest.stat().st_size

    def write_up_to(offset: int) -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # what the system sends at the first byte beyond the limit
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (offset, offset))
        save(tmp_path, 2, tensors=weights, state={}, config={})

    for offset in range(0, size, size // 20):
        _, status = os.waitpid(in_a_child(partial(write_up_to, offset)), 0)
        assert os.WIFSIGNALED(status)
        assert os.WTERMSIG(status) == signal.SIGXFSZ
        assert newest_valid(tmp_path) == first
    assert newest_valid(tmp_path) == first
    assert load(save(tmp_path, 2, tensors=weights, state={}, config={})).step == 2


@pytest.mark.parametrize("words", [0, 50_000])
def test_a_disk_that_takes_no_more_is_told_and_keeps_nothing_of_the_checkpoint(tmp_path: Path, words: int) -> None:
    """Full while weights are written, or after them."""
    first = written(tmp_path, 1)
    weights, state = {"model": {"a": torch.zeros(20_000 - words // 5)}}, {"words": ["word"] * words}

    def write() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
        with pytest.raises(CheckpointError, match=r"step-00000002 cannot be written .*too large.*make room"):
            save(tmp_path, 2, tensors=weights, state=state, config={})

    assert os.waitpid(in_a_child(write), 0)[1] == 0
    assert list(tmp_path.iterdir()) == [first]


def test_a_pickle_in_place_of_the_weights_is_not_executed(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "sprung",)

    path = written(tmp_path / "run")
    torch.save({"a": Trap()}, path / "model.safetensors")
    sealed = json.loads((path / "manifest.json").read_text())
    file = path / "model.safetensors"
    sealed["files"][file.name] = {"bytes": file.stat().st_size, "sha256": sha256(file)}
    del sealed["sha256"]
    (path / "manifest.json").write_text(checkpoint._sealed(sealed))
    with pytest.raises(Exception, match=r"[Hh]eader"):
        load(path)
    assert not (tmp_path / "sprung").exists()


def test_nothing_in_runs_training_or_data_reads_pickles() -> None:
    core = Path(checkpoint.__file__).parents[1]
    sources = [path for folder in ("runs", "training", "data") for path in (core / folder).glob("*.py")]
    assert Path(checkpoint.__file__) in sources
    for source in sources:
        assert not re.search(r"import pickle|torch\.(load|save)\(|allow_pickle", source.read_text()), source
