"""Figures of the paper and of the blog post; see `--help` and infogan/reports/figures/."""

from infogan.cli import one_line_errors
from infogan.reports.figures import main

if __name__ == "__main__":
    with one_line_errors():
        main()
