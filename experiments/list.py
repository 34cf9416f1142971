"""List the runs below a folder; see `--help` and infogan/cli/list_runs.py."""

from infogan.cli import one_line_errors
from infogan.cli.list_runs import main

if __name__ == "__main__":
    with one_line_errors():
        main()
