"""Published datasets, from small files of their layouts: images, labels, splits, damage, downloads."""

import gzip
import string
import struct
import zipfile

import numpy as np
import pytest
import torch
from dataset_files import (
    assert_input_error,
    split_sizes,
    write_celeba,
    write_chairs,
    write_idx,
    write_svhn,
    write_usps,
)
from scipy.io import savemat

from infogan import data
from infogan.data import files
from infogan.data.formats import idx, usps


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Of MNIST's layout 94 and 47 images, of USPS 60 and 20."""
    for name in ("mnist", "kmnist"):
        monkeypatch.setitem(idx.LAYOUTS, name, idx.LAYOUTS[name]._replace(counts=(94, 47)))
    monkeypatch.setattr(usps, "COUNTS", {"usps.bz2": 60, "usps.t.bz2": 20})


def test_mnist_is_split_into_train_validation_test(data_dir, monkeypatch):
    monkeypatch.undo()
    mnist = data.load("mnist", data_dir)
    assert split_sizes(mnist) == [50_000, 10_000, 10_000] and mnist.image_shape == (1, 28, 28)
    assert mnist.train.labels[:5].tolist() == [5, 0, 4, 1, 9] and mnist.test.labels[:5].tolist() == [7, 2, 1, 0, 4]
    assert mnist.train.images.dtype == torch.uint8 and int(mnist.train.images.max()) == 255
    monkeypatch.setenv(data.DATA_VARIABLE, str(data_dir))
    assert data.load("fashion-mnist").test.labels[:5].tolist() == [9, 2, 1, 1, 6]


@pytest.mark.parametrize(
    ("name", "how"),
    [
        *(("mnist", how) for how in ("plain", "dotted", "gzipped")),
        ("kmnist", "gzipped"),
        ("emnist-digits", "gzipped"),
        ("emnist-letters", "zip"),
        ("emnist-balanced", "plain"),
    ],
)
def test_idx_files_of_other_spellings_and_packed_ones_are_read_upright(name, how, tmp_path):
    raw = write_idx(tmp_path, name, how)
    before = sorted(raw.iterdir())
    loaded = data.load(name, tmp_path)
    n_classes = len(idx.LAYOUTS[name].labels)
    assert split_sizes(loaded) == [47, 47, 47] and loaded.image_shape == (1, 28, 28) and loaded.name == name
    assert loaded.train.labels.dtype == torch.int64 and loaded.train.labels.unique().tolist() == list(range(n_classes))
    assert (loaded.train.images[..., :4] > 0).all() and not loaded.train.images[..., 4:].any(), "a bar at the left"
    assert loaded.validation.images[:, 0, 0, 0].tolist() == list(range(147, 194)), "the last ones, in order"
    assert sorted(raw.iterdir()) == before, "nothing is unpacked on the disk"


def test_classes_have_torchvisions_names():
    datasets = data.import_torchvision().datasets
    expected = datasets.EMNIST.classes_split_dict
    assert idx.LAYOUTS["kmnist"].names == tuple(datasets.KMNIST.classes)
    assert idx.LAYOUTS["emnist-letters"].names == tuple(string.ascii_lowercase) == tuple(expected["letters"][1:])
    assert idx.LAYOUTS["emnist-balanced"].names == tuple(expected["balanced"])


HEADER = struct.pack(">4I", 0x803, 94, 28, 28)


