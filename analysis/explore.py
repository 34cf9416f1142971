"""A page with sliders for the codes of a trained model; see `--help` and infogan/reports/explore.py."""

from infogan.cli import run_script
from infogan.reports.explore import main

if __name__ == "__main__":
    run_script(main)
