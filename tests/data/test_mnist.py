import shutil

import pytest
import torch

from infogan import data
from infogan.errors import InputError


def test_mnist_is_split_into_train_validation_test(data_dir):
    mnist = data.load("mnist", data_dir)
    assert [tuple(p.images.shape) for p in (mnist.train, mnist.validation, mnist.test)] == [
        (50_000, 1, 28, 28),
        (10_000, 1, 28, 28),
        (10_000, 1, 28, 28),
    ]
    assert mnist.train.labels[:5].tolist() == [5, 0, 4, 1, 9] and mnist.test.labels[:5].tolist() == [7, 2, 1, 0, 4]
    assert mnist.train.images.dtype == torch.uint8 and int(mnist.train.images.max()) == 255


def test_fashion_mnist_loads_from_the_environment_variable(data_dir, monkeypatch):
    monkeypatch.setenv(data.DATA_VARIABLE, str(data_dir))
    fashion = data.load("fashion-mnist")
    assert len(fashion.train) == 50_000 and fashion.test.labels[:5].tolist() == [9, 2, 1, 1, 6]


@pytest.mark.parametrize("damage", ["missing", "truncated", "not gzip"])
def test_damaged_mnist_is_named(damage, tmp_path, data_dir, monkeypatch):
    datasets = data.import_torchvision().datasets
    monkeypatch.setattr(datasets.MNIST, "mirrors", ["http://127.0.0.1:9/"])  # a machine without a network
    raw = tmp_path / "MNIST" / "raw"
    if damage != "missing":
        shutil.copytree(data_dir / "MNIST" / "raw", raw, copy_function=shutil.copyfile)
        victim = raw / "train-images-idx3-ubyte"
        victim.write_bytes(victim.read_bytes()[:100_000] if damage == "truncated" else b"not an image file at all")
    with pytest.raises(InputError, match="could not be downloaded" if damage == "missing" else "is damaged") as error:
        data.load("mnist", tmp_path)
    assert "--data-dir" in str(error.value)
    assert "\n" not in str(error.value) and str(tmp_path / "MNIST") in str(error.value)
    if damage == "missing":
        assert list(tmp_path.iterdir()) == [], "empty folders are left behind"
