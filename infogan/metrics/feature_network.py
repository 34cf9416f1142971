"""The network in whose features sample quality is measured: a small classifier, trained on the real images and cached.

Protocol: the classifier is the network of D and Q with the labels as its one code, trained on the training images with
Adam (learning rate 1e-3, batch 128), always from the same seed, until it has seen MAX_IMAGES images or EPOCHS epochs.
Features are its last hidden layer (128 units; 64 for 8 x 8 images) in evaluation mode. Up to MAX_COMPARED held-out real
images, of more a random choice, are compared with as many generated from the prior, always with the same codes and
noise.

Where there are no labels, the network names instead by which quarter turn an image was rotated (Gidaris et al. 2018,
"Unsupervised Representation Learning by Predicting Image Rotations"). Its features are as good as that task: of images
without an upright position, such as sprites, they say little. Its accuracy on held-out images is therefore recorded.

Distances are comparable within one dataset and this protocol, not with published FIDs, which use an Inception network.
"""

import hashlib
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from infogan import networks, records
from infogan.codes import Latent
from infogan.data import Batches, Dataset, Split
from infogan.data.cache import cache_folder
from infogan.metrics import clustering, quality
from infogan.networks import DiscriminatorQ
from infogan.utils.errors import InputError
from infogan.utils.locks import locked

MAX_COMPARED = 10_000
MAX_IMAGES, EPOCHS = 150_000, 15  # of training; a classifier that overfits has other features of what it has seen


def classifier(dataset: Dataset, cache: Path | None = None) -> DiscriminatorQ:
    """The dataset's classifier of labels, or of quarter turns where it has none; trained once and kept in the folder
    `cache` (default: in the data cache).

    Raises InputError for images without labels that are not square.
    """
    images, labels = task(dataset.train)
    _, network = networks.build(dataset.image_shape, Latent(f"{int(labels.max()) + 1}c", ""), seed=0)
    identity = hashlib.sha256(f"{MAX_IMAGES} {EPOCHS} {network}".encode())
    for part in (images, labels):
        identity.update(part.numpy().tobytes())
    folder = cache or cache_folder() / f"classifier-{dataset.name}-{identity.hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / ".lock"):  # one of several workers trains it, the others wait
        try:
            weights = records.load_checkpoint(folder)[0]
        except InputError:  # there is none, or it is damaged
            updates = _train(network, images, labels)
            weights = network.state_dict()
            records.save_checkpoint(folder, weights, {"step": updates}, keep=False)
        network.load_state_dict(weights)
    return network.eval()


def task(split: Split) -> tuple[Tensor, Tensor]:
    """Images uint8 [N, C, H, W] and what the classifier is to say of them, int64 [N]: their labels; without labels,
    every fourth image is turned by none, one, two and three quarters, and that is what it says.

    Raises InputError for images without labels that are not square.
    """
    if split.labels is not None:
        return split.images, split.labels
    height, width = split.images.shape[2:]
    if height != width:
        raise InputError(
            f"images are {height}x{width} and have no labels: the network for quality metrics names quarter turns of "
            "square images; add `labels`, or crop the images"
        )
    turns = torch.arange(len(split)) % 4
    turned = split.images.clone()
    for turn in range(1, 4):
        turned[turn::4] = torch.rot90(split.images[turn::4], turn, (2, 3))
    return turned, turns


def _train(network: DiscriminatorQ, images: Tensor, labels: Tensor) -> int:
    """Train the classifier on uint8 images [N, C, H, W] and labels [N]; returns the number of updates."""
    optimiser = torch.optim.Adam(network.parameters(), 1e-3, fused=True)
    batch_size = min(128, len(images))
    batches = Batches(images, batch_size, seed=0)
    updates = min(MAX_IMAGES, EPOCHS * len(images)) // batch_size
    for update in range(updates):
        index = batches.index(update)
        _, logits = network(images[index].float() / 255, real=batch_size)
        F.cross_entropy(logits, labels[index]).backward()
        optimiser.step()
        optimiser.zero_grad()
    return updates


@torch.no_grad()
def classify(network: DiscriminatorQ, images: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """The classifier's features, float64 [N, d], and label probabilities, float32 [N, number of labels], of uint8
    images [N, C, H, W]."""
    features, probabilities = [], []
    for batch in images.split(1000):
        hidden = network.q_head[:-1](network.trunk(batch.float() / 255))
        features.append(hidden)
        probabilities.append(network.q_head[-1](hidden).softmax(1))
    return torch.cat(features).double().numpy(), torch.cat(probabilities).numpy()


def _compared(real: Split) -> Split:
    """At most MAX_COMPARED images, drawn at random: the first of a file need not be like the rest. On MNIST the Fréchet
    distance between the first and the last 5,000 test images is 1.4, eight times that between random halves."""
    if len(real) <= MAX_COMPARED:
        return real
    return real[torch.randperm(len(real), generator=torch.Generator().manual_seed(0))[:MAX_COMPARED].sort().values]


def sample_quality(generator: nn.Module, latent: Latent, real: Split, network: DiscriminatorQ) -> dict:
    """Sample quality of a generator against held-out real images, in the features of the dataset's `classifier`.

    Returns: images, how many of each kind are compared; frechet_distance, kernel_distance, precision, recall; features,
    of labels or of quarter turns, and feature_accuracy, the classifier's on the real images. Where there are labels and
    categorical codes also, of the best such code, generator_accuracy: the share of generated images that are classified
    as the label matched one-to-one to their category; code: its number; shown: for each of its categories how many
    images are classified as each label.
    """
    real = _compared(real)
    count = len(real)
    z = latent.sample(count, torch.Generator().manual_seed(0))
    images = torch.from_numpy(networks.generate(generator, z)).permute(0, 3, 1, 2)
    features, probabilities = classify(network, images)
    asked, right = task(real)
    out: dict = {
        "images": count,
        **quality.measure(classify(network, real.images)[0], features),
        "features": "quarter turns" if real.labels is None else "labels",
        "feature_accuracy": float((classify(network, asked)[1].argmax(1) == right.numpy()).mean()),
    }
    if latent.categorical_sizes and real.labels is not None:
        categories, labels = latent.read(z)[0].numpy(), probabilities.argmax(1)
        codes = [
            clustering.code_to_label(categories[:, i], labels, size) for i, size in enumerate(latent.categorical_sizes)
        ]
        best = max(range(len(codes)), key=lambda i: codes[i]["accuracy"])
        out |= {"generator_accuracy": codes[best]["accuracy"], "code": best, "shown": codes[best]["confusion"]}
    return out
