"""Files that are replaced as a whole, and CSV tables that grow by rows."""

import csv
import errno
import io
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infogan.config import Config, from_dict
from infogan.errors import InputError

LARGEST_JSON = 100_000_000  # bytes
RESTORED = "the command that trained the run restores it from the checkpoint"
"""What mends a table, or a config.json, of a run."""


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
    keep: where the file's previous content goes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
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


def remove_leftovers(directory: Path, *names: str) -> None:
    """Remove what a process that was killed inside `replacing` left of these files; nobody may be writing them."""
    for stem, suffix in ((Path(name).stem, Path(name).suffix) for name in names):
        for leftover in directory.glob(f".{stem}.{'[0-9a-f]' * 8}{suffix}"):
            leftover.unlink(missing_ok=True)


def write_json(path: Path, content: dict) -> None:
    """Replace the file `path` as a whole by JSON, indented by two spaces."""
    write_atomic(path, json.dumps(content, indent=2) + "\n")


def read_json(path: Path) -> dict:
    """Raises InputError where the file is missing, is no regular file, or is not a JSON object."""
    try:
        check_regular(path)
        if path.exists() and path.stat().st_size > LARGEST_JSON:
            raise InputError(f"{path} has more than {LARGEST_JSON:,} bytes, which no run writes: take a copy")
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): is {path.parent} a run directory?") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not valid JSON ({error}): restore it from a copy") from error
    if not isinstance(content, dict):
        raise InputError(f"{path} is JSON, but no object of names and values: restore it from a copy")
    return content


def read_config(directory: Path) -> Config:
    """The configuration of a run directory. Raises InputError where there is none, or one that no run can have."""
    return config_of(read_json(directory / "config.json"), directory)


def config_of(record: dict, directory: Path) -> Config:
    """The configuration in the content of a directory's config.json. Raises InputError where no run can have it."""
    try:
        return from_dict(record.get("config"))
    except InputError as error:
        raise InputError(f"{directory / 'config.json'}: {error}") from error


def check_regular(path: Path) -> None:
    """Raises InputError for a pipe, a device, a folder, or a link to nothing: opening some of them never returns."""
    if os.path.lexists(path) and not path.is_file():
        raise InputError(f"{path} is no regular file: restore it from a copy")


class Table:
    """A CSV file of rows with a column `step`; the first row's names are the columns."""

    def __init__(self, path: Path):
        self.path = path

    def append(self, row: dict) -> None:
        """Write one row; the first one makes the file, and one with new columns adds them to the rows before it."""
        columns = self._columns()
        if not columns:
            self._write([row])
        elif new := [name for name in row if name not in columns]:
            self._write([dict.fromkeys([*columns, *new], "") | each for each in (*self.rows(), row)])
        else:
            with self.path.open("a", newline="", encoding="utf-8") as file:
                csv.DictWriter(file, columns).writerow(row)

    def _columns(self) -> list[str]:
        """Names in the file's first line; none where there is no file."""
        if not os.path.lexists(self.path):
            return []
        check_regular(self.path)
        with self.path.open(newline="", encoding="utf-8") as file:
            return next(csv.reader(file), [])

    def _write(self, rows: list[dict]) -> None:
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, rows[0])
        writer.writeheader()
        writer.writerows(rows)
        write_atomic(self.path, text.getvalue())

    def rows(self) -> list[dict[str, str]]:
        """All rows, values as text; an empty list where there is no file."""
        if not os.path.lexists(self.path):
            return []
        check_regular(self.path)
        try:
            with self.path.open(newline="", encoding="utf-8") as file:
                return list(csv.DictReader(file))
        except (csv.Error, UnicodeDecodeError) as error:
            raise InputError(f"{self.path} is damaged ({error}): {RESTORED}") from error

    def content(self) -> bytes:
        """The file as it stands; empty where there is none."""
        return self.path.read_bytes() if self.path.exists() else b""

    def restore(self, content: bytes) -> bool:
        """Let the file begin with `content`, which it had before; returns whether it did not."""
        if self.content().startswith(content):
            return False
        write_atomic(self.path, content)
        return True

    def cut(self, step: int) -> None:
        """Drop the rows beyond `step`, which a resumed run will write again, and a row that a kill left incomplete."""
        rows = self.rows()
        kept = [row for row in rows if None not in row.values() and int(row["step"]) <= step]
        if not kept:
            self.path.unlink(missing_ok=True)
        elif len(kept) < len(rows):
            self._write(kept)
