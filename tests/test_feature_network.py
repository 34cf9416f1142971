"""The classifier in whose features sample quality is measured, on real digits."""

import pytest
import torch

from infogan import data, records
from infogan.codes import Latent
from infogan.metrics import feature_network
from infogan.networks import build
from infogan.utils.errors import InputError


@pytest.fixture(scope="module")
def network(digits, tmp_path_factory):
    return feature_network.classifier(digits, tmp_path_factory.mktemp("cache") / "digits")


def test_the_classifier_is_accurate_and_cached(digits, network, tmp_path, monkeypatch):
    labels = feature_network.classify(network, digits.test.images)[1].argmax(1)
    assert (labels == digits.test.labels.numpy()).mean() > 0.95
    monkeypatch.setattr(feature_network, "MAX_IMAGES", 1280)
    once = feature_network.classifier(digits, tmp_path / "c")
    monkeypatch.setattr(feature_network, "MAX_IMAGES", 0)
    again = feature_network.classifier(digits, tmp_path / "c")
    assert all(torch.equal(a, b) for a, b in zip(once.state_dict().values(), again.state_dict().values()))
    assert records.has_checkpoint(tmp_path / "c")


def test_a_damaged_classifier_is_trained_anew(digits, tmp_path, monkeypatch):
    monkeypatch.setattr(feature_network, "MAX_IMAGES", 1280)
    once = feature_network.classifier(digits, tmp_path)
    (tmp_path / records.CHECKPOINT).write_bytes((tmp_path / records.CHECKPOINT).read_bytes()[:5000])
    again = feature_network.classifier(digits, tmp_path)
    assert all(torch.equal(a, b) for a, b in zip(once.state_dict().values(), again.state_dict().values()))
    records.load_checkpoint(tmp_path)


def test_without_labels_the_network_names_quarter_turns(digits, tmp_path):
    """Digits have an upright position, so that it learns, and real images score better than those of an untrained G."""
    bare = data.Dataset("bare", *(data.Split(split.images) for split in (digits.train, digits.validation, digits.test)))
    network, latent = feature_network.classifier(bare, tmp_path / "c"), Latent("10c", "62u")
    perfect = feature_network.sample_quality(
        Copier(digits.train.images, digits.train.labels), latent, bare.test, network
    )
    untrained = feature_network.sample_quality(build(digits.image_shape, latent, seed=0)[0], latent, bare.test, network)
    assert perfect["features"] == "quarter turns" and perfect["feature_accuracy"] > 0.8, "a quarter is chance"
    assert "generator_accuracy" not in perfect
    assert perfect["frechet_distance"] < untrained["frechet_distance"] / 10 and perfect["recall"] > 0.6


def test_the_images_compared_are_drawn_from_the_whole_split(digits, network, monkeypatch):
    """Of a file in the order of its labels the first images would be zeros alone."""
    monkeypatch.setattr(feature_network, "MAX_COMPARED", 300)
    in_order, latent = digits.train[digits.train.labels.argsort(stable=True)], Latent("10c", "62u")
    measured = feature_network.sample_quality(
        Copier(digits.train.images, digits.train.labels), latent, in_order, network
    )
    assert measured["images"] == 300 and measured["precision"] > 0.7


def test_quarter_turns_of_every_fourth_image():
    images = torch.arange(6 * 4, dtype=torch.uint8).reshape(6, 1, 2, 2)
    turned, turns = feature_network.task(data.Split(images))
    assert turns.tolist() == [0, 1, 2, 3, 0, 1]
    assert turned[1, 0].tolist() == [[5, 7], [4, 6]] and turned[2, 0].tolist() == [[11, 10], [9, 8]]
    assert torch.equal(turned[0], images[0]) and images[1, 0, 0, 0] == 4, "the images stay as they are"
    with pytest.raises(InputError, match="images are 2x4 and have no labels"):
        feature_network.task(data.Split(images.reshape(3, 1, 2, 4)))


class Copier(torch.nn.Module):
    """A perfect generator: category k is an image of the digit k."""

    def __init__(self, images, labels):
        super().__init__()
        self.anchor = torch.nn.Parameter(torch.zeros(()))
        self.digits = [images[labels == k].float() / 255 for k in range(10)]

    def forward(self, z):
        picks = (z[:, 10:].abs().sum(1) * 1e4).long()
        return torch.stack([self.digits[k][i % len(self.digits[k])] for k, i in zip(z[:, :10].argmax(1), picks)])


def test_real_images_score_well_and_an_untrained_generator_badly(digits, network):
    latent = Latent("10c", "62u")
    perfect = feature_network.sample_quality(
        Copier(digits.train.images, digits.train.labels), latent, digits.test, network
    )
    untrained = feature_network.sample_quality(
        build(digits.image_shape, latent, seed=0)[0], latent, digits.test, network
    )
    assert perfect["generator_accuracy"] > 0.97 and untrained["generator_accuracy"] < 0.5
    assert perfect["precision"] > 0.8 and perfect["recall"] > 0.6 and untrained["precision"] < 0.2
    assert perfect["frechet_distance"] < untrained["frechet_distance"] / 10
    continuous = Latent("3u", "9u")
    without = feature_network.sample_quality(
        build(digits.image_shape, continuous, 0)[0], continuous, digits.test, network
    )
    assert "generator_accuracy" not in without
