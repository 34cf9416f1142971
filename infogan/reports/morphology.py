"""What the continuous codes of a digit model change in the shape of digits: rotation and width as numbers (C5, C6).

For images generated from the prior, the partial correlation of each continuous code with each of Morpho-MNIST's
measures, given the category and the other codes. The same for codes drawn from 1 < |c| <= 2, which is outside the
training range. For both ranges also the share of images that a classifier, trained on the real digits, gives the label
matched to their category.

Example:
  python analysis/morphology.py runs/mnist-authors-seed0 --data-dir ~/data
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import tyro
from tqdm import tqdm

from infogan import records
from infogan.codes import Continuous
from infogan.inference import Codes, Model
from infogan.metrics import clustering, feature_network
from infogan.metrics.morphometrics import NAMES, measure
from infogan.networks import DiscriminatorQ
from infogan.reports import common
from infogan.reports.effects import partial_correlations
from infogan.utils.errors import InputError, printable
from infogan.utils.options import Unset


@dataclass(frozen=True)
class Options:
    """The command line."""

    run: tyro.conf.Positional[Path]
    """Run directory of a model of grey images."""
    images: int = 1000
    """Generated images per measurement."""
    out: Unset[Path] = None
    """The numbers as JSON. Default: RUN/figures/morphology.json."""
    data_dir: Unset[Path] = None
    """Folder of the dataset, on which the classifier is trained. Default: $INFOGAN_DATA, else ./data."""


def shapes(images: np.ndarray) -> np.ndarray:
    """Morphometrics [N, 6] of generated images uint8 [N, H, W, 1]."""
    shown = tqdm(images, desc="measuring", unit="images", leave=False)
    return np.concatenate([measure(image[None, :, :, 0]) for image in shown])


def correlations(codes: Codes, measured: np.ndarray, sizes: list[int], code: int, where: str) -> list[dict]:
    """A row for each morphometric: its partial correlations with one continuous code, see partial_correlations."""
    found = partial_correlations(codes, measured, NAMES, sizes, code)
    return [
        {"code": code, "where": where, "measure": name, "effect": effect, "low": low, "high": high}
        for name, (effect, low, high) in found.items()
    ]


def sample_beyond(model: Model, code: int, n: int, seed: int) -> Codes:
    """Codes from the prior, but one continuous code from 1 < |c| <= 2."""
    codes = model.sample(n, seed)
    random = np.random.default_rng(seed)
    codes.continuous[:, code] = random.uniform(1, 2, n) * random.choice([-1, 1], n)
    return codes


def agreement(model: Model, classifier: DiscriminatorQ, reference: Codes, others: Sequence[Codes]) -> list[float]:
    """How often a classifier of real digits gives generated images the label matched to their first category: of the
    codes `reference`, by whose images categories are matched one-to-one to labels, and of each of the others."""

    def labels(codes: Codes) -> np.ndarray:
        images = torch.from_numpy(model.generate(codes, seed=1)).permute(0, 3, 1, 2)
        return feature_network.classify(classifier, images)[1].argmax(1)

    found = [labels(codes) for codes in (reference, *others)]
    size, n_labels = model.latent.categorical_sizes[0], int(found[0].max()) + 1
    label_of = clustering.match(clustering.contingency(reference.categories[:, 0], found[0], size, n_labels))
    all_codes = (reference, *others)
    return [float((label_of[codes.categories[:, 0]] == each).mean()) for codes, each in zip(all_codes, found)]


def analyse(model: Model, n: int, data_dir: Path | None) -> dict:
    """Correlations of every continuous code, and where there are categories the agreement, from n images each: what
    morphology.json holds."""
    sizes, inside = model.latent.categorical_sizes, model.sample(n, seed=1)
    outside = [sample_beyond(model, code, n, seed=2) for code in range(len(code_names(model)))]
    agreements: list[dict] = []
    if sizes:
        classifier = feature_network.classifier(common.load_dataset(data_dir, model.directory))
        where = ["within", *(f"code {code} beyond" for code in range(len(outside)))]
        shares = agreement(model, classifier, inside, outside)
        agreements = [{"where": one, "agreement": share} for one, share in zip(where, shares)]
    measured = shapes(model.generate(inside, seed=1))  # after the dataset, which may be missing: it takes long
    rows = []
    for code, codes in enumerate(outside):
        rows += correlations(inside, measured, sizes, code, "within")
        rows += correlations(codes, shapes(model.generate(codes, seed=2)), sizes, code, "beyond")
    return {"run": model.directory.name, "correlations": rows, "agreement": agreements, "images": n}


def code_names(model: Model) -> list[str]:
    """c2, c3, ...: names of the continuous codes."""
    return [f"c{code + 1}" for code in model.latent.single_codes(Continuous)]


def show(result: dict, names: list[str]) -> str:
    """The numbers as text. names: of the continuous codes."""
    table = pd.DataFrame(result["correlations"]).replace({"code": dict(enumerate(names))})
    text = common.as_text(table, "{:+.3f}")
    if result["agreement"]:
        where = {f"code {k} beyond": f"{name} beyond" for k, name in enumerate(names)}
        shares = common.as_text(pd.DataFrame(result["agreement"]).replace({"where": where}))
        text += f"\n\nshare of images that the classifier gives the label of their category:\n{shares}"
    return text


def main() -> None:
    """Print the numbers and write them."""
    options = tyro.cli(Options, description=__doc__)
    if options.images < 10:
        raise InputError(f"images is {options.images}; give 10 or more, for a correlation of fewer says nothing")
    model = Model(options.run)
    if not code_names(model):
        raise InputError(f"{options.run} has codes {model.latent}, none of them continuous: there is none to measure")
    if model.image_shape[0] != 1:
        raise InputError(f"{options.run} makes images in colour; digits are measured in grey ones of one channel")
    result = analyse(model, options.images, options.data_dir)
    print(show(result, code_names(model)))
    path = options.out or options.run / "figures" / "morphology.json"
    records.write_json(path, result | {"run": options.run.name} | common.origin())
    print(f"wrote {printable(path)}")
