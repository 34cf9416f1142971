"""The report of a study in Weights & Biases."""

from collections.abc import Sequence
from typing import Any


def build(study: str, text: str, searched: Sequence[str], project: str, entity: str | None) -> Any:
    """The W&B report of a study's runs, not yet saved, which needs no network: a wandb_workspaces Report.

    text: Markdown, shown first. searched: fields of the configuration. entity: user or team; the default is the
    logged-in user's.
    """
    import wandb_workspaces.reports.v2 as wr
    from wandb_workspaces import expr

    # A run set with an entity of its own asks the server for it; the report's entity is enough.
    runs = wr.Runset(project=project, name=study, filters=expr.And(expr.Metric("Group") == study))
    return wr.Report(
        project=project,
        entity=entity or "",
        title=f"InfoGAN study {study}",
        description="Made by `infogan report`",
        blocks=[
            wr.TableOfContents(),
            wr.H1("What was found"),
            wr.MarkdownBlock(text),
            wr.H1("Runs"),
            wr.PanelGrid(runsets=[runs], panels=_panels(searched)),
        ],
    )


def _panels(searched: Sequence[str]) -> list:
    import wandb_workspaces.reports.v2 as wr

    accuracy = "validation/accuracy"
    parameters = ["preset" if name == "recipe" else name for name in searched]
    columns: list[Any] = [*map(wr.Config, parameters), wr.SummaryMetric(accuracy)]
    return [
        wr.ParallelCoordinatesPlot(
            columns=[wr.ParallelCoordinatesPlotColumn(metric=metric) for metric in columns],
            title="every parameter against accuracy",
        ),
        wr.ParameterImportancePlot(with_respect_to=accuracy),
        *(wr.ScatterPlot(x=wr.Config(name), y=wr.SummaryMetric(accuracy), title=name) for name in parameters),
        wr.LinePlot(x="step", y=[accuracy], title="learning curves"),
        wr.LinePlot(x="step", y=["info_over_entropy"], title="L_I / H(c)"),
        wr.LinePlot(x="step", y=["loss_d", "loss_g"], title="losses"),
        wr.BarPlot(metrics=[accuracy], title="validation accuracy"),
        wr.MediaBrowser(media_keys=["samples", "confusion"]),
        wr.RunComparer(diff_only="split"),
    ]
