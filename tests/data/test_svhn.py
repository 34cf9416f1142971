from pathlib import Path

import numpy as np
from dataset_files import assert_input_error, split_sizes
from scipy.io import savemat

from infogan import data


def write_svhn(folder: Path, train: int = 40, test: int = 20) -> np.ndarray:
    random = np.random.default_rng(0)
    for part, count in (("train", train), ("test", test)):
        images = random.integers(0, 256, (32, 32, 3, count), dtype=np.uint8)
        labels = (np.arange(count) % 10 + 1).astype(np.uint8)[:, None]
        savemat(folder / f"{part}_32x32.mat", {"X": images, "y": labels}, do_compression=True)
    return images


def test_svhn_has_its_images_labels_and_splits(tmp_path):
    test = write_svhn(tmp_path)
    svhn = data.load("svhn", tmp_path)
    assert split_sizes(svhn) == [36, 4, 20] and svhn.image_shape == (3, 32, 32)
    assert svhn.test.labels[:11].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1], "the file's 10 is the digit 0"
    assert np.array_equal(svhn.test.images[5].numpy(), test[..., 5].transpose(2, 0, 1))


def test_damaged_svhn_is_named(tmp_path, monkeypatch):
    write_svhn(tmp_path)
    path = tmp_path / "train_32x32.mat"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert_input_error("svhn", tmp_path, "train_32x32.mat is damaged", "get it again")
    savemat(path, {"X": np.zeros((28, 28, 3, 5), np.uint8), "y": np.ones((5, 1))})
    assert_input_error("svhn", tmp_path, "train_32x32.mat", "(28, 28, 3, 5)")
    path.unlink()
    unreachable = {"train": ["http://127.0.0.1:9/train", "train_32x32.mat", "0"]}
    monkeypatch.setattr(data.import_torchvision().datasets.SVHN, "split_list", unreachable)
    assert_input_error("svhn", tmp_path, "train_32x32.mat is not in", "could not be downloaded", "--data-dir")
