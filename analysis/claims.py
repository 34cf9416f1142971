"""The scorecard of the paper's and the blog's claims; see `--help` and infogan/reports/claims/."""

from infogan.cli import run_script
from infogan.reports.claims import main

if __name__ == "__main__":
    run_script(main)
