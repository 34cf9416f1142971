"""What Q predicts beside what G draws: test error against sample quality, run by run."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import seaborn
import tyro

from infogan import records, style
from infogan.errors import InputError
from infogan.presets import PRESETS, describe
from infogan.reports import common
from infogan.reports.figures.drawing import write_figure

PANELS = {
    "frechet_distance": "Fréchet distance, features of a classifier (logarithmic; lower is better)",
    "recall": "recall (share of real images that G reaches)",
}
"""Horizontal axis of each panel, and what it says."""
LEAST = 1e-4
"""Smallest value of either logarithmic axis; of the error, one of 10,000 images."""


@dataclass(frozen=True)
class Tradeoff:
    """Test error against Fréchet distance and recall, a point for each run.

    The runs are to be measured first, with `infogan measure --quality`.
    """

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Run directories with evaluation.json and quality.json; those of one setting have one colour."""
    out: Path = Path("figures/tradeoff.png")
    """Where to write the picture; its numbers go beside it."""

    @style.drawing()
    def draw(self) -> None:
        """Write the figure, and print its numbers."""
        if not self.runs:
            raise InputError("give at least one run directory, such as runs/mnist-authors-seed0")
        table = pd.DataFrame([measures(directory) for directory in dict.fromkeys(self.runs)])
        figure = style.new_figure(10, 4.6)
        left, right = figure.subplots(1, 2, sharey=True)
        drawn = table.assign(error=(1 - table.accuracy).clip(LEAST))
        drawn.frechet_distance = drawn.frechet_distance.clip(LEAST)  # none is 0 on a logarithmic axis
        for axes, (column, label) in zip((left, right), PANELS.items()):
            seaborn.scatterplot(
                drawn,
                x=column,
                y="error",
                hue="setting",
                style="setting",
                palette=style.palette(table.setting),
                s=50,
                alpha=0.75,
                ax=axes,
                legend=axes is right,
            )
            axes.set(xlabel=label, ylabel="test error of c1 (logarithmic; lower is better)")
        style.logarithmic(left)
        right.set_xlim(-0.02, 1.02)
        handles, labels = right.get_legend_handles_labels()
        right.get_legend().remove()
        # Below, since names of settings may be long.
        figure.legend(handles, labels, loc="outside lower center", ncols=1 if max(map(len, labels)) > 25 else 4)
        figure.suptitle(f"{', '.join(sorted(set(table.dataset)))}: what Q predicts, and what G draws")
        print(common.as_text(table))
        write_figure(figure, self.out, {"runs": table.to_dict("records")})


def measures(directory: Path) -> dict:
    """A run's numbers in the figure. Raises InputError where it was not measured."""
    config = records.read_config(directory)
    evaluation, quality = records.read_evaluation(directory), directory / "quality.json"
    if not evaluation.get("accuracy") or not quality.exists():
        raise InputError(f"{directory} has no accuracy, or no quality.json: infogan measure --quality {directory}")
    measured = records.read_json(quality)
    setting = describe(config)
    if config.preset in PRESETS and config.updates != PRESETS[config.preset][0].updates:
        setting += f", {config.updates:,} updates"
    about = {"run": directory.name, "dataset": Path(config.dataset).stem, "setting": setting}
    numbers = {name: measured[name] for name in ("frechet_distance", "precision", "recall")}
    return about | {"updates": config.updates, "accuracy": evaluation["accuracy"]} | numbers
