"""What the report of a study shows: text, tables and pictures, in order."""

import io
from dataclasses import dataclass
from pathlib import Path

import optuna
import pandas as pd
from matplotlib.figure import Figure

from infogan.errors import InputError
from infogan.reports import common
from infogan.reports.report.plots import plot_bounds, plot_parallel
from infogan.reports.study.importance import importances
from infogan.reports.study.trials import ACCURACY, SHOWN, best, confirmation, table

STUDY_PLOTS = {
    "history": "History",
    "lambda": "λ",
    "codes": "Latent codes",
    "batch_size": "Batch size",
    "learning_curves": "Learning curves",
    "front": "Accuracy and quality",
}
"""Plots that `infogan study` has drawn, and their titles."""
RUN_PICTURES = {
    "samples": "Samples of the best trial: a row per category",
    "confusion": "Confusion matrix of the best trial",
}
"""Pictures of the best trial's run, and their titles."""


@dataclass(frozen=True)
class Section:
    """A title, and text, a table or a picture below it."""

    title: str
    text: str = ""
    table: pd.DataFrame | None = None
    picture: str = ""
    """The picture's data URL."""


def sections(study: optuna.Study, folder: Path, scorecard: Path | None) -> list[Section]:
    """All sections of the report. folder: the study's. scorecard: a text that is shown first.

    Raises InputError where no trial was measured.
    """
    trials = table(study)
    measured = trials.dropna(subset=[ACCURACY])
    if measured.empty:
        raise InputError("no trial of this study was measured yet: there is nothing to report")
    confirmed = confirmation(study)
    one_objective = len(study.directions) == 1 and bool((trials.state == "complete").any())
    winner = best(study, confirmed) if one_objective else None
    out = [Section("Scorecard", scorecard.read_text())] if scorecard else []
    out.append(Section("What was found", _summary(study, trials, winner)))
    if not confirmed.empty:
        ordered = confirmed.sort_values(["trial", "seed"])
        out.append(Section("The best configurations with fresh seeds", table=ordered))
    out.append(Section("Every parameter against accuracy", picture=_as_url(plot_parallel(measured))))
    if not (values := importances(study)).empty:
        out.append(Section("Importances", table=values))
    if (bounds := plot_bounds(measured)) is not None:
        out.append(Section("L_I / H(c)", picture=_as_url(bounds)))
    for name, title in STUDY_PLOTS.items():
        if (picture := folder / "report" / f"{name}.png").exists():
            out.append(Section(title, picture=common.data_url(picture.read_bytes())))
    ranked = measured.sort_values(ACCURACY)
    run_dir = trials.run_dir[trials.trial == winner["trial"]].iloc[0] if winner else ranked.run_dir.iloc[-1]
    out += _run_sections(Path(str(run_dir)))
    columns = [name for name in SHOWN if name in trials]
    out.append(Section("All trials", table=trials.sort_values(ACCURACY, ascending=False)[columns]))
    return out


def _summary(study: optuna.Study, trials: pd.DataFrame, winner: dict | None) -> str:
    settings, complete = study.user_attrs.get("settings", {}), (trials.state == "complete").sum()
    text = (
        f"{len(trials)} trials on {settings.get('dataset')}, each of {settings.get('images', 0):,} images; "
        f"{complete} ran to the end."
    )
    if winner is not None:
        text += f" Best: trial {winner['trial']}, codes {winner['config']['codes']}, "
        text += f"validation accuracy {winner['validation_accuracy']:.3f}."
        if "test" in winner:
            test, (low, high) = winner["test"], winner["test"]["ci95"]
            text += f" Its test accuracy over {test['n_seeds']} fresh seeds: {test['accuracy_mean']:.3f}, "
            text += f"95 % interval {low:.3f} to {high:.3f}."
    return text


def _run_sections(directory: Path) -> list[Section]:
    """The last of each of RUN_PICTURES in a run directory."""
    found = {title: sorted((directory / "samples").glob(f"{kind}-*.png")) for kind, title in RUN_PICTURES.items()}
    return [Section(title, picture=common.data_url(files[-1].read_bytes())) for title, files in found.items() if files]


def _as_url(figure: Figure) -> str:
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=110)
    return common.data_url(file.getvalue())
