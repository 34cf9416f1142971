"""The report of one run: what it reached, its learning curves, its samples, and what made it."""

import dataclasses
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from infogan import records
from infogan.codes import Latent
from infogan.config import RUNTIME_FIELDS, Config
from infogan.config.presets import PRESETS
from infogan.metrics import collapse
from infogan.reports import common
from infogan.reports.figures.curves import draw_losses
from infogan.reports.page import Card, Picture, Report, Section
from infogan.reports.runs import config_of, metrics_of, read_curves, read_runs, running_mean
from infogan.utils import style

PICTURES = {
    "samples": "Samples: rows are the categories 0, 1, 2, … of c1, a column has one noise vector z",
    "confusion": "Validation images by predicted category (rows, in the order of their labels) and label",
}
"""The kinds of pictures that training draws, and their captions."""


def run_report(directory: Path) -> Report:
    """Raises InputError where the directory holds no run that was trained."""
    row, curves = read_runs([directory]).iloc[0], read_curves([directory])
    config, metrics = config_of(row), metrics_of(curves, row.run)
    last = metrics.iloc[-1]
    kind, entropy = _bounded(config)
    bound = f"{last[f'info_{kind}_nats']:.3f} nats"
    cards = [_accuracy(row), Card(f"L_I of the {kind} codes", bound, f"at the end; H(c) is {entropy:.3f}")]
    speed = f"{last.seconds:,.0f} s, {last.images / max(last.seconds, 1e-9):,.0f} images/s"
    before = f"after {config.pretraining:,} of pretraining; " if config.pretraining else ""
    cards.append(Card("updates", f"{row.step:,}", before + speed))
    if row.collapsed in (True,):  # of numpy as well
        cards.append(Card("G has collapsed", f"{row.spread:.2f}", collapse.describe(row.to_dict())))
    elif row.get("q_fails") in (True,):
        nats = f"{row.info_8bit_categorical_nats:.2f} nats"
        cards.append(Card("Q fails in evaluation mode", nats, collapse.describe(row.to_dict())))
    caption = "Losses, L_I (dashed: H(c)), and accuracy on validation images; bold: running means."
    drawn = _plot(metrics, metrics_of(curves, row.run, "evaluations"), kind, entropy)
    sections = [Section("Learning curves", pictures=[Picture(drawn, caption, whole=True)])]
    samples = []
    for name, about in PICTURES.items():
        for file in sorted((directory / "samples").glob(f"{name}-*.png"))[-1:]:
            step = int(file.stem.rpartition("-")[2])
            samples.append(Picture(file, f"{about}; after {step:,} updates.", pixels=name == "samples"))
    figures = [Picture(path, path.stem) for path in sorted((directory / "figures").glob("*.png"))]
    if samples:
        sections.append(Section("Samples and categories", pictures=samples, **_names(directory)))
    if figures:
        sections.append(Section("Figures", pictures=figures))
    sections.append(_configuration(config, records.read_json(directory / "config.json").get("provenance", {})))
    labels = f" The first code learned the labels of {config.labelled:,} training images." if config.labelled else ""
    subtitle = f"{common.run_title(config)}. One run: other seeds differ.{labels}"
    return Report(f"InfoGAN run {directory.resolve().name}", subtitle, cards, sections)


def _names(directory: Path) -> dict:
    """A table of the names of c1's categories, and its caption; empty where they have none."""
    if not (named := records.read_categories(directory)):
        return {}
    rows = [{"category": k} | (each or {"name": "–"}) for k, each in enumerate(named[0])]
    caption = (
        "Names of the first code's categories: the label that each was matched to on validation images, and its share "
        "of the category's images."
    )
    return {"table": pd.DataFrame(rows, columns=["category", "name", "share"]), "caption": caption}


def _bounded(config: Config) -> tuple[str, float]:
    """The kind of codes whose L_I a report shows, and their entropy H(c) in nats: categorical where there are such."""
    categorical, continuous = Latent(config.codes, config.noise, config.q_std).entropy
    return ("categorical", categorical) if categorical else ("continuous", continuous)


@style.drawing()
def _plot(metrics: pd.DataFrame, measured: pd.DataFrame, kind: str, entropy: float) -> Figure:
    """Learning curves over updates: losses, L_I of a kind of codes (nats), and validation accuracy."""
    figure = style.new_figure(10, 2.9)
    losses, bound, accuracies = figure.subplots(1, 3)
    draw_losses(losses, metrics)
    losses.legend()
    losses.set(title="GAN losses (nats)", xlabel="update")
    mean = running_mean(metrics[f"info_{kind}_nats"])
    bound.plot(metrics.step, mean, color=style.BLACK)
    bound.axhline(entropy, color=style.GREY, linestyle="--", linewidth=1)
    bound.set(title=f"$L_I$ of the {kind} codes (nats)", xlabel="update", ylim=(min(0.0, mean.min()), 1.1 * entropy))
    if "accuracy" in measured:
        accuracies.plot(measured.step, measured.accuracy, marker="o", markersize=4, color=style.BLACK)
        accuracies.set_ylim(min(0.5, 0.9 * measured.accuracy.min()), 1.01)
    accuracies.set(title="validation accuracy", xlabel="update")
    return figure


def _accuracy(row: pd.Series) -> Card:
    if pd.isna(row.accuracy):
        return Card("test accuracy", "–", "not measured: the run has not ended, or its data has no labels")
    interval = f"95 % over images {row.accuracy_low:.3f} to {row.accuracy_high:.3f}"
    detail = f"categories matched one-to-one to labels on these images; {interval}"
    return Card("test accuracy", f"{row.accuracy:.4f}", detail)


def _configuration(config: Config, made: dict) -> Section:
    """Every field, and the preset's value of those that identify a run; of an unknown preset none."""
    preset = dataclasses.asdict(PRESETS[config.preset][0]) if config.preset in PRESETS else {}
    rows = [
        {"field": name, "value": str(value), "preset": "" if name in RUNTIME_FIELDS else str(preset.get(name, "–"))}
        for name, value in dataclasses.asdict(config).items()
    ]
    caption = f"Every field, and what the preset {config.preset} has in the fields that identify a run."
    text = f"Made by:\n{made.get('command', '')}\ncommit {made.get('commit', 'unknown')}"
    return Section("Configuration", text, table=pd.DataFrame(rows), caption=caption)
