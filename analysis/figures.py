"""Figures of the paper and of the blog post from run directories, each with its numbers in a JSON file beside it.

Generated images are kept beside it too (one PNG for each panel), so that `redraw` needs no run.

Examples:
  python analysis/figures.py figure1 runs/mnist-authors-seed0 runs/mnist-gan-seed0
  python analysis/figures.py figure2 runs/mnist-authors-seed0 --gan runs/mnist-gan-seed0
  python analysis/figures.py grid runs/mnist-blog-seed0
  python analysis/figures.py losses runs/mnist-blog-seed0
  python analysis/figures.py figure3 runs/faces3d-faces-*                       # each panel from the run that knows it best
  python analysis/figures.py figure6 runs/celeba-celeba-seed0 --gif
  python analysis/figures.py redraw analysis/results/*/*/figures/*.json --out figures
"""

import math
import string
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple

import factors
import numpy as np
import pandas as pd
import seaborn
import torch
import tyro
from matplotlib.figure import Figure
from PIL import Image

from infogan import data, networks, records
from infogan.cli import run_script
from infogan.codes import Categorical, Continuous, Latent
from infogan.config import InputError
from infogan.presets import describe
from infogan.records import pictures

BEYOND = np.linspace(-2, 2, 11)  # figure 2 shows codes to +-2, though trained on [-1, 1]
PAPER_RANGE = np.linspace(-1, 1, 10)  # the others do not
# Figure 1's verdict reads the bound through a centred running mean of this many updates.
SMOOTHING = 50


def _metrics(directory: Path) -> pd.DataFrame:
    path = directory / "metrics.csv"
    if not path.exists():
        raise InputError(f"there is no {path}: give the directory of a run")
    return pd.read_csv(path)


