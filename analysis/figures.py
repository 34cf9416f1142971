"""Figures of the paper and of the blog post from run directories, each with its numbers in a JSON file beside it.

Examples:
  python analysis/figures.py figure1 runs/mnist-authors-seed0 runs/mnist-gan-seed0
  python analysis/figures.py figure2 runs/mnist-authors-seed0 --gan runs/mnist-gan-seed0
  python analysis/figures.py grid runs/mnist-blog-seed0
  python analysis/figures.py losses runs/mnist-blog-seed0
"""

import math
import string
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import seaborn
import torch
import tyro
from matplotlib.figure import Figure

from infogan import pictures, runs
from infogan.codes import Categorical, Continuous
from infogan.config import InputError, run_script

TRAVERSAL = np.linspace(-2, 2, 11)  # the paper shows codes to +-2, though trained on [-1, 1]
# Figure 1's verdict reads the bound through a centred running mean of this many updates.
SMOOTHING = 50


def _metrics(directory: Path) -> pd.DataFrame:
    path = directory / "metrics.csv"
    if not path.exists():
        raise InputError(f"there is no {path}: give the directory of a run")
    return pd.read_csv(path)


def _write(figure: Figure, path: Path, numbers: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)
    runs.write_json(path.with_suffix(".json"), numbers | {"command": runs.provenance()["command"], "commit": runs.provenance()["commit"]})
    print(f"wrote {path} and {path.with_suffix('.json').name}")


def _about(run: runs.Run) -> dict:
    config = run.config
    return {"run": run.directory.name, "dataset": config.dataset, "preset": config.preset, "seed": config.seed, "updates": run.step}


def _caption(run: runs.Run) -> str:
    about = _about(run)
    return f"{Path(about['dataset']).stem}, preset {about['preset']}, seed {about['seed']}, {about['updates']:,} updates"


@dataclass(frozen=True)
class Figure1:
    """L_I of the categorical codes over updates, InfoGAN against a GAN whose Q is only fitted beside it."""

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Run directories; those of one preset are drawn as one line, with the range over seeds."""
    out: Path = Path("figure1.png")
    """Where to write the picture; its numbers go beside it."""

    def draw(self) -> None:
        from infogan.codes import Latent

        curves, numbers, entropies = [], [], set()
        for directory in self.runs:
            metrics = _metrics(directory)
            config = runs.read_json(directory / "config.json")["config"]
            entropy = Latent(config["codes"], config["noise"], config["q_std"]).entropy[0]
            entropies.add(round(entropy, 6))
            window = max(1, SMOOTHING // config["log_every"])  # rows
            smooth = metrics.info_categorical_nats.rolling(window, min_periods=1, center=True).mean()
            reached = metrics.step[smooth >= 0.99 * entropy]
            numbers.append(
                {
                    "run": directory.name,
                    "preset": config["preset"],
                    "seed": config["seed"],
                    "smoothing_updates": window * config["log_every"],
                    "entropy_nats": entropy,
                    "final_info_nats": float(smooth.iloc[-1]),
                    "highest_info_nats": float(smooth.max()),
                    "updates_to_99_percent": int(reached.iloc[0]) if len(reached) else None,
                    "updates": int(metrics.step.iloc[-1]),
                }
            )
            curves.append(pd.DataFrame({"update": metrics.step, "L_I (nats)": smooth, "preset": config["preset"], "run": directory.name}))
        if not curves:
            raise InputError("give at least one run directory, such as runs/mnist-authors-seed0")
        figure = Figure(figsize=(6, 4), layout="constrained")
        axes = figure.subplots()
        seaborn.lineplot(
            pd.concat(curves, ignore_index=True), x="update", y="L_I (nats)", hue="preset", errorbar=("pi", 100), ax=axes
        )
        for entropy in entropies:
            axes.axhline(entropy, color="grey", linestyle="--", linewidth=1)
            axes.annotate(f"H(c) = {entropy:.3f}", (0.99, entropy), xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=8)
        axes.set(title="Lower bound of the mutual information, categorical codes")
        print(pd.DataFrame(numbers).to_string(index=False, float_format="{:.3f}".format))
        _write(figure, self.out, {"runs": numbers})


@dataclass(frozen=True)
class Figure2:
    """The paper's figure 2: varying c1, c1 in a regular GAN, and each continuous code from -2 to 2."""

    run: tyro.conf.Positional[Path]
    """Run directory."""
    gan: Path | None = None
    """Run directory of a regular GAN (preset gan), for panel (b)."""
    out: Path | None = None
    """Where to write the picture. Default: RUN/figures/figure2.png."""
    rows: int = 5
    """Random samples in the panels of c1, and rows in the traversals."""

    def draw(self) -> None:
        run = runs.load(self.run)
        panels = [_vary_category(run, self.rows, "c1 (InfoGAN)")]
        if self.gan is not None:
            panels.append(_vary_category(runs.load(self.gan), self.rows, "c1 (regular GAN)"))
        for code in run.latent.single_codes(Continuous):
            panels.append(_vary_continuous(run, code, self.rows))
        figure = Figure(figsize=(10, 3.1 * math.ceil(len(panels) / 2) + 0.3), layout="constrained")
        grid = list(figure.subplots(math.ceil(len(panels) / 2), 2, squeeze=False).flat)
        for letter, axes, panel in zip(string.ascii_lowercase, grid, panels):
            _show(axes, panel["image"])
            axes.set_title(f"({letter}) {panel['title']}", fontsize=10)
            places = (np.arange(len(panel["ticks"])) + 0.5) * panel["image"].shape[1] / len(panel["ticks"])
            axes.set_xticks(places, panel["ticks"], fontsize=7)
            axes.set_xlabel(panel["xlabel"], fontsize=8)
        for axes in grid[len(panels) :]:
            axes.set_axis_off()
        figure.suptitle(_caption(run), fontsize=11)
        numbers = _about(run) | {"panels": [{k: v for k, v in panel.items() if k != "image"} for panel in panels]}
        if (self.run / "evaluation.json").exists():
            evaluation = runs.read_json(self.run / "evaluation.json")
            numbers |= {key: evaluation[key] for key in ("accuracy", "accuracy_ci95", "label_of_category") if key in evaluation}
        _write(figure, self.out or self.run / "figures" / "figure2.png", numbers)


