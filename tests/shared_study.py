"""A study named `shared` on digits, and processes that join it, for the tests of studies."""

import dataclasses
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path

import optuna
import sqlalchemy
import torch
from optuna.trial import FrozenTrial, TrialState

from infogan import records, training
from infogan.config import Config
from infogan.metrics import collapse
from infogan.records import pictures
from infogan.study import storage, sweep
from infogan.study.options import Options, ResolvedOptions
from infogan.study.trials import run_name
from infogan.study.worker import Worker

SLOW_TO_IMPORT = (
    "conftest",
    "pandas",
    "scipy.ndimage",
    "scipy.stats",
    "seaborn",
    "sklearn.datasets",
    "sklearn.metrics",
)
FORKS = get_context("forkserver")
FORKS.set_forkserver_preload(
    ["infogan.study.worker", "infogan.study.cost", "psycopg", "alembic.command", *SLOW_TO_IMPORT]
)
"""A process of its own that starts at once, because the libraries are loaded already."""

ONE_SOURCE = {"search": ("lambda_categorical=0.1:10:log",), "pruner": "none"}
"""Options of a study of which one trial alone, of authors, is queued in advance."""


@sqlalchemy.event.listens_for(sqlalchemy.Engine, "connect")
def spare_fsync(connection, record):
    """SQLite in the tests' process need not survive a power cut; waiting for the disk takes most of their time."""
    if type(connection).__module__.startswith("sqlite3"):
        connection.execute("PRAGMA synchronous=OFF")


def resolve(**options) -> ResolvedOptions:
    """Options of a study by accuracy, without a confirmation unless it is asked for."""
    short = {"objective": "accuracy", "confirm_seeds": 0, "wandb": "disabled", "workers": 1}
    return Options(**(short | options)).resolved()


def open_shared(monkeypatch, folder: Path, **options) -> ResolvedOptions:
    """Make the study in the folder, which becomes the working directory; returns its options."""
    monkeypatch.chdir(folder)
    made = resolve(study="shared", **options)
    sweep.open_study(made)
    return made


def replace_training(monkeypatch, accuracy: Callable[[Config], float]) -> None:
    """Where only the study is tested: a run's accuracy is a function of its configuration, and nothing is trained."""

    def train(config, dataset, directory, *arguments, **named):
        row = {"step": config.updates, "accuracy": accuracy(config), "collapsed": False}
        directory.mkdir(parents=True, exist_ok=True)
        records.Table(directory / "evaluations.csv").append(row)
        return {"accuracy": row["accuracy"], "images": 1000, "train_seconds": 1.0}

    monkeypatch.setattr(training, "train", train)


def start_worker(options: ResolvedOptions) -> BaseProcess:
    """A process in the working directory that joins the study, as on another machine."""
    return start(_work, dataclasses.replace(options, join=True))


def start(task: Callable, *arguments) -> BaseProcess:
    """A process that calls the task in the working directory; what it prints is in `logs()`."""
    process = FORKS.Process(target=_start, args=(Path.cwd(), task, *arguments), daemon=True)
    process.start()
    return process


def _start(folder: Path, task: Callable, *arguments) -> None:
    os.chdir(folder)
    os.setsid()
    log = os.open(f"worker-{os.getpid()}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    torch.set_num_threads(1)
    storage.HEARTBEAT, storage.GRACE, storage.PAUSE = 1, 4, 1
    pictures.confusion = lambda *arguments: None  # takes longer to draw than these trials to train
    collapse.SAMPLES = 100
    task(*arguments)


def _work(options: ResolvedOptions) -> None:
    sweep.open_study(options)
    Worker(options).run()


def run_command(*arguments: str) -> None:
    """The sweep's command; its report is a line."""
    sys.argv = ["sweep.py", *arguments]
    real = sweep.command_line
    sweep.command_line = lambda name, *words: ["echo", "REPORT"] if name == "report" else real(name, *words)
    sweep.main()


def wait_for(condition: Callable[[], object], *processes: BaseProcess) -> None:
    """Until the condition holds; none of the processes may end before."""
    while not condition():
        assert all(process.exitcode is None for process in processes), logs()
        time.sleep(0.02)


def end_of(*processes: BaseProcess, code: int = 0) -> str:
    """Waits until the processes have ended with the exit code; returns what they printed."""
    for process in processes:
        process.join(200)
        assert process.exitcode == code, logs()
    return logs()


def logs() -> str:
    """What processes in the working directory printed."""
    return "\n".join(path.read_text() for path in sorted(Path().glob("worker-*.log")))


def trials_of(storage: str | optuna.storages.BaseStorage, study: str = "shared") -> list[FrozenTrial]:
    return optuna.load_study(study_name=study, storage=storage).get_trials(deepcopy=False)


def assert_every_trial_is_accounted_for(trials: list[FrozenTrial], at_least: int) -> None:
    """Each training ended exactly once, also where its process was lost."""
    assert {t.state for t in trials} <= {TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL}
    mine = [t for t in trials if "duplicate" not in t.user_attrs]
    ended = Counter(t.user_attrs["run"] for t in mine if t.state != TrialState.FAIL)
    assert set(ended.values()) == {1} and len(ended) >= at_least
    assert {run_name(t) for t in mine} == set(ended)
