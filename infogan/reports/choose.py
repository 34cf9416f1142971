"""Choose among runs of several seeds without labels.

The categorical code of each run is measured on validation images without their labels, by five indices (their
definitions: infogan/metrics/label_free.py). The run with the highest value of one of them is chosen.

Where the runs were measured on test images, their accuracy is shown as well: how well each index ranks the runs
(Spearman's correlation), the accuracy of the run that it chooses among all, and the mean over choices among halves of
the runs with the range of 95 % of them: all halves where there are at most 1,000, else so many random ones. No choice
depends on it.

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
from infogan.inference import load_run
from infogan.metrics import label_free
from infogan.reports import common

Index = Literal["certainty_nats", "marginal_entropy_nats", "information_nats", "agreement", "consensus"]
INDICES = (*label_free.Indices._fields, "consensus")
SUBSETS = 1000
"""Halves of the runs at most."""


@dataclass(frozen=True)
class Options:
    """The command line."""

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Run directories of one dataset, each with one categorical code."""
    by: Index = "certainty_nats"
    """The index whose highest value is chosen."""
    data_dir: Path | None = None
    """Folder of the dataset. Default: $INFOGAN_DATA, else ./data."""
    csv: Path | None = None
    """Also write the indices of each run to this file."""


def measure(directories: list[Path], data_dir: Path | None) -> tuple[pd.DataFrame, np.ndarray]:
    """Of n runs: a row each with the indices and the test accuracy (NaN where it was not measured), and the NMI of the
    categories of each two, [n, n].

    Raises InputError where a run has not one categorical code, or runs are of several datasets.
    """
    runs = [load_run(directory) for directory in directories]
    for run in runs:
        if len(run.latent.categorical_sizes) != 1:
            raise InputError(f"{run.directory} has codes {run.config.codes}; give runs with one categorical code")
        if run.config.dataset != runs[0].config.dataset:
            names = f"{runs[0].directory} is of {runs[0].config.dataset}, {run.directory} of {run.config.dataset}"
            raise InputError(f"{names}; give runs of one dataset")
    images = common.load_dataset(data_dir, *directories).validation.images
    rows, categories = [], []
    for run in runs:
        found, of_images = label_free.measure(run.discriminator, run.latent, 0, images)
        accuracy = records.read_evaluation(run.directory).get("accuracy", float("nan"))
        rows.append({"run": str(run.directory)} | found._asdict() | {"accuracy": accuracy})
        categories.append(of_images)
    table, similarities = pd.DataFrame(rows), label_free.similarity(categories)
    table.insert(len(table.columns) - 1, "consensus", label_free.consensus(similarities))
    return table, similarities


def judge(table: pd.DataFrame, similarities: np.ndarray) -> pd.DataFrame:
    """How well each index chooses, by the test accuracies. See the module's description for the columns."""
    accuracy, rows = table.accuracy.to_numpy(), []
    half = max(2, len(table) // 2)
    subsets = _subsets(len(table), half)
    for index in INDICES:
        values = table[index].to_numpy()
        chosen = []
        for some in subsets:  # the consensus is with the runs of the subset
            of_some = label_free.consensus(similarities[np.ix_(some, some)]) if index == "consensus" else values[some]
            chosen.append(accuracy[some[of_some.argmax()]])
        low, high = np.quantile(chosen, (0.025, 0.975))
        varies = len(set(values)) > 1 and len(set(accuracy)) > 1
        rank = stats.spearmanr(values, accuracy).statistic if varies else float("nan")
        rows.append([index, rank, accuracy[values.argmax()], np.mean(chosen), low, high])
    return pd.DataFrame(
        rows, columns=["index", "rank correlation", "chosen", f"chosen of {half}", "2.5 % of them", "97.5 %"]
    )


def _subsets(n: int, size: int) -> list[np.ndarray]:
    """All subsets of n runs of one size, or SUBSETS random ones where there are more."""
    if math.comb(n, size) <= SUBSETS:
        return [np.array(some) for some in itertools.combinations(range(n), size)]
    random = np.random.default_rng(0)
    return [random.choice(n, size, replace=False) for _ in range(SUBSETS)]


def main() -> None:
    """Print the tables and the chosen run."""
    options = tyro.cli(Options, description=__doc__)
    directories = list(dict.fromkeys(options.runs))
    if len(directories) < 2:
        raise InputError("give two or more run directories, such as runs/mnist-authors-seed*")
    table, similarities = measure(directories, options.data_dir)
    table = table.assign(run=table.run.map(printable))
    print(common.as_text(table.sort_values(options.by, ascending=False)))
    print(f"\nchosen by {options.by}: {table.run[table[options.by].idxmax()]}")
    if len(table) > 2 and table.accuracy.notna().all():
        accuracy = table.accuracy
        print(f"\ntest accuracy: mean {accuracy.mean():.3f}, {accuracy.min():.3f} to {accuracy.max():.3f}")
        print(common.as_text(judge(table, similarities)))
    if options.csv:
        records.write_atomic(options.csv, table.to_csv(index=False))
