"""A table of runs on the test images; see `--help` and infogan/reports/measure.py."""

from infogan.cli import run_script
from infogan.reports.measure import main

if __name__ == "__main__":
    run_script(main)
