"""List the runs below a folder; see `--help` and infogan/commands/list_runs.py."""

from infogan.cli import run_script
from infogan.commands.list_runs import main

if __name__ == "__main__":
    run_script(main)
