"""Files that are replaced as a whole: the one way in which anything is written, and a check before anything is read."""

import contextlib
import errno
import glob
import os
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from infogan.utils.errors import InputError

ABANDONED = 3600
"""Seconds after which a file that is still being written is one that a killed process has left."""


def write_atomic(path: Path, content: bytes | str, keep: Path | None = None) -> None:
    """Replace the file `path` as a whole, so that a reader or a resumed run never meets a part of it.

    Missing parent folders are made. What is no Unicode text, as in a folder's name, is written as an escape.
    keep: where the file's previous content goes.
    """
    data = content.encode(errors="backslashreplace") if isinstance(content, str) else content
    with replacing(path, keep) as temporary:
        temporary.write_bytes(data)


@contextmanager
def replacing(path: Path, keep: Path | None = None) -> Iterator[Path]:
    """A new file of the same suffix beside `path`: what the block writes there takes its place, if the block succeeds.

    File and folder are synced to disk. Missing parent folders are made. The file has the mode that the umask gives.
    A link is replaced, and not written through. What a killed process has left of the same file goes.
    keep: where the file's previous content goes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(path.parent, [path.name], ABANDONED)
    temporary = path.with_name(f".{path.stem}.{secrets.token_hex(4)}{path.suffix}")
    temporary.touch(exist_ok=False)
    try:
        yield temporary
        _sync(temporary)
        if keep is not None and path.exists():
            os.replace(path, keep)
        os.replace(temporary, path)
        _sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Write a file, or a folder's names, to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a file system that cannot sync a folder
            raise
    finally:
        os.close(handle)


def remove_leftovers(directory: Path, names: Iterable[str], age: float = 0) -> None:
    """Remove what processes that were killed inside `replacing` have left of these files in a directory.

    age: seconds since it was written, at least; with 0 nobody may be writing there.
    """
    for stem, suffix in ((Path(name).stem, Path(name).suffix) for name in names):
        for leftover in directory.glob(f".{glob.escape(stem)}.{'[0-9a-f]' * 8}{glob.escape(suffix)}"):
            with contextlib.suppress(FileNotFoundError):  # another process was faster
                if leftover.lstat().st_mtime <= time.time() - age:
                    leftover.unlink()


def check_regular(path: Path) -> None:
    """Raises InputError where something at `path` is no regular file: opening a pipe or a device may never return."""
    if os.path.lexists(path) and not path.is_file():
        kind = "folder" if path.is_dir() else "pipe or a device" if path.exists() else "link to nothing"
        raise InputError(f"{path} is a {kind}; give a regular file")
