"""Self-supervised pretraining: what it moves, what Q is trained on, that it learns, and that it resumes."""

import math
import signal
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from conftest import config, fit, same_tensors
from sklearn.cluster import KMeans

from infogan import records, training
from infogan.config import InputError
from infogan.metrics import clustering
from infogan.training.pretraining import overclustering
from infogan.training.pretraining.overclustering import Overclustering
from infogan.utils import events


def pretraining_of(model, images) -> Overclustering:
    """The pretraining of the model, begun, all of whose batches are these images."""
    made = Overclustering(model, SimpleNamespace(at=lambda number: images))
    made.start()
    return made


def test_q_is_trained_on_what_the_heads_agree_on_and_nothing_else(digits, monkeypatch):
    monkeypatch.setattr(overclustering, "SAMPLE", 200)
    model = training.Learner(config("iic", pretraining=8), digits.image_shape)
    images = digits.train.images[:32]
    pretraining = pretraining_of(model, images)
    for number in range(7):
        pretraining.update(number)
    three = torch.eye(10)[3].expand(32, -1)
    ensembles = {"unanimous": three, "disputed": (three + torch.eye(10)[4]) / 2, "one disagrees": three * 0.7 + 0.03}
    losses, agreements = {}, {}
    for name, probabilities in ensembles.items():
        pretraining.ensemble = lambda images, probabilities=probabilities: probabilities
        loss, agreement = pretraining._distillation_loss(*[images.float() / 255] * 2)
        losses[name], agreements[name] = loss.item(), agreement.item()
    [logits] = model.latent.category_logits(model.discriminator.q_params(torch.cat([images.float() / 255] * 2), 32))
    expected = pytest.approx(F.cross_entropy(logits, torch.full((64,), 3)).item())
    assert losses == {"unanimous": expected, "disputed": 0, "one disagrees": expected}
    assert agreements == {"unanimous": 1, "disputed": 0, "one disagrees": 1}


@pytest.mark.parametrize(("q_trunk", "precision"), [("own", "float32"), ("own", "bfloat16"), ("shared", "float32")])
def test_pretraining_moves_qs_trunk_and_head_and_nothing_else(q_trunk, precision, digits, monkeypatch):
    monkeypatch.setattr(overclustering, "SAMPLE", 200)
    model = training.Learner(config("iic", pretraining=8, precision=precision, q_trunk=q_trunk), digits.image_shape)
    D = model.discriminator
    parts = {"G": model.generator, "D head": D.d_head, "trunk": D.trunk_of_q, "Q head": D.q_head}
    parts |= {"D's own trunk": D.trunk} if q_trunk == "own" else {}
    before = {name: [p.detach().clone() for p in part.parameters()] for name, part in parts.items()}
    pretraining = pretraining_of(model, digits.train.images[:32])
    moved = []
    for number in range(8):
        assert pretraining.update(number).isfinite().all()
        changed = {
            name
            for name, part in parts.items()
            if any(not torch.equal(p, b) for p, b in zip(part.parameters(), before[name], strict=True))
        }
        moved.append(changed)
    assert moved[5] == {"trunk"} and moved[7] == {"trunk", "Q head"}, "six updates of clustering, two of distillation"
    assert all(p.grad is None for part in parts.values() for p in part.parameters())


def test_pretraining_finds_the_digits_better_than_k_means(tmp_path, digits):
    """A real training: Q has seen no label and no generated image yet, and predicts digits it has never seen."""
    fit(tmp_path, digits, "iic", batch_size=128, pretraining=400, updates=1, evaluations=1)
    first, last = records.Table(tmp_path / "evaluations.csv").rows()
    flat = [split.images.flatten(1).numpy() / 255.0 for split in (digits.train, digits.validation)]
    predicted = KMeans(10, n_init=10, random_state=0).fit(flat[0]).predict(flat[1])
    k_means = clustering.code_to_label(predicted, digits.validation.labels.numpy(), 10)["accuracy"]
    assert float(first["accuracy"]) > 0.02 + k_means > 0.7
    assert (first["step"], first["images"]) == (0, 400 * 128) and last["images"] == 401 * 128
    information = records.read_json(tmp_path / "pretraining.json")["information_nats"]
    assert len(information) == overclustering.HEADS and all(1 < nats < math.log(10) for nats in information)
    rows = records.Table(tmp_path / "pretraining.csv").rows()
    assert [int(row["step"]) for row in rows] == list(range(5, 401, 5))
    assert float(rows[59]["loss_nats"]) < float(rows[0]["loss_nats"]) < 0 and float(rows[59]["agreement"]) == 0
    assert float(rows[-1]["loss_nats"]) > 0 and float(rows[-1]["agreement"]) > 0.3


@pytest.mark.parametrize(("after", "precision"), [(2, "float32"), (7, "bfloat16"), (8, "float32")])
def test_an_interrupted_pretraining_resumes_bit_for_bit(after, precision, tmp_path, digits, monkeypatch):
    """SIGTERM while clustering, in distillation, and at the very end; nothing is done twice."""
    monkeypatch.setattr(overclustering, "SAMPLE", 200)
    monkeypatch.setattr(overclustering, "HEADS", 2)
    short = {"pretraining": 8, "log_every": 1, "precision": precision}
    fit(tmp_path / "whole", digits, "iic", **short)
    update, done = Overclustering.update, []

    def signalled(pretraining, number):
        result = update(pretraining, number)
        done.append(number)
        if len(done) == after:
            signal.raise_signal(signal.SIGTERM)
        return result

    with monkeypatch.context() as patched:
        patched.setattr(Overclustering, "update", signalled)
        with pytest.raises(events.Interrupted):
            fit(tmp_path / "parts", digits, "iic", **short)
        status = records.read_json(tmp_path / "parts" / "status.json")
        assert (status["status"], status["step"], status["pretraining_step"]) == ("interrupted", 0, after)
        fit(tmp_path / "parts", digits, "iic", **short)
    assert done == list(range(8)) and same_tensors(tmp_path / "whole", tmp_path / "parts")
    rows = [
        [(row["step"], row["loss_nats"]) for row in records.Table(tmp_path / name / "pretraining.csv").rows()]
        for name in ("whole", "parts")
    ]
    assert rows[0] == rows[1] and len(rows[0]) == 8


@pytest.mark.parametrize(("codes", "clusters"), [("2c", 50), ("26c+2u", 130)])
def test_clusters_are_merged_into_as_many_categories_as_the_code_has(codes, clusters, digits, monkeypatch):
    monkeypatch.setattr(overclustering, "SAMPLE", 100)
    monkeypatch.setattr(overclustering, "HEADS", 1)
    model = training.Learner(training.resolve(config("iic", pretraining=4, codes=codes)), digits.image_shape)
    pretraining = pretraining_of(model, digits.train.images[:64])
    [categories] = model.latent.categorical_sizes
    for number in range(4):
        assert pretraining.update(number).isfinite().all()
    assert pretraining.superclusters.shape == (1, clusters, categories)
    assert pretraining.superclusters.sum(1).min() >= 1, "no category is without a cluster"


@pytest.mark.parametrize("codes", ["2u", "2x10c", "65c"])
def test_codes_without_one_categorical_code_have_no_pretraining(codes):
    with pytest.raises(InputError, match=f"pretraining is 9, and codes is {codes}"):
        training.resolve(config(pretraining=9, codes=codes))
