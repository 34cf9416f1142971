"""Rows of the scorecard of figures 3 to 6 (C9 to C12): panels of runs on faces, chairs, SVHN and CelebA, over seeds."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from infogan.errors import InputError
from infogan.metrics.clustering import mean_interval
from infogan.presets import OURS, PRESETS
from infogan.reports import common
from infogan.reports.claims import verdicts
from infogan.reports.claims.rows import length_of, make_row
from infogan.reports.claims.rules import RunRecord
from infogan.reports.standing import MOVED, YES

TRAVERSALS = {
    "figure3": ("C9", "faces"),
    "figure4": ("C10", "chairs"),
    "figure5": ("C11", "SVHN"),
    "figure6": ("C12", "CelebA"),
}
DATA = {"figure3": (), "figure4": ("rendered_chairs",), "figure5": ("svhn",), "figure6": ("celeba",)}
"""The datasets on which the source has each figure, by their names here; its faces are not distributed."""
RULE = (
    "normalised mutual information of the code and the factor, beyond untrained networks and regular GANs, of "
    f"{YES} or more; in generated images the code explains {MOVED} or more of the factor's variance, and moves it by "
    f"{MOVED} or more of its spread over real images"
)
NUMBER = "normalised MI"


class Group(NamedTuple):
    """What the seeds of a row have in common."""

    figure: str
    panel: str
    dataset: str
    recipe: str
    """The preset, and what was changed in it."""
    preset: str
    updates: int
    precision: str
    collapsed: bool


def panel_rows(runs: list[RunRecord]) -> list[dict]:
    """A row for each panel, dataset, recipe and length; collapsed runs have rows of their own.

    Panels whose number was not compared with untrained networks are left out.

    Raises InputError where a seed is given twice.
    """
    groups: dict[Group, dict[int, dict]] = {}
    for _, group, panel in _panels(runs):
        seeds = groups.setdefault(group, {})
        if panel["seed"] in seeds:
            raise InputError(
                f"{panel['run']} repeats seed {panel['seed']} of {group.recipe} on {group.dataset} in {group.figure}: "
                "give one run for each seed"
            )
        seeds[panel["seed"]] = panel
    return [_row(group, list(seeds.values())) for group, seeds in groups.items()]


def list_panels(runs: list[RunRecord]) -> list[dict]:
    """A row for each panel of each run that is judged: its length, its hardware, its number."""
    out = []
    for run, group, panel in _panels(runs):
        if not group.collapsed:
            about = {"claim": TRAVERSALS[group.figure][0], "run": panel["run"], "preset": group.preset}
            about |= {"seed": panel["seed"], "pretraining": run.config.pretraining, "updates": group.updates}
            about |= {"precision": group.precision, "device": run.config.device}
            about |= common.run_origin(run.directory, run.config)
            number = {"number": f"{NUMBER}, {group.panel}", "value": panel["normalised"]}
            out.append(about | number | {"holds": panel["holds"] == "yes"})
    return out


def _panels(runs: list[RunRecord]) -> list[tuple[RunRecord, Group, dict]]:
    """Each panel of figures 3 to 6 in the runs' directories, with what identifies its run in it."""
    out = []
    for run in runs:
        for figure in TRAVERSALS:
            content = run.figure(figure) or {}
            for panel in content.get("verdicts", []):
                if "null" in panel:
                    same = {name: panel[name] for name in Group._fields if name in panel}
                    out.append((run, Group(figure=figure, **same), panel))
    return out


def _row(group: Group, panels: list[dict]) -> dict:
    claim, what = TRAVERSALS[group.figure]
    whole = PRESETS[group.preset][0].updates
    factors = ", ".join(dict.fromkeys(panel["factor"] for panel in panels))
    setting = f"{Path(group.dataset).stem} ({common.origin_of_images(group.dataset)})"
    length = f"{length_of(group.updates, whole)} updates"
    by = f"{setting}, {group.recipe}, {length}, {group.precision}: {factors}"
    mean, low, high = mean_interval([panel["normalised"] for panel in panels])
    holds = sum(panel["holds"] == "yes" for panel in panels)
    says = f"{what}: {group.panel} ({group.figure.replace('figure', 'figure ')})"
    more = {"setting": setting, "length": length, "low": low, "high": high, "also": _in_generated_images(panels)}
    verdict = _verdict(group, panels, whole)
    return make_row(claim, says, RULE, by, NUMBER, mean, holds, len(panels), verdict, **more)


def _verdict(group: Group, panels: list[dict], whole: int) -> str:
    """All sides of the rule must hold, each by its interval over seeds; one that is not measured leaves it untested,
    unless another does not hold."""
    if group.collapsed:
        return verdicts.COLLAPSED
    if group.dataset not in DATA[group.figure]:
        return verdicts.OTHER_DATA
    if group.updates < whole:
        return verdicts.SHORT
    if len(panels) < 2:
        return verdicts.NOT_TESTED
    sides = [verdicts.by_interval(*mean_interval([panel["normalised"] for panel in panels])[1:], YES)]
    for name in ("explained_variance", "relative_spread"):
        if len(values := _moved(panels, name)) == len(panels):
            sides.append(verdicts.by_interval(*mean_interval(values)[1:], MOVED))
        else:
            sides.append(verdicts.NOT_TESTED)
    order = (verdicts.DOES_NOT, verdicts.NOT_TESTED, verdicts.UNDECIDED, verdicts.REPLICATES)
    verdict = min(sides, key=order.index)
    return verdicts.of_ours(verdict) if group.preset in OURS else verdict


def _moved(panels: list[dict], name: str) -> list[float]:
    """A number of G's side, of the panels where it could be measured."""
    return [panel["traversal"][name] for panel in panels if name in panel["traversal"]]


def _in_generated_images(panels: list[dict]) -> str:
    """The means of G's side in words."""
    explained, spread = (_moved(panels, name) for name in ("explained_variance", "relative_spread"))
    if not explained:
        return "not measurable in generated images"
    return f"in generated images {np.mean(explained):.2f} of the variance, {np.mean(spread):.2f} of the spread"
