"""The spread of generated images relative to real ones, and the rule for collapse."""

import pytest
import torch

from infogan.codes import Latent
from infogan.metrics import diversity


class Scaled(torch.nn.Module):
    """A generator of images whose pixels are drawn, by the noise, from a real image's mean and a scaled deviation."""

    def __init__(self, scale: float):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.tensor(scale))

    def forward(self, z):
        return (0.5 + self.scale * z[:, 1:65].reshape(-1, 1, 8, 8) / 2).clamp(0, 1)


@pytest.mark.parametrize(("scale", "collapsed"), [(1.0, False), (0.5, False), (0.3, False), (0.2, True), (0.0, True)])
def test_the_spread_is_the_ratio_of_deviations(scale, collapsed):
    latent = Latent("1u", "64u")
    real = (255 * torch.rand(1000, 1, 8, 8, generator=torch.Generator().manual_seed(0))).byte()
    found = diversity.measure(Scaled(scale), latent, real)
    assert found["spread"] == pytest.approx(scale, abs=0.02) and found["collapsed"] is collapsed


def test_the_spread_of_pixels_has_a_closed_form():
    """Half of the images black, half white: a deviation of one half in every pixel; in one of two pixels, a quarter."""
    images = torch.zeros(10, 1, 4, 4, dtype=torch.uint8)
    images[:5] = 255
    assert diversity.pixel_spread(images) == pytest.approx(0.5)
    images[:, :, :2] = 7
    assert diversity.pixel_spread(images) == pytest.approx(0.25)
