"""What a run's codes hold of the factors or attributes that its dataset states: mutual information and scores.

Works on an .npz dataset with `factors` or `attributes`. All its images are read: training is unsupervised, and small
splits would measure little but the bias of the estimate, which the shuffled value beside each number shows.

Example:
  python analysis/factors.py runs/faces-authors-seed0
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import tyro

from infogan import data, disentanglement, runs, training
from infogan.codes import Categorical, Continuous
from infogan.config import InputError, run_script

SHUFFLES = 20


@dataclass(frozen=True)
class Options:
    run: tyro.conf.Positional[Path]
    """Run directory; the numbers go to its factors.json."""


def codes_of(run: runs.Run, images: torch.Tensor) -> np.ndarray:
    """Q's reading [N, codes], in the codes' order: a category, or a continuous code's mean."""
    categories, means = (part.numpy() for part in training.recognise(run.discriminator, run.latent, images))
    order = run.latent.single_codes(Categorical) + run.latent.single_codes(Continuous)
    return np.concatenate([categories, means], axis=1)[:, np.argsort(order)]


def information(codes: np.ndarray, truth: np.ndarray, names: tuple[str, ...]) -> dict:
    """Nats of each name in each code, [codes][names], and the mean of the same after shuffling the images' truth."""
    random = np.random.default_rng(0)
    shuffled = [disentanglement.mutual_information(codes, random.permutation(truth)) for _ in range(SHUFFLES)]
    return {
        "names": list(names),
        "entropy_nats": disentanglement.entropies(truth).tolist(),
        "information_nats": disentanglement.mutual_information(codes, truth).tolist(),
        "shuffled_nats": np.mean(shuffled, axis=0).tolist(),
    }


def main() -> None:
    options = tyro.cli(Options, description=__doc__)
    run = runs.load(options.run)
    dataset = data.load(run.config.dataset)
    splits = (dataset.train, dataset.validation, dataset.test)
    if not dataset.train.extra:
        raise InputError(f"{run.config.dataset} states neither `factors` nor `attributes`: there is nothing to compare the codes with")
    codes = codes_of(run, torch.cat([split.images for split in splits]))
    result: dict = {"n_images": len(codes)}
    for kind, (_, names) in dataset.train.extra.items():
        truth = np.concatenate([split.extra[kind][0].numpy() for split in splits])
        varies = [i for i in range(truth.shape[1]) if len(np.unique(truth[:, i])) > 1]
        result[kind] = information(codes, truth[:, varies], tuple(names[i] for i in varies))
        if kind == "factors" and len(varies) > 1:
            result[kind]["scores"] = disentanglement.scores(codes, truth[:, varies])

        table = pd.DataFrame(index=result[kind]["names"])
        for i, (nats, chance) in enumerate(zip(result[kind]["information_nats"], result[kind]["shuffled_nats"])):
            table[f"c{i + 1} (shuffled)"] = [f"{a:.3f} ({b:.3f})" for a, b in zip(nats, chance)]
        table["H"] = [f"{h:.3f}" for h in result[kind]["entropy_nats"]]
        print(f"nats of each of the {kind} in each code, {len(codes):,} images\n{table.to_string()}\n")
        if "scores" in result[kind]:
            print(pd.DataFrame([result[kind]["scores"]]).to_string(index=False, float_format="{:.3f}".format))
    runs.write_json(options.run / "factors.json", result | {"provenance": runs.provenance()})


if __name__ == "__main__":
    run_script(main)
