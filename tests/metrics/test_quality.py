"""Sample quality from features: known distances, invariances, definitions."""

from itertools import permutations, product

import numpy as np
import pytest

from infogan.metrics import quality


def test_frechet_distance_of_known_gaussians():
    """Diagonal Gaussians: the squared difference of the means and of the standard deviations, summed."""
    random = np.random.default_rng(0)
    unit = random.normal(size=(200_000, 3))
    a, b = unit * [1, 2, 3] + [0, 1, 0], unit[::-1] * [2, 2, 1] + [2, 0, 0]
    assert quality.frechet_distance(a, b) == pytest.approx((2**2 + 1**2) + (1 + 0 + 2**2), rel=0.02)
    assert quality.frechet_distance(a, a) == pytest.approx(0, abs=1e-9)
    assert quality.frechet_distance(a, b) == pytest.approx(quality.frechet_distance(b, a))
    turn = np.linalg.qr(random.normal(size=(3, 3)))[0]
    assert quality.frechet_distance(a @ turn, b @ turn) == pytest.approx(quality.frechet_distance(a, b))


def test_kernel_distance_equals_its_definition_and_has_no_bias(monkeypatch):
    random = np.random.default_rng(0)
    a, b = random.normal(size=(7, 3)), random.normal(1, 2, size=(5, 3))

    def kernel(x, y):
        return (x @ y / 3 + 1) ** 3

    def mean(pairs):
        return np.mean([kernel(x, y) for x, y in pairs])

    expected = mean(permutations(a, 2)) + mean(permutations(b, 2)) - 2 * mean(product(a, b))
    monkeypatch.setattr(quality, "ROWS", 2)
    assert quality.kernel_distance(a, b) == pytest.approx(expected)
    monkeypatch.undo()
    same = [quality.kernel_distance(*random.normal(size=(2, 50, 3))) for _ in range(200)]
    assert abs(np.mean(same)) < 3 * np.std(same) / 200**0.5 and min(same) < 0
    assert np.mean([quality.frechet_distance(*random.normal(size=(2, 50, 3))) for _ in range(20)]) > 0.1


def test_recall_drops_with_missing_modes_and_precision_with_outliers():
    random = np.random.default_rng(0)
    left, right = random.normal(size=(400, 2)), random.normal(size=(400, 2)) + [50, 0]
    both = np.concatenate([left, right])
    assert quality.precision_recall(both, both) == (1, 1)
    precision, recall = quality.precision_recall(both, left[:200] + 0.01)
    assert precision > 0.95 and recall < 0.5
    precision, recall = quality.precision_recall(left, np.concatenate([left + 0.01, right]))
    assert precision == pytest.approx(0.5, abs=0.03) and recall > 0.95
    assert quality.precision_recall(both, both + [0, 1e4]) == (0, 0)


def test_precision_and_recall_equal_their_definition(monkeypatch):
    monkeypatch.setattr(quality, "ROWS", 7)  # distances are computed in parts
    random = np.random.default_rng(1)
    real, fake = random.normal(size=(40, 3)), random.normal(size=(30, 3)) * 1.5

    def share(points, manifold):
        radius = [np.sort(np.linalg.norm(manifold - m, axis=1))[quality.NEIGHBOURS] for m in manifold]
        return np.mean([any(np.linalg.norm(p - m) <= r for m, r in zip(manifold, radius)) for p in points])

    assert quality.precision_recall(real, fake) == (share(fake, real), share(real, fake))
