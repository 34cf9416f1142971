"""Arrays in a zip archive, as numpy.savez writes them."""

import math
import zipfile
from typing import IO

import numpy as np


def read_header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and type of the .npy file that begins here. Raises ValueError where none does."""
    if np.lib.format.read_magic(file) == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    else:
        shape, _, dtype = np.lib.format.read_array_header_2_0(file)
    return shape, dtype


def declared_bytes(archive: zipfile.ZipFile, member: str) -> int:
    """The bytes that an array takes in memory, from its header alone; 0 for pickled objects, which are not read.

    Raises ValueError where its header declares another number than the archive.
    """
    info = archive.getinfo(member)
    with archive.open(info) as file:
        shape, dtype = read_header(file)
        held = info.file_size - file.tell()
    if dtype.hasobject:
        return 0
    needed = math.prod(shape) * dtype.itemsize
    if needed != held:
        raise ValueError(f"its header says {dtype} of shape {shape}, {needed:,} bytes, and it holds {held:,}")
    return needed


def read(archive: zipfile.ZipFile, member: str) -> np.ndarray:
    """An array; nothing is unpickled."""
    with archive.open(member) as file:
        return np.lib.format.read_array(file, allow_pickle=False)
