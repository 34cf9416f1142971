"""Whether G has collapsed: the spread of its images relative to real ones, and L_I as 8-bit images have it."""

import math

import pytest
import torch

from infogan.codes import Latent
from infogan.metrics import collapse
from infogan.networks import generate

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
    """A Q that reads the brightest of the ten pixels, however little it is brighter."""

    def __init__(self):
        super().__init__()
        self.gain = torch.nn.Parameter(torch.tensor(1e4))

    def q_params(self, images):
        return (images.flatten(1)[:, :10] - 0.5) * self.gain


def measure(generator, info=math.nan, codes="10c"):
    return collapse.measure(generator, Reader(), Latent(codes, "64u"), REAL, info)


@pytest.mark.parametrize(("scale", "collapsed"), [(1.0, False), (0.5, False), (0.3, False), (0.2, True), (0.0, True)])
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


@pytest.mark.parametrize(
    ("spread", "info_8bit", "info", "collapsed"),
    [
        (0.8, 2.2, 2.25, False),
        (0.8, 1.0, 2.25, True),  # less than half is left
        (0.8, -30.0, 2.25, True),
        (0.8, 0.1, 1.1, False),  # L_I was never above half of H(c): there was no code to lose
        (0.2, 2.2, 2.25, True),
        (0.8, math.nan, math.nan, False),  # not known: the spread alone is judged
        (0.2, math.nan, math.nan, True),
    ],
)
def test_the_rule(spread, info_8bit, info, collapsed):
    assert collapse.is_collapsed(spread, info_8bit, info, H) is collapsed


def test_of_an_image_without_edges_a_blur_changes_nothing():
    images = torch.full((2, 3, 8, 8), 77, dtype=torch.uint8)
    assert torch.equal(collapse.blurred(images), images)
    dot = torch.zeros(1, 1, 9, 9, dtype=torch.uint8)
    dot[0, 0, 4, 4] = 255
    smooth = collapse.blurred(dot)[0, 0]
    assert smooth[4, 4] < 255 and torch.equal(smooth, smooth.t()) and torch.equal(smooth, smooth.flip(0))
    weight = 1 / (1 + 2 * math.exp(-2) + 2 * math.exp(-8)) ** 2
    assert int(smooth[4, 4]) == pytest.approx(255 * weight, abs=1)
