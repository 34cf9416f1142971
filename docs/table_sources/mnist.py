"""Tables of runs on MNIST."""

import numpy as np
import pandas as pd

from infogan.reports.runs import metrics_of, read_curves, read_runs
from table_sources.common import RESULTS, by_seed, csv, listed, markdown, table

FOLDERS = {
    "authors": "authors-mnist",
    "paper": "mnist",
    "blog": "mnist-blog",
    "gan": "mnist",
    "iic": "iic-mnist",
}
"""Each preset's result folder."""
IMAGES = {"paper": "mnist-paper-images"}
"""Further runs of a preset whose images were measured, where those of FOLDERS were not."""
NAMES = {"gan": "`gan`, the baseline", "iic": "`iic`, ours"}
DECIDED_AT = (1, 2, 3, 4, 5, 7, 9)
"""Tenths of the updates."""


def runs_of(preset: str, folders: dict[str, str] = FOLDERS) -> pd.DataFrame:
    """The committed runs of a preset on MNIST."""
    found = read_runs([RESULTS / folders[preset]])
    return found[found.preset == preset]


def _measured(preset: str, column: str, others: dict[str, str], digits: int, most: float) -> str:
    """A measure over seeds; of other runs where those of the table do not have it; empty where none has."""
    for folders, more in ((FOLDERS, ""), (others, "further runs")):
        runs = runs_of(preset, folders) if preset in folders else pd.DataFrame()
        if column in runs and len(values := runs[column].dropna()):
            return by_seed(values, digits, most) + (f" ({len(values)} {more})" if more else "")
    return ""


@table
def results() -> str:
    """The small table of README.md and the results page."""
    rows = []
    for preset in FOLDERS:
        runs = runs_of(preset)
        pretraining = f"{runs.pretraining.iloc[0]:,} + " if runs.pretraining.iloc[0] else ""
        collapsed, measured = int(runs.collapsed.eq(True).sum()), int(runs.collapsed.notna().sum())
        rows.append(
            (
                NAMES.get(preset, f"`{preset}`"),
                f"{pretraining}{runs.updates.iloc[0]:,}",
                len(runs),
                by_seed(runs.accuracy),
                f"{runs.accuracy.min():.3f}",
                _measured(preset, "info_8bit_categorical_nats", {}, 2, np.log(10)),
                _measured(preset, "frechet_distance", IMAGES, 2, np.inf),
                f"{collapsed} of {measured}" if measured else "",
            )
        )
    measures = "test accuracy | worst seed | L_I of 8-bit images, nats | Fréchet distance | G collapsed in"
    return markdown(f"preset | updates | seeds | {measures}", rows)


@table
def images() -> str:
    """What is measured of generated images."""
    columns = {"frechet_distance": np.inf, "sample_precision": 1, "sample_recall": 1, "generator_accuracy": 1}
    rows = [
        (NAMES.get(preset, f"`{preset}`"), *(_measured(preset, one, IMAGES, 2, most) for one, most in columns.items()))
        for preset in FOLDERS
    ]
    return markdown("preset | Fréchet distance | precision | recall | G shows the category's digit", rows)


def _blog() -> dict[int, tuple[pd.DataFrame, pd.DataFrame]]:
    """Seed to the tables of metrics and of evaluations of a run of `blog`."""
    runs, curves = runs_of("blog"), read_curves([RESULTS / FOLDERS["blog"]])
    return {
        run.seed: (metrics_of(curves, run.run), metrics_of(curves, run.run, "evaluations")) for run in runs.itertuples()
    }


@table
def blog_length() -> str:
    """Losses of the blog's preset, and in the notebook's published log."""

    def tenths(metrics: pd.DataFrame) -> list[float]:
        n = max(1, len(metrics) // 10)
        return [part[name].mean() for name in ("loss_d", "loss_g") for part in (metrics[:n], metrics[-n:])]

    ours = np.array([tenths(metrics) for metrics, _ in _blog().values()])
    rows = [
        (f"`blog`, seeds {', '.join(map(str, _blog()))}", *(listed(column) for column in ours.T)),
        ("the notebook's own log", *(f"{value:.2f}" for value in tenths(csv("mnist-blog/notebook.csv")))),
    ]
    losses = "D's loss, first tenth | D's loss, last tenth | G's loss, first tenth | G's loss, last tenth"
    return markdown(f"run | {losses}", rows)


@table
def blog_accuracy() -> str:
    """Validation accuracy of `blog` after parts of its updates."""
    parts, rows = (0.1, 0.25, 0.5, 0.75, 1.0), []
    for seed, (_, evaluations) in _blog().items():
        accuracy = evaluations.set_index("step").accuracy
        rows.append((f"seed {seed}", *(f"{accuracy[round(part * accuracy.index[-1])]:.3f}" for part in parts)))
    return markdown("updates | " + " | ".join(f"{part:.0%}".replace("%", " %") for part in parts), rows)


@table
def decided() -> str:
    """When it is decided which seeds are good: the rank correlation over seeds of the accuracy on the way and at the
    end, both on validation images."""
    rows = []
    for preset in ("authors", "paper"):
        curves = read_curves([RESULTS / FOLDERS[preset]])
        accuracy = pd.DataFrame([metrics_of(curves, run, "evaluations").accuracy for run in runs_of(preset).run])
        ranks = accuracy.corrwith(accuracy[9], method="spearman")
        rows.append((f"`{preset}`", len(accuracy), *(f"{ranks[tenth - 1]:.2f}" for tenth in DECIDED_AT)))
    return markdown("preset | seeds | " + " | ".join(f"{10 * tenth} %" for tenth in DECIDED_AT), rows)
