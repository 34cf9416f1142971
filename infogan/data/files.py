"""The files of datasets: where they are, downloads, limits of what is decoded, and one-line errors for damaged ones."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from infogan.utils.errors import InputError
from infogan.utils.files import check_regular, replacing

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


def one_line(error: Exception) -> str:
    """An error's message in one line of at most 300 characters; the error's type where it has none."""
    return (" ".join(str(error).split()) or type(error).__name__)[:300]


@contextmanager
def as_input_error(problem: str, remedy: str, failures: Failures = Exception) -> Iterator[None]:
    """Raise `failures` of the block as the InputError "problem (the failure's message): remedy".

    failures: default, every exception, because a parser of a damaged file can raise any. An InputError stays as it is.
    """
    try:
        yield
    except InputError:
        raise
    except failures as error:
        raise InputError(f"{problem} ({one_line(error)}): {remedy}") from error


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
    _check(BYTES_VARIABLE, needed, f"{what} takes {needed:,} bytes in memory")


def check_image_bytes(size: int, name: str) -> None:
    """Raises InputError where an image file of `size` bytes is larger than one of as many pixels as are allowed."""
    _check(PIXELS_VARIABLE, size // BYTES_PER_PIXEL, f"the image file {name} has {size:,} bytes")


def check_pixel_count(count: int, name: str) -> None:
    """Raises InputError where an image file declares more pixels than the limit."""
    _check(PIXELS_VARIABLE, count, f"the image {name} has {count:,} pixels")


def _check(variable: str, needed: int, what: str) -> None:
    if needed > (most := limit(variable)):
        raise InputError(f"{what}, and {variable} allows {most:,}: set it to {needed} if that is right")


def find(paths: Sequence[Path]) -> Path | None:
    """The first of these paths that is a file; a folder may have its name. Raises InputError for a pipe or a device."""
    for path in paths:
        if not path.is_dir():
            check_regular(path)
        if path.is_file():
            return path
    return None


def find_or_download(what: str, paths: Sequence[Path], dataset: str, remedy: str = HINT) -> Path:
    """The first of these paths that is a file; where none is, the last one, downloaded from where torchvision's class
    `dataset` has it. what: the file, for errors; remedy, and errors: see `download`."""
    if (found := find(paths)) is not None:
        return found
    path = paths[-1]

    def fetch() -> None:
        datasets = import_torchvision().datasets
        urls, md5 = _source(getattr(datasets, dataset), path.name)
        with replacing(path) as part:
            for url in urls:
                try:
                    return datasets.utils.download_url(url, part.parent, part.name, md5)
                except (OSError, RuntimeError):  # the next mirror may have it
                    if url == urls[-1]:
                        raise

    download(fetch, f"{what} is not in {path.parent} and", path.parent, remedy)
    return path


def _source(dataset: Any, file: str) -> tuple[list[str], str]:
    """The addresses of a file and its MD5, in the tables of torchvision's class."""
    files = {name: ([url], md5) for url, name, md5 in getattr(dataset, "split_list", {}).values()}
    for name, md5 in getattr(dataset, "resources", ()):
        files[name] = ([mirror + name for mirror in dataset.mirrors], md5)
    return files[file] if file in files else ([dataset.url], dataset.md5)


def download(fetch: Callable[[], object], problem: str, folder: Path, remedy: str = HINT) -> None:
    """Call fetch(), which downloads into `folder`.

    Raises InputError where it fails (no network, no space), beginning with `problem` and ending with `remedy`. Where it
    is not finished, `folder` and the folders above it that it made are removed again if they are empty.
    """
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    with as_input_error(f"{problem} could not be downloaded", remedy):
        try:
            fetch()
        finally:  # also after Ctrl-C
            for path in new:
                if path.is_dir() and not any(path.iterdir()):
                    path.rmdir()


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
