"""List the runs below a folder: what each is, how far it came, and the accuracy of its codes.

Examples:
  python experiments/list.py                       # runs/ and studies/
  python experiments/list.py studies/digits --csv trials.csv
"""

from dataclasses import dataclass
from pathlib import Path

import tyro

from infogan.utils.errors import InputError, printable
from infogan.utils.options import Unset

USUAL = (Path("runs"), Path("studies"))


@dataclass(frozen=True)
class Options:
    """The command line."""

    folders: tyro.conf.Positional[tuple[Path, ...]] = USUAL
    """Folders to look in, at any depth."""
    csv: Unset[Path] = None
    """Also write the table here."""


FILES = ("status.json", "metrics.csv", "pretraining.csv")
"""A folder with a config.json and one of them is a run; one that crashed at once has the first alone."""


def describe(directory: Path) -> dict[str, str]:
    """A row of the table, from the run's small files alone; a run that cannot be read has the reason as its status."""
    try:
        return {"run": str(directory), **_describe(directory)}
    except (InputError, OSError) as error:
        return {"run": str(directory), "status": f"unreadable: {error}"}


def _describe(directory: Path) -> dict[str, str]:
    from infogan import records

    config, status = records.read_config(directory), records.read_optional(directory / "status.json")
    name, step = status.get("status", "new"), status.get("step", 0)
    if name == "running":
        name = "running" if records.is_locked(directory) else "killed"
        rows = records.Table(directory / "metrics.csv").rows()
        step = rows[-1]["step"] if rows else step
    reached = f"{step:,} of {config.updates:,}"
    if "pretraining_step" in status:
        reached = f"pretraining {status['pretraining_step']:,} of {config.pretraining:,}"
    out = {
        "dataset": Path(config.dataset).stem,
        "preset": config.preset + (f", {config.labelled} labels" if config.labelled else ""),
        "codes": config.codes,
        "seed": str(config.seed),
        "status": {"stopped": "pruned"}.get(name, name),
        "updates": reached,
    }
    test, rows = records.read_evaluation(directory), records.Table(directory / "evaluations.csv").rows()
    last = rows[-1] if rows else {}
    if last.get("collapsed"):
        out["generator"] = "collapsed"
    elif last.get("q_fails"):
        out["generator"] = "drawing; Q fails in evaluation mode"
    if last.get("accuracy") is not None:
        out["validation"] = f"{last['accuracy']:.3f}"
    if "accuracy" in test:
        out["test"] = f"{test['accuracy']:.3f}"
    return out


def as_text(cell: str) -> str:
    """A cell of a CSV file that a spreadsheet takes for text: one that begins like a formula is quoted."""
    return f"'{cell}" if cell.startswith(tuple("=+-@\t\r")) else cell


def main() -> None:
    """Print the table. Raises InputError where a folder is missing or holds no run."""
    options = tyro.cli(Options, description=__doc__)

    import pandas as pd

    from infogan import records

    for folder in options.folders:
        if not folder.is_dir() and options.folders != USUAL:
            raise InputError(f"there is no folder {folder}: give one that holds runs, such as runs")
    configs = [file for folder in options.folders for file in folder.rglob("config.json")]
    found = sorted(file.parent for file in configs if any((file.parent / name).exists() for name in FILES))
    if not found:
        folders = ", ".join(map(str, options.folders))
        raise InputError(f"no run in {folders}: make one by infogan train authors --dataset digits")
    columns = ["run", "dataset", "preset", "codes", "seed", "status", "updates", "generator", "validation", "test"]
    table = pd.DataFrame([describe(directory) for directory in found], columns=columns, dtype=object).fillna("")
    print(table.map(printable).to_string(index=False))
    if options.csv is not None:
        records.write_atomic(options.csv, table.map(as_text).to_csv(index=False))
        print(f"wrote {options.csv}")
