import zipfile
from pathlib import Path

import numpy as np
import pytest
from dataset_files import assert_input_error, split_sizes

from infogan import data
from infogan.data import cache


class Trap:
    """Creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def write_dsprites(path: Path, count: int = 50, **changes) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    images, factors = random.integers(0, 2, (count, 64, 64), dtype=np.uint8), random.normal(size=(count, 6))
    trap = np.array(Trap(path.parent / "unpickled"), dtype=object)
    arrays = {"metadata": trap, "imgs": images, "latents_values": factors, "latents_classes": factors.astype(int)}
    np.savez_compressed(path, **(arrays | changes))
    return images, factors


def test_dsprites_keeps_images_and_factors_together_and_unpickles_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "CHUNK", 7)
    images, factors = write_dsprites(tmp_path / "dsprites.npz")
    loaded = data.load("dsprites.npz", tmp_path)
    assert not (tmp_path / "unpickled").exists()
    with pytest.raises(ValueError, match="Object arrays"):
        np.load(tmp_path / "dsprites.npz", allow_pickle=False)["metadata"]
    assert split_sizes(loaded) == [40, 5, 5] and loaded.image_shape == (1, 64, 64)
    values, names = loaded.test.extra["factors"]
    assert names == ("color", "shape", "scale", "orientation", "posX", "posY")
    for image, truth in zip(loaded.test.images, values):
        original = np.abs(factors - truth.numpy()).sum(1).argmin()
        assert np.array_equal(image[0].numpy(), 255 * images[original])


def test_damaged_dsprites_is_named(tmp_path):
    write_dsprites(tmp_path / "d.npz", imgs=np.zeros((50, 32, 32), np.uint8))
    assert_input_error("d.npz", tmp_path, "not dSprites", "(50, 32, 32)")
    write_dsprites(tmp_path / "d.npz")
    whole = (tmp_path / "d.npz").read_bytes()
    (tmp_path / "d.npz").write_bytes(whole[: len(whole) // 2])
    assert_input_error("d.npz", tmp_path, "d.npz")
    (tmp_path / "d.npz").write_bytes(whole)
    with zipfile.ZipFile(tmp_path / "d.npz") as archive:
        member = archive.getinfo("imgs.npy")
    middle = member.header_offset + member.compress_size // 2
    (tmp_path / "d.npz").write_bytes(whole[:middle] + bytes(40) + whole[middle + 40 :])
    assert_input_error("d.npz", tmp_path, "d.npz is damaged", "get it again")
