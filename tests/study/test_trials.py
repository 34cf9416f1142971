"""Trials that lose their process, are queued twice, or run out of memory; training itself is left out."""

import time

import optuna
import pytest
from conftest import call
from optuna.trial import TrialState
from shared_study import ONE_SOURCE, assert_every_trial_is_accounted_for, open_shared, replace_training, trials_of

from infogan import records
from infogan.study import storage, sweep, trials
from infogan.study.trials import queue_again, run_name
from infogan.study.worker import Worker
from infogan.utils import events
from infogan.utils.errors import InputError


@pytest.fixture
def study_with(tmp_path, monkeypatch):
    """A study on SQLite whose training is the given function of the configuration; returns its options."""

    def with_training(function, **options):
        replace_training(monkeypatch, lambda config: function(config) or 0.5)
        return open_shared(monkeypatch, tmp_path, **({"trials": 4, "images": 1000} | options))

    return with_training


def test_a_process_that_dies_before_its_first_heartbeat_is_found_out(study_with, monkeypatch):
    made = study_with(lambda config: None)
    monkeypatch.setattr(storage, "GRACE", 0.5)
    asked = optuna.load_study(study_name="shared", storage=made.storage).ask()
    study = optuna.load_study(study_name="shared", storage=storage.open_storage(made.storage))
    optuna.storages.fail_stale_trials(study)
    assert study.trials[asked.number].state == TrialState.RUNNING, "it may only just have started"
    time.sleep(0.6)
    optuna.storages.fail_stale_trials(study)
    assert study.trials[asked.number].state == TrialState.FAIL
    Worker(made).run()
    assert_every_trial_is_accounted_for(trials_of(made.storage), at_least=4)
    same = [t for t in study.trials if run_name(t) == "authors"]
    assert [(t.state.name, t.user_attrs.get("deaths", 0)) for t in same] == [("FAIL", 0), ("COMPLETE", 1)]


@pytest.mark.filterwarnings("ignore:Heartbeat of storage is supposed to be used with Study.optimize")
def test_a_trial_that_kills_its_process_again_and_again_is_given_up(study_with):
    """A stop in order in between does not count as a death."""
    made = study_with(lambda config: None, trials=1, **ONE_SOURCE)
    study = optuna.load_study(study_name="shared", storage=storage.open_storage(made.storage))
    for died in (*(True,) * trials.DEATHS, False, True):
        trial = study.ask()
        if not died:
            trial.set_user_attr("stopped", True)
        study.tell(trial, state=TrialState.FAIL)
        given_up = trials.given_up(study.trials[trial.number])
        if not given_up:
            queue_again(study, study.trials[trial.number])
    assert given_up and study.trials[trial.number].user_attrs["deaths"] == trials.DEATHS
    count = len(study.trials)
    Worker(made).run()
    assert len(study.trials) == count, "and nobody queues it again"


def test_a_trial_queued_twice_is_trained_once(study_with):
    """Two workers found at once that its process had died."""
    trained = []
    made = study_with(trained.append, trials=1, **ONE_SOURCE)
    study = optuna.load_study(study_name="shared", storage=made.storage)
    study.tell(study.ask(), state=TrialState.FAIL)
    for _ in range(2):
        queue_again(study, study.trials[0])
    Worker(made).run()
    assert [(run_name(t), t.state.name) for t in study.trials] == [
        ("authors", "FAIL"),
        ("authors", "COMPLETE"),
        ("authors", "FAIL"),
    ]
    assert len(trained) == 1


def test_a_copy_whose_process_died_is_not_taken_for_a_duplicate(study_with):
    """Of two copies one was dropped as a duplicate; the other lost its process too. Its copy must be trained."""
    made = study_with(lambda config: None, trials=1, **ONE_SOURCE)
    study = optuna.load_study(study_name="shared", storage=made.storage)
    study.tell(study.ask(), state=TrialState.FAIL)
    for _ in range(2):
        queue_again(study, study.trials[0])
    copy, dropped = study.ask(), study.ask()
    dropped.set_user_attr("duplicate", True)
    for trial in (dropped, copy):
        study.tell(trial, state=TrialState.FAIL)
    Worker(made).run()
    assert [t.state.name for t in study.trials] == ["FAIL", "FAIL", "FAIL", "COMPLETE"]


def test_out_of_memory_is_recorded_and_counts_as_bad(study_with, capsys):
    message = "[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9"

    def train(config):
        if config.batch_size == 128:
            raise RuntimeError(message)

    made = study_with(train, trials=30)
    Worker(made).run()
    found = trials_of(made.storage)
    failed = [t for t in found if "error" in t.user_attrs]
    assert failed and all(t.state == TrialState.PRUNED and t.params["batch_size"] == 128 for t in failed)
    assert failed[0].user_attrs["config"]["batch_size"] == 128
    assert "can't allocate memory" in failed[0].user_attrs["error"]
    assert "failed: RuntimeError" in capsys.readouterr().out
    # The sampler sees pruned trials, and would not see failed ones: it draws fewer than the one in six of chance.
    later = [t.params["batch_size"] for t in found if t.number >= 15]
    assert later.count(128) / len(later) < 1 / 6