def smoothed(metrics: pd.DataFrame, config: dict) -> pd.Series:
    """L_I of the categorical codes in nats, a running mean over SMOOTHING updates, by row of metrics.csv."""
    return metrics.info_categorical_nats.rolling(
        max(1, SMOOTHING // config["log_every"]), min_periods=1, center=True
    ).mean()


def _write(figure: Figure, path: Path, numbers: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)
    records.write_json(
        path.with_suffix(".json"),
        numbers | {"command": records.provenance()["command"], "commit": records.provenance()["commit"]},
    )
    print(f"wrote {path} and {path.with_suffix('.json').name}")


def _about(run: records.Run) -> dict:
    config = run.config
    return {
        "run": run.directory.name,
        "dataset": config.dataset,
        "preset": config.preset,
        "seed": config.seed,
        "updates": run.step,
    }


def _caption(run: records.Run) -> str:
    about = _about(run)
    known = about["dataset"] in ("digits", *data.TORCHVISION, *data.ARCHIVES)
    what = (
        "a stand-in rendered here"
        if about["dataset"].partition("@")[0] in data.PROCEDURAL
        else "the real dataset"
        if known
        else "images of a file"
    )
    return f"{Path(about['dataset']).stem} ({what}), preset {describe(run.config)}, seed {about['seed']}, {about['updates']:,} updates"


@dataclass(frozen=True)
class Figure1:
    """L_I of the categorical codes over updates, InfoGAN against a GAN whose Q is only fitted beside it."""

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Run directories; those of one preset are drawn as one line, with the range over seeds."""
    out: Path = Path("figures/figure1.png")
    """Where to write the picture; its numbers go beside it."""

    def draw(self) -> None:
        curves, numbers, entropies = [], [], set()
        for directory in self.runs:
            metrics = _metrics(directory)
            config = records.read_json(directory / "config.json")["config"]
            entropy = Latent(config["codes"], config["noise"], config["q_std"]).entropy[0]
            entropies.add(round(entropy, 6))
            smooth = smoothed(metrics, config)
            reached = metrics.step[smooth >= 0.99 * entropy]
            numbers.append(
                {
                    "run": directory.name,
                    "preset": config["preset"],
                    "seed": config["seed"],
                    "smoothing_updates": SMOOTHING,
                    "entropy_nats": entropy,
                    "final_info_nats": float(smooth.iloc[-1]),
                    "highest_info_nats": float(smooth.max()),
                    "updates_to_99_percent": int(reached.iloc[0]) if len(reached) else None,
                    "updates": int(metrics.step.iloc[-1]),
                }
            )
            curves.append(
                pd.DataFrame(
                    {"update": metrics.step, "L_I (nats)": smooth, "preset": config["preset"], "run": directory.name}
                )
            )
        if not curves:
            raise InputError("give at least one run directory, such as runs/mnist-authors-seed0")
        figure = Figure(figsize=(6, 4), layout="constrained")
        axes = figure.subplots()
        seaborn.lineplot(
            pd.concat(curves, ignore_index=True),
            x="update",
            y="L_I (nats)",
            hue="preset",
            errorbar=("pi", 100),
            ax=axes,
        )
        for entropy in entropies:
            axes.axhline(entropy, color="grey", linestyle="--", linewidth=1)
            axes.annotate(
                f"H(c) = {entropy:.3f}",
                (0.99, entropy),
                xycoords=("axes fraction", "data"),
                ha="right",
                va="bottom",
                fontsize=8,
            )
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
        run = records.load(self.run)
        about_c1 = {"xlabel": "category → matched label"}
        panels = [_vary_category(run, self.rows) | about_c1 | {"title": "varying c1 (InfoGAN)"}]
        if self.gan is not None:
            panels.append(
                _vary_category(records.load(self.gan), self.rows) | about_c1 | {"title": "varying c1 (regular GAN)"}
            )
        for code in run.latent.single_codes(Continuous):
            panels.append(
                _vary_continuous(run, code, self.rows, BEYOND) | {"title": f"varying c{code + 1} from -2 to 2"}
            )
        numbers = _about(run) | {"caption": _caption(run)}
        if (self.run / "evaluation.json").exists():
            evaluation = records.read_json(self.run / "evaluation.json")
            numbers |= {
                key: evaluation[key] for key in ("accuracy", "accuracy_ci95", "label_of_category") if key in evaluation
            }
        _panels(self.out or self.run / "figures" / "figure2.png", panels, numbers)


@dataclass(frozen=True)
class Grid:
    """The blog's grid: a row per category of c1, a column per noise sample; of several runs one beside the other."""

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Run directories, at most 26."""
    out: Path | None = None
    """Where to write the picture; must be given where there are several runs. Default: RUN/figures/grid.png."""

    def draw(self) -> None:
        if not 1 <= len(self.runs) <= len(string.ascii_lowercase):
            raise InputError(
                f"{len(self.runs)} runs are given: give 1 to {len(string.ascii_lowercase)}, such as runs/mnist-blog-seed0"
            )
        if len(self.runs) > 1 and self.out is None:
            raise InputError("a grid of several runs belongs to none of them: say with --out where to write it")
        panels, about = [], []
        for run in map(records.load, self.runs):
            order, labels = _category_order(run)
            image = pictures.category_grid(run.generator, run.latent, seed=0, order=order)
            panels.append({"title": run.directory.name, "image": image, "ticks": [], "xlabel": "", "rows": labels})
            about.append(_about(run) | {"caption": _caption(run)})
        meaning = "category of c1 → matched label"
        if len(panels) == 1:
            panels[0] |= {"title": "", "ylabel": meaning}
            numbers = about[0]
        else:
            what = dict.fromkeys(each["caption"].replace(f", seed {each['seed']}", "") for each in about)
            numbers = {"runs": about, "caption": f"{'; '.join(what)}; rows: {meaning}"}
        _panels(self.out or self.runs[0] / "figures" / "grid.png", panels, numbers)


class Wanted(NamedTuple):
    """A panel of the paper: what its code should mean, and the names (as they begin) of the factor that tells."""

    title: str
    kind: type
    names: tuple[str, ...]


_HAIR = (
    "Bald",
    "Bangs",
    "Black_Hair",
    "Blond_Hair",
    "Brown_Hair",
    "Gray_Hair",
    "Receding",
    "Straight_Hair",
    "Wavy_Hair",
)


@dataclass(frozen=True)
class Traversals:
    """For each panel of the paper's figure, the code of the given runs that knows most of its factor, and images along that code."""

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Run directories, of one dataset: one for all panels, or one for each setting."""
    out: Path | None = None
    """Where to write the picture. Default: figures/FIGURE.png in the first run."""
    rows: int = 5
    """Random samples, one a row."""
    gif: bool = False
    """Also write the panels as one animation along the codes."""
    data_dir: Path | None = None
    """Folder of the dataset. Default: $INFOGAN_DATA, else ./data."""

    wanted: ClassVar[tuple[Wanted, ...]]

    def draw(self) -> None:
        if not self.runs:
            raise InputError("give at least one run directory, such as runs/faces3d-faces-azimuth-seed0")
        loaded = [records.load(directory) for directory in self.runs]
        if len(names := {run.config.dataset for run in loaded}) > 1:
            raise InputError(f"the runs are of different datasets, {', '.join(sorted(names))}: give those of one")
        images, known = factors.truths(data.load(loaded[0].config.dataset, self.data_dir))
        read = [(run, factors.codes_of(run, images)) for run in loaded]
        panels, table = [], []
        for want in self.wanted:
            found = [meaning for run, codes in read for meaning in _meanings(run, codes, known, want)]
            if not found:
                print(
                    f"{want.title}: no code of that kind, or {Path(loaded[0].config.dataset).stem} tells nothing of it: left out"
                )
                continue
            _, run, code, about = max(found, key=lambda one: one[0])
            panel = (
                _vary_category(run, self.rows, code)
                if want.kind is Categorical
                else _vary_continuous(run, code, self.rows, PAPER_RANGE)
            )
            beyond = about["information_nats"] - about["shuffled_nats"]
            title = (
                f"{want.title}: c{code + 1} knows {beyond:.2f} of {about['entropy_nats']:.2f} nats of {about['factor']}"
            )
            panels.append(
                panel
                | about
                | {"title": title, "meant": want.title, "run": run.directory.name}
                | _shown(panel["images"], panel["ticks"])
            )
            table.append(
                {
                    "panel": want.title,
                    "run": run.directory.name,
                    "code": f"c{code + 1}",
                    **about,
                    "holds": _verdict(about),
                }
            )
        if not panels:
            raise InputError(
                f"none of the panels can be drawn from {', '.join(map(str, self.runs))}: their dataset states none of the factors"
            )
        print(pd.DataFrame(table).to_string(index=False, float_format="{:.3f}".format))
        path = self.out or self.runs[0] / "figures" / f"{type(self).__name__.lower()}.png"
        caption = "; ".join(
            dict.fromkeys(_caption(run) for run in loaded if run.directory.name in {panel["run"] for panel in panels})
        )
        about = {
            "caption": caption,
            "n_images": len(images),
            "runs": [_about(run) for run in loaded],
            "verdicts": table,
        }
        if self.gif:
            _animate(path.with_suffix(".gif"), [panel["images"] for panel in panels])
        _panels(path, panels, about)


class Figure3(Traversals):
    """The paper's figure 3, faces: azimuth, elevation, lighting and width, each along a continuous code from -1 to 1."""

    wanted = (
        Wanted("azimuth", Continuous, ("azimuth", "yaw")),
        Wanted("elevation", Continuous, ("elevation", "pitch")),
        Wanted("lighting", Continuous, ("light",)),
        Wanted("wide or narrow", Continuous, ("width",)),
    )


class Figure4(Traversals):
    """The paper's figure 4, chairs: rotation and width along a continuous code from -1 to 1."""

    wanted = (Wanted("rotation", Continuous, ("rotation", "azimuth")), Wanted("width", Continuous, ("width",)))


class Figure5(Traversals):
    """The paper's figure 5, SVHN: lighting along a continuous code, the context of the plate along a categorical one.

    SVHN states neither; brightness, and how the middle stands out from the border, are measured on the images.
    """

    wanted = (Wanted("lighting", Continuous, ("brightness",)), Wanted("context", Categorical, ("middle_minus_border",)))


class Figure6(Traversals):
    """The paper's figure 6, CelebA: azimuth, glasses, hair style and emotion along categorical codes.

    No attribute tells the azimuth; in its place stands how much brighter the left half of an image is than the right.
    """

    wanted = (
        Wanted("azimuth", Categorical, ("left_minus_right",)),
        Wanted("glasses", Categorical, ("Eyeglasses",)),
        Wanted("hair style", Categorical, _HAIR),
        Wanted("emotion", Categorical, ("Smiling",)),
    )


@dataclass(frozen=True)
class Redraw:
    """Draw pictures of generated images again from their JSON files and panels; no run is needed."""

    figures: tyro.conf.Positional[tuple[Path, ...]]
    """JSON files that figures wrote; those without panels (figure1, losses) are passed over."""
    out: Path = Path("figures")
    """Folder for the pictures, each named after its run and figure."""

    never: ClassVar[tuple[str, ...]] = ("figure1", "losses", "morphology")

    def draw(self) -> None:
        drawn = 0
        for path in self.figures:
            if not any("tile" in panel for panel in records.read_json(path).get("panels", [])):
                if path.stem not in self.never:
                    print(f"{path} keeps no images: draw it from its run")
                continue
            run = path.parent.parent.name if path.parent.name == "figures" else path.parent.name
            _compose(path, self.out / f"{run}-{path.stem}.png")
            drawn += 1
        if not drawn:
            raise InputError("none of the files given keeps images: give JSON files of figure2 to figure6 or of grid")


@dataclass(frozen=True)
class Losses:
    """The blog's loss curve: D's and G's GAN losses over the run."""

    run: tyro.conf.Positional[Path]
    """Run directory."""
    out: Path | None = None
    """Where to write the picture. Default: RUN/figures/losses.png."""

    def draw(self) -> None:
        metrics = _metrics(self.run)
        config = records.read_json(self.run / "config.json")["config"]
        window = max(1, len(metrics) // 100)
        figure = Figure(figsize=(6, 4), layout="constrained")
        axes = figure.subplots()
        for column, label in (("loss_d", "discriminator"), ("loss_g", "generator")):
            line = axes.plot(metrics.step, metrics[column], alpha=0.25, linewidth=0.8)[0]
            axes.plot(
                metrics.step, metrics[column].rolling(window, min_periods=1).mean(), color=line.get_color(), label=label
            )
        axes.set(xlabel="update", ylabel="loss (nats)")
        axes.set_title(
            f"{Path(config['dataset']).stem}, preset {config['preset']}, seed {config['seed']}, batch {config['batch_size']}",
            fontsize=10,
        )
        axes.legend()
        ends = {
            f"{column}_{name}": float(part[column].mean())
            for column in ("loss_d", "loss_g")
            for name, part in (
                ("first_tenth", metrics[: max(1, len(metrics) // 10)]),
                ("last_tenth", metrics[-max(1, len(metrics) // 10) :]),
            )
        }
        numbers = {
            "run": self.run.name,
            "updates": int(metrics.step.iloc[-1]),
            "images": int(metrics.images.iloc[-1]),
            **ends,
        }
        _write(figure, self.out or self.run / "figures" / "losses.png", numbers)


def _category_order(run: records.Run) -> tuple[list[int], list[str]]:
    """c1's categories by matched label where the run was measured, else as they are; and their tick labels."""
    size = run.latent.categorical_sizes[0]
    path = run.directory / "evaluation.json"
    codes = records.read_json(path)["codes"] if path.exists() else []
    if not codes:
        return list(range(size)), [str(i) for i in range(size)]
    label = codes[0]["label_of_category"]
    order = sorted(range(size), key=lambda i: (label[i] < 0, label[i], i))
    return order, [f"{i} → {label[i] if label[i] >= 0 else '–'}" for i in order]


def _vary_category(run: records.Run, rows: int, code: int | None = None) -> dict:
    """Columns: categories of one code (default: c1); rows: samples that differ in everything else."""
    codes = run.latent.single_codes(Categorical)
    if not codes:
        raise InputError(f"{run.directory} has codes {run.latent}, none of them categorical: there is no c1 to vary")
    if code is None:
        code, (order, ticks) = codes[0], _category_order(run)
    else:
        order = list(range(run.latent.categorical_sizes[codes.index(code)]))
        ticks = [str(i) for i in order]
    z = run.latent.sample(rows, torch.Generator().manual_seed(0))
    return {"xlabel": "category", "ticks": ticks} | _images(
        run, [run.latent.place(z, code, category) for category in order]
    )


def _vary_continuous(run: records.Run, code: int, rows: int, values: np.ndarray) -> dict:
    """Columns: values of one continuous code; rows: different c1 where there is one, all else fixed in a row."""
    latent = run.latent
    z = latent.sample(rows, torch.Generator().manual_seed(1))
    if categorical := latent.single_codes(Categorical):
        order = _category_order(run)[0]
        z = torch.cat([latent.place(z[i : i + 1], categorical[0], order[(2 * i) % len(order)]) for i in range(rows)])
    return {"xlabel": f"c{code + 1}", "ticks": [f"{v:.1f}" for v in values]} | _images(
        run, [latent.place(z, code, value) for value in values]
    )


def _images(run: records.Run, columns: list[torch.Tensor]) -> dict:
    """images: [columns, rows, H, W, C], and the same as one picture."""
    made = networks.generate(run.generator, torch.stack(columns, dim=1).flatten(0, 1))
    rows = len(columns[0])
    return {
        "image": pictures.tile(made, rows),
        "images": made.reshape(rows, len(columns), *made.shape[1:]).swapaxes(0, 1),
    }


def _meanings(
    run: records.Run, codes: np.ndarray, known: dict, want: Wanted
) -> list[tuple[float, records.Run, int, dict]]:
    """Each code of the wanted kind with each factor of the wanted names: nats above chance, and what that is made of."""
    out = []
    for values, names in known.values():
        columns = [i for i, name in enumerate(names) if name.startswith(want.names)]
        for code in run.latent.single_codes(want.kind) if columns else []:
            told = factors.information(
                codes[:, [code]],
                values[:, columns],
                tuple(names[i] for i in columns),
                [0] if want.kind is Categorical else [],
            )
            for i, name in enumerate(told["names"]):
                nats, chance = told["information_nats"][0][i], told["shuffled_nats"][0][i]
                about = {
                    "factor": name,
                    "information_nats": nats,
                    "shuffled_nats": chance,
                    "entropy_nats": told["entropy_nats"][i],
                }
                out.append((nats - chance, run, code, about))
    return out


def _verdict(about: dict) -> str:
    """The rule: a code means a factor where it knows a quarter of its entropy, beyond chance; a twentieth is partly."""
    share = factors.share(about["information_nats"], about["shuffled_nats"], about["entropy_nats"])
    return "yes" if share >= 0.25 else "partly" if share >= 0.05 else "no"


def _shown(images: np.ndarray, ticks: list[str]) -> dict:
    """What the generated images [columns, rows, H, W, C] of each column show, mean over the rows."""
    flat = torch.from_numpy(images.reshape(-1, *images.shape[2:])).permute(0, 3, 1, 2)
    means = factors.measured(flat).reshape(len(ticks), -1, len(factors.MEASURED)).mean(1)
    return {"generated": {name: means[:, i].round(4).tolist() for i, name in enumerate(factors.MEASURED)}}


def _panels(path: Path, panels: list[dict], numbers: dict) -> None:
    """Write the panels' pictures and the JSON, and from these the figure."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = []
    for letter, panel in zip(string.ascii_lowercase, panels):
        tile = f"{path.stem}-{letter}.png"
        pictures.save(path.parent / tile, panel["image"])
        kept.append({key: value for key, value in panel.items() if key not in ("image", "images")} | {"tile": tile})
    source = records.provenance()
    numbers = numbers | {"panels": kept, "command": source["command"], "commit": source["commit"]}
    records.write_json(path.with_suffix(".json"), numbers)
    _compose(path.with_suffix(".json"), path)


def _compose(source: Path, path: Path) -> None:
    """The figure of a JSON file and the panels beside it, laid out two in a row, many grids five."""
    numbers = records.read_json(source)
    panels = numbers["panels"]
    try:
        tiles = [np.asarray(Image.open(source.parent / panel["tile"])) for panel in panels]
    except OSError as error:
        raise InputError(f"a panel of {source} cannot be read ({error}): draw the figure from its run again") from error
    columns, width = (5, 3.4) if len(panels) > 4 and panels[0].get("rows") else (min(2, len(panels)), 5.4)
    lines = math.ceil(len(panels) / columns)
    height = max(
        width * (0.88 if panel.get("rows") else 0.926) * tile.shape[0] / tile.shape[1]
        for panel, tile in zip(panels, tiles)
    )
    height += 0.25 * any(panel["title"] for panel in panels) + 0.4 * any(panel["ticks"] for panel in panels)
    caption = textwrap.wrap(numbers["caption"], 60 * columns)
    figure = Figure(figsize=(width * columns, height * lines + 0.2 + 0.2 * len(caption)), layout="constrained")
    grid = list(figure.subplots(lines, columns, squeeze=False).flat)
    for letter, axes, panel, image in zip(string.ascii_lowercase, grid, panels, tiles):
        axes.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.set_title(f"({letter}) {panel['title']}" if panel["title"] else "", fontsize=9)
        for set_ticks, labels, side in (
            (axes.set_xticks, panel["ticks"], image.shape[1]),
            (axes.set_yticks, panel.get("rows", []), image.shape[0]),
        ):
            each = (side + pictures.GAP) / max(1, len(labels))
            set_ticks(np.arange(len(labels)) * each + (each - pictures.GAP - 1) / 2, labels, fontsize=7)
        axes.set_xlabel(panel["xlabel"], fontsize=8)
        axes.set_ylabel(panel.get("ylabel", ""), fontsize=8)
    for axes in grid[len(panels) :]:
        axes.set_axis_off()
    figure.suptitle("\n".join(caption), fontsize=10)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)
    print(f"wrote {path}")


def _animate(path: Path, panels: list[np.ndarray]) -> None:
    """The panels' images [columns, rows, H, W, C] side by side as a GIF there and back along the codes; shorter panels wait at their end."""
    length = max(map(len, panels))
    frames = []
    for k in range(length):
        parts = [pictures.tile(images[min(k, len(images) - 1)], images.shape[1]) for images in panels]
        frame = np.concatenate(parts, axis=1).repeat(3, 0).repeat(3, 1)
        frames.append(Image.fromarray(frame.squeeze(2) if frame.shape[2] == 1 else frame))
    path.parent.mkdir(parents=True, exist_ok=True)
    frames[0].save(path, save_all=True, append_images=frames[1:] + frames[-2:0:-1], duration=120, loop=0)
    print(f"wrote {path}")


def main() -> None:
    commands = {
        "figure1": Figure1, "figure2": Figure2, "figure3": Figure3, "figure4": Figure4, "figure5": Figure5, "figure6": Figure6,
        "grid": Grid, "losses": Losses, "redraw": Redraw,
    }  # fmt: skip
    tyro.extras.subcommand_cli_from_dict({name: kind for name, kind in commands.items()}, description=__doc__).draw()


if __name__ == "__main__":
    run_script(main)
