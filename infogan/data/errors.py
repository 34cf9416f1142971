"""One-line errors for files that are damaged or missing."""

from collections.abc import Iterator
from contextlib import contextmanager

from infogan.errors import InputError

Failures = type[Exception] | tuple[type[Exception], ...]


def first_line(error: Exception) -> str:
    """The first line of an error's message, at most 300 characters; the error's type where it has no message.

    A line that ends with a colon announces the next, which is added.
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    end = next((i for i, line in enumerate(lines) if not line.endswith(":")), len(lines) - 1)
    return " ".join(lines[: end + 1])[:300]


@contextmanager
def as_input_error(problem: str, mend: str, failures: Failures = Exception) -> Iterator[None]:
    """Raise `failures` of the block as the InputError "problem (the failure's first line): mend".

    failures: default, every exception, because a parser of a damaged file can raise any. An InputError stays as it is.
    """
    try:
        yield
    except InputError:
        raise
    except failures as error:
        raise InputError(f"{problem} ({first_line(error)}): {mend}") from error
