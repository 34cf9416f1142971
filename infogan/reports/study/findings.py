"""What a study found, in the order a reader wants it: the winner, which setting matters, the trials."""

from dataclasses import dataclass
from pathlib import Path

import optuna
import pandas as pd
from matplotlib.figure import Figure

from infogan import records
from infogan.metrics.clustering import mean_interval
from infogan.reports.page import Card, Picture, Report, Section
from infogan.reports.study import plots
from infogan.reports.study.choice import best, train_command
from infogan.reports.study.importance import FEWEST, effects, importances
from infogan.study.objectives import Measure
from infogan.study.table import confirmation, measures, searched, table
from infogan.utils import style
from infogan.utils.errors import InputError, printable

SHOWN_TRIALS = 5
"""Best trials whose samples are shown."""


@dataclass(frozen=True)
class Findings:
    """Of a whole study."""

    study: optuna.Study
    trials: pd.DataFrame
    winner: dict | None
    sections: list[Section]

    def write(self, folder: Path) -> None:
        """Every table as CSV, every figure as PNG, the winner as best.json, and trials.csv with all columns."""
        for section in self.sections:
            if section.table is not None:
                records.write_atomic(folder / f"{section.name}.csv", section.table.to_csv(index=False))
            for picture in section.pictures:
                if isinstance(picture.content, Figure):
                    with records.replacing(folder / f"{picture.name}.png") as file:
                        style.save(picture.content, file, 120)
        records.write_atomic(folder / "trials.csv", self.trials.to_csv(index=False))
        if self.winner:
            records.write_json(folder / "best.json", self.winner | {"provenance": records.provenance()})

    def report(self) -> Report:
        """All of it as one page."""
        settings = self.study.user_attrs["settings"]
        counts = ", ".join(f"{number} {state}" for state, number in self.trials.state.value_counts().items())
        images = f"{settings['images']:,} images"
        subtitle = f"{len(self.trials)} trials ({counts}) on {settings['dataset']}, each of {images}."
        cards = [
            *(_cards(self.study, self.winner) if self.winner else []),
            Card("trials", str(len(self.trials)), f"{images} each"),
        ]
        return Report(f"InfoGAN study {self.study.study_name}", subtitle, cards, self.sections)


def find(study: optuna.Study) -> Findings:
    """Raises InputError where no trial was measured."""
    trials, pair = table(study), measures(study)
    measured = trials.dropna(subset=[pair[0].name])
    if measured.empty:
        raise InputError(f"no trial of study {study.study_name!r} was measured yet: there is nothing to report")
    confirmed = confirmation(study) if len(pair) == 1 else pd.DataFrame()
    winner = best(study, trials, confirmed) if len(pair) == 1 else None
    sections = [_front(study, measured)] if len(pair) > 1 else []
    if winner:
        sections.append(_winner(study, winner, confirmed))
    sections += [*_which_setting_matters(study, measured), *_samples(measured, pair[0])]
    sections += [*_in_time(study), _searched(study), _all(trials, pair[0])]
    return Findings(study, trials, winner, sections)


def _cards(study: optuna.Study, winner: dict) -> list[Card]:
    """The winner's numbers: of its fresh seeds, where it was trained with such."""
    cards, value = [], winner["value"]
    if test := winner.get("test"):
        n = len(test["accuracies"])
        detail = f"mean over {n} fresh seed{'s' * (n > 1)}"
        if test["ci95"]:
            detail += f", 95 % interval {test['ci95'][0]:.3f} to {test['ci95'][1]:.3f}"
        cards.append(Card("test accuracy of the winner", f"{test['accuracy_mean']:.3f}", detail))
    if (mean := winner.get("mean_of_fresh_seeds")) is not None:
        n, collapsed = winner["n_seeds"], winner["n_collapsed"]
        also = f", of which G has collapsed in {collapsed}" * (collapsed > 0)
        detail = f"mean over {n} fresh seed{'s' * (n > 1)}{also}; {value:.3f} in the study"
        value = mean
    else:
        collapsed = "collapsed" in study.trials[winner["trial"]].user_attrs
        detail = "one run, the best of all trials: not confirmed with fresh seeds" + "; G has collapsed" * collapsed
    cards.append(Card(f"{measures(study)[0].title} of the winner", f"{value:.3f}", detail))
    config = winner["config"]
    labels = f", {config['labelled']} labels" if config.get("labelled") else ""
    detail = f"preset {config['preset']}{labels}, batch {config['batch_size']}, trial {winner['trial']}"
    return [*cards, Card("its codes", config["codes"], detail)]


