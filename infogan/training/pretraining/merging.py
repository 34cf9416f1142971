"""Clusters merged into superclusters by the information bottleneck, and superclusters of several heads put under common
numbers."""

import torch
import torch.nn.functional as F
from torch import Tensor

from infogan.terms.iic import mutual_information

GAIN = 1e-9
"""Nats that a move must gain: less is rounding."""


def merge(joints: Tensor, n_superclusters: int) -> tuple[Tensor, Tensor]:
    """Each head's clusters into superclusters whose mutual information between two augmented copies is as large as
    possible.

    Agglomerative (Slonim & Tishby 1999, "Agglomerative Information Bottleneck"): from every cluster by itself the two
    are joined that lose least; then single clusters move to another supercluster while that gains. Deterministic, in
    float64.

    Args: joints: [heads, n, n], for each head symmetric probabilities that two copies of an image lie in the two
    clusters.
    Returns: each cluster's supercluster, int64 [heads, n], and the superclusters' mutual information in nats, [heads].
    """
    joints = joints.double()
    superclusters = _agglomerate(joints, n_superclusters)
    while _move_clusters(joints, superclusters, n_superclusters):
        pass
    members = F.one_hot(superclusters, n_superclusters).double()
    return superclusters, mutual_information(members.mT @ joints @ members)


def _x_log_x(x: Tensor) -> Tensor:
    return torch.special.xlogy(x, x)


def _agglomerate(joints: Tensor, n_superclusters: int) -> Tensor:
    """The supercluster of each cluster, [heads, n], after joining pairs one at a time in every head at once."""
    heads, n, _ = joints.shape
    merged, each = joints.clone(), torch.arange(heads, device=joints.device)
    group = torch.arange(n, device=joints.device).repeat(heads, 1)
    alive = torch.ones(heads, n, dtype=torch.bool, device=joints.device)
    upper = torch.ones(n, n, dtype=torch.bool, device=joints.device).triu(1)
    rows = _sums_over_rows(joints)
    for _ in range(n - n_superclusters):
        allowed = alive[:, :, None] & alive[:, None] & upper
        best = _gain_of_joining(merged, rows).masked_fill(~allowed, -torch.inf).flatten(1).argmax(1)
        one, other = best // n, best % n
        before = [merged[each, :, k] for k in (one, other)]
        merged[each, one] += merged[each, other]
        merged[each, :, one] += merged[each, :, other]
        merged[each, other] = 0
        merged[each, :, other] = 0
        _update_sums(rows, merged, before, one)
        alive[each, other] = False
        group = torch.where(group == other[:, None], one[:, None], group)
    return torch.stack([kept.unique(return_inverse=True)[1] for kept in group])


def _joined(a: Tensor, b: Tensor) -> Tensor:
    """By how much the sum of x log x changes where a and b become one."""
    return _x_log_x(a + b) - _x_log_x(a) - _x_log_x(b)


def _gain_of_joining(joints: Tensor, rows: Tensor) -> Tensor:
    """By how many nats the mutual information changes where clusters i and j become one: [heads, n, n], at most 0.

    I is the sum of p log p over the joint less twice that over the marginal; joining changes two rows and two columns.
    rows: _sums_over_rows(joints); over every third cluster k, and k = i and k = j as well.
    """
    p, marginal = joints, joints.sum(-1)
    diagonal = p.diagonal(dim1=-2, dim2=-1)
    f, joined = _x_log_x, _joined
    at_i = joined(diagonal[:, :, None], p)
    at_j = joined(p, diagonal[:, None])
    own = (
        f(diagonal[:, :, None] + diagonal[:, None] + 2 * p) - f(diagonal)[:, :, None] - f(diagonal)[:, None] - 2 * f(p)
    )
    return 2 * (rows - at_i - at_j) + own - 2 * joined(marginal[:, :, None], marginal[:, None])


def _sums_over_rows(joints: Tensor) -> Tensor:
    """The sums of _joined over each two rows, [heads, n, n], in the memory of one row with all.

    They are computed once and then updated: anew after each join they would take a time of the fourth power of n."""
    return torch.stack([_joined(joints[:, i, None], joints).sum(-1) for i in range(joints.shape[-1])], 1)


def _update_sums(rows: Tensor, merged: Tensor, before: list[Tensor], one: Tensor) -> None:
    """Sums over rows after each head's cluster `one` took in another, in place: two columns changed, and a row.

    before: the columns of both as they were; the other one's is 0 now, which adds nothing to a sum.
    """
    each = torch.arange(len(merged), device=merged.device)
    column = merged[each, :, one]
    rows += _joined(column[:, :, None], column[:, None])
    for was in before:
        rows -= _joined(was[:, :, None], was[:, None])
    rows[each, one] = rows[each, :, one] = _joined(merged[each, one][:, None], merged).sum(-1)


def _move_clusters(joints: Tensor, superclusters: Tensor, n_superclusters: int) -> bool:
    """Move each cluster in turn to the supercluster where it gains most, in place; returns whether any moved."""
    heads, n = superclusters.shape
    each = torch.arange(heads, device=joints.device)
    before = superclusters.clone()
    choice = torch.eye(n_superclusters, dtype=torch.double, device=joints.device)
    for cluster in range(n):
        members = F.one_hot(superclusters, n_superclusters).double()
        members[:, cluster] = 0
        others = members.mT @ joints @ members  # the superclusters' joint without the cluster, [heads, k, k]
        shared = (joints[:, cluster, None] @ members).squeeze(1)  # the cluster's with each of them, [heads, k]
        added = choice[:, :, None] * shared[:, None, None]  # [heads, choice, k, k]
        itself = joints[:, cluster, cluster, None, None, None] * choice[:, :, None] * choice[:, None]
        information = mutual_information(others[:, None] + added + added.mT + itself)
        best = information.argmax(1)
        gains = information[each, best] > information[each, superclusters[:, cluster]] + GAIN
        superclusters[:, cluster] = torch.where(gains, best, superclusters[:, cluster])
    return not torch.equal(before, superclusters)


def align(superclusters: Tensor, probabilities: Tensor) -> Tensor:
    """The heads' superclusters under common numbers: those that share most images of a sample with those of the first
    head.

    Args: superclusters: [heads, clusters, superclusters], 1 where a cluster belongs to one, else 0; probabilities: of
    the
        clusters, [heads, N, clusters], of N images.
    Returns: superclusters, each head's in its new order.
    """
    from scipy.optimize import linear_sum_assignment

    shares = probabilities @ superclusters  # [heads, N, superclusters]
    overlaps = shares[0].t() @ shares
    orders = (linear_sum_assignment(-overlap.cpu())[1] for overlap in overlaps)
    return torch.stack([of_head[:, order] for of_head, order in zip(superclusters, orders, strict=True)])
