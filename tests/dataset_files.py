"""Datasets in their original formats, small, for the tests of what reads them."""

import gzip
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from infogan import data
from infogan.errors import InputError


def assert_input_error(name: str, folder: Path, *words: str) -> None:
    """Loading the dataset raises an InputError of one line that has all the words."""
    with pytest.raises(InputError) as error:
        data.load(name, folder)
    assert "\n" not in str(error.value) and all(word in str(error.value) for word in words), error.value


def split_sizes(dataset: data.Dataset) -> list[int]:
    return [len(dataset.train), len(dataset.validation), len(dataset.test)]


def idx(array: np.ndarray) -> bytes:
    """An array uint8 as an idx file has it."""
    return struct.pack(f">I{array.ndim}I", 0x800 + array.ndim, *array.shape) + array.tobytes()


def write_emnist(root: Path, name: str, labels: range, how: str = "zip", counts: tuple[int, int] = (94, 47)) -> Path:
    """Files of an EMNIST dataset, training images then test images: the zip, or files that are gzipped or plain.

    Every label in turn; image i is of brightness i, in an upright bar at the left: its file has it at the top.
    """
    raw, files = root / "EMNIST" / "raw", {}
    raw.mkdir(parents=True)
    for part, count in zip(("train", "test"), counts, strict=True):
        images = np.zeros((count, 28, 28), np.uint8)
        images[:, :4] = np.arange(count)[:, None, None] + 100
        files[f"{name}-{part}-images-idx3-ubyte"] = idx(images)
        files[f"{name}-{part}-labels-idx1-ubyte"] = idx(np.resize(np.array(labels, np.uint8), count))
    if how == "zip":
        with zipfile.ZipFile(raw / "gzip.zip", "w") as archive:
            for file, content in files.items():
                archive.writestr(f"gzip/{file}.gz", gzip.compress(content, 1))
        return raw
    for file, content in files.items():
        path = raw / (f"{file}.gz" if how == "gzipped" else file)
        path.write_bytes(gzip.compress(content, 1) if how == "gzipped" else content)
    return raw


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
