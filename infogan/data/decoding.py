"""One image file to pixels."""

import io
from pathlib import Path

import numpy as np

from infogan.data.errors import as_input_error


def decode_image(data: bytes | Path, name: str, colour: bool, size: int, crop: int | None = None) -> np.ndarray:
    """The square in the middle of an image file, averaged down to uint8 [3 if colour else 1, size, size].

    As a viewer shows it: turned by its EXIF orientation, on white where it is transparent.

    data: the file's path, or its content. name: the file's name for errors.
    crop: side of the square in pixels; default: the image's shorter side.
    Raises InputError for a damaged file, and for pixels of more than 16 bits.
    """
    from PIL import Image, ImageOps

    with (
        as_input_error(f"the image {name} cannot be read", "get it again, or remove it"),
        Image.open(io.BytesIO(data) if isinstance(data, bytes) else data) as opened,
    ):
        image: Image.Image = ImageOps.exif_transpose(opened)
        if image.mode.startswith("I;16"):  # Pillow would clip to 255 what is brighter
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
        pixels = np.asarray(image)
    return pixels.transpose(2, 0, 1) if colour else pixels[None]


def is_colour(path: Path) -> bool:
    """Whether an image file has more than shades of grey. Raises InputError for a damaged file."""
    from PIL import Image

    with as_input_error(f"the image {path} cannot be read", "get it again, or remove it"), Image.open(path) as image:
        return image.mode not in ("1", "L", "LA", "I", "I;16", "F")
