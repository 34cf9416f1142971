"""Train what a claim needs and judge it; see `--help` and infogan/reports/reproduce.py."""

from infogan.cli import one_line_errors
from infogan.reports.reproduce import main

if __name__ == "__main__":
    with one_line_errors():
        main()
