"""Where the workers of a study run: as processes of this machine, or as tasks of a Ray cluster.

A worker is the study's own command with JOIN: it joins the study, and leaves the report to the command that leads.
"""

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Sequence

from infogan.accel import cpu
from infogan.utils import events
from infogan.utils.errors import InputError

JOIN = ("--launcher", "local", "--workers", "1", "--join")
PARENT = "INFOGAN_PARENT"
"""Environment variable of a worker: id of the process of this machine that started it."""
THREADS = (cpu.THREADS_VARIABLE, "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def command_line(command: str, *arguments: str) -> list[str]:
    """What runs a command of `infogan` with this Python, also where the package's scripts are not on the PATH."""
    return [sys.executable, "-m", "infogan", command, *arguments]


def run_here(count: int, command: Sequence[str]) -> list[int]:
    """Exit codes of the command in `count` processes here, which together use no more threads than there are cores.

    A signal of events.SIGNALS reaches each as SIGTERM, which saves its run before it leaves; Ctrl-C, which a terminal
    sends to a group of processes, reaches this process alone.
    """
    threads = dict.fromkeys(THREADS, str(max(1, cpu.cores() // count)))
    environment = os.environ | threads | {PARENT: str(os.getpid())}
    workers: list[subprocess.Popen] = []

    def stop(number: int, frame: object) -> None:
        for worker in workers:
            worker.terminate()
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, stop) for number in events.heard()}
    try:
        for _ in range(count):
            workers.append(subprocess.Popen(command, env=environment, process_group=0))
        for worker in workers:
            worker.wait()
    finally:
        for worker in workers:  # after a signal they save their runs
            worker.wait()
        for number, handler in before.items():
            signal.signal(number, handler)
    return [worker.returncode for worker in workers]


def run_on_ray(count: int, command: Sequence[str], gpus: float) -> list[int]:
    """Exit codes of the command as `count` tasks of a Ray cluster, with so many GPUs each.

    Ray places the tasks, and starts a task again elsewhere when its node is lost. Every node must see the same folder
    and, through --storage, the same database. Raises InputError where the cluster cannot be reached.
    """
    import ray

    try:
        ray.init(address=os.environ.get("RAY_ADDRESS"), include_dashboard=False, logging_level=logging.WARNING)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise InputError(
            f"the Ray cluster cannot be reached ({str(error).splitlines()[0]}): "
            "check RAY_ADDRESS, or start one with `ray start --head`"
        ) from error
    try:
        task = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=-1)(subprocess.call)
        nodes = len([node for node in ray.nodes() if node["Alive"]])
        print(f"{count} workers as Ray tasks on {nodes} node(s)", flush=True)
        return ray.get([task.remote(command, cwd=os.getcwd()) for _ in range(count)])
    finally:
        ray.shutdown()
