"""The error that says what the user gave that cannot be used."""

import errno

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Numbers of the errors of a disk, or of a user's share of it, that is full."""


LONGEST = 2000
"""Characters of a message; of a longer one, such as one that quotes a damaged file, the middle is left out."""


def printable(text: object) -> str:
    """Text in one line that no terminal obeys: control characters, line breaks and the like are escapes, as \\x1b."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))


class InputError(Exception):
    """Something the user gave cannot be used; the message is one line that says what would, and is `printable`.

    Not a ValueError, which the command-line parser would catch and wrap in its own words.
    """

    def __str__(self) -> str:
        text = printable(super().__str__())
        return text if len(text) <= LONGEST else f"{text[: LONGEST - 500]} ... {text[-495:]}"
