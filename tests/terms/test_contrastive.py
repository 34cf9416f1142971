"""The contrastive regulariser: pairs share one code, and its network learns which."""

import math

import torch
from conftest import config, fit

from infogan import records, training
from infogan.codes import Latent
from infogan.terms.contrastive import pairs


def test_a_pair_shares_the_value_of_one_code_and_nothing_else():
    latent = Latent("10c+2u", "5u")
    z, other, shared = pairs(latent, 3000, torch.Generator().manual_seed(0))
    columns = latent.single_columns()
    same = torch.stack([(z[:, at] == other[:, at]).all(1) for at in columns], 1)
    rows = torch.arange(3000)
    assert same[rows, shared].all()
    assert not (z[:, latent.code_width :] == other[:, latent.code_width :]).any(), "their noise is independent"
    assert not same[shared != 1][:, 1].any() and not same[shared != 2][:, 2].any()
    by_chance = same[shared != 0][:, 0].double().mean().item()
    assert abs(by_chance - 0.1) < 0.03, "categories agree by chance in one of ten"
    assert torch.allclose(shared.bincount() / 3000, torch.full((3,), 1 / 3), atol=0.04)
    assert (z[:, :10].sum(1) == 1).all() and (other[:, :10].sum(1) == 1).all()


def test_an_untrained_network_is_at_chance(digits):
    model = training.InfoGAN(config(terms="contrastive:1", batch_size=256), digits.image_shape)
    values = dict(zip(model.metrics, model.step(digits.train.images[:256], torch.arange(256)), strict=True))
    assert abs(values["contrastive_nats"].item() - math.log(3)) < 0.1


def test_its_network_learns_which_code_is_shared(digits, tmp_path):
    fit(tmp_path, digits, terms="contrastive:1", updates=400, log_every=50)
    rows = records.Table(tmp_path / "metrics.csv").rows()
    assert float(rows[-1]["contrastive_nats"]) < 0.9 * math.log(3) and float(rows[-1]["contrastive_accuracy"]) > 0.45
