"""`python -m infogan` is the command `infogan`."""

from infogan.cli import main

if __name__ == "__main__":
    main()
