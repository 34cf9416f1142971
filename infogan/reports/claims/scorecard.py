"""The scorecard as Markdown and as a picture."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from infogan import records, style
from infogan.metrics.clustering import share_interval
from infogan.reports.claims import rows as verdicts

VERDICTS = {
    verdicts.REPLICATES: (style.GREEN, "o"),
    verdicts.HOLDS: (style.GREEN, "P"),
    verdicts.UNDECIDED: (style.ORANGE, "^"),
    verdicts.DOES_NOT: (style.VERMILION, "X"),
    verdicts.DOES_NOT_HOLD: (style.VERMILION, "X"),
    verdicts.SHORT: (style.GREY, "s"),
    verdicts.OTHER_DATA: (style.GREY, "v"),
    verdicts.NOT_TESTED: (style.GREY, "D"),
    verdicts.COLLAPSED: (style.GREY, "x"),
}
"""Colour and marker of each."""
DIGITS = {"updates": ",.0f", "digits": ".1f", "accuracy": ".3f"}


def markdown(table: pd.DataFrame) -> str:
    """The scorecard as a table, with its rules."""
    lines = ["| claim | it says | checked on | our number | holds in | verdict |", "|---|---|---|---|---|---|"]
    for _, rows in table.groupby(["claim", "says"], sort=False):
        lines += [f"| {' | '.join(_cells(row))} | **{row.verdict}** |" for row in rows.itertuples()]
    rules = [f"- {', '.join(part.claim.unique())}: {rule}" for rule, part in table.groupby("rule", sort=False)]
    note = (
        "Means over seeds with 95 % Student-t intervals (C7: ratios of medians, with those that their ranges over "
        "repeats allow; C8: a difference of means, with Welch's interval; rules of several parts: the share of seeds, "
        "with Wilson's interval)."
    )
    summary = "<details><summary>The rules</summary>"
    return "\n".join([*lines, "", note, "", summary, "", *rules, "", "</details>", ""])


def _cells(row: Any) -> list[str]:
    """claim, says, by, number and share of one row of the table."""
    digits = DIGITS.get(row.number, ".2f")
    number = "never"
    if np.isfinite(row.mean):
        number = f"{row.mean:z{digits}}"  # z: never -0.00
        if np.isfinite(row.low):
            number += f" [{row.low:z{digits}}, {row.high:z{digits}}]"
        number += f" {row.number}" + (f", never in {row.never}" if row.never else "")
        number += f"; {row.also}" if row.also else ""
    return [row.claim, row.says, row.by, number, f"{row.holds} of {row.of}"]


@style.drawing()
def draw(table: pd.DataFrame, path: Path) -> None:
    """Share of seeds (batch sizes, datasets) in which each rule holds, with Wilson's 95 % interval.

    Rows of one claim stand together.
    """
    rows = _shares(table)
    height = 0.235 * len(rows) + 1.1
    figure = style.new_figure(10, height)
    figure.set_layout_engine("none")
    axes = figure.add_axes((0.58, 0.6 / height, 0.4, 1 - 1.05 / height))  # the left half is text
    of_axes, last = axes.get_yaxis_transform(), ""
    for y, row in enumerate(rows):
        if row["seeds"] and row["of"]:  # of batch sizes and of datasets an interval would mean nothing
            axes.plot(share_interval(row["holds"], row["of"]), [y, y], color="#D5DBE3", lw=5, solid_capstyle="butt")
        colour, marker = VERDICTS[row["verdict"]]
        axes.plot(row["holds"] / max(row["of"], 1), y, marker, color=colour, markersize=7, clip_on=False)
        if row["says"] != last:
            axes.axhline(y - 0.5, color="#E3E6EA", linewidth=0.8, xmin=-1.43, clip_on=False)
            axes.text(
                -1.42,
                y,
                f"{row['claim']}  {row['says'].replace('L_I', '$L_I$')}",
                transform=of_axes,
                va="center",
                fontsize=8,
            )
        axes.text(-0.03, y, row["by"], transform=of_axes, va="center", ha="right", fontsize=8, color=style.GREY)
        last = row["says"]
    used = {row["verdict"] for row in rows}
    for verdict, (colour, marker) in ((name, shown) for name, shown in VERDICTS.items() if name in used):
        axes.plot([], [], marker, color=colour, label=verdict)
    axes.legend(ncols=len(used), loc="lower right", bbox_to_anchor=(1.02, 1), columnspacing=1.2, handletextpad=0.2)
    axes.set(xlim=(-0.03, 1.03), ylim=(len(rows) - 0.5, -0.5), yticks=[])
    axes.set_xlabel("share in which the rule holds; grey: 95 % interval")
    axes.grid(axis="y", visible=False)
    axes.spines["left"].set_visible(False)
    with records.replacing(path) as file:
        style.save(figure, file)


def _shares(table: pd.DataFrame) -> list[dict]:
    """claim, says (without its place in the paper), by, holds, of and verdict of each line of the picture; seeds:
    whether the share is one of seeds. by names the length where runs of one setting have several."""
    out = []
    for _, rows in table[table.verdict != verdicts.SELECTED].groupby(["claim", "says"], sort=False):
        for row in rows.itertuples():
            by, seeds = row.setting, row.claim not in ("C7", "C8")
            if (rows.setting == by).sum() > 1 and row.length:
                by += f", {row.length}"
            by += f", {row.of} seed{'s' if row.of > 1 else ''}" if seeds else ""
            about = {"claim": row.claim, "says": row.says.partition(" (")[0], "by": by, "seeds": seeds}
            out.append(about | {"holds": row.holds, "of": row.of, "verdict": row.verdict})
    return out
