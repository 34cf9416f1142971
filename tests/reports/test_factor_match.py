"""How far a code is a factor: runs of which Q, G or both are perfect, untrained, or of no use."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import config

from infogan import networks
from infogan.codes import Categorical, Continuous, Latent
from infogan.data import Split
from infogan.data.splits import split_in_order
from infogan.metrics import collapse, disentanglement
from infogan.reports import factor_match
from infogan.reports.factor_match import Matcher, Wanted
from infogan.reports.figures.traversals import Figure4
from infogan.utils.errors import InputError

LIGHTING = Wanted("lighting", Continuous, ("light",))


@pytest.fixture(scope="module")
def lit():
    """1,000 images whose light from the left is known; their brightness and their pixels differ besides."""
    random = np.random.default_rng(0)
    light, bright, pixels = (
        random.uniform(-1, 1, (1000, 1, 1)),
        random.random((1000, 1, 1)),
        random.random((1000, 8, 8)),
    )
    images = 70 + 60 * light * np.linspace(-1, 1, 8) + 20 * bright + 20 * pixels
    whole = Split(torch.from_numpy(images.astype(np.uint8))[:, None])
    known = {"factors": (torch.from_numpy(light[:, 0].astype(np.float32)), ("light",))}
    return split_in_order("lit", Split(whole.images, None, known))


def run_of(name, config, latent, generator, discriminator) -> SimpleNamespace:
    """What is read of a trained model."""
    about = {"directory": Path(name), "config": config, "latent": latent, "step": 20}
    return SimpleNamespace(**about, generator=generator, discriminator=discriminator)


class Painter(torch.nn.Module):
    """G: light is `of_code` of c1, and `of_noise` of a noise; pixels and brightness differ by noise of this size."""

    def __init__(self, of_code: float = 1.0, of_noise: float = 0.0, others: float = 1.0):
        super().__init__()
        self.sizes = torch.nn.Parameter(torch.tensor([of_code, of_noise, others]))

    def forward(self, z):
        of_code, of_noise, others = self.sizes
        light = (of_code * z[:, 0] + of_noise * z[:, 2])[:, None, None] * torch.linspace(-1, 1, 8)
        rest = others * ((z[:, 3, None, None] + 1) / 2 + (z[:, 4:68].reshape(-1, 8, 8) + 1) / 2)
        return (70 + 60 * light + 20 * rest)[:, None] / 255


class Reader(torch.nn.Module):
    """Q that predicts for c1 the light of an image, exactly but for its pixels' noise, and for c2 nothing."""

    image_shape, q_trunk = (1, 8, 8), None

    def __init__(self):
        super().__init__()
        self.anchor = torch.nn.Parameter(torch.zeros(()))

    def q_params(self, images, real=0):
        light = (images[:, 0] * torch.linspace(-1, 1, 8)).mean((1, 2))
        return torch.stack([light, torch.zeros_like(light)], 1)


LATENT = Latent("2u", "66u", "fixed")


def make(generator=None, discriminator=None, **changes) -> SimpleNamespace:
    """A run of the given networks; untrained ones in the place of those that are not given."""
    made = config(codes="2u", noise="66u", dataset="lit", **changes)
    untrained = networks.build((1, 8, 8), LATENT, 123, made)
    networks_of = (generator or untrained[0].eval(), discriminator or untrained[1].eval())
    return run_of("run", made, LATENT, *networks_of)


@pytest.fixture(scope="module")
def matcher(lit):
    return Matcher(lit)


def measured(matcher: Matcher, run) -> dict:
    [row] = matcher.rows(matcher.best([run], [LIGHTING]))
    return row


