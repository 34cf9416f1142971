"""Figures of the paper and of the blog post; see `--help` and infogan/reports/figures/."""

from infogan.cli import run_script
from infogan.reports.figures import main

if __name__ == "__main__":
    run_script(main)
