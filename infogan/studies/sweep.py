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

import contextlib
import dataclasses
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import tyro

from infogan.config import InputError, WandbMode
from infogan.studies import search_space
from infogan.studies.launchers import DATABASE_REACHED, WorkerOptions, command_line, run_on_ray, run_workers

if TYPE_CHECKING:
    from optuna.study import Study

    from infogan.data import Dataset

# What a trial costs: enough images for the order of configurations to show (mnist: the authors' 5,000 x 128).
IMAGES, OTHER_IMAGES = {"digits": 100_000}, 640_000
TRIALS, OTHER_TRIALS = {"digits": 30}, 100


@dataclass(frozen=True)
class Options(WorkerOptions):
    """The command line of a sweep."""

    dataset: tyro.conf.Positional[str] = "digits"
    """digits, mnist, fashion-mnist, kmnist, emnist-digits, emnist-letters, emnist-balanced, usps, svhn, or the path of
    a labelled .npz file or folder of images (FOLDER@64)."""
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
    """Also minimise the Frechet distance of generated images (infogan/feature_network.py). The study then has a front
    of best trials instead of one; it neither prunes nor confirms."""
    data_dir: Path | None = None
    """Folder of the datasets. Default: $INFOGAN_DATA, else ./data."""
    wandb: WandbMode = "auto"
    """auto: online where a W&B key is found, else offline (`wandb sync` uploads later)."""

    def resolved(self) -> "ResolvedOptions":
        """With every default filled in. Raises InputError for values that no study can have."""
        name = self.study or re.sub(r"[^\w.-]+", "-", Path(self.dataset).stem)
        if not re.fullmatch(r"\w[\w.-]*", name):
            raise InputError(f"study is {name!r}; use letters, digits, dots, dashes and underscores")
        trials = TRIALS.get(self.dataset, OTHER_TRIALS) if self.trials is None else self.trials
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        values |= {
            "study": name,
            "trials": trials,
            "workers": self.default_workers(trials),
            "images": IMAGES.get(self.dataset, OTHER_IMAGES) if self.images is None else self.images,
            "storage": self.storage or f"sqlite:///{Path('studies') / name / 'study.db'}",
        }
        options = ResolvedOptions(**values)
        for field, least in (("trials", 1), ("images", 512), ("confirm_best", 1), ("confirm_seeds", 0)):
            if getattr(options, field) < least:
                raise InputError(f"{field} is {getattr(options, field)}; give {least} or more")
        return options


@dataclass(frozen=True)
class ResolvedOptions(Options):
    """Options.resolved(): nothing is left to a default."""

    workers: int = 1
    trials: int = 1
    images: int = 512
    study: str = ""
    storage: str = ""

    @property
    def folder(self) -> Path:
        """The study's folder, relative to the working directory."""
        return Path("studies") / self.study


def check_dataset(options: ResolvedOptions, dataset: "Dataset") -> tuple[int, ...]:
    """The batch sizes to search, the larger ones left out with a line on stderr.

    Raises InputError where the study's configurations cannot be trained on the dataset, or not be compared on it.
    """
    from optuna.trial import FixedTrial

    from infogan import training

    labels = dataset.validation.labels
    if labels is None:
        raise InputError(
            f"{options.dataset} has no labels, and the study compares code-to-label accuracy: add `labels`"
        )
    if len(labels.unique()) < 2:
        raise InputError(
            f"the {len(labels)} validation images of {options.dataset} are of fewer than two classes, and the study "
            "compares code-to-label accuracy: give more images, of several classes"
        )
    train_images = len(dataset.train)
    sizes = search_space.fitting(train_images)
    for point in search_space.source_settings():
        trial = FixedTrial(point | {"batch_size": sizes[0]})
        config = search_space.suggest(trial, options.dataset, options.images, options.seed, sizes)
        training.check(training.resolve(config), dataset)
    if left_out := [str(size) for size in search_space.BATCH_SIZES if size not in sizes]:
        print(f"{train_images} training images: batch sizes of {', '.join(left_out)} are left out", file=sys.stderr)
    return sizes


def open_study(
    options: ResolvedOptions, batch_sizes: tuple[int, ...] = search_space.BATCH_SIZES, patient: bool | None = None
) -> "Study":
    """Make the study, or join it: to be called once before any worker starts.

    batch_sizes: those that the dataset can fill; a study keeps those that it was made with. patient: see open_storage.
    Raises InputError where it cannot be made, or exists with other settings or another search space; no folder is left
    behind then.
    """
    try:
        options.folder.mkdir(parents=True, exist_ok=True)  # the database's file may be in it
    except OSError as error:
        reason = f"cannot make the study's folder {options.folder} ({error.strerror})"
        raise InputError(f"{reason}: choose another --study") from error
    try:
        return _make_or_join(options, batch_sizes, patient)
    except InputError:
        with contextlib.suppress(OSError):  # it is not empty
            os.removedirs(options.folder)
        raise


