import contextlib
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
from conftest import ROOT
from dataset_files import assert_input_error, write_celeba

from infogan import data
from infogan.data import cache, decoding, synthetic
from infogan.utils.errors import InputError


def test_decoding_continues_where_it_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "CHUNK", 10)
    images = write_celeba(tmp_path) / "img_align_celeba"
    whole = (images / "000025.jpg").read_bytes()
    (images / "000025.jpg").write_bytes(whole[:300])
    assert_input_error("celeba", tmp_path, "000025.jpg cannot be read")
    decoded, decode_image = [], decoding.decode_image
    (images / "000025.jpg").unlink()  # as a user would replace it: the folder's time changes too
    (images / "000025.jpg").write_bytes(whole)

    def record(content, name, *rest):
        decoded.append(name)
        return decode_image(content, name, *rest)

    monkeypatch.setattr(decoding, "decode_image", record)
    train = data.load("celeba", tmp_path).train
    assert sorted(decoded) == [f"{i:06d}.jpg" for i in range(21, 31)], "the first twenty had been decoded"
    assert train.images[:, 0].float().mean((1, 2)).tolist() == pytest.approx([8.0 * i for i in range(24)], abs=3)
    decoded.clear()
    data.load("celeba", tmp_path)
    assert not decoded


STREAM = """
import resource, sys
from infogan import data
for folder in sys.argv[1:]:
    images = data.load("celeba", folder).train.images
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def test_many_images_stream_in_bounded_memory(tmp_path):
    """Peak memory (MiB) does not grow with the number of images, nor with what they take in the cache."""
    folders = [tmp_path / str(count) for count in (60, 760)]  # 700 images of 178 x 218 pixels take 78 MiB
    for folder in folders:
        write_celeba(folder, int(folder.name), zipped=True, noise=True)
    done = subprocess.run([sys.executable, "-c", STREAM, *folders], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    few, many = map(int, done.stdout.split())
    assert many - few < 30


def test_a_mapped_dataset_is_a_view_that_training_may_shuffle(tmp_path):
    write_celeba(tmp_path)
    faces = data.load("celeba", tmp_path)
    addresses = {split.images.untyped_storage().data_ptr() for split in (faces.train, faces.test)}
    assert len(addresses) == 1, "splits copy nothing"
    assert data.Batches(faces.train.images, 8, seed=0).at(0).shape == (8, 3, 32, 32)


def test_a_cache_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(cache.CACHE_VARIABLE, str(tmp_path / "file"))
    write_celeba(tmp_path)
    assert_input_error("celeba", tmp_path, cache.CACHE_VARIABLE)


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(cache, "CHUNK", 40)


def test_a_damaged_cache_is_made_again(small_chunks):
    images = synthetic.render_dataset("sprites", None, 60)[0].clone()
    (folder,) = cache.cache_folder().glob("sprites-*")
    for damage in (
        lambda: (folder / "done").write_text(""),
        lambda: (folder / "images.npy").write_bytes((folder / "images.npy").read_bytes()[:5000]),
        lambda: (folder / "images.npy").unlink(),
        lambda: (folder / "done").write_text("10") and (folder / "images.npy").write_bytes(b"not an array"),
    ):
        damage()
        assert torch.equal(synthetic.render_dataset("sprites", None, 60)[0], images)


def test_a_cache_that_was_being_made_again_is_no_complete_one(small_chunks):
    """The images of a complete cache are gone, and what makes them again is killed before the first is written."""

    def chunks(start):
        if killed:
            raise KeyboardInterrupt
        yield torch.full((3 - start, 1, 2, 2), 7, dtype=torch.uint8).numpy()

    for killed in (False, True, False):
        with pytest.raises(KeyboardInterrupt) if killed else contextlib.nullcontext():
            assert (cache.cached("sevens", [], (3, 1, 2, 2), chunks) == 7).all()
        (folder,) = cache.cache_folder().glob("sevens-*")
        if not killed:
            (folder / "images.npy").unlink()


def test_a_complete_cache_may_be_read_only(small_chunks, monkeypatch):
    images = synthetic.render_dataset("sprites", None, 60)[0]
    monkeypatch.setattr("filelock.FileLock", lambda path: pytest.fail("nothing is to be written"))
    assert torch.equal(synthetic.render_dataset("sprites", None, 60)[0], images)


def test_a_full_disk_is_an_error_and_no_crash(small_chunks, monkeypatch):
    def full(file, start, length):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache.os, "posix_fallocate", full)
    with pytest.raises(InputError, match="No space left on device"):
        synthetic.render_dataset("sprites", None, 60)
    assert not list(cache.cache_folder().rglob("images.npy")), "it would keep the disk full"


def test_a_dataset_larger_than_the_disk_takes_nothing_of_it(small_chunks, monkeypatch):
    monkeypatch.setattr(cache.os, "posix_fallocate", lambda *rest: pytest.fail("the disk would be full"))
    monkeypatch.setattr(cache.shutil, "disk_usage", lambda path: SimpleNamespace(free=100_000))
    with pytest.raises(InputError, match="245,760 bytes are needed and 100,000 are free.*make room"):
        synthetic.render_dataset("sprites", None, 60)


def test_a_user_without_a_home_has_a_cache(tmp_path, monkeypatch):
    """In a container the number of the user need not be in /etc/passwd."""

    def none():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("INFOGAN_CACHE", raising=False)
    monkeypatch.setattr(cache.Path, "home", none)
    monkeypatch.setattr(cache.tempfile, "tempdir", str(tmp_path))
    assert cache.cache_folder().parent == tmp_path
