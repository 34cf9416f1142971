"""What continuous codes change in the shape of digits; see `--help` and infogan/reports/morphology.py."""

from infogan.cli import one_line_errors
from infogan.reports.morphology import main

if __name__ == "__main__":
    with one_line_errors():
        main()
