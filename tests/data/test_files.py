"""Files of datasets: limits, pipes, torchvision's import."""

import io
import os
import signal
import struct
import sys
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from dataset_files import assert_input_error, split_sizes, write_celeba, write_svhn
from PIL import Image

from infogan import data
from infogan.data import files
from infogan.data.files import expand_user, one_line
from infogan.utils.errors import InputError

NOISE = np.random.default_rng(0).integers(0, 255, (40, 32, 32), np.uint8)


@pytest.mark.parametrize("name", ["x.npz", "svhn"])
def test_a_dataset_larger_than_the_limit_is_refused_until_the_limit_is_raised(name, tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / "x.npz", images=NOISE)
    write_svhn(tmp_path)
    monkeypatch.setenv(files.BYTES_VARIABLE, "4e4")
    assert_input_error(name, tmp_path, "40,000", files.BYTES_VARIABLE)
    monkeypatch.setenv(files.BYTES_VARIABLE, "1e6")
    assert sum(split_sizes(data.load(name, tmp_path))) >= 40


def test_an_array_larger_than_its_file_is_named(tmp_path):
    """Its memory would be taken before the file turns out to be short."""
    header = io.BytesIO()
    described = {"descr": "|u1", "fortran_order": False, "shape": (10**6, 10**3, 10**3)}
    np.lib.format.write_array_header_1_0(header, described)
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("images.npy", header.getvalue() + bytes(100))
    assert_input_error(str(tmp_path / "x.npz"), tmp_path, "`images` cannot be read")


def write_huge_png(path: Path, width: int, height: int) -> None:
    """A file of a few hundred bytes that declares width x height pixels."""
    parts = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(bytes(1000)))]
    chunks = [
        struct.pack(">I", len(d)) + t + d + struct.pack(">I", zlib.crc32(t + d)) for t, d in [*parts, (b"IEND", b"")]
    ]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))


def test_an_image_of_too_many_pixels_is_refused_until_the_limit_is_raised(tmp_path, monkeypatch, recwarn):
    (tmp_path / "p").mkdir()
    for i in range(20):
        Image.fromarray(NOISE[i]).save(tmp_path / "p" / f"{i}.png")
    for side in (11_000, 50_000):  # above the limit, and above Pillow's
        write_huge_png(tmp_path / "p" / "huge.png", side, side)
        assert_input_error(str(tmp_path / "p"), tmp_path, "huge.png", files.PIXELS_VARIABLE)
        assert side > 11_000 or not recwarn  # one line says it
    (tmp_path / "p" / "huge.png").unlink()
    monkeypatch.setenv(files.PIXELS_VARIABLE, "1000")
    assert_input_error(str(tmp_path / "p"), tmp_path, "1,000")
    monkeypatch.setenv(files.PIXELS_VARIABLE, "1024")
    assert sum(split_sizes(data.load(str(tmp_path / "p")))) == 20


def test_a_huge_file_in_celebas_zip_is_not_unpacked(tmp_path, monkeypatch):
    path = write_celeba(tmp_path, zipped=True) / "img_align_celeba.zip"
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("again/000003.jpg", bytes(2_000_000))
    monkeypatch.setenv(files.PIXELS_VARIABLE, "1e5")
    assert_input_error("celeba", tmp_path, "000003.jpg", "2,000,000", files.PIXELS_VARIABLE)


@pytest.mark.parametrize("text", ["many", "0", "-1", "nan", "inf"])
def test_a_limit_that_is_no_number_is_named(text, monkeypatch):
    monkeypatch.setenv(files.BYTES_VARIABLE, text)
    with pytest.raises(InputError, match=f"INFOGAN_MAX_BYTES is '{text}'"):
        files.limit(files.BYTES_VARIABLE)


@pytest.fixture
def ends():
    """A test that hangs fails."""

    def stop(number, frame):
        raise TimeoutError("it waits for a pipe")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("x.npz", "x.npz"),
        ("svhn", "train_32x32.mat"),
        ("mnist", "MNIST/raw/train-images-idx3-ubyte"),
        ("fashion-mnist", "FashionMNIST/raw/train-images-idx3-ubyte.gz"),
        ("kmnist", "KMNIST/raw/train-images.idx3-ubyte"),
        ("emnist-letters", "EMNIST/raw/gzip.zip"),
        ("emnist-digits", "EMNIST/emnist-digits-train-images-idx3-ubyte"),
        ("usps", "usps.bz2"),
        ("celeba", "celeba/list_attr_celeba.txt"),
        ("celeba", "celeba/img_align_celeba.zip"),
        ("rendered_chairs", "rendered_chairs/a/renders/image_001_p020_t011_r096.png"),
    ],
)
def test_a_pipe_is_refused_and_never_waited_for(name, file, tmp_path, ends):
    if file.startswith("celeba/img"):
        write_celeba(tmp_path, zipped=True)
        (tmp_path / file).unlink()
    for chair in "abc" if name == "rendered_chairs" else "":
        folder = tmp_path / name / chair / "renders"
        folder.mkdir(parents=True)
        Image.fromarray(NOISE[0]).save(folder / "image_002_p020_t011_r096.png")
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(tmp_path / file)
    assert_input_error(name, tmp_path, Path(file).name, "pipe")


def test_an_unknown_users_home_is_named():
    with pytest.raises(InputError, match="~nobody-of-this-name/d"):
        expand_user("~nobody-of-this-name/d")


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("Error:\nTried http://a/, got:\nno\n", "Error: Tried http://a/, got: no"),
        (" \n", "ValueError"),
        ("x" * 1000, "x" * 300),
    ],
)
def test_a_reason_is_one_line(message, shown):
    assert one_line(ValueError(message)) == shown


def test_other_errors_of_torchvision_are_raised(tmp_path, monkeypatch):
    for module in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, module)
    (tmp_path / "torchvision.py").write_text("raise RuntimeError('else')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(RuntimeError, match="else"):
        data.import_torchvision()
