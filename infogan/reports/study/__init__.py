"""What a study found: best trial, importances, a table of trials, and pictures, from the study's storage alone.

Example:
  python analysis/study.py studies/digits
"""

from pathlib import Path

import optuna
import pandas as pd
import tyro
from matplotlib.figure import Figure
from optuna.trial import TrialState

from infogan import records, style
from infogan.errors import InputError, printable
from infogan.reports import common
from infogan.reports.study import plots
from infogan.reports.study.importance import HINT_BELOW, importances
from infogan.reports.study.trials import (
    ACCURACY,
    DISTANCE,
    SHOWN,
    Options,
    best,
    confirmation,
    open_study,
    table,
    train_command,
)


def _save(figure: Figure, folder: Path, name: str) -> None:
    with records.replacing(folder / f"{name}.png") as file:
        style.save(figure, file, 120)


def report_trials(study: optuna.Study, trials: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """Write trials.csv and the plots of all trials; print the table and the errors.

    Returns: the trials that were measured. Raises InputError where there are none.
    """
    records.write_atomic(folder / "trials.csv", trials.to_csv(index=False))
    print(common.as_text(trials.sort_values(ACCURACY, ascending=False)[SHOWN], missing="-"))
    for failed in trials[trials.error != ""].itertuples():
        print(f"trial {failed.trial} failed: {printable(failed.error)}")
    measured = trials.dropna(subset=[ACCURACY])
    if measured.empty:
        raise InputError("no trial of this study was measured yet: there is nothing to draw")
    _save(plots.plot_lambdas(measured), folder, "lambda")
    _save(plots.plot_codes(measured), folder, "codes")
    _save(plots.plot_batch_size(measured, study.user_attrs["settings"]["images"]), folder, "batch_size")
    _save(plots.plot_history(measured), folder, "history")
    if any(trial.intermediate_values for trial in study.get_trials(deepcopy=False)):
        _save(plots.plot_curves(study), folder, "learning_curves")
    return measured


def report_importances(study: optuna.Study, folder: Path) -> None:
    """Write importances.csv and its plot, and print it."""
    values = importances(study, folder / "importances.csv")
    if values.empty:
        print("\nimportances need at least four trials that differ")
        return
    _save(plots.plot_importances(values), folder, "importances")
    print("\n" + common.as_text(values))
    if values.trials.max() < HINT_BELOW:
        print(f"(importances of fewer than {HINT_BELOW} trials vary much: see low and high)")


def report_front(study: optuna.Study, measured: pd.DataFrame, folder: Path) -> None:
    """Of a study with two objectives: write front.json and its plot, and print the Pareto front."""
    sound = [trial for trial in study.best_trials if "collapsed" not in trial.user_attrs]
    front = sorted(trial.number for trial in sound or study.best_trials)
    _save(plots.plot_front(measured, front), folder, "front")
    columns = ["trial", ACCURACY, DISTANCE, "recipe", "codes"]
    print("\nPareto front: no other trial is better in both")
    print(common.as_text(measured[measured.trial.isin(front)].sort_values(DISTANCE)[columns]))
    records.write_json(folder / "front.json", {"trials": front, "provenance": records.provenance()})


def report_best(study: optuna.Study, folder: Path) -> None:
    """Of a study with one objective: write best.json and confirmation.csv, and print the best configuration."""
    confirmed = confirmation(study)
    winner = best(study, confirmed)
    records.write_json(folder / "best.json", winner | {"provenance": records.provenance()})
    if not confirmed.empty:
        records.write_atomic(folder / "confirmation.csv", confirmed.to_csv(index=False))
        print("\nthe best configurations with fresh seeds:")
        print(common.as_text(confirmed.sort_values(["trial", "seed"])))
    text = f"\nbest: trial {winner['trial']}, validation accuracy {winner['validation_accuracy']:.4f}"
    if "test" in winner:
        text += f", {winner['validation_accuracy_fresh_seeds']:.4f} over fresh seeds"
    if study.trials[winner["trial"]].user_attrs.get("collapsed"):
        text += "; its G has collapsed"
    print(f"{text}, codes {printable(winner['config']['codes'])}")
    if "test" in winner:
        test, (low, high) = winner["test"], winner["test"]["ci95"]
        print(
            f"test accuracy of its configuration over {test['n_seeds']} fresh seeds: {test['accuracy_mean']:.4f} "
            f"(95 % interval {low:.4f} to {high:.4f}); G has collapsed in {test['n_collapsed']} of them"
        )
    command = train_command(winner["config"], Path("runs") / f"{study.study_name}-best")
    print(f"train it: {printable(command)}")


def main() -> None:
    """Write the study's folder report/, and print the numbers."""
    options = tyro.cli(Options, description=__doc__)
    study = open_study(options)
    folder = options.folder / "report"
    folder.mkdir(parents=True, exist_ok=True)
    measured = report_trials(study, table(study), folder)
    report_importances(study, folder)
    if study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        if len(study.directions) > 1:
            report_front(study, measured, folder)
        else:
            report_best(study, folder)
    print(f"\ntable, numbers and pictures: {folder}/")
    print(f"next: infogan report {options.folder}    # all of it as one HTML page")
