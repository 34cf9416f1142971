"""Choose among runs of several seeds without labels; see `--help` and infogan/reports/choose.py."""

from infogan.cli import one_line_errors
from infogan.reports.choose import main

if __name__ == "__main__":
    with one_line_errors():
        main()
