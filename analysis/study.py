"""Tables and plots of a study; see `--help` and infogan/reports/study/."""

from infogan.cli import run_script
from infogan.reports.study import main

if __name__ == "__main__":
    run_script(main)