@pytest.mark.parametrize(
    ("generator", "discriminator", "expected"),
    [
        (Painter(), Reader(), "QG"),
        (Painter(0.5, 0.5), Reader(), "QG"),
        (Painter(0.0, others=2.0), Reader(), "Q"),  # images differ, but not by the code
        (Painter(0.1, 1.0), Reader(), "Q"),  # the code explains a hundredth of the light
        (Painter(0.1, others=2.0), Reader(), "Q"),  # it explains all, but moves a tenth of the real spread
        (Painter(0.0, 0.0, 0.0), Reader(), "collapsed"),  # ignores its input; Q is perfect
        (Painter(0.05, 0.0, 0.05), Reader(), "collapsed"),  # hides the code in differences that nobody sees
        (None, Reader(), "collapsed"),
        (None, None, "collapsed"),
        (Painter(), None, "G"),  # an untrained Q
    ],
)
def test_each_side_is_measured_by_itself(matcher, generator, discriminator, expected):
    row = measured(matcher, make(generator, discriminator))
    moved = min(row["traversal"]["explained_variance"], row["traversal"]["relative_spread"])
    sides = [side for side, value in (("Q", row["normalised"]), ("G", moved)) if value >= 0.25]
    assert row["collapsed"] == (row["spread"] < collapse.COLLAPSED) == (expected == "collapsed")
    assert row["collapsed"] or sides == list(expected), row
    assert row["traversal"]["estimate"]["r2"] > 0.5


def test_what_g_moves_is_its_share_in_closed_form(matcher):
    """Light is half of c1 and half of a noise: ten values from -1 to 1 have a variance of 0.407, the noise a third."""
    moved = measured(matcher, make(Painter(0.5, 0.5), Reader()))["traversal"]
    assert moved["explained_variance"] == pytest.approx(0.407 / (0.407 + 1 / 3), abs=0.08)
    assert moved["relative_spread"] == pytest.approx(0.5 * (0.407 / (1 / 3)) ** 0.5, abs=0.08)


def test_an_untrained_network_is_no_evidence(matcher):
    """Its best code partly stands for the light, were the null only the bias of the estimate (shuffled factors)."""
    row = measured(matcher, make(Painter()))
    values = matcher.known["factors"][0]
    bias = disentanglement.mutual_information(np.random.default_rng(0).permutation(values), values)[0, 0]
    assert (row["information_nats"] - bias) / row["entropy_nats"] > 0.05
    assert row["normalised"] < 0.05
    null = row["null"]["untrained"]
    assert null["n"] == 10 and null["low_nats"] < null["mean_nats"] < null["high_nats"]
    assert row["normalised"] == pytest.approx((row["information_nats"] - null["mean_nats"]) / row["entropy_nats"])


def test_a_regular_gan_that_knows_as_much_takes_the_number_away(lit):
    """I_null is the largest mean: a GAN whose Q reads the light leaves nothing to the code."""
    gan = make(Painter(), Reader(), info_flow="detached")
    row = measured(Matcher(lit, [gan]), make(Painter(), Reader()))
    assert row["null"]["gan"]["n"] == 1 and "low_nats" not in row["null"]["gan"]
    assert row["normalised"] == pytest.approx(0)


@pytest.mark.parametrize(
    ("gan", "message"),
    [({}, "has info_flow both-steps; give runs of a regular GAN"), ({"info_flow": "detached"}, "no continuous code")],
)
def test_runs_that_are_no_null_are_one_line(lit, gan, message):
    latent, made = Latent("4c", "2u"), config(codes="4c", noise="2u", **gan)
    other = run_of("gan", made, latent, *networks.build((1, 8, 8), latent, 0, made))
    with pytest.raises(InputError, match=message):
        measured(Matcher(lit, [other]), make())


def test_one_code_that_matches_two_factors_best_is_one_panel(lit, matcher):
    """Figure 4's panels are not one picture twice: with one continuous code both factors are of that code."""
    both = (LIGHTING, Wanted("again", Continuous, ("light",)), Wanted("categories", Categorical, ("light",)))
    found = matcher.best([make(Painter(), Reader())], both)
    figure = Figure4((Path("run"),))
    [panel] = figure.panels(found)
    assert panel.about["wanted"] == ["lighting", "again"] and panel.title.count("\n") == 1


def test_categories_are_varied_one_by_one():
    made = config(codes="60c+1u+3c", noise="2u")
    latent = Latent(made.codes, made.noise)
    run = run_of("run", made, latent, *networks.build((1, 8, 8), latent, 0, made))
    assert [len(factor_match.values_of(run, code)) for code in range(3)] == [50, 10, 3]
