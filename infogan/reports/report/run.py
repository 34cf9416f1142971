"""The report of one run: what it reached, its learning curves, its samples, and what made it."""

import dataclasses
from pathlib import Path

import pandas as pd

from infogan import records
from infogan.config import RUNTIME_FIELDS, Config
from infogan.metrics import collapse
from infogan.presets import PRESETS
from infogan.reports import common
from infogan.reports.report.plots import bounded, plot_run
from infogan.reports.report.sections import Card, Report, Section, drawn, read_picture, run_pictures
from infogan.reports.runs import config_of, has_collapsed, metrics_of, read_curves, read_runs


def run_report(directory: Path) -> Report:
    """Raises InputError where the directory holds no run that was trained."""
    row, curves = read_runs([directory]).iloc[0], read_curves([directory])
    config, last = config_of(row), metrics_of(curves, row.run).iloc[-1]
    kind, entropy = bounded(config)
    bound = f"{last[f'info_{kind}_nats']:.3f} nats"
    cards = [_accuracy(row), Card(f"L_I of the {kind} codes", bound, f"at the end; H(c) is {entropy:.3f}")]
    speed = f"{last.seconds:,.0f} s, {last.images / max(last.seconds, 1e-9):,.0f} images/s"
    before = f"after {config.pretraining:,} of pretraining; " if config.pretraining else ""
    cards.append(Card("updates", f"{row.step:,}", before + speed))
    if has_collapsed(row):
        cards.append(Card("G has collapsed", f"{row.spread:.2f}", collapse.describe(row.to_dict())))
    caption = "Losses, L_I (dashed: H(c)), and accuracy on validation images; bold: running means."
    sections = [Section("Learning curves", pictures=[drawn(plot_run(config, curves), caption, whole=True)])]
    if shown := run_pictures(directory):
        sections.append(Section("Samples and categories", pictures=shown))
    if figures := [read_picture(path, path.stem) for path in sorted((directory / "figures").glob("*.png"))]:
        sections.append(Section("Figures", pictures=figures))
    sections.append(_configuration(config, records.read_json(directory / "config.json").get("provenance", {})))
    subtitle = f"{common.run_title(config)}. One run: other seeds differ."
    return Report(f"InfoGAN run {directory.resolve().name}", subtitle, cards, sections)


def _accuracy(row: pd.Series) -> Card:
    if pd.isna(row.accuracy):
        return Card("test accuracy", "–", "not measured: the run has not ended, or its data has no labels")
    detail = f"each category matched to one label; 95 % over images {row.accuracy_low:.3f} to {row.accuracy_high:.3f}"
    return Card("test accuracy", f"{row.accuracy:.4f}", detail)


def _configuration(config: Config, made: dict) -> Section:
    """Every field, and the preset's value of those that identify a run; of an unknown preset none."""
    values, preset = dataclasses.asdict(config), {}
    if config.preset in PRESETS:
        preset = dataclasses.asdict(PRESETS[config.preset][0])
    rows = [
        {"field": name, "value": str(value), "preset": "" if name in RUNTIME_FIELDS else str(preset.get(name, "–"))}
        for name, value in values.items()
    ]
    caption = f"Every field, and what the preset {config.preset} has in the fields that identify a run."
    text = f"Made by:\n{made.get('command', '')}\ncommit {made.get('commit', 'unknown')}"
    return Section("Configuration", text, table=pd.DataFrame(rows), caption=caption)
