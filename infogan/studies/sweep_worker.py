"""One worker of a sweep: trials until the study has enough, then its share of the confirmation."""

import dataclasses
import os
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, Trial, TrialState

from infogan import data, events, feature_network, records, training
from infogan.config import from_dict
from infogan.inference import load_run
from infogan.metrics import collapse
from infogan.randomness import derive
from infogan.studies.grid import grid_name, run_grid
from infogan.studies.launchers import ParentWatch
from infogan.studies.retry import count_done, given_up, not_continued
from infogan.studies.search_space import batch_sizes, suggest
from infogan.studies.storage import open_storage, quiet_optuna
from infogan.studies.trials import run_trials

if TYPE_CHECKING:
    from infogan.studies.sweep import ResolvedOptions

FIRST_FRESH_SEED = 100_000
"""Plus the study's seed: the first seed of the confirmation. No trial has it."""
NO_PRUNING_AFTER = 0.85
"""Share of a trial's images after which it is trained to the end: the rest is cheap, and gives a result."""


class PruningWatch(ParentWatch):
    """Also reports validation accuracy to the pruner, and ends the run of a trial that it prunes.

    Steps are tenths of the images seen, so that batch sizes are compared at equal images.
    """

    def __init__(self, parent: int | None, trial: Trial, evaluations: int, images: int):
        super().__init__(parent)
        self.trial, self.evaluations, self.images = trial, evaluations, images

    def evaluated(self, row: dict, images: dict[str, Path]) -> None:
        """Raises Stopped where the trial is pruned. A run whose G has collapsed is reported as the worst."""
        self.trial.report(
            0.0 if row.get("collapsed") else row["accuracy"], round(self.evaluations * row["images"] / self.images)
        )
        if self.trial.should_prune() and row["images"] < NO_PRUNING_AFTER * self.images:
            raise events.Stopped


