"""USPS from small files of its layout."""

import bz2

import pytest
import torch
from dataset_files import assert_input_error, split_sizes

from infogan import data
from infogan.data.formats import usps

COUNTS = {"usps.bz2": 60, "usps.t.bz2": 20}


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(usps, "COUNTS", COUNTS)


def lines(count: int) -> list[str]:
    """Images of 0 but for their first pixel, -1, the second, 0, and the last, 1."""
    pixels = ["-1", "0", *["-0.5"] * 253, "1"]
    return [f"{i % 10 + 1} " + " ".join(f"{k + 1}:{v}" for k, v in enumerate(pixels)) + " \n" for i in range(count)]


def write(root, change=lambda text: text) -> None:
    for file, count in COUNTS.items():
        (root / file).write_bytes(bz2.compress(change("".join(lines(count))).encode()))


def test_usps_is_read_from_its_two_files(tmp_path):
    write(tmp_path)
    loaded = data.load("usps", tmp_path)
    assert split_sizes(loaded) == [54, 6, 20] and loaded.image_shape == (1, 16, 16) and loaded.n_classes == 10
    assert loaded.test.labels[:11].tolist() == [*range(10), 0], "the file's 1 is the digit 0"
    image = loaded.train.images[0, 0]
    assert loaded.train.images.dtype == torch.uint8
    assert [image[0, 0].item(), image[0, 1].item(), image[3, 3].item(), image[15, 15].item()] == [0, 128, 64, 255]


def test_what_is_not_there_is_one_line(tmp_path, monkeypatch):
    of_torchvision = data.import_torchvision().datasets.USPS
    parts = {part: ["http://127.0.0.1:9/x", *row[1:]] for part, row in of_torchvision.split_list.items()}
    assert sorted(row[1] for row in parts.values()) == sorted(COUNTS)
    monkeypatch.setattr(of_torchvision, "split_list", parts)
    assert_input_error("usps", tmp_path / "a", "usps.bz2", "could not be downloaded", "--data-dir")
    assert list(tmp_path.iterdir()) == []


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
    write(tmp_path, change)
    assert_input_error("usps", tmp_path, reason, "https://www.csie.ntu.edu.tw")


@pytest.mark.parametrize("content", [b"", b"what is this", bz2.compress(bytes(range(99)))[:40]])
def test_what_bzip2_cannot_unpack_is_named(content, tmp_path):
    (tmp_path / "usps.bz2").write_bytes(content)
    assert_input_error("usps", tmp_path, "usps.bz2")