@pytest.mark.parametrize("name", ["mnist", "emnist-letters"])
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<html>not found</html>", "Not a gzipped file"),
        (gzip.compress(bytes(10**6))[:90], "no idx file|Compressed file ended|invalid"),
        (gzip.compress(b"what is this"), "no idx file"),
        (gzip.compress(HEADER + bytes(50)), "less than its 73,696 values"),
        (gzip.compress(HEADER + bytes(10**7), 1), "more than its 73,696 values"),
        (gzip.compress(struct.pack(">4I", 0x803, 94, 32, 28)), r"\(94, 32, 28\)"),
        (gzip.compress(struct.pack(">4I", 0x803, 0, 28, 28)), r"\(0, 28, 28\)"),
    ],
    ids=["a page", "cut", "another format", "truncated", "a bomb", "another shape", "none"],
)
def test_a_damaged_gz_in_the_zip_or_beside_it_is_named_and_not_called_missing(name, content, reason, tmp_path):
    folder, part = idx.LAYOUTS[name].folder, idx.LAYOUTS[name].parts[0]
    path = tmp_path / folder / "raw" / f"{part}-images-idx3-ubyte.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    if folder == "EMNIST":
        with zipfile.ZipFile(path.with_name("gzip.zip"), "w") as archive:
            archive.write(path, f"gzip/{path.name}")
        path.unlink()
        path = path.with_name("gzip.zip")
    before = path.read_bytes()
    with pytest.raises(files.InputError, match=reason) as error:
        data.load(name, tmp_path)
    words = (path.name, "damaged", "--data-dir")
    assert all(word in str(error.value) for word in words) and "\n" not in str(error.value)
    assert [each.read_bytes() for each in path.parent.iterdir()] == [before]


def test_a_label_that_is_none_and_other_damage_of_idx_files_is_named(tmp_path):
    for i, (name, labels, wrong) in enumerate(
        [("mnist", [77], 77), ("emnist-letters", range(26), 0), ("emnist-letters", range(1, 28), 27)]
    ):
        write_idx(tmp_path / str(i), name, labels=labels)
        assert_input_error(name, tmp_path / str(i), "train-labels-idx1-ubyte", f"label {wrong}")
    write_idx(tmp_path / "few", "emnist-letters", counts=(47, 47))
    assert_input_error("emnist-letters", tmp_path / "few", "47 training images")
    raw = write_idx(tmp_path / "zip", "emnist-digits", "zip")
    assert_input_error("emnist-letters", tmp_path / "zip", "gzip.zip", "no emnist-letters-train-images")
    (raw / "gzip.zip").write_bytes(b"<html>not found</html>")
    assert_input_error("emnist-digits", tmp_path / "zip", "gzip.zip", "not a zip file")
    huge = gzip.compress(struct.pack(">4I", 0x803, 2**32 - 1, 28, 28))
    (raw / "emnist-digits-train-images-idx3-ubyte.gz").write_bytes(huge)
    assert_input_error("emnist-digits", tmp_path / "zip", files.BYTES_VARIABLE)


def test_svhn_has_its_images_labels_and_splits(tmp_path):
    svhn = data.load("svhn", write_svhn(tmp_path))
    assert split_sizes(svhn) == [36, 4, 20] and svhn.image_shape == (3, 32, 32)
    assert svhn.test.labels[:11].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1], "the file's 10 is the digit 0"
    assert svhn.test.images[:, 1, 0, 0].tolist() == list(range(20))


def test_damaged_svhn_is_named(tmp_path):
    path = write_svhn(tmp_path) / "train_32x32.mat"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert_input_error("svhn", tmp_path, "train_32x32.mat is damaged", "get it again")
    savemat(path, {"X": np.zeros((28, 28, 3, 5), np.uint8), "y": np.ones((5, 1))})
    assert_input_error("svhn", tmp_path, "train_32x32.mat", "(28, 28, 3, 5)")


