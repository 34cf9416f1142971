"""On a GPU (`pytest -m gpu`): the captured step is the plain step, for every preset and term; resuming; falling
back."""

import dataclasses
from typing import Any

import pytest
import torch
from conftest import fit

from infogan import data, records, training
from infogan.accel import cuda_graph
from infogan.config.presets import PRESETS
from infogan.terms.pseudo_labels import PseudoLabels

pytestmark = pytest.mark.gpu

IMAGES = {"svhn": (3, 32, 32), "celeba": (3, 32, 32), "rendered_chairs": (1, 64, 64), "faces3d": (1, 32, 32)}
IMAGES["sprites"] = (1, 64, 64)
ADDED = ("iic:1", "contrastive:1", "r1:1", "hinge:1", "contrastive:1:start=0.2", "iic:1+contrastive:0.5+r1:2+hinge:1")


def model_of(preset: str, **changes: Any) -> tuple[training.Learner, tuple[int, int, int]]:
    made = PRESETS[preset][0]
    shape = IMAGES.get(made.dataset, (1, 28, 28))
    changes = {"device": "cuda", "precision": "float32", "batch_size": 32, "updates": 20, **changes}
    return training.Learner(dataclasses.replace(made, **changes), shape, n_images=256), shape


def metrics_of(model: training.Learner, shape: tuple[int, int, int], captured: bool, updates: int = 6) -> torch.Tensor:
    """The metrics of some updates on random images [updates, metrics]; pseudo-labels, where there are such, are made
    up."""
    stream = torch.Generator().manual_seed(0)
    images = torch.randint(256, (256, *shape), dtype=torch.uint8, generator=stream).cuda()
    for term in model.terms:
        if isinstance(term, PseudoLabels):
            term.labels.copy_(torch.arange(256) % 10)
    batches = data.Batches(images, 32, seed=0)
    step, rows = None, []
    for number in range(updates):
        batch = batches.at(number), batches.index(number)
        if step is None:
            step = model.fastest_step(*batch) if captured else model.step
            assert isinstance(step, cuda_graph.CapturedStep) == captured
        model.decay_learning_rates(number)
        computed = step(*batch)
        rows.append(torch.stack([computed[name] for name in model.metrics]))
    return torch.stack(rows).cpu()


def assert_captured_is_plain(preset: str, **changes) -> None:
    plain, captured = (metrics_of(*model_of(preset, **changes), captured=way) for way in (False, True))
    assert plain.isfinite().all() and torch.allclose(plain, captured, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("preset", PRESETS)
def test_the_captured_step_is_the_plain_one(preset):
    assert_captured_is_plain(preset)


@pytest.mark.parametrize("terms", ADDED)
def test_terms_are_inside_the_captured_step(terms):
    assert_captured_is_plain("authors", terms=terms)


@pytest.mark.parametrize(
    "changes", [{"lr_decay": 1.0}, {"spectral_norm": True}, {"info_flow": "detached"}, {"g_latent": "fresh"}]
)
def test_options_are_inside_the_captured_step(changes):
    assert_captured_is_plain("authors", **changes)


@pytest.mark.parametrize("preset", ["authors", "paper", "blog", "gan", "iic"])
def test_bfloat16_follows_float32(preset):
    one, two = (
        metrics_of(*model_of(preset, precision=precision), captured=True, updates=3)
        for precision in ("float32", "bfloat16")
    )
    assert torch.allclose(one, two, atol=0.1)


@pytest.mark.parametrize(("first", "then"), [("cpu", "cuda"), ("cuda", "cpu"), ("cuda", "cuda")])
def test_a_run_goes_on_on_another_device(first, then, tmp_path, digits, capsys):
    for device, updates in ((first, 10), (then, 20)):
        result = fit(tmp_path, digits, "iic", device=device, updates=updates, pretraining=8, lr_decay=0.0)
    assert result["step"] == 20 and records.read_json(tmp_path / "status.json")["status"] == "finished"
    assert ("begins anew at update 10" in capsys.readouterr().err) == (first != then)


def test_training_goes_on_where_the_capture_fails(monkeypatch, capsys):
    """A step that waits for the device cannot be captured; what follows is the plain step from the same state."""
    model, shape = model_of("authors")
    step = training.Learner.step

    def waits(*batch):
        float(torch.ones(1, device="cuda"))
        return step(*batch)

    monkeypatch.setattr(training.Learner, "step", waits)
    images = torch.zeros(32, *shape, dtype=torch.uint8, device="cuda")
    batch = images, torch.arange(32, device="cuda")
    fallen = model.fastest_step(*batch)(*batch)
    assert "cannot be captured as a CUDA graph" in capsys.readouterr().err
    twin, _ = model_of("authors")
    expected = step(twin, *batch)
    assert all(torch.allclose(fallen[name], value, rtol=1e-4) for name, value in expected.items())


def test_pretraining_is_captured_and_learns(tmp_path, digits):
    fit(tmp_path, digits, "iic", device="cuda", pretraining=200, batch_size=128, updates=1, evaluations=1)
    assert float(records.Table(tmp_path / "evaluations.csv").rows()[0]["accuracy"]) > 0.6
