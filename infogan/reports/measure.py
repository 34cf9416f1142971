"""A table of runs: code-to-label measures on the test images, L_I, and more where it was measured; then their means and
95 % intervals over seeds.

Runs are run directories, or result folders: with --out such a folder is written (runs.csv, curves.csv.gz, and a contact
sheet seeds.png of runs that have a checkpoint).

Examples:
  python analysis/measure.py runs/mnist-authors-seed*
  python analysis/measure.py runs/mnist-authors-seed* --quality --data-dir ~/data --out results/authors
"""

from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pandas as pd
import tyro

from infogan import records
from infogan.inference import Model
from infogan.metrics.clustering import MEASURES, mean_interval
from infogan.reports import common
from infogan.reports.runs import BOUNDS, CURVES, QUALITY, RUNS, read_curves, read_runs, write
from infogan.utils.errors import InputError, printable
from infogan.utils.options import Unset

AVERAGED = (*MEASURES, "info_categorical_nats", *BOUNDS, *QUALITY.values())
SAME = ["dataset", "recipe", "step", "precision"]
"""Columns in which runs agree that differ in their seed alone."""
PAPER_ACCURACY = 0.95
"""Of c1 on MNIST (section 7.2)."""


@dataclass(frozen=True)
class Options:
    """The command line."""

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Run directories, and folders that --out wrote."""
    again: bool = False
    """Measure the checkpoints on the test images again and replace evaluation.json, and the images they generate; name
    the categories by the validation images (needs the dataset)."""
    quality: bool = False
    """Also measure generated images of the checkpoints against test images: their spread, and in the features of a
    classifier (of labels; without labels of quarter turns) Fréchet distance, precision, recall; with labels also the
    share that shows the label of its category. Writes quality.json."""
    data_dir: Unset[Path] = None
    """Folder of the datasets, for --again and --quality. Default: $INFOGAN_DATA, else ./data."""
    out: Unset[Path] = None
    """Also write a result folder."""


def measure_again(directory: Path, data_dir: Path | None) -> dict:
    """Measure a run's checkpoint on the test images, and its generated images against validation images; replace
    evaluation.json and return its content. Name its categories by the validation images (categories.json)."""
    from infogan.metrics import clustering, collapse
    from infogan.records.summary import last_bound, summarise
    from infogan.training import evaluation

    run, rows = Model(directory), records.Table(directory / "evaluations.csv").rows()
    dataset = common.load_dataset(data_dir, directory)
    summary = summarise(run.config, run.step, records.read_json(directory / "status.json")["seconds"], rows)
    G, Q, images = run.generator, run.discriminator, dataset.validation.images
    summary |= collapse.measure(G, Q, run.latent, images, last_bound(directory))
    if codes := clustering.measure(run.discriminator, run.latent, dataset.validation):
        evaluation.name_categories(codes, dataset.validation.classes, directory, run.step)
    return evaluation.measure_test(run.discriminator, run.latent, dataset, directory, summary)


def measure_quality(directory: Path, data_dir: Path | None) -> None:
    """Measure the images that a run's checkpoint generates, and write quality.json (see feature_network)."""
    from infogan.metrics import collapse
    from infogan.metrics.feature_network import classifier, sample_quality
    from infogan.records.summary import last_bound

    run = Model(directory)
    dataset = common.load_dataset(data_dir, directory)
    measured, images = sample_quality(run.generator, run.latent, dataset.test, classifier(dataset)), dataset.test.images
    measured |= collapse.measure(run.generator, run.discriminator, run.latent, images, last_bound(directory))
    about = {"step": run.step, "provenance": records.provenance()}
    records.write_json(directory / "quality.json", {"dataset": dataset.name, "split": "test"} | measured | about)


def summary(runs: pd.DataFrame, fields: list[str]) -> pd.DataFrame:
    """A row for the runs that agree in `fields`: n, and of each measure the mean with its 95 % t interval over seeds.

    Also the lowest and the highest accuracy, the share of runs that reach PAPER_ACCURACY (share_from_95), and in how
    many G has collapsed.
    """
    groups = []
    for keys, group in runs.groupby(fields, sort=False):
        line: dict[str, Any] = dict(zip(fields, cast(tuple[Hashable, ...], keys))) | {"n": len(group)}
        for name in (name for name in AVERAGED if name in group and group[name].notna().any()):
            line[name], line[f"{name}_low"], line[f"{name}_high"] = mean_interval(group[name].dropna().tolist())
        if group.accuracy.notna().any():
            accuracy = group.accuracy.dropna()
            line |= {"accuracy_min": accuracy.min(), "accuracy_max": accuracy.max()}
            line["share_from_95"] = (accuracy >= PAPER_ACCURACY).mean()
        groups.append(line | {"collapsed": int(group.collapsed.eq(True).sum())})
    return pd.DataFrame(groups)


def show(table: pd.DataFrame) -> str:
    """Aligned text: each measure with its interval in one cell, what no run has left out."""
    text = table.dropna(axis=1, how="all")
    for name in (name for name in AVERAGED if f"{name}_low" in text):
        cells = zip(text[name], text[f"{name}_low"], text[f"{name}_high"])
        shown = [f"{m:.3f} [{low:.3f}, {high:.3f}]" if low == low else f"{m:.3f}" for m, low, high in cells]  # not NaN
        text = text.assign(**{name: shown}).drop(columns=[f"{name}_low", f"{name}_high"])
    return common.as_text(text)


def write_folder(folder: Path, paths: tuple[Path, ...], runs: pd.DataFrame) -> None:
    """Write a result folder of the runs in these paths, and print what was written."""
    write(folder, runs, read_curves(paths))
    made = [RUNS, CURVES]
    if runs.directory.notna().all() and all(records.has_checkpoint(directory) for directory in runs.directory):
        from infogan.reports.figures.samples import contact_sheet

        contact_sheet(list(runs.directory), folder / "seeds.png")
        made.append("seeds.png")
    print(f"\nwrote {', '.join(made)} to {printable(folder)}/")


def main() -> None:
    """Print the tables, and write the folder with --out."""
    options = tyro.cli(Options, description=__doc__)
    directories = read_runs(options.runs).directory.dropna()
    for directory in directories:
        if options.again:
            measure_again(directory, options.data_dir)
        if options.quality:
            measure_quality(directory, options.data_dir)
    runs = read_runs(options.runs)
    measured = runs[[name for name in ("accuracy", "spread") if name in runs]].notna().any(axis=1)
    if not measured.all():
        raise InputError(f"{runs.run[~measured].iloc[0]} was not measured: --again does it")
    intervals = [f"{name}_{bound}" for name in MEASURES for bound in ("low", "high") if f"{name}_{bound}" in runs]
    columns = ["run", *SAME, "seed", *(name for name in AVERAGED if name in runs), *intervals, "collapsed"]
    print("each run; categories matched to labels on the test images; 95 % intervals over them\n" + show(runs[columns]))
    print("\nover seeds; 95 % Student t intervals\n" + show(summary(runs, SAME)))
    if options.out:
        write_folder(options.out, options.runs, runs)
