#!/usr/bin/env python
"""Sweep lambda, the latent codes and the batch size; see `--help` and infogan/studies/sweep.py."""

from infogan.cli import one_line_errors
from infogan.studies.sweep import main

if __name__ == "__main__":
    with one_line_errors():
        main()
