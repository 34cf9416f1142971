"""The command `train`: its dry run, and bad input."""

import json

import pytest
from conftest import call


def test_a_dry_run_prints_the_resolved_configuration_and_writes_nothing(tmp_path):
    done = call("train", "paper", "--dataset", "digits", "--seed", "3", "--dry-run", cwd=tmp_path)
    resolved = json.loads(done.stdout)
    assert resolved["q_std"] == "learned" and resolved["seed"] == 3 and resolved["device"] in ("cpu", "cuda")
    assert resolved["run_dir"] == "runs/digits-paper-seed3" and list(tmp_path.iterdir()) == []


def test_the_default_directory_tells_changed_settings_apart(tmp_path):
    arguments = (
        "authors",
        "--dataset",
        "digits",
        "--lambda-categorical",
        "0.1",
        "--terms",
        "iic:1",
        "--log-every",
        "3",
    )
    resolved = json.loads(call("train", *arguments, "--dry-run", cwd=tmp_path).stdout)
    assert resolved["run_dir"] == "runs/digits-authors-lambda_categorical=0.1-terms=iic_1-seed0"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("authors", "--dataset", "digits", "--codes", "10k"), "'10k'"),
        (("autors", "--dry-run"), "error: there is no preset 'autors'; allowed: authors, paper"),
        (("authors", "--codes", "10k", "--dry-run"), "'10k'"),
        (("authors", "--codes", "10k", "--data-dir", "nowhere"), "'10k'"),  # before the data is looked for
        (("authors", "--codes", "2u", "--terms", "iic:1", "--data-dir", "nowhere"), "categorical code"),
        (("authors", "--dataset", "imagenet"), "'imagenet'"),
        (("authors", "--batch-size", "1"), "batch_size is 1"),
        (("authors", "--dataset", "digits", "--seed", str(2**64)), f"seed is {2**64}; give a whole number from 0"),
        (("authors", "--dataset", "digits", "--seed", "-1"), "seed is -1; give a whole number from 0"),
        (("authors", "--dataset", "digits", "--batch-size", "5000"), "only 1197 training images"),
        (("authors", "--dataset", "digits", "--device", "quantum"), "'quantum'"),
    ],
)
def test_bad_input_is_named_and_nothing_is_left_behind(arguments, message, tmp_path):
    done = call("train", *arguments, cwd=tmp_path)
    assert done.returncode == 1 and message in done.stderr and done.stderr.count("\n") == 1, done.stderr
    assert list(tmp_path.iterdir()) == []
