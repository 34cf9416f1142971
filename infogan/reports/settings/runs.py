"""The runs that are compared, one a row: from run directories and from CSV files."""

import dataclasses
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from infogan import records
from infogan.codes import Latent
from infogan.config import Config
from infogan.errors import InputError
from infogan.presets import ALIASES, PRESETS, changed_fields, describe
from infogan.reports import common

NEAR = 0.1
"""Images seen may differ by this share: a batch size cuts them to whole updates."""
BOUND = "info_categorical_nats_last_tenth"
"""L_I of the categorical codes (nats), the mean over the last tenth of a run's updates."""
FORMER = {"warm_up": "pretraining", "test_accuracy": "accuracy", "test_majority_accuracy": "majority_accuracy"}
"""Columns of CSV files, and their present names."""
WRITTEN = {
    "run",
    "dataset",
    "preset",
    "precision",
    "setting",
    "value",
    "seed",
    "images",
    "accuracy",
    "majority_accuracy",
}
"""Columns of the settings.csv of this command, those of single kinds of runs left out."""
FIELDS = {field.name: type(getattr(Config(), field.name)) for field in dataclasses.fields(Config)}


class Run(NamedTuple):
    """A run whose configuration is known. place: what names it in an error; name: its directory's, where it has one."""

    place: str
    config: Config
    result: dict[str, Any]
    commit: str
    name: str = ""


def collect(paths: tuple[Path, ...], where: tuple[str, ...] = ()) -> pd.DataFrame:
    """A row for each run. where: as in Options. Raises InputError where they are not comparable."""
    found = [from_csv(path, where) if path.is_file() else [from_directory(path)] for path in paths]
    runs = [run for one in found if isinstance(one, list) for run in one]
    made = [pd.DataFrame(rows(runs))] if runs else []
    table = pd.concat([*made, *(one for one in found if isinstance(one, pd.DataFrame))], ignore_index=True)
    table = table.dropna(axis=1, how="all")
    for column in ("dataset", "preset", "recipe", "precision"):
        if table[column].nunique() > 1:
            values = ", ".join(sorted(table[column].unique()))
            raise InputError(f"the runs differ in {column}, {values}: give those of one (--where picks rows of a CSV)")
    least, most = table.images.min(), table.images.max()
    if least < (1 - NEAR) * most:
        raise InputError(f"the runs saw from {least:,} to {most:,} images: give those that saw equally many")
    if (again := table.duplicated(["setting", "value", "seed"])).any():
        raise InputError(f"{table.run[again].iloc[0]} repeats a seed: give each once")
    if (table.setting == "").sum() < 2 or table.setting.nunique() < 2:
        raise InputError(
            "give two runs or more of the preset itself, and runs that change a setting (a grid of `infogan sweep`)"
        )
    return table


