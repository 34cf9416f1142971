"""Limits of what is decoded, compared with the sizes that files declare before memory is taken."""

import os

from infogan.errors import InputError
from infogan.files import check_regular as check_regular  # of the data's files too

BYTES_VARIABLE = "INFOGAN_MAX_BYTES"
PIXELS_VARIABLE = "INFOGAN_MAX_PIXELS"
MAX_BYTES = 4_000_000_000  # of the arrays of one dataset that is kept in memory
MAX_PIXELS = 89_478_485  # of one image file; above it Pillow warns
BYTES_PER_PIXEL = 8  # more than any image file takes


def max_bytes() -> int:
    """$INFOGAN_MAX_BYTES, else MAX_BYTES."""
    return _limit(BYTES_VARIABLE, MAX_BYTES)


def max_pixels() -> int:
    """$INFOGAN_MAX_PIXELS, else MAX_PIXELS."""
    return _limit(PIXELS_VARIABLE, MAX_PIXELS)


def _limit(variable: str, default: int) -> int:
    text = os.environ.get(variable) or str(default)
    try:
        limit = int(float(text))
    except (ValueError, OverflowError):
        limit = 0
    if limit < 1:
        raise InputError(f"{variable} is {text!r}; give a number, such as {default:.0e}")
    return limit


def check_bytes(needed: int, what: str) -> None:
    """Raises InputError where `what` is to take more than max_bytes()."""
    if needed > max_bytes():
        raise InputError(
            f"{what} takes {needed:,} bytes in memory, and {max_bytes():,} are allowed: "
            f"set {BYTES_VARIABLE}={needed} if that is right"
        )


def too_many_pixels(name: str) -> InputError:
    """The error for an image file of more than max_pixels()."""
    return InputError(
        f"the image {name} has more pixels than the {max_pixels():,} that are allowed: scale it down, "
        f"or set {PIXELS_VARIABLE} higher"
    )


def check_image_file(size: int, name: str) -> None:
    """Raises InputError where an image file of `size` bytes is larger than one of max_pixels()."""
    if size > BYTES_PER_PIXEL * max_pixels():
        raise InputError(
            f"the image file {name} has {size:,} bytes, more than an image of {max_pixels():,} pixels: get it again, "
            f"or set {PIXELS_VARIABLE} higher"
        )
