"""One image file to pixels."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from infogan.data.files import PIXELS_VARIABLE, as_input_error, check_pixel_count, check_regular, limit
from infogan.data.splits import images_from

if TYPE_CHECKING:
    from PIL import Image

GREY = ("1", "L", "LA", "La", "I", "F")
"""Pillow's modes without colour; I;16 in its byte orders is another."""


def decode_image(data: bytes | Path, name: str, colour: bool, size: int, crop: int | None = None) -> np.ndarray:
    """The square in the middle of an image file, averaged down to uint8 [3 if colour else 1, size, size].

    As a viewer shows it: turned by its EXIF orientation, on white where it is transparent.

    data: the file's path, or its content. name: the file's name for errors.
    crop: side of the square in pixels; default: the image's shorter side.
    Raises InputError for a damaged file, one of too many pixels, and for pixels of more than 16 bits.
    """
    from PIL import Image, ImageOps

    with _opened(data, name) as opened:
        image: Image.Image = ImageOps.exif_transpose(opened)
        # Pillow would clip to 255 what is brighter; 16-bit .pgm files are of mode I.
        if image.mode.startswith("I;16") or (image.mode == "I" and opened.format in ("PNG", "PPM")):
            image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
        elif image.mode in ("I", "F"):
            raise ValueError(f"its pixels are of Pillow's mode {image.mode}: save it with 8 or 16 bits")
        if image.has_transparency_data:
            shown = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", shown.size, "white"), shown)
        image = image.convert("RGB" if colour else "L")
        side = crop or min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        image = image.resize((size, size), Image.Resampling.BOX, (left, top, left + side, top + side))
        pixels = np.array(image)
    return images_from(pixels[None])[0].numpy()


class Look(NamedTuple):
    """What an image file holds."""

    colour: bool
    """It has more than shades of grey."""
    frames: bool
    """It has more than one frame."""
    deep: bool
    """Its pixels have 16 bits."""


def look_at(path: Path) -> Look:
    """Raises InputError for a damaged file."""
    with _opened(path, str(path)) as image:
        frames, deep = bool(getattr(image, "is_animated", False)), ";16" in str(getattr(image, "tile", ""))
        if image.mode in ("P", "PA"):  # colours of a palette, which may all be grey
            pixels = np.asarray(image.convert("RGB"))
            return Look(bool((pixels != pixels[..., :1]).any()), frames, deep)
        return Look(image.mode not in GREY and not image.mode.startswith("I;16"), frames, deep)


@contextmanager
def _opened(data: bytes | Path, name: str) -> Iterator["Image.Image"]:
    """An image file, opened where it is a regular file that does not declare too many pixels.

    What the block raises becomes an InputError.
    """
    from PIL import Image

    if isinstance(data, Path):
        check_regular(data)
    Image.MAX_IMAGE_PIXELS = max(
        limit(PIXELS_VARIABLE), Image.MAX_IMAGE_PIXELS or 0
    )  # more only where the user says so
    with as_input_error(f"the image {name} cannot be read", "give an image file, such as a PNG or JPEG"):
        try:
            image = Image.open(io.BytesIO(data) if isinstance(data, bytes) else data)
        except Image.DecompressionBombError:
            check_pixel_count(2 * Image.MAX_IMAGE_PIXELS, name)  # Pillow raises it beyond twice its limit
            raise
        with image:
            check_pixel_count(image.width * image.height, name)
            yield image
