"""Rows of the scorecard of figures 3 to 6 (C9 to C12): panels of runs on faces, chairs, SVHN and CelebA, over seeds."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from infogan.metrics.clustering import mean_interval
from infogan.presets import describe
from infogan.reports import common
from infogan.reports.claims import rows
from infogan.reports.claims.rules import RunRecord
from infogan.reports.runs import MATCH, preset_of

FIGURES = {
    "figure3": ("C9", "faces", ()),
    "figure4": ("C10", "chairs", ("rendered_chairs",)),
    "figure5": ("C11", "SVHN", ("svhn",)),
    "figure6": ("C12", "CelebA", ("celeba",)),
}
"""Each figure's claim, what it shows, and the datasets on which the source has it; its faces are not distributed."""
LEAST = 0.25
"""Of each number of a match.

By chance ten columns of 200 images explain half a percent of the variance.
"""
RULE = (
    "normalised mutual information of the code and the factor, beyond untrained networks and regular GANs, of "
    f"{LEAST} or more; in generated images the code explains {LEAST} or more of the factor's variance, and moves it by "
    f"{LEAST} or more of its spread over real images"
)
NUMBER = "normalised MI"


class Panel(NamedTuple):
    """What was measured of one panel of one run."""

    run: RunRecord
    figure: str
    panel: str
    factor: str
    numbers: dict[str, float]
    """MATCH; NaN where the factor cannot be estimated from generated images."""

    @property
    def holds(self) -> bool:
        """Whether the rule holds: all numbers are LEAST or more, and G has not collapsed."""
        return min(self.numbers.values()) >= LEAST and not self.run.collapsed


def panels_of(runs: Sequence[RunRecord]) -> list[Panel]:
    """Each panel of figures 3 to 6 that was measured."""
    out = []
    for run in runs:
        for column in run.row.dropna().index:
            if found := re.fullmatch(r"(figure\d)_(.+)_factor", str(column)):
                numbers = {name: run.measure(f"{found[1]}_{found[2]}_{name}") for name in MATCH}
                out.append(Panel(run, found[1], found[2].replace("-", " "), run.row[column], numbers))
    return out


def panel_rows(runs: Sequence[RunRecord]) -> list[dict]:
    """A row for each panel, dataset, recipe, length and precision; collapsed runs have rows of their own.

    Raises InputError where a seed is given twice.
    """
    groups: dict[tuple, list[Panel]] = {}
    for panel in panels_of(runs):
        config = panel.run.config
        same = (config.dataset, describe(config), config.updates, config.precision, panel.run.collapsed)
        groups.setdefault((panel.figure, panel.panel, *same), []).append(panel)
    return [_row(group) for group in groups.values()]


def list_panels(runs: Sequence[RunRecord]) -> list[dict]:
    """A row for each panel of each run that is judged: its length, its hardware, its number."""
    return [
        {"claim": FIGURES[panel.figure][0]}
        | rows.about(panel.run)
        | {"number": f"{NUMBER}, {panel.panel}", "value": panel.numbers["normalised"], "holds": panel.holds}
        for panel in panels_of(runs)
        if not panel.run.collapsed
    ]


def _row(panels: list[Panel]) -> dict:
    one, config = panels[0], panels[0].run.config
    claim, what, datasets = FIGURES[one.figure]
    factors = ", ".join(dict.fromkeys(panel.factor for panel in panels))
    setting = f"{Path(config.dataset).stem} ({common.origin_of_images(config.dataset)})"
    length = rows.length_of(one.run)
    by = f"{setting}, {describe(config)}, {length}, {config.precision}: {factors}"
    rows.check_seeds([panel.run for panel in panels], f"{by} in {one.figure}")
    intervals = {name: mean_interval([panel.numbers[name] for panel in panels]) for name in MATCH}
    mean, low, high = intervals["normalised"]
    also = "not measurable in generated images"
    if not np.isnan(explained := intervals["explained_variance"][0]):
        spread = intervals["relative_spread"][0]
        also = f"in generated images {explained:.2f} of the variance, {spread:.2f} of the spread"
    if one.run.collapsed:
        verdict = rows.COLLAPSED
    elif config.dataset not in datasets:
        verdict = rows.OTHER_DATA
    elif config.updates < preset_of(config.preset).updates:
        verdict = rows.SHORT
    elif len(panels) < 2:
        verdict = rows.NOT_TESTED
    else:
        verdict = rows.of_preset(_decided(list(intervals.values())), config.preset)
    says = f"{what}: {one.panel} ({one.figure.replace('figure', 'figure ')})"
    more = {"setting": setting, "length": length, "low": low, "high": high, "also": also}
    holds = sum(panel.holds for panel in panels)
    return rows.make_row(claim, says, RULE, by, NUMBER, mean, holds, len(panels), verdict, **more)


def _decided(intervals: list[tuple[float, float, float]]) -> str:
    """All numbers must hold, each by its interval over seeds; one that is not measured (NaN) leaves the claim untested,
    unless another does not hold."""
    sides = [rows.NOT_TESTED if np.isnan(mean) else rows.by_interval(low, high, LEAST) for mean, low, high in intervals]
    return min(sides, key=(rows.DOES_NOT, rows.NOT_TESTED, rows.UNDECIDED, rows.REPLICATES).index)
