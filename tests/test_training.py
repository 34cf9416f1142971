"""The training step: who is moved by what, and that it is gradient descent on the stated losses."""

import math

import pytest
import torch
from conftest import config, fit, same_tensors

from infogan import records, training
from infogan.data import augmentation
from infogan.terms import pseudo_labels
from infogan.training.pretraining import overclustering
from infogan.utils import events

PRESETS = ["authors", "paper", "blog", "gan"]


BEYOND = {"terms": "iic:2+pseudo-labels:0.6", "pretraining": 2}


@pytest.mark.parametrize("recipe", [*PRESETS, "with terms", "with fresh latents", "with an own trunk"])
def test_a_step_is_gradient_descent_on_the_stated_losses(recipe, digits):
    """A step of each preset, one with terms beyond the paper, one with other latents in G's step and one in which Q has
    a trunk of its own, against its losses written out, each gradient taken by itself.

    Plain SGD takes Adam's place: Adam's first step is the gradient's sign, which rounding turns where it is zero.
    """
    preset = recipe if recipe in PRESETS else "authors"
    beyond = {"with terms": BEYOND, "with an own trunk": BEYOND | {"q_trunk": "own"}}.get(recipe, {})
    latents = {"g_latent": "fresh"} if recipe == "with fresh latents" else {}
    made = config(preset, batch_size=32, lambda_categorical=0.7, lambda_continuous=0.3, **beyond, **latents)
    model, twin = (training.Learner(made, digits.image_shape, n_images=32) for _ in range(2))
    sources = {"authors": "fixed", "paper": "learned", "blog": "none", "gan": "fixed"}

    model.adam_d, model.adam_g = (torch.optim.SGD(adam.parameters, 0.1) for adam in (model.adam_d, model.adam_g))
    images = digits.train.images[:32]
    before = [p.detach().clone() for network in (model.generator, model.discriminator) for p in network.parameters()]
    labels = torch.arange(32) % 11 - 1  # ten categories, and some images without
    if beyond:
        model.terms[-1].labels.copy_(labels.flip(0))
    model.step(images, torch.arange(32).flip(0))

    G, D = twin.generator, twin.discriminator
    g, trunk, d, q = (list(part.parameters()) for part in (G, D.trunk, D.d_head, D.layers_of_q))
    of_q = q if made.q_trunk == "own" else trunk + q
    z = twin.latent.sample(32, twin.random["codes"])
    fake = G(z)
    ce = torch.nn.functional.cross_entropy
    bce = torch.nn.functional.binary_cross_entropy_with_logits

    def bound(q_params, z):
        value = 0.7 * (-ce(q_params[:, :10], z[:, :10].argmax(1)) + math.log(10))
        if sources[preset] == "none":
            return value
        log_std = q_params[:, 12:14] if sources[preset] == "learned" else torch.zeros(32, 2)
        density = torch.distributions.Normal(q_params[:, 10:12], log_std.exp()).log_prob(z[:, 10:12])
        return value + 0.3 * (density.sum(1).mean() + 2 * math.log(2))

    def descend(terms):
        """SGD on a sum of losses, each moving the parameters listed beside it."""
        moves = {}
        for loss, parameters in terms:
            for p, grad in zip(parameters, torch.autograd.grad(loss, parameters, retain_graph=True)):
                moves[p] = moves.get(p, 0) + grad
        with torch.no_grad():
            for p, grad in moves.items():
                p -= 0.1 * grad

    fake_logit, q_fake = D(fake.detach())
    real_logit, q_real = D.discriminate(images / 255), D.q_params(images / 255, real=32)  # by the batch's statistics
    value = bce(real_logit, torch.ones(32)) + bce(fake_logit, torch.zeros(32))
    value = value / 2 if preset == "blog" else value
    terms = [(value, trunk + d)] + ([(-bound(q_fake, z), of_q)] if preset == "authors" else [])
    if beyond:
        q_augmented = D.q_params(augmentation.augment(images / 255, twin.random["augmentation"]))
        p, copy = ((10 * logits[:, :10]).softmax(1) for logits in (q_real, q_augmented))
        joint = sum(torch.outer(a, b) + torch.outer(b, a) for a, b in zip(p, copy)) / 64
        terms.append((-2 * (joint * (joint / torch.outer(joint.sum(1), joint.sum(0))).log()).sum(), of_q))
        labelled = labels >= 0
        given = labels[labelled]
        losses = [ce(logits[labelled, :10], given, reduction="sum") for logits in (q_real, q_augmented)]
        terms.append((0.6 * sum(losses) / 64, of_q))
    descend(terms)
    if made.g_latent == "fresh":
        z = twin.latent.sample(32, twin.random["codes"])
        fake = G(z)
    fake_logit, q_fake = D(fake)
    informed = {"authors": g, "paper": g + of_q, "blog": g + q, "gan": q}[preset]
    descend([(bce(fake_logit, torch.ones(32)), g), (-bound(q_fake, z), informed)])
    ours, plain = ([*made.generator.parameters(), *made.discriminator.parameters()] for made in (model, twin))
    for a, b, old in zip(ours, plain, before, strict=True):
        # As a share of the move: batch norm amplifies the rounding of sums, differently on each processor.
        assert (a - b).norm() <= 1e-3 * (b - old).norm() and (b - old).norm() > 0


