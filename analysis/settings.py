"""What each setting of a preset changes; see `--help` and infogan/reports/settings.py."""

from infogan.cli import run_script
from infogan.reports.settings import main

if __name__ == "__main__":
    run_script(main)
