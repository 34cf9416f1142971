"""InfoGAN-CR's dSprites table (Lin et al. 2020, tables 1 and 3) beside runs of the presets `dsprites` and
`dsprites-cr`."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from infogan import data, records
from infogan.data.formats.dsprites import FILE
from infogan.errors import InputError, printable
from infogan.metrics.disentanglement import model_centrality
from infogan.presets import PRESETS
from infogan.reports import common, factors
from infogan.reports.information import known_factors

SCORES = {
    "factor_vae": "FactorVAE",
    "dci_disentanglement": "DCI",
    "sap": "SAP",
    "explicitness": "explicitness",
    "modularity": "modularity",
    "mig": "MIG",
    "beta_vae": "BetaVAE",
}
"""The scores of the published table in its order: their names in factors.json, and in the table."""
METHODS = {"dsprites": "InfoGAN (modified)", "dsprites-cr": "InfoGAN-CR"}
CHOSEN = ", chosen by ModelCentrality"
PUBLISHED = {
    "InfoGAN": "0.59±0.70 | 0.41±0.05 | | | | 0.05 |",
    "IB-GAN": "0.80±0.07 | 0.67±0.07 | | | | |",
    "FactorVAE (40.0)": "0.82±0.01 | 0.74±0.01 | 0.56±0.00 | 0.79±0.00 | 0.77±0.01 | 0.43±0.01 | 0.84±0.01",
    "InfoGAN (modified)": "0.82±0.01 | 0.60±0.02 | 0.41±0.02 | 0.82±0.00 | 0.94±0.01 | 0.22±0.01 | 0.87±0.01",
    "InfoGAN-CR": "0.88±0.01 | 0.71±0.01 | 0.58±0.01 | 0.85±0.00 | 0.96±0.00 | 0.37±0.01 | 0.95±0.01",
    f"InfoGAN-CR{CHOSEN}": "0.92±0.00 | 0.77±0.00 | 0.65±0.00 | 0.87±0.00 | 0.99±0.00 | 0.45±0.00 | 0.99±0.00",
}
"""Published scores on dSprites in the order of SCORES: Lin et al. 2020, table 1, and table 3 for the last row, as
printed in results/ of fjxmlzn/InfoGAN-CR at commit e0537bc. Empty: not stated there."""
PUBLISHED_RUNS = 50
"""Of InfoGAN (modified) and of InfoGAN-CR."""


class Written(NamedTuple):
    """The files of a report."""

    csv: Path
    text: Path
    markdown: Path
    runs: Path
    """Every run's scores and ModelCentrality, as CSV."""


def check(dataset: data.Dataset) -> None:
    """Raises InputError where codes cannot be scored on a dataset."""
    names = known_factors(dataset)[1].get("factors", ((), ()))[1]
    if len(names) < 2:
        raise InputError(
            f"{dataset.name} has {len(names)} known factors, and scores need two or more: give sprites, dsprites, or "
            "an .npz file with `factors`"
        )


def measure(directory: Path, dataset: data.Dataset) -> None:
    """Write a trained run's factors.json, unless it has one of the run as it stands."""
    run = records.load(directory)
    if "scores" not in _kept(directory / "factors.json", run.step).get("factors", {}):
        factors.write(run, factors.compare(run, dataset, progress=False))


def _kept(path: Path, step: int) -> dict:
    """The content of a JSON file that was written of this update; empty where it is missing, damaged or of another."""
    kept: dict = {}
    with contextlib.suppress(InputError):  # a damaged one is made anew
        kept = records.read_json(path) if path.exists() else {}
    return kept if kept.get("step") == step else {}


def rows_of(directories: Sequence[Path], preset: str) -> pd.DataFrame:
    """A row for each run of a preset: preset, seed, updates, run, the scores, and its ModelCentrality (NaN of one
    run)."""
    runs = [records.load(directory) for directory in directories]
    centrality = centralities(runs, METHODS[preset]) if len(runs) > 1 else [np.nan]
    rows = []
    for run, central in zip(runs, centrality, strict=True):
        scores = records.read_json(run.directory / "factors.json")["factors"]["scores"]
        row = {"preset": preset, "seed": run.config.seed, "updates": run.step, "run": run.directory.name}
        rows.append(row | {name: scores[name] for name in SCORES} | {"model_centrality": central})
    return pd.DataFrame(rows)


def centralities(runs: Sequence[records.Run], title: str) -> list[float]:
    """ModelCentrality of each run.

    Similarities are kept in the similarity.json of the run that generates the images, so that an interrupted command
    and one with more runs compute the missing ones alone. Networks are moved to a GPU where there is one.
    """
    factors.check_comparable(runs)
    if torch.cuda.is_available():
        for network in (network for run in runs for network in (run.generator, run.discriminator)):
            network.cuda()
    shown = tqdm(runs, f"ModelCentrality of {title}", unit=" models", leave=False)
    return model_centrality.centrality(np.stack([_similarities(run, runs) for run in shown], axis=1)).tolist()


