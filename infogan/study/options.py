"""The command line of a sweep, and the study that it names."""

import dataclasses
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from infogan.accel import cpu
from infogan.config import InputError, WandbMode
from infogan.study import search_space
from infogan.utils.options import Unset

IMAGES, OTHER_IMAGES = {"digits": 80_000}, 640_000
"""Of a trial where several presets or batch sizes are compared (mnist: the authors' 5,000 x 128)."""
TRIALS, OTHER_TRIALS = {"digits": 20}, 100


@dataclass(frozen=True)
class Options:
    """The command line of a sweep."""

    dataset: tyro.conf.Positional[str] = "digits"
    """digits, mnist, fashion-mnist, kmnist, emnist-digits, emnist-letters, emnist-balanced, usps, svhn, or the path of
    an .npz file or folder of images (FOLDER@64)."""
    search: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """NAME=SPEC, repeated: a field of the configuration, or recipe (a preset), and what to search of it. SPEC is
    low:high, low:high:log, with :POINTS for a grid, or a list: lambda_categorical=0.1:10:log, codes=10c,10c+2u,
    recipe=authors,blog, seed=0:7. Default: what --show-search prints."""
    search_file: Unset[Path] = None
    """A YAML file of NAME: SPEC in place of --search. Default: none."""
    set: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """NAME=VALUE, repeated: what every trial has, such as recipe=iic (default: authors) or updates=2000."""
    show_search: bool = False
    """Print the search space as a YAML file and stop."""
    sampler: Unset[Literal["tpe", "random", "grid"]] = None
    """Optuna's. grid trains every combination once. Default: tpe; grid where only seeds are searched."""
    pruner: Unset[Literal["halving", "none"]] = None
    """halving ends trials early that are behind at equal images (successive halving). Default: halving, but none with
    --sampler grid; with two objectives none is ended."""
    objective: Unset[str] = None
    """accuracy, nmi, certainty, information, agreement, stability or frechet, of validation images; two of them, as
    accuracy,frechet, make a front. Default: accuracy; without labels information."""
    trials: Unset[int] = None
    """Trials the study shall have in the end; parallel workers may add one each. Default: all of a grid, else 20 for
    digits and 100 for others."""
    images: Unset[int] = None
    """Real images each trial sees, whatever its batch size. Default: as many as the preset; where several presets are
    searched 80,000 for digits, else 640,000."""
    timeout: Unset[float] = None
    """Minutes after which no new trial begins. Default: no limit."""
    study: Unset[str] = None
    """Name of the study and of its folder under studies/. Default: the dataset's name."""
    seed: int = 0
    """Seeds the sampler and, with the trial's number, each training."""
    confirm_best: int = 2
    """How many of the best configurations are trained again with fresh seeds; the best mean over those seeds wins.
    Not done with two objectives, nor where seeds are searched."""
    confirm_seeds: int = 5
    """Fresh seeds for each of them; 0 leaves the confirmation out."""
    data_dir: Unset[Path] = None
    """Folder of the datasets. Default: $INFOGAN_DATA, else ./data."""
    wandb: WandbMode = "auto"
    """auto: online where a W&B key is found, else offline (`wandb sync` uploads later)."""
    workers: Unset[int] = None
    """Processes that run trials side by side. Default: one per core, which trains more images in all than one
    process with all cores; one where there is a GPU."""
    launcher: Literal["local", "ray"] = "local"
    """local: processes of this machine. ray: tasks on the Ray cluster that $RAY_ADDRESS names, else on a new one
    here."""
    gpus_per_worker: float = 0.0
    """With ray: GPUs each worker is given, such as 0.25 for four workers on each."""
    storage: Unset[str] = None
    """Optuna storage URL, such as postgresql://me@host/db. Default: SQLite in the study's folder."""
    join: bool = False
    """Run trials of a study that another command leads, until it is done; that command makes the report."""

    def space(self) -> search_space.Space:
        """Raises InputError where it cannot be read."""
        if self.search and self.search_file:
            raise InputError("search and search_file are both given; give one")
        if self.search:
            return search_space.parse(self.search)
        return search_space.read_file(self.search_file or search_space.DEFAULT)

    def resolved(self) -> "ResolvedOptions":
        """With every default filled in that needs no dataset. Raises InputError for values that no study can have."""
        name = self.study or re.sub(r"[^\w.-]+", "-", Path(self.dataset).stem)
        if not re.fullmatch(r"\w[\w.-]*", name):
            raise InputError(f"study is {name!r}; use letters, digits, dots, dashes and underscores")
        space, fixed = self.space(), search_space.settings(self.set)
        if both := sorted(space.keys() & fixed.keys()):
            raise InputError(f"{', '.join(both)} is both searched and set; give one")
        configurations = search_space.Configurations(space, fixed, self.dataset, 0)
        images = self.images or self._default_images(configurations)
        sampler = self.sampler or ("grid" if space.keys() == {"seed"} else "tpe")
        configurations = dataclasses.replace(configurations, images=images)
        default_trials = configurations.size() if sampler == "grid" else TRIALS.get(self.dataset, OTHER_TRIALS)
        trials = default_trials if self.trials is None else self.trials
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        values |= {
            "study": name,
            "trials": min(trials, default_trials) if sampler == "grid" else trials,
            "workers": self._default_workers(trials) if self.workers is None else self.workers,
            "images": images,
            "sampler": sampler,
            "pruner": self.pruner or ("none" if self.sampler == "grid" else "halving"),
            "storage": self.storage or f"sqlite:///{Path('studies') / name / 'study.db'}",
            "confirm_seeds": 0 if "seed" in space else self.confirm_seeds,
            "configurations": configurations,
        }
        options = ResolvedOptions(**values)
        least = {"trials": 1, "images": 1, "workers": 1, "confirm_best": 1, "confirm_seeds": 0, "gpus_per_worker": 0}
        for field, bound in least.items():
            if (value := getattr(self, field)) is not None and not value >= bound:
                raise InputError(f"{field} is {value}; give {bound} or more")
        if self.timeout is not None and not self.timeout > 0:
            raise InputError(f"timeout is {self.timeout}; give minutes above 0")
        return options

    def _default_workers(self, trials: int) -> int:
        import torch

        return 1 if torch.cuda.is_available() else max(1, min(cpu.cores(), trials))

    def _default_images(self, configurations: search_space.Configurations) -> int:
        if len(configurations.recipes) > 1:
            return IMAGES.get(self.dataset, OTHER_IMAGES)
        preset = search_space.begin(configurations.recipes[0])
        return preset.images(preset.updates)


@dataclass(frozen=True)
class ResolvedOptions(Options):
    """Options.resolved(): nothing is left to a default but what follows from the dataset."""

    workers: int = 1
    trials: int = 1
    images: int = 1
    study: str = ""
    storage: str = ""
    sampler: Literal["tpe", "random", "grid"] = "tpe"
    pruner: Literal["halving", "none"] = "halving"
    configurations: search_space.Configurations = search_space.Configurations({}, {}, "", 1)

    @property
    def folder(self) -> Path:
        """The study's folder, relative to the working directory."""
        return Path("studies") / self.study
