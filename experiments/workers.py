"""What lets many processes, on one machine or many, work through one Optuna study and lose nothing of it.

A worker asks the study for a trial, trains, tells. What can go wrong, and who mends it:

- its process dies: the heartbeat stops, another worker (or the next start) queues the trial again, and it continues from
  its checkpoint, until DEATHS processes have died of it; SIGTERM and a full disk hand it back at once;
- the database is away: every call to it is repeated for up to PATIENCE seconds;
- memory runs out: the trial counts as pruned, so that the sampler learns to keep away from such configurations;
- any other error: the trial fails with the error in its record, and the study goes on.
"""

import contextlib
import errno
import hashlib
import os
import signal
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Literal

from infogan import events
from infogan.config import InputError

HEARTBEAT, GRACE = 5, 20  # seconds between two heartbeats; without one after which a trial's process is held to be dead
PATIENCE = 1800  # seconds that a database which was there before is waited for
DEATHS = 5  # processes that a trial may outlive; one more, and it is the trial that kills
DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True)
class Crew:
    """Who does the work, and where the study is kept."""

    workers: int | None = None
    """Processes that run trials side by side. Default: one per core, which trains more images in all than one
    process with all cores (experiments/benchmark.py); one where there is a GPU."""
    launcher: Literal["local", "ray"] = "local"
    """local: processes of this machine. ray: tasks on the Ray cluster that $RAY_ADDRESS names, else on a new one here."""
    gpus_per_worker: float = 0.0
    """With ray: GPUs each worker is given, such as 0.25 for four workers on each."""
    storage: str | None = None
    """Optuna storage URL, such as postgresql://me@host/db. Default: SQLite in the study's folder."""
    join: bool = False
    """Only lend a hand: work on the study until it is done, and leave its report to the command that leads."""

    def default_workers(self, jobs: int) -> int:
        """Raises InputError for a crew that cannot work."""
        import torch

        from infogan.accel import cpu

        for field, least in (("workers", 1), ("gpus_per_worker", 0)):
            if (value := getattr(self, field)) is not None and value < least:
                raise InputError(f"{field} is {value}; give {least} or more")
        if self.workers is not None:
            return self.workers
        return 1 if torch.cuda.is_available() else max(1, min(cpu.cores(), jobs))