def test_usps_is_read_from_its_two_files(tmp_path):
    loaded = data.load("usps", write_usps(tmp_path))
    assert split_sizes(loaded) == [54, 6, 20] and loaded.image_shape == (1, 16, 16) and loaded.n_classes == 10
    assert loaded.test.labels[:11].tolist() == [*range(10), 0], "the file's 1 is the digit 0"
    image = loaded.train.images[0, 0]
    assert [image[0, 0].item(), image[0, 1].item(), image[3, 3].item(), image[15, 15].item()] == [0, 128, 64, 255]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: text + text, "120 images"),
        (lambda text: text + " " * 10**7, "307,200 bytes"),
        (lambda text: text.replace("256:1", "257:1", 1), "257"),
        (lambda text: text.replace("256:1", "256:1.5", 1), "-1 to 1"),
        (lambda text: text.replace("256:1", "256:nan", 1), "usps.bz2"),
        (lambda text: "11" + text[1:], "1 to 10"),
        (lambda text: "1.5" + text[1:], "1 to 10"),
        (lambda text: "<html>" + text, "usps.bz2"),
        (lambda text: "", "usps.bz2"),
    ],
    ids=["too many", "a bomb", "a pixel beyond", "too bright", "nan", "label 11", "label 1.5", "a page", "empty"],
)
def test_damage_is_named(change, reason, tmp_path):
    write_usps(tmp_path, change=change)
    assert_input_error("usps", tmp_path, reason, "https://www.csie.ntu.edu.tw")
    (tmp_path / "usps.bz2").write_bytes((tmp_path / "usps.bz2").read_bytes()[:40])
    assert_input_error("usps", tmp_path, "usps.bz2")


def test_chairs_have_their_images_poses_and_splits(tmp_path):
    write_chairs(tmp_path)
    chairs = data.load("rendered_chairs", tmp_path)
    assert split_sizes(chairs) == [9, 3, 3] and chairs.image_shape == (1, 64, 64)
    factors, names = chairs.test.extra["factors"]
    assert names == ("azimuth_degrees", "pitch_degrees") and factors.tolist() == [[11, 20], [191, 20], [348, 30]]
    images = chairs.test.images[:, 0]
    assert (images[:, 32, 32] == 160).all() and (images[:, 2, 2] == 255).all(), "a chair of its own"


def test_damaged_chairs_are_named(tmp_path):
    wrong = next(write_chairs(tmp_path).glob("*/renders/*.png"))
    wrong.rename(wrong.with_name("chair.png"))
    assert_input_error("rendered_chairs", tmp_path, "chair.png does not state its pose")
    assert_input_error("rendered_chairs", tmp_path / "none", "unpack rendered_chairs.tar")
    write_chairs(tmp_path / "two", 2)
    assert_input_error("rendered_chairs", tmp_path / "two", "holds 2 chairs", "at least 3")


@pytest.mark.parametrize("how", ["a folder", "zipped", "a folder of the same name"])
def test_celeba_in_a_folder_a_zip_or_a_folder_of_the_same_name_is_read(how, tmp_path):
    images = write_celeba(tmp_path, zipped=how == "zipped") / "img_align_celeba"
    if how == "a folder of the same name":  # as Kaggle's archive unpacks
        images.rename(tmp_path / "inner")
        images.mkdir()
        (tmp_path / "inner").rename(images / "img_align_celeba")
    celeba = data.load("celeba", tmp_path)
    assert split_sizes(celeba) == [24, 3, 3] and celeba.image_shape == (3, 32, 32)
    attributes, names = celeba.train.extra["attributes"]
    assert names[:2] == ("A0", "A1") and attributes[1, :4].tolist() == [1, 1, 0, 1] and attributes.shape == (24, 40)
    colour = celeba.train.images[5].float().mean((1, 2))
    assert colour.tolist() == pytest.approx([40, 100, 200], abs=3), "the middle, in RGB order"
    assert celeba.train.images.flatten(2).float().std(2).max() < 4, "without the black frame"


