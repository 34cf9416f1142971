"""The report of a study: the winner over fresh seeds first, then its runs, and what the trials say of each setting."""

from pathlib import Path

import optuna
import pandas as pd

from infogan.errors import InputError
from infogan.reports.report.plots import plot_bounds, plot_parallel, plot_run, read_trial
from infogan.reports.report.sections import Card, Picture, Report, Section, drawn, run_pictures
from infogan.reports.study import plots
from infogan.reports.study.importance import HINT_BELOW, importances
from infogan.reports.study.trials import ACCURACY, SHOWN, best, confirmation, table, train_command

HEADS = {"lambda_categorical": "λ cat.", "lambda_continuous": "λ cont.", "batch_size": "batch"}
"""Short heads of the table of trials."""


def study_report(study: optuna.Study, folder: Path) -> Report:
    """folder: the study's.

    Raises InputError where no trial was measured.
    """
    trials = table(study)
    measured = trials.dropna(subset=[ACCURACY])
    if measured.empty:
        raise InputError("no trial of this study was measured yet: there is nothing to report")
    confirmed = confirmation(study)
    one_objective = len(study.directions) == 1 and bool((trials.state == "complete").any())
    winner = best(study, confirmed) if one_objective else None
    sections = [_winner(study, trials, winner)] if winner else []
    if not confirmed.empty:
        caption = "Configurations trained again with fresh seeds; accuracies are those of the category with its label."
        columns = ["trial", "seed", "test accuracy", *confirmed.columns.difference(["trial", "seed", "test accuracy"])]
        ordered = confirmed.sort_values(["trial", "seed"])[columns]
        sections.append(Section("Fresh seeds", table=ordered, caption=caption))
    sections += _settings(study, measured, folder)
    columns = [name for name in SHOWN if name in trials]
    listed = trials.sort_values(ACCURACY, ascending=False)[columns].rename(columns=HEADS)
    caption = "A trial's accuracy is that of one run, the highest of many: it is lucky. Click on a column to sort."
    sections.append(Section("All trials", table=listed, caption=caption))
    settings = study.user_attrs.get("settings", {})
    subtitle = f"{len(trials)} trials on {settings.get('dataset')}, each of {settings.get('images', 0):,} images."
    return Report(f"InfoGAN study {study.study_name}", subtitle, _cards(trials, winner), sections)


def _cards(trials: pd.DataFrame, winner: dict | None) -> list[Card]:
    cards = []
    if winner and "test" in winner:
        test, (low, high) = winner["test"], winner["test"]["ci95"]
        detail = f"mean over {test['n_seeds']} fresh seeds, 95 % interval {low:.3f} to {high:.3f}"
        cards.append(Card("test accuracy of the winner", f"{test['accuracy_mean']:.3f}", detail))
    elif winner:
        detail = "one run, the best of all trials: not confirmed with fresh seeds (sweep.py --confirm-best)"
        cards.append(Card("validation accuracy of the winner", f"{winner['validation_accuracy']:.3f}", detail))
    if winner:
        config = winner["config"]
        detail = f"preset {config['preset']}, batch {config['batch_size']}, trial {winner['trial']}"
        cards.append(Card("its codes", config["codes"], detail))
    counts = trials.state.value_counts()
    states = ", ".join(f"{number} {state}" for state, number in counts.items())
    return [*cards, Card("trials", str(len(trials)), states)]


def _winner(study: optuna.Study, trials: pd.DataFrame, winner: dict) -> Section:
    run_dir = Path(str(trials.run_dir[trials.trial == winner["trial"]].iloc[0]))
    text = f"Trial {winner['trial']}. Train it again:\n{train_command(winner['config'], Path('runs') / 'winner')}"
    pictures: list[Picture] = []
    if (read := read_trial(run_dir)) is not None:
        caption = f"The run of trial {winner['trial']}: losses, L_I (dashed: H(c)), and accuracy on validation images."
        pictures = [drawn(plot_run(*read), caption, whole=True), *run_pictures(run_dir)]
    return Section("The winner", text, pictures)


def _settings(study: optuna.Study, measured: pd.DataFrame, folder: Path) -> list[Section]:
    """What the trials say of each setting, in pictures."""
    lambdas = drawn(plots.plot_lambdas(measured), "Accuracy by λ, the weight of L_I.", whole=True)
    codes = drawn(plots.plot_codes(measured), "Accuracy by latent codes.")
    batch = drawn(plots.plot_batch_size(measured, study.user_attrs["settings"]["images"]), "Accuracy by batch size.")
    parallel = "Each line is a trial, through its parameters to its accuracy; it ends early without continuous codes."
    together = drawn(plot_parallel(measured), parallel, whole=True)
    meaning = "In all pictures the colour is the recipe (a preset), and the marker the state of the trial."
    return [
        Section("λ, codes and batch size", meaning, [lambdas, codes, batch, together]),
        *_importances(study, folder),
        Section("The trials in time", "", _in_time(study, measured)),
    ]


def _in_time(study: optuna.Study, measured: pd.DataFrame) -> list[Picture]:
    out = [drawn(plots.plot_history(measured), "Accuracy in the order of the trials.")]
    if any(trial.intermediate_values for trial in study.get_trials(deepcopy=False)):
        out.append(drawn(plots.plot_curves(study), "Validation accuracy over training."))
    if len(study.directions) > 1:
        front = [trial.number for trial in study.best_trials]
        out.append(drawn(plots.plot_front(measured, front), "Accuracy and Fréchet distance."))
    if (bounds := plot_bounds(measured)) is not None:
        caption = "L_I of the categorical codes over their entropy H(c): 1 where Q recovers every category."
        out.append(drawn(bounds, caption))
    return out


def _importances(study: optuna.Study, folder: Path) -> list[Section]:
    values = importances(study, folder / "report" / "importances.csv")
    if values.empty:
        return []
    text = "Share of the variance of accuracy that each parameter explains (fANOVA)."
    if values.trials.max() < HINT_BELOW:
        text += f" Of fewer than {HINT_BELOW} trials they vary much: see the lines."
    return [Section("Importances", text, [drawn(plots.plot_importances(values), "Lines: 95 % intervals.")])]
