"""Mutual information of codes and known factors; see `--help` and infogan/reports/factors.py."""

from infogan.cli import one_line_errors
from infogan.reports.factors import main

if __name__ == "__main__":
    with one_line_errors():
        main()
