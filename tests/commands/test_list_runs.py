import errno
import os

import pandas as pd
import pytest
from conftest import call, config

from infogan import records, training


def test_runs_are_listed_whole_unfinished_or_damaged(tmp_path, digits):
    for name, updates in (("done", 20), ("half", 20), ("bad", 10), ("null", 10)):
        made = training.resolve(config(updates=updates))
        training.train(made, digits, tmp_path / "runs" / name, "disabled", progress=False, test=False)
    measured = {"accuracy": 0.7216, "accuracy_ci95": [0, 1], "n_images": 1, "best_code": 0, "label_of_category": []}
    records.write_json(tmp_path / "runs" / "done" / "evaluation.json", measured)
    records.write_json(tmp_path / "runs" / "half" / "status.json", {"status": "interrupted", "step": 7, "seconds": 1.0})
    (tmp_path / "runs" / "bad" / "config.json").write_text("{")
    (tmp_path / "runs" / "null" / "config.json").write_text("null")
    (tmp_path / "runs" / "none").mkdir()
    done = call("list", "--csv", "t.csv", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(tmp_path / "t.csv", dtype=str, keep_default_na=False).set_index("run")
    assert list(table.index) == ["runs/bad", "runs/done", "runs/half", "runs/null"]
    assert table.status["runs/bad"].startswith("unreadable") and table.status["runs/null"].startswith("unreadable")
    assert table.updates["runs/half"] == "7 of 20" and table.test["runs/half"] == ""
    whole = table.loc["runs/done"]
    assert (whole.status, whole.preset, whole.codes, whole.seed) == ("finished", "authors", "10c+2u", "0")
    assert whole.test == "0.722" and 0 < float(whole.validation) < 1


def test_a_killed_run_is_told_from_a_running_one_and_a_pruned_one_is_named(tmp_path, digits):
    for name, status in (("killed", "running"), ("held", "running"), ("pruned", "stopped")):
        training.train(config(), digits, tmp_path / name, "disabled", progress=False, test=False)
        records.write_json(tmp_path / name / "status.json", {"status": status, "step": 0, "seconds": 0.0})
    with records.lock(tmp_path / "held"):
        assert call("list", tmp_path, "--csv", tmp_path / "t.csv").returncode == 0
    table = pd.read_csv(tmp_path / "t.csv").set_index("run")
    assert table.status.tolist() == ["running", "killed", "pruned"]
    assert table.updates[str(tmp_path / "killed")] == "20 of 20", "as far as its metrics say"


def test_where_there_is_none_it_says_how_to_make_one(tmp_path):
    done = call("list", cwd=tmp_path)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "infogan train authors --dataset digits" in done.stderr
    mistyped = call("list", "rums", "runs", cwd=tmp_path)
    assert mistyped.returncode == 1 and "there is no folder rums" in mistyped.stderr


def test_runs_of_strangers_are_listed_without_control_sequences(tmp_path):
    """Names and texts from elsewhere, tables that are none, pipes and values of other types."""
    for name, stored, more in (
        ("\x1b[2J\n", {"preset": "\x1b]0;title\x07", "dataset": "\u202eevil", "codes": "10c"}, {}),
        ("pipe", {}, {}),
        ("types", {}, {"status.json": {"status": "finished", "step": [1]}}),
        ("text", {}, {"evaluation.json": {"accuracy": "\x1b[2J"}}),
        ("nul", {}, {"status.json": {"status": "\x1b[2J", "step": 1}}),
        ("seed", {"seed": "\x1b[2J"}, {}),
    ):
        folder = tmp_path / name
        (folder / "samples").mkdir(parents=True)
        for file, content in {"config.json": {"config": stored}, **more}.items():
            records.write_json(folder / file, content)
        (folder / "metrics.csv").write_text("step\n1\n")
        if name == "pipe":
            os.mkfifo(folder / "evaluations.csv")
    (tmp_path / "nul" / "evaluations.csv").write_bytes(b"step,accuracy\n1,\x00\x1b[2J\n")
    done = call("list", tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.replace("\n", "").isprintable() and done.stdout.count("\n") == 7
    assert done.stdout.count("unreadable") == 6


def test_no_cell_of_the_csv_file_is_a_formula(tmp_path):
    for first in "=+-@":
        folder = tmp_path / f"{first}1"
        folder.mkdir()
        records.write_json(folder / "config.json", {"config": {"preset": "=1+1", "codes": "10c"}})
        (folder / "metrics.csv").write_text("step\n1\n")
    assert call("list", ".", "--csv", "t.csv", cwd=tmp_path).returncode == 0
    table = pd.read_csv(tmp_path / "t.csv", dtype=str, keep_default_na=False)
    assert table.run.tolist() == ["'+1", "'-1", "'=1", "'@1"] and set(table.preset) == {"'=1+1"}


def full(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


def no_memory(*_):
    raise MemoryError


@pytest.mark.parametrize(
    ("crash", "status"),
    [("a full disk at a checkpoint", "failed"), ("a full disk for the status too", "killed"), ("no memory", "failed")],
)
def test_a_crashed_run_is_not_listed_as_running(crash, status, tmp_path, monkeypatch):
    step = training.Learner.step

    def crashes(*given):
        monkeypatch.setattr(*((os, "fsync") if "status" in crash else (records, "save_checkpoint")), full)
        return no_memory() if crash == "no memory" else step(*given)

    monkeypatch.setattr(training.Learner, "step", crashes)
    done = call("train", "authors", "--dataset", "digits", "--updates", "2", "--run-dir", "crashed", cwd=tmp_path)
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    monkeypatch.undo()
    assert call("list", ".", "--csv", "t.csv", cwd=tmp_path).returncode == 0
    assert pd.read_csv(tmp_path / "t.csv").status.tolist() == [status]
