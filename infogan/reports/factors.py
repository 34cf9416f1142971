"""Mutual information of a run's codes with the factors or attributes of its dataset, and disentanglement scores.

The codes are also compared with statistics of the images, such as their brightness. Up to 20,000 images are used, test
images first. Beside each number stands its value for shuffled factors: the bias of the estimate.

Example:
  python analysis/factors.py runs/faces3d-faces-azimuth-seed0
"""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import tyro

from infogan import data, records
from infogan.codes import Categorical
from infogan.errors import printable
from infogan.metrics import disentanglement
from infogan.reports import common
from infogan.reports.information import information, known_factors, predicted_codes


@dataclass(frozen=True)
class Options:
    """The command line."""

    run: tyro.conf.Positional[Path]
    """Run directory; the numbers are written to its factors.json."""
    data_dir: Path | None = None
    """Folder of the dataset. Default: $INFOGAN_DATA, else ./data."""


def compare(run: records.Run, dataset: data.Dataset) -> dict:
    """n_images, and for each kind of factors `information`, with `scores` where two factors or more are known."""
    images, known = known_factors(dataset)
    codes, categorical = predicted_codes(run, images), run.latent.single_codes(Categorical)
    result: dict = {"n_images": len(codes)}
    for kind, (values, names) in known.items():
        result[kind] = information(codes, values, names, categorical)
        if kind == "factors" and len(names) > 1:
            result[kind]["scores"] = disentanglement.scores(codes, values, categorical)
    return result


def show(kind: str, result: dict, n_images: int) -> str:
    """One kind's numbers as text. result: of `information`."""
    table = pd.DataFrame(index=[printable(name) for name in result["names"]])
    for i, (nats, shuffled) in enumerate(zip(result["information_nats"], result["shuffled_nats"])):
        table[f"c{i + 1} (shuffled)"] = [f"{a:.3f} ({b:.3f})" for a, b in zip(nats, shuffled)]
    table["H"] = [f"{h:.3f}" for h in result["entropy_nats"]]
    text = f"{kind}: mutual information with each code in nats, {n_images:,} images\n{table.to_string()}\n"
    if "scores" in result:
        text += "\n" + common.as_text(pd.DataFrame([result["scores"]]))
    return text


def main() -> None:
    """Print the tables and write RUN/factors.json."""
    options = tyro.cli(Options, description=__doc__)
    run = records.load(options.run)
    result = compare(run, data.load(run.config.dataset, options.data_dir))
    for kind in [key for key in result if key != "n_images"]:
        print(show(kind, result[kind], result["n_images"]))
    path = options.run / "factors.json"
    records.write_json(path, result | {"provenance": records.provenance()})
    print(f"wrote {printable(path)}")
