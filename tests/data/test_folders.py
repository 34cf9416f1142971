import numpy as np
import torch
from dataset_files import assert_input_error, split_sizes
from PIL import Image

from infogan import data


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
    assert_input_error(f"{tmp_path / 'pets'}@big", tmp_path, "of size 'big'")
    assert_input_error(str(tmp_path / "pets" / "cats"), tmp_path, "holds 15 images", "at least 20")


def test_grey_images_of_16_bits_keep_their_shades(tmp_path):
    (tmp_path / "deep").mkdir()
    ramp = np.repeat(np.arange(0, 65536, 2048, dtype=np.uint16)[None], 32, 0)
    for i in range(20):
        Image.fromarray(ramp).save(tmp_path / "deep" / f"{i}.png")
    deep = data.load(str(tmp_path / "deep"))
    assert deep.image_shape == (1, 32, 32) and deep.train.images[0, 0, 0].tolist() == list(range(0, 256, 8))
    Image.fromarray(np.ones((32, 32), np.float32)).save(tmp_path / "deep" / "z.tiff")
    assert_input_error(str(tmp_path / "deep"), tmp_path, "z.tiff cannot be read", "mode F")
