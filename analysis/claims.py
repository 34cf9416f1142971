"""The scorecard of the paper's and the blog's claims; see `--help` and infogan/reports/claims/."""

from infogan.cli import one_line_errors
from infogan.reports.claims import main

if __name__ == "__main__":
    with one_line_errors():
        main()
