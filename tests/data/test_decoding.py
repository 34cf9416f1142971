import numpy as np
import pytest
from PIL import Image

from infogan.data.decoding import decode_image, look_at
from infogan.utils.errors import InputError

RAMP = np.repeat(np.arange(0, 256, 16, dtype=np.uint8)[None], 16, 0)
COLOURS = np.stack([RAMP, RAMP[::-1], RAMP.T], 2)


def ink() -> Image.Image:
    """A drawing that lives in the alpha channel: black everywhere, opaque where RAMP is 255."""
    return Image.fromarray(np.concatenate([np.zeros((16, 16, 3), np.uint8), RAMP[..., None]], 2))


def grey_palette() -> Image.Image:
    return Image.fromarray(RAMP).convert("P")


def write_pgm(path, ramp: np.ndarray) -> None:
    path.write_bytes(b"P5 16 16 65535\n" + ramp.astype(">u2").tobytes())


@pytest.mark.parametrize(
    ("image", "ending", "colour", "shown"),
    [
        (Image.fromarray(RAMP), "png", False, RAMP),
        (grey_palette(), "png", False, RAMP),
        (grey_palette(), "gif", False, RAMP),
        (Image.fromarray(COLOURS).quantize(256), "png", True, None),
        (Image.fromarray(RAMP > 100), "png", False, (RAMP > 100) * np.uint8(255)),
        (Image.fromarray(RAMP.astype(np.uint16) * 257), "png", False, RAMP),
        (Image.fromarray(RAMP.astype(np.uint16) * 257), "tiff", False, RAMP),
        (RAMP.astype(np.uint16) * 257, "pgm", False, RAMP),
        (Image.fromarray(COLOURS).convert("CMYK"), "tiff", True, COLOURS),
        (ink(), "png", True, 255 - RAMP),
        (ink().convert("LA"), "png", False, 255 - RAMP),
    ],
    ids="grey palette palette.gif colours bits 16 16.tiff 16.pgm cmyk alpha LA".split(),
)
def test_files_of_every_mode_are_read_as_a_viewer_shows_them(image, ending, colour, shown, tmp_path):
    path = tmp_path / f"x.{ending}"
    write_pgm(path, image) if ending == "pgm" else image.save(path)
    assert look_at(path)[:2] == (colour, False)
    pixels = decode_image(path, "x", colour=colour, size=16)
    if shown is not None:
        expected = shown.transpose(2, 0, 1) if shown.ndim == 3 else np.broadcast_to(shown, pixels.shape)
        assert np.abs(pixels.astype(int) - expected).max() <= 1


@pytest.mark.parametrize(("colour", "wide"), [(False, True), (False, False), (True, True)])
def test_padding_shows_the_whole_image_between_bars_of_its_borders_colour(colour, wide, tmp_path):
    """A white half on the right, or below, inside a border of (10, 20, 30)."""
    ground = (10, 20, 30) if colour else (10,) * 3
    pixels = np.full((16, 32, 3), ground, np.uint8)
    pixels[2:-2, 16:-2] = 255
    Image.fromarray(pixels if wide else pixels.swapaxes(0, 1)).save(tmp_path / "x.png")
    cropped, padded = (decode_image(tmp_path / "x.png", "x", colour, 16, pad=pad) for pad in (False, True))
    assert padded.shape == cropped.shape == (3 if colour else 1, 16, 16)
    padded = padded if wide else padded.swapaxes(1, 2)
    for value, channel in zip(ground, padded):
        assert (channel[:4] == value).all() and (channel[12:] == value).all(), "bars"
        assert (channel[5:11, 8:15] == 255).all() and (channel[4:12, :8] == value).all(), "half as large, unstretched"
    assert (cropped[0, 0] == ground[0]).all() and (cropped[0].max(0 if wide else 1)[8:] == 255).all(), "the middle"


def test_padding_of_a_square_changes_nothing(tmp_path):
    Image.fromarray(COLOURS).save(tmp_path / "x.png")
    shown = [decode_image(tmp_path / "x.png", "x", colour=True, size=8, pad=pad) for pad in (False, True)]
    assert np.array_equal(*shown)


@pytest.mark.parametrize("turn", [None, 1, 3, 6, 8])
def test_a_photograph_lies_as_its_exif_says(turn, tmp_path):
    exif = Image.Exif()
    if turn:
        exif[0x0112] = turn
    Image.fromarray(RAMP).save(tmp_path / "x.png", exif=exif)
    expected = {None: RAMP, 1: RAMP, 3: RAMP[:, ::-1], 6: np.rot90(RAMP, -1), 8: np.rot90(RAMP)}[turn]
    assert np.array_equal(decode_image(tmp_path / "x.png", "x", colour=False, size=16)[0], expected)


def test_of_several_frames_the_first_is_read(tmp_path):
    first, second = Image.fromarray(RAMP), Image.fromarray(RAMP.T)
    first.save(tmp_path / "x.gif", save_all=True, append_images=[second])
    assert look_at(tmp_path / "x.gif")[:2] == (False, True)
    assert np.array_equal(decode_image(tmp_path / "x.gif", "x", colour=False, size=16)[0], RAMP)


def test_pixels_of_32_bits_are_named(tmp_path):
    Image.fromarray(RAMP.astype(np.int32)).save(tmp_path / "x.tiff")
    with pytest.raises(InputError, match="mode I"):
        decode_image(tmp_path / "x.tiff", "x", colour=False, size=16)
