"""The hinge loss by its definition, and that it takes the place of the GAN value."""

from types import SimpleNamespace

import pytest
import torch
from conftest import config, fit

from infogan import records, training
from infogan.terms.hinge import DiscriminatorHinge, GeneratorHinge


def seen_by(**logits) -> SimpleNamespace:
    return SimpleNamespace(metrics={}, **{name: torch.tensor(values) for name, values in logits.items()})


def test_it_is_linear_inside_the_margin_and_zero_beyond():
    seen = seen_by(d_real=[2.0, 0.5, -1.0], d_fake=[-3.0, 0.0, 1.0])
    by_hand = (0 + 0.5 + 2) / 3 + (0 + 1 + 2) / 3
    assert DiscriminatorHinge(1.0, "sum")(seen)[0].item() == pytest.approx(by_hand)
    assert DiscriminatorHinge(1.0, "mean")(seen)[0].item() == pytest.approx(by_hand / 2)
    assert GeneratorHinge(1.0)(seen)[0].item() == pytest.approx(2 / 3)


def test_it_replaces_the_gan_value_and_leaves_l_i(digits):
    model = training.Learner(config(terms="hinge:1"), digits.image_shape)
    logged = {"D": [], "G": []}
    losses = model.losses
    model.losses = lambda step, x: [logged[step].append(sorted(loss.log)) or loss for loss in losses(step, x)]
    model.step(digits.train.images[:32], torch.arange(32))
    information = ["info_categorical_nats", "info_continuous_nats"]
    assert logged == {"D": [information, ["loss_d"]], "G": [information, ["loss_g"]]}


def test_it_learns(digits, tmp_path):
    """D separates real from generated images, and L_I rises."""
    fit(tmp_path, digits, terms="hinge:1", updates=100, log_every=25)
    rows = records.Table(tmp_path / "metrics.csv").rows()
    assert float(rows[-1]["loss_d"]) < 1.9
    assert float(rows[-1]["info_categorical_nats"]) > float(rows[0]["info_categorical_nats"]) + 0.2
