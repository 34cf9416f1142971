"""Train presets with several seeds; see `--help` and infogan/studies/reproduce.py."""

from infogan.cli import one_line_errors
from infogan.studies.reproduce import main

if __name__ == "__main__":
    with one_line_errors():
        main()
