"""The run directory: the one interface between training and analysis.

config.json       configuration (resolved), provenance (command, commit, versions, host) and the data's fingerprint;
                  where labels are used, the indices of the training images that they are of
metrics.csv       one row per logged step; each value is the mean over the updates since the last row
evaluations.csv   one row per evaluation on the validation images
samples/          sample grids, rows are categories, and confusion matrices
checkpoint.safetensors   networks, optimisers, random states and counters, replaced atomically; the one before it
                         (checkpoint.previous.safetensors) is used where it turns out to be damaged. It also holds
                         config.json and the rows of the tables, which are restored from it where they are missing
pretraining.csv, pretraining.json   of a run with pretraining: its rows; its length, its seconds, the mutual information
                         of each head's superclusters (nats)
categories.json   the label that each category was matched to on validation images, when they were last measured
status.json       running, finished, interrupted, stopped, diverged or failed, with the step reached
evaluation.json   the finished run's measures on the test images
quality.json      of analysis/measure.py --quality: measures of generated images
"""

import dataclasses
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infogan.config import RUNTIME_FIELDS, Config
from infogan.records.checkpoints import CHECKPOINT, has_checkpoint, load_checkpoint
from infogan.records.files import checked, config_in, read_json, read_optional, write_json
from infogan.records.provenance import provenance
from infogan.records.shapes import SHAPES
from infogan.utils.errors import InputError, printable
from infogan.utils.files import remove_leftovers
from infogan.utils.locks import locked

WRITTEN = (CHECKPOINT, "pretraining.json", "pretraining.csv", "metrics.csv", "evaluations.csv", *SHAPES)
"""Files that are replaced as a whole."""


class Locked(InputError):
    """Another process is training in the run directory."""


def keep_precision(directory: Path, config: Config) -> Config:
    """The configuration with `auto` precision as a run that is in the directory already has it.

    What a run was started with on one processor is not what `auto` means on the next.
    """
    if config.precision != "auto" or (record := recorded_configuration(directory)) is None:
        return config
    return dataclasses.replace(config, precision=config_in(record, directory).precision)


def recorded_configuration(directory: Path) -> dict | None:
    """The content of the directory's config.json, or its copy in the checkpoint where that file is missing or damaged;
    None where no run was started."""
    file = directory / "config.json"
    stored = _stored(file)
    if stored is None and has_checkpoint(directory):
        stored = checked(load_checkpoint(directory)[1].get("record") or read_optional(file), file)
    return stored or read_optional(file) or None


def _stored(file: Path) -> dict | None:
    """Content of a JSON file; None where it is missing or damaged."""
    try:
        return read_json(file)
    except InputError:
        return None


def create(directory: Path, config: Config, data: dict | None = None, labelled_images: list[int] | None = None) -> None:
    """Make the run directory, or check that it holds the same recipe (it may be a shorter run, to be continued).

    Fields of RUNTIME_FIELDS may differ: the record then has the new ones. What made a run is recorded once; a longer
    continuation adds its own provenance. The directory must be locked: what a killed process left half-written goes.

    Args: data: the dataset's fingerprint; labelled_images: the indices of the training images whose labels are used.
    Raises InputError naming the first field that differs.
    """
    file = directory / "config.json"
    record: dict = {"config": dataclasses.asdict(config), "provenance": provenance(), "data": data}
    if labelled_images:
        record["labelled_images"] = labelled_images
    if before := recorded_configuration(directory):
        stored = config_in(before, directory)  # fields that are newer than the run have their defaults
        _check_same_recipe(directory, stored, config)
        record["provenance"] = before.get("provenance", {})
        if "continued" in before or stored.updates < config.updates:
            longer = [provenance()] if stored.updates < config.updates else []
            record["continued"] = [*before.get("continued", []), *longer]
    remove_leftovers(directory, WRITTEN)
    (directory / "samples").mkdir(parents=True, exist_ok=True)
    if (written := _stored(file)) is None and before:
        print(f"{printable(file)} was missing or damaged; it is restored from the checkpoint", file=sys.stderr)
    if record != written:
        write_json(file, record)


def _check_same_recipe(directory: Path, stored: Config, config: Config) -> None:
    for name in (field.name for field in dataclasses.fields(Config)):
        had, has = getattr(stored, name), getattr(config, name)
        if name not in ("updates", *RUNTIME_FIELDS) and had != has:
            raise InputError(f"{directory} holds a run with {name} {had!r}, not {has!r}: choose another --run-dir")
    if stored.updates > config.updates:
        raise InputError(
            f"{directory} holds a run of {stored.updates} updates, longer than {config.updates}: "
            "choose another --run-dir"
        )
    if stored.updates < config.updates and config.is_scheduled:
        scheduled = "learning rates decayed over" if config.lr_decay else "terms start at a share of"
        raise InputError(
            f"{directory} holds a run of {stored.updates} updates whose {scheduled} its length: "
            f"it cannot go on to {config.updates}; choose another --run-dir"
        )


@contextmanager
def lock(directory: Path) -> Iterator[None]:
    """Makes the directory, and keeps other processes from training in it; one that dies leaves nothing locked.

    Raises Locked, or InputError where the directory cannot be made.
    """
    from filelock import Timeout  # not needed to read a run

    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the run directory {directory} ({error.strerror}): choose another") from error
    try:
        # One lock per process: who holds it may ask again.
        with locked(directory / ".lock", timeout=0, is_singleton=True):
            yield
    except Timeout as error:
        left = f" (or remove {soft}, if it died)" if (soft := directory / ".lock.soft").exists() else ""
        raise Locked(
            f"another process is training in {directory}: wait for it{left}, or choose another --run-dir"
        ) from error


def is_locked(directory: Path) -> bool:
    """Whether a process is training in the directory now."""
    from filelock import Timeout

    if not (directory / ".lock").exists():
        return False
    try:
        with locked(directory / ".lock", timeout=0):
            return False
    except Timeout:
        return True