def _winner(study: optuna.Study, winner: dict, confirmed: pd.DataFrame) -> Section:
    lines = [f"{card.label}: {card.value} ({card.detail})" for card in _cards(study, winner)]
    lines.append(f"Train it: {train_command(winner['config'], Path('runs') / f'{study.study_name}-best')}")
    return Section("The winner", printable_lines(lines), table=None if confirmed.empty else confirmed, name="winner")


def _which_setting_matters(study: optuna.Study, measured: pd.DataFrame) -> list[Section]:
    measure, out = measures(study)[0], []
    names = [name for name in searched(study) if measured[name].nunique() > 1]
    others = [name for name in names if name != "seed"]
    if "seed" in names:
        out.append(_seeds(measured, measure, others))
    if not others:
        return out
    drawn, title = plots.plot_slices(measured, measure, others), "Which setting matters"
    slices = Picture(drawn, "Each trial by each of its settings.", "slices", whole=True)
    values = importances(study)
    if values.empty:
        text = (
            f"{len(measured)} measured trials do not say which setting matters most: {FEWEST} or more are needed, and "
            "some 30 for intervals that are narrow."
        )
        return [*out, Section(title, text, [slices])]
    text = "Share of the variance of the measure that each setting explains (fANOVA), and where 95 % of halves lie."
    caption = "Importances; lines: 95 % of random halves of the trials."
    label = f"share of the variance of {measure.title} (lines: 95 % of random halves of the trials)"
    drawn = plots.plot_intervals(values, "parameter", "importance", label)
    pictures = [Picture(drawn, caption, "importances"), slices]
    numbers = [name for name in values.parameter if pd.api.types.is_numeric_dtype(measured[name]) and name != "seed"]
    if len(numbers) > 1 and measured[numbers[:2]].nunique().min() > 2:
        caption = "The two numbers that matter most; a dot is a trial."
        pictures.append(Picture(plots.plot_contour(measured, measure, *numbers[:2]), caption, "contour"))
    by = "Means over the trials with each value; what else differs between them is not held fixed."
    return [
        *out,
        Section(title, text, pictures, values, name="importances"),
        Section("By how much", by, table=effects(measured, measure.name, others), name="effects"),
    ]


def _seeds(measured: pd.DataFrame, measure: Measure, names: list[str]) -> Section:
    """Of a study that searches seeds: each setting over its seeds."""
    settings = settings_over_seeds(measured, measure.name, names)
    text = "Each setting over its seeds, and its difference from the first at the same seeds."
    if settings.seeds.max() < 3:
        text += " Of fewer than three seeds no interval is given."
    enough = settings.seeds.max() > 2
    label = f"{measure.title}: mean over seeds, and its 95 % interval"
    drawn = plots.plot_intervals(settings, "setting", "mean", label)
    pictures = [Picture(drawn, "Means over seeds.", "seeds")] if enough else []
    return Section("Over the seeds", text, pictures, settings, name="seeds")


