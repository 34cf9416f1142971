"""A page to play with a trained model; see `--help` and infogan/reports/explore.py."""

from infogan.cli import one_line_errors
from infogan.reports.explore import main

if __name__ == "__main__":
    with one_line_errors():
        main()
