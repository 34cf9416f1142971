import math

import pytest
import torch
from conftest import config
from sklearn.cluster import KMeans

from infogan import events, records, training
from infogan.config import InputError
from infogan.metrics import clustering
from infogan.objective import UNNAMED, mutual_information
from infogan.pretraining import overclustering


def planted(sizes: list[int], confusion: float, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Clusters of as many groups as there are sizes: copies stay in their group, but for a share `confusion`. Joint, true groups."""
    group = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
    weight = torch.rand(len(group), len(group), generator=torch.Generator().manual_seed(seed)) + 0.2
    weight = (weight + weight.t()) * torch.where(group[:, None] == group, 1.0, confusion)
    return weight / weight.sum(), group


def same_partition(one: torch.Tensor, other: torch.Tensor) -> bool:
    return torch.equal(one[:, None] == one, other[:, None] == other)


@pytest.mark.parametrize("seed", range(5))
def test_planted_groups_are_found_whatever_the_clusters_order(seed):
    joint, group = planted([3, 7, 1, 5, 4], confusion=0.05, seed=seed)
    order = torch.randperm(20, generator=torch.Generator().manual_seed(seed))
    for shown, true in ((joint, group), (joint[order][:, order], group[order])):
        found, told = overclustering.merge(shown, 5)
        assert same_partition(found, true)
        members = torch.nn.functional.one_hot(true).double().t()
        assert told == pytest.approx(mutual_information(members @ shown.double() @ members.t()).item(), abs=1e-9)


def test_groups_that_are_never_confused_tell_their_entropy():
    joint = torch.block_diag(*[torch.ones(2, 2)] * 4)
    found, told = overclustering.merge(joint / joint.sum(), 4)
    assert told == pytest.approx(math.log(4), abs=1e-5) and sorted(found.bincount().tolist()) == [2] * 4


def test_no_cluster_can_change_its_group_and_gain():
    weight = torch.rand(12, 12, generator=torch.Generator().manual_seed(3)) ** 4
    joint = ((weight + weight.t()) / (weight + weight.t()).sum()).double()
    found, told = overclustering.merge(joint, 4)
    for cluster in range(12):
        for group in range(4):
            members = torch.nn.functional.one_hot(found, 4).double()
            members[cluster] = torch.eye(4)[group]
            assert mutual_information(members.t() @ joint @ members) <= told + 1e-9


def test_sorters_that_name_the_same_groups_otherwise_are_brought_to_agree():
    generator = torch.Generator().manual_seed(0)
    true = torch.randint(4, (300,), generator=generator)
    groups, read = [], []
    for _ in range(
        5
    ):  # each with 12 clusters, three of every group, under names of its own; one image in ten it reads wrongly
        of_cluster = torch.arange(4).repeat(3)[torch.randperm(12, generator=generator)]
        meant = torch.where(
            torch.rand(300, generator=generator) < 0.1, torch.randint(4, (300,), generator=generator), true
        )
        cluster = torch.stack(
            [(of_cluster == group).nonzero()[torch.randint(3, (1,), generator=generator)].squeeze() for group in meant]
        )
        groups.append(torch.nn.functional.one_hot(torch.randperm(4, generator=generator)[of_cluster], 4).double())
        read.append(torch.nn.functional.one_hot(cluster, 12).double())
    groups, read = torch.stack(groups), torch.stack(read)
    named = overclustering.align(groups, read)
    assert torch.equal(named[0], groups[0]) and all(
        same_partition(a.argmax(1), b.argmax(1)) for a, b in zip(named, groups)
    )
    vote = (read @ named).mean(0)
    found = [
        torch.nn.functional.one_hot(v, 4).double().t() @ torch.nn.functional.one_hot(true, 4).double()
        for v in (vote.argmax(1), (read[0] @ named[0]).argmax(1))
    ]
    voted, alone = (counts.max(1).values.sum().item() / 300 for counts in found)
    assert voted > 0.98 > 0.96 > alone, "the vote is right where single sorters are wrong"


def test_q_is_taught_what_the_sorters_agree_on_and_nothing_else(digits):
    model = training.InfoGAN(config("best", warm_up=8), digits.image_shape)
    images = digits.train.images[:32]
    warm_up = overclustering.WarmUp(model, lambda number: images, (0, 1))
    for number in range(7):
        warm_up.update(number)
    told = torch.eye(10)[3].expand(32, -1)
    of_voters = {"unanimous": told, "disputed": (told + torch.eye(10)[4]) / 2, "one disputes": told * 0.7 + 0.03}
    losses = {}
    for name, vote in of_voters.items():
        warm_up.vote = lambda images: vote
        losses[name] = warm_up._surprise(*[images.float() / 255] * 2).item()
    answer = model.discriminator(torch.cat([images.float() / 255] * 2), 32)[1]
    [logits] = model.latent.category_logits(answer)
    expected = torch.nn.functional.cross_entropy(logits, torch.full((64,), 3)).item()
    assert losses == {"unanimous": pytest.approx(expected), "disputed": 0, "one disputes": pytest.approx(expected)}


def test_names_are_what_q_is_certain_of(digits):
    model = training.InfoGAN(config("best", warm_up=8), digits.image_shape)
    warm_up = overclustering.WarmUp(model, lambda number: digits.train.images[:32], (0, 1))
    assert (warm_up.names(digits.train.images[:101]) == UNNAMED).all(), "an untrained Q is certain of nothing"
    reads = [(0, 0.9), (1, 0.45), (2, 0.55), (3, 0.49)]  # category and its probability
    row = torch.stack([torch.full((10,), (1 - p) / 9).index_fill(0, torch.tensor(name), p).log() for name, p in reads])
    model.discriminator.forward = lambda images: (None, torch.nn.functional.pad(row, (0, 2)))
    assert warm_up.names(digits.train.images[:4]).tolist() == [0, UNNAMED, 2, UNNAMED]


def test_the_mutual_information_of_a_joint_distribution():
    assert mutual_information(torch.eye(8) / 8).item() == pytest.approx(math.log(8), abs=1e-5)
    p = torch.tensor([0.5, 0.3, 0.2])
    assert mutual_information(torch.outer(p, p)).item() == pytest.approx(0, abs=1e-5)
    both = mutual_information(torch.stack([torch.eye(3) / 3, torch.outer(p, p)]))
    assert both.tolist() == pytest.approx([math.log(3), 0], abs=1e-5)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_warm_up_moves_the_trunk_and_q_and_neither_g_nor_ds_own_head(precision, digits):
    model = training.InfoGAN(config("best", warm_up=8, precision=precision), digits.image_shape)
    D = model.discriminator
    parts = {"G": model.generator, "D head": D.d_head, "trunk": D.trunk, "Q head": D.q_head}
    before = {name: [p.detach().clone() for p in part.parameters()] for name, part in parts.items()}
    warm_up = overclustering.WarmUp(model, lambda number: digits.train.images[:32], (0, 1))
    moved = []
    for number in range(8):
        warm_up.update(number)
        moved.append(
            {
                name
                for name, part in parts.items()
                if any(not torch.equal(p, b) for p, b in zip(part.parameters(), before[name]))
            }
        )
    assert moved[5] == {"trunk"} and moved[7] == {"trunk", "Q head"}, "six updates sort and two teach"
    assert all(p.grad is None for part in parts.values() for p in part.parameters())


def test_a_warm_up_finds_the_digits_better_than_k_means(tmp_path, digits):
    """A real training: Q has seen no label and no generated image yet, and reads digits it has never seen."""
    made = config("best", batch_size=128, warm_up=400, updates=1, evaluations=1)
    records.create(tmp_path, made)
    training.fit(made, digits, tmp_path, progress=False)
    first, last = records.Table(tmp_path / "evaluations.csv").rows()
    flat = [split.images.flatten(1).numpy() / 255.0 for split in (digits.train, digits.validation)]
    k_means = KMeans(10, n_init=10, random_state=0).fit(flat[0]).predict(flat[1])
    assert (
        float(first["accuracy"])
        > 0.02 + clustering.code_to_label(k_means, digits.validation.labels.numpy(), 10)["accuracy"]
        > 0.7
    )
    assert (first["step"], first["images"]) == ("0", str(400 * 128)) and last["images"] == str(401 * 128)
    told = records.read_json(tmp_path / "warm_up.json")["information_nats"]
    assert len(told) == overclustering.SORTERS and all(1 < nats < math.log(10) for nats in told)


def test_no_warm_up_is_kept_without_its_record(tmp_path, digits, monkeypatch):
    """The process dies while it writes warm_up.json: it must not go on from a checkpoint afterwards, and never write it."""
    made, write = config("best", warm_up=4, updates=1, evaluations=1), records.write_json
    records.create(tmp_path, made)

    def die(path, content):
        if path.name == "warm_up.json":
            raise KeyboardInterrupt
        write(path, content)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(records.run_directory, "write_json", die)
        training.fit(made, digits, tmp_path, progress=False)
    training.fit(made, digits, tmp_path, progress=False)
    assert records.read_json(tmp_path / "warm_up.json")["updates"] == 4


def test_a_run_stopped_in_its_warm_up_begins_it_again(tmp_path, digits, monkeypatch):
    """Ctrl-C in the warm-up's third update, and what comes of the same command afterwards."""
    made = config("best", warm_up=8)
    for name in ("whole", "stopped"):
        records.create(tmp_path / name, made)
    training.fit(made, digits, tmp_path / "whole", progress=False)
    update = overclustering.WarmUp.update

    def struck(warm_up, number):
        update(warm_up, number)
        if number == 2:
            training.signal.raise_signal(training.signal.SIGTERM)

    with monkeypatch.context() as patched:
        patched.setattr(overclustering.WarmUp, "update", struck)
        with pytest.raises(events.Interrupted):
            training.fit(made, digits, tmp_path / "stopped", progress=False)
    assert records.read_json(tmp_path / "stopped" / "status.json")[
        "status"
    ] == "interrupted" and not records.has_checkpoint(tmp_path / "stopped")
    training.fit(made, digits, tmp_path / "stopped", progress=False)
    whole, again = (records.load_checkpoint(tmp_path / name)[0] for name in ("whole", "stopped"))
    assert all(torch.equal(whole[key], again[key]) for key in whole)


def test_codes_without_one_category_code_have_no_warm_up():
    for codes in ("2u", "2x10c", "51c"):
        with pytest.raises(
            InputError, match=f"warm_up is 9, but codes {codes} has not one categorical code, of at most 50"
        ):
            training.resolve(config(warm_up=9, codes=codes))
