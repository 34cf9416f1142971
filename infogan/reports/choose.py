"""Choose among runs of several seeds without labels.

The categorical code of each run is measured on validation images without their labels, by five indices (their
definitions: infogan/metrics/label_free.py). The run with the highest value of one of them wins. A table of runs that
has the indices, as --csv writes it, needs neither checkpoints nor images.

Where the runs were measured on test images, it is shown how well each index ranks them by their accuracy (Spearman's
correlation), and the accuracy of its winner. No choice depends on it.

Example:
  python analysis/choose.py runs/mnist-authors-seed*
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd
import tyro

from infogan import records
from infogan.inference import Model
from infogan.metrics import label_free
from infogan.reports import common
from infogan.reports.runs import read_runs
from infogan.utils.errors import InputError, printable
from infogan.utils.options import Unset

Index = Literal["certainty_nats", "marginal_entropy_nats", "information_nats", "agreement", "consensus"]
INDICES = [*label_free.Indices._fields, "consensus"]
"""Those of a run by itself, and its consensus with the other runs."""


@dataclass(frozen=True)
class Options:
    """The command line."""

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Run directories of one dataset, each with one categorical code; or a table of runs with the indices."""
    by: Index = "certainty_nats"
    """The index whose highest value wins."""
    data_dir: Unset[Path] = None
    """Folder of the dataset. Default: $INFOGAN_DATA, else ./data."""
    csv: Unset[Path] = None
    """Also write the indices and the accuracy of each run to this file."""


def measure(paths: list[Path], data_dir: Path | None) -> pd.DataFrame:
    """A row for each run, with the indices and the test accuracy (NaN where it was not measured).

    Raises InputError where a run has not one categorical code, or runs are of several datasets.
    """
    table = read_runs(paths)
    labelled = ["labelled"] if table.labelled.any() else []  # such a run has used labels
    columns = ["run", "preset", *labelled, "seed", *INDICES, "accuracy"]
    if set(INDICES) <= set(table) and table[INDICES].notna().all(axis=None):
        return table[columns]
    if len(kept := table.run[table.directory.isna()]):
        raise InputError(f"{kept.iloc[0]} has no checkpoint to measure: give run directories")
    runs = [Model(directory) for directory in table.directory]
    for run in runs:
        if len(run.latent.categorical_sizes) != 1:
            raise InputError(f"{run.directory} has codes {run.config.codes}; give runs with one categorical code")
    if len(runs) < 2:
        raise InputError("give two or more runs, such as runs/mnist-authors-seed*")
    images = common.load_dataset(data_dir, *table.directory).validation.images
    measured = [label_free.measure(run.discriminator, run.latent, 0, images) for run in runs]
    indices = pd.DataFrame([indices for indices, _ in measured])
    indices["consensus"] = label_free.consensus(label_free.similarity([categories for _, categories in measured]))
    return table.assign(**indices)[columns]


def main() -> None:
    """Print the tables and the winner."""
    options = tyro.cli(Options, description=__doc__)
    table = measure(list(options.runs), options.data_dir)
    table = table.assign(run=table.run.map(printable))
    print(common.as_text(table.sort_values(options.by, ascending=False)))
    print(f"\nchosen by {options.by}: {table.run[table[options.by].idxmax()]}")
    if len(table) > 2 and table.accuracy.notna().all():
        accuracy = table.accuracy
        print(f"\ntest accuracy: mean {accuracy.mean():.3f}, {accuracy.min():.3f} to {accuracy.max():.3f}")
        judged = (
            table[INDICES].corrwith(accuracy, method="spearman").rename_axis("index").reset_index(name="rank corr.")
        )
        print(common.as_text(judged.assign(winner=[accuracy[table[name].idxmax()] for name in INDICES])))
    if options.csv:
        records.write_atomic(options.csv, table.to_csv(index=False))
