"""A study's report: one self-contained HTML file from local files, and the same as a W&B report where there is a key.

Examples:
  python analysis/report.py studies/digits                       # writes studies/digits/report/report.html
  python analysis/report.py studies/mnist --online --entity me   # also creates the W&B report, and prints its address
"""

import base64
import io
from dataclasses import dataclass
from pathlib import Path

import jinja2
import matplotlib
import numpy as np
import optuna
import pandas as pd
import seaborn
import study as studies
import tyro
from matplotlib.figure import Figure

from infogan import records
from infogan.cli import run_script
from infogan.config import InputError

SHOWN = (
    "trial",
    "state",
    studies.ACCURACY,
    "recipe",
    "codes",
    "noise",
    "lambda_categorical",
    "lambda_continuous",
    "batch_size",
    "seconds",
)
AXES = (
    "lambda_categorical",
    "lambda_continuous",
    "categorical_codes",
    "categories",
    "continuous_codes",
    "noise",
    "batch_size",
    studies.ACCURACY,
)
LOGARITHMIC = ("lambda_categorical", "lambda_continuous", "batch_size", "noise")


@dataclass(frozen=True)
class Options(studies.Options):
    out: Path | None = None
    """The HTML file. Default: FOLDER/report/report.html."""
    scorecard: Path | None = None
    """A Markdown file whose text stands first."""
    online: bool = False
    """Also create the report on W&B (needs a key)."""
    project: str = "infogan"
    """W&B project of the study's runs."""
    entity: str | None = None
    """W&B user or team. Default: yours."""


def data_url(figure: Figure) -> str:
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=110)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def plot_parallel(trials: pd.DataFrame) -> Figure:
    """A line per finished trial through its parameters to its accuracy, which colours it."""
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    axes = figure.subplots()
    names = [name for name in AXES if name in trials and (trials[name].nunique() > 1 or name == studies.ACCURACY)]
    table = trials[names].astype(float)
    scaled = table.copy()
    for name in names:
        values = np.log(table[name]) if name in LOGARITHMIC else table[name]
        scaled[name] = (values - values.min()) / ((values.max() - values.min()) or 1)
    colours = matplotlib.colormaps["viridis"]
    for index in scaled.sort_values(studies.ACCURACY).index:
        axes.plot(
            range(len(names)),
            scaled.loc[index],
            color=colours(scaled.loc[index, studies.ACCURACY]),
            alpha=0.8,
            marker=".",
        )
    for at, name in enumerate(names):
        axes.axvline(at, color="grey", linewidth=0.8)
        for edge, value in ((-0.06, table[name].min()), (1.03, table[name].max())):
            axes.text(at, edge, f"{value:.3g}", ha="center", fontsize=8)
    axes.set_xticks(range(len(names)), [name.replace("_", "\n") for name in names], fontsize=8)
    axes.set(yticks=[], ylim=(-0.1, 1.1), title="parallel coordinates; a line that ends early has no continuous code")
    axes.tick_params(axis="x", pad=10, length=0)
    return figure


def plot_bounds(trials: pd.DataFrame) -> Figure | None:
    """L_I / H(c) of every trial whose run directory is here."""
    curves = []
    for _, trial in trials.iterrows():
        path = Path(str(trial.run_dir)) / "metrics.csv"
        if path.exists():
            metrics = pd.read_csv(path)
            curves.append(
                pd.DataFrame(
                    {
                        "images": metrics.images,
                        "L_I / H(c)": metrics.info_over_entropy,
                        "recipe": trial.recipe,
                        "trial": trial.trial,
                    }
                )
            )
    if not curves:
        return None
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    table = pd.concat(curves)
    seaborn.lineplot(table, x="images", y="L_I / H(c)", hue="recipe", units="trial", estimator=None, alpha=0.7, ax=axes)
    axes.set(
        title="mutual-information lower bound over the codes' entropy",
        ylim=(max(-1.0, table["L_I / H(c)"].min() - 0.05), 1.1),
    )
    return figure


