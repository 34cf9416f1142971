"""One worker of a study: trials until it has enough, then its share of the confirmation."""

import dataclasses
import os
import re
import socket
import time
from collections.abc import Callable
from pathlib import Path

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import Trial, TrialState

from infogan import data, records, training
from infogan.config import Config, from_dict
from infogan.inference import Model
from infogan.metrics import collapse, feature_network
from infogan.metrics.clustering import MEASURES as TEST_MEASURES
from infogan.study import objectives
from infogan.study.launchers import PARENT
from infogan.study.options import ResolvedOptions
from infogan.study.storage import open_storage, quiet_optuna
from infogan.study.trials import count_done, run_trials
from infogan.utils import events
from infogan.utils.randomness import derive

FIRST_FRESH_SEED = 100_000
"""Plus the study's seed: the first seed of the confirmation. No trial has it."""
FIRST_PRUNING, KEPT = 3, 3
"""Tenths of a trial's images after which it is ended, unless its measure is in the best 1 / KEPT of those so far. On
8 x 8 digits the order after one tenth says little of the end (docs/sweeps.md)."""
NO_PRUNING_AFTER = 0.85
"""Share of a trial's images after which it is trained to the end: the rest is cheap, and gives a result."""


def halving() -> optuna.pruners.BasePruner:
    """The pruner of studies: successive halving (Li et al. 2018) with one decision, since the next would be after
    NO_PRUNING_AFTER."""
    return optuna.pruners.SuccessiveHalvingPruner(min_resource=FIRST_PRUNING, reduction_factor=KEPT)


class ParentWatch:
    """An observer that ends a run, which is then saved, when the process that started the worker is gone."""

    def logged(self, row: dict) -> None:
        """Raises Interrupted where the parent is gone."""
        if os.environ.get(PARENT, str(os.getppid())) != str(os.getppid()):
            raise events.Interrupted(1)

    def evaluated(self, row: dict, images: dict[str, Path]) -> None:
        """Does nothing."""


class PruningWatch(ParentWatch):
    """Also reports the measure of each evaluation to the pruner, and ends the run of a trial that it prunes.

    Steps are tenths of the images seen, so that batch sizes are compared at equal images. The pruner compares the
    measure itself, also where G counts as collapsed: early on nearly every G does, and many recover. A collapse counts
    in the value of the trained run alone.
    """

    def __init__(self, trial: Trial, measure: objectives.Measure, config: Config):
        self.trial, self.measure, self.config = trial, measure, config

    def evaluated(self, row: dict, images: dict[str, Path]) -> None:
        """Raises Stopped where the trial is pruned."""
        share = row["images"] / self.config.images(self.config.updates)
        self.trial.report(float(row[self.measure.name]), round(10 * share))
        if self.trial.should_prune() and share < NO_PRUNING_AFTER:
            raise events.Stopped


