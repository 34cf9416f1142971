"""The relativistic pairing loss by its definition, and what it knows of D."""

import math
from types import SimpleNamespace

import pytest
import torch
from conftest import config

from infogan import training
from infogan.terms.relativistic import DiscriminatorRelativistic, GeneratorRelativistic


def losses(real: list[float], fake: list[float]) -> tuple[float, float]:
    of_real = torch.tensor(real)
    x = SimpleNamespace(real=None, d_real=of_real, d_fake=torch.tensor(fake), discriminate=lambda images: of_real)
    return DiscriminatorRelativistic()(x)[0].item(), GeneratorRelativistic()(x)[0].item()


def test_it_is_the_logarithm_of_the_sigmoid_of_paired_differences():
    real, fake = [2.0, 0.5], [-1.0, 1.5]
    d = -(math.log(1 / (1 + math.exp(-3.0))) + math.log(1 / (1 + math.exp(1.0)))) / 2
    g = -(math.log(1 / (1 + math.exp(3.0))) + math.log(1 / (1 + math.exp(-1.0)))) / 2
    assert losses(real, fake) == pytest.approx((d, g), rel=1e-5)
    assert losses([0.0], [0.0]) == pytest.approx((math.log(2), math.log(2)))


def test_a_constant_added_to_all_logits_changes_nothing():
    assert losses([2.0, 0.5], [-1.0, 1.5]) == pytest.approx(losses([9.0, 7.5], [6.0, 8.5]), rel=1e-5)


def test_it_replaces_the_gan_value_and_the_generator_moves_by_the_moved_d(digits):
    """G's gradient is that of softplus(D(x) - D(G(z))) through D as D's step has left it."""
    model = training.Learner(config(terms="relativistic:1", info_flow="detached"), digits.image_shape)
    model.adam_g.step = lambda: grads.extend(p.grad.clone() for p in model.generator.parameters())
    grads = []
    images = digits.train.images[:32]
    state = model.random["codes"].get_state()
    model.step(images, torch.arange(32))
    model.random["codes"].set_state(state)
    z = [model.latent.sample(32, model.random["codes"]) for _ in range(2)][1]  # authors: fresh latents in G's step
    D = model.discriminator.discriminate
    loss = torch.nn.functional.softplus(D(images / 255) - D(model.generator(z))).mean()
    for mine, expected in zip(grads, torch.autograd.grad(loss, list(model.generator.parameters())), strict=True):
        assert torch.allclose(mine, expected, rtol=1e-3, atol=1e-6)
