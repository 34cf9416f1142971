"""The report of one run: what it reached, its learning curves, its samples, and what made it."""

import dataclasses
from pathlib import Path

import pandas as pd

from infogan import records
from infogan.config import RUNTIME_FIELDS, Config
from infogan.metrics import collapse
from infogan.presets import PRESETS, describe
from infogan.reports import common
from infogan.reports.report.plots import bounded, plot_run
from infogan.reports.report.sections import Card, Picture, Report, Section, drawn, read_picture, run_pictures


def run_report(directory: Path) -> Report:
    """Raises InputError where the directory holds no run that was trained."""
    config, metrics = records.read_config(directory), common.read_metrics(directory)
    stored = records.read_json(directory / "config.json")
    evaluation = records.read_evaluation(directory)
    last = metrics.iloc[-1]
    kind, entropy = bounded(config)
    bound = last[f"info_{kind}_nats"]
    cards = [
        *_accuracy(evaluation),
        Card(f"L_I of the {kind} codes", f"{bound:.3f} nats", f"at the end; H(c) is {entropy:.3f}"),
    ]
    speed = f"{last.seconds:,.0f} s, {last.images / max(last.seconds, 1e-9):,.0f} images/s"
    before = f"after {config.pretraining:,} of pretraining; " if config.pretraining else ""
    cards.append(Card("updates", f"{int(last.step):,}", before + speed))
    if evaluation.get("collapsed"):
        cards.append(Card("G has collapsed", f"{evaluation['spread']:.2f}", collapse.describe(evaluation)))
    curves = "Losses, L_I (dashed: H(c)), and accuracy on validation images; bold: running means."
    sections = [Section("Learning curves", pictures=[drawn(plot_run(directory), curves, whole=True)])]
    if shown := run_pictures(directory):
        sections.append(Section("Samples and categories", pictures=shown))
    if figures := _figures(directory):
        sections.append(Section("Figures", pictures=figures))
    sections.append(_configuration(config, stored))
    subtitle = (
        f"{Path(config.dataset).stem}, preset {describe(config)}, seed {config.seed}. One run: other seeds differ."
    )
    return Report(f"InfoGAN run {directory.resolve().name}", subtitle, cards, sections)


def _accuracy(evaluation: dict) -> list[Card]:
    if "accuracy" not in evaluation:
        return [Card("test accuracy", "–", "not measured: the run has not ended, or its data has no labels")]
    detail = "each category matched to one label"
    if interval := evaluation.get("accuracy_ci95"):
        detail += f"; 95 % over images {interval[0]:.3f} to {interval[1]:.3f}"
    return [Card("test accuracy", f"{evaluation['accuracy']:.4f}", detail)]


def _figures(directory: Path) -> list[Picture]:
    """What `infogan figures` and `morphology` have drawn of the run."""
    paths = sorted((directory / "figures").glob("*.png"))
    tiles = {panel["tile"] for path in paths for panel in _panels(path)}
    return [read_picture(path, path.stem) for path in paths if path.name not in tiles]


def _panels(path: Path) -> list[dict]:
    source = path.with_suffix(".json")
    return records.read_json(source).get("panels", []) if source.exists() else []


def _configuration(config: Config, stored: dict) -> Section:
    preset = dataclasses.asdict(PRESETS[config.preset][0])
    values = dataclasses.asdict(config)
    rows = [
        {"field": name, "value": str(value), "preset": "" if name in RUNTIME_FIELDS else str(preset[name])}
        for name, value in values.items()
    ]
    source = stored.get("provenance", {})
    made = f"{source.get('command', '')}\ncommit {source.get('commit', 'unknown')}"
    caption = f"Every field, and what the preset {config.preset} has in the fields that identify a run."
    return Section("Configuration", f"Made by:\n{made}", table=pd.DataFrame(rows), caption=caption)
