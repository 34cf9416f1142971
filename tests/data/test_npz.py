import contextlib
import io
import zipfile

import numpy as np
import pytest
import torch
from dataset_files import split_sizes

from infogan import data
from infogan.utils.errors import InputError


def write_npz(path, **changes):
    rng = np.random.default_rng(0)
    arrays = {
        "images": rng.integers(0, 255, (40, 32, 32, 3), dtype=np.uint8),
        "labels": np.arange(40, dtype=np.uint8) % 4,
        "attributes": rng.integers(0, 2, (40, 2)),
        "attribute_names": np.array(["smiling", "glasses"]),
        "factors": rng.normal(size=(40, 3)).astype(np.float32),
        "factor_names": np.array(["light", "yaw", "pitch"]),
    } | changes
    np.savez(path, **{key: value for key, value in arrays.items() if value is not None})
    return arrays


def test_npz_keeps_images_labels_attributes_and_factors_together(tmp_path):
    arrays = write_npz(tmp_path / "faces.npz")
    loaded = data.load(str(tmp_path / "faces.npz"))
    assert loaded.name == "faces" and loaded.image_shape == (3, 32, 32)
    assert split_sizes(loaded) == [32, 4, 4]
    attributes, names = loaded.train.extra["attributes"]
    assert names == ("smiling", "glasses") and loaded.train.extra["factors"][1] == ("light", "yaw", "pitch")
    for image, label, attribute in zip(loaded.train.images, loaded.train.labels, attributes):
        source = next(i for i in range(40) if np.array_equal(arrays["images"][i].transpose(2, 0, 1), image))
        assert arrays["labels"][source] == label and arrays["attributes"][source].tolist() == attribute.tolist()


@pytest.mark.parametrize(
    "labels",
    [
        np.array([0, 150_000, 300_000]),
        np.array([2_023_01_05, 2_024_12_31, 2_025_02_02], np.uint64),
        np.array([0, 1, 2], ">i2"),
        np.array(["cat", "dog", "élan"]),
        np.array([b"cat", b"dog", b"elan"]),
        np.array([False, True]),
    ],
    ids=["sparse", "dates as uint64", "big-endian", "texts", "bytes", "booleans"],
)
def test_labels_of_any_kind_become_class_numbers_with_names(labels, tmp_path):
    write_npz(tmp_path / "l.npz", labels=labels[np.arange(40) % len(labels)])
    loaded = data.load(str(tmp_path / "l.npz"))
    found = {int(number) for split in (loaded.train, loaded.validation, loaded.test) for number in split.labels}
    assert found == set(range(len(labels))) and loaded.train.labels.dtype == torch.int64
    names = tuple(name.decode() if isinstance(name, bytes) else str(name) for name in labels)
    assert loaded.train.classes == loaded.test.classes == names


def test_of_one_class_no_accuracy_is_claimed(tmp_path, capsys):
    write_npz(tmp_path / "one.npz", labels=np.full(40, 7))
    assert data.load(str(tmp_path / "one.npz")).train.labels is None
    assert "class '7'" in capsys.readouterr().err


@pytest.mark.parametrize("kind", [">f4", ">f8", np.longdouble, ">i4", bool, np.float16, np.uint64])
def test_factors_of_every_real_type_are_read(kind, tmp_path):
    most = 2**64 - 1 if kind == np.uint64 else 1  # which torch cannot compute with
    values = (np.arange(40)[:, None] % 2).astype(kind) * np.array(most, kind)
    write_npz(tmp_path / "f.npz", factors=values, factor_names=np.array([b"light"]))
    read, names = data.load(str(tmp_path / "f.npz")).train.extra["factors"]
    assert names == ("light",) and set(read.double().unique().tolist()) == {0.0, float(most)}


