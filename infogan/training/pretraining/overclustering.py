"""Self-supervised pretraining of D's trunk and Q before the GAN begins; beyond the paper.

InfoGAN leaves it to chance which modes of the data its categories find, and two digits that share a category early
share it to the end. Many clusters find modes more surely than ten do. So first HEADS over-clustering heads on D's trunk
each sort the real images into many clusters by the IIC loss (Ji et al. 2019, "Invariant Information Clustering",
section 3.2). Then each head's clusters are merged into as many superclusters as the code has categories: those that
augmentation (of digits random strokes) confuses (see merging). Then Q is trained on the superclusters that the heads
agree on (ensemble distillation).
"""

import copy
import math
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from infogan import records
from infogan.accel.adam import Adam
from infogan.accel.cuda_graph import fastest
from infogan.codes import Latent
from infogan.config import Config
from infogan.data import Batches
from infogan.networks import DiscriminatorQ, init_weights
from infogan.networks.layers import BatchNorm, Linear, ParallelLinear, Sequential, keep_bf16_copies, renew_bf16_copies
from infogan.terms.iic import joint_distribution, mutual_information, tempered_softmax
from infogan.terms.pseudo_labels import IGNORE_INDEX, cross_entropy
from infogan.training.learner import Learner
from infogan.training.phases import Phase
from infogan.training.pretraining.merging import align, merge
from infogan.utils.errors import InputError
from infogan.utils.randomness import derive

HEADS, CLUSTERS = 12, 50
CLUSTERS_PER_CATEGORY = 5
"""As CLUSTERS are of ten: with fewer, several kinds of images would share a cluster before any are merged."""
MOST_CATEGORIES = 64
"""Merging takes minutes on a CPU for so many, and its time grows with their fourth power."""
HIDDEN = 128
"""Units of a head's hidden layer, as in Q's head."""
LEARNING_RATE = 5e-4
"""Adam's while clustering, falling to 0 as half a cosine."""
DISTILLATION = 0.25
"""Share of the pretraining in which Q is trained on the ensemble's superclusters."""
AGREEMENT = 0.6
"""Mean probability over the heads from which a supercluster becomes Q's target; other images have none."""
SAMPLE, COPIES = 4000, 3
"""Images, and augmented copies of each, from which confusions of clusters are counted."""


def check(config: Config, latent: Latent) -> None:
    """Raises InputError where the codes are not what pretraining can train."""
    sizes = latent.categorical_sizes
    if config.pretraining and (len(sizes) != 1 or sizes[0] > MOST_CATEGORIES):
        raise InputError(
            f"pretraining is {config.pretraining}, and codes is {config.codes}; it needs one categorical code of at "
            f"most {MOST_CATEGORIES} categories: give pretraining 0, or codes such as 10c+2u"
        )


def clusters_of(latent: Latent) -> int:
    """How many clusters each head sorts images into: CLUSTERS, or more where there are more than ten categories."""
    [categories] = latent.categorical_sizes
    return max(CLUSTERS, CLUSTERS_PER_CATEGORY * categories)


class Heads(nn.Module):
    """Over-clustering heads side by side: features [N, width] to logits of clusters [HEADS, N, clusters].

    Each has a hidden layer with batch norm and leaky ReLU, as Q's head.
    """

    def __init__(self, width: int, clusters: int):
        super().__init__()
        self.hidden = Sequential(
            Linear(width, HEADS * HIDDEN, bias=False), BatchNorm(HEADS * HIDDEN), nn.LeakyReLU(0.1)
        )
        self.clusters = ParallelLinear(HEADS, HIDDEN, clusters)

    def forward(self, features: Tensor, real: int) -> Tensor:
        hidden = self.hidden(features, real).unflatten(1, (HEADS, HIDDEN))
        return self.clusters(hidden.transpose(0, 1)).float()


