"""Datasets in their original formats, small, for the tests of what reads them."""

import bz2
import gzip
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from infogan import data
from infogan.data.formats import idx
from infogan.utils.errors import InputError


def assert_input_error(name: str, folder: Path, *words: str) -> None:
    """Loading the dataset raises an InputError of one line that has all the words."""
    with pytest.raises(InputError) as error:
        data.load(name, folder)
    assert "\n" not in str(error.value) and all(word in str(error.value) for word in words), error.value


def split_sizes(dataset: data.Dataset) -> list[int]:
    return [len(dataset.train), len(dataset.validation), len(dataset.test)]


def as_idx(array: np.ndarray) -> bytes:
    """An array uint8 as an idx file has it."""
    return struct.pack(f">I{array.ndim}I", 0x800 + array.ndim, *array.shape) + array.tobytes()


def write_idx(root: Path, name: str, how: str = "plain", counts: tuple[int, int] = (94, 47), labels=None) -> Path:
    """Files of a dataset of MNIST's layout: training images, then test images, whose counts the layout must allow.

    Every label in turn; image i is of brightness i + 100, in an upright bar at the left. how: plain, gzipped, dotted
    (with a dot before idx), or zip, EMNIST's.
    """
    layout, files = idx.LAYOUTS[name], {}
    raw = root / layout.folder / "raw"
    raw.mkdir(parents=True)
    for part, count in zip(layout.parts, counts, strict=True):
        images = np.zeros((count, 28, 28), np.uint8)
        images[:, :, :4] = np.arange(count)[:, None, None] + 100
        if layout.folder == "EMNIST":
            images = images.swapaxes(1, 2)
        files[f"{part}-images-idx3-ubyte"] = as_idx(images)
        files[f"{part}-labels-idx1-ubyte"] = as_idx(np.resize(np.array(labels or layout.labels, np.uint8), count))
    if how == "zip":
        with zipfile.ZipFile(raw / "gzip.zip", "w") as archive:
            for file, content in files.items():
                archive.writestr(f"gzip/{file}.gz", gzip.compress(content, 1))
        return raw
    for file, content in files.items():
        file = file.replace("-idx", ".idx") if how == "dotted" else file
        (raw / (f"{file}.gz" if how == "gzipped" else file)).write_bytes(
            gzip.compress(content, 1) if how == "gzipped" else content
        )
    return raw


def write_svhn(root: Path, counts: tuple[int, int] = (40, 20)) -> Path:
    """Every label in turn; the images are noise, and pixel (0, 0) of image i is of brightness i."""
    random = np.random.default_rng(0)
    for part, count in zip(("train", "test"), counts, strict=True):
        images = random.integers(0, 256, (32, 32, 3, count), dtype=np.uint8)
        images[0, 0] = np.arange(count)
        labels = (np.arange(count) % 10 + 1).astype(np.uint8)[:, None]
        savemat(root / f"{part}_32x32.mat", {"X": images, "y": labels}, do_compression=True)
    return root


def write_usps(root: Path, counts: tuple[int, int] = (60, 20), change=lambda text: text) -> Path:
    """Every label in turn; images are dark grey; the first pixel is black, the second grey, the last white.

    change: what is done to the text of each file.
    """
    pixels = " ".join(f"{k + 1}:{v}" for k, v in enumerate(["-1", "0", *["-0.5"] * 253, "1"]))
    for file, count in zip(("usps.bz2", "usps.t.bz2"), counts, strict=True):
        text = "".join(f"{i % 10 + 1} {pixels} \n" for i in range(count))
        (root / file).write_bytes(bz2.compress(change(text).encode()))
    return root


def write_chairs(root: Path, chairs: int = 5) -> Path:
    """Three renders of each chair on white, in a grey of its own."""
    for chair in range(chairs):
        folder = root / "rendered_chairs" / f"{chair:032x}" / "renders"
        folder.mkdir(parents=True)
        for k, (pitch, azimuth) in enumerate([(20, 11), (20, 191), (30, 348)]):
            image = Image.new("RGB", (600, 600), (255, 255, 255))
            image.paste((40 * chair,) * 3, (150, 150, 450, 450))
            image.save(folder / f"image_{k + 1:03d}_p{pitch:03d}_t{azimuth:03d}_r096.png")
    return root / "rendered_chairs"


def write_celeba(root: Path, count: int = 30, zipped: bool = False, noise: bool = False) -> Path:
    """Aligned images whose middle 148 x 148 are of one colour, and a list of 40 attributes."""
    folder = root / "celeba"
    (folder / "img_align_celeba").mkdir(parents=True)
    names = [f"{i + 1:06d}.jpg" for i in range(count)]
    # As much detail, and as large a file, as a photograph.
    photograph = Image.fromarray(np.random.default_rng(0).integers(0, 20, (218, 178, 3), np.uint8))
    for i, name in enumerate(names):
        image = photograph.copy() if noise else Image.new("RGB", (178, 218), (0, 0, 0))
        if not noise:
            image.paste((8 * i % 256, 100, 200), (15, 35, 163, 183))
        image.save(folder / "img_align_celeba" / name, quality=95, subsampling=0)
    lines = [f"{name}  " + " ".join("1" if (i + k) % 3 else "-1" for k in range(40)) for i, name in enumerate(names)]
    lines = [str(count), " ".join(f"A{k}" for k in range(40)) + " ", *lines]
    (folder / "list_attr_celeba.txt").write_text("\n".join(lines) + "\n")
    parts = [0 if i < 0.8 * count else 1 if i < 0.9 * count else 2 for i in range(count)]
    (folder / "list_eval_partition.txt").write_text("".join(f"{name} {part}\n" for name, part in zip(names, parts)))
    if zipped:
        with zipfile.ZipFile(folder / "img_align_celeba.zip", "w") as archive:
            for name in names:
                archive.write(folder / "img_align_celeba" / name, f"img_align_celeba/{name}")
                (folder / "img_align_celeba" / name).unlink()
        (folder / "img_align_celeba").rmdir()
    return folder