def test_the_learning_rates_fall_over_the_last_updates(digits, tmp_path, monkeypatch):
    rates = []
    step = training.Learner.step

    def recorded(model, images, index):
        rates.append([adam.lr for adam in (model.adam_d, model.adam_g)])
        return step(model, images, index)

    monkeypatch.setattr(training.Learner, "step", recorded)
    fit(tmp_path, digits, updates=8, lr_decay=0.5, lr_d=1e-3, lr_g=2e-3)
    assert [d for d, _ in rates] == pytest.approx([1e-3] * 5 + [7.5e-4, 5e-4, 2.5e-4])
    assert [g for _, g in rates] == pytest.approx([2 * d for d, _ in rates])


@pytest.mark.parametrize("at", [0, 10])
def test_a_run_with_pretraining_and_decay_resumes_as_if_it_had_not_stopped(at, tmp_path, digits, monkeypatch):
    """The pretraining is not done twice, and the pseudo-labels are kept."""
    monkeypatch.setattr(pseudo_labels, "CONFIDENCE", 0.1)  # after so short a pretraining Q is certain of nothing
    monkeypatch.setattr(overclustering, "SAMPLE", 200)
    monkeypatch.setattr(overclustering, "HEADS", 2)

    class Stop:
        def logged(self, row):
            pass

        def evaluated(self, row, images):
            if row["step"] == at:
                raise events.Stopped

    short = {"pretraining": 6, "lr_decay": 0.7}
    fit(tmp_path / "whole", digits, "iic", **short)
    with pytest.raises(events.Stopped):
        fit(tmp_path / "parts", digits, "iic", observers=[Stop()], **short)
    assert records.read_json(tmp_path / "parts" / "status.json")["status"] == "stopped"
    fit(tmp_path / "parts", digits, "iic", **short)
    assert same_tensors(tmp_path / "whole", tmp_path / "parts")
    labels = records.load_checkpoint(tmp_path / "whole")[0]["term.pseudo-labels.D.labels"]
    assert 0.1 < (labels >= 0).double().mean() and len(labels) == len(digits.train.images)
    assert [row["step"] for row in records.Table(tmp_path / "parts" / "evaluations.csv").rows()] == [0, 10, 20]


@pytest.mark.parametrize("terms", ["iic:1", "contrastive:1", "r1:1"])
def test_a_term_changes_neither_codes_nor_the_order_of_images(terms, digits, tmp_path, monkeypatch):
    """Each purpose has its own random stream, so that runs with and without a term can be compared pair by pair."""
    seen = {}
    step = training.Learner.step

    def recorded(model, images, index):
        seen.setdefault(model.config.terms, []).append((index, model.random["codes"].get_state()))
        return step(model, images, index)

    monkeypatch.setattr(training.Learner, "step", recorded)
    for chosen in ("", terms):
        fit(tmp_path / (chosen or "none"), digits, updates=6, terms=chosen)
    assert len(seen[""]) == 6
    for (index, codes), (with_term, its_codes) in zip(seen[""], seen[terms], strict=True):
        assert torch.equal(index, with_term) and torch.equal(codes, its_codes)


def test_the_random_generator_of_another_kind_of_device_begins_anew_at_the_update(digits, capsys):
    model = training.Learner(config(), digits.image_shape)
    kept = model.tensors() | {
        "random.codes": torch.zeros(16, dtype=torch.uint8)
    }  # a CUDA generator's state has 16 bytes
    drawn = []
    for step in (10, 10, 11):
        model.load_tensors(kept, step)
        drawn.append(model.latent.sample(4, model.random["codes"]))
    assert torch.equal(drawn[0], drawn[1]) and not torch.equal(drawn[0], drawn[2])
    assert "begins anew at update 10" in capsys.readouterr().err