class Overclustering(Phase):
    """The pretraining of one InfoGAN: clustering first, then distillation.

    It moves Q's head and the trunk that Q reads images with; G, D's own output and a trunk that is D's alone stay as
    they are. The model has one categorical code.
    """

    name = table = "pretraining"
    prefix = "pretraining/"
    metrics = ("loss_nats", "agreement")
    heads: Heads

    def __init__(self, model: Learner, batches: Batches):
        self.config, self.latent, self.discriminator = model.config, model.latent, model.discriminator
        self.bf16_copies, self.images_of, self.random = model.bf16_copies, batches.at, model.random
        self.augmentation = model.augmentation
        self.length = self.config.pretraining
        self.clustering_updates = self.length - math.ceil(DISTILLATION * self.length)
        self.random["pretraining"]  # made before a step is captured, and a part of each later checkpoint

    def start(self) -> None:
        """Draw the heads, and begin to cluster."""
        trunk = self.discriminator.trunk_of_q
        self.clusters = clusters_of(self.latent)
        self.heads = Heads(trunk.width, self.clusters)
        init_weights([self.heads], derive(self.config.seed, "heads"))
        self.heads.to(self.random.device)
        copies = self.bf16_copies | (keep_bf16_copies(self.heads) if self.bf16_copies else {})
        self._optimise([*trunk.parameters(), *self.heads.parameters()], LEARNING_RATE, copies)
        self.teacher: DiscriminatorQ | None = None
        self.superclusters = torch.zeros(0)
        self.information_nats: list[float] = []

    def _optimise(self, parameters: list[nn.Parameter], lr: float, copies: dict[nn.Parameter, Tensor]) -> None:
        self.leaves = [copies.get(p, p) for p in parameters]
        self.adam = Adam(parameters, lr, self.config.beta1, copies)
        self._fastest_step: Callable[..., list[Tensor]] | None = None

    def update(self, number: int) -> Tensor:
        """One update; returns self.metrics: the loss in nats (of clustering: per head), and the share of images that Q
        has a target for."""
        if number == self.clustering_updates and self.teacher is None:
            self._begin_distillation()
        images = self.images_of(number)
        if self._fastest_step is None:
            state = [*self.discriminator.state_dict().values(), *self.tensors().values(), *self.leaves]
            self._fastest_step = fastest(self._step, (images,), self.random, state, self.adam.zero_grad)
        if self.teacher is None:
            progress = number / self.clustering_updates
            self.adam.set_learning_rate(LEARNING_RATE * (1 + math.cos(math.pi * progress)) / 2)
        return torch.stack(self._fastest_step(images))

    def _step(self, images: Tensor) -> list[Tensor]:
        real = images.float() / 255
        augmented = self.augmentation.augment(real, self.random["pretraining"])
        if self.teacher is None:
            loss = self._clustering_loss(real, augmented)
            metrics = [loss / HEADS, real.new_zeros(())]
        else:
            loss, agreement = self._distillation_loss(real, augmented)
            metrics = [loss, agreement]
        loss.backward(inputs=self.leaves)
        self.adam.step()
        self.adam.zero_grad()
        return [metric.detach() for metric in metrics]

    def _clustering_loss(self, real: Tensor, augmented: Tensor) -> Tensor:
        """Minus the mutual information of each head's clusters for images and for their copies, summed over the heads.

        In nats, at best -HEADS times the log of the number of clusters.
        """
        n = len(real)
        logits = self.heads(self.discriminator.trunk_of_q(torch.cat([real, augmented]), n), n)
        joints = joint_distribution(*tempered_softmax(logits).split(n, dim=1))
        return -mutual_information(joints).sum()

    def _distillation_loss(self, real: Tensor, augmented: Tensor) -> tuple[Tensor, Tensor]:
        """Cross-entropy, in nats, of Q's categories for images and copies with the ensemble's, and the share of images
        that have such."""
        with torch.no_grad():
            probability, category = self.ensemble(real).max(1)
        targets = category.where(probability > AGREEMENT, IGNORE_INDEX)
        q_params = self.discriminator.q_params(torch.cat([real, augmented]), len(real))
        return cross_entropy(self.latent, q_params, targets.repeat(2)), (probability > AGREEMENT).float().mean()

    def _clusters(self, images: Tensor) -> Tensor:
        """Each head's clusters of images [N, C, H, W], by the teacher's trunk: probabilities [HEADS, N, clusters].

        Batch norm takes the batch's own statistics: after a short pretraining the running ones are still far off.
        """
        assert self.teacher is not None
        return tempered_softmax(self.heads(self.teacher.trunk_of_q(images), 0)).double()

    def ensemble(self, images: Tensor) -> Tensor:
        """The superclusters' mean probabilities over the heads [N, categories]."""
        return (self._clusters(images) @ self.superclusters).mean(0)

    @torch.no_grad()
    def _begin_distillation(self) -> None:
        """Merge each head's clusters; keep heads and trunk as they are now for a teacher of Q."""
        [categories] = self.latent.categorical_sizes
        self._keep_teacher()
        n = self.clusters
        confusions = torch.zeros(HEADS, n, n, dtype=torch.double, device=self.random.device)
        sample = []
        for number in range(math.ceil(SAMPLE / self.config.batch_size)):
            images = self.images_of(number).float() / 255
            copies = (self.augmentation.confuse(images, self.random["pretraining"]) for _ in range(COPIES))
            seen = [self._clusters(images), *map(self._clusters, copies)]
            for i, one in enumerate(seen):
                for other in seen[i + 1 :]:
                    confusions += joint_distribution(one, other)
            sample.append(seen[0])
        superclusters, information = merge(confusions / confusions.sum((1, 2), keepdim=True), categories)
        self.information_nats = information.tolist()
        self.superclusters = align(F.one_hot(superclusters, categories).double(), torch.cat(sample, 1))

    def _keep_teacher(self) -> None:
        D = self.discriminator
        self.teacher = copy.deepcopy(D).requires_grad_(False)
        self._optimise([*D.trunk_of_q.parameters(), *D.q_head.parameters()], self.config.lr_d, self.bf16_copies)

    def finish(self, directory: Path, seconds: float) -> None:
        """Record what was found, and drop the heads, the teacher and a captured step, which hold memory."""
        content = {"updates": self.length, "seconds": seconds, "information_nats": self.information_nats}
        records.write_json(directory / "pretraining.json", content)
        self._fastest_step, self.teacher = None, None
        del self.heads, self.adam, self.leaves

    def position(self, step: int) -> dict[str, int]:
        return {"step": 0, "pretraining_step": step}

    def tensors(self) -> dict[str, Tensor]:
        """All that a resumed pretraining needs besides the model's own tensors, by name."""
        out = {f"pretraining.heads.{key}": value for key, value in self.heads.state_dict().items()}
        if self.teacher is not None:
            out |= {f"pretraining.teacher.{key}": value for key, value in self.teacher.state_dict().items()}
            out["pretraining.superclusters"] = self.superclusters
            out["pretraining.information_nats"] = torch.tensor(self.information_nats, dtype=torch.double)
        return out | self.adam.tensors("pretraining.adam")

    @torch.no_grad()
    def load_tensors(self, tensors: dict[str, Tensor]) -> None:
        """The inverse of tensors(), in place of start()."""
        self.start()
        if "pretraining.superclusters" in tensors:
            self._keep_teacher()
            self.superclusters = tensors["pretraining.superclusters"].to(self.random.device)
            self.information_nats = tensors["pretraining.information_nats"].tolist()
        for name, mine in self.tensors().items():
            mine.copy_(tensors[name])
        renew_bf16_copies(self.heads)
        if self.teacher is not None:
            renew_bf16_copies(self.teacher)
