"""The contrastive regulariser: pairs share one code, and its network learns which."""

import math

import pytest
import torch
from conftest import config, fit

from infogan import records, training
from infogan.codes import Latent
from infogan.terms.contrastive import pairs
from infogan.utils.errors import InputError


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


def test_its_network_learns_which_code_is_shared(digits, tmp_path):
    fit(tmp_path, digits, terms="contrastive:1", updates=200, log_every=50)
    rows = records.Table(tmp_path / "metrics.csv").rows()
    assert float(rows[-1]["contrastive_nats"]) < 0.9 * math.log(3) and float(rows[-1]["contrastive_accuracy"]) > 0.45


def test_the_noise_of_a_pair_can_be_shared():
    """As in the published code; the codes are drawn as without it."""
    latent = Latent("10c+2u", "5u")
    z, other, shared = pairs(latent, 300, torch.Generator().manual_seed(0), shared_noise=True)
    assert torch.equal(z[:, latent.code_width :], other[:, latent.code_width :])
    _, independent, _ = pairs(latent, 300, torch.Generator().manual_seed(0))
    assert torch.equal(other[:, : latent.code_width], independent[:, : latent.code_width])


def test_it_moves_the_generator_from_its_start_on(digits):
    """Before, G is what it is without the term, while H learns."""
    late, without = (
        training.Learner(config(updates=8, terms=terms), digits.image_shape)
        for terms in ("contrastive:1:start=0.75", "")  # six of eight updates
    )
    for update in range(8):
        batch = digits.train.images[32 * update : 32 * (update + 1)], torch.arange(32)
        before = late.terms[-1].head.weight.clone()
        late.step(*batch), without.step(*batch)
        weights = zip(late.generator.parameters(), without.generator.parameters())
        assert all(torch.equal(a, b) for a, b in weights) == (update < 6)
        assert not torch.equal(late.terms[-1].head.weight, before)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("noise=some", "noise some; allowed"),
        ("start=1", "start 1;"),
        ("start=-0.1", "start -0.1"),
        ("start=nan", "start nan"),
        ("start=late", "start late"),
    ],
)
def test_settings_that_cannot_be_meant_are_named(settings, message):
    with pytest.raises(InputError, match=message):
        training.resolve(config(terms=f"contrastive:1:{settings}"))
