"""What each setting does to the accuracy: runs of a preset, and of the preset with one setting changed, over seeds.

Reads what `a grid of `infogan sweep`` trained, or CSV files with a row for each run: a settings.csv of this
command, or one whose columns are preset, seed, updates, test_accuracy, test_majority_accuracy and whatever fields of a
configuration differ. What all runs change in the preset belongs to what the values are compared with.

Writes settings.csv (a row for each run), settings-values.csv (for each value the mean over seeds, its difference from
the preset's own value by a mixed model, p-values, and the difference that so many seeds can show), settings-model.json
(the spreads that the model finds, and how many seeds smaller differences need) and settings.png.

Examples:
  python analysis/settings.py runs/digits-authors* --out figures/digits-settings
  python analysis/settings.py analysis/results/h200/mnist_h200.csv --where "why=settings,ten seeds"
"""

from dataclasses import asdict, dataclass
from pathlib import Path

import tyro

from infogan import records
from infogan.errors import InputError
from infogan.reports import common


@dataclass(frozen=True)
class Options:
    """The command line."""

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Run directories, or CSV files of runs, of one dataset and one preset."""
    where: tuple[str, ...] = ()
    """COLUMN=VALUE,VALUE ...: only those rows of the CSV files that have one of the values in the column."""
    out: Path = Path("figures/settings")
    """Folder for the tables and the picture."""


def main() -> None:
    """Write the tables and the picture, and print the table of values."""
    options = tyro.cli(Options, description=__doc__)
    if not options.runs:
        raise InputError("give run directories, such as runs/digits-authors*, or a CSV file of runs")

    from infogan.reports.settings.comparison import compare
    from infogan.reports.settings.picture import draw
    from infogan.reports.settings.runs import collect

    table = collect(options.runs, options.where)
    values, model = compare(table)
    options.out.mkdir(parents=True, exist_ok=True)
    records.write_atomic(options.out / "settings.csv", table.to_csv(index=False))
    records.write_atomic(options.out / "settings-values.csv", values.to_csv(index=False))
    if model is not None:
        records.write_json(options.out / "settings-model.json", asdict(model))
    draw(table, values, options.out / "settings.png")
    print(common.as_text(values, missing=""))
    print(model.describe() if model else "no value has two runs: there are no differences")
    print(f"wrote {options.out / 'settings.png'} and the tables beside it")
