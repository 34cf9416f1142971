"""Choose among runs of several seeds without labels.

The categorical code of each run is measured on validation images without their labels, by five indices (their
definitions: infogan/metrics/label_free.py). The run with the highest value of one of them wins. A table of runs that
has the indices, as --csv writes it, needs neither checkpoints nor images.

Where the runs were measured on test images, their accuracy is shown as well: how well each index ranks the runs
(Spearman's correlation), the accuracy of its winner among all, and the mean over winners among halves of the runs with
the range of 95 % of them: all halves where there are at most 1,000, else so many random ones. No choice depends on it.

Example:
  python analysis/choose.py runs/mnist-authors-seed*
"""

import itertools
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import tyro
from scipy import stats

from infogan import records
from infogan.errors import InputError, printable
from infogan.inference import Model
from infogan.metrics import label_free
from infogan.reports import common
from infogan.reports.runs import read_runs

Index = Literal["certainty_nats", "marginal_entropy_nats", "information_nats", "agreement", "consensus"]
OWN = label_free.Indices._fields
"""Of a run by itself; the consensus is with the other runs."""
INDICES = (*OWN, "consensus")
SUBSETS = 1000
"""Halves of the runs at most."""


@dataclass(frozen=True)
class Options:
    """The command line."""

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Run directories of one dataset, each with one categorical code; or a table of runs with the indices."""
    by: Index = "certainty_nats"
    """The index whose highest value wins."""
    data_dir: Path | None = None
    """Folder of the dataset. Default: $INFOGAN_DATA, else ./data."""
    csv: Path | None = None
    """Also write the indices and the accuracy of each run to this file."""


def measure(paths: list[Path], data_dir: Path | None) -> tuple[pd.DataFrame, np.ndarray | None]:
    """Of n runs: a row each with the indices and the test accuracy (NaN where it was not measured), and the NMI of the
    categories of each two, [n, n], or None where the indices are read from a table.

    Raises InputError where a run has not one categorical code, or runs are of several datasets.
    """
    table = read_runs(paths)
    columns = ["run", "preset", "seed", *INDICES, "accuracy"]
    if set(INDICES) <= set(table) and table[list(INDICES)].notna().all(axis=None):
        return table[columns], None
    if table.directory.isna().any():
        raise InputError(
            f"{table.run[table.directory.isna()].iloc[0]} has no checkpoint to measure: give run directories"
        )
    if table.dataset.nunique() > 1:
        raise InputError(f"the runs are of {', '.join(sorted(table.dataset.unique()))}: give runs of one dataset")
    runs = [Model(directory) for directory in table.directory]
    for run in runs:
        if len(run.latent.categorical_sizes) != 1:
            raise InputError(f"{run.directory} has codes {run.config.codes}; give runs with one categorical code")
    if len(runs) < 2:
        raise InputError("give two or more runs, such as runs/mnist-authors-seed*")
    images = common.load_dataset(data_dir, *table.directory).validation.images
    measured = [label_free.measure(run.discriminator, run.latent, 0, images) for run in runs]
    for name in OWN:
        table[name] = [getattr(indices, name) for indices, _ in measured]
    similarities = label_free.similarity([categories for _, categories in measured])
    table["consensus"] = label_free.consensus(similarities)
    return table[columns], similarities


def judge(table: pd.DataFrame, similarities: np.ndarray | None) -> pd.DataFrame:
    """How well each index chooses, by the test accuracies. See the module's description for the columns; without
    similarities the consensus of halves is not known."""
    accuracy, rows = table.accuracy.to_numpy(), []
    half = max(2, len(table) // 2)
    subsets = _subsets(len(table), half)
    for index in INDICES if similarities is not None else OWN:
        values, winners = table[index].to_numpy(), []
        for subset in subsets:
            among = values[subset]
            if index == "consensus" and similarities is not None:
                among = label_free.consensus(similarities[np.ix_(subset, subset)])
            winners.append(accuracy[subset[among.argmax()]])
        low, high = np.quantile(winners, (0.025, 0.975))
        varies = len(set(values)) > 1 and len(set(accuracy)) > 1
        rank = stats.spearmanr(values, accuracy).statistic if varies else float("nan")
        rows.append([index, rank, accuracy[values.argmax()], np.mean(winners), low, high])
    names = ["index", "rank correlation", "winner", f"winner of {half}", "2.5 % of them", "97.5 %"]
    return pd.DataFrame(rows, columns=names)


def _subsets(n: int, size: int) -> list[np.ndarray]:
    """All subsets of n runs of one size, or SUBSETS random ones where there are more."""
    if math.comb(n, size) <= SUBSETS:
        return [np.array(subset) for subset in itertools.combinations(range(n), size)]
    random = np.random.default_rng(0)
    return [random.choice(n, size, replace=False) for _ in range(SUBSETS)]


def main() -> None:
    """Print the tables and the winner."""
    options = tyro.cli(Options, description=__doc__)
    table, similarities = measure(list(options.runs), options.data_dir)
    table = table.assign(run=table.run.map(printable))
    print(common.as_text(table.sort_values(options.by, ascending=False)))
    print(f"\nchosen by {options.by}: {table.run[table[options.by].idxmax()]}")
    if len(table) > 2 and table.accuracy.notna().all():
        accuracy = table.accuracy
        print(f"\ntest accuracy: mean {accuracy.mean():.3f}, {accuracy.min():.3f} to {accuracy.max():.3f}")
        print(common.as_text(judge(table, similarities)))
    if options.csv:
        records.write_atomic(options.csv, table.to_csv(index=False))
