"""Files that are replaced as a whole, and CSV tables that grow by rows."""

import csv
import io
import json
import os
import tempfile
from pathlib import Path

from infogan.errors import InputError


def write_atomic(path: Path, content: bytes | str, keep: Path | None = None) -> None:
    """Replace the file `path` as a whole, so that a reader or a resumed run never meets a part of it.

    Missing parent folders are made. keep: where the file's previous content goes.
    """
    data = content.encode() if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        if keep is not None and path.exists():
            os.replace(path, keep)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def remove_leftovers(directory: Path, *names: str) -> None:
    """Remove what a process that was killed inside write_atomic left of these files; nobody may be writing them."""
    for name in names:
        for leftover in directory.glob(f".{name}.*"):
            leftover.unlink(missing_ok=True)


def write_json(path: Path, content: dict) -> None:
    """Replace the file `path` as a whole by JSON, indented by two spaces."""
    write_atomic(path, json.dumps(content, indent=2) + "\n")


def read_json(path: Path) -> dict:
    """Raises InputError where the file is missing or is not JSON."""
    try:
        return json.loads(path.read_text())
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): is {path.parent} a run directory?") from error
    except ValueError as error:
        raise InputError(f"{path} is not valid JSON ({error}): restore it from a copy") from error


class Table:
    """A CSV file of rows with a column `step`; the first row's names are the columns."""

    def __init__(self, path: Path):
        self.path = path

    def append(self, row: dict) -> None:
        """Write one row; the first one makes the file."""
        new = not self.path.exists()
        with self.path.open("a", newline="") as file:
            writer = csv.DictWriter(file, row)
            if new:
                writer.writeheader()
            writer.writerow(row)

    def rows(self) -> list[dict[str, str]]:
        """All rows, values as text; an empty list where there is no file."""
        if not self.path.exists():
            return []
        with self.path.open(newline="") as file:
            return list(csv.DictReader(file))

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
            text = io.StringIO(newline="")
            writer = csv.DictWriter(text, kept[0])
            writer.writeheader()
            writer.writerows(kept)
            write_atomic(self.path, text.getvalue())
