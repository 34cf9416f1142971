"""The paper's other datasets: what makes InfoGAN collapse on CelebA, and the images of the presets that do not."""

import dataclasses
from functools import cache
from pathlib import Path

import pandas as pd

from infogan.metrics.clustering import mean_interval
from infogan.presets import PRESETS
from infogan.reports.runs import read_runs
from table_sources.common import RESULTS, csv, listed, markdown, over, share, table, within

CAUSES = RESULTS / "causes"
SETTINGS = {
    "noise": "noise z",
    "info_flow": "what L_I trains",
    "lr_g": "learning rate of G and Q",
    "g_layers": "batch norm in G",
}
"""Fields that differ among the runs, and what a reader calls them."""
SHOWN = {
    ("noise", "128u"): "uniform",
    ("noise", "128g"): "normal",
    ("info_flow", "generator-step"): "G, Q's head and the trunk",
    ("info_flow", "q-head"): "G and Q's head",
    ("g_layers", "paper"): "after two layers",
    ("g_layers", "batch-norm"): "after all but the last",
}
MEASURES = {"spread": "spread", "frechet_distance": "Fréchet distance", "recall": "recall"}
CHANGES = {
    "noise": ("128g", "128u"),
    "info_flow": ("q-head", "generator-step"),
    "lr_g": (1e-3, 2e-4),
    "g_layers": ("paper", "batch-norm"),
}
"""Of each field the value in the runs that all others are compared with, and the other that was tried."""


@cache
def runs() -> pd.DataFrame:
    """A row for each run: its settings, what is measured of its images, and the last tenth's L_I (nats)."""
    found = read_runs(sorted(path.parent for path in CAUSES.glob("*-seed*/config.json")))
    return found.rename(columns={"sample_recall": "recall", "info_categorical_nats_last_tenth": "bound"})


def _shown(field: str, value: object) -> str:
    return SHOWN.get((field, str(value)), f"{value:g}" if isinstance(value, float) else str(value))


@table
def collapse_runs() -> str:
    """A row for each combination of settings."""
    rows = []
    for values, group in runs().groupby(list(SETTINGS), sort=False):
        cells = [_shown(field, value) for field, value in zip(SETTINGS, values)]
        measures = [listed(group[name]) for name in MEASURES]
        collapsed = f"{group.collapsed.sum()} of {len(group)}"
        rows.append((group.spread.mean(), [*cells, collapsed, *measures, f"{group.bound.mean():.1f}"]))
    header = " | ".join([*SETTINGS.values(), "collapsed", *MEASURES.values(), "L_I in nats"])
    return markdown(header, [cells for _, cells in sorted(rows, key=lambda row: -row[0])])


def changed(field: str) -> pd.DataFrame:
    """For each seed the runs that differ in one field from those that all are compared with: what the change does."""
    base = {name: values[0] for name, values in CHANGES.items()}
    own, other = (_with(base | {field: value}) for value in CHANGES[field])
    both = own.merge(other, on="seed", suffixes=("_own", "_other"))
    differences = {name: both[f"{name}_other"] - both[f"{name}_own"] for name in MEASURES}
    return pd.DataFrame(differences | {"collapsed": both.collapsed_other})


def _with(values: dict[str, object]) -> pd.DataFrame:
    """The runs with these settings."""
    return runs()[(runs()[list(values)] == pd.Series(values)).all(axis=1)]


def verdict(seeds: pd.DataFrame) -> str:
    """What a change does, of `changed`: whether runs collapse, and else what of the images' quality changes by more
    than the 95 % interval over seeds."""
    if seeds.collapsed.any():
        return "collapses" if seeds.collapsed.all() else "collapses in some seeds"
    found = []
    for name in ("frechet_distance", "recall"):
        _, low, high = mean_interval(seeds[name])
        if low > 0 or high < 0:
            found.append(f"{'higher' if low > 0 else 'lower'} {MEASURES[name]}")
    return ", ".join(found) or "no effect shown"


