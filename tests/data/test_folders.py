import os

import numpy as np
import pytest
import torch
from dataset_files import assert_input_error, split_sizes
from PIL import Image

from infogan import data
from infogan.data.formats import folders


def test_sub_folders_are_the_classes(tmp_path):
    for label, name in enumerate(("cats", "dogs")):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for i in range(15):
            Image.new("RGB", (40 + i, 50), (100 * label, 10 * i, 0)).save(tmp_path / "pets" / name / f"{i}.png")
    pets = data.load(f"{tmp_path / 'pets'}@16")
    assert split_sizes(pets) == [24, 3, 3] and pets.image_shape == (3, 16, 16)
    everything = torch.cat([part.images for part in (pets.train, pets.validation, pets.test)])
    labels = torch.cat([part.labels for part in (pets.train, pets.validation, pets.test)])
    assert torch.equal(everything[:, 0, 0, 0].long(), 100 * labels) and labels.bincount().tolist() == [15, 15]
    assert data.load(str(tmp_path / "pets")).image_shape == (3, 32, 32)
    assert data.load(f"{tmp_path / 'pets'}@16:pad").image_shape == (3, 16, 16)
    assert data.load(f"{tmp_path / 'pets'}:pad").image_shape == (3, 32, 32)
    assert_input_error(f"{tmp_path / 'pets'}@big", tmp_path, "of size 'big'")
    assert_input_error(str(tmp_path / "pets" / "cats"), tmp_path, "holds 15 images", "at least 20")


def test_padded_and_cropped_images_have_caches_of_their_own(tmp_path):
    folder = tmp_path / "wide"
    folder.mkdir()
    for i in range(20):
        pixels = np.full((20, 40), i, np.uint8)
        pixels[5:15, 1:5] = 255  # at the edge, which is cropped away
        Image.fromarray(pixels).save(folder / f"{i}.png")
    for _ in range(2):  # from the files, then from the cache
        cropped, padded = (data.load(f"{folder}@20{pad}").train.images for pad in ("", ":pad"))
        assert cropped.max() < 20 and (padded.amax((1, 2, 3)) == 255).all()


@pytest.mark.parametrize(("bits", "factor"), [(16, 1), (8, 256), (10, 64), (12, 16), (14, 4)])
def test_files_of_16_bits_keep_their_shades_and_pixels_of_fewer_bits_are_refused(bits, factor, tmp_path):
    """Read as 16 bits they would all be dark."""
    ramp = np.linspace(0, 2**bits - 1, 1024).astype(np.uint16).reshape(32, 32)
    for i in range(20):
        Image.fromarray(ramp).save(tmp_path / f"{i}.png")
    if factor > 1:
        assert_input_error(str(tmp_path), tmp_path, f"{bits} bits", f"multiply the pixels by {factor}")
        for path in tmp_path.glob("*.png"):
            Image.fromarray(np.asarray(Image.open(path)) * np.uint16(factor)).save(path)
    images = data.load(str(tmp_path)).train.images
    assert images.shape[1:] == (1, 32, 32) and np.array_equal(images[0, 0], ramp * np.uint16(factor) >> 8)


def write_images(folder, n: int, suffix: str = ".png") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(len(str(folder)))
    for i in range(n):
        Image.fromarray(random.integers(0, 255, (16, 16, 3), np.uint8)).save(folder / f"{i}{suffix}")


def count_classes(dataset: data.Dataset) -> list[int]:
    return torch.cat([part.labels for part in (dataset.train, dataset.validation, dataset.test)]).bincount().tolist()


def test_a_class_folder_may_be_a_link_and_a_link_out_of_the_data_is_refused(tmp_path):
    write_images(tmp_path / "data" / "pets" / "cats", 24)
    write_images(tmp_path / "data" / "kept", 24)
    (tmp_path / "data" / "pets" / "dogs").symlink_to(tmp_path / "data" / "kept")
    (tmp_path / "data" / "pets" / "dogs" / "again").symlink_to(tmp_path / "data" / "pets")  # a circle ends
    assert count_classes(data.load(str(tmp_path / "data" / "pets"))) == [24, 24]
    write_images(tmp_path / "elsewhere", 1)
    for name, target in (("birds", "elsewhere"), ("x.png", "elsewhere/0.png")):
        (tmp_path / "data" / "pets" / name).symlink_to(tmp_path / target)
        assert_input_error(str(tmp_path / "data" / "pets"), tmp_path, f"{name} is a link")
        (tmp_path / "data" / "pets" / name).unlink()


