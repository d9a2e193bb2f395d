"""Which runs are made, skipped or taken over, and what a failed one leaves behind."""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import leaderboard
from benchmarks.beside import draw_gallery
from benchmarks.corpora import MEASURED, SHORT, on_real_corpora
from benchmarks.entries import CLOVER, CLOVER_ARMS, FRAMES, GENEBERT, OPENNESS, TABLE, VLSA, VLSA_ARMS, Arm, on_stage
from benchmarks.leaderboard import Place, place_of, run
from benchmarks.suites import Suite, suites
from quatrefoil.core.ending import Preempted
from quatrefoil.core.installed import names
from quatrefoil.core.measuring import jobs, launch
from quatrefoil.core.measuring.collect import collect
from quatrefoil.core.measuring.entries import ONE_SEED, Entry
from quatrefoil.core.measuring.jobs import Job, RunFailed, Running, lineage, order, plan, train
from quatrefoil.core.measuring.launch import Launch, Made, launcher
from quatrefoil.core.measuring.make import make
from quatrefoil.core.measuring.store import Results, Store
from quatrefoil.core.recipes import load
from tests.benchmarks.fabricated import HASH, facts, run_folder

ONE = replace(FRAMES, seeds=ONE_SEED), replace(TABLE, seeds=ONE_SEED)
JOBS = [Job(entry, 0, HASH) for entry in ONE]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Runs are kept in a folder of the test, and all configurations of a start are of one hash."""
    monkeypatch.setattr(jobs, "RUNS", tmp_path / "runs")
    return tmp_path


@pytest.fixture
def one_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recipes are not read; every configuration has the hash of the made-up facts."""

    class Recipe:
        config_hash = HASH

    def load(name: str, overrides: list[str]) -> type[Recipe]:
        if name == "no/such-recipe":
            raise ValueError(f"no recipe `{name}`")
        return Recipe

    monkeypatch.setattr(jobs.recipes, "load", load)


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch, one_hash: None) -> list[Job]:
    """The jobs that were trained; training writes made-up facts, and that of an entry called "Broken" fails."""
    done: list[Job] = []

    def fabricate(job: Job, **how: object) -> None:
        if job.entry.model == "Broken":
            raise RunFailed("out of memory")
        done.append(job)
        run_folder(job.folder, facts(job.entry, job.seed, 50.0))

    monkeypatch.setattr(launch, "train", fabricate)
    monkeypatch.setattr(launch, "POLL_SECONDS", 0.001)
    return done


@pytest.fixture(params=[1, 3])
def here(request: pytest.FixtureRequest) -> Iterator[Launch]:
    """Runs in threads of this process, one at a time or several."""
    with launcher("local", request.param) as found:
        yield found


