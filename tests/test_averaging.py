"""Averaged weights of G: the recursion in closed form, that they resume, and that they are loaded and measured."""

import pytest
import torch
from conftest import config, fit, trained
from safetensors.torch import load_file

import infogan
from infogan import networks, records, training
from infogan.networks.averaging import decay_at, update_average


def test_after_n_updates_a_weight_has_the_closed_form():
    """Of a network whose weight is t after update t: decay^n w_0 + (1 - decay) sum decay^(n - t) t."""
    network, averaged = torch.nn.Linear(1, 1), torch.nn.Linear(1, 1)
    torch.nn.init.constant_(averaged.weight, 5.0)
    n, decay = 7, 0.8
    for t in range(1, n + 1):
        torch.nn.init.constant_(network.weight, float(t))
        update_average(averaged, network, decay)
    expected = decay**n * 5 + (1 - decay) * sum(decay ** (n - t) * t for t in range(1, n + 1))
    assert averaged.weight.item() == pytest.approx(expected, rel=1e-5)


def test_the_decay_grows_to_the_configured_one():
    decays = [decay_at(step, 0.99) for step in range(2000)]
    assert decays[0] == 0.1 and decays == sorted(decays) and decays[-1] == 0.99


def test_training_does_not_read_the_average(tmp_path, digits):
    fit(tmp_path / "with", digits, updates=6, g_ema=0.9)
    fit(tmp_path / "without", digits, updates=6)
    averaged, without = trained(tmp_path / "with"), trained(tmp_path / "without")
    assert {name for name in averaged if name not in without} == {
        name.replace("generator", "averaged") for name in without if name.startswith("generator.")
    }
    assert all(torch.equal(averaged[name], tensor) for name, tensor in without.items())


def test_samples_measures_and_exports_are_of_the_average(tmp_path, digits):
    fit(tmp_path / "run", digits, updates=12, evaluations=1, g_ema=0.9)
    tensors = trained(tmp_path / "run")
    model = infogan.load(tmp_path / "run")
    for name, weight in model.generator.state_dict().items():
        assert torch.equal(weight, tensors[f"averaged.{name}"])
    name = "layers.0.weight"
    assert not torch.equal(tensors[f"averaged.{name}"], tensors[f"generator.{name}"])
    codes = model.sample(4)
    model.save(tmp_path / "shared")
    assert (infogan.load(tmp_path / "shared").generate(codes) == model.generate(codes)).all()
    assert not any(name.startswith("averaged") for name in load_file(tmp_path / "shared" / records.CHECKPOINT))
    learner = training.Learner(config(g_ema=0.9), digits.image_shape)
    learner.load_tensors(tensors)
    z = learner.latent.sample(4, torch.Generator().manual_seed(0))
    shown = networks.generate(learner.sampling_generator, z)
    assert (shown == networks.generate(model.generator, z)).all()
    assert (shown != networks.generate(learner.generator, z)).any()
