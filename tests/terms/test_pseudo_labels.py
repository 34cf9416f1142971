"""Pseudo-labels: whom they name, and that an image's label does not depend on the images beside it."""

import pytest
import torch
import torch.nn.functional as F
from conftest import config

from infogan import training
from infogan.config import InputError
from infogan.terms.pseudo_labels import IGNORE_INDEX, cross_entropy, pseudo_labels


def test_a_label_is_a_category_that_q_is_certain_of(digits):
    model = training.Learner(config(), digits.image_shape)
    untrained = pseudo_labels(model.latent, model.discriminator, digits.train.images[:101])
    assert (untrained == IGNORE_INDEX).all(), "an untrained Q is certain of nothing"
    of_images = [(0, 0.9), (1, 0.45), (2, 0.55), (3, 0.49)]  # category and its probability
    rows = [torch.full((10,), (1 - p) / 9).index_fill(0, torch.tensor(c), p).log() for c, p in of_images]
    model.discriminator.q_params = lambda images: F.pad(torch.stack(rows), (0, 2))
    labels = pseudo_labels(model.latent, model.discriminator, digits.train.images[:4])
    assert labels.tolist() == [0, IGNORE_INDEX, 2, IGNORE_INDEX]


def test_a_dataset_sorted_by_class_has_the_same_labels(digits):
    """Batch norm by the statistics of batches of one class would give others."""
    model = training.Learner(config(), digits.image_shape)
    adam = torch.optim.Adam(model.discriminator.parameters(), 1e-3)
    for number in range(100):  # supervised, so that Q is certain of many categories
        at = slice(number % 18 * 64, (number % 18 + 1) * 64)
        q_params = model.discriminator(digits.train.images[at] / 255, real=len(digits.train.images[at]))[1]
        F.cross_entropy(q_params[:, :10], digits.train.labels[at]).backward()
        adam.step()
        adam.zero_grad()
    order = digits.train.labels.argsort(stable=True)
    labels = pseudo_labels(model.latent, model.discriminator, digits.train.images)
    of_sorted = pseudo_labels(model.latent, model.discriminator, digits.train.images[order])
    assert (labels >= 0).double().mean() > 0.9 and labels.unique().numel() >= 10
    assert torch.equal(of_sorted, labels[order])
    assert model.discriminator.training, "the mode is as it was before"


def test_images_without_a_label_count_as_zero(digits):
    model = training.Learner(config(), digits.image_shape)
    q_params, labels = torch.randn(6, 12), torch.tensor([3, IGNORE_INDEX, 0, IGNORE_INDEX, 9, 9])
    kept = labels >= 0
    expected = F.cross_entropy(q_params[kept, :10], labels[kept], reduction="sum") / 6
    assert cross_entropy(model.latent, q_params, labels).item() == pytest.approx(expected.item())


def test_what_they_need_is_named():
    with pytest.raises(InputError, match="pseudo-labels needs pretraining, and pretraining is 0"):
        training.resolve(config(terms="pseudo-labels:1"))
    with pytest.raises(InputError, match="pseudo-labels needs one categorical code, and codes is 2x10c"):
        training.resolve(config(terms="pseudo-labels:1", pretraining=4, codes="2x10c"))