def sections(options: Options, study: optuna.Study) -> list[dict]:
    """What the report shows, in order: titles with text, tables and pictures (as data URLs)."""
    trials = studies.table(study)
    measured = trials.dropna(subset=[studies.ACCURACY])
    if measured.empty:
        raise InputError("no trial of this study was measured yet: there is nothing to report")
    confirmed = studies.confirmation(study)
    out: list[dict] = []
    if options.scorecard:
        out.append({"title": "Scorecard", "text": options.scorecard.read_text()})
    settings, shown = study.user_attrs.get("settings", {}), None
    text = f"{len(trials)} trials on {settings.get('dataset')}, each of {settings.get('images', 0):,} images; {len(trials[trials.state == 'complete'])} ran to the end."
    if len(study.directions) == 1 and (trials.state == "complete").any():
        winner = studies.best(study, confirmed)
        shown = winner["trial"]
        text += f" Best: trial {winner['trial']}, codes {winner['config']['codes']}, validation accuracy {winner['validation_accuracy']:.3f}."
        if "test" in winner:
            test = winner["test"]
            text += f" Its test accuracy over {test['n_seeds']} fresh seeds: {test['accuracy_mean']:.3f}, 95 % interval {test['ci95'][0]:.3f} to {test['ci95'][1]:.3f}."
    out.append({"title": "What was found", "text": text})
    if not confirmed.empty:
        out.append(
            {"title": "The best configurations with fresh seeds", "table": confirmed.sort_values(["trial", "seed"])}
        )
    out.append({"title": "Every parameter against accuracy", "picture": data_url(plot_parallel(measured))})
    if not (importances := studies.importances(study)).empty:
        out.append({"title": "Importances", "table": importances})
    if (bounds := plot_bounds(measured)) is not None:
        out.append({"title": "L_I / H(c)", "picture": data_url(bounds)})
    for name, title in (
        ("history", "History"),
        ("lambda", "λ"),
        ("codes", "Latent codes"),
        ("batch_size", "Batch size"),
        ("learning_curves", "Learning curves"),
        ("front", "Accuracy and quality"),
    ):
        picture = options.folder / "report" / f"{name}.png"
        if picture.exists():
            out.append(
                {"title": title, "picture": "data:image/png;base64," + base64.b64encode(picture.read_bytes()).decode()}
            )
    best = (
        measured.sort_values(studies.ACCURACY).iloc[-1]
        if shown is None
        else trials.set_index("trial", drop=False).loc[shown]
    )
    for kind, title in (
        ("samples", "Samples of the best trial: a row per category"),
        ("confusion", "Confusion matrix of the best trial"),
    ):
        if pictures := sorted((Path(str(best.run_dir)) / "samples").glob(f"{kind}-*.png")):
            out.append(
                {
                    "title": title,
                    "picture": "data:image/png;base64," + base64.b64encode(pictures[-1].read_bytes()).decode(),
                }
            )
    out.append(
        {
            "title": "All trials",
            "table": trials.sort_values(studies.ACCURACY, ascending=False)[[name for name in SHOWN if name in trials]],
        }
    )
    return out


