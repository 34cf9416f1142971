"""The files of datasets: where they are, downloads, limits of what is decoded, and one-line errors for damaged ones."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TypeVar

import torch

from infogan.errors import InputError

DATA_VARIABLE = "INFOGAN_DATA"
HINT = f"put it there, pass --data-dir (or set {DATA_VARIABLE}) to the folder that holds it, or run once with a network"

BYTES_VARIABLE = "INFOGAN_MAX_BYTES"
PIXELS_VARIABLE = "INFOGAN_MAX_PIXELS"
LIMITS = {
    BYTES_VARIABLE: 4_000_000_000,  # of the arrays of one dataset that is kept in memory
    PIXELS_VARIABLE: 89_478_485,  # of one image file; above it Pillow warns
}
"""Of what is decoded, compared with the sizes that files declare before memory is taken."""
BYTES_PER_PIXEL = 8  # more than any image file takes

Failures = type[Exception] | tuple[type[Exception], ...]
Result = TypeVar("Result")

_declared: list[torch.library.Library] = []  # the declared operators exist as long as this object


def data_folder(data_dir: str | os.PathLike | None = None) -> Path:
    """data_dir; where it is not given, $INFOGAN_DATA, and where that is not set, ./data. ~ is the user's home, which a
    shell leaves as it is in --data-dir=~/data."""
    return expand_user(data_dir or os.environ.get(DATA_VARIABLE) or "data")


def expand_user(path: str | os.PathLike) -> Path:
    """The path with the home folder for ~ or ~NAME. Raises InputError where there is no such user."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise InputError(f"{path}: there is no such user; give the path without ~") from None


def first_line(error: Exception) -> str:
    """The first line of an error's message, at most 300 characters; the error's type where it has no message.

    A line that ends with a colon announces the next, which is added.
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    end = next((i for i, line in enumerate(lines) if not line.endswith(":")), len(lines) - 1)
    return " ".join(lines[: end + 1])[:300]


@contextmanager
def as_input_error(problem: str, remedy: str, failures: Failures = Exception) -> Iterator[None]:
    """Raise `failures` of the block as the InputError "problem (the failure's first line): remedy".

    failures: default, every exception, because a parser of a damaged file can raise any. An InputError stays as it is.
    """
    try:
        yield
    except InputError:
        raise
    except failures as error:
        raise InputError(f"{problem} ({first_line(error)}): {remedy}") from error


def check_regular(path: Path) -> None:
    """Raises InputError where there is something at `path` that is no regular file: reading a pipe may never end."""
    if os.path.exists(path) and not os.path.isfile(path):
        kind = "folder" if os.path.isdir(path) else "pipe or a device"
        raise InputError(f"{path} is a {kind}; give a regular file")


def limit(variable: str) -> int:
    """The number in the environment variable, one of LIMITS; the default where it is not set."""
    text = os.environ.get(variable) or str(LIMITS[variable])
    try:
        number = int(float(text))
    except (ValueError, OverflowError):
        number = 0
    if number < 1:
        raise InputError(f"{variable} is {text!r}; give a number, such as {LIMITS[variable]:.0e}")
    return number


def check_bytes(needed: int, what: str) -> None:
    """Raises InputError where `what` is to take more bytes in memory than the limit."""
    if needed > (most := limit(BYTES_VARIABLE)):
        raise InputError(
            f"{what} takes {needed:,} bytes in memory, and {most:,} are allowed: "
            f"set {BYTES_VARIABLE}={needed} if that is right"
        )


def check_pixel_count(count: int, name: str) -> None:
    """Raises InputError where an image file declares more pixels than the limit."""
    if count > (most := limit(PIXELS_VARIABLE)):
        raise InputError(
            f"the image {name} has more pixels than the {most:,} that are allowed: scale it down, "
            f"or set {PIXELS_VARIABLE} higher"
        )


def check_image_bytes(size: int, name: str) -> None:
    """Raises InputError where an image file of `size` bytes is larger than one of as many pixels as are allowed."""
    if size > BYTES_PER_PIXEL * (most := limit(PIXELS_VARIABLE)):
        raise InputError(
            f"the image file {name} has {size:,} bytes, more than an image of {most:,} pixels: get it again, "
            f"or set {PIXELS_VARIABLE} higher"
        )


def download(
    fetch: Callable[[], Result],
    problem: str,
    folder: Path,
    remedy: str = HINT,
    file: Path | None = None,
) -> Result:
    """What fetch() returns.

    Raises InputError where it fails (no network, no space), beginning with `problem` and ending with `remedy`. Where it
    is not finished, `folder` and the folders above it that it made are removed again if they are empty, and so is
    `file`, which would be a part only.
    """
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    partial = None if file is None or file.exists() else file
    with as_input_error(f"{problem} could not be downloaded", remedy):
        try:
            return fetch()
        except BaseException:  # also Ctrl-C
            if partial is not None:
                partial.unlink(missing_ok=True)
            for path in new:
                if path.is_dir() and not any(path.iterdir()):
                    path.rmdir()
            raise


def import_torchvision() -> ModuleType:
    """torchvision, also where a CPU-only torch meets a torchvision built for CUDA.

    That pair is easily installed, because PyPI's torchvision is the CUDA build, and its import fails: torchvision's
    compiled operators are not loaded, while its Python code registers shape functions for two of them. Neither operator
    is used here. So where the plain import has failed, both are declared, and the import is tried again.
    """
    try:
        import torchvision
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
        for module in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[module]
        library = torch.library.Library("torchvision", "FRAGMENT")
        library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _declared.append(library)
        import torchvision
    return torchvision
