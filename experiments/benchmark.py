"""Training speed; see `--help` and infogan/studies/benchmark.py."""

from infogan.cli import one_line_errors
from infogan.study.benchmark import main

if __name__ == "__main__":
    with one_line_errors():
        main()
