#!/usr/bin/env python
"""Train one InfoGAN; see `--help` and infogan/commands/train.py."""

from infogan.cli import one_line_errors
from infogan.commands.train import main

if __name__ == "__main__":
    with one_line_errors():
        main()
