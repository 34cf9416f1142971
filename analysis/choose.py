"""Choose among runs of several seeds without labels; see `--help` and infogan/reports/choose.py."""

from infogan.cli import run_script
from infogan.reports.choose import main

if __name__ == "__main__":
    run_script(main)