def says(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Training runs this code instead."""
    monkeypatch.setattr(Job, "command", property(lambda job: [sys.executable, "-c", code, str(job.folder)]))


def test_what_is_stored_is_neither_trained_nor_read_again(tmp_path: Path, trained: list[Job], here: Launch) -> None:
    store = Store(tmp_path / "store")
    assert make(ONE, store, here) == []
    before = {path.name: path.read_bytes() for path in store.folder.iterdir()}
    for job in JOBS:
        (job.folder / "metrics.json").write_text("no longer JSON")
    assert make(ONE, store, here) == []
    assert sorted(map(str, trained)) == sorted(map(str, JOBS))
    assert {path.name: path.read_bytes() for path in store.folder.iterdir()} == before


def test_a_finished_run_is_taken_over_without_training(tmp_path: Path, trained: list[Job], here: Launch) -> None:
    run_folder(JOBS[1].folder, facts(TABLE, 0, 61.0))
    store = Store(tmp_path / "store")
    assert make(ONE, store, here) == []
    assert trained == JOBS[:1]
    assert {row.value for row in store.read().rows if row.model == "TABLE"} >= {61.0}


def test_a_failed_run_stops_no_other_and_the_status_is_1(
    tmp_path: Path, trained: list[Job], here: Launch, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = [replace(ONE[0], model="Broken"), replace(ONE[0], model="Odd", recipe="no/such-recipe")]
    place = Place(Store(tmp_path / "store"), tmp_path / "L.md", tmp_path / "index.html", None, [])
    assert run(Suite("any", [*odd, *ONE], committed=False), place, here) == 1
    assert {job.entry.model for job in trained} == {"Frames only", "TABLE"}
    assert "| TABLE " in place.leaderboard.read_text()
    said = capsys.readouterr().err
    assert "out of memory" in said
    assert "no recipe `no/such-recipe`" in said


def begun(entry: Entry) -> Entry:
    return replace(entry.with_seeds(ONE_SEED), recipe=f"{entry.recipe}/tuned")


def test_what_others_start_from_is_made_first_and_once_even_if_it_is_not_asked_for(
    tmp_path: Path, trained: list[Job], here: Launch
) -> None:
    tuned = [begun(CLOVER.tasks["retrieval"]), begun(CLOVER.tasks["mc questions"])]
    assert make(tuned, Store(tmp_path / "store"), here) == []
    first, *later = trained
    assert first.entry == CLOVER.tasks["zero-shot retrieval"].with_seeds(ONE_SEED)
    assert {job.entry for job in later} == set(tuned)
    assert {job.start for job in later} == {first}
    assert all(f"model.pretrained={first.folder}" in job.command for job in later)


def test_one_after_the_other_follows_the_order_of_the_suite(tmp_path: Path, trained: list[Job]) -> None:
    tuned = [replace(begun(CLOVER.tasks["retrieval"]), seeds=(0, 1))]
    entries = [*tuned, replace(FRAMES, seeds=(0, 1))]
    with launcher("local", 1) as one:
        make(entries, Store(tmp_path / "store"), one)
    assert [(job.entry, job.seed) for job in trained] == list(order(entries))


def test_what_starts_from_a_run_that_failed_fails_too_and_says_so(
    tmp_path: Path, trained: list[Job], here: Launch
) -> None:
    start = replace(ONE[0], model="Broken")
    failures = make([replace(ONE[1], start=start)], Store(tmp_path / "store"), here)
    assert str(failures[0]) == "out of memory"
    assert "it starts from Broken" in str(failures[1])
    assert trained == []


def test_what_is_stored_is_known_again_though_the_folder_that_it_started_from_is_gone(
    tmp_path: Path, trained: list[Job], here: Launch
) -> None:
    entries, store = [begun(CLOVER.tasks["retrieval"])], Store(tmp_path / "store")
    make(entries, store, here)
    (tmp_path / "runs").rename(tmp_path / "elsewhere")
    assert make(entries, store, here) == []
    assert len(trained) == 2


def test_a_lost_start_is_trained_again_before_what_starts_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    finish = "f = p.Path(sys.argv[1]); f.mkdir(parents=True); (f / 'metrics.json').write_text('{}')"
    says(monkeypatch, f"import sys, pathlib as p; {finish}")
    job = Job(ONE[1], 0, "f" * 16, start=JOBS[0])
    train(job)
    assert JOBS[0].finished
    assert job.finished


def test_a_lost_start_of_several_is_trained_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    note = f"open({str(tmp_path / 'made')!r}, 'a').write(f.name + chr(10))"
    code = f"f = p.Path(sys.argv[1]); f.mkdir(parents=True); time.sleep(0.2); {note}"
    says(monkeypatch, f"import sys, time, pathlib as p; {code}; (f / 'metrics.json').write_text('{{}}')")
    later = [Job(ONE[1], 0, digit * 16, start=JOBS[0]) for digit in "ef"]
    with launcher("local", 2) as two:
        for made in [two.start(job) for job in later]:
            made.result()
    assert sorted((tmp_path / "made").read_text().split()) == sorted(j.folder.name for j in (JOBS[0], *later))


def test_several_at_once_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, str]] = []
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(launch, "train", lambda job, *, environment, **_: seen.append(environment))
    monkeypatch.setattr(launch.os, "sched_getaffinity", lambda _: set(range(8)))
    monkeypatch.setattr(launch.torch.cuda, "device_count", lambda: 0)
    with launcher("local", 3) as three:
        three.start(JOBS[0]).result()
    assert seen == [{"OMP_NUM_THREADS": "2"}]
    monkeypatch.setattr(launch.torch.cuda, "device_count", lambda: 4)
    with launcher("local", None) as four:
        for made in [four.start(job) for job in JOBS * 2]:
            made.result()
    assert {environment["CUDA_VISIBLE_DEVICES"] for environment in seen[1:]} <= set("0123")


@pytest.mark.parametrize(("gpus", "cores", "slots"), [(0, 1, 1), (0, 2, 2), (0, 64, 4), (3, 64, 3)])
def test_as_many_runs_are_made_at_once_as_there_are_gpus_or_a_few_cores(
    monkeypatch: pytest.MonkeyPatch, gpus: int, cores: int, slots: int
) -> None:
    monkeypatch.setattr(launch.torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setattr(launch.os, "sched_getaffinity", lambda _: set(range(cores)))
    with launcher("local", None) as found:
        assert found.slots == slots


def test_processes_take_none_but_the_gpus_that_may_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    shares = [launch._share(number, 3, devices=2) for number in range(3)]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,GPU-7")
    narrower = [launch._share(number, 3, devices=2) for number in range(3)]
    assert [share["CUDA_VISIBLE_DEVICES"] for share in (*shares, *narrower)] == ["0", "1", "0", "5", "GPU-7", "5"]


def test_a_clusters_jobs_are_the_same_training(
    tmp_path: Path, trained: list[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "LOGS", tmp_path / "cluster")
    start = launch._cluster("debug")  # submitit's executor that works in this process
    assert make(ONE, Store(tmp_path / "store"), Launch(start, 2, None)) == []
    assert trained == JOBS


def test_a_clusters_job_that_fails_is_a_failure_of_that_run_alone(tmp_path: Path, trained: list[Job]) -> None:
    class Lost:
        def done(self) -> bool:
            return True

        def result(self) -> None:
            raise TimeoutError("the cluster has taken it away")

    def start(job: Job) -> Made:
        return launch._OnCluster(job, Lost(), TimeoutError)

    failures = make(ONE, Store(tmp_path / "store"), Launch(start, 2, None))
    assert [str(failure) for failure in failures] == [f"{job}: the cluster has taken it away" for job in JOBS]


TOLD = """
import pathlib, signal, sys, time
folder = pathlib.Path(sys.argv[1]) / "checkpoints"
def save(*_):
    (folder / "step-00000003").mkdir()
    sys.exit(0)
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, save)
folder.mkdir(parents=True)
time.sleep(60)
"""
"""A run that waits to be told to end, and takes a moment to save."""


def when_begun(folders: list[Path], number: signal.Signals) -> threading.Thread:
    """A thread that sends this process a signal as soon as runs are made in these folders."""

    def wait() -> None:
        while not all((folder / "checkpoints").exists() for folder in folders):
            time.sleep(0.01)
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_who_makes_runs_and_is_told_to_end_tells_them_waits_until_they_have_saved_and_begins_no_other(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    one_hash: None,
    number: signal.Signals,
    status: int,
) -> None:
    says(monkeypatch, TOLD)
    monkeypatch.setattr(launch, "POLL_SECONDS", 0.01)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background has it ignored
    third = replace(ONE[0], recipe="table/third")
    thread = when_begun([job.folder for job in JOBS], number)
    with launcher("local", 2) as two, pytest.raises(Preempted) as ended:
        make([*ONE, third], Store(tmp_path / "store"), two)
    thread.join()
    assert signal.signal(signal.SIGINT, before) == signal.default_int_handler
    assert ended.value.code == status
    assert all((job.folder / "checkpoints" / "step-00000003").exists() for job in JOBS)
    assert not Job(third, 0, HASH).folder.exists()
    output = capfd.readouterr()
    assert f"{number.name}: the runs under way are told to save" in output.err
    assert output.out.count("ended, saved, step-00000003: ") == 2
    assert "0 of 3 runs are settled; the same command goes on from here" in output.out


def test_a_run_that_is_finished_when_it_is_told_to_end_is_stored(tmp_path: Path, one_hash: None) -> None:
    ends: list[str] = []

    def start(job: Job) -> Made:
        os.kill(os.getpid(), signal.SIGTERM)
        run_folder(job.folder, facts(job.entry, job.seed, 50.0))
        done: Future[None] = Future()
        done.set_result(None)
        return done

    store = Store(tmp_path / "store")
    with pytest.raises(Preempted):
        make(ONE, store, Launch(start, 1, lambda: ends.append("told")))
    assert ends == ["told"]
    assert {row.model for row in store.read().rows} == {ONE[0].model}


def test_runs_of_a_cluster_go_on_when_who_started_them_is_told_to_end(
    tmp_path: Path, one_hash: None, capsys: pytest.CaptureFixture[str]
) -> None:
    def start(job: Job) -> Made:
        os.kill(os.getpid(), signal.SIGTERM)
        return Future()  # never done

    with pytest.raises(Preempted):
        make(ONE, Store(tmp_path / "store"), Launch(start, 2, None))
    assert f"goes on where it is made: {JOBS[0]}" in capsys.readouterr().out


def test_no_run_begins_after_all_were_told_to_end() -> None:
    running = Running()
    running.end()
    with pytest.raises(RunFailed, match="told to end before it began"):
        train(JOBS[0], begin=running.process)


def test_no_process_makes_no_run() -> None:
    with pytest.raises(ValueError, match="give at least 1"), launcher("local", 0):
        pass


@pytest.mark.parametrize(
    "damage", [lambda f: (f / "log.jsonl").unlink(), lambda f: (f / "metrics.json").write_text("{")]
)
def test_a_damaged_run_folder_is_a_failure_of_that_run_alone(
    tmp_path: Path, trained: list[Job], here: Launch, damage: Callable[[Path], object]
) -> None:
    damage(run_folder(JOBS[0].folder, facts(FRAMES, 0, 61.0)))
    store = Store(tmp_path / "store")
    assert len(make(ONE, store, here)) == 1
    assert {row.model for row in store.read().rows} == {"TABLE"}


def test_an_unknown_recipe_is_a_failure_that_names_entry_and_recipe() -> None:
    with pytest.raises(RunFailed, match=r"Odd .no/such-recipe"):
        plan(on_stage("Odd", "no/such-recipe", ""), 0, Results())


def test_a_failure_tells_the_command_and_the_last_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    says(monkeypatch, "import sys; [print(f'line {i}', file=sys.stderr) for i in range(99)]; sys.exit(3)")
    with pytest.raises(RunFailed) as caught:
        train(JOBS[0])
    text = str(caught.value)
    assert "exit status 3" in text
    assert f"command: {sys.executable}" in text
    assert "line 98" in text
    assert "line 80" not in text


def test_a_run_without_results_is_a_failure_whatever_its_exit_status(monkeypatch: pytest.MonkeyPatch) -> None:
    says(monkeypatch, "pass")
    with pytest.raises(RunFailed, match="exit status 0"):
        train(JOBS[0])


def test_what_a_run_prints_is_kept_beside_its_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    finish = "f = p.Path(sys.argv[1]); f.mkdir(); (f / 'metrics.json').write_text('{}')"
    says(monkeypatch, f"import sys, pathlib as p; {finish}; print('done')")
    train(JOBS[0])
    assert JOBS[0].folder.with_name(f"{JOBS[0].folder.name}.log").read_text() == "done\n"


def test_other_seeds_configurations_and_data_versions_are_other_folders() -> None:
    newer = Entry(**{**vars(TABLE), "data_version": "v999"})
    others = [Job(TABLE, 1, HASH), Job(TABLE, 0, "f" * 16), Job(newer, 0, HASH), *JOBS]
    assert len({job.folder for job in others}) == len({job.run for job in others}) == len(others)


@pytest.mark.parametrize("name", ["default", "clover", "vlsa", "claims"])
def test_all_models_are_run_once_before_any_is_run_again(name: str) -> None:
    nodes = list(order(suites({})[name].entries))
    assert [seed for _, seed in nodes] == sorted(seed for _, seed in nodes)
    assert len({(entry.model, entry.recipe, seed) for entry, seed in nodes}) == len(nodes)


@pytest.mark.parametrize(
    "entry",
    [CLOVER.tasks["retrieval"], VLSA.tasks["text-video retrieval"], GENEBERT.tasks[OPENNESS]],
    ids=lambda each: each.model,
)
def test_what_starts_from_a_run_is_planned_as_the_configuration_that_it_will_have(tmp_path: Path, entry: Entry) -> None:
    assert entry.start is not None
    begun = plan(entry.start, 0, Results())
    told = {**facts(entry.start, 0, 50.0), "config_hash": begun.config_hash}
    store = Store(tmp_path / "store")
    store.add(collect(run_folder(begun.folder, told), entry.start, begun.config_hash, 0))
    planned = plan(entry, 0, store.read())
    assert planned.config_hash == load(entry.recipe, planned.overrides).config_hash


@pytest.mark.parametrize("arm", [*CLOVER_ARMS, *VLSA_ARMS], ids=lambda arm: arm.tasks[min(arm.tasks)].model)
def test_all_tasks_of_an_arm_start_from_its_own_pre_training(arm: Arm) -> None:
    as_is = {entry for task, entry in arm.tasks.items() if task.startswith("zero-shot")}
    tuned = {entry.start for task, entry in arm.tasks.items() if not task.startswith("zero-shot")}
    assert len(tuned) == 1
    assert as_is <= tuned
    assert (tuned == {None}) == all("no pre-training" in entry.model for entry in arm.tasks.values())


def test_only_quick_and_demo_keep_their_results_to_themselves() -> None:
    committed = {name for name, suite in suites({}).items() if place_of(suite).leaderboard == Path("LEADERBOARD.md")}
    assert committed == suites({}).keys() - {"quick", "demo"}


def test_real_corpora_are_measured_where_they_lie_and_are_never_called_embedded(tmp_path: Path) -> None:
    (tmp_path / "msvd").mkdir()
    (tmp_path / "something-else").mkdir()
    environment = {"QUATREFOIL_DATA": str(tmp_path)}
    for gpu, recipes in (
        (True, {"table/msvd", "table/msvd-frames", "table/msvd-brute-force", "clover/msvd-small"}),
        (False, {"table/msvd-small", "table/msvd-small-frames", "clover/msvd-small"}),
    ):
        real, left_out = on_real_corpora(environment, gpu)
        assert {entry.recipe for entry in real} == recipes
        assert {entry.overrides[0] for entry in real} == {f"data.root={tmp_path / 'msvd'}"}
        assert all((entry.overrides[1:] == SHORT) == ("small" in entry.model) for entry in real)
        assert len(real) + len(left_out) == len(MEASURED["msvd"])
        assert "Clover, small" in {entry.model for entry in suites(environment)["default"].entries}
    assert not any(entry.embedded for entry in real)
    (said,) = left_out  # of the last: there is no GPU
    assert said.startswith(f"not measured: Brute force (table/msvd-brute-force) on {tmp_path / 'msvd'}: it takes a GPU")


@pytest.mark.parametrize("name", ["nowhere", "."])
def test_a_data_root_without_corpora_is_an_error_that_names_them(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileNotFoundError, match=r"QUATREFOIL_DATA=.*; set it to the folder of msrvtt/, msvd/, "):
        suites({"QUATREFOIL_DATA": str(tmp_path / name)})


def test_what_is_measured_of_real_corpora_has_a_recipe_and_a_name_of_its_own(tmp_path: Path) -> None:
    for name in MEASURED:
        (tmp_path / name).mkdir()
    for gpu in (True, False):
        real, _ = on_real_corpora({"QUATREFOIL_DATA": str(tmp_path)}, gpu)
        assert {entry.recipe for entry in real} <= set(names())
        assert len({(entry.model, entry.overrides) for entry in real}) == len(real)


@pytest.mark.parametrize("name", ["quick", "default", "full"])
def test_every_model_is_measured_on_both_benchmarks(name: str) -> None:
    entries = suites({})[name].entries
    assert {entry.recipe.partition("/")[0] for entry in entries} == {"table", "clover", "vlsa", "genebert"}
    if name != "full":
        assert {tuple(entry.seeds) for entry in entries} == {ONE_SEED}


def test_the_quick_suite_is_short_in_what_runs_start_from_too() -> None:
    for entry in suites({})["quick"].entries:
        for each in lineage(entry):
            settings = load(each.recipe, each.overrides)
            assert (settings.train.steps, settings.data.size) == (20, "tiny")


def test_a_broken_store_ends_with_status_2_before_anything_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], trained: list[Job]
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "runs" / "demo" / "results" / "rows.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"schema": 1}) + "\n")
    assert leaderboard.main(["demo"]) == 2
    assert trained == []
    assert "rows.jsonl:1" in capsys.readouterr().err


def test_a_gallery_that_cannot_be_drawn_is_a_failure_in_the_words_of_the_command_line(tmp_path: Path) -> None:
    with pytest.raises(RunFailed, match=r"no data set `stagee` \(did you mean `stage`\?\)"):
        draw_gallery("stagee", tmp_path / "gallery.png")
