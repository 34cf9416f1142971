"""Which pruner finds the best trial at equal cost: a replay of recorded learning curves under each.

A study of random configurations trained to the end gives the curves (it continues like any other). Each pruner then sees
them in many random orders, until it has spent as many images as BUDGET whole trials; what counts is the final validation
accuracy of the trial that it would have chosen.

Example:
  python experiments/pruners.py --trials 60 --out pruners.json
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from sweep import Options as Study
from sweep import suggest
from workers import ParentWatch, given_up, open_storage, quiet_optuna, run_trials, run_workers

from infogan import experiment
from infogan.cli import run_script

TENTHS = 10


@dataclass(frozen=True)
class Options:
    dataset: tyro.conf.Positional[str] = "digits"
    """As for sweep.py."""
    trials: int = 60
    """Random configurations whose curves are recorded."""
    images: int | None = None
    """Images of a whole trial. Default: sweep.py's."""
    budget: int = 12
    """What a replay may spend, in whole trials."""
    replays: int = 300
    """Random orders for each pruner."""
    data_dir: Path | None = None
    """As for sweep.py."""
    out: Path | None = None
    """Write the numbers as JSON, with what made them."""


def record(index: int, parent: int | None, study_options: Study) -> None:
    """Worker `index`: random configurations, trained to the end, their curves in the trials' intermediate values."""
    from optuna.trial import TrialState

    from infogan import data, records, training

    optuna = quiet_optuna()
    dataset = data.load(study_options.dataset, study_options.data_dir)
    study = optuna.create_study(
        storage=open_storage(study_options.storage),
        study_name=study_options.study,
        direction="maximize",
        load_if_exists=True,
    )

    def objective(trial, run: int) -> float:
        directory = study_options.folder / "trials" / f"{run:04d}"
        config = suggest(trial, study_options, seed=study_options.seed + run)
        result = experiment.train(config, dataset, directory, "disabled", None, [ParentWatch(parent)], progress=False)
        for row in records.Table(directory / "evaluations.csv").rows():
            trial.report(float(row["accuracy"]), round(TENTHS * int(row["images"]) / study_options.images))
        return result["validation_accuracy"]

    def enough(trials: list) -> bool:
        return sum(t.state != TrialState.FAIL or given_up(t) for t in trials) >= study_options.trials

    def seed_sampler(count: int) -> None:
        study.sampler = optuna.samplers.RandomSampler(
            seed=training.derive(study_options.seed, f"curves-{count}-{index}") % 2**32
        )

    run_trials(study, objective, enough, seed_sampler)


def replay(pruner, curves: list[dict[int, float]], budget: int, order: np.ndarray) -> tuple[float, int, int]:
    """Final accuracy of the trial chosen within `budget` whole trials' images; how many were begun, how many ended."""
    import optuna

    study = optuna.create_study(pruner=pruner, direction="maximize", study_name=f"replay-{order[0]}-{order[1]}")
    left, begun, finals = budget * TENTHS, 0, {}
    for which in order:
        trial = study.ask()
        begun += 1
        for tenth, accuracy in curves[which].items():
            if left == 0:
                break
            left -= 1
            trial.report(accuracy, tenth)
            if (
                trial.should_prune() and tenth < 0.85 * TENTHS
            ):  # as sweep.py: after that the rest is cheap, and a result
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                break
        else:
            finals[which] = accuracy
            study.tell(trial, accuracy)
        if left == 0:
            break
    return max(finals.values(), default=0.0), begun, len(finals)


def main() -> None:
    options = tyro.cli(Options, description=__doc__)

    import pandas as pd
    from tqdm import tqdm

    from infogan import data, records
    from infogan.metrics.clustering import mean_interval

    optuna = quiet_optuna()
    study = Study(
        dataset=options.dataset, trials=options.trials, images=options.images, data_dir=options.data_dir, study="curves"
    ).resolved()
    data.load(
        options.dataset, options.data_dir
    )  # what is wrong with it is said here, once, and before anything is made
    study.folder.mkdir(parents=True, exist_ok=True)
    open_storage(study.storage)
    run_workers(study.workers, record, study)
    trials = optuna.load_study(study_name=study.study, storage=study.storage).get_trials(
        states=(optuna.trial.TrialState.COMPLETE,)
    )
    curves = [trial.intermediate_values for trial in trials]

    pruners = {
        "none": lambda: optuna.pruners.NopPruner(),
        "median, after 3 tenths": lambda: optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=3),
        "median, at once": lambda: optuna.pruners.MedianPruner(n_startup_trials=3, n_warmup_steps=0),
        "successive halving by 3": lambda: optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=3),
        "successive halving by 2": lambda: optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=2),
        "successive halving by 2, from 2": lambda: optuna.pruners.SuccessiveHalvingPruner(
            min_resource=2, reduction_factor=2
        ),
        "Hyperband": lambda: optuna.pruners.HyperbandPruner(min_resource=1, max_resource=TENTHS, reduction_factor=3),
    }
    orders = [np.random.default_rng(seed).permutation(len(curves)) for seed in range(options.replays)]
    rows = []
    for name, make in pruners.items():
        chosen, begun, ended = zip(
            *(replay(make(), curves, options.budget, order) for order in tqdm(orders, desc=name, leave=False))
        )
        mean, low, high = mean_interval(chosen)
        rows.append(
            {
                "pruner": name,
                "accuracy": mean,
                "low": low,
                "high": high,
                "trials begun": float(np.mean(begun)),
                "ended": float(np.mean(ended)),
            }
        )
    print(
        f"{len(curves)} curves, best final accuracy {max(t.value for t in trials):.3f}; {options.replays} replays of {options.budget} whole trials' images:"
    )
    print(pd.DataFrame(rows).to_string(index=False, float_format="{:.3f}".format))
    if options.out:
        settings = {
            "images": study.images,
            "curves": len(curves),
            "budget_trials": options.budget,
            "replays": options.replays,
        }
        records.write_atomic(
            options.out, json.dumps({"rows": rows, **settings, "provenance": records.provenance()}, indent=2) + "\n"
        )


if __name__ == "__main__":
    run_script(main)