@table
def collapse_causes() -> str:
    """A row for each setting: what changing it alone does, with intervals over seeds."""
    rows = []
    for field, (own, other) in CHANGES.items():
        seeds = changed(field)
        change = f"{_shown(field, own)}, then {_shown(field, other)}"
        collapsed = f"{seeds.collapsed.sum()} of {len(seeds)}"
        rows.append((SETTINGS[field], change, collapsed, *(over(seeds[name], 2) for name in MEASURES), verdict(seeds)))
    return markdown(" | ".join(["setting", "change", "collapsed", *MEASURES.values(), "verdict"]), rows)


@table
def collapse_svhn() -> str:
    """Single runs of svhn-stable with another lambda, or another standard deviation of Q's."""
    rows = []
    for run in csv("causes/svhn.csv").itertuples():
        also = ["spectral norm in D"] * run.spectral_norm + [f"G's learning rate {run.lr_g:g}"] * (run.lr_g != 1e-3)
        setting = f"{run.lambda_categorical:g}, {run.lambda_continuous:g}"
        bounds = f"{run.info_categorical_nats:.1f}, {run.info_continuous_nats:.1f}"
        collapsed = "yes" if run.collapsed else "no"
        rows.append(
            (setting, run.q_std, ", ".join(also), run.seed, f"{run.updates:,}", collapsed, f"{run.spread:.2f}", bounds)
        )
    header = (
        "λ categorical, continuous | Q's std | also | seed | updates | collapsed | spread | L_I categorical, continuous"
    )
    return markdown(header, rows)


@table
def chairs_rotation() -> str:
    """Single runs of chairs-stable with other lambdas, standard deviation of Q's or information flow."""
    rows = []
    for run in csv("causes/chairs.csv").itertuples():
        setting = f"{run.lambda_categorical:g}, {run.lambda_continuous:g}"
        moved = f"{run.explained_variance:.2f}, {run.relative_spread:.2f}"
        measured = [f"{each:.2f}" for each in (run.information, run.frechet_distance, run.recall)]
        rows.append((setting, run.q_std, _shown("info_flow", run.info_flow), measured[0], moved, *measured[1:]))
    header = (
        "λ categorical, continuous | Q's std | what L_I trains | information on the rotation | in G's images | "
        "Fréchet distance | recall"
    )
    return markdown(header, rows)


VARIANTS = {
    "svhn-stable": "svhn",
    "celeba-stable": "celeba",
    "faces-stable": "faces-azimuth",
    "chairs-stable": "chairs-rotation",
}
"""Presets that work, and the paper's that they vary."""


@table
def stable() -> str:
    """A row for each of VARIANTS: what it changes."""
    rows = []
    for name, paper in VARIANTS.items():
        own, source = (dataclasses.asdict(PRESETS[each][0]) for each in (name, paper))
        changed = [f"`{field}` {value}" for field, value in own.items() if field != "preset" and value != source[field]]
        rows.append((f"`{name}`", f"`{paper}`", ", ".join(changed)))
    return markdown("preset | varies | with", rows)


@table
def other_images() -> str:
    """A row for each preset that works, and for its regular GAN: what is measured of the images of its seeds."""
    rows = []
    for run in [each for name in VARIANTS for each in (name, name.replace("stable", "gan"))]:
        measured = read_runs(sorted((RESULTS / "others").glob(f"{run}-seed*")))
        [seen], [dataset] = set(measured.images), {Path(name).stem for name in measured.dataset}
        collapsed = f"{int(measured.collapsed.sum())} of {len(measured)}"
        shown = f"`{run}`" if run in VARIANTS else "its regular GAN"
        cells = [shown, dataset, len(measured), f"{seen:,}", collapsed, within(measured.spread, digits=2)]
        shares = [share(measured[each], 2) for each in ("sample_precision", "sample_recall")]
        rows.append([*cells, within(measured.frechet_distance, digits=2), *shares])
    header = "preset | images | seeds | images seen | collapsed | spread | Fréchet distance | precision | recall"
    return markdown(header, rows)
