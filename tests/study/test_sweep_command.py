"""The sweep as a command in processes of its own: its report, and what a kill or a signal does to it."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time

import optuna
import pandas as pd
import pytest
from conftest import call
from optuna.trial import TrialState
from shared_study import command

from infogan import records
from infogan.study import storage


def go_on(options: tuple[str, ...], folder) -> None:
    """The same command again, with one worker in this process."""
    done = call("sweep", *options, "--workers", "1", cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr


def open_study(folder) -> optuna.Study:
    return optuna.load_study(study_name="digits", storage=f"sqlite:///{folder}/studies/digits/study.db")


def leave_out_the_blogs_settings(folder) -> None:
    """They wait as the third trial, and take longer to train than the two before them."""
    study = open_study(folder)
    assert study.trials[2].params == {} and study.trials[2].state == TrialState.WAITING
    study._storage.set_trial_state_values(study.trials[2]._trial_id, TrialState.PRUNED)


def read_wandb_run(directory) -> dict:
    """What the offline file of a W&B run says of the run."""
    (file,) = directory.glob("wandb/offline-run-*/*.wandb")
    inspect = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", str(file)]
    read = subprocess.run(inspect, capture_output=True, text=True, check=True, timeout=60)
    (run,) = [json.loads(line)["run"] for line in read.stdout.splitlines() if '"type":"run"' in line]
    return run


def test_a_whole_study_leaves_tables_pictures_and_wandb_runs(tmp_path, script_environment):
    options = ("--trials", "4", "--images", "1500", "--workers", "2", "--confirm-seeds", "2", "--wandb", "offline")
    environment = {key: value for key, value in script_environment.items() if key != "WANDB_MODE"}
    first = subprocess.run(
        command("sweep", *options), cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
    )
    assert first.returncode == 0, first.stdout + first.stderr
    progress = [line.split()[0] for line in first.stdout.splitlines() if "  trial " in line and "/" in line[:8]]
    assert len(progress) >= 4 and progress[-1].endswith("/4"), "trials done of trials asked"
    folder = tmp_path / "studies" / "digits"
    table = pd.read_csv(folder / "report" / "trials.csv")
    assert len(table) >= 4 and (table.state == "complete").any()
    assert list(table.recipe[:3]) == ["authors", "paper", "blog"] and table.codes[0] == "10c+2u"
    for picture in ("slices", "history", "learning_curves"):
        assert (folder / "report" / f"{picture}.png").stat().st_size > 5000
    best = json.loads((folder / "report" / "best.json").read_text())
    confirmed = pd.read_csv(folder / "report" / "winner.csv")
    complete = table[table.state == "complete"]
    sound = complete[~complete.collapsed]  # so short a run may not have taught G to draw
    ranked = (sound if len(sound) else complete).sort_values("accuracy", ascending=False, kind="stable").trial
    assert sorted(confirmed.groupby("trial").size().items()) == sorted((trial, 2) for trial in ranked[:2])
    means = confirmed.groupby("trial")["accuracy"].mean()
    assert best["trial"] == means.idxmax(), "the mean over seeds decides"
    assert best["test"]["accuracies"] == list(confirmed[confirmed.trial == best["trial"]]["test accuracy"])
    assert not list(folder.glob("trials/*/evaluation.json")), "only the confirmation is measured on test images"
    assert len(list(folder.glob("confirm/*/*/evaluation.json"))) == len(confirmed)
    assert all(list((tmp_path / run_dir).glob("wandb/offline-run-*/*.wandb")) for run_dir in table.run_dir)
    assert read_wandb_run(tmp_path / table.run_dir[0])["run_group"] == "digits"
    go_on(options, tmp_path)
    assert pd.read_csv(folder / "report" / "trials.csv").equals(table), "nothing was left to do"


def test_a_killed_study_continues_and_loses_nothing(tmp_path, script_environment, monkeypatch):
    """kill -9 in the middle of the second trial; the same command goes on from that trial's checkpoint."""
    options = ("--trials", "2", "--images", "20000", "--workers", "1", "--confirm-seeds", "0")
    folder = tmp_path / "studies" / "digits" / "trials"
    process = subprocess.Popen(
        command("sweep", *options), cwd=tmp_path, env=script_environment, stdout=subprocess.DEVNULL
    )
    while not (folder / "paper" / records.CHECKPOINT).exists():
        assert process.poll() is None, "the study ended before it could be killed"
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    step = records.load_checkpoint(folder / "paper")[1]["step"]
    assert step < records.read_json(folder / "paper" / "config.json")["config"]["updates"]

    def kept(directory):
        return [row for row in records.Table(directory / "metrics.csv").rows() if int(row["step"]) <= step]

    leave_out_the_blogs_settings(tmp_path)
    first, second = (folder / "authors" / "metrics.csv").read_text(), kept(folder / "paper")
    monkeypatch.setattr(storage, "GRACE", 2)
    go_on(options, tmp_path)
    assert (folder / "authors" / "metrics.csv").read_text() == first
    assert kept(folder / "paper") == second, "rows (with their seconds) before the checkpoint must not be trained again"
    with sqlite3.connect(tmp_path / "studies" / "digits" / "study.db") as database:
        assert database.execute("select count(*) from trials where state = 'RUNNING'").fetchone() == (0,)
    trials = [t for t in open_study(tmp_path).trials if t.number != 2]
    states = {(t.user_attrs["run"], t.state) for t in trials}
    assert ("paper", TrialState.FAIL) in states
    assert states & {("paper", TrialState.COMPLETE), ("paper", TrialState.PRUNED)}
    ended = [t.user_attrs["run"] for t in trials if t.state != TrialState.FAIL]
    assert sorted(ended) == ["authors", "paper"]


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGINT])
def test_a_signal_saves_every_trial_and_the_next_start_continues_them(number, tmp_path, script_environment):
    """SLURM's warning to the command alone; SIGINT as Ctrl-C in a terminal, which sends it to the whole group."""
    options = ("--trials", "2", "--images", "20000", "--workers", "2", "--confirm-seeds", "0")
    directories = [tmp_path / "studies" / "digits" / "trials" / name for name in ("authors", "paper")]

    def statuses() -> list[str]:
        return [records.read_json(directory / "status.json")["status"] for directory in directories]

    process = subprocess.Popen(
        command("sweep", *options),
        cwd=tmp_path,
        env=script_environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while not all((directory / "metrics.csv").exists() for directory in directories):
        assert process.poll() is None, "the study ended before it could be stopped"
        time.sleep(0.02)
    if number == signal.SIGINT:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    assert process.wait(60) == 128 + number
    assert "stopped with 0 of 2 trials done; the same command goes on" in process.stderr.read()
    assert statuses() == ["interrupted", "interrupted"]
    leave_out_the_blogs_settings(tmp_path)
    go_on(options, tmp_path)
    assert set(statuses()) <= {"finished", "stopped"}
