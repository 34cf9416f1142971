"""One W&B run around one training run. Local files are the record; W&B mirrors them and may fail without harm."""

import dataclasses
import os
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from infogan import events, records
from infogan.config import Config, WandbMode


class WandbRun:
    """Mirrors what `infogan.training.fit` reports (an Observer). After the first failure it is silent."""

    def __init__(self, run):
        self.run = run

    def _safely(self, what: str, call: Callable[[], object]) -> None:
        if self.run is None:
            return
        try:
            call()
        except Exception as error:  # whatever W&B meets must not cost a training run
            self.run = None
            _warn(f"{what} failed ({error}); this run goes on without W&B")

    def logged(self, row: dict) -> None:
        self._safely("logging", lambda: self.run.log(row))

    def evaluated(self, row: dict, images: dict[str, Path]) -> None:
        values = {f"validation/{key}": value for key, value in row.items() if key not in ("step", "images", "seconds")}

        def log():
            import wandb

            self.run.log(
                {"step": row["step"], **values, **{name: wandb.Image(str(path)) for name, path in images.items()}}
            )

        self._safely("logging an evaluation", log)

    def finished(self, result: dict, directory: Path) -> None:
        """Put the test measures into the summary, and the final checkpoint into an artifact."""
        summary = {f"test/{key}": value for key, value in result.items() if isinstance(value, (int, float, str, list))}
        summary.pop("test/codes", None)

        def upload():
            import wandb

            artifact = wandb.Artifact(f"checkpoint-{self.run.id}", type="model")
            # immutable: taken from where it lies instead of being copied to a staging folder first
            artifact.add_file(str((directory / records.CHECKPOINT).resolve()), policy="immutable")
            artifact.add_file(str(directory / "config.json"))
            self.run.log_artifact(artifact)

        self._safely("the summary", lambda: self.run.summary.update(summary))
        self._safely("the checkpoint's artifact", upload)


@contextmanager
def track(config: Config, directory: Path, mode: WandbMode = "auto", group: str | None = None) -> Iterator[WandbRun]:
    """A W&B run of the project "infogan" for the run directory, whose files stay under directory/wandb.

    mode "auto" follows $WANDB_MODE, else is online where a key is found, else offline; it never prompts.
    A run that is resumed keeps its W&B id. Leaving by an exception other than Stopped marks the run as failed.
    """
    run = _start(config, directory, mode, group) if mode != "disabled" else None
    exit_code = 1
    tracked = WandbRun(run)
    try:
        yield tracked
        exit_code = 0
    except events.Stopped:
        exit_code = 0  # a pruned trial has not failed
        raise
    finally:
        if run is not None:
            tracked.run = run  # also after a failure: finish writes what it still can
            tracked._safely("finishing", lambda: run.finish(exit_code=exit_code))


def _start(config: Config, directory: Path, mode: WandbMode, group: str | None):
    id_file = directory / "wandb-id.txt"
    # Artifacts are staged under this folder, so that an offline run can be synced wherever it is moved with it.
    os.environ["WANDB_DATA_DIR"] = str((directory / "wandb").resolve())

    def init(chosen: str, fresh_id: bool = False):
        import wandb

        if fresh_id or not id_file.exists():
            records.write_atomic(id_file, uuid.uuid4().hex[:8])
        # init changes its Settings object, so each run needs a fresh one
        settings = wandb.Settings(
            silent=True,
            console="off",
            init_timeout=float(os.environ.get("WANDB_INIT_TIMEOUT", 30)),
            x_transaction_log_flush_interval=1,  # seconds of rows that a killed process can lose
            x_save_requirements=group is None,  # a quarter of a second, for a study's every trial the same list
        )
        run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", "infogan"),
            dir=str(directory),
            id=id_file.read_text().strip(),
            name=directory.name,
            group=group,
            job_type="trial" if group else "train",
            config={**dataclasses.asdict(config), "provenance": records.provenance()},
            mode=chosen,
            resume="allow",
            settings=settings,
        )
        run.define_metric("*", step_metric="step")
        return run

    try:
        import wandb

        if mode == "auto":
            mode = os.environ.get("WANDB_MODE") or ("online" if wandb.login(prompt=False, verify=False) else "offline")
        if mode == "disabled":
            return None
        try:
            return init(mode)
        except Exception as error:
            if mode == "offline":
                raise
            _warn(f"cannot start an online run ({error}); recording offline, `wandb sync` uploads it later")
            return init("offline", fresh_id=True)  # W&B holds the first id to be in use
    except Exception as error:
        _warn(f"cannot start a run ({error}); this run goes on without W&B")
        return None


def _warn(text: str) -> None:
    print(f"W&B: {text}", file=sys.stderr)
