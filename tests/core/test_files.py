"""What is made whole or not at all, by one process at a time."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import pytest

from quatrefoil.core import files
from quatrefoil.core.files import locked, replace_text, whole_file, whole_folder


def count_up(path: Path, times: int) -> None:
    """Loses counts where two processes read the same number."""
    for _ in range(times):
        with locked(path):
            before = int(path.read_text())
            time.sleep(0.0005)
            path.write_text(str(before + 1))


def test_no_two_processes_are_in_the_block_at_once_and_no_lock_stays(tmp_path: Path) -> None:
    path = tmp_path / "count"
    path.write_text("0")
    crew = [multiprocessing.get_context("spawn").Process(target=count_up, args=(path, 50)) for _ in range(4)]
    for process in crew:
        process.start()
    for process in crew:
        process.join(30)
    assert path.read_text() == "200"
    assert list(tmp_path.iterdir()) == [path]


def test_a_lock_dies_with_its_process(tmp_path: Path) -> None:
    code = "import sys, time; from pathlib import Path; from quatrefoil.core.files import locked\n"
    code += "with locked(Path(sys.argv[1])):\n    print('in', flush=True)\n    time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "it")], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"in\n"
        os.kill(holder.pid, signal.SIGKILL)
        with locked(tmp_path / "it"):
            pass
    assert not list(tmp_path.iterdir())


def test_who_waits_for_longer_than_a_moment_is_told_for_what(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(files, "_SILENT_SECONDS", 0.01)
    told = threading.Event()
    monkeypatch.setattr(files, "print", lambda *said, **_: (print(*said), told.set()), raising=False)

    def second() -> None:
        with locked(tmp_path / "it"):
            pass

    waiting = threading.Thread(target=second)
    with locked(tmp_path / "it"):
        waiting.start()
        assert told.wait(30)
    waiting.join(30)
    assert f"at work on {tmp_path / 'it'}\n" in capsys.readouterr().out
    with locked(tmp_path / "it"):
        pass
    assert capsys.readouterr().out == "", "who need not wait is told nothing"


def test_a_script_whose_workers_run_it_anew_ends_with_how_to_mend_it(tmp_path: Path) -> None:
    """They would wait for ever, each for a lock of its parent, which waits for them."""
    script = tmp_path / "script.py"
    script.write_text(
        "import multiprocessing, pathlib\n"
        "from quatrefoil.core.files import locked\n"
        f"with locked(pathlib.Path({str(tmp_path / 'made')!r})):\n"
        "    worker = multiprocessing.get_context('spawn').Process(target=print)\n"
        "    worker.start()\n"
        "    worker.join()\n"
        "    raise SystemExit(worker.exitcode)\n"
    )
    ended = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60)
    assert ended.returncode != 0
    assert "if __name__ == '__main__':" in ended.stderr
    assert str(tmp_path / "made") in ended.stderr


@pytest.mark.parametrize("begin", [locked, whole_folder, whole_file])
def test_a_failed_block_leaves_nothing(tmp_path: Path, begin: Callable[[Path], AbstractContextManager[object]]) -> None:
    with pytest.raises(KeyboardInterrupt), begin(tmp_path / "it"):
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


def test_a_folder_appears_whole_and_without_what_a_killed_process_left(tmp_path: Path) -> None:
    target, left = tmp_path / "new" / "it", tmp_path / "new" / ".it.part" / "left"
    left.mkdir(parents=True)
    with whole_folder(target) as part:
        (part / "one").write_text("1")
        assert not target.exists()
    assert [path.relative_to(tmp_path) for path in sorted(tmp_path.rglob("*"))] == [
        Path("new"), Path("new/it"), Path("new/it/one"),
    ]  # fmt: skip


def test_a_folder_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "it").mkdir()
    (tmp_path / "it" / "theirs").touch()
    with pytest.raises(OSError, match="not empty"), whole_folder(tmp_path / "it"):
        pass
    assert [path.name for path in sorted(tmp_path.rglob("*"))] == ["it", "theirs"]


def test_a_file_is_the_old_one_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "it"
    replace_text(path, "old")
    with whole_file(path) as file:
        file.write("né\r\n")
        file.flush()
        assert path.read_text() == "old"
    assert path.read_bytes() == "né\r\n".encode()
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_one_and_what_it_leads_to_is_whole_and_a_device_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("old")
    (tmp_path / "link").symlink_to("target")
    replace_text(tmp_path / "link", "new")
    replace_text(Path("/dev/null"), "lost")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text() == "new"
    assert Path("/dev/null").is_char_device()
    with suppress(RuntimeError), whole_file(tmp_path / "link") as file:
        file.write("half")
        raise RuntimeError
    assert (tmp_path / "target").read_text() == "new"
