"""One run on two real processes against the same run on one."""

import re
import signal
import subprocess
import sys
import time

import pytest
import torch
from conftest import ROOT

from infogan import records
from infogan.terms.pseudo_labels import IGNORE_INDEX

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
SHORT = [
    "--dataset",
    "digits",
    "--batch-size",
    "64",
    "--device",
    "cpu",
    "--wandb",
    "disabled",
    "--log-every",
    "5",
    "--evaluations",
    "2",
]


def train(folder, environment, *arguments, processes=1):
    launcher = TORCHRUN if processes > 1 else [sys.executable]
    command = [*launcher, str(ROOT / "experiments" / "train.py"), *arguments, *SHORT, "--run-dir", str(folder)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200)


def both(tmp_path, environment, *arguments):
    for processes, name in ((1, "one"), (2, "two")):
        done = train(tmp_path / name, environment, *arguments, processes=processes)
        assert done.returncode == 0, done.stderr
        assert len(re.findall("code-to-label accuracy", done.stdout)) == 1, "only one process speaks"
    return tmp_path / "one", tmp_path / "two"


def assert_same_gradients(one, two, tolerance=1e-4, tolerance_g=1e-3):
    """After one update Adam's first moment is the gradient, times 1 - beta1: D's step, and G's with a trunk that Q may
    share.

    G's step sees a D that Adam has moved, by its full rate also where a gradient is hardly more than rounding.
    """
    one, two = records.load_checkpoint(one)[0], records.load_checkpoint(two)[0]
    assert one.keys() == two.keys() and torch.equal(one["stream.codes"], two["stream.codes"])
    for name, tensor in one.items():
        if name.endswith("exp_avg"):
            allowed = tolerance if name.startswith("adam_d") else tolerance_g
            assert (two[name] - tensor).norm() <= allowed * tensor.norm(), name


@pytest.mark.parametrize(("precision", "tolerances"), [("float32", (1e-4, 1e-3)), ("bfloat16", (0.08, 0.6))])
def test_two_processes_have_the_gradients_of_one(precision, tolerances, tmp_path, script_environment):
    folders = both(tmp_path, script_environment, "paper", "--updates", "1", "--precision", precision)
    assert_same_gradients(*folders, *tolerances)


def test_two_processes_pretrain_as_one_and_use_the_same_pseudo_labels(tmp_path, script_environment):
    arguments = ["iic", "--pretraining", "2", "--updates", "1", "--precision", "float32"]
    folders = both(tmp_path, script_environment, *arguments)
    one, two = (records.read_json(folder / "pretraining.json")["information_nats"] for folder in folders)
    assert two == pytest.approx(one, rel=2e-3)
    # So short a pretraining labels nothing, and its targets hang on rounding: from here on both have one state, and
    # labels.
    tensors, state = records.load_checkpoint(folders[0])
    assert (tensors["term.pseudo-labels.D.labels"] == IGNORE_INDEX).all()
    labels = tensors["term.pseudo-labels.D.labels"]
    labels.copy_(torch.arange(len(labels)) % 10)
    for processes, folder in enumerate(folders, 1):
        records.save_checkpoint(folder, tensors, state | {"step": 0})
        done = train(folder, script_environment, *arguments, processes=processes)
        assert done.returncode == 0, done.stderr
        assert float(records.Table(folder / "metrics.csv").rows()[-1]["pseudo_label_nats"]) > 0
    assert_same_gradients(*folders)


def test_two_processes_train_as_one(tmp_path, script_environment):
    folders = both(tmp_path, script_environment, "authors", "--updates", "20", "--precision", "float32")
    one, two = (records.Table(folder / "metrics.csv").rows() for folder in folders)
    assert len(one) == len(two) == 4
    for tolerance, ours, theirs in zip((5e-3, 5e-2, 5e-2, 5e-2), one, two):  # rounding grows with the updates
        for metric in ("loss_d", "loss_g", "info_categorical_nats", "info_continuous_nats", "d_real", "d_fake"):
            assert float(theirs[metric]) == pytest.approx(float(ours[metric]), rel=tolerance)


