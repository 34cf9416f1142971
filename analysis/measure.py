"""A table of runs on the test images; see `--help` and infogan/reports/measure.py."""

from infogan.cli import one_line_errors
from infogan.reports.measure import main

if __name__ == "__main__":
    with one_line_errors():
        main()
