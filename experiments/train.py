#!/usr/bin/env python
"""Train one InfoGAN; see `--help` and infogan/commands/train.py."""

from infogan.cli import run_script
from infogan.commands.train import main

if __name__ == "__main__":
    run_script(main)
