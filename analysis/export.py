"""Export a run's networks; see `--help` and infogan/reports/export.py."""

from infogan.cli import one_line_errors
from infogan.reports.export import main

if __name__ == "__main__":
    with one_line_errors():
        main()
