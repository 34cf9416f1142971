"""The warm-up, beyond the paper: Q learns a sorting of the real images before the GAN begins, and from no labels.

InfoGAN leaves it to chance which ten modes of the data its categories find, and two digits that share one early share it to the
end. Many clusters find modes more surely than ten do: on D's trunk SORTERS sorters first sort the real images, each into CLUSTERS of
them, an image with its copy (the over-clustering of Ji et al. 2019, "Invariant Information Clustering", section 3.2).
Then each sorter's clusters are merged into as many groups as the code has categories, those that scratched copies confuse (Slonim &
Tishby 1999, "Agglomerative Information Bottleneck"). Then the sorters vote, Q is taught what they agree on, and the GAN takes over.
"""

import copy
import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn

from infogan import layers, networks
from infogan.accel import adam, parallel
from infogan.data import augmentation
from infogan.objective import UNNAMED, mutual_information, paired, sharp, surprise

SORTERS, CLUSTERS = 12, 50  # sorters on the one trunk; clusters of each
HIDDEN = 128  # units of a sorter's layer before its clusters, as in Q
RATE = 5e-4  # Adam's, falling to 0 as half a cosine
TAUGHT = 0.25  # share of the warm-up in which Q is taught
SURE = 0.6  # share of the sorters' vote that a group needs for Q to be taught it; what they dispute Q reads as it has learned from the rest
CERTAIN, BATCH = 0.5, 500  # probability from which Q is held to a category; images read at a time
SAMPLE, COPIES = 4000, 3  # images, and scratched copies of each, from which confusions are counted


def merge(joint: Tensor, groups: int) -> tuple[Tensor, float]:
    """Clusters into groups that tell as much as possible about the group of the other copy.

    From every cluster by itself the two are joined whose joining loses least, again and again; then single clusters change
    groups while that gains. Deterministic.
    Args: joint: [n, n] symmetric probabilities that two copies of an image lie in the two clusters.
    Returns: each cluster's group, [n] int64, and the groups' mutual information in nats.
    """
    joint = joint.double().cpu()
    members, grouped = (
        torch.eye(len(joint), dtype=torch.double),
        joint,
    )  # [groups so far, clusters]; the groups' joint probabilities
    while (now := len(members)) > groups:
        one, other = torch.triu_indices(now, now, 1)
        tried, each = grouped.repeat(len(one), 1, 1), torch.arange(len(one))
        tried[each, one] += tried[each, other]
        tried[each, :, one] += tried[each, :, other]
        tried[each, other] = tried[each, :, other] = 0
        best = mutual_information(tried).argmax()
        left = torch.arange(now) != other[best]
        members[one[best]] += members[other[best]]
        members, grouped = members[left], tried[best][left][:, left]
    moved = True
    while moved:
        moved = False
        for cluster in range(len(joint)):
            tried = members.repeat(len(members), 1, 1)
            tried[:, :, cluster] = torch.eye(len(members), dtype=torch.double)
            told = mutual_information(tried @ joint @ tried.mT)
            if told.max() > told[members[:, cluster].argmax()] + 1e-9:
                members, moved = tried[told.argmax()], True
    return members.argmax(0), mutual_information(members @ joint @ members.mT).item()


def align(groups: Tensor, read: Tensor) -> Tensor:
    """The sorters' groups under common names: those that share most images of a sample with those of the first.

    Args: groups: [sorters, clusters, groups], 1 where a cluster lies in a group, else 0; read: [sorters, N, clusters], probabilities.
    Returns: groups, each sorter's in its new order.
    """
    shares = read @ groups  # [sorters, N, groups]
    overlaps = shares[0].t() @ shares
    parallel.average([overlaps])
    return torch.stack(
        [of_one[:, linear_sum_assignment(-overlap.cpu())[1]] for of_one, overlap in zip(groups, overlaps)]
    )


