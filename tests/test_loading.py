"""Reading a model's directory that anybody may have made: a model or one line, and no memory for what is not there."""

import json
import os
import shutil
import subprocess
import sys

import pytest
import torch
from conftest import ROOT
from hostile import CHANGES
from hypothesis import given

import infogan
from infogan import records
from infogan.utils.errors import InputError

MODEL = ROOT / "analysis" / "results" / "models" / "digits"
STATE = {"step": 1, "image_shape": [1, 8, 8]}
LOAD = """
import sys, infogan
from infogan.utils.errors import InputError
for directory in sys.argv[1:]:
    try:
        infogan.load(directory)
    except InputError as error:
        print(error)
"""


@pytest.fixture
def directory(tmp_path):
    return shutil.copytree(MODEL, tmp_path / "model")


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """For many examples, each of which writes what it changes and nothing else."""
    return shutil.copytree(MODEL, tmp_path_factory.mktemp("kept") / "model")


def refused(directory, message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        infogan.load(directory)
    assert str(error.value).isprintable()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{}", "a configuration is None"),
        ("[]", "is JSON, but no object"),
        ("null", "is JSON, but no object"),
        ('{"config": []}', r"a configuration is \[\]"),
        ("[" * 100_000, "is not valid JSON"),
        ("", "is not valid JSON"),
        ('{"config": {"codes": "9999c"}}', "does not fit its config.json"),
        ('{"config": {"codes": "99999999c"}}', "give 10,000 at most"),
        ('{"config": {"codes": "' + "9" * 5000 + 'c"}}', "cannot read the latent code term"),
    ],
)
def test_a_config_that_no_run_writes_is_one_line(directory, content, message):
    (directory / "config.json").write_text(content)
    refused(directory, message)


def test_pipes_are_not_opened(tmp_path):
    """In a process of its own, which could wait for ever."""
    names = ("config.json", records.CHECKPOINT, records.PREVIOUS)
    for name in names:
        copy = shutil.copytree(MODEL, tmp_path / name)
        (copy / records.CHECKPOINT).write_bytes(b"damaged") if name == records.PREVIOUS else (copy / name).unlink()
        os.mkfifo(copy / name)
    command = [sys.executable, "-c", LOAD, *(str(tmp_path / name) for name in names)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    lines = done.stdout.splitlines()
    assert all(
        f"{name} is a pipe or a device; give a regular file" in line for name, line in zip(names, lines, strict=True)
    ), done.stderr


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.pop("generator.layers.0.weight"),
        lambda t: t.update({"generator.more": torch.ones(2)}),
        lambda t: t.update({"discriminator.q_head.3.bias": torch.ones(2)}),
    ],
)
def test_weights_that_do_not_fit_the_configuration_are_named(directory, change):
    tensors, _ = records.load_checkpoint(directory)
    change(tensors)
    records.save_checkpoint(directory, tensors, STATE, keep=False)
    refused(directory, r"does not fit its config.json \(.*(layers.0.weight|generator.more|more|q_head.3.bias)")


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ([], "its state is"),
        (STATE | {"step": "1"}, "has step '1'"),
        ({"step": 1}, "lacks image_shape"),
        (STATE | {"image_shape": [1, 8]}, "has image_shape"),
        (STATE | {"image_shape": [1, 8, 2**40]}, "does not fit its config.json"),
        (STATE | {"image_shape": [1, 12, 8]}, "does not fit its config.json"),
        (STATE | {"image_shape": [1, 7, 7]}, "must be divisible by 4"),
    ],
)
def test_a_state_that_no_run_writes_is_named(directory, state, message):
    records.save_checkpoint(directory, records.load_checkpoint(directory)[0], state, keep=False)
    refused(directory, message)


@given(CHANGES)
def test_a_config_of_any_kind_is_a_model_or_an_input_error(kept, changes):
    stored = json.loads((MODEL / "config.json").read_text())
    (kept / "config.json").write_text(json.dumps(stored | {"config": stored["config"] | changes}))
    try:
        infogan.load(kept)
    except InputError as error:
        assert str(error).isprintable()
    finally:
        shutil.copy(MODEL / "config.json", kept)
