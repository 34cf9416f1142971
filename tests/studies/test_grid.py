"""Jobs that are trained once each, whoever trains them and however they end."""

import contextlib

import optuna
import pytest
from optuna.trial import TrialState
from shared_study import trials_of

from infogan.errors import InputError
from infogan.studies import storage
from infogan.studies.grid import failed_jobs, grid_name, queue_failed, run_grid
from infogan.studies.retry import queue_again


@pytest.fixture
def opened(tmp_path):
    storage.quiet_optuna()
    return storage.open_storage(f"sqlite:///{tmp_path}/grid.db")


def states(opened) -> list:
    return sorted((t.user_attrs["run"], t.state.name) for t in trials_of(opened, "g"))


def test_a_grid_trains_each_job_once_and_a_failed_one_again_at_the_next_start(opened, capsys):
    trained = []

    def train(trial, job):
        trained.append(job)
        if trained == ["a", "b"]:
            raise FloatingPointError("odd")
        return 1.0

    jobs = {"a": 1, "b": 2, "c": 3}
    run_grid(opened, "g", jobs, train)
    assert states(opened) == [("a", "COMPLETE"), ("b", "FAIL"), ("c", "COMPLETE")]
    assert "b failed: FloatingPointError: odd" in capsys.readouterr().err
    run_grid(opened, "g", jobs, train)
    assert trained == ["a", "b", "c"], "nothing is tried again unasked"
    queue_failed(opened, "g")
    run_grid(opened, "g", jobs, train)
    assert trained == ["a", "b", "c", "b"]
    assert failed_jobs(optuna.load_study(study_name="g", storage=opened)) == []


def test_a_job_stopped_without_an_error_and_queued_anew_is_trained_once(opened):
    """Ctrl-C fails a trial and leaves no error with it; then the same command is given again and queues failed jobs."""

    def interrupted(trial, job):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_grid(opened, "g", {"a": 1}, interrupted)
    queue_failed(opened, "g")
    trained = []
    run_grid(opened, "g", {"a": 1}, lambda trial, job: trained.append(job) or 1.0)
    assert trained == ["a"] and states(opened) == [("a", "COMPLETE"), ("a", "FAIL")]


def test_other_settings_are_another_grid():
    name = grid_name("g", {"a": 1, "b": 2})
    assert name == grid_name("g", {"b": 2, "a": 1}) and name.startswith("g-")
    assert name not in (grid_name("g", {"a": 1}), grid_name("g", {"a": 1, "b": 3}))


def test_a_grid_whose_maker_died_is_completed(opened, monkeypatch):
    monkeypatch.setattr(storage, "GRACE", 0.1)
    study = optuna.create_study(study_name="g", storage=opened)
    study.add_trial(optuna.create_trial(state=TrialState.WAITING, user_attrs={"run": "a"}))
    run_grid(opened, "g", {"a": 1, "b": 2}, lambda trial, job: 1.0)
    assert states(opened) == [("a", "COMPLETE"), ("b", "COMPLETE")]


@pytest.mark.parametrize("ends", (1.0, InputError("no"), OSError(28, "No space left on device")))
def test_a_trial_taken_over_leaves_its_worker_working(opened, ends):
    """However the training of a trial ends that others have taken over meanwhile."""

    def train(trial, job):
        if trial.number == 0:
            study = optuna.load_study(study_name="g", storage=opened)
            study.tell(0, state=TrialState.FAIL)
            queue_again(study, study.trials[0], died=True)
            if isinstance(ends, Exception):
                raise ends
        return 1.0

    with contextlib.suppress(SystemExit):  # a full disk ends the worker all the same
        run_grid(opened, "g", {"a": 1, "b": 2}, train)
    if not isinstance(ends, OSError):
        assert states(opened) == [("a", "COMPLETE"), ("a", "FAIL"), ("b", "COMPLETE")]