def quiet_optuna():
    """Optuna without its parameter dumps (we print a line per trial) and notices of experimental features."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    return optuna


def open_storage(url: str):
    """Optuna storage with heartbeats, patient with a database that is away. Imports Optuna, hence not at import time."""
    import functools

    import optuna
    import sqlalchemy.exc
    import tenacity
    from filelock import FileLock
    from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
    from optuna.storages._rdb import models

    from infogan.records import mask_secrets

    sqlite = url.startswith("sqlite")

    class PatientStorage(optuna.storages.RDBStorage):
        def __init__(self, *arguments, **named):
            super().__init__(*arguments, **named)
            self.seen: dict[int, tuple[object, float]] = {}

        def set_trial_state_values(self, trial_id, state, values=None) -> bool:
            """Optuna's, one process at a time on SQLite, which has no row locks: two who ask at once could get one trial."""
            if self.engine.dialect.name != "sqlite" or not self.engine.url.database:
                return super().set_trial_state_values(trial_id, state, values)
            with FileLock(f"{self.engine.url.database}.lock"):
                return super().set_trial_state_values(trial_id, state, values)

        def _get_stale_trial_ids(self, study_id: int) -> list[int]:
            """Running trials whose heartbeat this process has seen stand still for GRACE seconds of its own clock.

            Optuna compares times in the database: after it was away, every trial would look dead to the first who asks;
            and a trial whose process died before its first heartbeat would run for ever.
            """
            with self.scoped_session() as session:
                beats = dict(
                    session.query(models.TrialModel.trial_id, models.TrialHeartbeatModel.heartbeat)
                    .outerjoin(
                        models.TrialHeartbeatModel, models.TrialHeartbeatModel.trial_id == models.TrialModel.trial_id
                    )
                    .filter(
                        models.TrialModel.study_id == study_id,
                        models.TrialModel.state == optuna.trial.TrialState.RUNNING,
                    )
                    .all()
                )
                session.rollback()
            now, before = time.monotonic(), self.seen
            self.seen = {
                trial: before[trial] if trial in before and before[trial][0] == beat else (beat, now)
                for trial, beat in beats.items()
            }
            return [trial for trial, (_, since) in self.seen.items() if now - since > GRACE]

    def is_away(error: BaseException) -> bool:
        cause = error.__cause__ if isinstance(error, StorageInternalError) else error
        if sqlite:  # a file is not away: at most another process holds it for long
            return isinstance(cause, sqlalchemy.exc.OperationalError) and "locked" in str(cause)
        return isinstance(cause, (sqlalchemy.exc.OperationalError, sqlalchemy.exc.InterfaceError))

    def patiently(method):
        @functools.wraps(method)
        def call(self, *arguments, **named):
            def waiting(state):
                self.seen = {}  # no heartbeat can be expected of anybody now
                if state.attempt_number == 1:
                    cause = state.outcome.exception()
                    reason = mask_secrets(str(cause.__cause__ or cause).strip().splitlines()[0])
                    print(
                        f"the study's database does not answer ({reason}): trying again for up to {PATIENCE // 60} minutes",
                        file=sys.stderr,
                        flush=True,
                    )

            for attempt in tenacity.Retrying(
                retry=tenacity.retry_if_exception(is_away),
                wait=tenacity.wait_random_exponential(max=10),
                stop=tenacity.stop_after_delay(PATIENCE),
                before_sleep=waiting,
                reraise=True,
            ):
                with attempt:
                    try:
                        return method(self, *arguments, **named)
                    except UpdateFinishedTrialError:
                        if attempt.retry_state.attempt_number > 1:
                            return True  # the first attempt had arrived, only its answer was lost
                        raise

        return call

    public = [
        name
        for name, member in vars(optuna.storages.BaseStorage).items()
        if callable(member) and not name.startswith("_")
    ]
    for name in (
        *public,
        "record_heartbeat",
        "_get_stale_trial_ids",
        "_create_new_trial",
        "_get_trials",
        "_set_trial_param",
    ):
        setattr(PatientStorage, name, patiently(getattr(PatientStorage, name)))

    try:
        # Two machines that start at once both make the tables of an empty database; the second try finds them made.
        for attempt in tenacity.Retrying(
            retry=tenacity.retry_if_exception(
                lambda error: "already exists" in str(error) or isinstance(error, sqlalchemy.exc.IntegrityError)
            ),
            wait=tenacity.wait_random(0.1, 1),
            stop=tenacity.stop_after_attempt(8),
            reraise=True,
        ):
            with attempt:
                return PatientStorage(
                    url,
                    engine_kwargs={"connect_args": {"timeout": 100}} if sqlite else {"pool_pre_ping": True},
                    heartbeat_interval=HEARTBEAT,
                    heartbeat_stale_trial_callback=lambda study, trial: queue_again(study, trial, died=True),
                )
    except (sqlalchemy.exc.SQLAlchemyError, ImportError, OSError) as error:
        reason = mask_secrets(str(error).splitlines()[0])
        raise InputError(f"cannot open the storage {mask_secrets(url)} ({reason}): check the URL") from error


def queue_again(study, trial, died: bool) -> None:
    """A waiting copy of a trial that lost its process; it will go on in the same run directory."""
    import optuna

    deaths = trial.user_attrs.get("deaths", 0) + died
    if deaths > DEATHS:
        return
    attributes = {"run": trial.user_attrs.get("run", trial.number), "deaths": deaths, "continues": trial.number}
    study.add_trial(
        optuna.create_trial(
            state=optuna.trial.TrialState.WAITING,
            params=trial.params,
            distributions=trial.distributions,
            user_attrs=trial.user_attrs | attributes,
            system_attrs=trial.system_attrs,
        )
    )


def given_up(trial) -> bool:
    """A failed trial that nobody will try again."""
    return trial.state.name == "FAIL" and ("error" in trial.user_attrs or trial.user_attrs.get("deaths", 0) >= DEATHS)


class Duplicate(Exception):
    """Two workers queued one training again at the same moment, or took the last job of a grid."""


