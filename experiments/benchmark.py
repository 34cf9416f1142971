"""Training speed; see `--help` and infogan/studies/benchmark.py."""

from infogan.cli import run_script
from infogan.studies.benchmark import main

if __name__ == "__main__":
    run_script(main)
