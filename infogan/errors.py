"""The error that says what the user gave that cannot be used."""


class InputError(Exception):
    """Something the user gave cannot be used; the message is one line that says what would.

    Not a ValueError, which the command-line parser would catch and wrap in its own words.
    """
