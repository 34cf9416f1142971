"""Spectral normalisation, as an option of a layer."""

import pytest
import torch
from torch.nn.utils import parametrizations

from infogan.codes import Latent
from infogan.config import Config
from infogan.networks import build, init_weights
from infogan.networks.layers import Convolution, Linear


def normalised(layer):
    layer.normalise_spectrally()
    init_weights([layer], seed=0)
    layer.weight.data.mul_(50)  # to N(0, 1)
    for _ in range(100):
        layer.operands()
    return layer


@pytest.mark.parametrize("layer", [Linear(30, 20), Linear(20, 30), Convolution(5, 8)])
def test_the_largest_singular_value_becomes_one(layer):
    weight, _ = normalised(layer).operands()
    assert torch.linalg.matrix_norm(weight.flatten(1), 2).item() == pytest.approx(1, abs=1e-3)
    assert torch.allclose(weight * torch.linalg.matrix_norm(layer.weight.flatten(1), 2), layer.weight, atol=1e-2)


def test_values_and_gradients_are_those_of_torchs_own():
    ours, torchs = Linear(30, 20, bias=False), torch.nn.Linear(30, 20, bias=False)
    normalised(ours)
    torchs.weight.data.copy_(ours.weight.data)
    parametrizations.spectral_norm(torchs, n_power_iterations=100)
    x, upstream = torch.randn(4, 30), torch.randn(4, 20)
    gradients = []
    for layer, weight in ((ours, ours.weight), (torchs, torchs.parametrizations.weight.original)):
        (layer(x) * upstream).sum().backward()
        gradients.append(weight.grad)
    assert torch.allclose(ours(x), torchs(x), atol=1e-4) and torch.allclose(*gradients, atol=1e-4)


def test_evaluation_uses_the_estimate_and_does_not_change_it():
    layer = normalised(Linear(30, 20)).eval()
    before = layer.left_singular.clone()
    x = torch.randn(2, 30)
    assert torch.equal(layer(x), layer(x)) and torch.equal(layer.left_singular, before)


def test_it_is_of_ds_trunk_and_output_and_changes_no_weight():
    latent = Latent("10c+2u", "62u")
    plain, spectral = (build((1, 28, 28), latent, 0, Config(spectral_norm=chosen))[1] for chosen in (False, True))
    assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), spectral.parameters(), strict=True))
    extra = set(spectral.state_dict()) - set(plain.state_dict())
    assert extra == {"trunk.0.left_singular", "trunk.2.left_singular", "trunk.6.left_singular", "d_head.left_singular"}
