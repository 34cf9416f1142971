"""List the runs below a folder; see `--help` and infogan/commands/list_runs.py."""

from infogan.cli import one_line_errors
from infogan.commands.list_runs import main

if __name__ == "__main__":
    with one_line_errors():
        main()
