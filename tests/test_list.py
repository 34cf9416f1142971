import os
import subprocess
import sys

import pandas as pd
from conftest import ROOT, call, config

from infogan import records, training


def listing(*arguments, cwd) -> subprocess.CompletedProcess:
    return call("list", *arguments, cwd=cwd)


def test_runs_are_listed_whole_unfinished_or_damaged(tmp_path, digits):
    for name, updates in (("done", 20), ("half", 20), ("bad", 10), ("null", 10)):
        made = config(updates=updates)
        records.create(tmp_path / "runs" / name, training.resolve(made))
        training.fit(made, digits, tmp_path / "runs" / name, progress=False)
    (tmp_path / "runs" / "half" / "evaluation.json").unlink()
    records.write_json(tmp_path / "runs" / "half" / "status.json", {"status": "interrupted", "step": 7, "seconds": 1.0})
    (tmp_path / "runs" / "bad" / "config.json").write_text("{")
    (tmp_path / "runs" / "null" / "config.json").write_text("null")
    (tmp_path / "runs" / "none").mkdir()
    done = listing("--csv", "t.csv", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(tmp_path / "t.csv", dtype=str, keep_default_na=False).set_index("run")
    assert list(table.index) == ["runs/bad", "runs/done", "runs/half", "runs/null"]
    assert table.status["runs/bad"].startswith("unreadable") and table.status["runs/null"].startswith("unreadable")
    assert table.updates["runs/half"] == "7 of 20" and table.test["runs/half"] == ""
    assert (table.status["runs/done"], table.preset["runs/done"], table.codes["runs/done"]) == (
        "finished",
        "authors",
        "10c+2u",
    )
    accuracy = records.read_json(tmp_path / "runs" / "done" / "evaluation.json")["accuracy"]
    assert table.test["runs/done"] == f"{accuracy:.3f}"


def test_where_there_is_none_it_says_how_to_make_one(tmp_path):
    done = listing(cwd=tmp_path)
    mistyped = listing("rums", "runs", cwd=tmp_path)
    assert mistyped.returncode == 1 and "there is no folder rums" in mistyped.stderr
    assert done.returncode == 1 and "train.py authors --dataset digits" in done.stderr and done.stderr.count("\n") == 1


def test_scripts_write_completions_for_the_shell(tmp_path):
    script = ROOT / "experiments" / "train.py"
    assert os.access(script, os.X_OK), "a shell completes what is called by its path"
    done = subprocess.run(
        [sys.executable, str(script), "--tyro-write-completion", "bash", str(tmp_path / "train.sh")],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    ask = """
        source train.sh
        answer=$(complete -p train.py | sed 's/.*-F \\([^ ]*\\) .*/\\1/')
        COMP_WORDS=(experiments/train.py "$@"); COMP_CWORD=$#
        $answer experiments/train.py "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"
        echo "${COMPREPLY[@]}"
    """
    for words, completions in (
        (("auth",), "authors"),
        (("paper", "--lambda"), "--lambda-categorical --lambda-continuous"),
    ):
        shell = subprocess.run(
            ["bash", "-c", ask, "bash", *words], cwd=tmp_path, capture_output=True, text=True, timeout=60
        )
        assert shell.stdout.strip() == completions, shell.stderr
