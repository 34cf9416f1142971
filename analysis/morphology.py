"""What the continuous codes of a digit model do to shape: rotation and width as numbers (claims C5 and C6).

For images generated from the prior, the partial correlation of each continuous code with each of Morpho-MNIST's
measures, given the category and the other codes (`effect`), and given the other measures as well (`alone`). The same for
codes drawn from 1 < |c| <= 2, which training never saw, with the share of images that a classifier trained on the real
digits still reads as the label matched to their category.

Example:
  python analysis/morphology.py runs/mnist-authors-seed0 --data-dir ~/data
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import tyro
from matplotlib.figure import Figure
from tqdm import tqdm

from infogan import data, load, records
from infogan.cli import run_script
from infogan.codes import Continuous
from infogan.config import InputError
from infogan.inference import Codes, Model
from infogan.metrics import clustering, quality
from infogan.metrics.morphometrics import NAMES, measure, partial_correlation

VALUES = np.linspace(-2, 2, 9)


@dataclass(frozen=True)
class Options:
    run: tyro.conf.Positional[Path]
    """Run directory of a model of grey images."""
    images: int = 1000
    """Generated images per measurement."""
    out: Path | None = None
    """The picture; its numbers go beside it as JSON. Default: RUN/figures/morphology.png."""
    data_dir: Path | None = None
    """Folder of the dataset, whose labels the classifier learns from. Default: $INFOGAN_DATA, else ./data."""


def shapes(images: np.ndarray) -> np.ndarray:
    """Morphometrics [N, 6] of generated images [N, H, W, 1]."""
    return np.concatenate(
        [measure(image[None, :, :, 0]) for image in tqdm(images, desc="measuring", unit="images", leave=False)]
    )


def given_codes(codes: Codes, sizes: list[int], code: int) -> np.ndarray:
    """What is held fixed: the categories (one-hot) and the other continuous codes, [N, k]."""
    parts = [np.eye(size)[codes.categories[:, i]] for i, size in enumerate(sizes)]
    return np.column_stack([*parts, np.delete(codes.continuous, code, 1)])


def correlations(codes: Codes, measured: np.ndarray, sizes: list[int], code: int, where: str) -> list[dict]:
    """One row per morphometric; images without measures (empty ones) are left out."""
    whole = ~np.isnan(measured).any(1)
    codes, measured = Codes(codes.categories[whole], codes.continuous[whole]), measured[whole]
    fixed = given_codes(codes, sizes, code)
    rows = []
    for m, name in enumerate(NAMES):
        effect, low, high = partial_correlation(codes.continuous[:, code], measured[:, m], fixed)
        alone, alone_low, alone_high = partial_correlation(
            codes.continuous[:, code], measured[:, m], np.column_stack([fixed, np.delete(measured, m, 1)])
        )
        if np.isnan(effect):  # on few pixels some do not vary
            continue
        rows.append(
            {
                "code": code,
                "where": where,
                "measure": name,
                "effect": effect,
                "low": low,
                "high": high,
                "alone": alone,
                "alone_low": alone_low,
                "alone_high": alone_high,
            }
        )
    return rows


def beyond(model: Model, code: int, n: int, seed: int) -> Codes:
    """Codes from the prior, but of 1 < |c| <= 2 for one continuous code."""
    codes = model.sample(n, seed)
    random = np.random.default_rng(seed)
    codes.continuous[:, code] = random.uniform(1, 2, n) * random.choice([-1, 1], n)
    return codes


def draw(model: Model, spread: np.ndarray, path: Path) -> None:
    """Mean change of each morphometric, in its standard deviations `spread` [6], along each continuous code from -2 to 2."""
    n_codes, per_value = sum(c.count for c in model.latent.continuous), 20
    figure = Figure(figsize=(4.6 * n_codes, 3.6), layout="constrained")
    for code, axes in enumerate(figure.subplots(1, n_codes, squeeze=False)[0]):
        base = model.sample(per_value, seed=3)
        curves = []
        for value in VALUES:
            base.continuous[:, code] = value
            curves.append(np.nanmean(shapes(model.generate(base, seed=4)), 0))
        for m in np.flatnonzero(spread > 0):  # on few pixels some do not vary
            axes.plot(
                VALUES,
                (np.array(curves)[:, m] - np.array(curves)[len(VALUES) // 2, m]) / spread[m],
                marker=".",
                label=NAMES[m],
            )
        axes.axvspan(-1, 1, color="grey", alpha=0.15, linewidth=0)
        axes.set(xlabel=f"c{model.latent.single_codes(Continuous)[code] + 1}", ylabel="change, in standard deviations")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside right upper", fontsize=8)
    figure.suptitle(
        f"{Path(model.config.dataset).stem}, preset {model.config.preset}, seed {model.config.seed}; grey: what training saw",
        fontsize=10,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)


def main() -> None:
    options = tyro.cli(Options, description=__doc__)
    model = load(options.run)
    sizes, n_codes = model.latent.categorical_sizes, sum(c.count for c in model.latent.continuous)
    if not n_codes or model.image_shape[0] != 1:
        raise InputError(
            f"{options.run} has codes {model.latent} and {model.image_shape[0]} channel(s); give a model of grey images with continuous codes"
        )
    rows, agreement = [], []
    inside = model.sample(options.images, seed=1)
    measured = shapes(model.generate(inside, seed=1))
    network = quality.classifier(data.load(model.config.dataset, options.data_dir)) if sizes else None

    def labels(codes: Codes) -> np.ndarray:
        import torch

        return quality.read(network, torch.from_numpy(model.generate(codes, seed=1)).permute(0, 3, 1, 2))[1].argmax(1)

    if network is not None:
        within = labels(inside)
        label_of = clustering.match(
            clustering.contingency(inside.categories[:, 0], within, sizes[0], int(within.max()) + 1)
        )
        agreement.append({"where": "within", "agreement": float((label_of[inside.categories[:, 0]] == within).mean())})
    for code in range(n_codes):
        rows += correlations(inside, measured, sizes, code, "within")
        outside = beyond(model, code, options.images, seed=2)
        rows += correlations(outside, shapes(model.generate(outside, seed=2)), sizes, code, "beyond")
        if network is not None:
            agreement.append(
                {
                    "where": f"code {code} beyond",
                    "agreement": float((label_of[outside.categories[:, 0]] == labels(outside)).mean()),
                }
            )
    table = pd.DataFrame(rows)
    names = {k: f"c{code + 1}" for k, code in enumerate(model.latent.single_codes(Continuous))}
    print(table.replace({"code": names}).to_string(index=False, float_format="{:+.3f}".format))
    if agreement:
        print("\nshare of images that the classifier reads as their category's label:")
        said = {f"code {k} beyond": f"{name} beyond" for k, name in names.items()}
        print(pd.DataFrame(agreement).replace({"where": said}).to_string(index=False, float_format="{:.3f}".format))
    path = options.out or options.run / "figures" / "morphology.png"
    draw(model, np.nanstd(measured, 0), path)
    made = {key: records.provenance()[key] for key in ("command", "commit")}
    records.write_json(
        path.with_suffix(".json"),
        {"run": options.run.name, "correlations": rows, "agreement": agreement, "images": options.images, **made},
    )
    print(f"wrote {path} and {path.with_suffix('.json').name}")


if __name__ == "__main__":
    run_script(main)
