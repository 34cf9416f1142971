"""Train presets with several seeds; see `--help` and infogan/studies/reproduce.py."""

from infogan.cli import run_script
from infogan.studies.reproduce import main

if __name__ == "__main__":
    run_script(main)
