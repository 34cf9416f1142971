"""The folder of datasets, and downloads into it."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from infogan.data.errors import Failures, as_input_error
from infogan.errors import InputError

DATA_VARIABLE = "INFOGAN_DATA"
HINT = f"put it there, pass --data-dir (or set {DATA_VARIABLE}) to the folder that holds it, or run once with a network"

Result = TypeVar("Result")


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


def download(
    fetch: Callable[[], Result],
    problem: str,
    folder: Path,
    mend: str = HINT,
    failures: Failures = Exception,
    file: Path | None = None,
) -> Result:
    """What fetch() returns.

    Raises InputError where it raises one of `failures` (no network, no space), beginning with `problem` and ending with
    `mend`. Where it is not finished, `folder` and the folders above it that it made are removed again if they are
    empty, and so is `file`, which would be a part only.
    """
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    partial = None if file is None or file.exists() else file
    with as_input_error(f"{problem} could not be downloaded", mend, failures):
        try:
            return fetch()
        except BaseException:  # also Ctrl-C
            if partial is not None:
                partial.unlink(missing_ok=True)
            for path in new:
                if path.is_dir() and not any(path.iterdir()):
                    path.rmdir()
            raise
