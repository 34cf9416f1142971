"""The command `infogan`, and what every script has in common."""

import sys
from collections.abc import Callable

from infogan.config import InputError


def run_script(main: Callable[[], None]) -> None:
    """A script's main(); an InputError, or a file that cannot be read or written, becomes one line on stderr and exit status 1."""
    try:
        main()
    except InputError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        if error.filename is None:  # not about a file, so not what the user gave
            raise
        sys.exit(f"error: {error.filename}: {error.strerror}; give another path")
