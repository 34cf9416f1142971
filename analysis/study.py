"""What a study found: best trial, importances, a table of trials, and pictures, from the study's storage alone.

Example:
  python analysis/study.py studies/digits
"""

import shlex
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import optuna
import pandas as pd
import seaborn
import tyro
from matplotlib.figure import Figure
from optuna.trial import TrialState

from infogan import records
from infogan.cli import run_script
from infogan.config import InputError, from_dict
from infogan.metrics.clustering import MEASURES, mean_interval
from infogan.presets import changed_fields

ACCURACY, DISTANCE = "validation accuracy", "Fréchet distance"
HINT_BELOW = 30  # trials
HALVES = 40  # of the trials, for the importances' intervals: some seconds
PARAMETERS = (
    "recipe", "categorical_codes", "categories", "continuous_codes", "noise", "lambda_categorical", "lambda_continuous", "batch_size",
)  # fmt: skip


@dataclass(frozen=True)
class Options:
    folder: tyro.conf.Positional[Path]
    """The study's folder, studies/NAME; the report goes to its folder report/."""
    storage: str | None = None
    """Optuna storage URL. Default: sqlite:///FOLDER/study.db."""
    study: str | None = None
    """Name of the study. Default: the folder's name."""


def open_study(options: Options) -> optuna.Study:
    """Raises InputError where there is no such study."""
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    file = options.folder / "study.db"
    if options.storage is None and not file.exists():
        raise InputError(f"there is no {file}: give a study's folder, such as studies/digits, or --storage")
    try:
        return optuna.load_study(
            study_name=options.study or options.folder.name, storage=options.storage or f"sqlite:///{file}"
        )
    except KeyError as error:
        raise InputError(f"no study {options.study or options.folder.name!r} in that storage: give --study") from error


def table(study: optuna.Study) -> pd.DataFrame:
    """One row per trial: state, last validation accuracy, parameters, codes, speed, where its run lies."""
    rows = []
    for trial in study.get_trials(deepcopy=False):
        accuracy, *distance = trial.values or [(list(trial.intermediate_values.values()) or [np.nan])[-1]]
        rows.append(
            {
                "trial": trial.number,
                "state": trial.state.name.lower(),
                ACCURACY: accuracy,
                **{DISTANCE: value for value in distance},
                "codes": trial.user_attrs.get("config", {}).get("codes"),
                **{name: trial.params.get(name) for name in PARAMETERS},
                "updates": trial.user_attrs.get("config", {}).get("updates"),
                "images_per_second": trial.user_attrs.get("images_per_second"),
                "seconds": trial.duration.total_seconds() if trial.duration else None,
                "source": trial.user_attrs.get("source", ""),
                "run_dir": trial.user_attrs.get("run_dir"),
                "error": trial.user_attrs.get("error", ""),
            }
        )
    return pd.DataFrame(rows)


