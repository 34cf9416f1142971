"""What each setting of a preset changes; see `--help` and infogan/reports/settings.py."""

from infogan.cli import one_line_errors
from infogan.reports.settings import main

if __name__ == "__main__":
    with one_line_errors():
        main()