def _similarities(source: records.Run, readers: Sequence[records.Run]) -> list[float]:
    path = source.directory / "similarity.json"
    known = _kept(path, source.step).get("readers", {})
    keys = [f"{reader.directory.name} at {reader.step}" for reader in readers]
    if missing := [(key, reader) for key, reader in zip(keys, readers) if key not in known]:
        found = factors.similarities(source, [reader for _, reader in missing])
        known |= {key: value for (key, _), value in zip(missing, found, strict=True)}
        records.write_json(path, {"step": source.step, "readers": known, "provenance": records.provenance()})
    return [known[key] for key in keys]


def table(runs: pd.DataFrame) -> pd.DataFrame:
    """The published rows, and beneath each the runs' mean and standard error over seeds, and the run that
    ModelCentrality chooses: method, source, n, and of each score the value and NAME_se.

    runs: of `rows_of`, of all presets.
    """
    rows = []
    for preset, method in METHODS.items():
        of_preset = runs[runs["preset"] == preset]
        rows += [_published(method), _averaged(method, of_preset)]
        if of_preset["model_centrality"].notna().any():
            chosen = of_preset.loc[[of_preset["model_centrality"].idxmax()]]
            rows += [_published(method + CHOSEN)] if method + CHOSEN in PUBLISHED else []
            about = {"source": f"here, seed {chosen['seed'].item()}", "n": f"1 of {len(of_preset)}"}
            rows.append(_averaged(method + CHOSEN, chosen) | about)
    return pd.DataFrame(rows)


def _published(method: str) -> dict:
    n = f"1 of {PUBLISHED_RUNS}" if CHOSEN in method else str(PUBLISHED_RUNS)
    cells: dict = {"method": method, "source": "published", "n": n}
    for name, text in zip(SCORES, PUBLISHED[method].split("|"), strict=True):
        cells[name], cells[f"{name}_se"] = map(float, text.split("±"))
    return cells


def _averaged(method: str, runs: pd.DataFrame) -> dict:
    cells = {"method": method, "source": "here", "n": str(len(runs))}
    for name in SCORES:
        cells[name], cells[f"{name}_se"] = runs[name].mean(), runs[name].sem()
    return cells


def shown(scores: pd.DataFrame) -> pd.DataFrame:
    """A table of `table` with each score and its standard error in one cell, under its published name."""
    out = scores[["method", "source", "n"]].copy()
    for name, title in SCORES.items():
        cells = zip(scores[name], scores[f"{name}_se"])
        out[title] = [f"{mean:.2f}" + (f" ± {error:.2f}" if error == error else "") for mean, error in cells]
    return out


def deviations(runs: pd.DataFrame, dataset: data.Dataset) -> list[str]:
    """What differs from the published experiment, a sentence each."""
    seeds, images = runs.groupby("preset").size().min(), len(dataset.train)
    channels, height, width = dataset.image_shape
    out = []
    if dataset.name in ("dsprites", Path(FILE).stem):
        out.append(f"Data: {images:,} of dSprites' images are trained on; the published runs train on all 737,280.")
    else:
        size = f"{height}x{width}" + (f"x{channels}" if channels > 1 else "")
        out.append(
            f"Data: {printable(dataset.name)}, {images:,} training images of {size}, stands in for dSprites: these "
            "numbers are not numbers on dSprites."
        )
    for preset, method in METHODS.items():
        updates, full = set(runs.loc[runs["preset"] == preset, "updates"]), PRESETS[preset][0].updates
        if updates - {full}:
            had = ", ".join(f"{count:,}" for count in sorted(updates))
            out.append(f"Length: {method} was trained for {had} updates, {full:,} in the published runs.")
    if seeds != PUBLISHED_RUNS:
        out.append(f"Seeds: {seeds} of each method, {PUBLISHED_RUNS} in the published table.")
    out.append(
        "Scores: the protocol of disentanglement_lib here, the authors' own there. They differ most in SAP (scale, "
        "orientation and position are classes here, numbers there) and DCI (boosted trees here, regression there)."
    )
    out.append("Training: G moves once an update here, twice there. The other differences: docs/disentanglement.md.")
    return out


def write(folder: Path, stem: str, runs: pd.DataFrame, dataset: data.Dataset) -> tuple[str, Written]:
    """Write FOLDER/STEM-disentanglement.csv, .txt, .md and -runs.csv. Returns the text, and the files."""
    files = Written(*(folder / f"{stem}-disentanglement{end}" for end in (".csv", ".txt", ".md", "-runs.csv")))
    scores, notes = table(runs), deviations(runs, dataset)
    cells = shown(scores)
    about = "Mean ± standard error over n runs."
    text = "\n".join([common.as_text(cells), "", about, *notes, ""])
    lines = [list(cells.columns), ["---"] * cells.shape[1], *cells.astype(str).to_numpy().tolist()]
    markdown = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    records.write_atomic(files.csv, scores.to_csv(index=False))
    records.write_atomic(files.runs, runs.to_csv(index=False))
    records.write_atomic(files.text, text)
    records.write_atomic(files.markdown, "\n".join([markdown, "", about, "", *(f"- {note}" for note in notes), ""]))
    return text, files
