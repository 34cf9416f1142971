"""One tracked run: its directory, W&B, training, and the measurement on the test images."""

import dataclasses
import shutil
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from infogan import events, records, training
from infogan.accel import parallel
from infogan.config import Config, WandbMode
from infogan.data import Dataset
from infogan.records.tracking import track


def train(
    config: Config,
    dataset: Dataset,
    directory: Path,
    wandb: WandbMode = "auto",
    group: str | None = None,
    observers: Iterable[events.Observer] = (),
    progress: bool = True,
) -> dict:
    """`infogan.training.fit` as a W&B run; the same arguments continue an interrupted one."""
    config = training.resolve(records.as_begun(directory, config))
    training.check(config, dataset)
    if parallel.rank() > 0:
        return _help(config, dataset, directory)
    # Locked before the W&B run is opened: it may be that of a process which is still training here.
    with records.lock(directory):
        records.create(directory, config)
        parallel.wait()
        with track(config, directory, wandb, group) as run:
            result = training.fit(config, dataset, directory, [run, *observers], progress)
            run.finished(result, directory)
    return result


def _help(config: Config, dataset: Dataset, directory: Path) -> dict:
    """Another process keeps the run and its records; this one computes its part of every batch, and forgets the rest."""
    with TemporaryDirectory() as folder:
        kept = Path(folder) / directory.name
        shutil.copytree(
            directory, kept, ignore=shutil.ignore_patterns("wandb", ".*")
        ) if directory.exists() else kept.mkdir()
        (kept / "samples").mkdir(exist_ok=True)
        parallel.wait()
        return training.fit(dataclasses.replace(config, checkpoint_every=config.updates), dataset, kept, progress=False)
