"""Image files to pixels."""

import io
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from torch import Tensor

from infogan.accel import cpu
from infogan.data import cache
from infogan.data.files import PIXELS_VARIABLE, as_input_error, check_pixel_count, limit
from infogan.data.splits import images_from
from infogan.utils.files import check_regular

if TYPE_CHECKING:
    from PIL import Image

GREY = ("1", "L", "LA", "La", "I", "F")
"""Pillow's modes without colour; I;16 in its byte orders is another."""


def decode_images(
    name: str,
    source: object,
    files: Sequence[Any],
    colour: bool,
    size: int,
    crop: int | None = None,
    read: Callable[[Any], bytes | Path] = Path,
    pad: bool = False,
) -> Tensor:
    """Images of a dataset of many files, uint8 [N, C, size, size], through the cache.

    name, source: see `cache.cached`; files: of the images, in their order; colour, size, crop, pad: see `decode_image`;
    read: what is in a file, or its path.
    """

    def decode(file: Any) -> np.ndarray:
        return decode_image(read(file), str(file), colour, size, crop, pad)

    def chunks(start: int) -> Iterator[np.ndarray]:
        with ThreadPoolExecutor(cpu.cores()) as pool:  # decoders release Python's lock
            for first in range(start, len(files), cache.CHUNK):
                yield np.stack(list(pool.map(decode, files[first : first + cache.CHUNK])))

    source = [source, "padded"] if pad else source
    return cache.cached(name, source, (len(files), 3 if colour else 1, size, size), chunks)


def decode_image(
    data: bytes | Path, name: str, colour: bool, size: int, crop: int | None = None, pad: bool = False
) -> np.ndarray:
    """The square in the middle of an image file, averaged down to uint8 [3 if colour else 1, size, size].

    As a viewer shows it: turned by its EXIF orientation, on white where it is transparent.

    data: the file's path, or its content. name: the file's name for errors.
    crop: side of the square in pixels; default: the image's shorter side.
    pad: show the whole image instead, between bars of one colour, the median of its border.
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
        if pad:
            image = ImageOps.pad(image, (size, size), Image.Resampling.BOX, _border_colour(image))
        else:
            side = crop or min(image.size)
            left, top = (image.width - side) // 2, (image.height - side) // 2
            image = image.resize((size, size), Image.Resampling.BOX, (left, top, left + side, top + side))
        pixels = np.array(image)
    return images_from(pixels[None])[0].numpy()


def _border_colour(image: "Image.Image") -> tuple[int, ...]:
    """The median of the border's pixels, a value for each channel."""
    pixels = np.asarray(image)
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    return tuple(np.atleast_1d(np.median(border, axis=0)).astype(int).tolist())


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
    most = limit(PIXELS_VARIABLE)
    # Pillow warns of images above its limit and refuses those of twice as many pixels: this line comes before.
    Image.MAX_IMAGE_PIXELS = max(4 * most, Image.MAX_IMAGE_PIXELS or 0)
    remedy = f"give an image file, such as a PNG or JPEG, of at most {most:,} pixels ({PIXELS_VARIABLE})"
    with (
        as_input_error(f"the image {name} cannot be read", remedy),
        Image.open(io.BytesIO(data) if isinstance(data, bytes) else data) as image,
    ):
        check_pixel_count(image.width * image.height, name)
        yield image
