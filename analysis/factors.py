"""What a run's codes hold of the factors or attributes that its dataset states, and of what its images show: mutual
information and scores.

Up to 20,000 images are read, those not trained on first: training is unsupervised, and small splits would measure little but
the bias of the estimate, which the shuffled value beside each number shows.

Example:
  python analysis/factors.py runs/faces3d-faces-azimuth-seed0
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import tyro

from infogan import data, networks, records
from infogan.cli import run_script
from infogan.codes import Categorical, Continuous
from infogan.metrics import disentanglement

SHUFFLES = 20
LIMIT = 20_000
MEASURED = ("brightness", "middle_minus_border", "left_minus_right")


@dataclass(frozen=True)
class Options:
    run: tyro.conf.Positional[Path]
    """Run directory; the numbers go to its factors.json."""
    data_dir: Path | None = None
    """Folder of the dataset. Default: $INFOGAN_DATA, else ./data."""


def codes_of(run: records.Run, images: torch.Tensor) -> np.ndarray:
    """Q's reading [N, codes], in the codes' order: a category, or a continuous code's mean."""
    categories, means = (part.numpy() for part in networks.recognise(run.discriminator, run.latent, images))
    order = run.latent.single_codes(Categorical) + run.latent.single_codes(Continuous)
    return np.concatenate([categories, means], axis=1)[:, np.argsort(order)]


def share(nats: float, chance: float, entropy: float) -> float:
    """Of a factor's entropy, what a code knows of it beyond chance."""
    return (nats - chance) / entropy


def measured(images: torch.Tensor) -> np.ndarray:
    """MEASURED, [N, 3], of uint8 images [N, C, H, W], in parts of full brightness: their mean, how much brighter the middle is
    than the outer quarter on each side, and the left half than the right."""
    grey = images.float().mean(1) / 255
    height, width = grey.shape[1:]
    inner = torch.zeros(height, width, dtype=torch.bool)
    inner[height // 4 : -(height // 4), width // 4 : -(width // 4)] = True
    left, right = grey[:, :, : width // 2].mean((1, 2)), grey[:, :, -(width // 2) :].mean((1, 2))
    return torch.stack([grey.mean((1, 2)), grey[:, inner].mean(1) - grey[:, ~inner].mean(1), left - right], 1).numpy()


def truths(dataset: data.Dataset) -> tuple[torch.Tensor, dict[str, tuple[np.ndarray, tuple[str, ...]]]]:
    """Up to LIMIT images, and by kind (factors, attributes, measured) what is known of each, [N, k], with names; constant ones are left out."""
    splits = (dataset.test, dataset.validation, dataset.train)
    images = torch.cat([split.images[:LIMIT] for split in splits])[:LIMIT]
    known = {
        kind: (np.concatenate([split.extra[kind][0][:LIMIT].numpy() for split in splits])[:LIMIT], names)
        for kind, (_, names) in dataset.train.extra.items()
    }
    known["measured"] = (measured(images), MEASURED)
    out = {}
    for kind, (values, names) in known.items():
        varies = [i for i in range(values.shape[1]) if len(np.unique(values[:, i])) > 1]
        out[kind] = (values[:, varies], tuple(names[i] for i in varies))
    return images, out


def information(codes: np.ndarray, truth: np.ndarray, names: tuple[str, ...], categorical: list[int]) -> dict:
    """Nats of each name in each code, [codes][names], and the mean of the same after shuffling the images' truth."""
    random = np.random.default_rng(0)
    shuffled = [
        disentanglement.mutual_information(codes, random.permutation(truth), categorical) for _ in range(SHUFFLES)
    ]
    return {
        "names": list(names),
        "entropy_nats": disentanglement.entropies(truth).tolist(),
        "information_nats": disentanglement.mutual_information(codes, truth, categorical).tolist(),
        "shuffled_nats": np.mean(shuffled, axis=0).tolist(),
    }


def main() -> None:
    options = tyro.cli(Options, description=__doc__)
    run = records.load(options.run)
    images, known = truths(data.load(run.config.dataset, options.data_dir))
    codes, categorical = codes_of(run, images), run.latent.single_codes(Categorical)
    result: dict = {"n_images": len(codes)}
    for kind, (truth, names) in known.items():
        result[kind] = information(codes, truth, names, categorical)
        if kind == "factors" and len(names) > 1:
            result[kind]["scores"] = disentanglement.scores(codes, truth, categorical)

        table = pd.DataFrame(index=result[kind]["names"])
        for i, (nats, chance) in enumerate(zip(result[kind]["information_nats"], result[kind]["shuffled_nats"])):
            table[f"c{i + 1} (shuffled)"] = [f"{a:.3f} ({b:.3f})" for a, b in zip(nats, chance)]
        table["H"] = [f"{h:.3f}" for h in result[kind]["entropy_nats"]]
        print(f"{kind}: nats of each in each code, {len(codes):,} images\n{table.to_string()}\n")
        if "scores" in result[kind]:
            print(pd.DataFrame([result[kind]["scores"]]).to_string(index=False, float_format="{:.3f}".format))
    records.write_json(options.run / "factors.json", result | {"provenance": records.provenance()})
    print(f"wrote {options.run / 'factors.json'}")


if __name__ == "__main__":
    run_script(main)
