"""Datasets in exactly their original formats, small, whole and damaged."""

import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import ROOT
from PIL import Image
from scipy.io import savemat

from infogan import data
from infogan.config import InputError
from infogan.data import archives


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv(archives.CACHE_VARIABLE, str(tmp_path / "cache"))


def refused(name: str, folder: Path, *words: str) -> None:
    """One line that names the file and says what to do."""
    with pytest.raises(InputError) as error:
        data.load(name, folder)
    assert "\n" not in str(error.value) and all(word in str(error.value) for word in words), error.value


def write_svhn(folder: Path, train: int = 40, test: int = 20) -> np.ndarray:
    random = np.random.default_rng(0)
    for part, count in (("train", train), ("test", test)):
        images = random.integers(0, 256, (32, 32, 3, count), dtype=np.uint8)
        savemat(
            folder / f"{part}_32x32.mat",
            {"X": images, "y": (np.arange(count) % 10 + 1).astype(np.uint8)[:, None]},
            do_compression=True,
        )
    return images


def test_svhn(tmp_path):
    test = write_svhn(tmp_path)
    svhn = data.load("svhn", tmp_path)
    assert [len(part) for part in (svhn.train, svhn.validation, svhn.test)] == [36, 4, 20] and svhn.image_shape == (
        3,
        32,
        32,
    )
    assert svhn.test.labels[:11].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1], "its 10 is the digit 0"
    assert np.array_equal(svhn.test.images[5].numpy(), test[..., 5].transpose(2, 0, 1))


def test_damaged_svhn_is_named(tmp_path, monkeypatch):
    write_svhn(tmp_path)
    path = tmp_path / "train_32x32.mat"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    refused("svhn", tmp_path, "train_32x32.mat is damaged", "get it again")
    savemat(path, {"X": np.zeros((28, 28, 3, 5), np.uint8), "y": np.ones((5, 1))})
    refused("svhn", tmp_path, "train_32x32.mat", "(28, 28, 3, 5)")
    path.unlink()
    monkeypatch.setattr(
        data.import_torchvision().datasets.SVHN,
        "split_list",
        {"train": ["http://127.0.0.1:9/train", "train_32x32.mat", "0"]},
    )
    refused("svhn", tmp_path, "train_32x32.mat is not in", "could not be downloaded", "--data-dir")


def write_celeba(root: Path, count: int = 30, zipped: bool = False, noise: float = 0) -> Path:
    """Aligned images whose middle 148 x 148 are of one colour, and a list of 40 attributes."""
    folder = root / "celeba"
    (folder / "img_align_celeba").mkdir(parents=True)
    names = [f"{i + 1:06d}.jpg" for i in range(count)]
    for i, name in enumerate(names):
        image = Image.new("RGB", (178, 218), (0, 0, 0))
        image.paste((8 * i % 256, 100, 200), (15, 35, 163, 183))
        if noise:  # as much detail, and as large a file, as a photograph
            image = Image.fromarray(
                np.clip(np.asarray(image) + np.random.default_rng(i).normal(0, noise, (218, 178, 3)), 0, 255).astype(
                    np.uint8
                )
            )
        image.save(folder / "img_align_celeba" / name, quality=95, subsampling=0)
    lines = [f"{name}  " + " ".join("1" if (i + k) % 3 else "-1" for k in range(40)) for i, name in enumerate(names)]
    (folder / "list_attr_celeba.txt").write_text(
        "\n".join([str(count), " ".join(f"A{k}" for k in range(40)) + " ", *lines]) + "\n"
    )
    parts = [0 if i < 0.8 * count else 1 if i < 0.9 * count else 2 for i in range(count)]
    (folder / "list_eval_partition.txt").write_text("".join(f"{name} {part}\n" for name, part in zip(names, parts)))
    if zipped:
        with zipfile.ZipFile(folder / "img_align_celeba.zip", "w") as archive:
            for name in names:
                archive.write(folder / "img_align_celeba" / name, f"img_align_celeba/{name}")
                (folder / "img_align_celeba" / name).unlink()
        (folder / "img_align_celeba").rmdir()
    return folder


