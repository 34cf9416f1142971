"""The scorecard as Markdown and as a picture."""

import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch, Rectangle

from infogan import records
from infogan.reports.claims import rows as verdicts
from infogan.reports.claims.rules import CLAIMS
from infogan.utils import style

VERDICTS = {
    verdicts.REPLICATES: style.GREEN,
    verdicts.HOLDS: style.GREEN,
    verdicts.UNDECIDED: style.ORANGE,
    verdicts.DOES_NOT: style.VERMILION,
    verdicts.DOES_NOT_HOLD: style.VERMILION,
}
"""Colour of each; of those that judge nothing grey."""
MARKS = {
    style.GREEN: ("✓", "replicates, holds"),
    style.ORANGE: ("?", "undecided"),
    style.VERMILION: ("✗", "does not"),
    style.GREY: ("", "not judged"),
}
"""Of each colour."""
DIGITS = {"updates": ",.0f", "digits": ".1f", "accuracy": ".3f"}
LABEL, CELL, LINE = 1.95, 0.49, 0.135
"""Inches of the picture's left column, of a cell's width and of a line of text: it is read on a telephone as well."""
DPI = 180


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
    """A matrix of claims and presets: in each cell the number that decides, with its interval; the threshold is below
    the claim. Claims that were checked on other data than the source's stand apart."""
    shown = table[table.verdict != verdicts.SELECTED]
    alone = shown.groupby(["claim", "says", "setting"]).by.transform("nunique") == 1
    columns = shown.setting.where(alone, shown.by).where(shown.claim != "C7", "authors")  # the benchmark's preset
    shown = shown.assign(column=[textwrap.fill(name, 9) for name in columns])
    apart = shown.verdict == verdicts.OTHER_DATA
    blocks = [
        _Block(shown[~apart], ""),
        _Block(shown[apart].assign(column="measured"), "not on the source's data: not judged"),
    ]
    width = LABEL + CELL * max(5, *(len(block.columns) for block in blocks)) + 0.05
    height = sum(block.height for block in blocks) + 3.4 * LINE
    figure = style.new_figure(width, height)
    figure.set_layout_engine("none")
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    top = 0.0
    for block in blocks:
        block.draw(axes, top, width)
        top += block.height
    used = dict.fromkeys(VERDICTS.get(verdict, style.GREY) for verdict in shown.verdict[~apart])
    handles = [Patch(color=colour, label=" ".join(MARKS[colour]).strip()) for colour in used]
    axes.legend(handles=handles, ncols=2, loc="lower center", fontsize=7.5, handlelength=1, columnspacing=1)
    with records.replacing(path) as file:
        style.save(figure, file, DPI)


class _Block:
    """A matrix of rows of the scorecard, by claim and column. A title stands above it where it has one."""

    def __init__(self, rows: pd.DataFrame, title: str):
        self.title, self.columns = title if len(rows) else "", list(dict.fromkeys(rows.column))
        claims = rows.groupby(["claim", "says", *(["by"] if title else [])], sort=False)
        self.rows = [(_label(claim.iloc[0]), claim) for _, claim in claims]
        lines = max((len(name.splitlines()) for name in self.columns), default=0)
        self.above = LINE * (2 * bool(self.title) + lines + 0.5 * bool(lines))
        self.height = self.above + sum(LINE * (len(label) + 0.8) for label, _ in self.rows)

    def draw(self, axes: Axes, top: float, width: float) -> None:
        """top: inches from the picture's upper edge."""
        axes.text(0.05, top + LINE, self.title, va="center", fontsize=8, weight="bold")
        left = {name: LABEL + CELL * i for i, name in enumerate(self.columns)}
        for name, x in left.items():
            axes.text(x + CELL / 2, top + self.above - LINE / 2, name, ha="center", va="bottom", fontsize=7.5)
        top += self.above
        for label, claim in self.rows:
            height = LINE * (len(label) + 0.8)
            axes.plot([0.05, width - 0.05], [top, top], color="#E3E6EA", linewidth=0.8)
            for i, line in enumerate(label):
                colour = style.GREY if i == len(label) - 1 else style.BLACK
                axes.text(0.05, top + LINE * (i + 0.9), line, va="center", fontsize=7.5, color=colour)
            for row in claim.itertuples():
                _draw_cell(axes, left[row.column], top, height, row)
                if self.title:
                    images = textwrap.fill(str(row.setting), 28)
                    place = (LABEL + CELL + 0.06, top + height / 2)
                    axes.text(*place, images, va="center", fontsize=6.5, color=style.GREY)
            top += height


def _label(row: pd.Series) -> list[str]:
    """The claim without its place in the paper, and in the last line the threshold."""
    claim = next(one for one in CLAIMS if one.claim == row.claim and (one.figure or one.says == row.says))
    limit = "≥ 0.5" if claim.by_share else f"{claim.sign} {claim.threshold:,g}"
    says = textwrap.wrap(f"{row.claim}  {row.says.partition(' (')[0]}", 33)
    return [*(line.replace("L_I", "$L_I$") for line in says), f"{row.number.partition(',')[0]} {limit}"]


def _draw_cell(axes: Axes, x: float, top: float, height: float, row: Any) -> None:
    colour = VERDICTS.get(row.verdict, style.GREY)
    axes.add_patch(Rectangle((x + 0.01, top + 0.02), CELL - 0.02, height - 0.04, color=colour, alpha=0.22, linewidth=0))
    middle = top + height / 2
    form = ",.0f" if abs(row.mean) >= 100 else ".2f"
    number = f"{row.mean:z{form}}" if np.isfinite(row.mean) else "never" if row.of else ""
    if np.isfinite(row.low):
        low, high = (f"{bound:z{form}}".replace(",", "").replace("0.", ".") for bound in (row.low, row.high))
        dash = "\N{THIN SPACE}–\N{THIN SPACE}" if row.low < 0 else "–"
        between = f"{low}{dash}{high}".replace("-", "\N{MINUS SIGN}")
        axes.text(x + CELL / 2, middle + 0.55 * LINE, between, ha="center", va="center", fontsize=6)
        middle -= 0.45 * LINE
    axes.text(
        x + CELL / 2,
        middle,
        f"{MARKS[colour][0]} {number}".strip(),
        ha="center",
        va="center",
        fontsize=7.5,
        weight="bold",
    )
