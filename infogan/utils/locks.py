"""Locks between processes on a file, also on file systems without locks."""

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP)
"""What NFS or Lustre answer where they are mounted without locks."""


@contextlib.contextmanager
def locked(path: Path | str, timeout: float = -1, **named: Any) -> Iterator[None]:
    """Holds the lock until the block ends; a process that dies leaves it unlocked.

    Where the file system has no locks the file PATH.soft takes the lock's place. That of a process which died is
    recognised on the same machine alone: after the death of another one it has to be removed by hand.

    Args: timeout: seconds to wait, -1 without end; named: of filelock.FileLock. Raises filelock.Timeout.
    """
    from filelock import FileLock, SoftFileLock, Timeout  # not needed to read a run

    lock: FileLock | SoftFileLock = FileLock(path, timeout=timeout, **named)
    try:
        lock.acquire()
    except Timeout:
        raise
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        lock = SoftFileLock(f"{path}.soft", timeout=timeout, **named)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
