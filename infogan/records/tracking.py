"""Weights & Biases: one W&B run for one training run.

The local files are the record, W&B mirrors them. A failure of W&B, at the start or later, costs one warning on stderr,
ends the mirroring, and never ends a training run.
"""

import dataclasses
import os
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from infogan import records
from infogan.config import Config, WandbMode
from infogan.utils import events

if TYPE_CHECKING:
    import wandb

ID_FILE = "wandb-id.txt"
GENERATED = ("spread", "collapsed", "info_")
"""Beginnings of the columns that are measured on generated images; the others are on validation images."""


class WandbRun:
    """An observer (utils/events.py) that mirrors rows and pictures to a W&B run; nothing after the first failure.

    run: a wandb.Run, or None to mirror nothing.
    """

    def __init__(self, run: "wandb.Run | None"):
        self.run = run
        self._defined: set[str] = set()

    def logged(self, row: dict) -> None:
        """Mirror a row of metrics."""
        self.attempt("logging", lambda run: self._log(run, row))

    def evaluated(self, row: dict, images: dict[str, Path]) -> None:
        """Mirror a row of evaluations.csv, as validation/NAME and generated/NAME, and its pictures."""

        def log(run: "wandb.Run") -> None:
            import wandb

            mirrored: dict = {"step": row["step"]} | {name: wandb.Image(str(path)) for name, path in images.items()}
            for name, value in row.items():
                if name not in ("step", "images", "seconds") and value is not None:
                    mirrored[f"{'generated' if name.startswith(GENERATED) else 'validation'}/{name}"] = value
            self._log(run, mirrored)

        self.attempt("logging an evaluation", log)

    def finished(self, result: dict, tested: dict, directory: Path) -> None:
        """Put the run's result, and test measures as test/NAME, into the summary, and the final checkpoint into an
        artifact."""

        def finish(run: "wandb.Run") -> None:
            import wandb

            simple = {name: value for name, value in tested.items() if isinstance(value, int | float | str | list)}
            run.summary.update({f"test/{name}": v for name, v in simple.items() if name not in ("codes", *result)})
            run.summary.update({n: v for n, v in result.items() if n in ("train_seconds", "validation_accuracy")})
            artifact = wandb.Artifact(f"checkpoint-{run.id}", type="model")
            for name in (records.CHECKPOINT, "config.json", "categories.json"):
                if (directory / name).exists():  # immutable: uploaded from its place, without a copy
                    artifact.add_file(str((directory / name).resolve()), policy="immutable")
            run.log_artifact(artifact)

        self.attempt("recording the result", finish)

    def _log(self, run: "wandb.Run", row: dict) -> None:
        """Log a row against its own step: that of the phase, not the count of W&B's rows.

        Each name is defined, and not a pattern: W&B applies any of the patterns that match a name.
        """
        axis = next(name for name in row if name.split("/")[-1] == "step")
        for name in sorted(row.keys() - self._defined - {axis}):
            run.define_metric(name, step_metric=axis)
        self._defined |= row.keys()
        run.log(row)

    def attempt(self, what: str, action: Callable[["wandb.Run"], object]) -> None:
        """Do something with the run, if there is one; the first failure is the last attempt."""
        if self.run is None:
            return
        try:
            action(self.run)
        except Exception as error:  # of any kind: none may end a training run
            self.run = None
            _warn(f"{what} failed", error)


@contextmanager
def track(config: Config, directory: Path, mode: WandbMode = "auto", group: str | None = None) -> Iterator[WandbRun]:
    """A W&B run for the run directory; its own files are under directory/wandb.

    mode: auto follows $WANDB_MODE; where that is not set it is online if an API key is found, else offline.
        It never prompts. The project is $WANDB_PROJECT, else "infogan".
    group: the W&B group, such as a study's name.

    A resumed run keeps its W&B id, unless its directory was copied, or moved to another file system. An exception other
    than Stopped marks the W&B run as failed.
    """
    before = {name: value for name, value in os.environ.items() if name == "WANDB_DATA_DIR"}
    os.environ["WANDB_DATA_DIR"] = str((directory / "wandb").resolve())  # W&B stages artifacts here, not in the home
    run, exit_code = None, 1
    try:
        run = _start(config, directory, mode, group)
    except Exception as error:  # no wandb, a key or a setting that is none, a server that is away, ...
        _warn("starting failed", error)
    tracked = WandbRun(run)
    try:
        yield tracked
        exit_code = 0
    except events.Stopped:
        exit_code = 0  # a pruned trial has not failed
        raise
    finally:
        tracked.run = run  # also after a failure: what can still be written is written
        tracked.attempt("finishing", lambda run: run.finish(exit_code=exit_code))
        del os.environ["WANDB_DATA_DIR"]
        os.environ.update(before)


def _start(config: Config, directory: Path, mode: str, group: str | None) -> "wandb.Run | None":
    """wandb.init with the id that the run directory has, or a new one; None if disabled. Raises what wandb raises."""
    if mode == "auto":
        mode = os.environ.get("WANDB_MODE", "")
    if mode == "disabled":
        return None
    import wandb

    mode = mode or ("online" if wandb.login(prompt=False, verify=False) else "offline")
    settings = wandb.Settings(  # wandb.init changes them, so each run needs its own
        silent=True,
        console="off",
        init_timeout=float(os.environ.get("WANDB_INIT_TIMEOUT", 30)),
        x_transaction_log_flush_interval=1,  # seconds of rows that a killed process can lose
        x_save_requirements=group is None,  # takes 0.25 s, and is the same list for every trial of a study
    )
    return wandb.init(
        project=os.environ.get("WANDB_PROJECT", "infogan"),
        dir=str(directory),
        id=_run_id(directory),
        name=directory.name,
        group=group,
        job_type="trial" if group else "train",
        config={**dataclasses.asdict(config), "provenance": records.provenance()},
        mode=cast(Any, mode),  # wandb.init checks it
        resume="allow",
        settings=settings,
    )


def _run_id(directory: Path) -> str:
    """The W&B id of the run in the directory, made when first asked for.

    It is kept with the directory's inode, which a copy does not share: two runs of one id would overwrite each other.
    """
    directory.mkdir(parents=True, exist_ok=True)
    file, inode = directory / ID_FILE, str(directory.stat().st_ino)
    stored = file.read_text(encoding="utf-8").split() if file.exists() else []
    if stored[1:] == [inode]:
        return stored[0]
    name = uuid.uuid4().hex[:8]
    records.write_atomic(file, f"{name} {inode}\n")
    return name


def _warn(what: str, error: Exception) -> None:
    text = " ".join(str(error).split())  # W&B's messages may have several lines
    if key := os.environ.get("WANDB_API_KEY"):
        text = text.replace(key, "***")
    print(f"W&B: {what} ({text}); this run goes on without it, `--wandb offline` needs no server", file=sys.stderr)