@dataclass(frozen=True)
class Grid:
    """The blog's grid: a row per category of c1, a column per noise sample."""

    run: tyro.conf.Positional[Path]
    """Run directory."""
    out: Path | None = None
    """Where to write the picture. Default: RUN/figures/grid.png."""

    def draw(self) -> None:
        run = runs.load(self.run)
        order, labels = _category_order(run)
        figure = Figure(figsize=(5, 5.4), layout="constrained")
        axes = figure.subplots()
        image = pictures.category_grid(run.generator, run.latent, seed=0, order=order)
        _show(axes, image)
        places = (np.arange(len(order)) + 0.5) * image.shape[0] / len(order)
        axes.set_yticks(places, labels, fontsize=8)
        axes.set_ylabel("category of c1 -> matched label", fontsize=9)
        axes.set_title(_caption(run), fontsize=9)
        _write(figure, self.out or self.run / "figures" / "grid.png", _about(run) | {"rows": labels})


@dataclass(frozen=True)
class Losses:
    """The blog's loss curve: D's and G's GAN losses over the run."""

    run: tyro.conf.Positional[Path]
    """Run directory."""
    out: Path | None = None
    """Where to write the picture. Default: RUN/figures/losses.png."""

    def draw(self) -> None:
        metrics = _metrics(self.run)
        config = runs.read_json(self.run / "config.json")["config"]
        window = max(1, len(metrics) // 100)
        figure = Figure(figsize=(6, 4), layout="constrained")
        axes = figure.subplots()
        for column, label in (("loss_d", "discriminator"), ("loss_g", "generator")):
            line = axes.plot(metrics.step, metrics[column], alpha=0.25, linewidth=0.8)[0]
            axes.plot(metrics.step, metrics[column].rolling(window, min_periods=1).mean(), color=line.get_color(), label=label)
        axes.set(xlabel="update", ylabel="loss (nats)")
        axes.set_title(f"{Path(config['dataset']).stem}, preset {config['preset']}, seed {config['seed']}, batch {config['batch_size']}", fontsize=10)
        axes.legend()
        ends = {
            f"{column}_{name}": float(part[column].mean())
            for column in ("loss_d", "loss_g")
            for name, part in (("first_tenth", metrics[: max(1, len(metrics) // 10)]), ("last_tenth", metrics[-max(1, len(metrics) // 10) :]))
        }
        numbers = {"run": self.run.name, "updates": int(metrics.step.iloc[-1]), "images": int(metrics.images.iloc[-1]), **ends}
        _write(figure, self.out or self.run / "figures" / "losses.png", numbers)


def _show(axes, image: np.ndarray) -> None:
    axes.imshow(image.squeeze(), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def _category_order(run: runs.Run) -> tuple[list[int], list[str]]:
    """c1's categories by matched label where the run was measured, else as they are; and their tick labels."""
    size = run.latent.categorical_sizes[0]
    path = run.directory / "evaluation.json"
    codes = runs.read_json(path)["codes"] if path.exists() else []
    if not codes:
        return list(range(size)), [str(i) for i in range(size)]
    label = codes[0]["label_of_category"]
    order = sorted(range(size), key=lambda i: (label[i] < 0, label[i], i))
    return order, [f"{i} → {label[i] if label[i] >= 0 else '–'}" for i in order]


def _vary_category(run: runs.Run, rows: int, title: str) -> dict:
    """Columns: categories of c1; rows: samples that differ in everything else."""
    codes = run.latent.single_codes(Categorical)
    if not codes:
        raise InputError(f"{run.directory} has codes {run.latent}, none of them categorical: there is no c1 to vary")
    order, labels = _category_order(run)
    z = run.latent.sample(rows, torch.Generator().manual_seed(0))
    latents = torch.stack([run.latent.place(z, codes[0], category) for category in order], dim=1).flatten(0, 1)
    return {
        "title": f"varying {title}", "xlabel": "category → matched label", "ticks": labels,
        "image": pictures.tile(pictures.generate(run.generator, latents), rows),
    }


def _vary_continuous(run: runs.Run, code: int, rows: int) -> dict:
    """Columns: one continuous code from -2 to 2; rows: different c1 where there is one, all else fixed in a row."""
    latent = run.latent
    z = latent.sample(rows, torch.Generator().manual_seed(1))
    if categorical := latent.single_codes(Categorical):
        order = _category_order(run)[0]
        z = torch.cat([latent.place(z[i : i + 1], categorical[0], order[(2 * i) % len(order)]) for i in range(rows)])
    latents = torch.stack([latent.place(z, code, value) for value in TRAVERSAL], dim=1).flatten(0, 1)
    return {
        "title": f"varying c{code + 1} from -2 to 2", "xlabel": f"c{code + 1}", "ticks": [f"{v:.1f}" for v in TRAVERSAL],
        "image": pictures.tile(pictures.generate(run.generator, latents), rows),
    }


def main() -> None:
    commands = {"figure1": Figure1, "figure2": Figure2, "grid": Grid, "losses": Losses}
    tyro.extras.subcommand_cli_from_dict(
        {name: kind for name, kind in commands.items()}, description=__doc__
    ).draw()


if __name__ == "__main__":
    run_script(main)
