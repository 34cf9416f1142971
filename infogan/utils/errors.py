"""The error that says what the user gave that cannot be used."""

import errno
import shlex

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Numbers of the errors of a disk, or of a user's share of it, that is full."""


def install(extra: str) -> str:
    """How an extra of this package is installed. Its name alone would install a stranger's package of the index."""
    return f"in the checkout, pip install -e '.[{extra}]'"


_NO_MEMORY = ("not enough memory", "cannot allocate memory", "can't allocate memory", "out of memory", "alloc_failed")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether Python, numpy or torch, on the CPU or a GPU, had no memory left."""
    return isinstance(error, MemoryError) or any(text in str(error).lower() for text in _NO_MEMORY)


LONGEST = 2000
"""Characters of a message; of a longer one, such as one that quotes a damaged file, the middle is left out."""


def printable(text: object) -> str:
    """Text in one line that no terminal obeys: control characters, line breaks and the like are escapes, as \\x1b."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))


def shell(*words: object) -> str:
    """A command to copy: its words quoted for a shell, in one line that no terminal obeys."""
    return printable(shlex.join(map(str, words)))


class InputError(Exception):
    """Something the user gave cannot be used; the message is one line that says what would, and is `printable`.

    Not a ValueError, which the command-line parser would catch and wrap in its own words.
    """

    def __str__(self) -> str:
        text = printable(super().__str__())
        return text if len(text) <= LONGEST else f"{text[: LONGEST - 500]} ... {text[-495:]}"
