"""EMNIST from small files of its layout: upright images, labels from 0, names of classes, damage and bounds."""

import gzip
import string
import struct
import zipfile

import pytest
from dataset_files import assert_input_error, split_sizes, write_emnist

from infogan import data
from infogan.data import files as limits
from infogan.data.formats import emnist

LETTERS = range(1, 27)


@pytest.mark.parametrize("how", ["zip", "gzipped", "plain"])
@pytest.mark.parametrize(("name", "classes"), [("emnist-digits", 10), ("emnist-letters", 26), ("emnist-balanced", 47)])
def test_images_are_upright_and_labels_begin_at_0(name, classes, how, tmp_path):
    raw = write_emnist(tmp_path, name, emnist.LABELS[name], how)
    before = sorted(raw.iterdir())
    loaded = data.load(name, tmp_path)
    assert split_sizes(loaded) == [47, 47, 47] and loaded.image_shape == (1, 28, 28)
    assert loaded.n_classes == classes and loaded.train.labels.unique().tolist() == list(range(classes))
    assert (loaded.train.images[..., :4] > 0).all() and not loaded.train.images[..., 4:].any(), "a bar at the left"
    assert loaded.validation.images[:, 0, 0, 0].tolist() == list(range(147, 194)), "the last ones, in order"
    assert sorted(raw.iterdir()) == before, "nothing is unpacked on the disk"


def test_classes_have_torchvisions_names():
    expected = data.import_torchvision().datasets.EMNIST.classes_split_dict
    assert emnist.NAMES["emnist-letters"] == tuple(string.ascii_lowercase) == tuple(expected["letters"][1:])
    assert emnist.NAMES["emnist-balanced"] == tuple(expected["balanced"])
    assert all(len(names) == len(emnist.LABELS[name]) for name, names in emnist.NAMES.items())


def test_what_is_not_there_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(data.import_torchvision().datasets.EMNIST, "url", "http://127.0.0.1:9/gzip.zip")
    words = ("emnist-letters's emnist-letters-train-images-idx3-ubyte is not in", "gzip.zip could not be downloaded")
    assert_input_error("emnist-letters", tmp_path / "a", *words, "holds EMNIST/raw/")
    assert list(tmp_path.iterdir()) == []
    write_emnist(tmp_path, "emnist-digits", range(10))
    assert_input_error("emnist-letters", tmp_path, "gzip.zip is damaged (it has no emnist-letters-train-images")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<html>not found</html>", "gzip.zip is damaged (File is not a zip file)"),
        (gzip.compress(struct.pack(">4I", 0x803, 90, 28, 28) + bytes(50)), "less than its 70,560 values"),
        (gzip.compress(struct.pack(">4I", 0x803, 9, 28, 28) + bytes(10**7), 1), "more than its 7,056 values"),
        (gzip.compress(struct.pack(">4I", 0x803, 9, 32, 28)), "its shape is (9, 32, 28), expected (N, 28, 28)"),
        (gzip.compress(struct.pack(">4I", 0x803, 0, 28, 28)), "its shape is (0, 28, 28), expected (N, 28, 28)"),
        (gzip.compress(struct.pack(">4I", 0x803, 2**32 - 1, 28, 28)), f"set {limits.BYTES_VARIABLE}="),
        (gzip.compress(bytes(10**6))[:90], "gzip.zip is damaged"),
        (b"plain", "Not a gzipped file"),
    ],
    ids=["a page", "truncated", "a bomb", "another shape", "none", "declares too much", "cut", "not gzipped"],
)
def test_a_damaged_gz_in_the_zip_is_named(content, reason, tmp_path):
    raw = tmp_path / "EMNIST" / "raw"
    raw.mkdir(parents=True)
    if b"html" in content:
        (raw / "gzip.zip").write_bytes(content)
    else:
        with zipfile.ZipFile(raw / "gzip.zip", "w") as archive:
            archive.writestr("gzip/emnist-letters-train-images-idx3-ubyte.gz", content)
    assert_input_error("emnist-letters", tmp_path, reason)
    assert [path.name for path in raw.iterdir()] == ["gzip.zip"]


@pytest.mark.parametrize(("labels", "wrong"), [(range(26), 0), (range(1, 28), 27)])
def test_a_label_that_is_none_is_named(labels, wrong, tmp_path):
    write_emnist(tmp_path, "emnist-letters", labels)
    assert_input_error("emnist-letters", tmp_path, f"it has the label {wrong}, expected 1 to 26")


def test_no_training_images_left_is_named(tmp_path):
    write_emnist(tmp_path, "emnist-letters", LETTERS, counts=(47, 47))
    assert_input_error("emnist-letters", tmp_path, "47 training images are no more than its 47 test images")
