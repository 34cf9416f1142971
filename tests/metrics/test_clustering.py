"""Clustering metrics on categories whose agreement with the labels is known."""

import time

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from infogan.metrics.clustering import MEASURES, code_to_label, mean_interval, name_categories

LABELS = np.arange(2000) % 10
RNG = np.random.default_rng(0)


def test_perfect_constant_and_random_categories():
    for codes in (LABELS, RNG.permutation(10)[LABELS]):
        result = code_to_label(codes, LABELS, 10)
        assert all(result[name] == pytest.approx(1) for name in MEASURES)
        assert [result["label_of_category"][c] for c in codes] == LABELS.tolist()
    result = code_to_label(np.zeros_like(LABELS), LABELS, 10)
    assert result["accuracy"] == result["majority_accuracy"] == pytest.approx(0.1)
    assert code_to_label(RNG.integers(10, size=2000), LABELS, 10)["accuracy"] < 0.16


def test_merged_and_split_categories_separate_one_to_one_from_majority():
    merged = code_to_label(LABELS // 2, LABELS, 5)  # two labels in each category
    assert merged["accuracy"] == merged["majority_accuracy"] == pytest.approx(0.5)
    split = code_to_label(LABELS * 2 + RNG.integers(2, size=2000), LABELS, 20)  # two categories for each label
    assert split["majority_accuracy"] == 1 and 0.5 <= split["accuracy"] < 0.56
    assert split["label_of_category"].count(-1) == 10


def test_a_known_confusion_by_hand():
    codes, labels = np.array([0, 0, 0, 1, 1, 2, 2, 2]), np.array([0, 0, 1, 0, 1, 2, 2, 0])
    result = code_to_label(codes, labels, 3)
    assert result["confusion"] == [[2, 1, 0], [1, 1, 0], [1, 0, 2]]
    assert result["accuracy"] == pytest.approx(5 / 8) and result["majority_accuracy"] == pytest.approx(5 / 8)
    assert result["label_of_category"] == [0, 1, 2]


def test_categories_have_the_names_of_their_labels_and_the_share_of_their_own_images():
    codes, labels = np.array([0, 0, 0, 2, 2, 2, 2]), np.array([1, 1, 0, 0, 0, 0, 1])
    measured = code_to_label(codes, labels, 3)  # category 1 has no images
    expected = [{"label": 1, "name": "dog", "share": 2 / 3}, None, {"label": 0, "name": "cat", "share": 3 / 4}]
    assert name_categories(measured, ("cat", "dog")) == expected
    assert [each and each["name"] for each in name_categories(measured, ())] == ["1", None, "0"]


def test_the_hungarian_matching_is_not_greedy():
    # A greedy matching takes the 5 images of category 0 first and reaches 5 + 0; the best is 4 + 4.
    codes, labels = np.repeat([0, 0, 1], [5, 4, 4]), np.repeat([0, 1, 0], [5, 4, 4])
    assert code_to_label(codes, labels, 2)["accuracy"] == pytest.approx(8 / 13)


def test_t_interval_over_seeds():
    mean, low, high = mean_interval([1.0, 2.0, 3.0])
    assert mean == 2 and mean - low == pytest.approx(high - mean)
    assert high - mean == pytest.approx(4.3027 / np.sqrt(3), rel=1e-4)
    assert np.isnan(mean_interval([1.0])[1])


def test_vectors_of_different_length_are_refused():
    with pytest.raises(ValueError, match="one length"):
        code_to_label(LABELS[:5], LABELS, 10)


def test_nmi_and_ari_are_scikit_learns():
    for categories, labels in (
        (RNG.integers(4, size=300), RNG.integers(7, size=300)),
        (LABELS, LABELS),
        (np.zeros(20, int), np.arange(20) % 3),
        (np.zeros(20, int), np.zeros(20, int)),
        (np.arange(20), np.arange(20) % 2),
    ):
        result = code_to_label(categories, labels, int(categories.max()) + 1)
        assert result["nmi"] == pytest.approx(normalized_mutual_info_score(labels, categories), abs=1e-9)
        assert result["ari"] == pytest.approx(adjusted_rand_score(labels, categories), abs=1e-9)


def test_the_jackknife_leaves_out_one_image_of_each_cell():
    """By definition, with scikit-learn's scores, image by image."""
    categories, labels = RNG.integers(3, size=60), RNG.integers(4, size=60)
    keep = ~np.eye(60, dtype=bool)
    left_out = np.array(
        [
            (normalized_mutual_info_score(labels[k], categories[k]), adjusted_rand_score(labels[k], categories[k]))
            for k in keep
        ]
    )
    half = 1.96 * np.sqrt(59 / 60 * ((left_out - left_out.mean(0)) ** 2).sum(0))
    result = code_to_label(categories, labels, 3, intervals=True)
    for name, width in zip(("nmi", "ari"), half):
        assert result[f"{name}_ci95"][0] == pytest.approx(result[name] - width, abs=1e-9)
    assert all(result[f"{name}_ci95"][0] <= result[name] <= result[f"{name}_ci95"][1] for name in MEASURES)


def test_a_thousand_classes_are_measured_in_seconds():
    labels = RNG.integers(1000, size=50_000)
    categories = np.where(RNG.random(50_000) < 0.5, labels, RNG.integers(1000, size=50_000))
    began = time.monotonic()
    result = code_to_label(categories, labels, 1000, intervals=True)
    assert time.monotonic() - began < 5 and 0.45 < result["accuracy"] < 0.55
