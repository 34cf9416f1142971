"""What of a dataset is used and what is left out, in one line."""

import sys
from collections import Counter

from infogan.data.splits import Split
from infogan.errors import printable


def print_summary(where: str, whole: Split, left_out: Counter, remark: str = "") -> None:
    """One line on stderr: the number of images, of classes, the names of attributes or factors, and what is left out.

    left_out: numbers by what they are of; an entry of 0 is said without its number.
    """
    classes = f" of {len(whole.classes)} classes" if whole.labels is not None else ""
    known = "".join(f", {len(names)} {key}" for key, (_, names) in whole.extra.items())
    skipped = ", ".join(f"{number} {what}" if number else what for what, number in left_out.most_common())
    said = f"{where}: {len(whole)} images{classes}{known}{remark}"
    print(printable(said + (f"; left out: {skipped}" if skipped else "")), file=sys.stderr)
