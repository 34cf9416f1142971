"""The scorecard: which claims of the paper and of the blog replicate, as numbers over seeds, each by a stated rule.

Reads run directories, with the JSON files of morphology and of figures 3 to 6 in them (figures/morphology.json,
figures/figure3.json to figure6.json), a benchmark's JSON and tables of settings. A claim that none of them concerns
is left out. Writes scorecard.md, .csv and .png, and in scorecard-runs.csv each run that was judged, with its length,
its hardware and its number.

Example:
  python analysis/claims.py analysis/results/{authors,blog,mnist,iic-variants,others}/*-seed*/ \\
    --benchmark analysis/results/benchmark/cpu.json --settings analysis/results/{mnist,digits}-settings/settings.csv \\
    --out analysis/results
"""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import tyro

from infogan import records
from infogan.errors import InputError
from infogan.reports import common
from infogan.reports.claims.panels import list_panels, panel_rows
from infogan.reports.claims.rows import cost_row, lambda_row, list_runs, rows_over_seeds
from infogan.reports.claims.rules import RULES, RunRecord, read
from infogan.reports.claims.scorecard import draw, markdown


@dataclass(frozen=True)
class Options:
    """The command line."""

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Run directories, of any datasets and presets."""
    benchmark: Path | None = None
    """JSON of experiments/benchmark.py, for C7."""
    settings: tuple[Path, ...] = ()
    """settings.csv of analysis/settings.py, of one dataset or of several, for C8."""
    out: Path = Path(".")
    """Folder for the scorecard."""


def collect(options: Options, runs: list[RunRecord]) -> pd.DataFrame:
    """A row for each claim and each preset, benchmark, table or figure on which it is checked.

    In order: the paper's claims (C), the blog's (B), ours (O). Raises InputError where nothing can be checked.
    """
    rows = [row for rule in RULES for row in rows_over_seeds(rule, runs)]
    if options.benchmark is not None:
        rows.append(cost_row(options.benchmark))
    rows += [lambda_row(path) for path in options.settings]
    rows += panel_rows(runs)
    if not rows:
        raise InputError(
            "no claim can be checked on what is given: give runs of the presets on mnist, a benchmark or settings"
        )
    rows.sort(key=lambda row: ("CBO".index(row["claim"][0]), int(row["claim"][1:])))
    return pd.DataFrame(rows)


def main() -> None:
    """Write the scorecard and print it."""
    options = tyro.cli(Options, description=__doc__)
    runs = [read(directory) for directory in options.runs]
    table = collect(options, runs)
    records.write_atomic(options.out / "scorecard.csv", table.to_csv(index=False))
    judged = pd.DataFrame(list_runs(runs) + list_panels(runs))
    records.write_atomic(options.out / "scorecard-runs.csv", judged.to_csv(index=False))
    records.write_atomic(options.out / "scorecard.md", markdown(table))
    draw(table, options.out / "scorecard.png")
    print(common.as_text(table[["claim", "says", "by", "mean", "low", "high", "holds", "of", "verdict"]]))
    print(f"wrote {options.out / 'scorecard.md'}, .csv and .png")
