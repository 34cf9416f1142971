"""What can end a training run early, who may follow one, and the signals that ask it to stop."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)
"""What asks a run to save and leave: Ctrl-C, an end in order, a closed terminal, SLURM's warning of a time limit."""


class Diverged(Exception):
    """A loss or bound became NaN or infinite; the run's status.json says which and when."""


class Interrupted(SystemExit):
    """One of SIGNALS: the run is saved, and the same command continues it. Exits with 128 + the signal."""


class Stopped(Exception):
    """An observer wants no more of this run: a pruned trial. The run is saved and could go on."""


class Observer(Protocol):
    """What follows a run: W&B, a pruner. It may raise Stopped."""

    def logged(self, row: dict) -> None:
        """A row of metrics.csv was written."""

    def evaluated(self, row: dict, images: dict[str, Path]) -> None:
        """A row of evaluations.csv was written, and these pictures."""


@contextmanager
def collected_signals() -> Iterator[list[int]]:
    """Collects SIGNALS in the list instead of dying of them; a second one of a kind ends the process as usual.

    Within another such context, and outside the main thread, where no handler can be set, the list is of the outer one
    or stays empty.
    """
    if threading.current_thread() is not threading.main_thread() or _collecting:
        yield _collecting[-1] if _collecting else []
        return
    received: list[int] = []

    def collect(number, frame):
        received.append(number)
        signal.signal(number, before[number])

    before = {number: signal.signal(number, collect) for number in heard()}
    _collecting.append(received)
    try:
        yield received
    finally:
        _collecting.pop()
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def interrupting() -> Iterator[list[int]]:
    """Collects SIGNALS as `collected_signals`; raises Interrupted at the end where one came too late to stop what the
    block did: the caller begins nothing new."""
    with collected_signals() as received:
        try:
            yield received
        except Stopped:
            if received:
                raise Interrupted(128 + received[0]) from None
            raise
        if received:
            raise Interrupted(128 + received[0])


def heard() -> list[signal.Signals]:
    """Those of SIGNALS that are not ignored: nohup ignores SIGHUP, and a sweep's workers leave Ctrl-C to the process
    that started them."""
    return [number for number in SIGNALS if signal.getsignal(number) not in (signal.SIG_IGN, None)]


_collecting: list[list[int]] = []
