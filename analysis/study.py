"""Tables and plots of a study; see `--help` and infogan/reports/study/."""

from infogan.cli import one_line_errors
from infogan.reports.study import main

if __name__ == "__main__":
    with one_line_errors():
        main()