def _make_or_join(options: ResolvedOptions, batch_sizes: tuple[int, ...], patient: bool | None) -> "Study":
    import optuna

    from infogan.studies.storage import as_input_error, open_storage

    settings = {name: getattr(options, name) for name in ("dataset", "images", "seed", "quality")}
    storage = open_storage(options.storage, patient)
    directions: list[Literal["maximize", "minimize"]]
    directions = ["maximize", "minimize"] if options.quality else ["maximize"]
    with as_input_error(options.storage):
        try:
            study = optuna.create_study(storage=storage, study_name=options.study, directions=directions)
        except optuna.exceptions.DuplicatedStudyError:
            study = optuna.load_study(storage=storage, study_name=options.study)
            _check_same_study(study, settings, batch_sizes)
        else:  # of all processes that start at once, this one made it
            study.set_user_attr("settings", settings | {"batch_sizes": batch_sizes})
            for point in search_space.source_settings():
                if point["batch_size"] in batch_sizes:
                    study.enqueue_trial(point, user_attrs={"source": point["recipe"]})
    return study


def _check_same_study(study: "Study", settings: dict, batch_sizes: tuple[int, ...]) -> None:
    """Raises InputError where the study was made for other settings, for more images, or with another search space."""
    if "settings" not in study.user_attrs:  # the process that makes it has not come so far
        study.set_user_attr("settings", settings | {"batch_sizes": batch_sizes})
    stored = study.user_attrs["settings"]
    for name, value in settings.items():
        if stored[name] != value:
            raise InputError(
                f"study {study.study_name!r} was made with {name} {stored[name]!r}, not {value!r}: "
                "give the same value, or another --study"
            )
    kept = search_space.batch_sizes(study)
    if max(kept) > max(batch_sizes):
        raise InputError(
            f"study {study.study_name!r} has batch sizes up to {max(kept)}, and the training images fill "
            f"{max(batch_sizes)} at most: give another --study, or the images it was made with"
        )
    search_space.check_unchanged(study, kept)


def work(index: int, parent: int | None, options: ResolvedOptions) -> None:
    """What run_workers runs in each process: see sweep_worker.Worker."""
    from infogan.studies.sweep_worker import Worker

    Worker(index, parent, options).run()


def say_interrupted(options: ResolvedOptions) -> None:
    """A line on stderr: how many trials are done of those asked, if the database answers."""
    from infogan.studies.retry import count_done

    done = ""
    with contextlib.suppress(InputError):
        trials = open_study(options, patient=False).get_trials(deepcopy=False)
        done = f" with {count_done(trials)} of {options.trials} trials done"
    print(f"stopped{done}; the same command goes on", file=sys.stderr)


def queue_failed(study: "Study") -> None:
    """Queue failed trials again, those of the confirmation too, and say so: their cause may have been mended."""
    from infogan.studies import grid, retry

    if failed := retry.queue_failed(study):
        numbers = ", ".join(str(trial.number) for trial in failed)
        reason = failed[-1].user_attrs["error"].splitlines()[0]
        print(f"trying failed trials again: {numbers} ({reason})", file=sys.stderr)
    if "confirmation" in study.user_attrs:
        grid.queue_failed(study._storage, study.user_attrs["confirmation"])


def main() -> None:
    """Read the command line, run the workers, and report."""
    options = tyro.cli(Options, description=__doc__).resolved()

    from infogan import data
    from infogan.records import mask_arguments, mask_url
    from infogan.studies.storage import as_input_error, quiet_optuna

    # W&B records the command line of every process it runs in, so no password of a storage URL may be in it.
    command = command_line("sweep", *sys.argv[1:])
    sys.argv = mask_arguments(sys.argv)
    batch_sizes = check_dataset(options, data.load(options.dataset, options.data_dir))
    quiet_optuna()
    study = open_study(options, batch_sizes)
    if not options.join:
        with as_input_error(options.storage):
            queue_failed(study)
    print(
        f"study {options.study!r} in {mask_url(options.storage)}: {options.trials} trials of {options.images:,} "
        f"images on {options.dataset}, {options.workers} worker(s)",
        flush=True,
    )
    began = time.time()
    try:
        if options.launcher == "ray":
            run_on_ray(options, command)
        else:
            run_workers(options.workers, work, options)
    except (SystemExit, KeyboardInterrupt):
        say_interrupted(options)
        raise
    print(f"{time.time() - began:.0f} s\n", flush=True)
    if not options.join:
        report = command_line("study", str(options.folder), "--storage", options.storage, "--study", options.study)
        environment = os.environ | {DATABASE_REACHED: "1"}
        sys.exit(subprocess.run(report, env=environment, check=False).returncode)
