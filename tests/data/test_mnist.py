import gzip
import struct

import numpy as np
import pytest
import torch
from dataset_files import assert_input_error, idx, split_sizes

from infogan import data


def test_mnist_is_split_into_train_validation_test(data_dir):
    mnist = data.load("mnist", data_dir)
    assert split_sizes(mnist) == [50_000, 10_000, 10_000] and mnist.image_shape == (1, 28, 28)
    assert mnist.train.labels[:5].tolist() == [5, 0, 4, 1, 9] and mnist.test.labels[:5].tolist() == [7, 2, 1, 0, 4]
    assert mnist.train.images.dtype == torch.uint8 and int(mnist.train.images.max()) == 255


def test_fashion_mnist_loads_from_the_environment_variable(data_dir, monkeypatch):
    monkeypatch.setenv(data.DATA_VARIABLE, str(data_dir))
    fashion = data.load("fashion-mnist")
    assert len(fashion.train) == 50_000 and fashion.test.labels[:5].tolist() == [9, 2, 1, 1, 6]


HEADER = struct.pack(">4I", 0x803, 60_000, 28, 28)


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
def test_files_of_other_spellings_and_gzipped_ones_are_read(gzipped, tmp_path, monkeypatch):
    monkeypatch.setattr(data.import_torchvision().datasets, "MNIST", None)  # nothing is to be downloaded
    write_mnist(tmp_path, lambda name: name.replace("-idx", ".idx"), gzipped)
    mnist = data.load("mnist", tmp_path)
    assert split_sizes(mnist) == [50_000, 10_000, 10_000] and mnist.train.labels.dtype == torch.int64
    assert mnist.test.labels[:3].tolist() == [0, 1, 2] and mnist.test.images[2, 0, 20, 20] == 50


def test_kmnist_is_read_as_mnist_is_with_names_of_its_classes(tmp_path):
    names = tuple(data.import_torchvision().datasets.KMNIST.classes)
    write_mnist(tmp_path, gzipped=True, folder="KMNIST")
    kmnist = data.load("kmnist", tmp_path)
    assert split_sizes(kmnist) == [50_000, 10_000, 10_000] and kmnist.test.labels[:3].tolist() == [0, 1, 2]
    assert kmnist.name == "kmnist" and kmnist.train.classes == kmnist.test.classes == names


def test_a_label_that_is_none_is_named(tmp_path):
    write_mnist(tmp_path, label=77)
    assert_input_error("mnist", tmp_path, "train-labels-idx1-ubyte", "label 77")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (gzip.compress(HEADER + bytes(100_000))[:50], "Compressed file ended"),
        (b"<html>not found</html>", "Not a gzipped file"),
        (gzip.compress(HEADER + bytes(100_000_000), 1), "more than its 47,040,000 values"),
        (gzip.compress(struct.pack(">4I", 0x803, 50, 28, 28)), "(50, 28, 28)"),
        (gzip.compress(b"what is this"), "no idx file"),
        (HEADER + bytes(100_000), "less than its 47,040,000 values"),
        (b"not an image file at all", "no idx file"),
    ],
    ids=["truncated", "a page", "a bomb", "another shape", "another format", "plain, truncated", "plain, a page"],
)
def test_a_damaged_gz_is_named_and_not_called_missing(content, reason, tmp_path, monkeypatch):
    """Or a damaged file that is not gzipped."""
    monkeypatch.setattr(data.import_torchvision().datasets.MNIST, "mirrors", ["http://127.0.0.1:9/"])
    plain = content[:2] != b"\x1f\x8b" and b"html" not in content
    path = tmp_path / "MNIST" / "raw" / f"train-images-idx3-ubyte{'' if plain else '.gz'}"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert_input_error("mnist", tmp_path, path.name, "damaged", reason, "--data-dir")
    assert path.read_bytes() == content


def test_a_failed_download_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(data.import_torchvision().datasets.MNIST, "mirrors", ["http://127.0.0.1:9/"])
    words = ("train-images", "could not be downloaded", "refused", "--data-dir", str(tmp_path / "a" / "b" / "MNIST"))
    assert_input_error("mnist", tmp_path / "a" / "b", *words)
    assert list(tmp_path.iterdir()) == []
