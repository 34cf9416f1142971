"""What Q predicts beside what G draws: test error against sample quality, run by run."""

from dataclasses import dataclass
from pathlib import Path

import seaborn
import tyro

from infogan.reports import common
from infogan.reports.figures.drawing import Output, write_figure
from infogan.reports.runs import preset_of, read_runs
from infogan.utils import style
from infogan.utils.errors import InputError

PANELS = {
    "frechet_distance": "Fréchet distance, features of a classifier (logarithmic; lower is better)",
    "sample_recall": "recall (share of real images that G reaches)",
}
"""Horizontal axis of each panel, and what it says."""
LEAST = 1e-4
"""Smallest value of either logarithmic axis; of the error, one of 10,000 images."""


@dataclass(frozen=True)
class Tradeoff(Output):
    """Test error against Fréchet distance and recall, a point for each run.

    The runs are to be measured first, with `infogan measure --quality`. Default of --out: figures/tradeoff.png.
    """

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Run directories or result folders; runs of one recipe and length have one colour."""

    @style.drawing()
    def draw(self) -> None:
        """Write the figure, and print its numbers."""
        path, runs = self.path(Path("figures/tradeoff.png")), read_runs(self.runs)
        columns = ["accuracy", "frechet_distance", "sample_precision", "sample_recall"]
        lacking = runs[runs.reindex(columns=columns).isna().any(axis=1)]
        if len(lacking):
            raise InputError(f"{lacking.run.iloc[0]} has no accuracy or no Fréchet distance: infogan measure --quality")
        whole = [preset_of(preset).updates for preset in runs.preset]
        lengths = runs.updates.map(", {:,} updates".format).where(runs.updates != whole, "")
        table = runs[["run", "dataset", "recipe", "updates", *columns]].assign(recipe=runs.recipe + lengths)
        drawn = table.assign(error=1 - table.accuracy)
        drawn[["error", "frechet_distance"]] = drawn[["error", "frechet_distance"]].clip(LEAST)  # 0 has no logarithm
        figure = style.new_figure(10, 4.6)
        left, right = figure.subplots(1, 2, sharey=True)
        shown = {"hue": "recipe", "style": "recipe", "palette": style.palette(table.recipe), "s": 50, "alpha": 0.75}
        for axes, (column, label) in zip((left, right), PANELS.items()):
            seaborn.scatterplot(drawn, x=column, y="error", **shown, ax=axes, legend=axes is right)
            axes.set(xlabel=label, ylabel="test error of c1 (logarithmic; lower is better)")
        style.logarithmic(left)
        right.set_xlim(-0.02, 1.02)
        seaborn.move_legend(right, "upper center", bbox_to_anchor=(0, -0.15))  # below, since recipes may be long
        datasets = ", ".join(sorted({Path(name).stem for name in table.dataset}))
        figure.suptitle(f"{datasets}: what Q predicts, and what G draws")
        print(common.as_text(table))
        write_figure(figure, path, {"runs": common.as_rows(table)})
