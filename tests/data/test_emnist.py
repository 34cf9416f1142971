"""EMNIST from small files of its layout: upright images, labels from 0, names of classes, damage and bounds."""

import gzip
import string
import struct
import zipfile

import pytest
from dataset_files import assert_input_error, split_sizes, write_emnist

from infogan import data
from infogan.data import files
from infogan.data.formats import emnist


@pytest.mark.parametrize(
    ("name", "classes", "how"),
    [("emnist-digits", 10, "gzipped"), ("emnist-letters", 26, "zip"), ("emnist-balanced", 47, "plain")],
)
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
    words = ("emnist-letters-train-images-idx3-ubyte", "could not be downloaded", "EMNIST/raw/")
    assert_input_error("emnist-letters", tmp_path / "a", *words)
    assert list(tmp_path.iterdir()) == []
    write_emnist(tmp_path, "emnist-digits", range(10))
    assert_input_error("emnist-letters", tmp_path, "gzip.zip", "no emnist-letters-train-images")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<html>not found</html>", "not a zip file"),
        (gzip.compress(struct.pack(">4I", 0x803, 90, 28, 28) + bytes(50)), "less than its 70,560 values"),
        (gzip.compress(struct.pack(">4I", 0x803, 9, 28, 28) + bytes(10**7), 1), "more than its 7,056 values"),
        (gzip.compress(struct.pack(">4I", 0x803, 9, 32, 28)), "(9, 32, 28)"),
        (gzip.compress(struct.pack(">4I", 0x803, 0, 28, 28)), "(0, 28, 28)"),
        (gzip.compress(struct.pack(">4I", 0x803, 2**32 - 1, 28, 28)), files.BYTES_VARIABLE),
        (gzip.compress(bytes(10**6))[:90], "gzip.zip"),
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
    assert_input_error("emnist-letters", tmp_path, f"label {wrong}")


def test_no_training_images_left_is_named(tmp_path):
    write_emnist(tmp_path, "emnist-letters", range(1, 27), counts=(47, 47))
    assert_input_error("emnist-letters", tmp_path, "47 training images")
