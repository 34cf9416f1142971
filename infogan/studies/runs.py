"""Train named configurations of one dataset, each once, shared by as many workers as there are."""

import dataclasses
import math
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import tyro

from infogan.config import Config, InputError, WandbMode
from infogan.errors import printable
from infogan.studies.launchers import ParentWatch, WorkerOptions, command_line, run_on_ray, run_workers

if TYPE_CHECKING:
    from optuna.trial import Trial

    from infogan.data import Dataset

    Measure = Callable[[Path, Dataset], None]
    """measure(run directory, dataset): what a worker does with a trained run, besides the test images."""


@dataclass(frozen=True)
class RunsOptions(WorkerOptions):
    """The dataset, where the runs are kept, and who trains them."""

    dataset: tyro.conf.Positional[str] = "mnist"
    """digits, mnist, fashion-mnist, kmnist, emnist-digits, emnist-letters, emnist-balanced, usps, svhn, or the path of
    a labelled .npz file or folder of images (FOLDER@64)."""
    folder: Path = Path("runs")
    """Where the run directories are kept, and by default the SQLite file (reproduce.db) that shares them out."""
    data_dir: Path | None = None
    """Folder of the datasets. Default: $INFOGAN_DATA, else ./data."""
    wandb: WandbMode = "auto"
    """auto: online where a W&B key is found, else offline."""

    @property
    def stem(self) -> str:
        """The dataset's name in run directories."""
        return Path(self.dataset).stem


def train_all(
    options: RunsOptions, configs: Mapping[str, Config], command: str, measure: "Measure | None" = None
) -> None:
    """Train what is not trained yet of these configurations, by run directory's name, and measure it.

    command: of infogan, which names the study; a Ray cluster is given its command line. measure: a function that other
    processes can import.
    Raises InputError for what cannot be trained, before anything is made, and for runs that failed.
    """
    import optuna

    from infogan import data, training
    from infogan.records import mask_arguments
    from infogan.studies.grid import failed_jobs, grid_name, queue_failed
    from infogan.studies.storage import as_input_error, open_storage, quiet_optuna

    ray_command = command_line(command, *sys.argv[1:])
    sys.argv = mask_arguments(sys.argv)
    # What cannot be trained is said here, once, and before anything is made: first what needs no dataset.
    resolved = [training.resolve(config) for config in configs.values()]
    dataset = data.load(options.dataset, options.data_dir)
    for config in resolved:
        training.check(config, dataset)
    options = dataclasses.replace(options, workers=options.default_workers(len(configs)))
    _make_folder(options.folder)
    quiet_optuna()
    group = f"{command}-{options.stem}"
    name = grid_name(group, configs)
    storage = options.storage or f"sqlite:///{options.folder / 'reproduce.db'}"
    opened = open_storage(storage)  # makes the tables, before all workers would at once
    if not options.join:
        with as_input_error(storage):
            queue_failed(opened, name)
    print(f"{len(configs)} runs in {options.folder}/, {options.workers} worker(s)", flush=True)
    if options.launcher == "ray":
        run_on_ray(options, ray_command)
    else:
        run_workers(options.workers or 1, work, options, dict(configs), group, storage, measure)
    if options.join:
        return
    if failed := failed_jobs(optuna.load_study(study_name=name, storage=opened)):
        raise InputError(
            f"{', '.join(failed)} failed (see above): mend the cause, and the same command tries them again"
        )


def work(
    index: int,
    parent: int | None,
    options: RunsOptions,
    configs: dict[str, Config],
    group: str,
    storage: str,
    measure: "Measure | None",
) -> None:
    """What run_workers runs in each process: the worker's share of the runs."""
    from optuna.trial import TrialState

    from infogan import data, training
    from infogan.studies.grid import grid_name, run_grid
    from infogan.studies.storage import open_storage, quiet_optuna

    quiet_optuna()
    dataset = data.load(options.dataset, options.data_dir)
    watch, durations = ParentWatch(parent), []

    def train(trial: "Trial", job: str) -> float:
        began, directory = time.perf_counter(), options.folder / job
        was_trained = (directory / "evaluation.json").exists()
        result = training.train(
            configs[job], dataset, directory, options.wandb, group, [watch], progress=False, test=True
        )
        if measure:
            measure(directory, dataset)
        seconds = time.perf_counter() - began
        if not was_trained:  # of the others nothing is known of how long they took
            durations.append(seconds)
        states = [t.state for t in trial.study.get_trials(deepcopy=False)]
        done = states.count(TrialState.COMPLETE) + 1
        accuracy = f", test accuracy {result['accuracy']:.4f}" if "accuracy" in result else ""
        accuracy += ", but G has collapsed" * bool(result.get("collapsed"))
        left = time_left(len(configs) - done, durations, options.workers or 1)
        text = f"{done}/{len(configs)}  {job}: {result['images']:,} images in {seconds:.0f} s{accuracy}{left}"
        print(printable(text), flush=True)
        return result.get("validation_accuracy", 0.0)

    run_grid(open_storage(storage, patient=True), grid_name(group, configs), configs, train)


def time_left(runs: int, durations: list[float], workers: int) -> str:
    """Such as "  (12 min left)" for so many runs; empty where it is under a minute, or no run was timed."""
    seconds = max(0, runs) * sum(durations) / (len(durations) or math.inf) / workers
    return f"  ({seconds / 60:.0f} min left)" if seconds >= 60 else ""


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {folder} ({error.strerror}): choose another --folder") from error
