"""Code-to-label measures of finished runs on the test images: a row for each run, then mean and interval over seeds.

Reads each run's evaluation.json, or measures its checkpoint again with --again (needs the dataset). Each run's
confusion matrix is drawn beside it, as figures/confusion.png, unless that is up to date.

Examples:
  python analysis/measure.py runs/mnist-authors-seed*
  python analysis/measure.py runs/mnist-authors-seed0 --again --data-dir ~/data --csv table.csv
"""

import dataclasses
import sys
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pandas as pd
import tyro
from scipy import stats

from infogan import records
from infogan.config import Config
from infogan.errors import InputError, printable
from infogan.inference import load_run
from infogan.metrics.clustering import MEASURES, mean_interval
from infogan.presets import describe
from infogan.records import pictures
from infogan.reports import common

BOUNDS = ("info_8bit_categorical_nats", "info_blurred_categorical_nats")
"""L_I as somebody has it who sees the images alone, see metrics.collapse."""
AVERAGED = (*MEASURES, "info_categorical_nats", *BOUNDS)
QUALITY = ("frechet_distance", "sample_precision", "sample_recall", "spread", "generator_accuracy")
"""Of generated images; a configuration has a field `precision` of its own."""
PAPER_ACCURACY = 0.95
"""Of c1 on MNIST (section 7.2)."""


@dataclass(frozen=True)
class Options:
    """The command line."""

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Run directories."""
    again: bool = False
    """Measure the checkpoints again and replace evaluation.json."""
    data_dir: Path | None = None
    """Folder of the datasets, for --again and --quality. Default: $INFOGAN_DATA, else ./data."""
    compare: str | None = None
    """A field of the configuration, such as precision, that has two values among the runs: also print the
    difference of their mean accuracies over seeds."""
    quality: bool = False
    """Also measure generated images of the checkpoints against test images: their spread, and in the features of a
    classifier (of labels; without labels of quarter turns) Fréchet distance, precision, recall; with labels also the
    share that shows the label of its category. Runs without an accuracy then have a row too."""
    csv: Path | None = None
    """Also write the rows and the summary to this file."""


def measure_again(directory: Path, data_dir: Path | None) -> dict:
    """Measure a run's checkpoint on the test images, replace evaluation.json and return its content."""
    from infogan import evaluation
    from infogan.records.summary import summarise

    run, rows = load_run(directory), records.Table(directory / "evaluations.csv").rows()
    dataset = common.load_dataset(data_dir, directory)
    summary = summarise(run.config, run.step, records.read_json(directory / "status.json")["seconds"], rows)
    return evaluation.measure_test(run.discriminator, run.latent, dataset, directory, summary)


def row(directory: Path, options: Options) -> dict:
    """A row of the table: test measures with their intervals, the last logged L_I in nats, what is left of it in
    8-bit images, and the run's origin.

    Raises InputError where there is nothing to measure.
    """
    result = measure_again(directory, options.data_dir) if options.again else records.read_evaluation(directory)
    config = records.read_config(directory)
    if not result:
        raise InputError(f"{directory} has no evaluation.json, or an empty one: --again measures it")
    known = [field.name for field in dataclasses.fields(Config)]
    if options.compare and options.compare not in known:
        raise InputError(f"compare is {options.compare!r}; give a field of the configuration: {', '.join(known)}")
    metrics = records.Table(directory / "metrics.csv").rows()
    if not options.quality and "c" not in config.codes:
        raise InputError(f"{directory} has codes {config.codes}, none of them categorical: there is no accuracy")
    if not options.quality and "accuracy" not in result:
        raise InputError(f"{directory} is on {config.dataset}, which has no labels: there is no accuracy")
    if not metrics:
        raise InputError(f"{directory} has no metrics.csv, where L_I is: give a whole run directory")
    compared = [options.compare] if options.compare else []
    out = {
        "run": directory.name,
        "dataset": config.dataset,
        "preset": describe(config, "codes", *compared),
        "codes": config.codes,
        **{name: getattr(config, name) for name in compared},
        "seed": config.seed,
        "updates": result["step"],
        "images": result["images"],
    }
    if "accuracy" in result:
        _draw_where_possible(directory, result)
        for name in MEASURES:
            out[name] = result[name]
            out[f"{name}_low"], out[f"{name}_high"] = result[f"{name}_ci95"]
    out["info_categorical_nats"] = metrics[-1]["info_categorical_nats"]
    out |= {name: result[name] for name in (*BOUNDS, "spread", "collapsed") if name in result}
    out |= common.run_origin(directory, config)
    return out | (measure_quality(directory, options.data_dir) if options.quality else {})


def _draw_where_possible(directory: Path, result: dict) -> None:
    try:
        draw_confusion(directory, result)
    except OSError as error:  # such as of a directory that can only be read: the table needs no picture
        print(f"{printable(directory)}: its confusion matrix is not drawn ({error.strerror})", file=sys.stderr)


