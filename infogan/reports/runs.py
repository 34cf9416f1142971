"""Runs as tables: the one place where reports read runs, from run directories or from what a study keeps of them.

A result folder has runs.csv, a row a run, and curves.csv.gz, a row for each logged update and each evaluation of each
run; `infogan measure RUNS --out FOLDER` writes them. In runs.csv a field of the configuration that has no column, or no
value, is the preset's.
"""

import dataclasses
import gzip
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from infogan import records
from infogan.codes import Continuous, Latent
from infogan.config import RUNTIME_FIELDS, Config
from infogan.config.presets import PRESETS, describe
from infogan.metrics.clustering import MEASURES
from infogan.records.files import RESTORED
from infogan.utils.errors import InputError

RUNS, CURVES = "runs.csv", "curves.csv.gz"
TABLES = ("metrics", "evaluations", "pretraining")
"""The tables of a run directory: what the column `table` of curves names."""
FIELDS = {field.name: type(getattr(Config(), field.name)) for field in dataclasses.fields(Config)}
ORIGIN = ("started", "hardware", "commit")
BOUNDS = ("info_8bit_categorical_nats", "info_8bit_batch_categorical_nats", "info_blurred_categorical_nats")
"""L_I of 8-bit images, see metrics.collapse."""
FLAGS = ["collapsed", "q_fails"]
QUALITY = {
    "frechet_distance": "frechet_distance",
    "kernel_distance": "kernel_distance",
    "precision": "sample_precision",  # a configuration has a field `precision`
    "recall": "sample_recall",
    "generator_accuracy": "generator_accuracy",
    "spread": "spread",
}
"""What quality.json has of generated images, and the columns."""
PANELS = ("figure3", "figure4", "figure5", "figure6")
MATCH = ("normalised", "explained_variance", "relative_spread")
"""Of each panel of PANELS the numbers of its match of a code with a factor."""
EMPTY = "none"
"""In runs.csv an empty text, such as of `terms`, which would be the preset's otherwise."""
SMOOTHING = 50
"""Updates over which L_I is averaged (centred) before it is compared with H(c)."""


def read_runs(paths: Iterable[Path]) -> pd.DataFrame:
    """A row for each run. paths: run directories, result folders, and CSV files like runs.csv.

    Columns: run, its name; directory (None of a run that was read from a table); recipe, the preset and what was
    changed in it; every field of the configuration; step, the last update logged; images, real ones shown until then;
    ORIGIN, the start in UTC; MEASURES on test images, with their 95 % intervals in ..._low and ..._high;
    info_categorical_nats, L_I as logged last, and info_categorical_nats_last_tenth, its mean over the last tenth of the
    rows; BOUNDS, spread, FLAGS; and, where they were measured, those of QUALITY, `_morphology` and `_matches`. What
    was not measured is missing.

    Raises InputError where there is none, a path is none of these, a file is damaged, or a run is given twice.
    """
    rows = [row for path in dict.fromkeys(paths) for row in _rows(path)]
    if not rows:
        raise InputError("give at least one run directory, such as runs/mnist-authors-seed0")
    names = [row["run"] for row in rows]
    for row in rows:
        if row["directory"] is not None and names.count(row["run"]) > 1:
            row["run"] = str(row["directory"])
    columns = ["run", "directory", "recipe", *FIELDS, *(name for row in rows for name in row), *MEASURES, "collapsed"]
    table = pd.DataFrame(rows, columns=list(dict.fromkeys(columns)))
    if len(again := table.run[table.run.duplicated()]):
        raise InputError(f"two runs are named {again.iloc[0]}: give each run once")
    return table


def _rows(path: Path) -> list[dict[str, Any]]:
    if (path / "config.json").exists():
        return [_read_directory(path)]
    file = path / RUNS if path.is_dir() else path
    if not file.is_file():
        raise InputError(f"{path} is neither a run directory nor a folder with {RUNS}: give one of the two")
    table = _read_csv(file, "run", "preset", "seed")
    return [_read_row(row.dropna().to_dict(), f"{file}, row {i + 1},") for i, row in table.astype(object).iterrows()]


def _read_csv(path: Path, *columns: str) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, low_memory=False)
    except (OSError, EOFError, ValueError) as error:  # pandas' own errors are ValueErrors
        raise InputError(f"{path} is not a table ({str(error).splitlines()[0]}): give a result folder") from error
    if missing := [name for name in columns if name not in table]:
        raise InputError(f"{path} has no column {', '.join(missing)}: give a result folder, or a table like {RUNS}")
    return table


def preset_of(name: str) -> Config:
    """The preset's configuration; of an unknown preset the defaults."""
    return PRESETS[name][0] if name in PRESETS else Config(preset=name)