class WarmUp:
    """The warm-up of an InfoGAN whose codes have one category code; `update` after `update`, in order.

    D's trunk and Q's head are moved, G and D's own head are not. The sorters are forgotten with the object.
    """

    def __init__(self, model, batch_at: Callable[[int], Tensor], seeds: tuple[int, int]):
        """model: training.InfoGAN; batch_at(update): uint8 images [N, C, H, W] on the model's device; seeds: of weights, of copies."""
        self.model, self.batch_at = model, batch_at
        self.sorting = model.config.warm_up - math.ceil(TAUGHT * model.config.warm_up)
        self.stream = torch.Generator(model.device).manual_seed(seeds[1])
        self.trunk = list(model.discriminator.trunk.parameters())
        width = model.discriminator.d_head.weight.shape[1]
        self.sorters = nn.ModuleList(
            layers.Stack(
                layers.Linear(width, HIDDEN, bias=False),
                layers.BatchNorm(HIDDEN),
                nn.LeakyReLU(0.1),
                layers.Linear(HIDDEN, CLUSTERS),
            )
            for _ in range(SORTERS)
        )
        networks.draw(self.sorters, seeds[0])
        self.sorters.to(model.device)
        halves = model.halves | (layers.keep_halves(self.sorters) if model.halves else {})
        self._optimise(self.trunk + list(self.sorters.parameters()), RATE, halves)

    def _optimise(self, parameters: list[nn.Parameter], rate: float, halves: dict[nn.Parameter, Tensor]) -> None:
        self.moves = [halves.get(p, p) for p in parameters]
        self.adam = adam.Adam(parameters, rate, self.model.config.beta1, halves)

    def update(self, number: int) -> None:
        """One update; the first `sorting` of them sort, the others teach."""
        if number == self.sorting:
            self._merge()
        whole = self.batch_at(number).float() / 255
        images, copies = parallel.part(whole), parallel.part(augmentation.copied(whole, self.stream))
        if number < self.sorting:
            self.adam.set_rate(RATE * (1 + math.cos(math.pi * number / self.sorting)) / 2)
            loss = self._untold(images, copies)
        else:
            loss = self._surprise(images, copies)
        loss.backward(inputs=self.moves)
        self.adam.step()

    def _untold(self, images: Tensor, copies: Tensor) -> Tensor:
        """Minus what each sorter's clusters tell about its clusters of the copies, summed, in nats: at best -SORTERS log CLUSTERS."""
        n = len(images)
        features = self.model.discriminator.features(torch.cat([images, copies]), n)
        return -sum(
            mutual_information(parallel.mean(paired(*sharp(sorter(features, n)).split(n)))) for sorter in self.sorters
        )

    def _surprise(self, images: Tensor, copies: Tensor) -> Tensor:
        """Cross-entropy, in nats, of Q's categories for an image and for its copy with the group that the sorters agree on; 0 where they do not."""
        with torch.no_grad():
            share, group = self.vote(images).max(1)
        _, answer = self.model.discriminator(torch.cat([images, copies]), len(images))
        return surprise(self.model.latent, answer, group.where(share > SURE, UNNAMED).repeat(2))

    @torch.no_grad()
    def names(self, images: Tensor) -> Tensor:
        """What Q now makes of uint8 images [N, C, H, W], [N] int64: their categories, UNNAMED where it is not certain.

        Batch norm takes each batch's own statistics, as in the warm-up.
        """
        out = []
        for batch in images.tensor_split(math.ceil(len(images) / BATCH)):
            [logits] = self.model.latent.category_logits(self.model.discriminator(batch.float() / 255)[1])
            share, name = logits.softmax(1).max(1)
            out.append(name.where(share > CERTAIN, UNNAMED))
        return torch.cat(out)

    @torch.no_grad()
    def _merge(self) -> None:
        """Merge each sorter's clusters, and keep the sorters, with the trunk as it is now, to vote on what Q is taught.

        Batch norm takes each batch's own statistics: after a short warm-up the running ones are still far off.
        """
        D, [categories] = self.model.discriminator, self.model.latent.categorical_sizes
        trunk, sorters = copy.deepcopy(D), self.sorters
        confused = torch.zeros(SORTERS, CLUSTERS, CLUSTERS, dtype=torch.double, device=self.model.device)

        def read(images: Tensor) -> Tensor:
            """Each sorter's clusters of the images, probabilities [SORTERS, N, CLUSTERS]."""
            features = trunk.features(images)
            return torch.stack([sharp(sorter(features, 0)) for sorter in sorters]).double()

        sample = []
        for number in range(math.ceil(SAMPLE / self.model.config.batch_size)):
            images = self.batch_at(number).float() / 255
            seen = [read(images), *(read(augmentation.scratched(images, self.stream)) for _ in range(COPIES))]
            confused += sum(paired(a, b) for i, a in enumerate(seen) for b in seen[i + 1 :])
            sample.append(seen[0])
        parallel.average([confused])  # processes that round differently are to merge alike
        merged = [merge(counts / counts.sum(), categories) for counts in confused]
        self.information = [told for _, told in merged]
        groups = align(
            torch.stack([F.one_hot(group, categories) for group, _ in merged]).to(confused), torch.cat(sample, 1)
        )
        self.vote = lambda images: (read(images) @ groups).mean(0)
        self._optimise(self.trunk + list(D.q_head.parameters()), self.model.config.lr_d, self.model.halves)
