"""Benchmarks that are made: whole or not at all, the same bytes whoever makes them, and honest about what they hold."""

import json
from functools import partial
from pathlib import Path

import pytest

from quatrefoil.core.embedded import MANIFEST, Apart, Crew, Embedded, Job, damaged


def square(number: int) -> int:
    return number * number


def fill(job: Job, encoder: str = "") -> Apart:
    with Crew(job.workers) as crew:
        numbers = crew.in_order(square, range(job.seed, job.seed + 5), "toy", "number")
    (job.folder / "deep").mkdir()
    (job.folder / "deep" / "numbers.txt").write_text(str(numbers))
    (job.folder / "encoded.bin").write_text(f"{numbers[0]} by {encoder}")
    return {"encoded.bin": None}


def fail(job: Job) -> Apart:
    (job.folder / "half.txt").write_text("half")
    raise OSError("no space left")


TOY = Embedded("toy", 3, ("tiny", "default"), fill)


def content_hash(folder: Path) -> str:
    found: str = json.loads((folder / MANIFEST).read_text())["content_hash"]
    return found


def test_any_number_of_workers_makes_the_same_bytes(tmp_path: Path) -> None:
    one, two = (TOY.make("tiny", 1, tmp_path / str(workers), workers) for workers in (1, 2))
    assert one.name == "toy-v3-tiny-seed1"
    assert (one / MANIFEST).read_bytes() == (two / MANIFEST).read_bytes()


def test_the_content_hash_covers_all_but_what_is_set_apart(tmp_path: Path) -> None:
    other = Embedded("toy", 3, ("tiny",), partial(fill, encoder="another"))
    first, again, seeded = (
        b.make("tiny", s, tmp_path / str(i), 1) for i, (b, s) in enumerate([(TOY, 0), (other, 0), (TOY, 1)])
    )
    assert content_hash(first) == content_hash(again) != content_hash(seeded)
    assert (first / MANIFEST).read_bytes() != (again / MANIFEST).read_bytes()


def test_a_failed_run_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no space left"):
        Embedded("toy", 3, ("tiny",), fail).make("tiny", 0, tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_was_lost_is_refused_and_what_was_changed_is_named(tmp_path: Path) -> None:
    folder = TOY.make("tiny", 0, tmp_path, 1)
    numbers = folder / "deep" / "numbers.txt"
    numbers.write_text(numbers.read_text().replace("1", "2"))
    assert damaged(TOY.make("tiny", 0, tmp_path)) == ["deep/numbers.txt"]
    numbers.unlink()
    with pytest.raises(ValueError, match=r"numbers\.txt is missing"):
        TOY.make("tiny", 0, tmp_path)


def test_a_folder_of_another_benchmark_is_refused(tmp_path: Path) -> None:
    TOY.make("tiny", 0, tmp_path, 1).rename(tmp_path / "toy-v3-default-seed0")
    with pytest.raises(ValueError, match="says size 'tiny' where 'default' is wanted"):
        TOY.make("default", 0, tmp_path)


def test_looking_for_a_benchmark_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"make it with `quatrefoil data make toy size=tiny seed=0 root={tmp_path}`"):
        TOY.find("tiny", 0, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_benchmark_is_found_by_its_own_folder_and_none_is_made_inside_it(tmp_path: Path) -> None:
    folder = TOY.make("tiny", 1, tmp_path, 1)
    assert TOY.find("tiny", 1, tmp_path) == TOY.find(root=folder) == TOY.make("tiny", 1, folder) == folder
    with pytest.raises(ValueError, match="says size 'tiny' where 'default' is wanted; ask for that one"):
        TOY.make("default", 1, folder)
    with pytest.raises(ValueError, match="says name 'toy' where 'other' is wanted"):
        Embedded("other", 3, ("tiny",), fill).find(root=folder)
    assert {path.name for path in folder.iterdir()} == {"deep", "encoded.bin", MANIFEST}
