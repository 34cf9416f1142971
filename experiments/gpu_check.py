"""The GPU's tests, benchmark and a table of full runs; see `--help` and infogan/studies/gpu_check.py."""

from infogan.cli import one_line_errors
from infogan.study.gpu_check import main

if __name__ == "__main__":
    with one_line_errors():
        main()
