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
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import tyro

from infogan.config import InputError, WandbMode
from infogan.studies.launchers import WorkerOptions, command_line, run_on_ray, run_workers
from infogan.studies.search_space import source_settings

if TYPE_CHECKING:
    from optuna.study import Study

# What a trial costs: enough images for the order of configurations to show (mnist: the authors' 5,000 x 128).
IMAGES, OTHER_IMAGES = {"digits": 100_000}, 640_000
TRIALS, OTHER_TRIALS = {"digits": 30}, 100


@dataclass(frozen=True)
class Options(WorkerOptions):
    """The command line of a sweep."""

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
    """Also minimise the Frechet distance of generated images (infogan/metrics/quality.py). The study then has a front
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


def open_study(options: ResolvedOptions) -> "Study":
    """Make the study, or join it: to be called once before any worker starts.

    Raises InputError where it cannot be made, or exists with other settings.
    """
    import optuna

    from infogan.studies.storage import open_storage

    settings = {name: getattr(options, name) for name in ("dataset", "images", "seed", "quality")}
    if not options.storage.startswith("sqlite"):
        storage = open_storage(options.storage)  # first: where it cannot be opened no folder is left behind
    try:
        options.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = f"cannot make the study's folder {options.folder} ({error.strerror})"
        raise InputError(f"{reason}: choose another --study") from error
    if options.storage.startswith("sqlite"):  # its file may be in the folder
        storage = open_storage(options.storage)
    try:
        directions: list[Literal["maximize", "minimize"]]
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
                ) from None
    else:  # of all processes that start at once, this one made it
        study.set_user_attr("settings", settings)
        for point in source_settings():
            study.enqueue_trial(point, user_attrs={"source": point["recipe"]})
    return study


def work(index: int, parent: int | None, options: ResolvedOptions) -> None:
    """What run_workers runs in each process: see sweep_worker.Worker."""
    from infogan.studies.sweep_worker import Worker

    Worker(index, parent, options).run()


def say_interrupted(options: ResolvedOptions) -> None:
    """A line on stderr: how many trials are done of those asked."""
    from infogan.studies.retry import count_done

    done = count_done(open_study(options).get_trials(deepcopy=False))
    print(f"stopped with {done} of {options.trials} trials done; the same command goes on", file=sys.stderr)


def main() -> None:
    """Read the command line, run the workers, and report."""
    options = tyro.cli(Options, description=__doc__).resolved()

    from infogan import data
    from infogan.records import mask_arguments, mask_url
    from infogan.studies.storage import quiet_optuna

    # W&B records the command line of every process it runs in, so no password of a storage URL may be in it.
    command = command_line("sweep", *sys.argv[1:])
    sys.argv = mask_arguments(sys.argv)
    if data.load(options.dataset, options.data_dir).validation.labels is None:
        raise InputError(
            f"{options.dataset} has no labels, and the study compares code-to-label accuracy: add `labels`"
        )
    quiet_optuna()
    open_study(options)
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
        sys.exit(subprocess.run(report, check=False).returncode)