def test_arrays_that_are_not_read_refuse_nothing_and_are_said(tmp_path, capsys):
    write_npz(tmp_path / "extra.npz", notes=np.array([{}], dtype=object), imgs=np.zeros(3))  # notes are pickled
    assert len(data.load(str(tmp_path / "extra.npz")).train) == 32
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "40 images of 4 classes, 2 attributes, 3 factors" in said
    assert "`notes`, `imgs`" in said


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"imgs.npy": None}, "holds imgs and no `images`"),
        ({"images": b"abc"}, "holds nothing and no `images`"),
        ({"images.npy": b"abc"}, "`images` cannot be read"),
        ({"images.npy": b""}, "`images` cannot be read"),
        (None, "cannot be read as .npz .File is not a zip file"),
    ],
    ids=["imgs", "no array", "no header", "empty", "an .npy"],
)
def test_archives_of_something_else_are_named(members, message, tmp_path):
    array = io.BytesIO()
    np.save(array, np.zeros((40, 20, 20), np.uint8))
    if members is None:
        (tmp_path / "x.npz").write_bytes(array.getvalue())
    else:
        with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
            for name, content in members.items():
                archive.writestr(name, array.getvalue() if content is None else content)
    with pytest.raises(InputError, match=message):
        data.load(str(tmp_path / "x.npz"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": None}, "no `images`"),
        ({"images": np.zeros((40, 28, 28), np.float32)}, "float32 of shape"),
        ({"images": np.zeros((40, 28), np.uint8)}, r"shape \(40, 28\)"),
        ({"images": np.zeros((40, 28, 28, 2), np.uint8)}, r"C = 1 or 3"),
        ({"images": np.zeros((5, 28, 28), np.uint8)}, "5 images"),
        ({"labels": np.zeros(39, np.uint8)}, r"`labels` has shape \(39,\)"),
        ({"labels": np.uint8(3)}, r"`labels` has shape \(\)"),
        ({"factors": np.zeros(40)}, r"`factors` has shape \(40,\)"),
        ({"factors": np.zeros((40, 2)), "factor_names": ["one"]}, "a name for each of 2 columns"),
        ({"labels": np.zeros(40)}, "whole numbers"),
        ({"images": np.array([{}] * 40)}, "`images` cannot be read .Object arrays"),
        ({"labels": np.array([{}] * 40)}, "`labels` cannot be read .Object arrays"),
        ({"factor_names": np.array([{}] * 3)}, "`factor_names` cannot be read .Object arrays"),
        ({"factors": np.zeros((40, 0)), "factor_names": None}, "no columns"),
        ({"factors": np.full((40, 3), np.longdouble("1e4000"))}, "has inf in row 0, column 0"),
        ({"images": np.zeros((40, 0, 0), np.uint8)}, r"shape \(40, 0, 0\)"),
        ({"labels": np.full(40, 1j)}, "`labels` is complex128"),
        ({"labels": np.full(40, -1)}, "has the value -1"),
        ({"factors": np.full((40, 1), np.nan), "factor_names": ["a"]}, "has nan in row 0, column 0"),
        ({"factors": np.full((40, 1), 1j), "factor_names": ["a"]}, "`factors` is complex128"),
        ({"factors": np.full((40, 1), np.datetime64("2020-01-01")), "factor_names": ["a"]}, "`factors` is datetime64"),
    ],
)
def test_wrong_npz_is_named(changes, message, tmp_path):
    write_npz(tmp_path / "wrong.npz", **changes)
    with pytest.raises(InputError, match=message) as error:
        data.load(str(tmp_path / "wrong.npz"))
    assert "\n" not in str(error.value) and "wrong.npz" in str(error.value)


def test_missing_npz_is_named(tmp_path):
    with pytest.raises(InputError, match="no file"):
        data.load(str(tmp_path / "absent.npz"))


NEARLY_BLACK = np.zeros((40, 28, 28), np.uint8)
NEARLY_BLACK[:, 3, 3] = np.arange(40)
NEARLY_BLACK[0, 4, 4] = 255
NOISE = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("images", "message", "refused"),
    [
        (np.full((40, 28, 28), 7, np.uint8), "every pixel is 7, of 255", True),
        (NOISE.integers(0, 2, (40, 28, 28), np.uint8), "pixels are 0 and 1, of 255", True),
        (NOISE.integers(0, 16, (40, 28, 28), np.uint8), "pixels lie between 0 and 15, of 255", False),
        (NEARLY_BLACK, "pixels lie between 0 and 255, of 255, with a standard deviation of", False),
        (np.tile(np.arange(0, 252, 9, dtype=np.uint8), (40, 28, 1)), "first 32 training images are all alike", False),
    ],
    ids=["one value", "binary", "12 of 16 bits", "nearly black", "one image"],
)
def test_pixels_that_show_nothing_are_refused_and_a_narrow_range_of_pixels_asked_about(
    images, message, refused, tmp_path, capsys
):
    write_npz(tmp_path / "x.npz", images=images, labels=None)
    (tmp_path / "x.npz").rename(tmp_path / "x.NPZ")
    with pytest.raises(InputError, match=message) if refused else contextlib.nullcontext():
        loaded = data.load(str(tmp_path / "x.NPZ"))
        assert loaded.image_shape == (1, 28, 28) and loaded.train.labels is None
        assert message in capsys.readouterr().err