@pytest.mark.parametrize("zipped", [False, True])
def test_celeba(zipped, tmp_path):
    write_celeba(tmp_path, zipped=zipped)
    celeba = data.load("celeba", tmp_path)
    assert [len(part) for part in (celeba.train, celeba.validation, celeba.test)] == [
        24,
        3,
        3,
    ] and celeba.image_shape == (3, 32, 32)
    attributes, names = celeba.train.extra["attributes"]
    assert names[:2] == ("A0", "A1") and attributes[1, :4].tolist() == [1, 1, 0, 1] and attributes.shape == (24, 40)
    colour = celeba.train.images[5].float().mean((1, 2))
    assert colour.tolist() == pytest.approx([40, 100, 200], abs=3), "nothing but the middle, and in RGB order"
    assert celeba.train.images.flatten(2).float().std(2).max() < 4, "nothing of the black frame"


def test_damaged_celeba_is_named(tmp_path):
    folder = write_celeba(tmp_path)
    images = folder / "img_align_celeba"
    (images / "000007.jpg").write_bytes(b"not an image")
    refused("celeba", tmp_path, "000007.jpg cannot be read")
    (images / "000007.jpg").unlink()
    refused("celeba", tmp_path, "lacks 000007.jpg")
    listed = (folder / "list_attr_celeba.txt").read_text()
    (folder / "list_attr_celeba.txt").write_text(listed[: len(listed) // 2])
    refused("celeba", tmp_path, "list_attr_celeba.txt")
    (folder / "list_attr_celeba.txt").unlink()
    refused("celeba", tmp_path, "list_attr_celeba.txt is missing")
    (folder / "list_attr_celeba.txt").write_text(listed)
    (folder / "list_eval_partition.txt").write_text("000001.jpg 0\n")
    refused("celeba", tmp_path, "list_eval_partition.txt does not give")


def test_a_truncated_zip_is_named(tmp_path):
    archive = write_celeba(tmp_path, zipped=True) / "img_align_celeba.zip"
    archive.write_bytes(archive.read_bytes()[:-2000])
    refused("celeba", tmp_path, "img_align_celeba.zip is truncated or no zip file")


def test_a_damaged_image_in_the_zip_is_named_and_replaced(tmp_path):
    archive = write_celeba(tmp_path, zipped=True) / "img_align_celeba.zip"
    whole = archive.read_bytes()
    with zipfile.ZipFile(archive) as opened:
        at = opened.getinfo("img_align_celeba/000012.jpg").header_offset
    archive.write_bytes(whole[: at + 200] + bytes(100) + whole[at + 300 :])
    refused("celeba", tmp_path, "000012.jpg", "cannot be read", "get")
    archive.write_bytes(whole)
    assert data.load("celeba", tmp_path).train.images[11].float().mean((1, 2)).tolist() == pytest.approx(
        [88, 100, 200], abs=3
    )


def test_celeba_that_is_nowhere_says_where_to_get_it(tmp_path, monkeypatch):
    def unreachable(root, **named):
        (root / "celeba").mkdir(parents=True)
        raise RuntimeError("no network")

    monkeypatch.setattr(data.import_torchvision().datasets, "CelebA", unreachable)
    (tmp_path / "mine").mkdir()
    for root in ("none", "mine"):
        refused("celeba", tmp_path / root, "could not be downloaded (no network)", "--data-dir")
    assert not (tmp_path / "none").exists() and list((tmp_path / "mine").iterdir()) == [], (
        "its folders go, the user's stays"
    )


def test_decoding_goes_on_where_it_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "CHUNK", 10)
    images = write_celeba(tmp_path) / "img_align_celeba"
    whole = (images / "000025.jpg").read_bytes()
    (images / "000025.jpg").write_bytes(whole[:300])
    refused("celeba", tmp_path, "000025.jpg cannot be read")
    kept, decode = [], archives._decoded
    (images / "000025.jpg").unlink()  # as one would: the folder changes too
    (images / "000025.jpg").write_bytes(whole)
    monkeypatch.setattr(archives, "_decoded", lambda data, name, *rest: kept.append(name) or decode(data, name, *rest))
    celeba = data.load("celeba", tmp_path)
    assert sorted(kept) == [f"{i:06d}.jpg" for i in range(21, 31)], "the first twenty had been decoded"
    assert celeba.train.images[:, 0].float().mean((1, 2)).tolist() == pytest.approx([8.0 * i for i in range(24)], abs=3)
    kept.clear()
    data.load("celeba", tmp_path)
    assert not kept


STREAM = """
import resource, sys, time
from infogan.data import archives
from infogan import data
began = time.perf_counter()
images = data.load("celeba", sys.argv[1]).train.images
print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def test_much_data_streams_in_bounded_memory(tmp_path, capsys):
    """Peak memory does not grow with the number of images, nor with what they take in the cache."""
    seconds, peaks, counts = [], [], (300, 2300)
    for count in counts:
        write_celeba(tmp_path / str(count), count, zipped=True, noise=5)
        done = subprocess.run(
            [sys.executable, "-c", STREAM, str(tmp_path / str(count))],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        took, peak = done.stdout.split()
        seconds.append(float(took))
        peaks.append(int(peak))
    rate = (counts[1] - counts[0]) / (seconds[1] - seconds[0])
    with capsys.disabled():
        print(
            f"\ncelebA's aligned images: {rate:,.0f} images/s, {peaks[1]} MiB at most, {peaks[1] - peaks[0]} MiB more for {counts[1] - counts[0]:,} more images"
        )
    # As 178 x 218 pixels 2,000 images take 220 MiB.
    assert rate > 0 and peaks[1] - peaks[0] < 40


def test_a_mapped_dataset_is_a_view_that_training_may_shuffle(tmp_path):
    write_celeba(tmp_path)
    celeba = data.load("celeba", tmp_path)
    assert celeba.train.images.untyped_storage().data_ptr() == celeba.test.images.untyped_storage().data_ptr(), (
        "splits copy nothing"
    )
    assert data.Batches(celeba.train.images, 8, seed=0).at(0).shape == (8, 3, 32, 32)


def write_chairs(root: Path, chairs: int = 5) -> Path:
    for chair in range(chairs):
        folder = root / "rendered_chairs" / f"{chair:032x}" / "renders"
        folder.mkdir(parents=True)
        for k, (pitch, azimuth) in enumerate([(20, 11), (20, 191), (30, 348)]):
            image = Image.new("RGB", (600, 600), (255, 255, 255))
            image.paste((40 * chair,) * 3, (150, 150, 450, 450))
            image.save(folder / f"image_{k + 1:03d}_p{pitch:03d}_t{azimuth:03d}_r096.png")
    return root / "rendered_chairs"


def test_rendered_chairs(tmp_path):
    folder = write_chairs(tmp_path)
    chairs = data.load("rendered_chairs", tmp_path)
    assert [len(part) for part in (chairs.train, chairs.validation, chairs.test)] == [
        9,
        3,
        3,
    ] and chairs.image_shape == (1, 64, 64)
    factors, names = chairs.test.extra["factors"]
    assert names == ("azimuth_degrees", "pitch_degrees") and factors.tolist() == [[11, 20], [191, 20], [348, 30]]
    assert (chairs.test.images[:, 0, 32, 32] == 160).all() and (chairs.test.images[:, 0, 2, 2] == 255).all(), (
        "a chair of its own"
    )
    wrong = next(folder.glob("*/renders/*.png"))
    wrong.rename(wrong.with_name("chair.png"))
    refused("rendered_chairs", tmp_path, "chair.png does not say its pose")
    refused("rendered_chairs", tmp_path / "none", "unpack rendered_chairs.tar")


def test_a_folder_of_images(tmp_path):
    for label, name in enumerate(("cats", "dogs")):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for i in range(15):
            Image.new("RGB", (40 + i, 50), (100 * label, 10 * i, 0)).save(tmp_path / "pets" / name / f"{i}.png")
    pets = data.load(f"{tmp_path / 'pets'}@16")
    assert pets.image_shape == (3, 16, 16) and [len(part) for part in (pets.train, pets.validation, pets.test)] == [
        24,
        3,
        3,
    ]
    everything = torch.cat([part.images for part in (pets.train, pets.validation, pets.test)])
    labels = torch.cat([part.labels for part in (pets.train, pets.validation, pets.test)])
    assert torch.equal(everything[:, 0, 0, 0].long(), 100 * labels) and labels.bincount().tolist() == [15, 15]
    assert data.load(str(tmp_path / "pets")).image_shape == (3, 32, 32)
    with pytest.raises(InputError, match="of size 'big'"):
        data.load(f"{tmp_path / 'pets'}@big")
    with pytest.raises(InputError, match="holds 15 images"):
        (tmp_path / "few").mkdir()
        for i in range(15):
            Image.new("L", (8, 8)).save(tmp_path / "few" / f"{i}.png")
        data.load(str(tmp_path / "few"))


def test_grey_images_of_16_bits_keep_their_shades(tmp_path):
    (tmp_path / "deep").mkdir()
    ramp = np.repeat(np.arange(0, 65536, 2048, dtype=np.uint16)[None], 32, 0)
    for i in range(20):
        Image.fromarray(ramp).save(tmp_path / "deep" / f"{i}.png")
    deep = data.load(str(tmp_path / "deep"))
    assert deep.image_shape == (1, 32, 32) and deep.train.images[0, 0, 0].tolist() == list(range(0, 256, 8))
    Image.fromarray(np.ones((32, 32), np.float32)).save(tmp_path / "deep" / "z.tiff")
    refused(str(tmp_path / "deep"), tmp_path, "z.tiff cannot be read", "mode F")


class Trap:
    """Unpickled, it leaves a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def write_dsprites(path: Path, count: int = 50, **changes) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    images, factors = random.integers(0, 2, (count, 64, 64), dtype=np.uint8), random.normal(size=(count, 6))
    trap = np.array(Trap(path.parent / "unpickled"), dtype=object)
    np.savez_compressed(
        path,
        **(
            {"metadata": trap, "imgs": images, "latents_values": factors, "latents_classes": factors.astype(int)}
            | changes
        ),
    )
    return images, factors


def test_dsprites_keeps_images_and_factors_together_and_unpickles_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "CHUNK", 7)
    images, factors = write_dsprites(tmp_path / "dsprites.npz")
    loaded = data.load("dsprites.npz", tmp_path)
    assert not (tmp_path / "unpickled").exists()
    with pytest.raises(ValueError, match="Object arrays"):
        np.load(tmp_path / "dsprites.npz", allow_pickle=False)["metadata"]
    assert loaded.image_shape == (1, 64, 64) and [
        len(part) for part in (loaded.train, loaded.validation, loaded.test)
    ] == [40, 5, 5]
    values, names = loaded.test.extra["factors"]
    assert names == ("color", "shape", "scale", "orientation", "posX", "posY")
    for image, truth in zip(loaded.test.images, values):
        original = np.abs(factors - truth.numpy()).sum(1).argmin()
        assert np.array_equal(image[0].numpy(), 255 * images[original])


def test_damaged_dsprites_is_named(tmp_path):
    write_dsprites(tmp_path / "d.npz", imgs=np.zeros((50, 32, 32), np.uint8))
    refused("d.npz", tmp_path, "not dSprites", "(50, 32, 32)")
    write_dsprites(tmp_path / "d.npz")
    whole = (tmp_path / "d.npz").read_bytes()
    (tmp_path / "d.npz").write_bytes(whole[: len(whole) // 2])
    refused("d.npz", tmp_path, "d.npz")
    (tmp_path / "d.npz").write_bytes(whole)
    with zipfile.ZipFile(tmp_path / "d.npz") as archive:
        member = archive.getinfo("imgs.npy")
    middle = member.header_offset + member.compress_size // 2
    (tmp_path / "d.npz").write_bytes(whole[:middle] + bytes(40) + whole[middle + 40 :])
    refused("d.npz", tmp_path, "d.npz is damaged", "get it again")


def test_a_cache_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(archives.CACHE_VARIABLE, str(tmp_path / "file"))
    write_celeba(tmp_path)
    refused("celeba", tmp_path, "cannot be kept in", archives.CACHE_VARIABLE)
