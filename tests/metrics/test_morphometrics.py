"""Morphometrics against strokes of known measures, and partial correlation against its closed form."""

import math

import numpy as np
import pytest
from strokes import stroke

from infogan.metrics.morphometrics import NAMES, measure, partial_correlation


def values(image):
    return dict(zip(NAMES, measure(image[None])[0]))


def errors(name, truth, images) -> np.ndarray:
    return np.array([values(image)[name] - true for true, image in zip(truth, images)])


@pytest.mark.parametrize("thickness", (2.0, 3.0, 5.0))
def test_slant(thickness):
    degrees = np.radians(np.arange(-40, 41, 5))
    assert np.abs(np.degrees(errors("slant", degrees, [stroke(slant, thickness) for slant in degrees]))).max() < 1


def test_thickness():
    """It can be too low, as in Morpho-MNIST: the skeleton may fork into the corners of a flat end."""
    truth = np.arange(2, 5.01, 0.25)
    error = errors("thickness", truth, [stroke(thickness=thickness) for thickness in truth])
    assert -1.2 < error.min() and error.max() < 0.3 and -0.5 < np.median(error) <= 0


def test_length_height_and_area():
    """A bar's length is about right, or some 6 px too high where the skeleton forks into the corners."""
    truth = np.arange(10.0, 19)
    bars = [stroke(height=height) for height in truth]
    length = errors("length", truth, bars)
    assert -0.5 < length.min() and length.max() < 7.5 and (length < 0.5).sum() >= 4
    height = errors("height", 0.98 * truth, bars)
    assert 0.4 < height.min() and height.max() < 1.1
    area = errors("area", 3 * truth, bars) / (3 * truth)
    assert -0.04 < area.min() and area.max() < 0


def test_width_is_that_of_the_sheared_box():
    for slant in map(math.radians, (-30, 25)):
        leaning = values(stroke(slant, thickness=3 * math.cos(slant)))  # 3 wide along each row, like the upright one
        assert leaning["width"] == pytest.approx(values(stroke())["width"], abs=0.25)


def test_measures_do_not_depend_on_position_contrast_or_other_images():
    image = stroke(math.radians(15))
    moved = np.roll(image, (3, -2), (0, 1))
    assert measure(moved[None])[0] == pytest.approx(measure(image[None])[0], rel=0.02, abs=0.01)
    assert measure((image // 2)[None])[0] == pytest.approx(measure(image[None])[0], rel=0.02, abs=0.01)
    assert measure(np.stack([moved, image]))[1] == pytest.approx(measure(image[None])[0])


def test_mirrored_slant():
    image = stroke(math.radians(20))
    assert values(image[:, ::-1])["slant"] == pytest.approx(-values(image)["slant"], abs=1e-6)


def test_an_empty_image_has_no_measures():
    assert np.isnan(measure(np.zeros((1, 28, 28), np.uint8))).all()
    assert measure(np.zeros((0, 28, 28), np.uint8)).shape == (0, 6)
    with pytest.raises(ValueError, match="uint8 of N x H x W"):
        measure(np.zeros((1, 28, 28)))


def test_partial_correlation_of_a_common_cause_vanishes():
    random = np.random.default_rng(0)
    cause, a, b = random.normal(size=(3, 5000))
    x, y = cause + a, cause + b
    assert np.corrcoef(x, y)[0, 1] == pytest.approx(0.5, abs=0.05)
    r, low, high = partial_correlation(x, y, cause[:, None])
    assert low < 0 < high and abs(r) < 0.04


def test_partial_correlation_equals_the_formula_of_three_correlations():
    x, y, z = np.random.default_rng(1).normal(size=(3, 200)) + np.linspace(0, 2, 200)
    xy, xz, yz = (np.corrcoef(*pair)[0, 1] for pair in ((x, y), (x, z), (y, z)))
    expected = (xy - xz * yz) / math.sqrt((1 - xz**2) * (1 - yz**2))
    r, low, high = partial_correlation(x, y, z[:, None])
    assert r == pytest.approx(expected)
    assert low < r < high
    assert math.isnan(partial_correlation(x, z, z[:, None])[0])