def _read_row(row: dict[str, Any], place: str) -> dict[str, Any]:
    """A row of runs.csv, with every field. A table of settings names the one field that a run changes, and its value.

    place: what names it in an error.
    """
    row = row | ({row["setting"]: row["value"]} if "setting" in row else {})
    stated: dict[str, Any] = {}
    for name, kind in FIELDS.items():
        if name in row:
            try:
                stated[name] = str(row[name]) == "True" if kind is bool else kind(row[name])
                stated[name] = "" if stated[name] == EMPTY else stated[name]
            except ValueError as error:
                raise InputError(f"{place} has {name} {row[name]}: expected a {kind.__name__}") from error
    config = dataclasses.replace(preset_of(stated["preset"]), **stated)
    known = {"recipe": describe(config), "step": config.updates, "images": config.images(config.updates)}
    return known | row | dataclasses.asdict(config) | {"directory": None}


def _read_directory(directory: Path) -> dict[str, Any]:
    config, metrics = records.read_config(directory), _read_table(directory, "metrics")
    if "info_categorical_nats" not in metrics:
        path = directory / "metrics.csv"
        about = (
            f"{path} is damaged (it has no L_I): {RESTORED}"
            if path.exists()
            else f"there is no {path}: give the directory of a run"
        )
        raise InputError(about)
    step, bound = int(metrics.step.iloc[-1]), metrics.info_categorical_nats
    row = {"run": directory.resolve().name, "directory": directory, "recipe": describe(config)}
    row |= dataclasses.asdict(config) | {"step": step, "images": config.images(step)}
    row["info_categorical_nats"] = float(bound.iloc[-1])
    row["info_categorical_nats_last_tenth"] = float(bound[-max(1, len(bound) // 10) :].mean())
    evaluation, quality = records.read_evaluation(directory), _read_json(directory / "quality.json")
    for name in MEASURES if "accuracy" in evaluation else ():
        row[name] = evaluation.get(name, np.nan)
        row[f"{name}_low"], row[f"{name}_high"] = evaluation.get(f"{name}_ci95", (np.nan, np.nan))
    row |= {name: evaluation[name] for name in (*BOUNDS, "spread", "q_fails") if name in evaluation}
    row |= {column: quality[name] for name, column in QUALITY.items() if name in quality}
    if shown := quality.get("shown"):
        row["worst_row"] = _worst_row(np.array(shown))
    row |= _morphology(_read_json(directory / "figures" / "morphology.json"), config)
    panels = [_matches(figure, directory) for figure in PANELS]
    collapsed = [measured["collapsed"] for measured in (evaluation, quality, *panels) if "collapsed" in measured]
    for matched in panels:
        row |= matched
    return row | ({"collapsed": any(collapsed)} if collapsed else {}) | _origin(directory, config)


def _read_json(path: Path) -> dict[str, Any]:
    """Empty where there is no such file."""
    return records.read_json(path) if path.exists() else {}


def _read_table(directory: Path, name: str) -> pd.DataFrame:
    """A CSV file of a run directory; empty where there is none. Raises InputError where a cell is no number."""
    path = directory / f"{name}.csv"
    table = pd.DataFrame(records.Table(path).rows()).replace("", np.nan)
    for column in table.columns.drop(FLAGS, errors="ignore"):
        try:
            table[column] = pd.to_numeric(table[column])
        except (TypeError, ValueError) as error:
            raise InputError(f"{path} is damaged ({column} has no numbers): {RESTORED}") from error
    for flag in table.columns.intersection(FLAGS):
        table[flag] = table[flag].map({"True": True, "False": False})
    if len(table) and ("step" not in table or table.step.isna().any()):
        raise InputError(f"{path} is damaged (a row has no step): {RESTORED}")
    return table


def _worst_row(shown: np.ndarray) -> float:
    """Of the digit that has the worst row: the share of a category's images that show it, of its best category.

    shown: generated images by category and by the label that a classifier gives them, int [categories, labels].
    """
    return float((shown / shown.sum(1, keepdims=True)).max(0).min())


def _morphology(content: dict[str, Any], config: Config) -> dict[str, float]:
    """Of `infogan morphology`: partial correlations, such as c2_slant and, of codes beyond [-1, 1], c2_slant_beyond;
    and how often a classifier agrees with the category, agreement and c2_agreement_beyond."""
    codes = [f"c{code + 1}" for code in Latent(config.codes, config.noise).single_codes(Continuous)]
    row = {}
    for one in content.get("correlations", []):
        row[f"{codes[one['code']]}_{one['measure']}" + "_beyond" * (one["where"] == "beyond")] = one["effect"]
    for one in content.get("agreement", []):
        number = one["where"].split()[1] if one["where"] != "within" else None
        row["agreement" if number is None else f"{codes[int(number)]}_agreement_beyond"] = one["agreement"]
    return row


def _matches(figure: str, directory: Path) -> dict[str, Any]:
    """Of a figure of this run alone and each of its panels: the factor, and MATCH; such as figure6_glasses_normalised.

    Left out are figures of earlier versions, whose information was not compared with untrained networks'.
    """
    row: dict[str, Any] = {}
    for one in _read_json(directory / "figures" / f"{figure}.json").get("verdicts", []):
        if one["run"] == directory.resolve().name and "null" in one:
            numbers = {"normalised": one["normalised"]} | one["traversal"]
            known = {"factor": one["factor"]} | {name: numbers[name] for name in MATCH if name in numbers}
            row |= {f"{figure}_{one['panel'].replace(' ', '-')}_{name}": value for name, value in known.items()}
            row["collapsed"] = one["collapsed"]
    return row


def _origin(directory: Path, config: Config) -> dict[str, str]:
    """When a run was started (UTC), on which hardware as far as it was recorded, and from which commit."""
    made = records.read_json(directory / "config.json").get("provenance", {})
    host = made.get("host", {})
    processor = host.get("processor", f"{host.get('cpus', '?')} cores of {host.get('platform', 'an unknown platform')}")
    hardware = host.get("gpu", processor) if config.device.startswith("cuda") else processor
    return dict(zip(ORIGIN, (made.get("time") or "", hardware, made.get("commit") or ""), strict=True))


def config_of(row: pd.Series) -> Config:
    """The configuration of a row of `read_runs`."""
    return Config(**{name: row[name].item() if hasattr(row[name], "item") else row[name] for name in FIELDS})


def read_curves(paths: Iterable[Path]) -> pd.DataFrame:
    """A row for each logged update and each evaluation. paths: as for `read_runs`; runs have the names they have there.

    Columns: run; table, one of TABLES; step; and the columns of those tables.
    """
    given = list(dict.fromkeys(paths))
    runs = read_runs(given)
    parts = []
    for row in runs[runs.directory.notna()].itertuples():
        for name in TABLES:
            if len(table := _read_table(row.directory, name)):
                parts.append(table.assign(run=row.run, table=name))
    for path in given:
        if not (path / "config.json").exists():
            parts.append(_read_csv((path if path.is_dir() else path.parent) / CURVES, "run", "table", "step"))
    table = pd.concat(parts, ignore_index=True)
    return table[["run", "table", *table.columns.drop(["run", "table"])]]


def metrics_of(curves: pd.DataFrame, run: str, table: str = "metrics") -> pd.DataFrame:
    """One table of one run, its empty columns left out. Raises InputError where it has no rows of metrics."""
    found = curves[(curves.run == run) & (curves.table == table)].dropna(axis=1, how="all").reset_index(drop=True)
    if found.empty and table == "metrics":
        raise InputError(f"{CURVES} has no rows of {run}: give a result folder with all curves")
    return found


def entropy_of(config: Config) -> float:
    """H(c) of the categorical codes in nats; 0 where there are none."""
    return Latent(config.codes, config.noise, config.q_std).entropy[0]


def smoothed_bound(metrics: pd.DataFrame, updates: int = SMOOTHING) -> pd.Series:
    """L_I of the categorical codes (nats), a running mean over so many updates, by row of a run's metrics."""
    log_every = int(metrics.step.diff().median()) if len(metrics) > 1 else updates
    return metrics.info_categorical_nats.rolling(max(1, updates // log_every), min_periods=1, center=True).mean()


def running_mean(values: pd.Series) -> pd.Series:
    """Over a hundredth of the rows."""
    return values.rolling(max(1, len(values) // 100), min_periods=1).mean()


def loss_ends(metrics: pd.DataFrame) -> dict[str, float]:
    """Mean losses over the first and over the last tenth of a log's rows, and the last row's update."""
    tenth = max(1, len(metrics) // 10)
    ends: dict[str, float] = {"updates": int(metrics.step.iloc[-1])}
    for column in ("loss_d", "loss_g"):
        ends[f"{column}_first_tenth"] = float(metrics[column][:tenth].mean())
        ends[f"{column}_last_tenth"] = float(metrics[column][-tenth:].mean())
    return ends


def write(folder: Path, runs: pd.DataFrame, curves: pd.DataFrame) -> None:
    """Write RUNS and CURVES of a result folder. Of the configuration, RUNS has what identifies a run and what differs
    from the preset in any of them."""
    made = [(preset_of(run.preset), run) for run in runs.itertuples()]
    fields = [name for name in FIELDS if name not in RUNTIME_FIELDS]
    differs = [name for name in fields if any(getattr(preset, name) != getattr(run, name) for preset, run in made)]
    first = ["run", "dataset", "preset", "codes", "seed", "updates", "precision"]
    dropped = {"directory", *FIELDS} - {*first, *differs}
    if runs.recipe.eq([describe(config_of(row)) for _, row in runs.iterrows()]).all():
        dropped.add("recipe")  # it follows from the fields
    kept = runs.drop(columns=list(dropped)).dropna(axis=1, how="all")
    kept = kept[[*first, *kept.columns.drop(first)]].replace({name: {"": EMPTY} for name in differs})
    records.write_atomic(folder / RUNS, kept.to_csv(index=False))
    text = curves.to_csv(index=False, float_format="%.6g")
    records.write_atomic(folder / CURVES, gzip.compress(text.encode(), mtime=0))
