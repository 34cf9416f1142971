"""Decoded images in a memory-mapped cache, for datasets of many files and for those that are larger than memory.

The cache (in $INFOGAN_CACHE, else ~/.cache/infogan) is one uint8 .npy file per dataset and size, decoded once; images
that are not used take no memory. Decoding shows its progress, and continues where it stopped after an interruption.
"""

import errno
import hashlib
import json
import math
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from infogan.data.files import as_input_error, expand_user
from infogan.utils.errors import InputError
from infogan.utils.files import write_atomic
from infogan.utils.locks import locked

CACHE_VARIABLE = "INFOGAN_CACHE"
DECODER = 2  # version: a change of how images are cropped, scaled or ordered needs a new one, which makes new caches
NAME_LENGTH = 50  # characters of the dataset's name in its folder's; file systems allow 255 bytes
CHUNK = 1000  # images that are decoded between two saves of the progress

Shape = tuple[int, int, int, int]
Chunks = Callable[[int], Iterable[np.ndarray]]


def cache_folder() -> Path:
    """Where decoded images and trained classifiers are kept: $INFOGAN_CACHE, else ~/.cache/infogan; of a user without a
    home, as in a container, a folder for temporary files."""
    if chosen := os.environ.get(CACHE_VARIABLE):
        return expand_user(chosen)
    try:
        return Path.home() / ".cache" / "infogan"
    except RuntimeError:
        return Path(tempfile.gettempdir()) / f"infogan-cache-{os.getuid()}"


def file_identity(path: Path) -> list:
    """Path, size and time of a file, for the `source` of `cached`."""
    about = path.stat()
    return [str(path.resolve()), about.st_size, about.st_mtime_ns]


def cached(name: str, source: object, shape: Shape, chunks: Chunks) -> Tensor:
    """The images that `chunks` yields, uint8 [N, C, H, W]: decoded into the cache, or mapped from it if it has them.

    Args:
        source: what the images are made from (names, sizes, times), as JSON; another source is another cache.
        shape: (N, C, H, W).
        chunks: given the number of images that are done, yields the images after them, uint8 [n, C, H, W].
    Raises InputError where the cache cannot be written, and where `chunks` yields fewer images than N. Where
    `chunks` raises an exception, the images before it stay in the cache.
    """
    digest = hashlib.sha256(json.dumps([DECODER, source, shape], default=str).encode()).hexdigest()[:12]
    folder = cache_folder() / f"{name[:NAME_LENGTH]}-{digest}"
    remedy = f"make room, or set {CACHE_VARIABLE} to another folder"
    with as_input_error(f"{name} cannot be kept in {folder}", remedy, OSError):
        if _count_done(folder, shape) < shape[0]:
            folder.mkdir(parents=True, exist_ok=True)
            with locked(folder / ".lock"):  # of several processes one decodes, and the others wait
                _fill(folder, name, shape, chunks)
        # Mapped copy-on-write, because torch has no read-only tensors.
        return torch.from_numpy(np.load(folder / "images.npy", mmap_mode="c"))


def _count_done(folder: Path, shape: Shape) -> int:
    """How many images the cache holds; 0 where there is none, or it is damaged."""
    try:
        done = int((folder / "done").read_text(encoding="utf-8"))
        images = np.lib.format.open_memmap(folder / "images.npy", "r")
    except (OSError, ValueError):
        return 0
    return done if images.shape == shape and images.dtype == np.uint8 and 0 <= done <= shape[0] else 0


def _fill(folder: Path, name: str, shape: Shape, chunks: Chunks) -> None:
    """Decode the images that the cache lacks."""
    from tqdm import tqdm

    done, count = _count_done(folder, shape), shape[0]
    images = _open_images(folder / "images.npy", shape, new=done == 0)
    progress = tqdm(
        desc=f"{name} into {folder}",
        total=count,
        initial=done,
        unit=" images",
        unit_scale=True,
        mininterval=0.5 if sys.stderr.isatty() else 30,
        disable=count <= CHUNK,
    )
    with progress:
        for chunk in chunks(done) if done < count else ():
            images[done : done + len(chunk)] = chunk
            images.flush()
            done += len(chunk)
            write_atomic(folder / "done", str(done))
            progress.update(len(chunk))
    if done != count:
        raise InputError(f"{name} has {done} images, but {count} were expected: get its files again")


def _open_images(path: Path, shape: Shape, new: bool) -> np.memmap:
    """The cache's images, to be written; with `new` they are created."""
    if not new:
        return np.lib.format.open_memmap(path, "r+")
    path.with_name("done").unlink(missing_ok=True)  # it would count images of zeros, were this process killed
    path.unlink(missing_ok=True)
    needed, free = math.prod(shape), shutil.disk_usage(path.parent).free
    if needed > free:  # said before the disk is filled, which other programs would notice
        raise OSError(errno.ENOSPC, f"{needed:,} bytes are needed and {free:,} are free")
    images = np.lib.format.open_memmap(path, "w+", np.uint8, shape)
    if hasattr(os, "posix_fallocate"):  # a full disk raises OSError here; writing to the map, it would kill the process
        try:
            with path.open("r+b") as file:
                os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
        except OSError:
            path.unlink()  # it has taken what room there was
            raise
    return images
