"""Train what the tables need: presets x seeds, in runs/DATASET-PRESET-seedN, shared by as many workers as there are.

With --vary also each preset with one setting changed, at equal images seen: what `infogan settings` compares.

The same command continues what was interrupted, on one machine or many (as `infogan sweep`); finished runs are not
trained again.

Examples:
  python experiments/reproduce.py mnist --data-dir ~/data              # ten seeds of each preset
  python experiments/reproduce.py digits --presets authors gan --seeds 3 --images 50000
  python experiments/reproduce.py digits --presets authors --vary lambda_categorical=0.1,10 batch_size=32,512
"""

import dataclasses
import math
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import tyro

from infogan.config import Config, InputError, WandbMode
from infogan.presets import ALIASES, FREE_FIELDS, PRESETS, SOURCES, begin
from infogan.studies.launchers import ParentWatch, WorkerOptions, command_line, run_on_ray, run_workers

if TYPE_CHECKING:
    from optuna.trial import Trial

VARIED = sorted(field.name for field in dataclasses.fields(Config) if field.name not in FREE_FIELDS)
"""Fields of a configuration that --vary can change: those that identify a preset's recipe."""


@dataclass(frozen=True)
class Options(WorkerOptions):
    """The command line."""

    dataset: tyro.conf.Positional[str] = "mnist"
    """digits, mnist, fashion-mnist, kmnist, emnist-digits, emnist-letters, emnist-balanced, usps, svhn, or the path of
    a labelled .npz file or folder of images (FOLDER@64)."""
    presets: tuple[str, ...] = SOURCES
    """Presets to train."""
    seeds: int = 10
    """Seeds 0 to seeds - 1 of each."""
    images: int | None = None
    """Presets that see more real images are cut to so many, and say so in their configuration."""
    vary: tuple[str, ...] = ()
    """FIELD=VALUE,VALUE ... of the configuration: each preset also with each of these values, one at a time."""
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


def variations(options: Options) -> list[tuple[str, object]]:
    """Each field and value of --vary. Raises InputError."""
    out: list[tuple[str, object]] = []
    for text in options.vary:
        field, _, values = text.partition("=")
        if field not in VARIED or not values:
            raise InputError(
                f"vary has {text!r}; give FIELD=VALUE,VALUE, such as lambda_categorical=0.1,10, "
                f"where FIELD is one of {', '.join(VARIED)}"
            )
        out += [(field, _read(field, value)) for value in values.split(",")]
    return out


def _read(field: str, text: str) -> object:
    """A value of the field's type."""
    kind = type(getattr(Config(), field))
    try:
        return {"True": True, "False": False}[text.capitalize()] if kind is bool else kind(text)
    except (ValueError, KeyError) as error:
        names = {bool: "true or false", int: "a whole number", float: "a number"}
        raise InputError(f"vary has {field}={text}; give {names[kind]}") from error


def jobs(options: Options) -> dict[str, Config]:
    """Run directory's name to configuration: all runs with a seed before those with the next. Raises InputError."""
    presets = list(dict.fromkeys(ALIASES.get(name, name) for name in options.presets))
    if unknown := sorted(set(presets) - set(PRESETS)):
        raise InputError(f"presets has {', '.join(unknown)}; allowed: {', '.join(PRESETS)}")
    for name in ("seeds", "images"):
        if (value := getattr(options, name)) is not None and value < 1:
            raise InputError(f"{name} is {value}; give 1 or more")
    varied, made = variations(options), {}
    for name in presets:
        preset = begin(name)
        images = min(preset.images(preset.updates), options.images or math.inf)
        changed = {
            re.sub(r"[^\w=.+@-]", "_", f"{name}-{field}={value}"): dataclasses.replace(
                preset, **cast(Any, {field: value})
            )
            for field, value in varied
            if value != getattr(preset, field)
        }
        for label, config in {name: preset, **changed}.items():
            made[label] = dataclasses.replace(
                config, dataset=options.dataset, updates=_updates(label, config, int(images))
            )
    return {
        f"{options.stem}-{label}-seed{seed}": dataclasses.replace(config, seed=seed)
        for seed in range(options.seeds)
        for label, config in made.items()
    }


def _updates(label: str, config: Config, images: int) -> int:
    """How many updates of the GAN fit into so many images, after the pretraining. Raises InputError where none does."""
    updates = images // config.batch_size - config.pretraining
    if updates < 1:
        least = config.images(1)
        raise InputError(
            f"images is {images}; give {least:,} or more, which {label} needs for its pretraining and an update"
        )
    return updates


def work(index: int, parent: int | None, options: Options, storage: str) -> None:
    """What run_workers runs in each process: the worker's share of the jobs."""
    from infogan import data, experiment
    from infogan.studies.grid import grid_name, run_grid
    from infogan.studies.storage import open_storage, quiet_optuna

    quiet_optuna()
    configs, dataset = jobs(options), data.load(options.dataset, options.data_dir)
    group, watch = f"reproduce-{options.stem}", ParentWatch(parent)

    def train(trial: "Trial", job: str) -> float:
        began, directory = time.perf_counter(), options.folder / job
        result = experiment.train(
            configs[job], dataset, directory, options.wandb, group, [watch], progress=False, test=True
        )
        accuracy, seconds = result.get("accuracy", math.nan), time.perf_counter() - began
        print(f"{job}: {result['images']:,} images in {seconds:.0f} s, test accuracy {accuracy:.4f}", flush=True)
        return result.get("validation_accuracy", 0.0)

    run_grid(open_storage(storage, patient=True), grid_name(group, configs), configs, train)


def main() -> None:
    """Read the command line, run the workers, and print the next command."""
    options = tyro.cli(Options, description=__doc__)
    wanted = jobs(options)

    import optuna

    from infogan import data, training
    from infogan.records import mask_arguments
    from infogan.studies.grid import failed_jobs, grid_name, queue_failed
    from infogan.studies.storage import as_input_error, open_storage, quiet_optuna

    command = command_line("reproduce", *sys.argv[1:])
    sys.argv = mask_arguments(sys.argv)
    # What cannot be trained is said here, once, and before anything is made: first what needs no dataset.
    resolved = [training.resolve(config) for config in wanted.values()]
    dataset = data.load(options.dataset, options.data_dir)
    for config in resolved:
        training.check(config, dataset)
    options = dataclasses.replace(options, workers=options.default_workers(len(wanted)))
    _make_folder(options.folder)
    quiet_optuna()
    name = grid_name(f"reproduce-{options.stem}", wanted)
    storage = options.storage or f"sqlite:///{options.folder / 'reproduce.db'}"
    opened = open_storage(storage)  # makes the tables, before all workers would at once
    if not options.join:
        with as_input_error(storage):
            queue_failed(opened, name)
    print(f"{len(wanted)} runs in {options.folder}/, {options.workers} worker(s)", flush=True)
    if options.launcher == "ray":
        run_on_ray(options, command)
    else:
        run_workers(options.workers or 1, work, options, storage)
    if options.join:
        return
    if failed := failed_jobs(optuna.load_study(study_name=name, storage=opened)):
        raise InputError(
            f"{', '.join(failed)} failed (see above): mend the cause, and the same command tries them again"
        )
    _print_next(options)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {folder} ({error.strerror}): choose another --folder") from error


def _print_next(options: Options) -> None:
    runs = f"{options.folder}/{options.stem}"
    if not options.vary:
        print(f"next: infogan measure {runs}-*")
        return
    for name in dict.fromkeys(ALIASES.get(name, name) for name in options.presets):
        print(f"next: infogan settings {runs}-{name}-seed* {runs}-{name}-*=*")
