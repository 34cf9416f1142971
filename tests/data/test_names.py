import numpy as np
import pytest
import torch

from infogan import data
from infogan.data import cache
from infogan.data.files import data_folder
from infogan.utils.errors import InputError


def test_digits_are_the_bundled_ones_without_overlap(digits):
    from sklearn.datasets import load_digits

    parts = (digits.train, digits.validation, digits.test)
    assert [len(part) for part in parts] == [1197, 300, 300]
    together = torch.cat([part.images for part in parts]).flatten(1)
    original = np.round(load_digits().images * 255 / 16).reshape(-1, 64)
    assert together.dtype == torch.uint8
    assert sorted(map(tuple, together.tolist())) == sorted(map(tuple, original.astype(int).tolist()))
    again = data.load("digits")
    assert torch.equal(again.test.images, digits.test.images), "the split must not depend on anything"


@pytest.mark.parametrize("name", ["imagenet", "imagenet@32", "digits@16", "digits:pad", "chairs3d@32:pad"])
def test_unknown_names_are_refused_with_the_known_ones(name):
    with pytest.raises(InputError, match=f"unknown dataset '{name}'.*mnist, .*chairs3d"):
        data.load(name)


def test_the_users_home_is_meant_by_its_sign(tmp_path, monkeypatch):
    """A shell leaves --data-dir=~/data as it is."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert data_folder("~/data") == tmp_path / "data"
    monkeypatch.setenv("INFOGAN_DATA", "~/other")
    assert data_folder() == tmp_path / "other"
    monkeypatch.setenv(cache.CACHE_VARIABLE, "~/kept")
    assert cache.cache_folder() == tmp_path / "kept"
    np.savez(tmp_path / "x.npz", images=np.random.default_rng(0).integers(0, 255, (20, 8, 8), np.uint8))
    assert data.load("~/x.npz").name == "x"


@pytest.mark.parametrize("name", ["a" * 5000, "a" * 5000 + ".npz", "a\0b", "a\0b.npz"])
def test_names_that_no_file_can_have_are_refused(name):
    with pytest.raises(InputError):
        data.load(name)


@pytest.mark.parametrize("size", ["0", "30", "-4", "100000", "4" * 5000, "big", ""])
def test_sizes_that_cannot_be_meant_are_refused(size):
    with pytest.raises(InputError, match="multiple of 4"):
        data.load(f"chairs3d@{size}")


def test_every_epoch_shows_every_image_once_in_a_new_order():
    images = torch.arange(50, dtype=torch.uint8).reshape(50, 1, 1, 1)
    batches = data.Batches(images, 20, seed=3)
    stream = torch.cat([batches.at(i).flatten() for i in range(10)])  # 200 images: four epochs, cut across batches
    epochs = stream.reshape(4, 50)
    assert all(sorted(epoch.tolist()) == list(range(50)) for epoch in epochs)
    assert not torch.equal(epochs[0], epochs[1])
    jump = data.Batches(images, 20, seed=3).at(7)
    assert torch.equal(jump, batches.at(7)), "a resumed run must draw what it would have drawn"
    assert not torch.equal(data.Batches(images, 20, seed=4).at(0), batches.at(0))
    with pytest.raises(InputError, match="batch_size is 51"):
        data.Batches(images, 51, seed=0)
