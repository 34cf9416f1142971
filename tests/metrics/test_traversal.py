"""What a code moves in generated images, where it has a closed form."""

import numpy as np
import pytest

from infogan.metrics import traversal

CODE = np.linspace(-1, 1, 10)[:, None]


def effect(code_size: float, others_size: float, noise: float = 0.0) -> np.ndarray:
    """A factor [10, 2000, 1]: the sum of effects of the code, of what differs from row to row, and of neither."""
    random = np.random.default_rng(0)
    rows = random.normal(size=(1, 2000))
    return (code_size * CODE / CODE.std() + others_size * rows + noise * random.normal(size=(10, 2000)))[..., None]


@pytest.mark.parametrize(
    ("code_size", "others_size", "noise", "share"),
    [(1, 0, 0, 1.0), (1, 1, 0, 0.5), (1, 2, 2, 1 / 9), (0, 1, 0, 0.0), (0, 0, 1, 9 / 20_000), (0, 0, 0, 0.0)],
)
def test_explained_variance_is_the_codes_share(code_size, others_size, noise, share):
    found = traversal.explained_variance(effect(code_size, others_size, noise))
    assert found == pytest.approx(share, abs=0.02 if others_size else 5e-4)


def test_a_code_of_another_direction_in_each_row_explains_nothing():
    """It moves the factor as far, but never means the same."""
    sign = np.resize([1, -1], (1, 2000))
    values = (CODE * sign)[..., None]
    assert traversal.explained_variance(values) == pytest.approx(0, abs=1e-9)
    assert traversal.relative_spread(values, CODE) == pytest.approx(1)


def test_the_spread_is_relative_to_that_of_real_images():
    values, real = effect(1, 3), np.random.default_rng(1).normal(scale=2, size=(5000, 1))
    assert traversal.relative_spread(values, real) == pytest.approx(0.5, abs=0.02), "rows differ, the code moves 1 of 2"
    assert traversal.relative_spread(effect(0, 3), real) == pytest.approx(0, abs=1e-9)


def test_an_angle_of_a_full_turn_is_two_numbers():
    """The code turns once around; each of cosine and sine has half of the variance."""
    angle = np.linspace(0, 2 * np.pi, 10, endpoint=False)
    values = np.stack([np.cos(angle), np.sin(angle)], 1)[:, None].repeat(3, 1)
    assert traversal.explained_variance(values) == pytest.approx(1)
    assert traversal.relative_spread(values, values[:, 0]) == pytest.approx(1)
