"""A study named `shared` on digits, and processes that join it, for the tests of studies."""

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import optuna
import sqlalchemy
from conftest import ROOT
from optuna.trial import FrozenTrial, TrialState

from infogan import records, training
from infogan.config import Config
from infogan.study import retry, sweep
from infogan.study.options import Options, ResolvedOptions

WORKER = """
import torch
from infogan.records import pictures
from infogan.study import storage, sweep
from infogan.study.options import Options
torch.set_num_threads(1)
pictures.confusion = lambda *arguments: None  # takes longer to draw than these trials to train
{changes}
sweep.work(0, None, Options(**{options!r}).resolved())
"""


@sqlalchemy.event.listens_for(sqlalchemy.Engine, "connect")
def spare_fsync(connection, record):
    """SQLite in the tests' process need not survive a power cut; waiting for the disk takes most of their time."""
    if type(connection).__module__.startswith("sqlite3"):
        connection.execute("PRAGMA synchronous=OFF")


def command(script: str, *arguments: str) -> list[str]:
    """A script of experiments/ as a user calls it."""
    return [sys.executable, str(ROOT / "experiments" / f"{script}.py"), *arguments]


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


def start_worker(folder: Path, environment: dict, changes: str = "", **options) -> subprocess.Popen:
    """A process that joins the study, as `sweep.py --join --workers 1` on another machine."""
    shared = {"study": "shared", "objective": "accuracy", "confirm_seeds": 0, "wandb": "disabled", "workers": 1}
    code = WORKER.format(changes=changes, options=shared | {"join": True} | options)
    log = (folder / f"worker-{time.monotonic_ns()}.log").open("w")
    return subprocess.Popen(
        [sys.executable, "-c", code], cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT
    )


def logs(folder: Path) -> str:
    """What the workers printed."""
    return "\n".join(path.read_text() for path in sorted(folder.glob("worker-*.log")))


def trials_of(storage: str | optuna.storages.BaseStorage, study: str = "shared") -> list[FrozenTrial]:
    return optuna.load_study(study_name=study, storage=storage).get_trials(deepcopy=False)


def assert_every_trial_is_accounted_for(trials: list[FrozenTrial], at_least: int) -> None:
    """Each training ended exactly once, and every trial that lost its process has one that continues it."""
    assert {t.state for t in trials} <= {TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL}
    mine = [t for t in trials if "duplicate" not in t.user_attrs]
    ended = Counter(t.user_attrs["run"] for t in mine if t.state != TrialState.FAIL)
    assert set(ended.values()) == {1} and len(ended) >= at_least
    lost = {t.number for t in mine if t.state == TrialState.FAIL}
    assert lost == {retry.previous(t) for t in mine} - {None}
    assert {retry.run_name(t) for t in mine} == set(ended)
