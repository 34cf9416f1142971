"""Fill the tables of README.md and docs/ from the committed results.

A table stands between <!-- table: NAME --> and <!-- end -->; NAME is a function of docs/table_sources/, with dashes.

  python docs/tables.py            # fill them
  python docs/tables.py --check    # print the pages that differ, and exit with status 1 if there are any
"""

import difflib
import re
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

from table_sources import TABLES  # noqa: E402

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"(<!-- table: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def pages() -> list[Path]:
    """The Markdown files that may hold tables."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def filled(text: str) -> str:
    """A page's text with every table drawn anew."""
    return BLOCK.sub(lambda block: f"{block[1]}\n{TABLES[block[2]]()}\n\n{block[3]}", text)


def main(arguments: list[str]) -> int:
    """Fill or check all pages; returns the exit status."""
    status = 0
    for page in pages():
        text = page.read_text(encoding="utf-8")
        if (new := filled(text)) == text:
            continue
        name = str(page.relative_to(ROOT))
        if "--check" in arguments:
            status = 1
            lines = difflib.unified_diff(
                text.splitlines(), new.splitlines(), name, f"{name} from results", n=0, lineterm=""
            )
            print("\n".join(lines))
        else:
            page.write_text(new, encoding="utf-8")
            print(f"filled {name}")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
