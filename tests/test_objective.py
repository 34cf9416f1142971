import math

import pytest
import torch

from infogan.objective import discriminator_loss, generator_loss


def test_an_undecided_discriminator_has_the_value_minus_two_ln_two():
    zero = torch.zeros(8)
    assert discriminator_loss(zero, zero, "sum").item() == pytest.approx(2 * math.log(2))
    assert discriminator_loss(zero, zero, "mean").item() == pytest.approx(math.log(2))
    assert generator_loss(zero).item() == pytest.approx(math.log(2))


def test_losses_are_the_logarithms_of_the_paper():
    real, fake = torch.tensor([0.3, 2.0]), torch.tensor([-1.0, 0.4])
    value = torch.log(real.sigmoid()).mean() + torch.log(1 - fake.sigmoid()).mean()
    assert discriminator_loss(real, fake, "sum").item() == pytest.approx(-value.item(), rel=1e-5)
    assert generator_loss(fake).item() == pytest.approx(-torch.log(fake.sigmoid()).mean().item(), rel=1e-5)


def test_extreme_logits_stay_finite():
    assert math.isfinite(discriminator_loss(torch.tensor([-1e4]), torch.tensor([1e4]), "sum").item())


def test_the_optimal_discriminator_attains_minus_two_ln_two_plus_twice_the_jensen_shannon_divergence():
    # Two distributions on three points; D* = p / (p + q) (Goodfellow et al. 2014, proposition 1 and theorem 1).
    p, q = torch.tensor([0.7, 0.2, 0.1]), torch.tensor([0.1, 0.3, 0.6])
    logit = (p / q).log()
    value = (p * -torch.nn.functional.softplus(-logit)).sum() - (q * torch.nn.functional.softplus(logit)).sum()
    m = (p + q) / 2
    jsd = 0.5 * (p * (p / m).log()).sum() + 0.5 * (q * (q / m).log()).sum()
    assert value.item() == pytest.approx(-2 * math.log(2) + 2 * jsd.item(), rel=1e-5)
    counts = 1000
    real = logit.repeat_interleave((p * counts).round().long())
    fake = logit.repeat_interleave((q * counts).round().long())
    assert discriminator_loss(real, fake, "sum").item() == pytest.approx(-value.item(), rel=1e-4)
