"""The IIC loss on probabilities whose mutual information is known."""

import math

import pytest
import torch

from infogan.codes import Latent
from infogan.terms.iic import TEMPERATURE, iic_information, mutual_information


def q_params(*probabilities: torch.Tensor) -> torch.Tensor:
    """Q's parameters of a latent with a categorical code for each of the distributions [N, size], and one continuous
    code."""
    logits = [p.clamp_min(1e-30).log() * TEMPERATURE for p in probabilities]
    return torch.cat([*logits, torch.randn(len(probabilities[0]), 1)], 1)


def information(codes: str, p: tuple[torch.Tensor, ...], q: tuple[torch.Tensor, ...]) -> float:
    return iic_information(Latent(codes, ""), q_params(*p), q_params(*q)).item()


def test_the_mutual_information_of_a_joint_distribution():
    assert mutual_information(torch.eye(8) / 8).item() == pytest.approx(math.log(8), abs=1e-5)
    p = torch.tensor([0.5, 0.3, 0.2])
    assert mutual_information(torch.outer(p, p)).item() == pytest.approx(0, abs=1e-5)
    both = mutual_information(torch.stack([torch.eye(3) / 3, torch.outer(p, p)]))
    assert both.tolist() == pytest.approx([math.log(3), 0], abs=1e-5)


def test_it_is_the_entropy_where_both_agree_and_zero_where_they_are_independent():
    certain, even = torch.eye(10).repeat(3, 1), torch.full((30, 10), 0.1)
    assert information("10c+1u", (certain,), (certain,)) == pytest.approx(math.log(10), abs=1e-4)
    renamed = information("10c+1u", (certain,), (certain.roll(1, 1),))
    assert renamed < math.log(10) - 0.1, "the joint is made symmetric: two numberings mix"
    assert information("10c+1u", (even,), (certain,)) == pytest.approx(0, abs=1e-5)
    one = torch.eye(10)[:1].expand(30, 10)
    assert information("10c+1u", (one,), (one,)) == pytest.approx(0, abs=1e-5), "one category for all"
    two = torch.eye(10)[torch.arange(30) % 2]
    assert information("10c+1u", (two,), (two,)) == pytest.approx(math.log(2), abs=1e-4)


def test_it_is_summed_over_codes_and_agrees_with_a_calculation_by_hand():
    p = torch.tensor([[0.9, 0.1], [0.2, 0.8]])
    # The mean over the two images of the outer products p p^T.
    joint = torch.tensor([[(0.81 + 0.04) / 2, (0.09 + 0.16) / 2], [(0.09 + 0.16) / 2, (0.01 + 0.64) / 2]])
    marginal = joint.sum(1)
    expected = (joint * (joint / torch.outer(marginal, marginal)).log()).sum().item()
    assert information("2c+1u", (p,), (p,)) == pytest.approx(expected, abs=1e-5)
    assert information("2x2c+1u", (p, p), (p, p)) == pytest.approx(2 * expected, abs=1e-5)


def test_it_does_not_depend_on_which_is_the_copy_nor_on_how_categories_are_numbered():
    a, b = (torch.randn(40, 5, generator=torch.Generator().manual_seed(i)).mul(2).softmax(1) for i in range(2))
    value = information("5c+1u", (a,), (b,))
    order = torch.tensor([3, 0, 4, 1, 2])
    assert information("5c+1u", (b,), (a,)) == pytest.approx(value, abs=1e-5)
    assert information("5c+1u", (a[:, order],), (b[:, order],)) == pytest.approx(value, abs=1e-5)
