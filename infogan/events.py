"""What can end a training run early, and who may follow one."""

from pathlib import Path
from typing import Protocol


class Diverged(Exception):
    """A loss or bound became NaN or infinite; the run's status.json says which and when."""


class Interrupted(SystemExit):
    """Ctrl-C or SIGTERM: the run is saved (not in its warm-up), and the same command continues it. Exits with 128 + the signal."""


class Stopped(Exception):
    """An observer wants no more of this run: a pruned trial. The run is saved and could go on."""


class Observer(Protocol):
    """What follows a run: W&B, a pruner. It may raise Stopped."""

    def logged(self, row: dict) -> None:
        """A row of metrics.csv was written."""

    def evaluated(self, row: dict, images: dict[str, Path]) -> None:
        """A row of evaluations.csv was written, and these pictures."""