class Worker:
    """Worker `index` of a study that exists.

    parent: id of the process that the worker belongs to, if another. options: resolved.
    """

    def __init__(self, index: int, parent: int | None, options: "ResolvedOptions"):
        quiet_optuna()
        self.index, self.parent, self.options = index, parent, options
        self.dataset = data.load(options.dataset, options.data_dir)
        self.storage = open_storage(options.storage, patient=True)
        # Of seven pruners it found the best trials at equal cost (experiments/README.md, "Why successive halving").
        pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=3)
        self.study = optuna.load_study(study_name=options.study, storage=self.storage, pruner=pruner)
        self.batch_sizes = batch_sizes(self.study)
        self.classifier = feature_network.classifier(self.dataset) if options.quality else None
        self.seconds: list[float] = []  # of this worker's trials

    def run(self) -> None:
        """Trials, then the confirmation."""
        run_trials(self.study, self.objective, self.enough, self.seed_sampler)
        if not self.options.quality:
            self.confirm()

    def objective(self, trial: Trial, run: int) -> float | tuple[float, float]:
        """Validation accuracy; with --quality also the Frechet distance to validation images. Uses no test images.

        A trial whose G has collapsed has the value 0, the worst: its accuracy is Q's alone.
        """
        began = time.perf_counter()
        try:
            result = self._train(trial, run)
        except events.Stopped as stopped:
            self.say(trial, "pruned", began)
            raise optuna.TrialPruned from stopped
        except (records.Locked, UpdateFinishedTrialError):  # run_trials waits, or leaves the trial to another worker
            raise
        except Exception as error:
            self.say(trial, f"failed: {type(error).__name__}: {error}", began)
            raise
        trial.set_user_attr("images_per_second", round(result["images"] / result["train_seconds"]))
        accuracy = result["validation_accuracy"]
        outcome = f"accuracy {accuracy:.3f}"
        if result.get("collapsed"):
            trial.set_user_attr("collapsed", collapse.describe(result))
            outcome, accuracy = f"{outcome}, but G has collapsed: counts as 0", 0.0
        if self.classifier is None:
            self.say(trial, outcome, began)
            return accuracy
        trained = load_run(trial.user_attrs["run_dir"])
        real, network = self.dataset.validation, self.classifier
        measured = feature_network.sample_quality(trained.generator, trained.latent, real, network)
        measured.pop("shown", None)  # a table of categories and labels, which may be large
        trial.set_user_attr("quality", measured)
        distance = measured["frechet_distance"]
        self.say(trial, f"{outcome}  Frechet distance {distance:.3g}", began)
        return accuracy, distance

    def say(self, trial: Trial, outcome: str, began: float) -> None:
        """A line on stdout: trials done of trials asked, the trial, and the time left. began: of perf_counter()."""
        self.seconds.append(time.perf_counter() - began)
        others = [t for t in not_continued(self.study.get_trials(deepcopy=False)) if t.number != trial.number]
        done, asked = count_done(others) + 1, self.options.trials
        left = max(0, asked - done) * sum(self.seconds) / len(self.seconds) / self.options.workers
        params, codes = trial.params, trial.user_attrs.get("config", {}).get("codes", "")
        print(
            f"{done:3d}/{asked}  trial {trial.number:3d}  {params.get('recipe', ''):8s} {codes:10s} "
            f"batch {params.get('batch_size', 0):3d}  lambda {params.get('lambda_categorical', 0):.2g}"
            f"/{params.get('lambda_continuous', 0):.2g}  {self.seconds[-1]:5.1f} s  {outcome}"
            + (f"  ({left / 60:.0f} min left)" if left >= 60 else ""),
            flush=True,
        )

    def _train(self, trial: Trial, run: int) -> dict:
        options = self.options
        directory = options.folder / "trials" / f"{run:04d}"
        config = suggest(trial, options.dataset, options.images, options.seed + run, self.batch_sizes)
        trial.set_user_attr("run_dir", str(directory))
        trial.set_user_attr("config", dataclasses.asdict(config))
        watch = ParentWatch(self.parent)
        if not options.quality:  # Optuna prunes studies of one objective only
            watch = PruningWatch(self.parent, trial, config.evaluations, options.images)
        return training.train(
            config, self.dataset, directory, options.wandb, options.study, [watch], progress=False, test=False
        )

    def enough(self, trials: list[FrozenTrial]) -> bool:
        """Whether the study has the trials it is to have; one that failed and will be tried again does not count."""
        begun = [t for t in trials if t.state != TrialState.WAITING]
        return sum(t.state != TrialState.FAIL or given_up(t) for t in begun) >= self.options.trials

    def seed_sampler(self, count: int) -> None:
        """Give the study's sampler a seed derived from the study's seed, the number of trials and the worker.

        Optuna does not store the sampler's random state; a derived seed survives a restart. The worker is part of it,
        because workers that start together would otherwise propose the same.
        """
        shared = self.options.join or not self.options.storage.startswith("sqlite")
        worker = f"{self.index}-{socket.gethostname()}-{os.getpid()}" if shared else self.index
        seed = derive(self.options.seed, f"sampler-{count}-{worker}") % 2**32
        self.study.sampler = optuna.samplers.TPESampler(seed=seed)

    def confirm(self) -> None:
        """Train the best configurations again with fresh seeds, and measure them on test images.

        One run of a configuration ranks it roughly, and the best of many such runs is also the luckiest.
        """
        options = self.options
        complete = self.study.get_trials(states=(TrialState.COMPLETE,))
        sound = [trial for trial in complete if "collapsed" not in trial.user_attrs]
        best = sorted(sound or complete, key=lambda trial: trial.value or 0.0, reverse=True)[: options.confirm_best]
        first = options.seed + FIRST_FRESH_SEED
        configs = {
            f"trial-{trial.number:04d}/seed{seed}": dataclasses.replace(
                from_dict(trial.user_attrs["config"]), seed=seed
            )
            for trial in best
            for seed in range(first, first + options.confirm_seeds)
        }

        def train(trial: Trial, job: str) -> float:
            directory, watch = options.folder / "confirm" / job, ParentWatch(self.parent)
            trial.set_user_attr("run_dir", str(directory))
            result = training.train(
                configs[job], self.dataset, directory, options.wandb, options.study, [watch], progress=False, test=True
            )
            trial.set_user_attr("test", {key: value for key, value in result.items() if isinstance(value, float | int)})
            collapsed = ", but G has collapsed: counts as 0" * bool(result.get("collapsed"))
            accuracy = f"validation accuracy {result['validation_accuracy']:.3f}"
            print(f"with a fresh seed, {job}: {accuracy}{collapsed}", flush=True)
            return 0.0 if collapsed else result["validation_accuracy"]

        if configs:
            name = grid_name(f"{options.study}-confirm", configs)
            self.study.set_user_attr("confirmation", name)
            run_grid(self.storage, name, configs, train)
