"""The files of a run directory, each checked as it is read: JSON objects, and CSV tables that grow by rows."""

import csv
import io
import json
from pathlib import Path
from typing import Any

from infogan.config import Config, from_dict
from infogan.records.shapes import SHAPES, problem, read_row
from infogan.utils.errors import InputError
from infogan.utils.files import check_regular, write_atomic

LARGEST_JSON = 100_000_000  # bytes
RESTORED = "the command that trained the run restores it from the checkpoint"
"""What to do about a damaged table, or config.json, of a run."""


def write_json(path: Path, content: dict) -> None:
    """Replace the file `path` as a whole by JSON, indented by two spaces."""
    write_atomic(path, json.dumps(content, indent=2) + "\n")


def read_json(path: Path) -> dict:
    """The object in a JSON file, which has the shape declared for files of its name (see infogan.records.shapes).

    Raises InputError where the file is missing, is no regular file, is not a JSON object, or has another shape.
    """
    try:
        check_regular(path)
        if path.exists() and path.stat().st_size > LARGEST_JSON:
            raise InputError(f"{path} has more than {LARGEST_JSON:,} bytes, which no run writes: take a copy")
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): is {path.parent} a run directory?") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not valid JSON ({error}): restore it from a copy") from error
    return checked(content, path)


def checked(content: Any, path: Path) -> dict:
    """The content of a JSON file. Raises InputError where it has not the shape declared for files of this name."""
    if not isinstance(content, dict):
        raise InputError(f"{path} is JSON, but no object of names and values: restore it from a copy")
    if path.name in SHAPES and (wrong := problem(content, SHAPES[path.name])):
        raise InputError(f"{path} is damaged: {wrong}; restore it from a copy")
    return content


def read_optional(path: Path) -> dict:
    """`read_json` of a file that need not be there; empty where it is not."""
    check_regular(path)
    return read_json(path) if path.exists() else {}


def read_evaluation(directory: Path) -> dict:
    """Content of a run directory's evaluation.json; empty where the run was not measured."""
    return read_optional(directory / "evaluation.json")


def read_categories(directory: Path) -> list[list[dict | None]]:
    """The names of each categorical code's categories (see infogan.metrics.clustering.name_categories) in a directory's
    categories.json; empty where the run was not measured on labelled validation images."""
    return read_optional(directory / "categories.json").get("codes", [])


def read_config(directory: Path) -> Config:
    """The configuration of a run directory. Raises InputError where there is none, or one that no run can have."""
    return config_in(read_json(directory / "config.json"), directory)


def config_in(record: dict, directory: Path) -> Config:
    """The configuration in the content of a directory's config.json. Raises InputError where no run can have it."""
    try:
        return from_dict(record.get("config"))
    except InputError as error:
        raise InputError(f"{directory / 'config.json'}: {error}") from error


class Table:
    """A CSV file of numbers with a column `step`; the first row's names are the columns.

    Rows that are appended are not synced to disk one by one: a checkpoint, which is, has all rows before it, and a run
    that goes on writes those after it again.
    """

    def __init__(self, path: Path):
        self.path = path

    def append(self, row: dict) -> None:
        """Write one row; the first one makes the file, and one with new columns adds them to the rows before it.

        Raises InputError where the file is a link: what it points to is not written.
        """
        if self.path.is_symlink():
            raise InputError(f"{self.path} is a link, which no run makes: use a copy of the table in its place")
        columns = self._columns()
        if not columns:
            self._write([row])
        elif new := [name for name in row if name not in columns]:
            self._write([dict.fromkeys([*columns, *new], "") | each for each in (*_texts(self.content()), row)])
        else:
            with self.path.open("a", newline="", encoding="utf-8") as file:
                csv.DictWriter(file, columns).writerow(row)

    def _columns(self) -> list[str]:
        """Names in the file's first line; none where there is no file."""
        check_regular(self.path)
        if not self.path.exists():
            return []
        with self.path.open(newline="", encoding="utf-8", errors="replace") as file:
            return next(csv.reader(file), [])

    def _write(self, rows: list[dict]) -> None:
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, rows[0])
        writer.writeheader()
        writer.writerows(rows)
        write_atomic(self.path, text.getvalue())

    def rows(self) -> list[dict[str, Any]]:
        """All rows, their values as declared in infogan.records.shapes; an empty list where there is no file.

        A last line without its end is a row that is being written, and is left out.
        Raises InputError where the file is damaged, or is no regular file.
        """
        try:
            content = self.content()
            return [read_row(row) for row in _texts(content[: content.rfind(b"\n") + 1] or content)]
        except (csv.Error, ValueError) as error:  # UnicodeDecodeError is a ValueError
            raise InputError(f"{self.path} is damaged ({error}): {RESTORED}") from error

    def content(self) -> bytes:
        """The file as it stands; empty where there is none. Raises InputError where it is no regular file."""
        check_regular(self.path)
        return self.path.read_bytes() if self.path.exists() else b""

    def restore(self, content: bytes) -> bool:
        """Let the file begin with `content`, which it had before; returns whether it did not, or was a link."""
        if not self.path.is_symlink() and self.content().startswith(content):
            return False
        write_atomic(self.path, content)
        return True

    def cut(self, step: int) -> None:
        """Drop the rows beyond `step`, which a resumed run will write again, and those that a kill or damage has left
        unreadable: what the checkpoint has of the table is restored before."""
        rows = _texts(self.content(), errors="replace")
        kept = [row for row in rows if _step(row) <= step]
        if not kept:
            self.path.unlink(missing_ok=True)
        elif len(kept) < len(rows):
            self._write(kept)


def _texts(content: bytes, errors: str = "strict") -> list[dict]:
    """The rows of a table as text. errors: see bytes.decode."""
    return list(csv.DictReader(io.StringIO(content.decode(errors=errors), newline="")))


def _step(row: dict) -> float:
    """The step of a row of text; infinite where it cannot be read."""
    try:
        return read_row(row)["step"]
    except ValueError:
        return float("inf")