def settings_over_seeds(trials: pd.DataFrame, measure: str, names: list[str]) -> pd.DataFrame:
    """A row a setting of `names`: setting, seeds (their number), mean, low, high, min, max of complete trials, and its
    paired difference from the first setting at the seeds that both have, with its interval: difference, difference_low,
    difference_high. Intervals are Student's at 95 %, missing for fewer than three seeds.
    """
    complete = trials[trials.state == "complete"]
    by = complete.assign(setting=complete[names].astype(str).agg(", ".join, axis=1) if names else "all")
    wide, rows = by.pivot_table(index="seed", columns="setting", values=measure, sort=False), []
    for setting in wide:
        values, paired = wide[setting].dropna(), (wide[setting] - wide[wide.columns[0]]).dropna()
        mean, low, high = mean_interval(list(values)) if len(values) > 2 else (values.mean(), None, None)
        row = {"setting": setting, "seeds": len(values), "mean": mean, "low": low, "high": high}
        row |= {"min": values.min(), "max": values.max()}
        if setting != wide.columns[0] and len(paired) > 2:
            row |= dict(zip(("difference", "difference_low", "difference_high"), mean_interval(list(paired))))
        rows.append(row)
    return pd.DataFrame(rows)


def _front(study: optuna.Study, measured: pd.DataFrame) -> Section:
    pair = measures(study)
    sound = [trial for trial in study.best_trials if "collapsed" not in trial.user_attrs]
    front = sorted(trial.number for trial in sound or study.best_trials)
    rows = measured[measured.trial.isin(front)].sort_values(pair[1].name)
    shown = rows[["trial", *(one.name for one in pair), *searched(study)]]
    drawn = Picture(
        plots.plot_front(measured, (pair[0], pair[1]), front), "All trials; the line is the front.", "front"
    )
    text = "No other trial is better in both measures. Nothing was pruned."
    return Section("The front", text, [drawn], shown, name="front")


def _samples(measured: pd.DataFrame, measure: Measure) -> list[Section]:
    """The last samples of the best trials whose run directories are on this machine."""
    order = measured.sort_values(measure.name, ascending=measure.direction == "minimize")
    pictures = []
    for trial in order.head(SHOWN_TRIALS).itertuples():
        if files := sorted((Path(str(trial.run_dir)) / "samples").glob("samples-*.png")):
            value, collapsed = getattr(trial, measure.name), "; G has collapsed" * bool(trial.collapsed)
            ended = ", ended early" * (trial.state == "pruned")
            caption = f"Trial {trial.trial}{ended}: {measure.title} {value:.3f}{collapsed}"
            pictures.append(Picture(files[-1], caption, pixels=True))
    text = "Rows are the categories of the first code; a column has one noise vector."
    return [Section("Samples of the best trials", text, pictures)] if pictures else []


def _in_time(study: optuna.Study) -> list[Section]:
    if not any(trial.intermediate_values for trial in study.get_trials(deepcopy=False)):
        return []
    drawn = plots.plot_curves(study, measures(study)[0])
    return [Section("The trials in time", pictures=[Picture(drawn, "Over training.", "learning_curves")])]


def _searched(study: optuna.Study) -> Section:
    settings = study.user_attrs["settings"]
    rows = [{"setting": name, "searched": spec} for name, spec in settings["search"].items()]
    fixed = ", ".join(f"{name}={value}" for name, value in settings["set"].items())
    text = f"Sampler {settings['sampler']}" + (f"; every trial has {fixed}." if fixed else ".")
    return Section("What was searched", text, table=pd.DataFrame(rows), name="search")


def _all(trials: pd.DataFrame, measure: Measure) -> Section:
    ordered = trials.sort_values(measure.name, ascending=measure.direction == "minimize")
    failed = [f"Trial {row.trial} failed: {row.error}" for row in trials[trials.error != ""].itertuples()]
    shown = ordered.drop(columns=["updates", "images_per_second", "run_dir", "error"])
    text = "A trial's value is that of one run. A collapsed generator counts as the worst value."
    return Section("All trials", printable_lines([text, *failed]), table=shown, name="trials")


def printable_lines(lines: list[str]) -> str:
    """Each as printable text, in lines of their own."""
    return "\n".join(map(printable, lines))
