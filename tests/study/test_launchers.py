"""Where workers run: as commands of this machine or of Ray, which take each waiting trial once."""

import json
import signal
import sys
from multiprocessing import get_context
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState
from shared_study import resolve

from infogan.accel import cpu
from infogan.study import launchers, sweep
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
    for _ in range(40):
        study.add_trial(optuna.create_trial(state=TrialState.WAITING, user_attrs={"wanted": True}))
    processes = [get_context("fork").Process(target=pop_all, args=(n, storage, str(tmp_path))) for n in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    popped = [int(line) for file in tmp_path.glob("popped-*.txt") for line in file.read_text().split()]
    assert sorted(popped) == list(range(40))


@pytest.mark.parametrize("launcher", ["local", "ray"])
def test_a_worker_is_the_command_joined_to_the_study(launcher, monkeypatch):
    started = []
    for name in ("run_here", "run_on_ray"):
        monkeypatch.setattr(
            sweep, name, lambda count, command, *gpus: started.append((count, command, *gpus)) or [0, 1]
        )
    options = resolve(workers=2, launcher=launcher, gpus_per_worker=0.5)
    sweep.run(options, ["infogan", "sweep"])
    command = ["infogan", "sweep", "--launcher", "local", "--workers", "1", "--join"]
    assert started == [(2, command, *[0.5] * (launcher == "ray"))]
    monkeypatch.setattr(sweep, "run_here", lambda *arguments: [1, 1])
    with pytest.raises(SystemExit, match="every worker ended with an error; see above"):
        sweep.run(resolve(workers=2), [])


def test_workers_together_use_no_more_threads_than_there_are_cores(tmp_path, monkeypatch):
    """Else they spend their time switching: four pretrainings at once on one machine took ten times as long."""
    monkeypatch.setattr(cpu, "cores", lambda: 4)
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    script = Path(__file__).parents[1] / "thread_count.py"
    assert launchers.run_here(2, [sys.executable, str(script), str(tmp_path)]) == [0, 0]
    written = [json.loads(file.read_text()) for file in tmp_path.glob("*.json")]
    assert len(written) == 2
    assert all(one["torch"] == 2 and one["pools"] and max(one["pools"]) <= 2 for one in written)


def test_a_signal_reaches_every_worker_as_sigterm(tmp_path):
    """SLURM's warning, to the command alone. The last of the workers sends it here."""
    code = (
        "import os, signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *a: (open(f'{sys.argv[1]}/{os.getpid()}', 'w'), sys.exit(0)))\n"
        "os.mkdir(f'{sys.argv[1]}/{os.getpid()}-ready')\n"
        "if len(os.listdir(sys.argv[1])) == 2: os.kill(os.getppid(), signal.SIGUSR1)\n"
        "time.sleep(60)\n"
    )
    before = signal.getsignal(signal.SIGUSR1)
    with pytest.raises(SystemExit) as stop:
        launchers.run_here(2, [sys.executable, "-c", code, str(tmp_path)])
    assert stop.value.code == 128 + signal.SIGUSR1 and signal.getsignal(signal.SIGUSR1) == before
    assert len(list(tmp_path.glob("*"))) == 4


def test_tasks_of_a_ray_cluster_of_two_nodes(tmp_path, monkeypatch, capfd):
    """Each with a raylet and workers of its own, as machines are in a cluster; tasks run in the working directory."""
    from ray.cluster_utils import Cluster

    monkeypatch.chdir(tmp_path)
    head = {"num_cpus": 1, "object_store_memory": 10**8, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        cluster.add_node(num_cpus=1, object_store_memory=10**8)
        monkeypatch.setenv("RAY_ADDRESS", cluster.address)
        write = "import os, sys; open(f'{os.getpid()}.txt', 'w').close(); sys.exit(3)"
        assert launchers.run_on_ray(2, [sys.executable, "-c", write], 0.0) == [3, 3]
    finally:
        cluster.shutdown()
    assert len(list(tmp_path.glob("*.txt"))) == 2
    assert "2 workers as Ray tasks on 2 node(s)" in capfd.readouterr().out