def test_a_trial_taken_over_by_others_does_not_end_its_worker(study_with, capsys):
    """The process was stopped for so long that it counted as dead; then it goes on."""
    url = []

    def train(config):
        study = optuna.load_study(study_name="shared", storage=url[0])
        mine = next(t for t in study.trials if t.state == TrialState.RUNNING)
        if mine.number == 0:
            study.tell(0, state=TrialState.FAIL)
            queue_again(study, study.trials[0])

    made = study_with(train)
    url.append(made.storage)
    Worker(made).run()
    assert_every_trial_is_accounted_for(trials_of(made.storage), at_least=4)
    assert "taken over by another worker" in capsys.readouterr().err


def test_a_foreign_study_cannot_write_outside_its_folder(study_with, tmp_path):
    """`run` names the directory and comes from the database."""
    made = study_with(lambda config: None)
    study = optuna.load_study(study_name="shared", storage=made.storage)
    study.add_trial(optuna.create_trial(state=TrialState.WAITING, user_attrs={"run": "../../../outside", "deaths": 0}))
    Worker(made).run()
    (foreign,) = [t for t in study.trials if t.user_attrs["run"] == "../../../outside"]
    assert foreign.state == TrialState.FAIL and "ValueError" in foreign.user_attrs["error"]
    assert not [path for path in tmp_path.rglob("*") if "outside" in path.name]
    assert not (tmp_path.parent / "outside").exists()


def test_a_locked_directory_is_left_to_its_process(study_with, monkeypatch, capsys):
    """The trial's own process counted as dead and is not: its directory is locked, and this worker waits for it."""
    monkeypatch.setattr(storage, "HEARTBEAT", 0.01)
    attempts = []

    def train(config):
        attempts.append(config)
        if len(attempts) < 3:
            raise records.Locked("another process is training in it")

    made = study_with(train)
    Worker(made).run()
    found = trials_of(made.storage)
    assert_every_trial_is_accounted_for(found, at_least=4)
    assert [t.state for t in found] == [TrialState.COMPLETE] * 4 and len(attempts) == 6
    printed = capsys.readouterr()
    assert printed.err.count("waiting for it") == 1 and "failed" not in printed.out


def test_a_full_disk_is_recognised_wherever_it_shows():
    import sqlite3

    full = optuna.exceptions.StorageInternalError("commit")
    full.__cause__ = sqlite3.OperationalError("database or disk is full")
    assert trials.is_disk_full(full) and trials.is_disk_full(OSError(28, "No space left on device"))
    assert not trials.is_disk_full(OSError(2, "No such file")) and not trials.is_disk_full(ValueError("full of it"))


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (InputError("an image cannot be read"), True),
        (events.Diverged("loss_d stopped being finite"), False),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), False),
    ],
)
def test_failed_trials_are_tried_again_once_their_cause_is_mended(
    error, again, study_with, tmp_path, monkeypatch, capsys
):
    """By the same command; the bad configurations of a loss that is not finite, and out of memory, stay so."""
    causes = [error]

    def train(config):
        if causes and config.preset in ("paper", "authors"):
            raise causes[0]

    made = study_with(train)
    Worker(made).run()
    before = trials_of(made.storage)
    failed = [t for t in before if "error" in t.user_attrs]
    assert {0, 1} <= {t.number for t in failed} and before[2].state == TrialState.COMPLETE, "the study goes on"
    assert failed[0].user_attrs["error"] == f"{type(error).__name__}: {error}"
    assert f"failed: {type(error).__name__}: {error}" in capsys.readouterr().out
    causes.clear()
    monkeypatch.setattr(sweep, "command_line", lambda *arguments: ["true"])  # no report
    arguments = ("--study", "shared", "--trials", 4, "--images", 1000, "--workers", 1, "--confirm-seeds", 0)
    done = call("sweep", "digits", *arguments, "--wandb", "disabled", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    new = trials_of(made.storage)[len(before) :]
    assert [t.params for t in new] == ([t.params for t in failed] if again else [])
    assert {t.state for t in new} <= {TrialState.COMPLETE} and not [t for t in new if "error" in t.user_attrs]
    assert [t.user_attrs["run"] for t in new] == [run_name(t) for t in failed if again], "in the same run directory"
    assert ("trying failed trials again: 0, 1" in done.stderr) == again
    assert "4/4" in done.stdout or not again


def test_a_failed_trial_is_tried_again_a_few_times_only(study_with):
    attempts = []

    def train(config):
        attempts.append(config)
        raise InputError("never mended")

    made = study_with(train, trials=3)
    Worker(made).run()
    study = sweep.open_study(made)
    queued = []
    for _ in range(trials.RETRIES + 2):
        queued.append(len(trials.queue_failed(study)))
        Worker(made).run()
    assert queued == [3] * trials.RETRIES + [0, 0]
    assert attempts == attempts[:3] * (1 + trials.RETRIES) and trials.count_done(study.trials) == 3
