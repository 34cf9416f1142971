"""Train what the tables need: presets x seeds, in runs/DATASET-PRESET-seedN, shared by as many workers as there are.

With --vary also each preset with one setting changed, at equal images seen: what analysis/settings.py compares.

The same command continues what was interrupted, on one machine or many (as sweep.py); finished runs are not trained again.

Examples:
  python experiments/reproduce.py mnist --data-dir ~/data              # ten seeds of each preset
  python experiments/reproduce.py digits --presets authors gan --seeds 3 --images 50000
  python experiments/reproduce.py digits --presets authors --images 100000 --vary lambda_categorical=0.1,10 batch_size=32,512
"""

import dataclasses
import math
import time
from dataclasses import dataclass
from pathlib import Path

import tyro
from workers import (
    Crew,
    ParentWatch,
    failed_jobs,
    grid_name,
    open_storage,
    queue_failed,
    quiet_optuna,
    run_grid,
    run_on_ray,
    run_workers,
)

from infogan import experiment
from infogan.cli import run_script
from infogan.config import Config, InputError, WandbMode
from infogan.presets import FREE, PRESETS, SOURCES


@dataclass(frozen=True)
class Options(Crew):
    dataset: tyro.conf.Positional[str] = "mnist"
    """digits, mnist, fashion-mnist, svhn, or the path of a labelled .npz file or folder of images (FOLDER@64)."""
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


VARIED = sorted(field.name for field in dataclasses.fields(Config) if field.name not in (*FREE, "preset", "dataset"))


def variations(options: Options) -> list[tuple[str, object]]:
    """Each field and value of --vary. Raises InputError."""
    out = []
    for text in options.vary:
        field, _, values = text.partition("=")
        if field not in VARIED or not values:
            raise InputError(
                f"vary has {text!r}; give FIELD=VALUE,VALUE, such as lambda_categorical=0.1,10, where FIELD is one of {', '.join(VARIED)}"
            )
        kind = type(getattr(Config(), field))
        for value in values.split(","):
            try:
                out.append((field, kind(value)))
            except ValueError as error:
                raise InputError(f"vary has {field}={value}, which is no {kind.__name__}") from error
    return out


def jobs(options: Options) -> dict[str, Config]:
    """Run directory's name to configuration, all that is trained with a seed before the next seed. Raises InputError."""
    if unknown := sorted(set(options.presets) - set(PRESETS)):
        raise InputError(f"presets has {', '.join(unknown)}; allowed: {', '.join(PRESETS)}")
    for name in ("seeds", "images"):
        if (value := getattr(options, name)) is not None and value < 1:
            raise InputError(f"{name} is {value}; give 1 or more")
    varied, made = variations(options), {}
    for name in options.presets:
        preset = PRESETS[name][0]
        seen = min(preset.images(preset.updates), options.images or math.inf)
        changed = {
            f"{name}-{field}={value}": dataclasses.replace(preset, **{field: value})
            for field, value in varied
            if value != getattr(preset, field)
        }
        for label, config in {name: preset, **changed}.items():
            updates = int(seen // config.batch_size) - config.warm_up
            if updates < 1:
                raise InputError(
                    f"images is {seen}; give {config.images(1):,} or more, which {label} needs for its warm-up and an update"
                )
            made[label] = dataclasses.replace(config, dataset=options.dataset, updates=updates)
    stem = Path(options.dataset).stem
    return {
        f"{stem}-{label}-seed{seed}": dataclasses.replace(config, seed=seed)
        for seed in range(options.seeds)
        for label, config in made.items()
    }


def work(index: int, parent: int | None, options: Options, storage: str) -> None:
    """Worker `index`'s share of the jobs."""
    from infogan import data

    quiet_optuna()
    configs, dataset = jobs(options), data.load(options.dataset, options.data_dir)
    group = f"reproduce-{Path(options.dataset).stem}"

    def train(trial, job: str) -> float:
        began = time.perf_counter()
        result = experiment.train(
            configs[job], dataset, options.folder / job, options.wandb, group, [ParentWatch(parent)], progress=False
        )
        accuracy = result.get("accuracy", float("nan"))
        print(
            f"{job}: {result['images']:,} images in {time.perf_counter() - began:.0f} s, test accuracy {accuracy:.4f}",
            flush=True,
        )
        return result.get("validation_accuracy", 0.0)

    run_grid(open_storage(storage), grid_name(group, configs), configs, train)


def main() -> None:
    import sys

    arguments, options = sys.argv[1:], tyro.cli(Options, description=__doc__)

    from infogan import data
    from infogan.codes import Latent
    from infogan.records import mask_secrets

    sys.argv = [mask_secrets(argument) for argument in sys.argv]
    wanted = jobs(options)
    for config in wanted.values():
        Latent(config.codes, config.noise, config.q_std)
    data.load(
        options.dataset, options.data_dir
    )  # what is wrong with it is said here, once, and before anything is made
    options = dataclasses.replace(options, workers=options.default_workers(len(wanted)))
    try:
        options.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"cannot make the folder {options.folder} ({error.strerror}): choose another --folder"
        ) from error
    optuna, name = quiet_optuna(), grid_name(f"reproduce-{Path(options.dataset).stem}", wanted)
    storage = options.storage or f"sqlite:///{options.folder / 'reproduce.db'}"
    opened = open_storage(storage)  # makes the tables, before the workers would all at once
    if not options.join:
        queue_failed(opened, name)
    print(f"{len(wanted)} runs in {options.folder}/, {options.workers} worker(s)", flush=True)
    if options.launcher == "ray":
        run_on_ray(options, arguments)
    else:
        run_workers(options.workers, work, options, storage)
    if options.join:
        return
    if failed := failed_jobs(optuna.load_study(study_name=name, storage=open_storage(storage))):
        raise InputError(f"{', '.join(failed)} failed (see above): mend it, and the same command tries them again")
    runs_of = f"{options.folder}/{Path(options.dataset).stem}"
    for command in (
        [f"settings.py {runs_of}-{name}-seed* {runs_of}-{name}-*=*" for name in options.presets]
        if options.vary
        else [f"measure.py {runs_of}-*"]
    ):
        print(f"next: python analysis/{command}")


if __name__ == "__main__":
    run_script(main)
