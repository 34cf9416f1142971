"""The captured step on a stand-in for CUDA graphs: a graph is what was called during the capture, and a replay calls it
again.

What a GPU does with it is tested where there is one.
"""

import contextlib
import gc
import weakref
from types import SimpleNamespace

import pytest
import torch
from conftest import config

from infogan import training
from infogan.accel import cuda_graph
from infogan.utils.randomness import RandomGenerators


class Graph:
    """Registers streams, and counts replays."""

    def __init__(self):
        self.registered, self.replays = [], 0

    def register_generator_state(self, generator):
        self.registered.append(generator)

    def replay(self):
        self.replays += 1


@pytest.fixture
def stand_in(monkeypatch):
    stream = SimpleNamespace(wait_stream=lambda other: None)
    for name, value in {
        "Stream": lambda: stream,
        "current_stream": lambda: stream,
        "stream": lambda stream: contextlib.nullcontext(),
        "graph": lambda graph: contextlib.nullcontext(),
        "CUDAGraph": Graph,
    }.items():
        monkeypatch.setattr(cuda_graph.torch.cuda, name, value)


def captured(model, images) -> cuda_graph.CapturedStep:
    state = [tensor for name, tensor in model.tensors().items() if not name.startswith("random.")]
    batch = images, torch.arange(len(images))
    return cuda_graph.CapturedStep(model.step, batch, list(model.random.values()), state)


def test_it_keeps_alive_what_its_graph_reads(stand_in, digits):
    """A caller who keeps only the step would replay a graph over freed memory: a segmentation fault on a GPU."""
    model = training.Learner(config(), digits.image_shape)
    step = captured(model, digits.train.images[:32])
    parts = (model, model.random["codes"], model.generator.layers[0].weight, model.adam_d)
    owned = [weakref.ref(part) for part in parts]
    del model, parts
    gc.collect()
    assert all(reference() is not None for reference in owned)
    del step
    gc.collect()
    assert all(reference() is None for reference in owned)


def test_rehearsing_leaves_state_and_random_streams_as_they_were(stand_in, digits, monkeypatch):
    model = training.Learner(config(terms="iic:1+contrastive:1"), digits.image_shape)
    before = {name: tensor.clone() for name, tensor in model.tensors().items()}
    calls = []
    step = training.Learner.step

    def counted(model, images, index):
        calls.append({name: tensor.clone() for name, tensor in model.tensors().items()})
        return step(model, images, index)

    monkeypatch.setattr(training.Learner, "step", counted)
    captured(model, digits.train.images[:32])
    assert len(calls) == 4, "three rehearsals and the capture"
    assert all(torch.equal(calls[3][name], tensor) for name, tensor in before.items()), (
        "the capture begins where the run stands"
    )
    assert not torch.equal(calls[2]["generator.layers.0.weight"], before["generator.layers.0.weight"])


def test_training_goes_on_without_it_where_the_capture_fails(digits, monkeypatch, capsys):
    model = training.Learner(config(), digits.image_shape)
    twin = training.Learner(config(), digits.image_shape)
    batch = digits.train.images[:32], torch.arange(32)

    def fails(step, batch, random, state):
        random[0].manual_seed(99)
        raise RuntimeError("operation not permitted when stream is capturing\nmore")

    monkeypatch.setattr(cuda_graph, "CapturedStep", fails)
    fresh = RandomGenerators(0, torch.device("cpu"))
    monkeypatch.setattr(RandomGenerators, "renew", lambda mine: mine.update({name: fresh[name] for name in mine}))
    model.random.device = SimpleNamespace(type="cuda")
    step = model.fastest_step(*batch)
    assert (
        "cannot be captured as a CUDA graph (operation not permitted when stream is capturing)"
        in capsys.readouterr().err
    )
    assert_equal(step(*batch), twin.step(*batch))


def assert_equal(one: dict, other: dict) -> None:
    assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
