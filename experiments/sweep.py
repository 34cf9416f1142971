#!/usr/bin/env python
"""Search any settings with Optuna; see `--help` and infogan/study/sweep.py."""

from infogan.cli import one_line_errors
from infogan.study.sweep import main

if __name__ == "__main__":
    with one_line_errors():
        main()
