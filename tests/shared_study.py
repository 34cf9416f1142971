"""A study named `shared` on digits, and processes that join it, for the tests of studies."""

import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import optuna
import sqlalchemy
from conftest import ROOT
from optuna.trial import FrozenTrial, TrialState

from infogan.studies import sweep

WORKER = """
import torch
from infogan.records import pictures
from infogan.studies import storage, sweep
torch.set_num_threads(1)
pictures.confusion = lambda *arguments: None  # takes longer to draw than these trials to train
{changes}
sweep.work(0, None, sweep.Options(**{options!r}).resolved())
"""


@sqlalchemy.event.listens_for(sqlalchemy.Engine, "connect")
def spare_fsync(connection, record):
    """SQLite in the tests' process need not survive a power cut; waiting for the disk takes most of their time."""
    if type(connection).__module__.startswith("sqlite3"):
        connection.execute("PRAGMA synchronous=OFF")


def command(script: str, *arguments: str) -> list[str]:
    """A script of experiments/ as a user calls it."""
    return [sys.executable, str(ROOT / "experiments" / f"{script}.py"), *arguments]


def open_shared(monkeypatch, folder: Path, **options) -> sweep.ResolvedOptions:
    """Make the study in the folder, which becomes the working directory; returns its options."""
    monkeypatch.chdir(folder)
    made = sweep.Options(study="shared", confirm_seeds=0, wandb="disabled", workers=1, **options).resolved()
    sweep.open_study(made)
    return made


def start_worker(folder: Path, environment: dict, changes: str = "", **options) -> subprocess.Popen:
    """A process that joins the study, as `sweep.py --join --workers 1` on another machine."""
    options = {"study": "shared", "confirm_seeds": 0, "wandb": "disabled", "workers": 1, "join": True} | options
    code = WORKER.format(changes=changes, options=options)
    log = (folder / f"worker-{time.monotonic_ns()}.log").open("w")
    return subprocess.Popen(
        [sys.executable, "-c", code], cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT
    )


def logs(folder: Path) -> str:
    """What the workers printed."""
    return "\n".join(path.read_text() for path in sorted(folder.glob("worker-*.log")))


def trials_of(storage: str | optuna.storages.BaseStorage, study: str = "shared") -> list[FrozenTrial]:
    return optuna.load_study(study_name=study, storage=storage).get_trials(deepcopy=False)


def previous(trial: FrozenTrial) -> int | None:
    """The trial that this one continues."""
    return (trial.system_attrs.get("retry_history") or [None])[-1]


def assert_every_trial_is_accounted_for(trials: list[FrozenTrial], at_least: int) -> None:
    """Each training ended exactly once, and every trial that lost its process has one that continues it."""
    assert {t.state for t in trials} <= {TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL}
    mine = [t for t in trials if "duplicate" not in t.user_attrs]
    ended = Counter(t.user_attrs["run"] for t in mine if t.state != TrialState.FAIL)
    assert set(ended.values()) == {1} and len(ended) >= at_least
    lost = {t.number for t in mine if t.state == TrialState.FAIL}
    assert lost == {previous(t) for t in mine} - {None}
    assert {t.user_attrs.get("run", t.number) for t in mine} == set(ended)
