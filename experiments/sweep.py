#!/usr/bin/env python
"""Sweep lambda, the latent-code configuration and the batch size with Optuna; each trial is a W&B run.

The same command continues a study that was interrupted or killed. Trials are compared at equal images seen,
by code-to-label accuracy on validation images; the best is then trained with fresh seeds and measured on the
test images.

Examples:
  python experiments/sweep.py                          # scikit-learn's digits, a few minutes on two cores
  python experiments/sweep.py mnist --trials 100 --data-dir ~/data
  python experiments/sweep.py mnist --workers 4 --study mnist-long --images 3000000
  python experiments/sweep.py mnist --storage postgresql://me@host/db --study shared    # on each of many machines
  python experiments/sweep.py mnist --launcher ray --workers 16 --gpus-per-worker 0.25 --storage postgresql://me@host/db
"""

import dataclasses
import os
import re
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import tyro
from workers import (
    Crew,
    ParentWatch,
    given_up,
    grid_name,
    open_storage,
    quiet_optuna,
    run_grid,
    run_on_ray,
    run_trials,
    run_workers,
)

from infogan import events, experiment
from infogan.cli import run_script
from infogan.config import Config, InputError, WandbMode, from_dict
from infogan.presets import PRESETS

RECIPES = ("authors", "paper", "blog")
# What a trial costs: enough images for the order of configurations to show (mnist: the authors' 5,000 x 128).
IMAGES = {"digits": 100_000}
FULL_IMAGES = 640_000
TRIALS = {"digits": 30}
FULL_TRIALS = 100


@dataclass(frozen=True)
class Options(Crew):
    dataset: tyro.conf.Positional[str] = "digits"
    """digits, mnist, fashion-mnist, svhn, or the path of a labelled .npz file or folder of images (FOLDER@64)."""
    trials: int | None = None
    """Trials the study shall have in the end; parallel workers may add one each. Default: 30 for digits, else 100."""
    images: int | None = None
    """Real images each trial sees, whatever its batch size. Default: 100,000 for digits, else 640,000."""
    study: str | None = None
    """Name of the study and of its folder under studies/. Default: the dataset's name."""
    seed: int = 0
    """Seeds the sampler and, with the trial's number, each training."""
    confirm_best: int = 2
    """How many of the best configurations are trained again with fresh seeds; the best mean over those seeds wins."""
    confirm_seeds: int = 3
    """Fresh seeds for each of them; 0 leaves the confirmation out."""
    quality: bool = False
    """Also minimise the Frechet distance of generated images (infogan/quality.py). The study then has a front of best
    trials instead of one; it neither prunes nor confirms."""
    data_dir: Path | None = None
    """Folder of the datasets. Default: $INFOGAN_DATA, else ./data."""
    wandb: WandbMode = "auto"
    """auto: online where a W&B key is found, else offline (`wandb sync` uploads later)."""

    def resolved(self) -> "Options":
        """Every default filled in; raises InputError for values that no study can have."""
        name = self.study or re.sub(r"[^\w.-]+", "-", Path(self.dataset).stem)
        if not re.fullmatch(r"\w[\w.-]*", name):
            raise InputError(f"study is {name!r}; use letters, digits, dots, dashes and underscores")
        trials = TRIALS.get(self.dataset, FULL_TRIALS) if self.trials is None else self.trials
        options = dataclasses.replace(
            self,
            study=name,
            trials=trials,
            workers=self.default_workers(trials),
            images=IMAGES.get(self.dataset, FULL_IMAGES) if self.images is None else self.images,
            storage=self.storage or f"sqlite:///{Path('studies') / name / 'study.db'}",
        )
        for field, least in (("trials", 1), ("images", 512), ("confirm_best", 1), ("confirm_seeds", 0)):
            if getattr(options, field) < least:
                raise InputError(f"{field} is {getattr(options, field)}; give {least} or more")
        return options

    @property
    def folder(self) -> Path:
        assert self.study is not None
        return Path("studies") / self.study


