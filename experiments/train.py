#!/usr/bin/env python
"""Train one InfoGAN; see `--help` and infogan/cli/train.py."""

from infogan.cli import one_line_errors
from infogan.cli.train import main

if __name__ == "__main__":
    with one_line_errors():
        main()
