"""Code-to-label measures of finished runs on the test images: one row per run, then mean and interval over seeds.

Reads each run's evaluation.json, or measures its checkpoint anew with --again (needs the dataset).
Each run's confusion matrix is drawn beside it, as figures/confusion.png, where that is not done yet.

Examples:
  python analysis/measure.py runs/mnist-authors-seed*
  python analysis/measure.py runs/mnist-authors-seed0 --again --data-dir ~/data --csv table.csv
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import tyro
from scipy import stats

from infogan import data, records, training
from infogan.cli import run_script
from infogan.config import InputError, from_dict
from infogan.metrics.clustering import MEASURES, mean_interval
from infogan.presets import describe
from infogan.records import pictures


@dataclass(frozen=True)
class Options:
    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Run directories."""
    again: bool = False
    """Measure the checkpoints anew and replace evaluation.json."""
    data_dir: Path | None = None
    """Folder of the datasets, for --again. Default: $INFOGAN_DATA, else ./data."""
    compare: str | None = None
    """A field of the configuration, such as precision, that has two values among the runs: also print the
    difference of their mean accuracies over seeds."""
    csv: Path | None = None
    """Also write the rows and the summary to this file."""


def measured(directory: Path, options: Options) -> dict:
    """evaluation.json's content, from the file or, replacing the file, from the checkpoint."""
    path = directory / "evaluation.json"
    if not options.again:
        return records.read_json(path)
    run = records.load(directory)
    dataset = data.load(run.config.dataset, options.data_dir)
    result = training.report(
        run.discriminator, run.latent, dataset, records.Table(directory / "evaluations.csv").rows()
    )
    result |= {"step": run.step, "images": run.config.images(run.step)}
    result["train_seconds"] = run.status["seconds"]
    result["time_to_accuracy"] = training.time_to_accuracy(records.Table(directory / "evaluations.csv").rows())
    records.write_json(path, result)
    return result


def row(directory: Path, options: Options) -> dict:
    """One table row; the last logged bound stands beside the test measures."""
    result = measured(directory, options)
    made = from_dict(records.read_json(directory / "config.json")["config"])
    config = dataclasses.asdict(made)
    if options.compare and options.compare not in config:
        raise InputError(f"compare is {options.compare!r}; give a field of the configuration: {', '.join(config)}")
    metrics = records.Table(directory / "metrics.csv").rows()
    if "accuracy" not in result or not metrics:
        raise InputError(
            f"{directory}: no metrics.csv, no labels in {config['dataset']}, or no categorical code in {config['codes']}: nothing to measure"
        )
    last = metrics[-1]
    picture = directory / "figures" / "confusion.png"
    if not picture.exists() or picture.stat().st_mtime < (directory / "evaluation.json").stat().st_mtime:
        picture.parent.mkdir(exist_ok=True)
        pictures.confusion(
            picture,
            result["codes"][result["best_code"]]["confusion"],
            f"{directory.name}, {result['n_images']} test images",
        )
        print(f"wrote {picture}")
    out = {
        "run": directory.name,
        "dataset": config["dataset"],
        "preset": describe(made, "codes", *filter(None, [options.compare])),
        "codes": config["codes"],
    }
    if options.compare:
        out[options.compare] = config[options.compare]
    out |= {"seed": config["seed"], "updates": result["step"], "images": result["images"]}
    for name in MEASURES:
        out[name] = result[name]
        out[f"{name}_low"], out[f"{name}_high"] = result[f"{name}_ci95"]
    return out | {"info_categorical_nats": float(last["info_categorical_nats"])}


def difference(rows: pd.DataFrame, field: str) -> pd.DataFrame:
    """Mean accuracy of one value of `field` minus that of the other, with Welch's 95 % interval over seeds."""
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
    }
    return pd.DataFrame([out | {"accuracy_low": interval.low, "accuracy_high": interval.high}])


def summary(rows: pd.DataFrame, fields: list[str]) -> pd.DataFrame:
    """Mean, t-interval over seeds and n of the runs that agree in `fields`; the worst, the best, and the share at 95 % or more, the paper's."""
    groups = []
    for keys, group in rows.groupby(fields, sort=False):
        line = dict(zip(fields, keys)) | {"n": len(group)}
        for name in (*MEASURES, "info_categorical_nats"):
            line[name], line[f"{name}_low"], line[f"{name}_high"] = mean_interval(group[name].tolist())
        groups.append(
            line
            | {
                "accuracy_min": group["accuracy"].min(),
                "accuracy_max": group["accuracy"].max(),
                "share_from_95": (group["accuracy"] >= 0.95).mean(),
            }
        )
    return pd.DataFrame(groups)


def shown(table: pd.DataFrame) -> str:
    """Aligned text: each measure with its interval in one cell."""
    text = table.copy()
    for name in (*MEASURES, "info_categorical_nats"):
        if f"{name}_low" in table:
            text[name] = [
                f"{m:.3f} [{a:.3f}, {b:.3f}]" if a == a else f"{m:.3f}"
                for m, a, b in zip(table[name], table[f"{name}_low"], table[f"{name}_high"])
            ]
            text = text.drop(columns=[f"{name}_low", f"{name}_high"])
    return text.to_string(index=False, float_format="{:.3f}".format)


def main() -> None:
    options = tyro.cli(Options, description=__doc__)
    if not options.runs:
        raise InputError("give at least one run directory, such as runs/mnist-authors-seed0")
    rows = pd.DataFrame([row(directory, options) for directory in options.runs])
    fields = list(
        dict.fromkeys(["dataset", "preset", "codes", *([options.compare] if options.compare else []), "updates"])
    )
    seeds = summary(rows, fields)
    print("each run; 95 % intervals over test images\n" + shown(rows))
    print("\nover seeds; 95 % Student t intervals\n" + shown(seeds))
    if options.compare:
        print("\ndifference of the means; 95 % Welch interval\n" + shown(difference(rows, options.compare)))
    if options.csv:
        records.write_atomic(options.csv, rows.to_csv(index=False))
        records.write_atomic(options.csv.with_stem(options.csv.stem + "-seeds"), seeds.to_csv(index=False))


if __name__ == "__main__":
    run_script(main)
