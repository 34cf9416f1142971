"""The dSprites experiment of InfoGAN-CR; see `--help` and infogan/commands/dsprites.py."""

from infogan.cli import run_script
from infogan.commands.dsprites import main

if __name__ == "__main__":
    run_script(main)
