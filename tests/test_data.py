import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch

from infogan import data
from infogan.config import InputError


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


def test_unknown_names_are_refused():
    with pytest.raises(InputError, match="'imagenet'"):
        data.load("imagenet")


def write_npz(path, **changes):
    rng = np.random.default_rng(0)
    arrays = {
        "images": rng.integers(0, 255, (40, 32, 32, 3), dtype=np.uint8),
        "labels": np.arange(40, dtype=np.uint8) % 4,
        "attributes": rng.integers(0, 2, (40, 2)),
        "attribute_names": np.array(["smiling", "glasses"]),
        "factors": rng.normal(size=(40, 3)).astype(np.float32),
        "factor_names": np.array(["light", "yaw", "pitch"]),
    } | changes
    np.savez(path, **{key: value for key, value in arrays.items() if value is not None})
    return arrays


def test_npz_keeps_images_labels_attributes_and_factors_together(tmp_path):
    arrays = write_npz(tmp_path / "faces.npz")
    loaded = data.load(str(tmp_path / "faces.npz"))
    assert loaded.name == "faces" and loaded.image_shape == (3, 32, 32)
    assert [len(s) for s in (loaded.train, loaded.validation, loaded.test)] == [32, 4, 4]
    attributes, names = loaded.train.extra["attributes"]
    assert names == ("smiling", "glasses") and loaded.train.extra["factors"][1] == ("light", "yaw", "pitch")
    for image, label, attribute in zip(loaded.train.images, loaded.train.labels, attributes):
        source = next(i for i in range(40) if np.array_equal(arrays["images"][i].transpose(2, 0, 1), image))
        assert arrays["labels"][source] == label and arrays["attributes"][source].tolist() == attribute.tolist()


def test_npz_of_gray_images_without_labels(tmp_path):
    write_npz(tmp_path / "gray.npz", images=np.zeros((40, 28, 28), np.uint8), labels=None)
    loaded = data.load(str(tmp_path / "gray.npz"))
    assert loaded.image_shape == (1, 28, 28) and loaded.train.labels is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": None}, "no `images`"),
        ({"images": np.zeros((40, 28, 28), np.float32)}, "float32 of shape"),
        ({"images": np.zeros((40, 28), np.uint8)}, r"shape \(40, 28\)"),
        ({"images": np.zeros((40, 28, 28, 2), np.uint8)}, r"C = 1 or 3"),
        ({"images": np.zeros((5, 28, 28), np.uint8)}, "5 images"),
        ({"labels": np.zeros(39, np.uint8)}, r"`labels` has shape \(39,\); give 40, for 40 images"),
        ({"labels": np.uint8(3)}, r"`labels` has shape \(\)"),
        ({"factors": np.zeros(40)}, r"`factors` has shape \(40,\); give 40 x names"),
        ({"factors": np.zeros((40, 2)), "factor_names": ["one"]}, "a name for each of 2 columns"),
        ({"labels": np.zeros(40)}, "whole numbers"),
        ({"images": np.array([{}] * 40)}, "cannot be read"),
    ],
)
def test_wrong_npz_is_named(changes, message, tmp_path):
    write_npz(tmp_path / "wrong.npz", **changes)
    with pytest.raises(InputError, match=message) as error:
        data.load(str(tmp_path / "wrong.npz"))
    assert "\n" not in str(error.value) and "wrong.npz" in str(error.value)


def test_missing_and_truncated_npz_are_named(tmp_path):
    with pytest.raises(InputError, match="no file"):
        data.load(str(tmp_path / "absent.npz"))
    path = tmp_path / "half.npz"
    write_npz(path)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(InputError, match="cannot be read as .npz"):
        data.load(str(path))


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


def test_torchvision_imports_beside_this_torch():
    """In its own process, whether or not this pair of wheels fits together."""
    code = "from infogan.data import import_torchvision as i; v = i(); print(v.datasets.MNIST, v.utils.make_grid)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "MNIST" in done.stdout, done.stderr


def test_a_torchvision_that_imports_is_left_alone(tmp_path):
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text("sound = True")
    code = "from infogan.data import import_torchvision as i; assert i().sound and not hasattr(i, 'library')"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env={"PYTHONPATH": str(tmp_path)}
    )
    assert done.returncode == 0, done.stderr


def test_another_runtime_error_of_torchvision_is_not_hidden(tmp_path):
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text("raise RuntimeError('something else')")
    code = "from infogan.data import import_torchvision as i; i()"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env={"PYTHONPATH": str(tmp_path)}
    )
    assert done.returncode != 0 and "something else" in done.stderr
