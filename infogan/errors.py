"""The error that says what the user gave that cannot be used."""

import errno

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Numbers of the errors of a disk, or of a user's share of it, that is full."""


class InputError(Exception):
    """Something the user gave cannot be used; the message is one line that says what would.

    Not a ValueError, which the command-line parser would catch and wrap in its own words.
    """


def printable(text: str) -> str:
    """The text in one line: with ? for line breaks, control characters, and bytes of file names that are no UTF-8."""
    return "".join(character if character.isprintable() else "?" for character in text)
