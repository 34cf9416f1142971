"""Messages of errors: one line that no terminal obeys, of a length that can be read."""

import pytest

from infogan.utils.errors import LONGEST, InputError, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("10c+2u, élan, 数字", "10c+2u, élan, 数字"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("\x9b31m\x07\r", "\\x9b31m\\x07\\r"),
        ("a\nb\u2028c", "a\\nb\\u2028c"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\udcff", "\\udcff"),
    ],
)
def test_control_sequences_are_shown_as_escapes(text, shown):
    assert printable(text) == shown and str(InputError(text)) == shown


def test_of_a_long_message_the_middle_is_left_out():
    shown = str(InputError(f"codes {'9' * 10**6}: write terms such as 10c"))
    assert len(shown) <= LONGEST and shown.startswith("codes 999") and shown.endswith("9: write terms such as 10c")
