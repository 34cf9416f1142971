import pytest

from infogan.data.files import first_line


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("a reason", "a reason"),
        ("a reason\nand its details", "a reason"),
        ("Error downloading x.gz:\nTried http://a/, got:\n<refused>\nTried http://b/, got:\nno", None),
        ("Error:\n\n", "Error:"),
        ("  \n", "ValueError"),
        ("", "ValueError"),
        ("x" * 1000, "x" * 300),
    ],
)
def test_a_reason_is_one_line_and_never_only_its_announcement(message, shown):
    shown = shown or "Error downloading x.gz: Tried http://a/, got: <refused>"
    assert first_line(ValueError(message)) == shown
