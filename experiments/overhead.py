"""What the study's machinery costs: trials per second with nothing trained, and its share of a one-minute trial.

Each trial is a real one of sweep.py (sampling, attributes, ten reports, pruning, heartbeat). For the rate, training
returns at once, and workers stand in each other's way; for the share it sleeps, as training keeps workers apart, and all
other time counts. What a run costs besides (its directory, W&B offline, pictures, the final measurement) is measured apart.

Examples:
  python experiments/overhead.py
  python experiments/overhead.py --storages sqlite postgresql://me@host/db --out overhead.json
"""

import dataclasses
import json
import os
import random
import time
import uuid
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import tyro
from sweep import Options as Study
from sweep import open_study, work
from workers import open_storage, quiet_optuna, run_workers

from infogan import experiment
from infogan.cli import run_script
from infogan.presets import PRESETS

MINUTE = 60


@dataclass(frozen=True)
class Options:
    storages: tuple[str, ...] = ("sqlite",)
    """Optuna storage URLs; sqlite is a file made for the purpose."""
    workers: tuple[int, ...] = (1, 2, 4, 8)
    """Numbers of processes."""
    trials: int = 100
    """Trials per measurement of the rate."""
    sleep: float = 10.0
    """Seconds that training sleeps where the share is measured, in three trials per worker."""
    out: Path | None = None
    """Write the numbers as JSON, with what made them."""


def idle(index: int, parent: int | None, study: Study, sleep: float, folder: str) -> None:
    """sweep.work, with training that sleeps and reports; writes the seconds of each trial that were not slept."""

    ended = None

    def train(config, dataset, directory, wandb, group, observers=(), progress=True):
        nonlocal ended
        began = time.perf_counter()
        slept = sleep * random.uniform(0.5, 1.5)  # as trials do, they end at different times
        for tenth in range(1, 11):
            time.sleep(slept / 10)
            for observer in observers:
                observer.evaluated({"accuracy": tenth / 10, "images": study.images * tenth / 10}, {})
        between, ended = began - (ended or began), time.perf_counter()
        if between:  # the first has no trial before it
            with open(f"{folder}/{study.study}-{index}.txt", "a") as file:
                print(between + ended - began - slept, file=file)
        return {"validation_accuracy": 1.0, "images": 1, "train_seconds": 1.0}

    experiment.train = train
    with open(os.devnull, "w") as nothing:
        os.dup2(nothing.fileno(), 1)
        work(index, parent, study)


def measure(storage: str, workers: int, trials: int, sleep: float, folder: str) -> tuple[float, float]:
    """Trials/s from the first trial's start to the last one's end, and the median seconds of a trial that were not slept."""
    import numpy as np
    import optuna

    study = Study(
        study=f"overhead-{uuid.uuid4().hex[:8]}", storage=storage, trials=trials, workers=workers, confirm_seeds=0
    ).resolved()
    open_study(study)
    if workers > 1:
        run_workers(workers, idle, study, sleep, folder)
    else:  # in a process of its own too, which run_workers would spare
        alone = get_context("spawn").Process(target=idle, args=(0, None, study, sleep, folder))
        alone.start()
        alone.join()
    done = [t for t in optuna.load_study(study_name=study.study, storage=storage).trials if t.datetime_complete]
    rate = len(done) / (max(t.datetime_complete for t in done) - min(t.datetime_start for t in done)).total_seconds()
    return rate, float(
        np.median(np.concatenate([np.loadtxt(file, ndmin=1) for file in Path(folder).glob(f"{study.study}-*.txt")]))
    )


def fixed_seconds() -> float:
    """What a run on digits costs besides its updates."""
    from infogan import data

    digits = data.load("digits")
    config = dataclasses.replace(PRESETS["authors"][0], dataset="digits", updates=10, device="cpu")
    seconds = []
    for number in range(4):  # the first imports and compiles
        began = time.perf_counter()
        result = experiment.train(config, digits, Path(f"run{number}"), "offline", "overhead", progress=False)
        seconds.append(time.perf_counter() - began - result["train_seconds"])
    return sorted(seconds[1:])[1]


def main() -> None:
    options = tyro.cli(Options, description=__doc__)

    import pandas as pd
    from tqdm import tqdm

    from infogan import records

    quiet_optuna()
    for workers in options.workers:
        Study(
            trials=options.trials, workers=workers
        ).resolved()  # what is wrong with them is said here, before a minute of measuring
    for storage in options.storages:
        if storage != "sqlite":
            open_storage(storage)  # says at once what is wrong with it
    rows, home = [], os.getcwd()
    with TemporaryDirectory() as folder:
        os.chdir(folder)
        progress = tqdm(total=len(options.storages) * len(options.workers), unit=" measurements")
        try:
            fixed = fixed_seconds()
            for storage in options.storages:
                for workers in options.workers:
                    url = f"sqlite:///{folder}/{workers}.db" if storage == "sqlite" else storage
                    rate, _ = measure(url, workers, options.trials, 0, folder)
                    _, machinery = measure(url, workers, 3 * workers, options.sleep, folder)
                    row = {
                        "storage": storage.split(":")[0],
                        "workers": workers,
                        "trials_per_second": rate,
                        "machinery_seconds_per_trial": machinery,
                    }
                    rows.append(row | {"percent_of_a_one_minute_trial": 100 * (machinery + fixed) / MINUTE})
                    progress.update()
        finally:
            os.chdir(home)
            progress.close()
    print(pd.DataFrame(rows).to_string(index=False, float_format="{:.3f}".format))
    print(
        f"a run's own fixed costs: {fixed:.2f} s (its directory, W&B offline, ten sample grids, the final measurement)"
    )
    if options.out:
        records.write_atomic(
            options.out,
            json.dumps(
                {
                    "rows": rows,
                    "fixed_seconds_per_run": fixed,
                    "trials": options.trials,
                    "provenance": records.provenance(),
                },
                indent=2,
            )
            + "\n",
        )


if __name__ == "__main__":
    run_script(main)