def test_processes_leave_together_and_their_run_goes_on(tmp_path, script_environment):
    arguments = ["authors", "--updates", "150", "--precision", "float32"]
    command = [
        *TORCHRUN,
        str(ROOT / "experiments" / "train.py"),
        *arguments,
        *SHORT,
        "--run-dir",
        str(tmp_path / "run"),
    ]
    process = subprocess.Popen(command, env=script_environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (tmp_path / "run" / "metrics.csv").exists():
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    process.wait(90)
    step = records.load_checkpoint(tmp_path / "run")[1]["step"]
    assert 0 < step < 150 and records.read_json(tmp_path / "run" / "status.json")["status"] == "interrupted"
    before = [row for row in records.Table(tmp_path / "run" / "metrics.csv").rows() if int(row["step"]) <= step]
    done = train(tmp_path / "run", script_environment, *arguments, processes=2)
    assert done.returncode == 0, done.stderr
    after = records.Table(tmp_path / "run" / "metrics.csv").rows()
    assert after[: len(before)] == before and int(after[-1]["step"]) == 150


def test_a_batch_that_cannot_be_shared_is_named(tmp_path, script_environment):
    command = [
        *TORCHRUN,
        str(ROOT / "experiments" / "train.py"),
        "authors",
        "--dataset",
        "digits",
        "--batch-size",
        "63",
        "--wandb",
        "disabled",
    ]
    done = subprocess.run(command, cwd=tmp_path, env=script_environment, capture_output=True, text=True, timeout=120)
    assert (
        done.returncode != 0
        and "batch_size is 63, which 2 processes cannot share evenly: give a multiple of 2" in done.stderr
    )
    assert not (tmp_path / "runs").exists()


FAULTS = """
import atexit
import sys
from pathlib import Path

from conftest import config
from infogan import data, experiment, records, trainer, training
from infogan.accel import parallel
from infogan.cli import run_script
from infogan.config import InputError

fault, folder = sys.argv[1], Path(sys.argv[2])


def refuse(*arguments):
    raise InputError(f"process {parallel.rank()} has to {fault}")


def is_the_group_gone():
    if parallel.dist.is_initialized():
        print("error: the process group was left to the interpreter's end, which may abort", file=sys.stderr)


def main():
    atexit.register(is_the_group_gone)
    parallel.start(32, "cpu")
    second = parallel.rank() == 1
    step = training.InfoGAN.step
    if fault == "fail in an update" and second:
        training.InfoGAN.step = lambda model, *batch: refuse() if model.adam_d.steps[0] == 3 else step(model, *batch)
    if (fault == "fail at the start" and second) or fault == "fail everywhere":
        training.check = refuse
    if fault == "fail to lock" and not second:
        records.lock = refuse
    if fault == "evaluate" and second:
        trainer.evaluate = refuse
    if fault == "read a checkpoint" and second:
        records.load_checkpoint = refuse
    experiment.train(config(), data.load("digits"), folder, "disabled", progress=False)


run_script(main)
"""


def faulty(tmp_path, environment, fault):
    """Return code, what each process printed as errors, and whether one printed a traceback."""
    (tmp_path / "faulty.py").write_text(FAULTS)
    logs = tmp_path / f"logs of {fault}"
    command = [
        *TORCHRUN,
        "--redirects",
        "3",
        "--log-dir",
        str(logs),
        str(tmp_path / "faulty.py"),
        fault,
        str(tmp_path / "run"),
    ]
    environment = environment | {"PYTHONPATH": str(ROOT / "tests")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    errors = [file.read_text() for file in sorted(logs.rglob("stderr.log"))]
    assert len(errors) == 2 and not any("Traceback" in text for text in errors), errors
    return done.returncode, [re.findall("^error: .*", text, flags=re.M) for text in errors]


@pytest.mark.parametrize(
    ("fault", "process"),
    [("fail in an update", 1), ("fail at the start", 1), ("fail to lock", 0), ("fail everywhere", 0)],
)
def test_an_error_in_one_process_ends_all_with_one_line(fault, process, tmp_path, script_environment):
    code, errors = faulty(tmp_path, script_environment, fault)
    assert code != 0
    assert errors[process] == [f"error: process {process} has to {fault}"] and errors[1 - process] == []
    if fault != "fail in an update":
        assert not (tmp_path / "run" / "config.json").exists(), "all refuse, or all start"


def test_the_first_process_alone_evaluates_and_reads_checkpoints(tmp_path, script_environment):
    for fault in ("evaluate", "read a checkpoint"):
        assert faulty(tmp_path, script_environment, fault) == (0, [[], []])
    assert len(records.Table(tmp_path / "run" / "evaluations.csv").rows()) == 2
