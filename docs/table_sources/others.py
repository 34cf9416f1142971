"""The presets of the paper's other datasets that draw images, and what is measured of these."""

import dataclasses
from pathlib import Path

from infogan.config.presets import PRESETS
from infogan.reports.runs import read_runs
from table_sources.common import RESULTS, markdown, share, table, within

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
    rows, runs = [], read_runs([RESULTS / "other-datasets"])
    for run in [each for name in VARIANTS for each in (name, name.replace("stable", "gan"))]:
        measured = runs[runs.run.str.startswith(run)]
        [seen], [dataset] = set(measured.images), {Path(name).stem for name in measured.dataset}
        collapsed = f"{int(measured.collapsed.sum())} of {len(measured)}"
        shown = f"`{run}`" if run in VARIANTS else "its regular GAN"
        cells = [shown, dataset, len(measured), f"{seen:,}", collapsed, within(measured.spread, digits=2)]
        shares = [share(measured[each], 2) for each in ("sample_precision", "sample_recall")]
        rows.append([*cells, within(measured.frechet_distance, digits=2), *shares])
    header = "preset | images | seeds | images seen | collapsed | spread | Fréchet distance | precision | recall"
    return markdown(header, rows)
