from pathlib import Path

from dataset_files import assert_input_error, split_sizes
from PIL import Image

from infogan import data


def write_chairs(root: Path, chairs: int = 5) -> Path:
    for chair in range(chairs):
        folder = root / "rendered_chairs" / f"{chair:032x}" / "renders"
        folder.mkdir(parents=True)
        for k, (pitch, azimuth) in enumerate([(20, 11), (20, 191), (30, 348)]):
            image = Image.new("RGB", (600, 600), (255, 255, 255))
            image.paste((40 * chair,) * 3, (150, 150, 450, 450))
            image.save(folder / f"image_{k + 1:03d}_p{pitch:03d}_t{azimuth:03d}_r096.png")
    return root / "rendered_chairs"


def test_chairs_have_their_images_poses_and_splits(tmp_path):
    write_chairs(tmp_path)
    chairs = data.load("rendered_chairs", tmp_path)
    assert split_sizes(chairs) == [9, 3, 3] and chairs.image_shape == (1, 64, 64)
    factors, names = chairs.test.extra["factors"]
    assert names == ("azimuth_degrees", "pitch_degrees") and factors.tolist() == [[11, 20], [191, 20], [348, 30]]
    images = chairs.test.images[:, 0]
    assert (images[:, 32, 32] == 160).all() and (images[:, 2, 2] == 255).all(), "a chair of its own"


def test_damaged_chairs_are_named(tmp_path):
    folder = write_chairs(tmp_path)
    wrong = next(folder.glob("*/renders/*.png"))
    wrong.rename(wrong.with_name("chair.png"))
    assert_input_error("rendered_chairs", tmp_path, "chair.png does not state its pose")
    assert_input_error("rendered_chairs", tmp_path / "none", "unpack rendered_chairs.tar")
    write_chairs(tmp_path / "two", 2)
    assert_input_error("rendered_chairs", tmp_path / "two", "holds 2 chairs", "at least 3")
