"""What each setting does to the accuracy: runs of a preset, and of the preset with one setting changed, over seeds.

Reads run directories, such as `infogan sweep --sampler grid` trains, and result folders (`infogan measure --out`).
What all runs change in the preset belongs to what the values are compared with.

Writes settings-values.csv (for each value the mean over seeds, its difference from the preset's own value by a mixed
model, p-values, and the difference that so many seeds can show), settings-model.json (the spreads that the model finds,
and how many seeds smaller differences need) and settings.png.

Example:
  python analysis/settings.py runs/digits-authors* --out figures/digits-settings
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
    """Run directories and result folders, of one dataset and one preset."""
    out: Path = Path("figures/settings")
    """Folder for the tables and the picture."""


def main() -> None:
    """Write the tables and the picture, and print the tables."""
    options = tyro.cli(Options, description=__doc__)
    if not options.runs:
        raise InputError("give run directories, such as runs/digits-authors*, or result folders")

    from infogan.reports.settings.comparison import collect, compare
    from infogan.reports.settings.picture import draw

    runs = collect(options.runs)
    values, model = compare(runs)
    options.out.mkdir(parents=True, exist_ok=True)
    records.write_atomic(options.out / "settings-values.csv", values.to_csv(index=False))
    print(common.as_text(values, missing=""))
    if model is not None:
        records.write_json(options.out / "settings-model.json", asdict(model))
        print("\n".join(f"{name}: {value}" for name, value in asdict(model).items()))
    draw(runs, values, options.out / "settings.png")
    print(f"wrote {options.out / 'settings.png'} and the tables beside it")
