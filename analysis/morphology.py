"""What continuous codes change in the shape of digits; see `--help` and infogan/reports/morphology.py."""

from infogan.cli import run_script
from infogan.reports.morphology import main

if __name__ == "__main__":
    run_script(main)