def importances(study: optuna.Study) -> pd.DataFrame:
    """fANOVA importances: of the parameters that all trials have, then, among those with continuous codes, of all.

    A pruned trial counts with the accuracy it was stopped at: the few that ran to the end would tell too little.
    `low` and `high` hold the middle 95 % of the importances in random halves of the trials (delete-half jackknife, Shao & Wu 1989).
    """
    began = [
        t
        for t in study.get_trials(deepcopy=False)
        if t.values or (t.state == TrialState.PRUNED and t.intermediate_values)
    ]
    common = [name for name in PARAMETERS if all(name in t.params for t in began)]
    rows = []
    for among, names in (("all trials", common), ("with continuous codes", [*common, "lambda_continuous"])):
        having = [t for t in began if all(name in t.params for name in names)]
        values = [t.values[0] if t.values else t.intermediate_values[t.last_step] for t in having]
        # An importance needs different outcomes and different values to tell apart.
        names = [name for name in names if len({t.params[name] for t in having}) > 1]
        if len(having) < 4 or len(set(values)) < 2 or not names:
            continue
        counted = [
            optuna.create_trial(params=t.params, distributions=t.distributions, value=value)
            for t, value in zip(having, values)
        ]
        random = np.random.default_rng(0)
        halves = pd.DataFrame(
            [
                _importances([counted[i] for i in random.permutation(len(counted))[: (len(counted) + 1) // 2]], names)
                for _ in range(HALVES)
            ]
        )
        low, high = halves.quantile(0.025), halves.quantile(0.975)
        for name, value in sorted(_importances(counted, names).items(), key=lambda item: -item[1]):
            rows.append(
                {
                    "parameter": name,
                    "importance": value,
                    "low": low[name],
                    "high": high[name],
                    "among": among,
                    "trials": len(having),
                }
            )
    return pd.DataFrame(rows, columns=["parameter", "importance", "low", "high", "among", "trials"])


def _importances(trials: list[optuna.trial.FrozenTrial], names: list[str]) -> dict[str, float]:
    """Of each parameter; 0 of what does not vary among the trials, and of all where their values do not."""
    varying = [name for name in names if len({t.params[name] for t in trials}) > 1]
    out = dict.fromkeys(names, 0.0)
    if varying and len({t.value for t in trials}) > 1:
        study = optuna.create_study(direction="maximize")
        study.add_trials(trials)
        out |= optuna.importance.get_param_importances(
            study, evaluator=optuna.importance.FanovaImportanceEvaluator(seed=0), params=varying
        )
    return out


def _save(figure: Figure, folder: Path, name: str) -> None:
    figure.savefig(folder / f"{name}.png", dpi=120)


def plot_lambdas(trials: pd.DataFrame, folder: Path) -> None:
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    for axes, kind in zip(figure.subplots(1, 2, sharey=True), ("categorical", "continuous")):
        part = trials.dropna(subset=[f"lambda_{kind}"])
        seaborn.scatterplot(
            part,
            x=f"lambda_{kind}",
            y=ACCURACY,
            hue="recipe",
            style="state",
            ax=axes,
            s=55,
            legend=kind == "continuous",
        )
        axes.set(xscale="log", xlabel=f"λ of the {kind} codes")
    if not part.empty:
        seaborn.move_legend(axes, "upper left", bbox_to_anchor=(1, 1))
    _save(figure, folder, "lambda")


def plot_codes(trials: pd.DataFrame, folder: Path) -> None:
    order = trials.groupby("codes")[ACCURACY].max().sort_values(ascending=False).index
    figure = Figure(figsize=(8, 0.3 * len(order) + 1.4), layout="constrained")
    axes = figure.subplots()
    seaborn.stripplot(trials, y="codes", x=ACCURACY, hue="state", order=order, ax=axes, size=7, jitter=False, alpha=0.8)
    axes.grid(axis="y", alpha=0.3)
    axes.set(ylabel="latent codes", title="validation accuracy by latent-code configuration")
    _save(figure, folder, "codes")


def plot_batch_size(trials: pd.DataFrame, folder: Path, images: int) -> None:
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    seaborn.scatterplot(trials, x="batch_size", y=ACCURACY, hue="recipe", style="state", ax=axes, s=55)
    seaborn.move_legend(axes, "upper left", bbox_to_anchor=(1, 1))
    axes.set_xscale("log", base=2)
    sizes = sorted(trials["batch_size"].dropna().unique())
    axes.set_xticks(sizes, [f"{int(size)}\n{round(images / size):,}" for size in sizes])
    axes.set(xlabel="batch size, and updates below it", title=f"at equal images seen: {images:,}")
    _save(figure, folder, "batch_size")


def plot_history(trials: pd.DataFrame, folder: Path) -> None:
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    seaborn.scatterplot(trials, x="trial", y=ACCURACY, hue="state", ax=axes, s=50)
    best = trials[ACCURACY].where(trials.state == "complete").cummax().ffill()
    axes.step(trials.trial, best, where="post", color="grey", label="best complete trial so far")
    axes.set(title="optimisation history")
    axes.legend()
    _save(figure, folder, "history")


def plot_curves(study: optuna.Study, folder: Path) -> None:
    rows = [
        {"tenth of images seen": step, ACCURACY: value, "trial": trial.number, "recipe": trial.params.get("recipe")}
        for trial in study.get_trials(deepcopy=False)
        for step, value in trial.intermediate_values.items()
    ]
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    seaborn.lineplot(
        pd.DataFrame(rows),
        x="tenth of images seen",
        y=ACCURACY,
        hue="recipe",
        units="trial",
        estimator=None,
        ax=axes,
        alpha=0.8,
        marker=".",
    )
    axes.set(title="learning curves; short lines, and single dots, are pruned trials")
    _save(figure, folder, "learning_curves")


def plot_front(trials: pd.DataFrame, front: list[int], folder: Path) -> None:
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    seaborn.scatterplot(trials, x=DISTANCE, y=ACCURACY, hue="recipe", ax=axes, s=50)
    best = trials[trials.trial.isin(front)].sort_values(DISTANCE)
    axes.plot(best[DISTANCE], best[ACCURACY], color="grey", linewidth=1, zorder=0, label="Pareto front")
    for _, row in best.iterrows():
        axes.annotate(
            f"{row.trial}: {row.codes}",
            (row[DISTANCE], row[ACCURACY]),
            fontsize=7,
            xytext=(4, 4),
            textcoords="offset points",
        )
    axes.set(title="accuracy against sample quality (left is better)")
    axes.legend()
    _save(figure, folder, "front")


def plot_importances(values: pd.DataFrame, folder: Path) -> None:
    figure = Figure(figsize=(7, 3.4), layout="constrained")
    axes = figure.subplots()
    names = list(dict.fromkeys(values.parameter))
    for i, (among, rows) in enumerate(values.groupby("among", sort=False)):
        y = rows.parameter.map(names.index) + 0.4 * i
        axes.barh(y, rows.importance, 0.38, label=among)
        axes.hlines(y, rows.low, rows.high, color="black", linewidth=1)
    axes.set_yticks(np.arange(len(names)) + 0.2, names)
    axes.invert_yaxis()
    axes.legend()
    axes.set(
        title="hyper-parameter importances (fANOVA)",
        xlabel="share of the variance; lines: 95 % of random halves of the trials",
    )
    _save(figure, folder, "importances")


def confirmation(study: optuna.Study) -> pd.DataFrame:
    """One row per run of the best configurations with a fresh seed; empty where the sweep made none."""
    if "confirmation" not in study.user_attrs:
        return pd.DataFrame()
    confirmed = optuna.load_study(study_name=study.user_attrs["confirmation"], storage=study._storage)
    rows = []
    for trial in confirmed.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        of, seed = trial.user_attrs["run"].split("/seed")
        test = {f"test {name}": value for name, value in trial.user_attrs["test"].items() if name in MEASURES}
        rows.append({"trial": int(of.removeprefix("trial-")), "seed": int(seed), ACCURACY: trial.value, **test})
    return pd.DataFrame(rows)


def best(study: optuna.Study, confirmed: pd.DataFrame) -> dict:
    """The winner: of the configurations trained again with fresh seeds the one with the best mean validation accuracy over
    them, with its test accuracy; without such seeds the best single trial."""
    if confirmed.empty:
        trial = study.best_trial
        return {
            "trial": trial.number,
            "validation_accuracy": trial.value,
            "params": trial.params,
            "config": trial.user_attrs["config"],
        }
    groups = confirmed.groupby("trial")[ACCURACY]
    means = groups.mean()[
        groups.size() == groups.size().max()
    ]  # one whose seeds failed in part could win by the lucky rest
    trial = study.trials[int(means.idxmax())]
    seeds = confirmed[confirmed.trial == trial.number].sort_values("seed")
    mean, low, high = mean_interval(list(seeds["test accuracy"]))
    test = {
        "accuracy_mean": mean,
        "ci95": [max(0.0, low), min(1.0, high)],
        "n_seeds": len(seeds),
        "accuracies": list(seeds["test accuracy"]),
    }
    return {
        "trial": trial.number, "validation_accuracy": trial.value, "validation_accuracy_fresh_seeds": float(means.max()),
        "params": trial.params, "config": trial.user_attrs["config"], "test": test,
    }  # fmt: skip


def command(config: dict, run_dir: Path) -> str:
    """What trains a stored configuration again."""
    made = from_dict(config)
    values = {
        "dataset": shlex.quote(made.dataset),
        **changed_fields(made),
        "updates": made.updates,
        "run_dir": shlex.quote(str(run_dir)),
    }
    return f"python experiments/train.py {made.preset} " + " ".join(
        f"--{name.replace('_', '-')} {value}" for name, value in values.items()
    )


def main() -> None:
    options = tyro.cli(Options, description=__doc__)
    study = open_study(options)
    folder = options.folder / "report"
    folder.mkdir(parents=True, exist_ok=True)
    trials = table(study)
    started = trials.dropna(subset=[ACCURACY])
    records.write_atomic(folder / "trials.csv", trials.to_csv(index=False))

    columns = [
        "trial",
        "state",
        ACCURACY,
        "recipe",
        "codes",
        "noise",
        "lambda_categorical",
        "lambda_continuous",
        "batch_size",
        "seconds",
    ]
    print(
        trials.sort_values(ACCURACY, ascending=False)[columns].to_string(
            index=False, float_format="{:.3f}".format, na_rep="-"
        )
    )
    for _, failed in trials[trials.error != ""].iterrows():
        print(f"trial {failed.trial} failed: {failed.error}")
    if started.empty:
        raise InputError("no trial of this study was measured yet: there is nothing to draw")
    plot_lambdas(started, folder)
    plot_codes(started, folder)
    plot_batch_size(started, folder, study.user_attrs["settings"]["images"])
    plot_history(started, folder)
    if any(trial.intermediate_values for trial in study.get_trials(deepcopy=False)):
        plot_curves(study, folder)

    values = importances(study)
    records.write_atomic(folder / "importances.csv", values.to_csv(index=False))
    if values.empty:
        print("\nimportances need at least four trials that differ")
    else:
        plot_importances(values, folder)
        print("\n" + values.to_string(index=False, float_format="{:.3f}".format))
        if values.trials.max() < HINT_BELOW:
            print(f"(a hint at most: importances of fewer than {HINT_BELOW} trials are unsteady)")
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if complete and len(study.directions) > 1:
        front = sorted(trial.number for trial in study.best_trials)
        plot_front(started, front, folder)
        print("\nthe front: no other trial is better in both")
        print(
            trials[trials.trial.isin(front)]
            .sort_values(DISTANCE)[["trial", ACCURACY, DISTANCE, "recipe", "codes"]]
            .to_string(index=False, float_format="{:.3f}".format)
        )
        records.write_json(folder / "front.json", {"trials": front, "provenance": records.provenance()})
    elif complete:
        confirmed = confirmation(study)
        winner = best(study, confirmed)
        records.write_json(folder / "best.json", winner | {"provenance": records.provenance()})
        if not confirmed.empty:
            records.write_atomic(folder / "confirmation.csv", confirmed.to_csv(index=False))
            print("\nthe best configurations with fresh seeds:")
            print(confirmed.sort_values(["trial", "seed"]).to_string(index=False, float_format="{:.3f}".format))
        means = f", {winner['validation_accuracy_fresh_seeds']:.4f} over fresh seeds" if "test" in winner else ""
        print(
            f"\nbest: trial {winner['trial']}, validation accuracy {winner['validation_accuracy']:.4f}{means}, codes {winner['config']['codes']}"
        )
        if "test" in winner:
            test = winner["test"]
            low, high = test["ci95"]
            print(
                f"test accuracy of its configuration over {test['n_seeds']} fresh seeds: {test['accuracy_mean']:.4f} (95 % interval {low:.4f} to {high:.4f})"
            )
        print(f"train it: {command(winner['config'], Path('runs') / f'{study.study_name}-best')}")
    print(
        f"\ntable, numbers and pictures: {folder}/\nnext: python analysis/report.py {options.folder}    # all of it as one HTML page"
    )


if __name__ == "__main__":
    run_script(main)