def test_damaged_celeba_is_named(tmp_path):
    folder = write_celeba(tmp_path)
    images, attributes = folder / "img_align_celeba", folder / "list_attr_celeba.txt"
    (images / "000007.jpg").write_bytes(b"not an image")
    assert_input_error("celeba", tmp_path, "000007.jpg")
    (images / "000007.jpg").unlink()
    assert_input_error("celeba", tmp_path, "lacks 000007.jpg")
    listed = attributes.read_text()
    for damage in (listed[: len(listed) // 2], listed.replace(" 1 ", " 2 ", 1), listed.replace("A7", "A7 more"), ""):
        attributes.write_text(damage)
        assert_input_error("celeba", tmp_path, attributes.name)
    attributes.unlink()
    assert_input_error("celeba", tmp_path, attributes.name)
    attributes.write_text(listed)
    (folder / "list_eval_partition.txt").write_text("000001.jpg 0\n")
    assert_input_error("celeba", tmp_path, "list_eval_partition.txt")


def test_a_damaged_image_in_the_zip_is_named_and_replaced(tmp_path):
    archive = write_celeba(tmp_path, zipped=True) / "img_align_celeba.zip"
    whole = archive.read_bytes()
    with zipfile.ZipFile(archive) as opened:
        at = opened.getinfo("img_align_celeba/000012.jpg").header_offset
    archive.write_bytes(whole[:-2000])
    assert_input_error("celeba", tmp_path, "img_align_celeba.zip is truncated")
    archive.write_bytes(whole[: at + 200] + bytes(100) + whole[at + 300 :])
    assert_input_error("celeba", tmp_path, "000012.jpg")
    archive.write_bytes(whole)
    colour = data.load("celeba", tmp_path).train.images[11].float().mean((1, 2))
    assert colour.tolist() == pytest.approx([88, 100, 200], abs=3)


DOWNLOADED = ("mnist", "fashion-mnist", "kmnist", "emnist-letters", "svhn", "usps", "celeba")


@pytest.mark.parametrize("name", DOWNLOADED)
@pytest.mark.parametrize("failure", [OSError("no\nnetwork"), KeyboardInterrupt()], ids=["error", "Ctrl-C"])
def test_a_download_that_fails_says_why_and_leaves_nothing_behind(name, failure, tmp_path, monkeypatch):
    """Neither the folders that it made nor the part of a file; the user's folder stays."""

    def part(root, file):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text("a part")
        raise failure

    def celeba(root, **named):
        (root / "celeba").mkdir(parents=True)
        raise failure

    datasets = data.import_torchvision().datasets
    monkeypatch.setattr(datasets, "CelebA", celeba)
    monkeypatch.setattr(datasets.utils, "download_url", lambda url, root, file, md5: part(root, file))
    (tmp_path / "mine").mkdir()
    for root in ("a/b", "mine"):
        if isinstance(failure, KeyboardInterrupt):
            with pytest.raises(KeyboardInterrupt):
                data.load(name, tmp_path / root)
        else:
            assert_input_error(name, tmp_path / root, "is not in", "could not be downloaded (no network)", "--data-dir")
    assert [path.name for path in tmp_path.rglob("*")] == ["mine"]


def test_what_is_missing_is_downloaded_from_the_first_mirror_that_has_it(tmp_path, monkeypatch):
    datasets, asked = data.import_torchvision().datasets, []
    raw = write_idx(tmp_path / "other", "mnist", "gzipped")

    def fetch(url, root, file, md5):
        asked.append((url, md5))
        if url.startswith(datasets.MNIST.mirrors[0]):
            raise OSError("no network")
        (root / file).write_bytes((raw / url.rpartition("/")[2]).read_bytes())

    monkeypatch.setattr(datasets.utils, "download_url", fetch)
    assert split_sizes(data.load("mnist", tmp_path)) == [47, 47, 47]
    assert asked[1] == (
        f"{datasets.MNIST.mirrors[1]}train-images-idx3-ubyte.gz",
        dict(datasets.MNIST.resources)["train-images-idx3-ubyte.gz"],
    )
    assert sorted(path.name for path in (tmp_path / "MNIST" / "raw").iterdir()) == sorted(p.name for p in raw.iterdir())
    asked.clear()
    data.load("mnist", tmp_path)
    assert not asked
