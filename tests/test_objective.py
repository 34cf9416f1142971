import math

import pytest
import torch

from infogan.codes import Latent
from infogan.objective import SHARPNESS, consistency, discriminator_loss, generator_loss


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


def answers(*probabilities: torch.Tensor) -> torch.Tensor:
    """Q's answers of a latent with one categorical code for each of the given distributions [N, size], and one continuous code."""
    scaled = [p.clamp_min(1e-30).log() / SHARPNESS for p in probabilities]
    return torch.cat([*scaled, torch.randn(len(probabilities[0]), 1)], 1)


def test_consistency_is_the_mutual_information_of_the_two_readings():
    latent = Latent("10c+1u", "")
    sure = torch.eye(10).repeat(3, 1)
    even = torch.full((30, 10), 0.1)
    assert consistency(latent, answers(sure), answers(sure)).item() == pytest.approx(math.log(10), abs=1e-4)
    assert consistency(latent, answers(sure), answers(sure.roll(1, 1))).item() < math.log(10) - 0.1, (
        "made symmetric: two renamings mix"
    )
    assert consistency(latent, answers(even), answers(sure)).item() == pytest.approx(0, abs=1e-5)
    one = torch.eye(10)[:1].expand(30, 10)
    assert consistency(latent, answers(one), answers(one)).item() == pytest.approx(0, abs=1e-5), "one category for all"
    halves = torch.eye(10)[torch.arange(30) % 2]
    assert consistency(latent, answers(halves), answers(halves)).item() == pytest.approx(math.log(2), abs=1e-4)


def test_consistency_by_hand_and_over_several_codes():
    p = torch.tensor([[0.9, 0.1], [0.2, 0.8]])
    # Joint by hand: the mean over the two images of outer products p p^T.
    joint = torch.tensor([[(0.81 + 0.04) / 2, (0.09 + 0.16) / 2], [(0.09 + 0.16) / 2, (0.01 + 0.64) / 2]])
    expected = sum(
        joint[i, j] * math.log(joint[i, j] / (joint[i].sum() * joint[:, j].sum())) for i in range(2) for j in range(2)
    ).item()
    assert consistency(Latent("2c+1u", ""), answers(p), answers(p)).item() == pytest.approx(expected, abs=1e-5)
    assert consistency(Latent("2x2c+1u", ""), answers(p, p), answers(p, p)).item() == pytest.approx(
        2 * expected, abs=1e-5
    )


def test_consistency_does_not_care_which_is_the_copy_nor_how_categories_are_numbered():
    latent = Latent("5c+1u", "")
    a, b = (torch.randn(40, 5, generator=torch.Generator().manual_seed(i)).mul(2).softmax(1) for i in range(2))
    value = consistency(latent, answers(a), answers(b)).item()
    order = torch.tensor([3, 0, 4, 1, 2])
    assert consistency(latent, answers(b), answers(a)).item() == pytest.approx(value, abs=1e-5)
    assert consistency(latent, answers(a[:, order]), answers(b[:, order])).item() == pytest.approx(value, abs=1e-5)