def measure_quality(directory: Path, data_dir: Path | None) -> dict[str, float]:
    """QUALITY of the images that a run's checkpoint generates; quality.json has it whole."""
    from infogan.feature_network import classifier, sample_quality
    from infogan.metrics import collapse
    from infogan.records.summary import last_bound

    run = load_run(directory)
    dataset = common.load_dataset(data_dir, directory)
    measured = sample_quality(run.generator, run.latent, dataset.test, classifier(dataset))
    bound = last_bound(directory)
    measured |= collapse.measure(run.generator, run.discriminator, run.latent, dataset.test.images, bound)
    about = {"step": run.step, "provenance": records.provenance()}
    records.write_json(directory / "quality.json", {"dataset": dataset.name, "split": "test"} | measured | about)
    named = {f"sample_{name}" if name in ("precision", "recall") else name: value for name, value in measured.items()}
    return {name: named[name] for name in (*QUALITY, "collapsed") if name in named}


def draw_confusion(directory: Path, result: dict) -> None:
    """Draw figures/confusion.png, unless it is newer than evaluation.json. result: the content of evaluation.json."""
    picture = common.figures_folder(directory) / "confusion.png"
    if picture.exists() and picture.stat().st_mtime >= (directory / "evaluation.json").stat().st_mtime:
        return
    picture.parent.mkdir(parents=True, exist_ok=True)
    table = result["codes"][result["best_code"]]["confusion"]
    title = f"{directory.name}, {result['n_images']} test images"
    pictures.confusion(picture, table, title, classes=result.get("classes", ()))
    print(f"wrote {printable(picture)}")


def difference(rows: pd.DataFrame, field: str) -> pd.DataFrame:
    """Mean accuracy with one value of `field` less that with the other, with Welch's 95 % interval over seeds.

    Raises InputError where there are not two values with two runs or more of each, or no accuracy.
    """
    if "accuracy" not in rows:
        raise InputError(f"--compare {field} compares accuracies, and these runs have none: leave it out")
    groups = {str(value): group["accuracy"] for value, group in rows.groupby(field, sort=False)}
    if len(groups) != 2 or min(map(len, groups.values())) < 2:
        raise InputError(
            f"--compare {field} needs two values with two or more runs each; there are {', '.join(groups) or 'none'}"
        )
    (a, first), (b, second) = groups.items()
    interval = stats.ttest_ind(first, second, equal_var=False).confidence_interval(0.95)
    out = {
        "difference": f"{field} {a} - {b}",
        "n": f"{len(first)}, {len(second)}",
        "accuracy": first.mean() - second.mean(),
        "accuracy_low": interval.low,
        "accuracy_high": interval.high,
    }
    return pd.DataFrame([out])


def summary(rows: pd.DataFrame, fields: list[str]) -> pd.DataFrame:
    """A row for the runs that agree in `fields`: n, and of each measure the mean with its 95 % t interval over seeds.

    Also the lowest and the highest accuracy, the share of runs that reach PAPER_ACCURACY (share_from_95), and in how
    many G has collapsed.
    """
    groups = []
    for keys, group in rows.groupby(fields, sort=False):
        line: dict[str, Any] = dict(zip(fields, cast(tuple[Hashable, ...], keys))) | {"n": len(group)}
        for name in (name for name in (*AVERAGED, *QUALITY) if name in group):
            values = group[name].dropna().tolist()  # runs of earlier versions lack some
            line[name], line[f"{name}_low"], line[f"{name}_high"] = mean_interval(values)
        if "accuracy" in group:
            accuracy = group["accuracy"]
            line |= {"accuracy_min": accuracy.min(), "accuracy_max": accuracy.max()}
            line["share_from_95"] = (accuracy >= PAPER_ACCURACY).mean()
        if "collapsed" in group:
            line["collapsed"] = int(group["collapsed"].fillna(False).sum())
        groups.append(line)
    return pd.DataFrame(groups)


def show(table: pd.DataFrame) -> str:
    """Aligned text: each measure with its interval in one cell."""
    text = table.copy()
    for name in (*AVERAGED, *QUALITY):
        low, high = f"{name}_low", f"{name}_high"
        if low in table:
            cells = zip(table[name], table[low], table[high])
            text[name] = [f"{m:.3f} [{a:.3f}, {b:.3f}]" if a == a else f"{m:.3f}" for m, a, b in cells]  # a: not NaN
            text = text.drop(columns=[low, high])
    return common.as_text(text)


def main() -> None:
    """Print the tables, and write them with --csv."""
    options = tyro.cli(Options, description=__doc__)
    if not options.runs:
        raise InputError("give at least one run directory, such as runs/mnist-authors-seed0")
    rows = pd.DataFrame([row(directory, options) for directory in dict.fromkeys(options.runs)])
    compared = [options.compare] if options.compare else []
    seeds = summary(rows, list(dict.fromkeys(["dataset", "preset", "codes", *compared, "updates"])))
    print("each run; 95 % intervals over test images\n" + show(rows.drop(columns=list(common.ORIGIN))))
    print("\nover seeds; 95 % Student t intervals\n" + show(seeds))
    if options.compare:
        print("\ndifference of the means; 95 % Welch interval\n" + show(difference(rows, options.compare)))
    if options.csv:
        records.write_atomic(options.csv, rows.to_csv(index=False))
        records.write_atomic(options.csv.with_stem(options.csv.stem + "-seeds"), seeds.to_csv(index=False))