def suggest(trial, options: Options, seed: int) -> Config:
    """The search space. A recipe is a preset's rest: noise prior, Q's std, learning rates, who gets the bound."""
    recipe = trial.suggest_categorical("recipe", RECIPES)
    codes = trial.suggest_int("categorical_codes", 1, 3)
    size = trial.suggest_categorical("categories", (5, 8, 10, 12, 20))
    continuous = trial.suggest_int("continuous_codes", 0, 4)
    noise = trial.suggest_categorical("noise", (16, 62, 128))
    lambda_categorical = trial.suggest_float("lambda_categorical", 0.03, 10, log=True)
    lambda_continuous = trial.suggest_float("lambda_continuous", 0.03, 10, log=True) if continuous else 0.0
    batch_size = trial.suggest_categorical("batch_size", (16, 32, 64, 128, 256, 512))
    base = PRESETS[recipe][0]
    return dataclasses.replace(
        base,
        dataset=options.dataset,
        seed=seed,
        codes="+".join([f"{codes}x{size}c"] * bool(codes > 1) or [f"{size}c"])
        + (f"+{continuous}u" if continuous else ""),
        noise=f"{noise}{base.noise[-1]}",
        lambda_categorical=lambda_categorical,
        lambda_continuous=lambda_continuous,
        batch_size=batch_size,
        **length(options.images, batch_size),
    )


def length(images: int, batch_size: int) -> dict[str, int]:
    """Equal images seen, with the same number of logged rows for every batch size."""
    updates = max(1, round(images / batch_size))
    return {"updates": updates, "log_every": max(1, updates // 100), "checkpoint_every": max(1, updates // 5)}


def source_settings() -> list[dict]:
    """The paper's, the authors' and the blog's settings as points of the search space; they are tried first."""
    codes = {"categorical_codes": 1, "categories": 10, "noise": 62, "lambda_categorical": 1.0}
    return [
        {"recipe": "paper", **codes, "continuous_codes": 2, "lambda_continuous": 0.1, "batch_size": 128},
        {"recipe": "authors", **codes, "continuous_codes": 2, "lambda_continuous": 1.0, "batch_size": 128},
        {"recipe": "blog", **codes, "continuous_codes": 0, "batch_size": 16},
    ]


def open_study(options: Options):
    """Make the study, or join it. One process does this before any worker starts: creating tables races."""
    import optuna

    try:
        options.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"cannot make the study's folder {options.folder} ({error.strerror}): choose another --study"
        ) from error
    settings = {"dataset": options.dataset, "images": options.images, "seed": options.seed, "quality": options.quality}
    storage = open_storage(options.storage)
    try:
        directions = ["maximize", "minimize"] if options.quality else ["maximize"]
        study = optuna.create_study(storage=storage, study_name=options.study, directions=directions)
    except optuna.exceptions.DuplicatedStudyError:
        study = optuna.load_study(storage=storage, study_name=options.study)
        stored = study.user_attrs.get("settings", settings)
        for name, value in settings.items():
            if stored[name] != value:
                raise InputError(
                    f"study {options.study!r} was made with {name} {stored[name]!r}, not {value!r}: "
                    "give the same value, or another --study"
                )
    else:  # of all who start at once, one makes the study
        study.set_user_attr("settings", settings)
        for point in source_settings():
            study.enqueue_trial(point, user_attrs={"source": point["recipe"]})
    return study


def work(index: int, parent: int | None, options: Options) -> None:
    """Worker `index`: trials until the study has enough, then its share of the confirmation. `parent` is the process
    that the worker belongs to, if another."""
    from optuna.trial import TrialState

    from infogan import data, records, training
    from infogan.metrics import quality

    optuna = quiet_optuna()
    dataset = data.load(options.dataset, options.data_dir)
    storage = open_storage(options.storage)
    # At equal cost it finds better trials than the median rule, Hyperband or none (experiments/pruners.py).
    pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=3)
    study = optuna.load_study(study_name=options.study, storage=storage, pruner=pruner)

    class Follower(ParentWatch):
        """Reports validation accuracy to the pruner as well."""

        def __init__(self, trial, evaluations: int):
            super().__init__(parent)
            self.trial, self.evaluations = trial, evaluations

        def evaluated(self, row: dict, images: dict[str, Path]) -> None:
            if options.quality:  # Optuna prunes by one objective only
                return
            # Steps are tenths of the images seen, so that batch sizes are compared at equal images.
            self.trial.report(row["accuracy"], round(self.evaluations * row["images"] / options.images))
            if (
                self.trial.should_prune() and row["images"] < 0.85 * options.images
            ):  # else the rest is cheap, and a result
                raise events.Stopped

    network = quality.classifier(dataset) if options.quality else None

    def objective(trial, run: int) -> float | tuple[float, float]:
        began = time.perf_counter()
        try:
            directory = options.folder / "trials" / f"{run:04d}"
            config = suggest(trial, options, seed=options.seed + run)
            trial.set_user_attr("run_dir", str(directory))
            trial.set_user_attr("config", dataclasses.asdict(config))
            follower = Follower(trial, config.evaluations)
            result = experiment.train(
                config, dataset, directory, options.wandb, options.study, [follower], progress=False
            )
        except events.Stopped as stopped:
            _line(trial, "pruned", began)
            raise optuna.TrialPruned from stopped
        except (records.Locked, optuna.exceptions.UpdateFinishedTrialError):  # will be waited for; is another's now
            raise
        except Exception as error:
            _line(trial, f"failed: {type(error).__name__}: {error}", began)
            raise
        trial.set_user_attr("images_per_second", round(result["images"] / result["train_seconds"]))
        accuracy = result["validation_accuracy"]
        if not options.quality:
            _line(trial, f"accuracy {accuracy:.3f}", began)
            return accuracy
        trained = records.load(directory)
        measured = quality.measure(trained.generator, trained.latent, dataset.validation, network)
        trial.set_user_attr("quality", measured)
        _line(trial, f"accuracy {accuracy:.3f}  Frechet distance {measured['frechet_distance']:.3g}", began)
        return accuracy, measured["frechet_distance"]

    def enough(trials: list) -> bool:
        return (
            sum(t.state != TrialState.WAITING and (t.state != TrialState.FAIL or given_up(t)) for t in trials)
            >= options.trials
        )

    def seed_sampler(count: int) -> None:
        # Optuna keeps no random state: derived from the study's seed and the trials so far, it survives a restart;
        # from the worker too, or workers that start together would all propose the same.
        shared = options.join or not options.storage.startswith("sqlite")
        worker = f"{index}-{socket.gethostname()}-{os.getpid()}" if shared else index
        study.sampler = optuna.samplers.TPESampler(
            seed=training.derive(options.seed, f"sampler-{count}-{worker}") % 2**32
        )

    run_trials(study, objective, enough, seed_sampler)
    if options.quality:
        return

    # One run of a configuration ranks it roughly, and the luckiest looks best: the best few again, with seeds no trial had.
    configs = {
        f"trial-{trial.number:04d}/seed{seed}": dataclasses.replace(from_dict(trial.user_attrs["config"]), seed=seed)
        for trial in sorted(study.get_trials(states=(TrialState.COMPLETE,)), key=lambda t: -t.value)[
            : options.confirm_best
        ]
        for seed in range(options.seed + 100_000, options.seed + 100_000 + options.confirm_seeds)
    }

    def confirm(trial, job: str) -> float:
        directory = options.folder / "confirm" / job
        trial.set_user_attr("run_dir", str(directory))
        result = experiment.train(
            configs[job], dataset, directory, options.wandb, options.study, [ParentWatch(parent)], progress=False
        )
        trial.set_user_attr("test", {key: value for key, value in result.items() if isinstance(value, float | int)})
        print(f"with a fresh seed, {job}: validation accuracy {result['validation_accuracy']:.3f}", flush=True)
        return result["validation_accuracy"]

    if configs:
        name = grid_name(f"{options.study}-confirm", configs)
        study.set_user_attr("confirmation", name)
        run_grid(storage, name, configs, confirm)


