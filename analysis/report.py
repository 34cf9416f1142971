"""A study as one HTML page; see `--help` and infogan/reports/report/."""

from infogan.cli import run_script
from infogan.reports.report import main

if __name__ == "__main__":
    run_script(main)
