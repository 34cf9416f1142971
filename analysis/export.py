"""Export a run's networks; see `--help` and infogan/reports/export.py."""

from infogan.cli import run_script
from infogan.reports.export import main

if __name__ == "__main__":
    run_script(main)