def run_trials(
    study, objective: Callable, enough: Callable[[list], bool], before_each: Callable[[int], None] = lambda count: None
) -> None:
    """Trials until enough(trials) and no other worker's is running. objective(trial, run) trains and returns the value.

    `run` names the training, however often its trial was queued again: the number of the first of its trials, or the
    name it was queued with. before_each(count) is called with the number of trials before each of them. Trials that
    are duplicates, or that others continue, are not shown to `enough`.
    """
    import optuna
    from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
    from optuna.trial import TrialState

    from infogan import records

    def told(trial):
        run = trial.user_attrs.get("run", trial.number)
        trial.set_user_attr("run", run)
        twins = [
            t for t in study.get_trials(deepcopy=False) if t.number < trial.number and t.user_attrs.get("run") == run
        ]
        if any(t.state != TrialState.FAIL for t in twins):
            raise duplicate(trial)
        waited = False
        while True:
            try:
                value = objective(trial, run)
                break
            except records.Locked as error:
                # The process that lost this trial was held to be dead and is not: its result will be here when it is done.
                if not waited:
                    print(f"{error}; waiting for it", file=sys.stderr, flush=True)
                waited = True
                time.sleep(HEARTBEAT)
            except Duplicate:
                raise duplicate(trial) from None
            except (optuna.TrialPruned, UpdateFinishedTrialError):
                raise
            except events.Interrupted:
                hand_back(trial)
                raise
            except Exception as error:
                if is_disk_full(error):
                    hand_back(trial)
                    reason = str(error.__cause__ or error).splitlines()[0]
                    raise SystemExit(
                        f"error: {reason}: make room, then start the same command again; its trial goes on from its checkpoint"
                    ) from error
                trial.set_user_attr("error", f"{type(error).__name__}: {error}"[:1000])
                if is_out_of_memory(error):
                    raise optuna.TrialPruned from error
                raise
        if study._storage.get_trial(trial._trial_id).state != TrialState.RUNNING:
            raise UpdateFinishedTrialError("it is no longer this worker's")
        return value

    def duplicate(trial) -> Duplicate:
        trial.set_user_attr("duplicate", True)
        return Duplicate()

    def hand_back(trial) -> None:
        # Others may have taken it already; and a database on the full disk may not take this: then the heartbeat tells.
        with contextlib.suppress(UpdateFinishedTrialError, StorageInternalError):
            frozen = study._storage.get_trial(trial._trial_id)
            if study._storage.set_trial_state_values(trial._trial_id, TrialState.FAIL):
                queue_again(study, frozen, died=False)

    while True:
        trials = [t for t in study.get_trials(deepcopy=False) if "duplicate" not in t.user_attrs]
        continued = {t.user_attrs.get("continues") for t in trials}
        live = [t for t in trials if t.number not in continued]
        handed_back = any(t.state == TrialState.WAITING and "continues" in t.user_attrs for t in live)
        if handed_back or not enough(live):
            before_each(len(study.get_trials(deepcopy=False)))
            try:
                study.optimize(told, n_trials=1, catch=(Exception,))
            except (ValueError, AssertionError, UpdateFinishedTrialError) as error:
                # The others believed this process to be dead (it was stopped, or cut off) and took its trial over.
                print(
                    f"a trial was taken over by another worker ({error}); going on with the next",
                    file=sys.stderr,
                    flush=True,
                )
        elif any(t.state == TrialState.RUNNING for t in live):
            optuna.storages.fail_stale_trials(study)
            time.sleep(1)
        else:
            kept = {
                t.user_attrs.get("run", t.number) for t in live if t.state != TrialState.FAIL
            }  # a failed job may have been queued anew
            lost = [
                t
                for t in live
                if t.state == TrialState.FAIL and not given_up(t) and t.user_attrs.get("run", t.number) not in kept
            ]
            if not lost:
                return
            for trial in lost:  # its process died, and so did the one that was about to queue it again
                queue_again(study, trial, died=True)


def grid_name(prefix: str, jobs: dict) -> str:
    """The name of the study of these jobs, name -> configuration: other settings, another study."""
    return f"{prefix}-{hashlib.sha256(repr(sorted(jobs.items())).encode()).hexdigest()[:8]}"


