"""Whether G has collapsed: the spread of its images relative to real ones, and L_I as 8-bit images have it."""

import math

import pytest
import torch

from infogan.codes import Latent
from infogan.metrics import collapse
from infogan.networks import generate
from infogan.networks.layers import BatchNorm

REAL = (255 * torch.rand(1000, 1, 8, 8, generator=torch.Generator().manual_seed(0))).byte()
H = math.log(10)


class Scaled(torch.nn.Module):
    """A generator of images whose pixels are drawn, by the noise, from a real image's mean and a scaled deviation."""

    def __init__(self, scale: float):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.tensor(scale))

    def forward(self, z):
        return (0.5 + self.scale * z[:, 1:65].reshape(-1, 1, 8, 8) / 2).clamp(0, 1)


class Painter(torch.nn.Module):
    """A generator that paints the category as the brightness of one of ten pixels, on noise or on grey; `visible`: by
    how much of full brightness."""

    def __init__(self, visible: float, noise: float):
        super().__init__()
        self.visible, self.noise = torch.nn.Parameter(torch.tensor(visible)), noise

    def forward(self, z):
        images = 0.5 + self.noise * z[:, 10:74].reshape(-1, 1, 8, 8) / 2
        images[:, 0, 0] = 0.5
        images[:, 0, 1, :2] = 0.5
        images.flatten(1)[:, :10] += self.visible * z[:, :10]
        return images.clamp(0, 1)


class Reader(torch.nn.Module):
    """A Q that reads the brightest of the ten pixels, however little it is brighter, through batch norm of each.

    running_var: batch norm's in evaluation mode.
    """

    q_trunk = None

    def __init__(self, running_var: float = 1e-3):
        super().__init__()
        self.norm = BatchNorm(10)
        self.norm.running_mean.fill_(0.5)
        self.norm.running_var.fill_(running_var)

    def q_params(self, images):
        return 20 * self.norm(images.flatten(1)[:, :10], 0)


def measure(generator, info=math.nan, codes="10c", **reader):
    return collapse.measure(generator, Reader(**reader), Latent(codes, "64u"), REAL, info)


@pytest.mark.parametrize(("scale", "collapsed"), [(1.0, False), (0.6, False), (0.4, True), (0.0, True)])
def test_the_spread_is_the_ratio_of_deviations(scale, collapsed):
    found = measure(Scaled(scale), codes="1u")
    assert found["spread"] == pytest.approx(scale, abs=0.02) and found["collapsed"] is collapsed


def test_the_spread_of_pixels_has_a_closed_form():
    """Half of the images black, half white: a deviation of one half in every pixel; in one of two pixels, a quarter."""
    images = torch.zeros(10, 1, 4, 4, dtype=torch.uint8)
    images[:5] = 255
    assert collapse.pixel_spread(images) == pytest.approx(0.5)
    images[:, :, :2] = 7
    assert collapse.pixel_spread(images) == pytest.approx(0.25)


def test_a_code_that_is_drawn_is_whole_in_8_bit_images():
    found = measure(Painter(visible=0.4, noise=1), info=H)
    assert found["info_8bit_categorical_nats"] == pytest.approx(H, abs=1e-3) and not found["collapsed"]
    assert found["info_blurred_categorical_nats"] == pytest.approx(H, abs=0.1), (
        "half a pixel's blur leaves the brightest"
    )


def test_a_code_below_one_grey_level_is_lost_in_8_bit_images():
    """Float images hold the whole code, which Q reads; those of a file hold nothing, and a uniform Q has L_I = 0."""
    painter, latent = Painter(visible=1 / 2550, noise=1), Latent("10c", "64u")
    z = latent.sample(1000, torch.Generator().manual_seed(0))
    q = Reader().q_params(painter(z))
    assert (q.argmax(1) == z[:, :10].argmax(1)).all()
    assert len(set(generate(painter, z)[:, 0, :, 0].flatten().tolist())) == 1
    found = measure(painter, info=0.99 * H)
    assert found["info_8bit_categorical_nats"] == pytest.approx(0, abs=1e-3)
    assert found["spread"] > 0.5 and found["collapsed"], "images differ, by the noise: the code alone is lost"
    assert not found["q_fails"] and collapse.describe(found).startswith("G has collapsed")


def test_a_q_that_fails_in_evaluation_mode_is_no_collapse_of_g():
    """G draws the code, and Q reads it with the batch's statistics; by running ones that are far off it reads less."""
    found = measure(Painter(visible=0.4, noise=1), info=H, running_var=1e4)
    assert found["info_8bit_batch_categorical_nats"] == pytest.approx(H, abs=1e-2)
    assert found["info_8bit_categorical_nats"] < H / 2
    assert found["q_fails"] and not found["collapsed"] and collapse.describe(found).startswith("Q fails")


def test_measuring_leaves_q_as_it_was():
    reader = Reader().train()
    before = {name: tensor.clone() for name, tensor in reader.state_dict().items()}
    collapse.measure(Painter(visible=0.4, noise=1), reader, Latent("10c", "64u"), REAL, H)
    assert all(module.training for module in reader.modules())
    assert all(torch.equal(tensor, before[name]) for name, tensor in reader.state_dict().items())


@pytest.mark.parametrize(
    ("left", "info", "lost"),
    [
        (2.2, 2.25, False),
        (1.0, 2.25, True),  # less than half is left
        (-30.0, 2.25, True),
        (0.1, 1.1, False),  # L_I was never above half of H(c): there was no code to lose
        (math.nan, math.nan, False),
    ],
)
def test_when_a_code_is_lost(left, info, lost):
    assert collapse.is_lost(left, info, H) is lost


def test_of_an_image_without_edges_a_blur_changes_nothing():
    images = torch.full((2, 3, 8, 8), 77, dtype=torch.uint8)
    assert torch.equal(collapse.blurred(images), images)
    dot = torch.zeros(1, 1, 9, 9, dtype=torch.uint8)
    dot[0, 0, 4, 4] = 255
    smooth = collapse.blurred(dot)[0, 0]
    assert smooth[4, 4] < 255 and torch.equal(smooth, smooth.t()) and torch.equal(smooth, smooth.flip(0))
    weight = 1 / (1 + 2 * math.exp(-2) + 2 * math.exp(-8)) ** 2
    assert int(smooth[4, 4]) == pytest.approx(255 * weight, abs=1)
