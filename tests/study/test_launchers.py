"""The workers of a study as processes of this machine, and its database as they and others see it."""

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.request
from multiprocessing import get_context
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState
from shared_study import open_shared
from thread_count import write_threads

from infogan.accel import cpu
from infogan.errors import InputError
from infogan.study.launchers import WorkerOptions, run_workers
from infogan.study.storage import open_storage, quiet_optuna


def pop_all(index: int, storage: str, folder: str) -> None:
    """Take trials until none waits; writes their numbers."""
    quiet_optuna()
    study = optuna.load_study(study_name="queue", storage=open_storage(storage))
    while True:
        trial = study.ask()
        if "wanted" not in trial.user_attrs:
            return
        with open(f"{folder}/popped-{index}.txt", "a") as file:
            print(trial.number, file=file)


def test_a_waiting_trial_goes_to_one_worker_also_on_sqlite(tmp_path):
    """SQLite has no row locks: two workers that ask at once could both be given it."""
    storage = f"sqlite:///{tmp_path}/queue.db"
    study = optuna.create_study(study_name="queue", storage=open_storage(storage))
    for _ in range(60):
        study.add_trial(optuna.create_trial(state=TrialState.WAITING, user_attrs={"wanted": True}))
    processes = [get_context("fork").Process(target=pop_all, args=(n, storage, str(tmp_path))) for n in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    popped = [int(line) for file in tmp_path.glob("popped-*.txt") for line in file.read_text().split()]
    assert sorted(popped) == list(range(60))


def test_numbers_of_workers_that_are_not_allowed():
    with pytest.raises(InputError, match="workers is 0; give 1 or more"):
        WorkerOptions(workers=0).default_workers(5)
    with pytest.raises(InputError, match="gpus_per_worker is -1.0; give 0 or more"):
        WorkerOptions(gpus_per_worker=-1.0).default_workers(5)


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
                shown = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/api/studies", timeout=5))
                break
            time.sleep(0.1)
    finally:
        dashboard.kill()
        dashboard.wait()
    assert [study["study_name"] for study in shown["study_summaries"]] == ["shared"]


def refuse(index: int, parent: int) -> None:
    raise InputError("the dataset has been moved")


def test_what_ends_a_worker_is_one_line(capfd):
    with pytest.raises(SystemExit, match="every worker ended with an error; see above"):
        run_workers(2, refuse)
    assert capfd.readouterr().err == "error: the dataset has been moved\n" * 2


@pytest.mark.parametrize(("cores", "count", "each"), [(4, 2, 2), (3, 2, 1), (1, 2, 1)])
def test_workers_together_use_no_more_threads_than_there_are_cores(cores, count, each, tmp_path, monkeypatch):
    """Else they spend their time switching: four pretrainings at once on one machine took ten times as long."""
    monkeypatch.setattr(cpu, "cores", lambda: cores)
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    run_workers(count, write_threads, str(tmp_path))
    assert os.environ["OMP_NUM_THREADS"] == "7" and "OPENBLAS_NUM_THREADS" not in os.environ
    for index in range(count):
        threads = json.loads((tmp_path / f"{index}.json").read_text())
        assert threads["torch"] == each and threads["pools"] and max(threads["pools"]) <= each