class Worker:
    """A worker of a study that exists."""

    def __init__(self, options: ResolvedOptions):
        quiet_optuna()
        self.options = options
        self.dataset = data.load(options.dataset, options.data_dir)
        self.measures = objectives.read(options.objective, self.dataset)
        self.storage = open_storage(options.storage, patient=True)
        self.study = optuna.load_study(study_name=options.study, storage=self.storage, pruner=halving())
        has_frechet = any(measure.name == objectives.FRECHET for measure in self.measures)
        self.classifier = feature_network.classifier(self.dataset) if has_frechet else None
        self.ranks_runs = len(self.measures) == 1 and not has_frechet  # Optuna prunes by one measure alone
        self.seconds: list[float] = []  # of this worker's trials

    def run(self) -> None:
        """Trials, then the confirmation."""
        options = self.options
        until = time.monotonic() + 60 * (options.timeout or float("inf"))
        run_trials(self.study, self.objective, options.trials, self.set_sampler, until)
        if self.ranks_runs and options.confirm_seeds:
            self.confirm()

    def objective(self, trial: Trial, run: str) -> float | tuple[float, ...]:
        """The study's measures, of validation images; uses no test images."""
        if not re.fullmatch(r"[\w-]+", run):  # it comes from the database, and names a folder
            raise ValueError(f"run is {run!r}: expected letters, digits and dashes")
        seed = self.options.seed + trial.user_attrs.get("offset", trial.number)
        trial.set_user_attr("offset", seed - self.options.seed)  # the copies of the trial have the same
        config = training.follow_data(self.options.configurations.suggest(trial, seed), self.dataset)
        prunes = self.options.pruner == "halving" and self.ranks_runs
        watch = PruningWatch(trial, self.measures[0], config) if prunes else ParentWatch()
        values = self.train(trial, config, self.options.folder / "trials" / run, watch)
        return values if len(values) > 1 else values[0]

    def train(
        self,
        trial: Trial,
        config: Config,
        directory: Path,
        watch: ParentWatch,
        test: bool = False,
        say: Callable[[Trial, str, float], None] | None = None,
    ) -> tuple[float, ...]:
        """Train a trial's configuration, record what it reached, and return the study's measures of it."""
        began, say = time.perf_counter(), say or self.say
        trial.set_user_attr("run_dir", str(directory))
        trial.set_user_attr("config", dataclasses.asdict(config))
        options = self.options
        try:
            result = training.train(
                config, self.dataset, directory, options.wandb, options.study, [watch], progress=False, test=test
            )
        except events.Stopped as stopped:
            say(trial, "pruned", began)
            raise optuna.TrialPruned from stopped
        except (records.Locked, UpdateFinishedTrialError):  # run_trials waits, or leaves the trial to another worker
            raise
        except Exception as error:
            say(trial, f"failed: {type(error).__name__}: {error}", began)
            raise
        trial.set_user_attr("images_per_second", round(result["images"] / max(result["train_seconds"], 1e-9)))
        if test:
            measured = {name: result[name] for name in TEST_MEASURES if name in result}
            trial.set_user_attr("test", measured)
        values, outcome = self._measured(trial, directory, result)
        say(trial, outcome, began)
        return values

    def _measured(self, trial: Trial, directory: Path, result: dict) -> tuple[tuple[float, ...], str]:
        """The study's measures of a trained run, and a text of them."""
        row = records.Table(directory / "evaluations.csv").rows()[-1]
        if self.classifier is not None:
            trained, real = Model(directory), self.dataset.validation
            images = feature_network.sample_quality(trained.generator, trained.latent, real, self.classifier)
            row = row | {objectives.FRECHET: images["frechet_distance"]}
        values = tuple(measure.value(row) for measure in self.measures)
        text = "  ".join(f"{measure.name} {float(row[measure.name]):.3f}" for measure in self.measures)
        if result.get("collapsed"):
            trial.set_user_attr("collapsed", collapse.describe(result))
            text += ", but G has collapsed"
        return values, text

    def say(self, trial: Trial, outcome: str, began: float) -> None:
        """A line on stdout: trials done of trials asked, the trial, and the time left. began: of perf_counter()."""
        self.seconds.append(time.perf_counter() - began)
        others = [t for t in self.study.get_trials(deepcopy=False) if t.number != trial.number]
        done, asked = count_done(others) + 1, self.options.trials
        workers = 1 + sum(t.state == TrialState.RUNNING for t in others)
        left = max(0, asked - done) * sum(self.seconds) / len(self.seconds) / workers
        point = "  ".join(f"{name} {_short(value)}" for name, value in trial.params.items())
        time_left = f"  ({left / 60:.0f} min left)" if left >= 60 else ""
        number = f"{done:3d}/{asked}  trial {trial.number:3d}"
        print(f"{number}  {point}  {self.seconds[-1]:5.1f} s  {outcome}{time_left}", flush=True)

    def set_sampler(self, count: int) -> None:
        """Give the study its sampler, with a seed derived from the study's seed, the number of trials and the worker.

        Optuna does not store the sampler's random state; a derived seed survives a restart. Of several workers each has
        its own, because those that start together would otherwise propose the same. A grid's order is the same for all.
        """
        options = self.options
        if options.sampler == "grid":
            self.study.sampler = optuna.samplers.GridSampler(options.configurations.grid(), seed=options.seed)
            return
        shared = options.join or not options.storage.startswith("sqlite")
        worker = f"{socket.gethostname()}-{os.getpid()}" if shared else 0
        seed = derive(options.seed, f"sampler-{count}-{worker}") % 2**32
        sampler = optuna.samplers.TPESampler if options.sampler == "tpe" else optuna.samplers.RandomSampler
        self.study.sampler = sampler(seed=seed)

    def confirm(self) -> None:
        """Train the best configurations again with fresh seeds, as a grid of its own, and measure them on test images.

        One run of a configuration ranks it roughly, and the best of many such runs is also the luckiest.
        """
        options, sign = self.options, 1 if self.measures[0].direction == "maximize" else -1
        complete = self.study.get_trials(states=(TrialState.COMPLETE,))
        sound = [trial for trial in complete if "collapsed" not in trial.user_attrs] or complete
        best = sorted(sound, key=lambda trial: sign * (trial.value or 0.0), reverse=True)[: options.confirm_best]
        if not best:
            return
        configs = {trial.number: from_dict(trial.user_attrs["config"]) for trial in best}
        first = options.seed + FIRST_FRESH_SEED
        grid = {"trial": sorted(configs), "seed": list(range(first, first + options.confirm_seeds))}
        name = f"{options.study}-confirm-{'-'.join(map(str, grid['trial']))}-x{options.confirm_seeds}"
        self.study.set_user_attr("confirmation", name)
        direction = self.measures[0].direction
        study = optuna.create_study(storage=self.storage, study_name=name, direction=direction, load_if_exists=True)

        def say(trial: Trial, outcome: str, began: float) -> None:
            of, seed = trial.params["trial"], trial.params["seed"]
            print(f"fresh seed {seed} of trial {of}: {outcome}", flush=True)

        def objective(trial: Trial, run: str) -> float:
            of = trial.suggest_categorical("trial", grid["trial"])
            seed = trial.suggest_categorical("seed", grid["seed"])
            directory = options.folder / "confirm" / f"trial-{of:04d}" / f"seed{seed}"
            config = dataclasses.replace(configs[of], seed=seed)
            return self.train(trial, config, directory, ParentWatch(), test=True, say=say)[0]

        def set_sampler(count: int) -> None:
            study.sampler = optuna.samplers.GridSampler(grid, seed=options.seed)

        run_trials(study, objective, len(configs) * options.confirm_seeds, set_sampler)


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
