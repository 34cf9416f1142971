"""Weights & Biases: one W&B run for one training run.

The local files are the record, W&B mirrors them. A failure of W&B, at the start or later, costs one warning on stderr
and never ends a training run.
"""

import contextlib
import dataclasses
import os
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from infogan import events, records
from infogan.config import Config, WandbMode

if TYPE_CHECKING:
    import wandb

ID_FILE = "wandb-id.txt"
DATA_DIR = "WANDB_DATA_DIR"
KEPT = (DATA_DIR, "WANDB_PROJECT", "WANDB_SERVICE")
"""Settings of the environment that are not hidden when the others were not taken."""
NOT_LOGGED = ("step", "images", "seconds")
"""Columns of evaluations.csv that are no measures."""
GENERATED = ("spread", "collapsed", "info_")
"""Beginnings of the columns that are measured on generated images; the others are on validation images."""


class WandbRun:
    """An infogan.events.Observer that mirrors rows and pictures to a W&B run; it does nothing after the first failure.

    run: a wandb.Run, or None to mirror nothing.
    """

    def __init__(self, run: "wandb.Run | None"):
        self.run = run
        self._defined: set[str] = set()

    def logged(self, row: dict) -> None:
        """Mirror a row of metrics."""
        self._attempt("logging", lambda run: self._log(run, row))

    def evaluated(self, row: dict, images: dict[str, Path]) -> None:
        """Mirror a row of evaluations.csv, as validation/NAME and generated/NAME, and its pictures."""

        def log(run: "wandb.Run") -> None:
            import wandb

            measures = {
                f"{'generated' if name.startswith(GENERATED) else 'validation'}/{name}": value
                for name, value in row.items()
                if name not in NOT_LOGGED and value is not None
            }
            self._log(
                run, {"step": row["step"], **measures} | {k: wandb.Image(str(path)) for k, path in images.items()}
            )

        self._attempt("logging an evaluation", log)

    def finished(self, result: dict, tested: dict, directory: Path) -> None:
        """Put the run's result, and test measures as test/NAME, into the summary, and the final checkpoint into an
        artifact."""
        simple = {name: value for name, value in tested.items() if isinstance(value, int | float | str | list)}
        summary = {f"test/{name}": value for name, value in simple.items() if name not in ("codes", *result)}
        summary |= {name: value for name, value in result.items() if name in ("train_seconds", "validation_accuracy")}

        def upload(run: "wandb.Run") -> None:
            import wandb

            artifact = wandb.Artifact(f"checkpoint-{run.id}", type="model")
            # immutable: uploaded from its place, without a copy in a staging folder
            artifact.add_file(str((directory / records.CHECKPOINT).resolve()), policy="immutable")
            artifact.add_file(str(directory / "config.json"))
            run.log_artifact(artifact)

        self._attempt("the summary", lambda run: run.summary.update(summary))
        self._attempt("the checkpoint's artifact", upload)

    def finish(self, exit_code: int) -> None:
        """End the W&B run; an exit code other than 0 marks it as failed."""
        self._attempt("finishing", lambda run: run.finish(exit_code=exit_code))

    def _log(self, run: "wandb.Run", row: dict) -> None:
        """Log a row against its own step: that of the phase, not the count of W&B's rows.

        Each name is defined, and not a pattern: W&B applies any of the patterns that match a name.
        """
        axis = next(name for name in row if name.split("/")[-1] == "step")
        for name in sorted(row.keys() - self._defined - {axis}):
            run.define_metric(name, step_metric=axis)
        self._defined |= row.keys()
        run.log(row)

    def _attempt(self, what: str, action: Callable[["wandb.Run"], object]) -> None:
        if self.run is None:
            return
        try:
            action(self.run)
        except Exception as error:  # of any kind: none may end a training run
            self.run = None
            _warn(f"{what} failed ({error}); this run goes on without W&B")


@contextmanager
def track(config: Config, directory: Path, mode: WandbMode = "auto", group: str | None = None) -> Iterator[WandbRun]:
    """A W&B run for the run directory; its own files are under directory/wandb.

    mode: auto follows $WANDB_MODE; where that is not set it is online if an API key is found, else offline.
        It never prompts. The project is $WANDB_PROJECT, else "infogan".
    group: the W&B group, such as a study's name.

    A resumed run keeps its W&B id, unless its directory was copied, or moved to another file system. An exception other
    than Stopped marks the W&B run as failed.
    """
    with _staged_in(directory / "wandb"):
        yield from _track(config, directory, mode, group)


@contextmanager
def _staged_in(folder: Path) -> Iterator[None]:
    """W&B stages artifacts here, so that an offline run can be synced wherever its directory is moved."""
    before = os.environ.get(DATA_DIR)
    os.environ[DATA_DIR] = str(folder.resolve())
    try:
        yield
    finally:
        if before is None:
            del os.environ[DATA_DIR]
        else:
            os.environ[DATA_DIR] = before


def _track(config: Config, directory: Path, mode: WandbMode, group: str | None) -> Iterator[WandbRun]:
    run = None if mode == "disabled" else _start(config, directory, mode, group)
    exit_code = 1
    tracked = WandbRun(run)
    try:
        yield tracked
        exit_code = 0
    except events.Stopped:
        exit_code = 0  # a pruned trial has not failed
        raise
    finally:
        tracked.run = run  # also after a failure: what can still be written is written
        tracked.finish(exit_code)


def _start(config: Config, directory: Path, mode: str, group: str | None) -> "wandb.Run | None":
    """A W&B run; offline where an online one cannot be started, None where neither can."""
    asked = "offline"
    try:
        asked = _mode(mode)
        return None if asked == "disabled" else _init(config, directory, asked, group)
    except ImportError as error:
        _warn(f"cannot start a run ({error}); this run goes on without W&B")
        return None
    except Exception as error:  # a key or a setting that is none, a server that is away, ...
        _warn(f"cannot start a run as asked ({error}); recording offline, `wandb sync` uploads it later")
    if asked == "online":
        (directory / ID_FILE).unlink(missing_ok=True)  # W&B considers the first id to be in use
    try:
        with contextlib.suppress(Exception):
            return _init(config, directory, "offline", group)
        with _without_settings():  # one of them is not taken
            return _init(config, directory, "offline", group)
    except Exception as error:
        _warn(f"cannot start a run ({error}); this run goes on without W&B")
        return None


def _mode(mode: str) -> str:
    """What auto means here. Raises what wandb raises for a key that is none."""
    import wandb

    if mode != "auto":
        return mode
    return os.environ.get("WANDB_MODE") or ("online" if wandb.login(prompt=False, verify=False) else "offline")


@contextmanager
def _without_settings() -> Iterator[None]:
    """While wandb starts, hide the environment's settings of it, one of which it did not take."""
    hidden = {name: value for name, value in os.environ.items() if name.startswith("WANDB_") and name not in KEPT}
    for name in hidden:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(hidden)


def _init(config: Config, directory: Path, mode: str, group: str | None) -> "wandb.Run":
    """wandb.init with the id that the run directory has, or a new one."""
    import wandb

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
    name, *made_in = (file.read_text(encoding="utf-8").split() if file.exists() else []) or [""]
    if not name or made_in not in ([], [inode]):
        name = uuid.uuid4().hex[:8]
    if made_in != [inode]:  # an earlier version kept none
        records.write_atomic(file, f"{name} {inode}\n")
    return name


def _warn(text: str) -> None:
    if key := os.environ.get("WANDB_API_KEY"):
        text = text.replace(key, "***")
    print(f"W&B: {' '.join(text.split())}", file=sys.stderr)  # W&B's messages may have several lines