TEMPLATE = jinja2.Environment(autoescape=True).from_string(
    """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{{ title }}</title><link rel="icon" href="data:,">
<style>
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  body { max-width: 64rem; margin: 2rem auto; padding: 0 1rem; }
  img { max-width: 100%; background: #fff; border-radius: .3rem; } img.small { min-width: 18rem; image-rendering: pixelated; }
  .wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .82rem; font-variant-numeric: tabular-nums; }
  td, th { padding: .2rem .6rem; border-bottom: 1px solid #8884; text-align: right; white-space: nowrap; } pre { white-space: pre-wrap; font: inherit; }
  footer { opacity: .7; font-size: .8rem; margin-top: 3rem; }
</style>
<h1>{{ title }}</h1>
{% for section in sections %}<section><h2>{{ section.title }}</h2>
{% if section.text %}<pre>{{ section.text }}</pre>{% endif %}
{% if section.picture %}<img alt="{{ section.title }}" src="{{ section.picture }}"{% if section.title.startswith("Samples") %} class="small"{% endif %}>{% endif %}
{% if section.table is defined %}<div class="wide">{{ section.table.to_html(index=False, border=0, na_rep="–", float_format=number) | safe }}</div>{% endif %}
</section>
{% endfor %}<footer>{{ made.command }}, commit {{ made.commit }}, optuna {{ made.versions.optuna }}, torch {{ made.versions.torch }}</footer>
</html>
"""
)


def wandb_report(study: optuna.Study, options: Options, text: str):
    """The W&B report of the study's runs, not yet saved: building it needs no network."""
    import wandb_workspaces.reports.v2 as wr
    from wandb_workspaces import expr

    # Given an entity of its own, a run set asks the server; the report's is enough.
    runset = wr.Runset(
        project=options.project, name=study.study_name, filters=expr.And(expr.Metric("Group") == study.study_name)
    )
    accuracy = "validation/accuracy"
    panels = [
        wr.ParallelCoordinatesPlot(
            columns=[
                wr.ParallelCoordinatesPlotColumn(metric=wr.Config(name))
                for name in ("lambda_categorical", "lambda_continuous", "codes", "batch_size")
            ]
            + [wr.ParallelCoordinatesPlotColumn(metric=wr.SummaryMetric(accuracy))],
            title="every parameter against accuracy",
        ),
        wr.ParameterImportancePlot(with_respect_to=accuracy),
        wr.ScatterPlot(
            x=wr.Config("lambda_categorical"),
            y=wr.SummaryMetric(accuracy),
            log_x=True,
            title="λ of the categorical codes",
        ),
        wr.LinePlot(x="step", y=[accuracy], title="learning curves"),
        wr.LinePlot(x="step", y=["info_over_entropy"], title="L_I / H(c)"),
        wr.LinePlot(x="step", y=["loss_d", "loss_g"], title="losses"),
        wr.BarPlot(metrics=[accuracy], title="validation accuracy"),
        wr.MediaBrowser(media_keys=["samples", "confusion"]),
        wr.RunComparer(diff_only="split"),
    ]
    return wr.Report(
        project=options.project,
        entity=options.entity or "",
        title=f"InfoGAN study {study.study_name}",
        description="Made by analysis/report.py",
        blocks=[
            wr.TableOfContents(),
            wr.H1("What was found"),
            wr.MarkdownBlock(text),
            wr.H1("Runs"),
            wr.PanelGrid(runsets=[runset], panels=panels),
        ],
    )


def main() -> None:
    options = tyro.cli(Options, description=__doc__)
    study = studies.open_study(options)
    parts = sections(options, study)
    out = options.out or options.folder / "report" / "report.html"
    out.parent.mkdir(parents=True, exist_ok=True)
    page = TEMPLATE.render(
        title=f"InfoGAN study {study.study_name}", sections=parts, made=records.provenance(), number="{:.3f}".format
    )
    records.write_atomic(out, page)
    print(f"wrote {out} ({len(page) / 1e6:.1f} MB): open it in a browser, or send it; it needs nothing else")
    if options.online:
        text = "\n\n".join(part["text"] for part in parts if "text" in part)
        try:
            report = wandb_report(study, options, text)
            report.save()
        except Exception as error:  # no key, no network, no such project: whatever it is, the local report is there
            raise InputError(
                f"the W&B report could not be created ({str(error).splitlines()[0]}): log in with `wandb login` and check --entity and --project"
            ) from error
        print(f"created {report.url}")


if __name__ == "__main__":
    run_script(main)
