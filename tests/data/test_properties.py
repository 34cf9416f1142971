"""Whatever a file holds, it is a dataset or one line that says why not: generated arrays, folders and damage."""

import gzip
import io
import os
import shutil
import tempfile
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image
from scipy.io import savemat

from infogan import data
from infogan.data.decoding import decode_image, look_at
from infogan.data.files import as_input_error
from infogan.data.formats.idx import read_idx
from infogan.data.formats.svhn import read_mat
from infogan.utils.errors import InputError

few = settings(
    max_examples=60,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
NOISE = np.random.default_rng(0).integers(0, 255, (20, 8, 8), np.uint8)


@pytest.fixture(scope="module")
def folder():
    """One for all examples: a new one for each would take longer than the test."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def assert_dataset_or_input_error(name: str) -> None:
    try:
        dataset = data.load(name)
    except InputError as error:
        assert "\n" not in str(error)
        return
    for part in (dataset.train, dataset.validation, dataset.test):
        assert part.images.dtype == torch.uint8 and part.images.ndim == 4 and part.images.shape[1] in (1, 3)
        assert len(part) > 0 and part.images.shape[1:] == dataset.train.images.shape[1:]
        if part.labels is not None:
            assert part.labels.dtype == torch.int64 and part.labels.shape == (len(part),)
            assert 0 <= int(part.labels.min()) and int(part.labels.max()) < max(1, len(part.classes))
        for values, names in part.extra.values():
            assert values.shape == (len(part), len(names)) and torch.isfinite(values.double()).all()


ANY_TYPE = st.one_of(
    arrays.boolean_dtypes(),
    arrays.integer_dtypes(endianness="?"),
    arrays.unsigned_integer_dtypes(endianness="?"),
    arrays.floating_dtypes(endianness="?"),
    arrays.complex_number_dtypes(),
    arrays.datetime64_dtypes(),
    arrays.byte_string_dtypes(max_len=4),
    arrays.unicode_string_dtypes(max_len=4),
    st.just(np.dtype(np.longdouble)),
    st.just(np.dtype([("a", "i4"), ("b", "f4")])),
)


def any_array(shape=None) -> st.SearchStrategy:
    shapes = arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=25)
    small = shapes.filter(lambda shape: np.prod(shape) < 3000)
    return arrays.arrays(ANY_TYPE, small if shape is None else shape)


SIDE = st.one_of(
    any_array((20,)), any_array((20, 2)), any_array((2,)), any_array(), st.just(np.array([{}] * 20, dtype=object))
)
IMAGES = st.one_of(st.just(NOISE), st.just(NOISE), st.just(NOISE), any_array(), any_array((20, 4, 4)))
KEYS = ("labels", "attributes", "attribute_names", "factors", "factor_names", "notes", "é ü", "imgs", "latents_values")


@few
@given(images=IMAGES, sides=st.dictionaries(st.sampled_from(KEYS), SIDE, max_size=3), has_images=st.integers(0, 9))
def test_any_arrays(folder, images, sides, has_images):
    np.savez(folder / "x.npz", **sides, **({"images": images} if has_images else {}))
    assert_dataset_or_input_error(str(folder / "x.npz"))


def as_bytes(write) -> bytes:
    file = io.BytesIO()
    write(file)
    return file.getvalue()


PNG = as_bytes(lambda file: Image.fromarray(NOISE[0]).save(file, "PNG"))


def write_image(path: bytes) -> None:
    Path(os.fsdecode(path)).write_bytes(PNG)


WRITE = {
    "image": write_image,
    "text": lambda path: Path(os.fsdecode(path)).write_text("no image"),
    "empty": lambda path: Path(os.fsdecode(path)).touch(),
    "folder": os.mkdir,
    "pipe": os.mkfifo,
    "broken link": lambda path: os.symlink(b"absent", path),
    "circle": lambda path: os.symlink(os.path.basename(path), path),
    "link to the folder": lambda path: os.symlink(b"..", path),
    "link out": lambda path: os.symlink(b"/usr", path),
}
FOLDER_NAMES = [b"", b"a", b"b c", b"train", b"Test", b"val", b".hidden", b"x.png", b"\xff\xfe", b"__MACOSX", b"$x$"]
FILE_NAME = st.one_of(
    st.sampled_from([b"x.png", b"X.PNG", b".x.png", b"x.jfif", b"x", b"x.txt", b"\xff.png", b"train", b"\n.png"]),
    st.lists(st.integers(1, 255).filter(lambda byte: byte != ord("/")), max_size=8).map(lambda n: bytes(n) + b".gif"),
)
KINDS = st.sampled_from(["image"] * 8 + list(WRITE))


@few
@given(
    full=st.lists(st.sampled_from(FOLDER_NAMES), min_size=1, max_size=3),
    odd=st.lists(st.tuples(st.sampled_from(FOLDER_NAMES), FILE_NAME, KINDS), max_size=5),
)
def test_any_folder(folder, full, odd):
    shutil.rmtree(folder / "tree", ignore_errors=True)
    root = os.fsencode(folder / "tree" / "data")
    for name in full:
        os.makedirs(os.path.join(root, name), exist_ok=True)
        for i in range(12):
            write_image(os.path.join(root, name, b"%d.png" % i))
    for name, file, kind in odd:
        os.makedirs(os.path.join(root, name), exist_ok=True)
        if not os.path.lexists(os.path.join(root, name, file)):
            WRITE[kind](os.path.join(root, name, file))
    assert_dataset_or_input_error(f"{os.fsdecode(root)}@8")


def damaged(whole: bytes) -> st.SearchStrategy[bytes]:
    """The bytes cut short, with some bytes changed, or both."""
    flips = st.lists(st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255)), max_size=4)
    near_start = st.lists(st.tuples(st.integers(0, min(200, len(whole)) - 1), st.integers(0, 255)), max_size=4)
    cuts = st.one_of(st.just(len(whole)), st.just(len(whole)), st.integers(0, len(whole)))

    def damage(flips, cut):
        out = bytearray(whole)
        for at, value in flips:
            out[at] = value
        return bytes(out[:cut])

    return st.builds(damage, st.one_of(flips, near_start), cuts)


IDX = b"\0\0\x08\x03" + np.array([20, 8, 8], ">u4").tobytes() + NOISE.tobytes()
NPZ = as_bytes(lambda file: np.savez(file, images=NOISE, labels=np.arange(20)))
PACKED = as_bytes(lambda file: np.savez_compressed(file, images=NOISE, labels=np.arange(20)))
GIF = as_bytes(lambda file: Image.fromarray(NOISE[0]).save(file, "GIF"))
JPEG = as_bytes(lambda file: Image.fromarray(NOISE[0]).save(file, "JPEG"))
SVHN = {"X": np.zeros((32, 32, 3, 2), np.uint8), "y": np.array([[1], [10]], np.uint8)}
MAT = as_bytes(lambda file: savemat(file, SVHN))
PACKED_MAT = as_bytes(lambda file: savemat(file, SVHN, do_compression=True))


def read_image(path: Path) -> None:
    look_at(path)
    assert decode_image(path, "d", True, 8).shape == (3, 8, 8)


def read_svhn(path: Path) -> None:
    split = read_mat(path)
    assert split.images.shape[1:] == (3, 32, 32) and 0 <= split.labels.min() and split.labels.max() <= 9


def read_images_of_idx(path: Path) -> None:
    with as_input_error(str(path), "", (OSError, EOFError, ValueError, zlib.error)):
        assert read_idx(path, (20, 8, 8)).shape == (20, 8, 8)


READ = {
    "d.npz": ((NPZ, PACKED), lambda path: assert_dataset_or_input_error(str(path))),
    "d.png": ((PNG, GIF, JPEG), read_image),
    "d.mat": ((MAT, PACKED_MAT), read_svhn),
    "d": ((IDX,), read_images_of_idx),
    "d.gz": ((gzip.compress(IDX, mtime=0),), read_images_of_idx),
}


@pytest.mark.parametrize("name", READ)
@few
@given(drawn=st.data())
def test_any_damage(folder, name, drawn):
    whole, read = READ[name]
    (folder / name).write_bytes(drawn.draw(st.one_of(*map(damaged, whole), st.binary(max_size=200))))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of libraries, such as Pillow's of metadata
        try:
            read(folder / name)
        except InputError as error:
            assert "\n" not in str(error)
