import gzip
import shutil
import struct

import numpy as np
import pytest
import torch
from dataset_files import assert_input_error, idx, split_sizes

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


def write_mnist(root, spell=lambda name: name, gzipped=False, label=9, folder="MNIST"):
    """Files of MNIST's size: all images alike but the labels' brightness."""
    raw = root / folder / "raw"
    raw.mkdir(parents=True)
    for part, count in (("train", 60_000), ("t10k", 10_000)):
        labels = (np.arange(count) % 10).astype(np.uint8)
        images = np.zeros((count, 28, 28), np.uint8)
        images[:, 14:] = labels[:, None, None] * 25
        labels[-1] = label
        files = {f"{part}-images-idx3-ubyte": images, f"{part}-labels-idx1-ubyte": labels}
        for name, array in files.items():
            path = raw / spell(name)
            if gzipped:
                path.with_name(path.name + ".gz").write_bytes(gzip.compress(idx(array), 1))
            else:
                path.write_bytes(idx(array))
    return raw


@pytest.mark.parametrize("gzipped", [False, True])
@pytest.mark.parametrize("spell", [lambda name: name, lambda name: name.replace("-idx", ".idx")], ids=["-", "."])
def test_files_of_other_spellings_and_gzipped_ones_are_read(spell, gzipped, tmp_path, monkeypatch):
    monkeypatch.setattr(data.import_torchvision().datasets, "MNIST", None)  # nothing is to be downloaded
    write_mnist(tmp_path, spell, gzipped)
    mnist = data.load("mnist", tmp_path)
    assert split_sizes(mnist) == [50_000, 10_000, 10_000] and mnist.train.labels.dtype == torch.int64
    assert mnist.test.labels[:3].tolist() == [0, 1, 2] and mnist.test.images[2, 0, 20, 20] == 50


def test_kmnist_is_read_as_mnist_is_with_names_of_its_classes(tmp_path, monkeypatch):
    datasets = data.import_torchvision().datasets
    names = tuple(datasets.KMNIST.classes)
    monkeypatch.setattr(datasets.KMNIST, "mirrors", ["http://127.0.0.1:9/"])
    assert_input_error("kmnist", tmp_path, "kmnist's train-images-idx3-ubyte is not in", "could not be downloaded")
    assert list(tmp_path.iterdir()) == []
    write_mnist(tmp_path, gzipped=True, folder="KMNIST")
    kmnist = data.load("kmnist", tmp_path)
    assert split_sizes(kmnist) == [50_000, 10_000, 10_000] and kmnist.test.labels[:3].tolist() == [0, 1, 2]
    assert kmnist.name == "kmnist" and kmnist.train.classes == kmnist.test.classes == names


def test_a_label_that_is_none_is_named(tmp_path):
    write_mnist(tmp_path, label=77)
    assert_input_error("mnist", tmp_path, "train-labels-idx1-ubyte is damaged (it has the label 77, expected 0 to 9)")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (
            gzip.compress(struct.pack(">4I", 0x803, 60_000, 28, 28) + bytes(100_000))[:50],
            "train-images-idx3-ubyte.gz is damaged (Compressed file ended before",
        ),
        (b"<html>not found</html>", "train-images-idx3-ubyte.gz is damaged (Not a gzipped file"),
        (
            gzip.compress(struct.pack(">4I", 0x803, 60_000, 28, 28) + bytes(100_000_000), 1),
            "train-images-idx3-ubyte.gz is damaged (it holds more than its 47,040,000 values)",
        ),
        (gzip.compress(struct.pack(">4I", 0x803, 50, 28, 28)), "its shape is (50, 28, 28), expected (60000, 28, 28)"),
        (gzip.compress(b"what is this"), "it is no idx file of 3 dimensions"),
    ],
    ids=["truncated", "a page", "a bomb", "another shape", "another format"],
)
def test_a_damaged_gz_is_named_and_not_called_missing(content, reason, tmp_path, monkeypatch):
    monkeypatch.setattr(data.import_torchvision().datasets.MNIST, "mirrors", ["http://127.0.0.1:9/"])
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / "train-images-idx3-ubyte.gz").write_bytes(content)
    assert_input_error("mnist", tmp_path, reason, "--data-dir")
    assert (raw / "train-images-idx3-ubyte.gz").read_bytes() == content


def test_a_failed_download_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(data.import_torchvision().datasets.MNIST, "mirrors", ["http://127.0.0.1:9/"])
    assert_input_error("mnist", tmp_path / "a" / "b", "Error downloading train-images", "refused")
    assert list(tmp_path.iterdir()) == []
