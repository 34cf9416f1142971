"""The scorecard: which claims of the paper and of the blog replicate, as numbers over seeds, each by a stated rule.

Reads result folders (`infogan measure --out`) and run directories. C5 and C6 need what `infogan morphology` measures,
C9 to C12 figures 3 to 6 of each run, C8 runs with other values of lambda_categorical, C7 a benchmark's JSON. A claim
that none of them concerns is left out. Writes scorecard.md, .csv and .png, and in scorecard-runs.csv each run that was
judged, with its length, its hardware and its number.

Example:
  python analysis/claims.py analysis/results/authors-mnist analysis/results/iic-mnist \\
    --benchmark analysis/results/benchmark/cpu.json --out analysis/results
"""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import tyro

from infogan import records
from infogan.reports import common
from infogan.reports.claims.rows import COLUMNS, LISTED, cost_row, judge, lambda_rows, over_seeds, read
from infogan.reports.claims.scorecard import draw, markdown
from infogan.utils.errors import InputError
from infogan.utils.options import Unset


@dataclass(frozen=True)
class Options:
    """The command line."""

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Result folders and run directories, of any datasets and presets."""
    benchmark: Unset[Path] = None
    """JSON of experiments/benchmark.py, for C7."""
    out: Path = Path(".")
    """Folder for the scorecard."""


def main() -> None:
    """Write the scorecard and print it."""
    options = tyro.cli(Options, description=__doc__)
    runs = read(options.runs)
    judged = judge(runs)
    rows = over_seeds(judged) + lambda_rows(runs) + ([cost_row(options.benchmark)] if options.benchmark else [])
    if not rows:
        raise InputError("no claim can be checked on what is given: give runs of the presets on mnist, or a benchmark")
    rows.sort(key=lambda row: ("CBO".index(row["claim"][0]), int(row["claim"][1:])))
    table = pd.DataFrame(rows, columns=COLUMNS).fillna({"length": "", "never": 0, "also": ""}).astype({"never": int})
    for name, text in (
        ("scorecard.csv", table.to_csv(index=False)),
        ("scorecard-runs.csv", judged.loc[~judged.collapsed.astype(bool), LISTED].to_csv(index=False)),
        ("scorecard.md", markdown(table)),
    ):
        records.write_atomic(options.out / name, text)
    draw(table, options.out / "scorecard.png")
    print(common.as_text(table[["claim", "says", "by", "mean", "low", "high", "holds", "of", "verdict"]]))
    print(f"wrote {options.out / 'scorecard.md'}, .csv and .png")
