"""Quality of generated images, in the features of a small classifier trained here on the real ones: no download.

Protocol: the classifier is D's and Q's network with the labels as its one code, trained on the training images (Adam 1e-3,
batch 128, the same seed always); features are those of its last hidden layer (128 numbers, 64 for 8 x 8 images), in evaluation
mode. Up to IMAGES held-out real images are compared with as many generated from the prior, always the same codes and noise.
Distances are comparable within a dataset and protocol, not with published FIDs, which use another network.
"""

import hashlib
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from filelock import FileLock
from torch import Tensor, nn

from infogan import networks, records
from infogan.codes import Latent
from infogan.config import InputError
from infogan.data import Batches, Dataset, Split
from infogan.data.archives import cache_folder
from infogan.metrics import clustering
from infogan.networks import DiscriminatorQ, build

IMAGES = 5000
SEEN, EPOCHS = (
    150_000,
    15,
)  # the classifier stops at whichever comes first: what it knows by heart it sees with other features
NEIGHBOURS = 3


def classifier(dataset: Dataset, cache: Path | None = None) -> DiscriminatorQ:
    """The dataset's classifier, trained once and then read from `cache` (default: $INFOGAN_CACHE, else ~/.cache/infogan).

    Raises InputError for a dataset without labels.
    """
    if dataset.train.labels is None:
        raise InputError(
            f"{dataset.name} has no labels, which the classifier behind the quality measures learns from: add `labels`"
        )
    n_labels = int(dataset.train.labels.max()) + 1
    network = build(dataset.image_shape, Latent(f"{n_labels}c", ""), seed=0)[1]
    protocol = f"{SEEN} {EPOCHS} {network}".encode()
    digest = hashlib.sha256(
        protocol + dataset.train.images.numpy().tobytes() + dataset.train.labels.numpy().tobytes()
    ).hexdigest()[:12]
    folder = cache or cache_folder() / f"classifier-{dataset.name}-{digest}"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):  # of several workers one trains it, and the others wait
        if not records.has_checkpoint(folder):
            updates = _train(network, dataset)
            records.save_checkpoint(folder, network.state_dict(), {"step": updates}, keep=False)
        network.load_state_dict(records.load_checkpoint(folder)[0])
    return network.eval()


def _train(network: DiscriminatorQ, dataset: Dataset) -> int:
    """Returns the number of updates."""
    optimiser = torch.optim.Adam(network.parameters(), 1e-3, fused=True)
    batch = min(128, len(dataset.train))
    images, labels = (Batches(part, batch, seed=0) for part in (dataset.train.images, dataset.train.labels))
    updates = min(SEEN, EPOCHS * len(dataset.train)) // batch
    for update in range(updates):
        logits = network(images.at(update).float() / 255, real=batch)[1]
        F.cross_entropy(logits, labels.at(update)).backward()
        optimiser.step()
        optimiser.zero_grad()
    return updates


@torch.no_grad()
def read(network: DiscriminatorQ, images: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """The classifier's features [N, d] float64 and probabilities [N, labels] of uint8 images [N, C, H, W]."""
    features, probabilities = [], []
    for batch in images.split(1000):
        hidden = network.q_head[:-1](network.features(batch.float() / 255))
        features.append(hidden)
        probabilities.append(network.q_head[-1](hidden).softmax(1))
    return torch.cat(features).double().numpy(), torch.cat(probabilities).numpy()


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Squared 2-Wasserstein distance of Gaussians fitted to features [N, d] and [M, d] (Heusel et al. 2017, FID)."""
    difference = a.mean(0) - b.mean(0)
    cov_a, cov_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    values, vectors = np.linalg.eigh(cov_a)
    root = vectors * np.sqrt(values.clip(0)) @ vectors.T
    # The trace of (A B)^(1/2) is that of (A^(1/2) B A^(1/2))^(1/2), which is symmetric.
    cross = np.sqrt(np.linalg.eigvalsh(root @ cov_b @ root).clip(0)).sum()
    return float(difference @ difference + np.trace(cov_a) + np.trace(cov_b) - 2 * cross)


def precision_recall(real: np.ndarray, fake: np.ndarray) -> tuple[float, float]:
    """Share of generated features among the real ones' neighbours, and the reverse (Kynkaanniemi et al. 2019, k = 3)."""
    from sklearn.neighbors import NearestNeighbors

    def covered(points: np.ndarray, manifold: np.ndarray) -> float:
        # The k-th neighbour of a point itself, which is its own nearest, is the k + 1-th found.
        radii = NearestNeighbors(n_neighbors=NEIGHBOURS + 1).fit(manifold).kneighbors(manifold)[0][:, -1]
        squares = (points**2).sum(1)[:, None] + (manifold**2).sum(1) - 2 * points @ manifold.T
        return float((squares <= radii**2).any(1).mean())

    return covered(fake, real), covered(real, fake)


def generate(generator: nn.Module, latent: Latent, count: int) -> tuple[Tensor, Tensor]:
    """Latents [count, latent.width] from the prior, always the same, and their images, uint8 [count, C, H, W]."""

    z = latent.sample(count, torch.Generator().manual_seed(0))
    return z, torch.from_numpy(networks.generate(generator, z)).permute(0, 3, 1, 2)


def measure(generator: nn.Module, latent: Latent, real: Split, network: DiscriminatorQ) -> dict[str, float]:
    """Against held-out real images: frechet_distance, precision, recall, and of the categorical code that does best generator_accuracy: the share of
    generated images that the classifier reads as the label matched one-to-one to their category."""
    count = min(IMAGES, len(real))
    z, images = generate(generator, latent, count)
    originals, _ = read(network, real.images[:count])
    fake, probabilities = read(network, images)
    precision, recall = precision_recall(originals, fake)
    out = {"frechet_distance": frechet_distance(originals, fake), "precision": precision, "recall": recall}
    if latent.categorical_sizes:
        categories = latent.read(z)[0].numpy()
        labels = probabilities.argmax(1)
        out["generator_accuracy"] = max(
            clustering.code_to_label(categories[:, i], labels, size)["accuracy"]
            for i, size in enumerate(latent.categorical_sizes)
        )
    return out
