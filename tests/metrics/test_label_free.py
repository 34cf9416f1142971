"""Label-free indices on predictions whose values are known in closed form."""

import math

import numpy as np
import pytest
import torch
from conftest import config

from infogan import networks
from infogan.codes import Latent
from infogan.metrics import label_free


def one_hot(categories: list[int], size: int) -> torch.Tensor:
    return torch.nn.functional.one_hot(torch.tensor(categories), size).float()


def test_certain_and_equally_frequent_categories_have_every_maximum():
    p = one_hot([0, 1, 2, 3] * 5, 4)
    assert label_free.indices(p, p) == pytest.approx((math.log(4), math.log(4), math.log(4), 1.0, 1.0))


def test_without_certainty_there_is_no_information():
    p = torch.full((20, 4), 0.25)
    found = label_free.indices(p, p)
    assert found.certainty_nats == pytest.approx(0) and found.information_nats == pytest.approx(0)


def test_two_classes_in_one_category_lower_the_marginal_entropy_alone():
    """Certain of each image, but of four categories one has half of the images, and two a quarter of the rest each."""
    p = one_hot([0] * 8 + [1] * 4 + [2] * 2 + [3] * 2, 4)
    found = label_free.indices(p, p)
    assert found.certainty_nats == pytest.approx(math.log(4))
    assert found.marginal_entropy_nats == pytest.approx(1.75 * math.log(2)) == found.information_nats


def test_agreement_counts_the_images_whose_category_stays():
    p = one_hot([0, 1, 2, 3], 4)
    assert label_free.indices(p, one_hot([0, 1, 2, 0], 4)).agreement == 0.75


def test_consensus_ignores_the_numbers_of_categories_and_finds_the_odd_one_out():
    random = np.random.default_rng(0)
    categories = random.integers(4, size=2000)
    renamed, other = (categories + 1) % 4, random.integers(4, size=2000)
    similarities = label_free.similarity([categories, renamed, other])
    assert similarities[0, 1] == pytest.approx(1) and similarities[0, 2] < 0.01
    assert label_free.consensus(similarities) == pytest.approx([0.5, 0.5, 0.0], abs=0.01)
    with pytest.raises(ValueError, match="there is 1, give two or more"):
        label_free.consensus(np.eye(1))


def test_a_network_is_measured_alike_every_time_and_keeps_its_mode(digits):
    latent = Latent("10c+2u", "4u")
    _, network = networks.build(digits.image_shape, latent, seed=0, recipe=config())
    images = digits.validation.images[:100]
    network.train()
    found, categories = label_free.measure(network, latent, 0, images)
    again, _ = label_free.measure(network, latent, 0, images)
    assert found == again and network.training
    assert (categories == networks.recognise(network, latent, images)[0][:, 0].numpy()).all()


def test_stability_is_agreement_less_that_of_chance():
    """Codes of any size are comparable: categories without relation to the images agree by chance, more of fewer."""
    stream = torch.Generator().manual_seed(0)
    for size in (2, 5, 20):
        p, other = (torch.eye(size)[torch.randint(size, (4000,), generator=stream)] for _ in range(2))
        found = label_free.indices(p, other)
        assert found.agreement == pytest.approx(1 / size, abs=0.03) and found.stability == pytest.approx(0, abs=0.01)
        assert label_free.indices(p, p).stability == pytest.approx(1)