def _line(trial, outcome: str, began: float) -> None:
    params = trial.params
    print(
        f"trial {trial.number:3d}  {params.get('recipe', ''):8s} {trial.user_attrs.get('config', {}).get('codes', ''):10s} "
        f"batch {params.get('batch_size', 0):3d}  lambda {params.get('lambda_categorical', 0):.2g}"
        f"/{params.get('lambda_continuous', 0):.2g}  {time.perf_counter() - began:5.1f} s  {outcome}",
        flush=True,
    )


def main() -> None:
    options = tyro.cli(Options, description=__doc__).resolved()

    from infogan import data
    from infogan.records import mask_secrets

    # W&B records the command line of every process it runs in; no password of a storage URL may stand there.
    arguments = sys.argv[1:]
    sys.argv = [mask_secrets(argument) for argument in sys.argv]
    if data.load(options.dataset, options.data_dir).validation.labels is None:
        raise InputError(
            f"{options.dataset} has no labels, and the study compares code-to-label accuracy: add `labels`"
        )
    quiet_optuna()
    open_study(options)
    print(
        f"study {options.study!r} in {mask_secrets(options.storage)}: {options.trials} trials of {options.images:,} images "
        f"on {options.dataset}, {options.workers} worker(s)",
        flush=True,
    )
    began = time.time()
    if options.launcher == "ray":
        run_on_ray(options, arguments)
    else:
        run_workers(options.workers, work, options)
    print(f"{time.time() - began:.0f} s\n", flush=True)
    if not options.join:
        report = [sys.executable, str(Path(__file__).parents[1] / "analysis" / "study.py"), str(options.folder)]
        sys.exit(
            subprocess.run([*report, "--storage", options.storage, "--study", options.study], check=False).returncode
        )


if __name__ == "__main__":
    run_script(main)
