"""The hinge loss by its definition, and that it takes the place of the GAN value."""

from types import SimpleNamespace

import pytest
import torch

from infogan.terms.hinge import DiscriminatorHinge, GeneratorHinge


def seen_by(**logits) -> SimpleNamespace:
    return SimpleNamespace(metrics={}, **{name: torch.tensor(values) for name, values in logits.items()})


def test_it_is_linear_inside_the_margin_and_zero_beyond():
    seen = seen_by(d_real=[2.0, 0.5, -1.0], d_fake=[-3.0, 0.0, 1.0])
    by_hand = (0 + 0.5 + 2) / 3 + (0 + 1 + 2) / 3
    assert DiscriminatorHinge(1.0, "sum")(seen)[0].item() == pytest.approx(by_hand)
    assert DiscriminatorHinge(1.0, "mean")(seen)[0].item() == pytest.approx(by_hand / 2)
    assert GeneratorHinge(1.0)(seen)[0].item() == pytest.approx(2 / 3)
