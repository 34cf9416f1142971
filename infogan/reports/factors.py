"""Mutual information of a run's codes with the factors or attributes of its dataset, and disentanglement scores.

The codes are also compared with statistics of the images, such as their brightness. Up to 20,000 images are used, test
images first. Beside the numbers stands the null: the best code of untrained networks of the run's configuration (mean
and 95 % interval over ten seeds), and with --null that of runs of a regular GAN. With --others, runs of the same
dataset are compared by ModelCentrality, which needs no factors: how much each resembles the others.

The scores take about five minutes of one core for five factors with dSprites' numbers of values (113 together) and ten
codes; nearly all of it is DCI's, whose 100 trees for each value of each factor the protocol asks for.

Example:
  python analysis/factors.py runs/faces3d-faces-azimuth-seed0
  python analysis/factors.py runs/digits-authors-seed0 --others runs/digits-authors-seed1 runs/digits-authors-seed2
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import tyro
from torch import Tensor
from tqdm import tqdm

from infogan import data, networks, records
from infogan.codes import Categorical, Latent
from infogan.inference import Model
from infogan.metrics import disentanglement
from infogan.metrics.disentanglement import model_centrality
from infogan.reports import common
from infogan.reports.information import Nulls, information, known_factors, predict
from infogan.utils.errors import InputError, printable
from infogan.utils.options import Unset

FREE_IMAGES = 10_000
"""Generated from each model's prior for ModelCentrality; 73,728 in the published code."""
CHUNK = 2000
"""Generated images that are held at a time."""


@dataclass(frozen=True)
class Options:
    """The command line."""

    run: tyro.conf.Positional[Path]
    """Run directory; the numbers are written to its factors.json."""
    others: tuple[Path, ...] = ()
    """Other runs of the same dataset, to compare with this one by ModelCentrality."""
    null: tuple[Path, ...] = ()
    """Runs of a regular GAN (info_flow detached) on the same dataset, which join the untrained networks as the null."""
    data_dir: Unset[Path] = None
    """Folder of the dataset. Default: $INFOGAN_DATA, else ./data."""


def compare(run: Model, dataset: data.Dataset, gans: Sequence[Model] = ()) -> dict:
    """n_images, and for each kind of factors `information`, with `scores` where two factors or more are known.

    gans: runs of a regular GAN, for the null.
    """
    images, known = known_factors(dataset)
    predicted, nulls = predict(run.discriminator, run.latent, images), Nulls(images, gans)
    result: dict = {"n_images": len(images)}
    for kind, (values, names) in known.items():
        result[kind] = information(predicted, values, names, nulls.information(run, values))
        if kind == "factors" and len(names) > 1:
            categorical = run.latent.single_codes(Categorical)
            result[kind]["scores"] = disentanglement.scores(predicted.codes, values, categorical, progress=True)
    return result


def centrality(runs: Sequence[Model]) -> dict:
    """ModelCentrality of models of one dataset.

    Returns: runs, their directories; similarity, [n][n], of row i's codes on images of model j; centrality, [n].

    Raises InputError where they cannot be compared.
    """
    for run in runs:
        shape, first = run.discriminator.image_shape, runs[0].discriminator.image_shape
        if shape != first:
            raise InputError(
                f"images of {run.directory} are {shape}, of {runs[0].directory} {first} (channels, height, width); "
                "give runs of one dataset"
            )
        if len(run.latent.single_columns()) < 2:
            raise InputError(f"{run.directory} has one code, which ModelCentrality cannot compare; give runs of two")
    sources = tqdm(runs, "ModelCentrality", unit=" models", leave=False)
    similarity = np.stack([similarities(source, runs) for source in sources], axis=1)
    return {
        "runs": [str(run.directory) for run in runs],
        "similarity": similarity.tolist(),
        "centrality": model_centrality.centrality(similarity).tolist(),
    }


def similarities(source: Model, readers: Sequence[Model]) -> list[float]:
    """The similarity of each reader's codes on images of `source`, see model_centrality.similarity."""
    latents, shared = shared_latents(source.latent, torch.Generator().manual_seed(0))
    parts: list[list[np.ndarray]] = [[] for _ in readers]
    for chunk in latents.split(CHUNK):
        images = torch.from_numpy(networks.generate(source.generator, chunk)).permute(0, 3, 1, 2)
        for part, reader in zip(parts, readers):
            part.append(predict(reader.discriminator, reader.latent, images).codes)
    out = []
    for reader, codes in zip(readers, map(np.concatenate, parts)):
        groups = codes[FREE_IMAGES:].reshape(len(shared), -1, codes.shape[1])
        categorical = reader.latent.single_codes(Categorical)
        out.append(model_centrality.similarity(groups, shared, codes[:FREE_IMAGES], categorical))
    return out


def shared_latents(latent: Latent, random: torch.Generator) -> tuple[Tensor, np.ndarray]:
    """Latents [FREE_IMAGES + GROUPS * GROUP_SIZE, width] from the prior, then in groups that share one code.

    Returns: the latents, and the code that each group shares, [GROUPS]; the codes take turns.
    """
    columns = latent.single_columns()
    groups = latent.sample(model_centrality.GROUPS * model_centrality.GROUP_SIZE, random)
    groups = groups.unflatten(0, (model_centrality.GROUPS, model_centrality.GROUP_SIZE))
    shared = np.arange(len(groups)) % len(columns)
    for group, code in zip(groups, shared):
        group[:, columns[code]] = group[0, columns[code]].clone()
    return torch.cat([latent.sample(FREE_IMAGES, random), groups.flatten(0, 1)]), shared


def show(kind: str, result: dict, n_images: int) -> str:
    """One kind's numbers as text. result: of `information`."""
    table = pd.DataFrame(index=[printable(name) for name in result["names"]])
    for i, nats in enumerate(result["information_nats"]):
        table[f"c{i + 1}"] = [f"{each:.3f}" for each in nats]
    for name in result["null"][0]:
        groups = [null[name] for null in result["null"]]
        bounds = [f" [{each['low_nats']:.3f}, {each['high_nats']:.3f}]" if each["n"] > 1 else "" for each in groups]
        table[f"best of {name}"] = [f"{each['mean_nats']:.3f}{bound}" for each, bound in zip(groups, bounds)]
    table["H"] = [f"{h:.3f}" for h in result["entropy_nats"]]
    text = f"{kind}: mutual information with each code in nats, {n_images:,} images\n{table.to_string()}\n"
    if "scores" in result:
        text += "\n" + common.as_text(pd.DataFrame([result["scores"]]))
    return text


def main() -> None:
    """Print the tables and write RUN/factors.json."""
    options = tyro.cli(Options, description=__doc__)
    run = Model(options.run)
    others = [Model(directory) for directory in options.others]
    found = centrality([run, *others]) if others else None
    gans = [Model(directory) for directory in options.null]
    result = compare(run, common.load_dataset(options.data_dir, options.run, *options.null), gans)
    for kind in [key for key in result if key != "n_images"]:
        print(show(kind, result[kind], result["n_images"]))
    if found:
        result["model_centrality"] = found
        table = pd.DataFrame({"run": found["runs"], "ModelCentrality": found["centrality"]})
        print(common.as_text(table.sort_values("ModelCentrality", ascending=False)) + "\n")
    path = run.directory / "factors.json"
    records.write_json(path, result | {"step": run.step, "provenance": records.provenance()})
    print(f"wrote {printable(path)}")