def test_what_is_left_out_is_counted_and_said(tmp_path, capsys):
    write_images(tmp_path / "pets" / "cats", 20)
    write_images(tmp_path / "pets" / "dogs", 20)
    write_images(tmp_path / "pets" / ".ipynb_checkpoints", 3)
    write_images(tmp_path / "pets", 1)
    (tmp_path / "pets" / "cats" / "notes.txt").write_text("")
    os.mkfifo(tmp_path / "pets" / "cats" / "pipe.png")
    frames = [Image.new("RGB", (16, 16), level) for level in (0, 9)]
    frames[0].save(tmp_path / "pets" / "cats" / "x.gif", save_all=True, append_images=frames[1:])
    pets = data.load(str(tmp_path / "pets"))
    assert count_classes(pets) == [21, 20] and pets.train.classes == ("cats", "dogs")
    said = capsys.readouterr().err
    for part in ("41 images of 2 classes", "1 .txt", "1 images beside", "1 pipes", "1 hidden", "1 with several frames"):
        assert part in said


@pytest.mark.parametrize(
    ("folders", "sizes"),
    [
        ({"train": 30, "val": 6, "test": 8}, [60, 12, 16]),
        ({"train": 30, "test": 10}, [54, 6, 20]),  # a tenth of the training images
        ({"Training": 5, "testing": 50}, [9, 1, 100]),  # few are not emptied into other splits
    ],
)
def test_splits_that_a_folder_has_are_kept_and_a_missing_one_is_held_out(folders, sizes, tmp_path):
    for role, n in folders.items():
        for name in ("cats", "dogs"):
            write_images(tmp_path / "pets" / role / name, n)
    pets = data.load(str(tmp_path / "pets"))
    assert split_sizes(pets) == sizes and pets.train.classes == ("cats", "dogs")
    assert pets.test.labels.bincount().tolist() == [sizes[2] // 2] * 2
    whole = {image.numpy().tobytes() for image in pets.train.images}
    assert not whole & {image.numpy().tobytes() for image in pets.test.images}


def test_one_colour_image_among_grey_ones_keeps_its_colour(tmp_path):
    write_images(tmp_path / "mixed", 10)
    for i in range(20):
        Image.fromarray(np.full((16, 16), 10 * i, np.uint8)).save(tmp_path / "mixed" / f"00{i}.png")
    assert data.load(str(tmp_path / "mixed")).image_shape == (3, 32, 32)


def test_a_flat_split_has_no_labels_and_the_others_keep_theirs(tmp_path):
    for name in ("x", "y"):
        write_images(tmp_path / "d" / "train" / name, 30)
    write_images(tmp_path / "d" / "test", 20)
    write_images(tmp_path / "d" / "train", 1)  # beside the classes: left out
    flat = data.load(str(tmp_path / "d"))
    assert split_sizes(flat) == [54, 6, 20] and flat.test.labels is None
    assert flat.train.labels.unique().tolist() == [0, 1]


def test_splits_that_cannot_be_meant_are_named(tmp_path):
    write_images(tmp_path / "e" / "train", 1)
    write_images(tmp_path / "e" / "test", 30)
    assert_input_error(str(tmp_path / "e"), tmp_path, "1 images to train on")
    for role in ("train", "test", "extra"):
        write_images(tmp_path / "d" / role / "x", 20)
    assert_input_error(str(tmp_path / "d"), tmp_path, "has the splits test, train and also extra")


def test_links_that_lead_nowhere_or_in_circles_are_counted(tmp_path, capsys):
    folder = tmp_path / "d"
    write_images(folder, 20)
    write_images(folder / ".hidden", 1)
    (folder / "a.png").symlink_to(folder / "b.png")
    (folder / "b.png").symlink_to(folder / "a.png")
    (folder / "c.png").symlink_to(folder / "absent.png")
    (folder / "again").symlink_to(folder)
    assert sum(split_sizes(data.load(str(folder)))) == 20
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "3 broken links" in said and "1 links to folders" in said


@pytest.mark.parametrize("what", ["folder", "file"])
def test_what_may_not_be_read_is_named(what, tmp_path, monkeypatch):
    """By its error, because root may read everything."""
    write_images(tmp_path / "d", 20)

    def refuse(path, *rest, **named):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(*((folders.os, "listdir") if what == "folder" else (Image, "open")), refuse)
    assert_input_error(str(tmp_path / "d"), tmp_path, "cannot be read", "Permission denied")


def test_folders_with_the_names_of_files_and_names_that_are_no_utf8_are_read(tmp_path):
    folder = tmp_path / ("d" * 246 + ".npz")
    for name in (os.fsdecode(b"\xff\xfe"), "$a$", "x" * 200, "y.png"):
        write_images(folder / name, 8)
    assert count_classes(data.load(str(folder))) == [8, 8, 8, 8]


def test_this_folder_and_the_one_above_have_names(tmp_path, monkeypatch):
    write_images(tmp_path / "d" / "x", 20)
    monkeypatch.chdir(tmp_path / "d" / "x")
    assert data.load(".").name == "x" and data.load("..").name == "d"
