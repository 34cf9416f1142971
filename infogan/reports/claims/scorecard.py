"""The scorecard as Markdown and as a picture."""

import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from infogan.reports import style
from infogan.reports.claims.rows import TRAVERSALS

DIGITS = {"updates": ",.0f", "digits": ".1f", "accuracy": ".3f"}
COLOURS = {"replicates": "tab:green", "partly": "tab:orange", "does not": "tab:red"}


def markdown(table: pd.DataFrame) -> str:
    """The scorecard as a table, with its rules; the rows of one panel of figures 3 to 6 become one."""
    lines = ["| claim | it says | checked on | our number | holds in | verdict |", "|---|---|---|---|---|---|"]
    panels = {claim for claim, _ in TRAVERSALS.values()}
    for (claim, _), rows in table.groupby(["claim", "says"], sort=False):
        cells = [_merged(rows)] if claim in panels else map(_cells, rows.itertuples())
        lines += [f"| {' | '.join([claim, *row[:-1]])} | **{row[-1]}** |" for row in cells]
    rules = [f"- {', '.join(part.claim.unique())}: {rule}" for rule, part in table.groupby("rule", sort=False)]
    note = (
        "Means over seeds with 95 % Student-t intervals (C7: ratios of medians, with those that their ranges over "
        "repeats allow; C8: a difference of means, with Welch's interval)."
    )
    summary = "<details><summary>The rules</summary>"
    return "\n".join([*lines, "", note, "", summary, "", *rules, "", "</details>", ""])


def _cells(row: Any) -> list[str]:
    """says, by, number, share, verdict of one row of the table."""
    digits = DIGITS.get(row.number, ".2f")
    number = "never"
    if np.isfinite(row.mean):
        number = f"{row.mean:z{digits}}"  # z: never -0.00
        if np.isfinite(row.low):
            number += f" [{row.low:z{digits}}, {row.high:z{digits}}]"
        number += f" {row.number}" + (f", never in {row.never}" if row.never else "")
    return [row.says, row.by, number, f"{row.holds} of {row.of}", row.verdict]


def _merged(rows: pd.DataFrame) -> list[str]:
    """The same cells for all runs of a panel: from the lowest number to the highest."""
    runs_of = rows.by.str.partition(",")[0].value_counts(sort=False)
    by = ", ".join(f"{name} ({n} runs)" if n > 1 else name for name, n in runs_of.items())
    ends = dict.fromkeys(f"{value:.2f}" for value in (rows["mean"].min(), rows["mean"].max()))
    partly = (rows.verdict == "partly").sum()
    share = f"{rows.holds.sum()} of {rows.of.sum()}" + (f", partly in {partly}" if partly else "")
    verdict = rows.verdict.iloc[0] if rows.verdict.nunique() == 1 else "partly"
    return [rows.says.iloc[0], by, f"{' to '.join(ends)} {rows.number.iloc[0]}", share, verdict]


def draw(table: pd.DataFrame, path: Path) -> None:
    """Share of seeds (batch sizes, panels) in which each rule holds, with Wilson's 95 % interval."""
    figure = style.new_figure(10, 0.34 * len(table) + 1)
    axes = figure.subplots()
    labels = []
    for y, row in enumerate(table.itertuples()):
        interval = stats.binomtest(row.holds, row.of).proportion_ci(0.95, "wilson")
        axes.plot([interval.low, interval.high], [y, y], color="lightgrey", linewidth=5, solid_capstyle="butt")
        axes.plot(row.holds / row.of, y, "o", color=COLOURS[row.verdict])
        labels.append(textwrap.fill(f"{row.claim}  {row.says}, {row.by} (n = {row.of})", 95))
    axes.set_yticks(range(len(table)), labels, fontsize=7)
    axes.set(xlim=(-0.03, 1.03), xlabel="share in which the rule holds; grey: 95 % interval")
    axes.invert_yaxis()
    figure.savefig(path, dpi=style.DPI)
