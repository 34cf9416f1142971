"""The caller's settings of torch change nothing, and are the caller's again afterwards."""

import contextlib

import numpy as np
import pytest
import torch
from conftest import fit, same_tensors

import infogan
from infogan.utils.errors import InputError


@contextlib.contextmanager
def default_dtype():
    torch.set_default_dtype(torch.float64)
    try:
        yield
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


STATES = {
    "float64": default_dtype,
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "meta device": lambda: torch.device("meta"),
}


@pytest.fixture(scope="module")
def plain(tmp_path_factory, digits):
    directory = tmp_path_factory.mktemp("plain") / "run"
    fit(directory, digits, updates=6)
    return directory


@pytest.mark.parametrize("state", STATES)
def test_training_and_use_are_the_same_in_any_state(state, plain, tmp_path, digits):
    expected = infogan.load(plain)
    codes = expected.sample(5)
    images = expected.generate(codes)
    with STATES[state]():
        fit(tmp_path / "run", digits, updates=6)
        model = infogan.load(tmp_path / "run")
        for mine, other in zip(model.sample(5), codes):
            assert np.array_equal(mine, other)
        assert np.array_equal(model.generate(codes), images)
        for mine, other in zip(model.recognise(images), expected.recognise(images)):
            assert np.array_equal(mine, other)
        assert np.array_equal(model.probabilities(images)[0], expected.probabilities(images)[0])
    assert same_tensors(plain, tmp_path / "run")
    fit(tmp_path / "run", digits, updates=8)  # tensors made in inference mode could not be trained


@pytest.mark.parametrize("kind", [np.int64, np.int32, np.uint8])
def test_numbers_of_numpy_are_numbers(kind, plain):
    model = infogan.load(plain)
    assert np.array_equal(model.sample(kind(3), kind(2))[0], model.sample(3, 2)[0])
    codes = model.sample(3)
    assert np.array_equal(model.generate(codes, kind(2)), model.generate(codes, 2))


@pytest.mark.parametrize("call", [lambda m: m.sample(True), lambda m: m.sample(3, True)])
def test_true_is_no_number(call, plain):
    with pytest.raises(InputError, match="True"):
        call(infogan.load(plain))
