"""Mutual information of codes and known factors; see `--help` and infogan/reports/factors.py."""

from infogan.cli import run_script
from infogan.reports.factors import main

if __name__ == "__main__":
    run_script(main)
