"""Merging on joint distributions whose superclusters are known."""

import pytest
import torch
import torch.nn.functional as F

from infogan.terms.iic import mutual_information
from infogan.training.pretraining import merging
from infogan.training.pretraining.merging import _gain_of_joining, _sums_over_rows, align, merge


def planted(sizes: list[int], confusion: float, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Clusters of as many groups as there are sizes: copies stay in their group, but for a share `confusion`. Joint,
    true groups."""
    group = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
    weight = torch.rand(len(group), len(group), generator=torch.Generator().manual_seed(seed)) + 0.2
    weight = (weight + weight.t()) * torch.where(group[:, None] == group, 1.0, confusion)
    return weight / weight.sum(), group


def same_partition(one: torch.Tensor, other: torch.Tensor) -> bool:
    return torch.equal(one[:, None] == one, other[:, None] == other)


@pytest.mark.parametrize("seed", range(5))
def test_planted_groups_are_found_whatever_the_order_of_the_clusters(seed):
    joint, group = planted([3, 7, 1, 5, 4], confusion=0.05, seed=seed)
    order = torch.randperm(20, generator=torch.Generator().manual_seed(seed))
    joints, groups = torch.stack([joint, joint[order][:, order]]), [group, group[order]]
    for found, information, shown, true in zip(*merge(joints, 5), joints, groups, strict=True):
        assert same_partition(found, true)
        members = F.one_hot(true).double().t()
        expected = mutual_information(members @ shown.double() @ members.t()).item()
        assert information.item() == pytest.approx(expected, abs=1e-9)


def test_updated_sums_are_those_computed_anew(monkeypatch):
    """On joint distributions without structure, where the next best join is never far behind."""
    weight = torch.rand(3, 40, 40, generator=torch.Generator().manual_seed(2), dtype=torch.double) ** 4
    joints = weight + weight.mT
    joints[0, 7] = joints[0, :, 7] = 0  # an empty cluster
    differences = []

    def gains(p, rows):
        filled = p.sum(-1) > 0
        differences.append((rows - _sums_over_rows(p))[filled[:, :, None] & filled[:, None]].abs().max().item())
        return _gain_of_joining(p, rows)

    monkeypatch.setattr(merging, "_gain_of_joining", gains)
    merge(joints / joints.sum((1, 2), keepdim=True), 5)
    assert len(differences) == 35 and max(differences) < 1e-12


def test_no_cluster_can_move_and_gain():
    weight = torch.rand(12, 12, generator=torch.Generator().manual_seed(3)) ** 4
    joint = ((weight + weight.t()) / (weight + weight.t()).sum()).double()
    [found], [information] = merge(joint[None], 4)
    for cluster in range(12):
        for group in range(4):
            members = F.one_hot(found, 4).double()
            members[cluster] = torch.eye(4)[group]
            assert mutual_information(members.t() @ joint @ members) <= information + 1e-9


def test_joining_loses_what_the_mutual_information_says():
    """Each pair by brute force: the joint with the two rows and columns added up."""
    weight = torch.rand(2, 6, 6, generator=torch.Generator().manual_seed(1), dtype=torch.double) ** 3
    joints = weight + weight.mT
    joints[1, 4] = joints[1, :, 4] = 0  # a cluster that was joined to another before
    joints = joints / joints.sum((1, 2), keepdim=True)
    gains = _gain_of_joining(joints, _sums_over_rows(joints))
    for head, joint in enumerate(joints):
        for i in range(6):
            for j in range(i + 1, 6):
                members = torch.eye(6, dtype=torch.double)
                members[i] += members[j]
                members[j] = 0
                expected = mutual_information(members @ joint @ members.t()) - mutual_information(joint)
                assert gains[head, i, j].item() == pytest.approx(expected.item(), abs=1e-6)


def test_heads_that_number_the_same_groups_otherwise_are_aligned():
    """Five heads with 12 clusters each, three of every group, under numbers of their own; each misplaces one image in
    ten."""
    generator = torch.Generator().manual_seed(0)
    true = torch.randint(4, (300,), generator=generator)
    groups, probabilities = [], []
    for _ in range(5):
        of_cluster = torch.arange(4).repeat(3)[torch.randperm(12, generator=generator)]
        wrong = torch.rand(300, generator=generator) < 0.1
        seen = torch.where(wrong, torch.randint(4, (300,), generator=generator), true)
        picks = [
            (of_cluster == group).nonzero()[torch.randint(3, (1,), generator=generator)].squeeze() for group in seen
        ]
        groups.append(F.one_hot(torch.randperm(4, generator=generator)[of_cluster], 4).double())
        probabilities.append(F.one_hot(torch.stack(picks), 12).double())
    groups, probabilities = torch.stack(groups), torch.stack(probabilities)
    aligned = align(groups, probabilities)
    assert torch.equal(aligned[0], groups[0])
    assert all(same_partition(a.argmax(1), b.argmax(1)) for a, b in zip(aligned, groups, strict=True))

    def accuracy(categories: torch.Tensor) -> float:
        counts = F.one_hot(categories, 4).double().t() @ F.one_hot(true, 4).double()
        return counts.max(1).values.sum().item() / 300

    ensemble = (probabilities @ aligned).mean(0)
    assert accuracy(ensemble.argmax(1)) > 0.98 > 0.96 > accuracy((probabilities[0] @ aligned[0]).argmax(1))
