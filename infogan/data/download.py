"""The folder of datasets, and downloads into it."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from infogan.data.errors import Failures, as_input_error

DATA_VARIABLE = "INFOGAN_DATA"
HINT = f"put it there, pass --data-dir (or set {DATA_VARIABLE}) to the folder that holds it, or run once with a network"

Result = TypeVar("Result")


def data_folder(data_dir: str | os.PathLike | None = None) -> Path:
    """data_dir; where it is not given, $INFOGAN_DATA, and where that is not set, ./data. ~ is the user's home, which a
    shell leaves as it is in --data-dir=~/data."""
    return Path(data_dir or os.environ.get(DATA_VARIABLE) or "data").expanduser()


def download(
    fetch: Callable[[], Result],
    problem: str,
    folders: tuple[Path, ...],
    mend: str = HINT,
    failures: Failures = Exception,
) -> Result:
    """What fetch() returns.

    Raises InputError where it raises one of `failures` (no network, no space), beginning with `problem` and ending with
    `mend`. Those of `folders`, the innermost first, that fetch() made and left empty are removed again.
    """
    new = [folder for folder in folders if not folder.exists()]
    with as_input_error(f"{problem} could not be downloaded", mend, failures):
        try:
            return fetch()
        except failures:
            for folder in new:
                if folder.is_dir() and not any(folder.iterdir()):
                    folder.rmdir()
            raise
