"""Replay studies of eight seeds from the evaluations of whole runs: which run is chosen, and what it costs.

The rows of the protocol in the tables here are replaced.
"""

from pathlib import Path

import numpy as np
import optuna
import pandas as pd
import tyro

from infogan import load, records
from infogan.cli import one_line_errors
from infogan.metrics.clustering import mean_interval
from infogan.study import load as load_study
from infogan.study.worker import NO_PRUNING_AFTER, halving

HERE = Path(__file__).parent
GROUP, ORDERS = 8, 200


def replay(order: list[int], values: dict[int, list[float]]) -> tuple[int, float]:
    """The seed that a study chooses which trains seeds in this order, and its cost in whole runs.

    values: of each seed the measure at each tenth of the images, the last one 0 where G has collapsed.
    """
    study, cost = optuna.create_study(direction="maximize", pruner=halving()), 0.0
    for seed in order:
        trial, tenths = study.ask(), len(values[seed]) - 1
        trial.set_user_attr("seed", seed)
        pruned = False
        for tenth, value in enumerate(values[seed][:-1], 1):
            trial.report(value, tenth)
            if pruned := trial.should_prune() and tenth / tenths < NO_PRUNING_AFTER:
                break
        cost += tenth / tenths
        state = optuna.trial.TrialState.PRUNED if pruned else optuna.trial.TrialState.COMPLETE
        study.tell(trial, None if pruned else values[seed][-1], state=state)
    return study.best_trial.user_attrs["seed"], cost


def keep(table: pd.DataFrame, name: str, protocol: str) -> None:
    """Replace a protocol's rows of a table here."""
    before = pd.read_csv(HERE / name)
    table = pd.concat([before[before.protocol != protocol], table.assign(protocol=protocol)])
    table.to_csv(HERE / name, index=False)


def main(study: str, protocol: str) -> None:
    """study: the folder of whole runs; protocol: first, second or third."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    trials = load_study(study).set_index("seed").sort_index()
    rows = {seed: records.Table(Path(run) / "evaluations.csv").rows() for seed, run in trials.run_dir.items()}
    test = measure_test(trials.run_dir)
    long = pd.concat(pd.DataFrame(table).assign(seed=seed) for seed, table in rows.items())
    keep(
        long[["seed", "images", "accuracy", "certainty", "information", "collapsed"]],
        "evaluations.csv",
        protocol,
    )
    keep(trials.drop(columns="run_dir").assign(test_accuracy=test).reset_index(), "runs.csv", protocol)
    random, out = np.random.default_rng(0), []
    for measure in ("information", "certainty", "accuracy"):
        values = {
            seed: [float(row[measure]) for row in table]
            + [0.0 if table[-1]["collapsed"] else float(table[-1][measure])]
            for seed, table in rows.items()
        }
        groups = []
        for first in range(0, len(rows), GROUP):
            seeds = sorted(rows)[first : first + GROUP]
            replays = [replay([int(seed) for seed in random.permutation(seeds)], values) for _ in range(ORDERS)]
            chosen = float(np.mean([test[seed] for seed, _ in replays]))
            cost = float(np.mean([cost for _, cost in replays]))
            group = test[seeds]
            groups.append([f"{seeds[0]} to {seeds[-1]}", chosen, group.mean(), group.max(), cost])
        out += [[measure, *group, *[np.nan] * 5] for group in groups]
        mean, low, high = mean_interval([group[1] for group in groups])
        others = [float(np.mean([group[column] for group in groups])) for column in (2, 3, 4)]
        gain = mean_interval([group[1] - group[2] for group in groups])
        out.append([measure, "all", mean, *others, low, high, *gain])
    columns = ["measure", "seeds", "chosen", "random_seed", "best_of_eight", "runs_cost", "chosen_low", "chosen_high"]
    columns += ["gain", "gain_low", "gain_high"]
    table = pd.DataFrame(out, columns=columns)
    keep(table, "choices.csv", protocol)
    print(table.round(3).to_string(index=False))


def measure_test(directories: pd.Series) -> pd.Series:
    """Test accuracy of each run, categories matched one-to-one to labels of the test images."""
    from infogan import data
    from infogan.metrics import clustering

    images = data.load(records.read_config(Path(directories.iloc[0])).dataset).test
    pictures, labels = images.images.permute(0, 2, 3, 1).numpy(), images.labels.numpy()
    out = {}
    for seed, directory in directories.items():
        categories = load(directory).recognise(pictures).categories[:, 0]
        table = clustering.contingency(categories, labels, 10, 10)
        matched = clustering.match(table)
        out[seed] = float((matched[categories] == labels).mean())
    return pd.Series(out)


if __name__ == "__main__":
    with one_line_errors():
        tyro.cli(main, description=__doc__, config=(tyro.conf.PositionalRequiredArgs,))
