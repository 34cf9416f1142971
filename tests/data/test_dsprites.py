import zipfile
from pathlib import Path

import numpy as np
import pytest
from dataset_files import assert_input_error, split_sizes

from infogan import data
from infogan.data import cache, limits
from infogan.data.formats import dsprites
from infogan.reports.information import known_factors


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


def test_the_original_file_is_found_by_name(tmp_path, monkeypatch):
    """Its images may be larger than the limit of memory, which they are mapped for; its colour is no factor."""
    random = np.random.default_rng(0)
    values = np.column_stack([np.ones(50), *(random.permutation(np.arange(50) % 5 + 1) for _ in range(5))])
    images, _ = write_dsprites(tmp_path / dsprites.FILE, latents_values=values.astype(float))
    monkeypatch.setenv(limits.BYTES_VARIABLE, str(values.size * 8))
    loaded = data.load("dsprites", tmp_path)
    assert loaded.name == "dsprites" and split_sizes(loaded) == [40, 5, 5]
    assert loaded.train.images.unique().tolist() == [0, 255]
    assert int((loaded.train.images[:, 0] == 255).sum()) <= images.sum()
    assert known_factors(loaded)[1]["factors"][1] == ("shape", "scale", "orientation", "posX", "posY")
    assert not (tmp_path / "unpickled").exists()
    monkeypatch.setenv(limits.BYTES_VARIABLE, str(values.size * 8 - 1))
    assert_input_error("dsprites", tmp_path, "`latents_values` takes 2,400 bytes", limits.BYTES_VARIABLE)


def test_an_absent_original_file_is_one_line_that_says_where_to_get_it(tmp_path):
    message = ("there is no", dsprites.FILE, "get it from https://github.com/google-deepmind/dsprites-dataset")
    assert_input_error("dsprites", tmp_path, *message, "--data-dir", "sprites is drawn here")
    (tmp_path / dsprites.FILE).mkdir()
    assert_input_error("dsprites", tmp_path, dsprites.FILE, "is a folder; give a regular file")


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
