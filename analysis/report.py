"""A study as one HTML page; see `--help` and infogan/reports/report/."""

from infogan.cli import one_line_errors
from infogan.reports.report import main

if __name__ == "__main__":
    with one_line_errors():
        main()