def from_directory(directory: Path) -> Run:
    """The run of a run directory. Raises InputError where it is not finished."""
    if not (directory / "evaluation.json").exists():
        raise InputError(
            f"there is no {directory / 'evaluation.json'}: give the directories of finished runs, or CSV files"
        )
    result, bound = records.read_json(directory / "evaluation.json"), np.nan
    if (directory / "metrics.csv").exists():
        logged = common.read_metrics(directory).info_categorical_nats
        bound = float(logged[-max(1, len(logged) // 10) :].mean())
    commit = records.read_json(directory / "config.json").get("provenance", {}).get("commit", "")
    return Run(str(directory), records.read_config(directory), result | {BOUND: bound}, commit, directory.name)


def from_csv(path: Path, where: tuple[str, ...]) -> pd.DataFrame | list[Run]:
    """The rows of a settings.csv as they are, or the runs of another CSV file, see Options. Raises InputError."""
    table = _picked(_read(path), path, where)
    places = [f"{path}, row {row + 1}," for row in table.index]
    for place, name in zip(places, table.preset):
        if ALIASES.get(name, name) not in PRESETS:
            raise InputError(f"{place} has the preset {name}; allowed: {', '.join(PRESETS)}")
    if WRITTEN <= set(table.columns):
        table["setting"] = table.setting.fillna("")
        if "recipe" not in table:  # a table of an earlier version
            table.insert(table.columns.get_loc("preset") + 1, "recipe", table.preset)
        cells = zip(places, table.setting, table.value)
        table["value"] = [_typed(place, name, value) if name else "" for place, name, value in cells]
        return table
    lines = table.rename(columns=FORMER).to_dict("records")
    return [_of_line(place, line) for place, line in zip(places, lines)]


def _typed(place: str, name: str, value: Any) -> Any:
    """A field's value, as its type. Raises InputError where there is no such field, or the value is none of it."""
    if name not in FIELDS:
        raise InputError(f"{place} has the setting {name}, which is no field of a configuration")
    try:
        return FIELDS[name](value)
    except ValueError as error:
        raise InputError(f"{place} has {name} {value}: give a value of type {FIELDS[name].__name__}") from error


def _read(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path)
    except ValueError as error:  # for what is no table pandas raises kinds of ValueError
        raise InputError(f"{path} is not a CSV file of runs: give one, or run directories") from error
    for needed in (WRITTEN, {"preset", "seed", "updates", "test_accuracy", "test_majority_accuracy"}):
        if needed <= set(table.columns):
            return table
    raise InputError(
        f"{path} has the columns {', '.join(map(str, table.columns))}: give a settings.csv of this command, or a table "
        "with preset, seed, updates, test_accuracy and test_majority_accuracy"
    )


def _picked(table: pd.DataFrame, path: Path, where: tuple[str, ...]) -> pd.DataFrame:
    """The rows that --where asks for."""
    for text in where:
        column, _, values = text.partition("=")
        if column not in table or not values:
            raise InputError(
                f"where has {text!r}; give COLUMN=VALUE,VALUE, where COLUMN is one of {', '.join(table.columns)}"
            )
        present = table[column].astype(str)
        if unknown := sorted(set(values.split(",")) - set(present)):
            raise InputError(
                f"where has {text!r}, but no row of {path} has {', '.join(unknown)}; "
                f"there are: {', '.join(sorted(set(present)))}"
            )
        table = table[present.isin(values.split(","))]
    return table


def _of_line(place: str, line: dict[str, Any]) -> Run:
    """The run of a line whose columns are fields of a configuration; what it does not say is the preset's."""
    name = ALIASES.get(line["preset"], line["preset"])
    stated = {field: _typed(place, field, line[field]) for field in FIELDS if field in line and field != "preset"}
    return Run(place, dataclasses.replace(PRESETS[name][0], **stated), line, line.get("commit", ""))


def rows(runs: list[Run]) -> list[dict[str, Any]]:
    """A row for each run: which setting it changes (none: the preset itself), to what, and its accuracy on test images.

    What all runs change belongs to what they are compared with, where some change more. Raises InputError where one has
    no accuracy, or changes more than one setting beside that.
    """
    changed = [set(changed_fields(run.config).items()) for run in runs]
    shared = set.intersection(*changed)
    if all(one == shared for one in changed):  # nothing else: it is the setting, of runs that a table is joined with
        shared = set()
    return [_row(run, dict(shared)) for run in runs]


def _row(run: Run, shared: dict[str, Any]) -> dict[str, Any]:
    config, result = run.config, run.result
    changed = {name: value for name, value in changed_fields(config).items() if name not in shared}
    if len(changed) > 1 or pd.isna(result.get("accuracy")):
        raise InputError(
            f"{run.place} changes {', '.join(changed) or 'nothing'}, and its accuracy is {result.get('accuracy')}: "
            "give runs on labelled data that change one setting at most"
        )
    [(setting, value)] = changed.items() or [("", "")]
    dataset, entropy = Path(config.dataset).stem, Latent(config.codes, config.noise).entropy[0]
    label = f"{config.preset}-{setting}={value}" if setting else config.preset
    bound = result.get(BOUND, np.nan)
    return {
        "run": run.name or f"{dataset}-{label}-seed{config.seed}",
        "dataset": dataset,
        "preset": config.preset,
        "recipe": describe(config, *changed),
        "precision": config.precision,
        "setting": setting,
        "value": value,
        "seed": config.seed,
        "images": config.images(config.updates),
        "accuracy": result["accuracy"],
        "majority_accuracy": result["majority_accuracy"],
        "bound_share": round(bound / entropy, 5) if entropy else np.nan,
        "commit": run.commit or None,
    }
