"""Where the workers of a study run: in processes of this machine, or as tasks of a Ray cluster."""

import contextlib
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Literal

from infogan import events
from infogan.accel import cpu
from infogan.errors import InputError, install

DATABASE_REACHED = "INFOGAN_DATABASE_REACHED"
"""Environment variable of the commands that a study's command starts: it has reached the database, so that they wait
where it is away."""
THREADS = (cpu.THREADS_VARIABLE, "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class WorkerOptions:
    """How many workers run a study's trials, where, and where the study is stored."""

    workers: int | None = None
    """Processes that run trials side by side. Default: one per core, which trains more images in all than one
    process with all cores; one where there is a GPU."""
    launcher: Literal["local", "ray"] = "local"
    """local: processes of this machine. ray: tasks on the Ray cluster that $RAY_ADDRESS names, else on a new one
    here."""
    gpus_per_worker: float = 0.0
    """With ray: GPUs each worker is given, such as 0.25 for four workers on each."""
    storage: str | None = None
    """Optuna storage URL, such as postgresql://me@host/db. Default: SQLite in the study's folder."""
    join: bool = False
    """Run trials of a study that another command leads, until it is done; that command makes the report."""

    def default_workers(self, jobs: int) -> int:
        """`workers`, or its default for so many jobs. Raises InputError for numbers that are not allowed."""
        import torch

        for field, least in (("workers", 1), ("gpus_per_worker", 0)):
            if (value := getattr(self, field)) is not None and not value >= least:
                raise InputError(f"{field} is {value}; give {least} or more")
        if self.workers is not None:
            return self.workers
        return 1 if torch.cuda.is_available() else max(1, min(cpu.cores(), jobs))


class ParentWatch:
    """An observer that ends a run, which is then saved, when the process that started the worker is gone.

    parent: id of that process; None where the worker was not started by another process of this study.
    """

    def __init__(self, parent: int | None):
        self.parent = parent

    def logged(self, row: dict) -> None:
        """Raises Interrupted where the parent is gone."""
        if self.parent is not None and os.getppid() != self.parent:
            raise events.Interrupted(1)

    def evaluated(self, row: dict, images: dict[str, Path]) -> None:
        """Does nothing."""


def command_line(command: str, *arguments: str) -> list[str]:
    """What runs a command of `infogan` with this Python, also where the package's scripts are not on the PATH."""
    return [sys.executable, "-m", "infogan.cli", command, *arguments]


def run_workers(count: int, task: Callable[..., None], *arguments: Any) -> None:
    """Run task(index, parent, *arguments) in `count` processes of this machine, in this one where count is 1.

    parent: this process's id, for ParentWatch; None in this process. events.SIGNALS reach each worker, as SIGTERM,
    which saves its run before it leaves. Raises SystemExit where every worker ended with an error.
    """
    if count == 1:
        return task(0, None, *arguments)
    context = get_context("spawn")
    processes = [context.Process(target=_start, args=(task, i, os.getpid(), *arguments)) for i in range(count)]

    def stop(number: int, frame: object) -> None:
        for process in processes:
            if process.is_alive() and process.pid:
                os.kill(process.pid, signal.SIGTERM)
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, stop) for number in events.heard()}
    try:
        with threads_of_children(max(1, cpu.cores() // count)):
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
    _check([process.exitcode for process in processes])


@contextlib.contextmanager
def threads_of_children(threads: int) -> Iterator[None]:
    """Processes started here begin with so many threads in OpenMP, BLAS and torch: together no more than there are
    cores."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, str(threads)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _start(task: Callable[..., None], index: int, parent: int, *arguments: Any) -> None:
    """In a worker's process. A terminal sends Ctrl-C to all processes; workers ignore it, the parent sends SIGTERM."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        task(index, parent, *arguments)
    except InputError as error:
        sys.exit(f"error: {error}")


def run_on_ray(options: WorkerOptions, command: list[str]) -> None:
    """Run the command with `--join --workers 1` as `options.workers` tasks of a Ray cluster.

    Ray places the tasks, gives each its GPUs, and starts a task again elsewhere when its node is lost. Every node must
    see the same folder and, through --storage, the same database.

    Raises InputError where Ray is not installed or its cluster cannot be reached, SystemExit where every worker ended
    with an error.
    """
    try:
        import ray
    except ImportError as error:
        raise InputError(f"the launcher ray needs Ray: {install('ray')}, or leave --launcher out") from error
    try:
        ray.init(address=os.environ.get("RAY_ADDRESS"), include_dashboard=False, logging_level=logging.WARNING)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise InputError(
            f"the Ray cluster cannot be reached ({str(error).splitlines()[0]}): "
            "check RAY_ADDRESS, or start one with `ray start --head`"
        ) from error
    try:
        task = ray.remote(num_cpus=1, num_gpus=options.gpus_per_worker, max_retries=-1)(subprocess.call)
        nodes = len([node for node in ray.nodes() if node["Alive"]])
        print(f"{options.workers} workers as Ray tasks on {nodes} node(s)", flush=True)
        joining = ["env", f"{DATABASE_REACHED}=1", *command, "--launcher", "local", "--workers", "1", "--join"]
        codes = ray.get([task.remote(joining, cwd=os.getcwd()) for _ in range(options.workers or 1)])
    finally:
        ray.shutdown()
    _check(codes)


def _check(codes: list[int | None]) -> None:
    if all(codes):
        raise SystemExit("every worker ended with an error; see above")
