"""What a shell may hand over, for every command: ~, empty texts, narrow terminals, settings for windows."""

import subprocess
import sys

import pytest
from conftest import ROOT, call

TRAIN = ("train", "authors", "--dataset", "digits", "--updates", "2", "--batch-size", "16", "--evaluations", "1")


@pytest.mark.parametrize("written", [("--run-dir=~/run",), ("--run-dir", "~/run")])
def test_a_tilde_that_the_shell_left_is_the_home_folder(written, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    done = call(*TRAIN, *written, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "status.json").exists() and not (tmp_path / "~").exists()
    assert call("measure", "~/run", folder="analysis", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize("argument", ["--run-dir=", "--storage="])
def test_an_empty_value_is_named(argument, tmp_path):
    command = ("sweep", "digits") if argument == "--storage=" else TRAIN
    done = call(*command, argument, cwd=tmp_path)
    assert done.returncode == 1 and done.stderr.startswith(f"error: {argument[:-1]} is given an empty value")
    assert not list(tmp_path.iterdir())


DRAW = """
from pathlib import Path
from infogan import cli
with cli.one_line_errors():
    from infogan.records import pictures
    pictures.confusion(Path("c.png"), [[1]], "x")
"""


def test_a_backend_for_windows_that_is_none_is_not_asked(tmp_path, script_environment):
    environment = script_environment | {"MPLBACKEND": "foo", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", DRAW], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and (tmp_path / "c.png").exists(), done.stderr
