"""The command `train`: its dry run, and bad input."""

import json
import shlex

import pandas as pd
import pytest
from conftest import call

from infogan import records


def test_a_dry_run_prints_the_resolved_configuration_and_writes_nothing(tmp_path):
    done = call("train", "paper", "--dataset", "digits", "--seed", "3", "--dry-run", cwd=tmp_path)
    resolved = json.loads(done.stdout)
    assert resolved["q_std"] == "learned" and resolved["seed"] == 3 and resolved["device"] in ("cpu", "cuda")
    assert resolved["run_dir"] == "runs/digits-paper-seed3" and list(tmp_path.iterdir()) == []


def test_the_default_directory_tells_changed_settings_apart(tmp_path):
    arguments = "authors --dataset digits --lambda-categorical 0.1 --terms iic:1 --log-every 3".split()
    resolved = json.loads(call("train", *arguments, "--dry-run", cwd=tmp_path).stdout)
    assert resolved["run_dir"] == "runs/digits-authors-lambda_categorical=0.1-terms=iic_1-seed0"


@pytest.mark.parametrize(
    ("written", "value"), [("--spectral_norm=True", True), ("--spectral-norm=false", False), ("--spectral-norm", True)]
)
def test_a_truth_value_is_read_as_an_agent_of_a_sweep_writes_it(written, value):
    done = call("train", "authors", "--dataset", "digits", written, "--lr_d=1e-3", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["spectral_norm"] is value


def test_the_next_command_can_be_copied_into_a_shell(tmp_path):
    short = ("--updates", "2", "--batch-size", "16", "--evaluations", "1", "--wandb", "disabled")
    done = call("train", "authors", "--dataset", "digits", *short, "--run-dir", "my run; $(x)", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    [line] = [line.removeprefix("next: ") for line in done.stdout.splitlines() if line.startswith("next: ")]
    assert shlex.split(line)[:2] == ["infogan", "figures"] and shlex.split(line)[-1] == "my run; $(x)"


COLLAPSING = ("authors", "--dataset", "digits", "--lr-g", "1e-9", "--updates", "20", "--evaluations", "2")
"""G does not learn: it draws one grey square."""


def test_a_collapsed_generator_is_named_wherever_the_run_is_shown(tmp_path):
    done = call("train", *COLLAPSING, "--run-dir", "run", cwd=tmp_path)
    assert done.returncode == 0 and "G has collapsed: its images differ from one another by 0.0" in done.stdout
    assert "G has collapsed" in done.stderr, "beside the progress bar"
    listed = call("list", "--csv", "t.csv", ".", cwd=tmp_path)
    table = pd.read_csv(tmp_path / "t.csv")
    assert listed.returncode == 0 and (table.status[0], table.generator[0]) == ("finished", "collapsed")
    stored = records.read_json(tmp_path / "run" / "evaluation.json")
    assert stored["collapsed"] is True and stored["spread"] < 0.1 and "accuracy" in stored
    rows = records.Table(tmp_path / "run" / "evaluations.csv").rows()
    assert [row["collapsed"] for row in rows] == [True, True]
    table = call("measure", "run", "--out", "m", folder="analysis", cwd=tmp_path)
    assert table.returncode == 0 and pd.read_csv(tmp_path / "m" / "runs.csv").collapsed.tolist() == [True]
    page = call("report", "run", folder="analysis", cwd=tmp_path)
    assert page.returncode == 0, page.stderr
    assert "G has collapsed" in (tmp_path / "run" / "report.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("authors", "--dataset", "digits", "--codes", "10k"), "'10k'"),
        (("autors", "--dry-run"), "autors"),
        (("authors", "--codes", "10k", "--data-dir", "nowhere"), "'10k'"),  # before the data is looked for
        (("authors", "--codes", "2u", "--terms", "iic:1", "--data-dir", "nowhere"), "categorical code"),
        (("authors", "--dataset", "imagenet"), "'imagenet'"),
        (("authors", "--batch-size", "1"), "batch_size is 1"),
        (("authors", "--dataset", "digits", "--seed", str(2**64)), f"seed is {2**64}"),
        (("authors", "--dataset", "digits", "--seed", "-1"), "seed is -1"),
        (("authors", "--dataset", "digits", "--batch-size", "5000"), "only 1197 training images"),
        (("authors", "--dataset", "digits", "--device", "quantum"), "'quantum'"),
    ],
)
def test_bad_input_is_named_and_nothing_is_left_behind(arguments, message, tmp_path):
    done = call("train", *arguments, cwd=tmp_path)
    assert done.returncode == 1 and message in done.stderr and done.stderr.count("\n") == 1, done.stderr
    assert list(tmp_path.iterdir()) == []
