import zipfile

import pytest
from dataset_files import assert_input_error, split_sizes, write_celeba

from infogan import data


@pytest.mark.parametrize("zipped", [False, True])
def test_celeba_has_its_images_attributes_and_splits(zipped, tmp_path):
    write_celeba(tmp_path, zipped=zipped)
    celeba = data.load("celeba", tmp_path)
    assert split_sizes(celeba) == [24, 3, 3] and celeba.image_shape == (3, 32, 32)
    attributes, names = celeba.train.extra["attributes"]
    assert names[:2] == ("A0", "A1") and attributes[1, :4].tolist() == [1, 1, 0, 1] and attributes.shape == (24, 40)
    colour = celeba.train.images[5].float().mean((1, 2))
    assert colour.tolist() == pytest.approx([40, 100, 200], abs=3), "the middle, in RGB order"
    assert celeba.train.images.flatten(2).float().std(2).max() < 4, "without the black frame"


def test_damaged_celeba_is_named(tmp_path):
    folder = write_celeba(tmp_path)
    images = folder / "img_align_celeba"
    (images / "000007.jpg").write_bytes(b"not an image")
    assert_input_error("celeba", tmp_path, "000007.jpg")
    (images / "000007.jpg").unlink()
    assert_input_error("celeba", tmp_path, "lacks 000007.jpg")
    listed = (folder / "list_attr_celeba.txt").read_text()
    (folder / "list_attr_celeba.txt").write_text(listed[: len(listed) // 2])
    assert_input_error("celeba", tmp_path, "list_attr_celeba.txt")
    (folder / "list_attr_celeba.txt").unlink()
    assert_input_error("celeba", tmp_path, "list_attr_celeba.txt")
    (folder / "list_attr_celeba.txt").write_text(listed)
    (folder / "list_eval_partition.txt").write_text("000001.jpg 0\n")
    assert_input_error("celeba", tmp_path, "list_eval_partition.txt")


def test_a_truncated_zip_is_named(tmp_path):
    archive = write_celeba(tmp_path, zipped=True) / "img_align_celeba.zip"
    archive.write_bytes(archive.read_bytes()[:-2000])
    assert_input_error("celeba", tmp_path, "img_align_celeba.zip")


def test_a_damaged_image_in_the_zip_is_named_and_replaced(tmp_path):
    archive = write_celeba(tmp_path, zipped=True) / "img_align_celeba.zip"
    whole = archive.read_bytes()
    with zipfile.ZipFile(archive) as opened:
        at = opened.getinfo("img_align_celeba/000012.jpg").header_offset
    archive.write_bytes(whole[: at + 200] + bytes(100) + whole[at + 300 :])
    assert_input_error("celeba", tmp_path, "000012.jpg")
    archive.write_bytes(whole)
    colour = data.load("celeba", tmp_path).train.images[11].float().mean((1, 2))
    assert colour.tolist() == pytest.approx([88, 100, 200], abs=3)


def test_missing_celeba_is_named_and_leaves_no_folders(tmp_path, monkeypatch):
    def unreachable(root, **named):
        (root / "celeba").mkdir(parents=True)
        raise RuntimeError("no network")

    monkeypatch.setattr(data.import_torchvision().datasets, "CelebA", unreachable)
    (tmp_path / "mine").mkdir()
    for root in ("none", "mine"):
        assert_input_error("celeba", tmp_path / root, "no network", "--data-dir")
    assert not (tmp_path / "none").exists(), "folders that the download made are removed"
    assert list((tmp_path / "mine").iterdir()) == [], "the user's folder stays"


def test_images_in_a_folder_of_the_same_name_are_read(tmp_path):
    """As Kaggle's archive unpacks."""
    images = write_celeba(tmp_path) / "img_align_celeba"
    images.rename(tmp_path / "inner")
    images.mkdir()
    (tmp_path / "inner").rename(images / "img_align_celeba")
    assert split_sizes(data.load("celeba", tmp_path)) == [24, 3, 3]