def run_grid(storage, name: str, jobs: dict, train: Callable) -> None:
    """Every job once, by whoever is free: the study `name`, in which each waits as a trial. train(trial, job) returns its value."""
    import optuna
    from optuna.trial import TrialState, create_trial

    from infogan import records

    def objective(trial, job):
        if job not in jobs:  # another worker took the last one at the same moment
            raise Duplicate
        try:
            return train(trial, job)
        except records.Locked:  # will be waited for
            raise
        except Exception as error:
            print(f"{job} failed: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            raise

    def queue_missing() -> bool:
        known = {trial.user_attrs.get("run") for trial in study.get_trials(deepcopy=False)}
        missing = [job for job in jobs if job not in known]
        for job in missing:
            study.add_trial(create_trial(state=TrialState.WAITING, user_attrs={"run": job}))
        return bool(missing)

    try:  # of all who start at once, one makes the study
        study = optuna.create_study(storage=storage, study_name=name, direction="maximize")
        queue_missing()
    except optuna.exceptions.DuplicatedStudyError:
        study = optuna.load_study(storage=storage, study_name=name)
        deadline = time.monotonic() + GRACE
        while len(study.get_trials(deepcopy=False)) < len(jobs) and time.monotonic() < deadline:
            time.sleep(0.2)  # it is still being made
    while True:
        run_trials(study, objective, enough=lambda trials: all(t.state != TrialState.WAITING for t in trials))
        if not queue_missing():  # some are, where the one that made the study died of it
            return


def queue_failed(storage, name: str) -> None:
    """Jobs of a grid that failed with an error wait again: what was wrong may have been mended."""
    import optuna
    from optuna.trial import TrialState, create_trial

    with contextlib.suppress(KeyError):
        study = optuna.load_study(storage=storage, study_name=name)
        for job in failed_jobs(study):
            study.add_trial(create_trial(state=TrialState.WAITING, user_attrs={"run": job}))


def failed_jobs(study) -> list[str]:
    """Jobs all of whose trials failed."""
    states: dict[str, set[str]] = {}
    for trial in study.get_trials(deepcopy=False):
        if "duplicate" not in trial.user_attrs:
            states.setdefault(trial.user_attrs["run"], set()).add(trial.state.name)
    return [job for job, of_job in states.items() if of_job == {"FAIL"}]


def is_disk_full(error: BaseException) -> bool:
    """Of a run's directory, or of a database there."""
    return (isinstance(error, OSError) and error.errno in DISK_FULL) or "disk is full" in str(error.__cause__ or error)


def is_out_of_memory(error: BaseException) -> bool:
    """Of the CPU or a GPU; torch's CPU allocator has no exception of its own."""
    import torch

    return isinstance(
        error, (MemoryError, torch.OutOfMemoryError)
    ) or "DefaultCPUAllocator: can't allocate memory" in str(error)


class ParentWatch:
    """An observer that ends a run (saved at its last checkpoint) when the process that started it is gone."""

    def __init__(self, parent: int | None):
        self.parent = parent

    def logged(self, row: dict) -> None:
        from infogan.events import Interrupted

        if self.parent is not None and os.getppid() != self.parent:
            raise Interrupted(1)

    def evaluated(self, row: dict, images: dict[str, Path]) -> None:
        pass


def run_workers(count: int, task: Callable, *arguments) -> None:
    """task(index, parent, *arguments) in each of `count` processes of this machine, in this one where count is 1.

    Ctrl-C and SIGTERM reach each, which saves its run before it leaves.
    """
    if count == 1:
        return task(0, None, *arguments)
    context = get_context("spawn")
    processes = [context.Process(target=_begin, args=(task, i, os.getpid(), count, *arguments)) for i in range(count)]

    def stop(number, frame):
        for process in processes:
            if process.is_alive() and process.pid:
                os.kill(process.pid, signal.SIGTERM)
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        for process in processes:
            process.start()
        for process in processes:
            process.join()
    finally:
        for process in processes:
            if process.pid:
                process.join()
        for number, handler in before.items():
            signal.signal(number, handler)
    if all(process.exitcode for process in processes):
        raise SystemExit("every worker ended with an error; see above")


def _begin(task: Callable, index: int, parent: int, count: int, *arguments) -> None:
    """Its share of the cores; Ctrl-C, which a terminal sends to every process, is the parent's to pass on, once."""
    import torch

    from infogan.accel import cpu

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(max(1, cpu.cores() // count))
    task(index, parent, *arguments)


def run_on_ray(crew: Crew, arguments: list[str]) -> None:
    """This command with `--join` as tasks of a Ray cluster, which places them, gives each its GPUs, and starts one anew
    elsewhere when its node is lost. Every node must see the same folder and, through --storage, the same database.

    Raises InputError where Ray is not installed or its cluster cannot be reached.
    """
    try:
        import ray
    except ImportError as error:
        raise InputError("the launcher ray needs Ray: pip install ray, or leave --launcher out") from error
    script, folder = Path(sys.argv[0]).resolve(), os.getcwd()
    command = [sys.executable, str(script), *arguments, "--launcher", "local", "--workers", "1", "--join"]

    def join() -> int:
        import subprocess

        return subprocess.run(command, cwd=folder, check=False).returncode

    try:
        ray.init(address=os.environ.get("RAY_ADDRESS"), include_dashboard=False, logging_level="warning")
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise InputError(
            f"the Ray cluster cannot be reached ({str(error).splitlines()[0]}): check RAY_ADDRESS, or start one with `ray start --head`"
        ) from error
    try:
        task = ray.remote(num_cpus=1, num_gpus=crew.gpus_per_worker, max_retries=-1)(join)
        nodes = len([node for node in ray.nodes() if node["Alive"]])
        print(f"{crew.workers} workers as Ray tasks on {nodes} node(s)", flush=True)
        codes = ray.get([task.remote() for _ in range(crew.workers)])
    finally:
        ray.shutdown()
    if all(codes):
        raise SystemExit("every worker ended with an error; see above")
