"""Each score on representations whose value is known: perfect, constant, random, duplicated, permuted, rotated.

And beside the numbers that disentanglement_lib's own code gives for the same representations.
"""

import csv
import itertools
import math
from pathlib import Path

import numpy as np
import pytest

from infogan.metrics import disentanglement
from infogan.metrics.disentanglement import (
    dci,
    explicitness,
    factor_vae,
    mig,
    model_centrality,
    modularity,
    preprocessing,
    sap,
)
from infogan.utils.errors import InputError

AGREEMENT = Path(__file__).parents[2] / "analysis" / "results" / "metrics" / "agreement.csv"
LEVELS = (4, 5, 6)
# Every combination of values 10 times: the factors are exactly independent.
FULL = np.array(list(itertools.product(*map(range, LEVELS))) * 10, dtype=float)
CENTRED = FULL - FULL.mean(0)
ANGLE = np.pi / 4  # at which two codes tell as much of either factor
ROTATED = np.column_stack(
    [
        CENTRED[:, 0] * np.cos(ANGLE) - CENTRED[:, 1] * np.sin(ANGLE),
        CENTRED[:, 0] * np.sin(ANGLE) + CENTRED[:, 1] * np.cos(ANGLE),
        CENTRED[:, 2],
    ]
)


def noisy_categories() -> np.ndarray:
    """Three categorical codes, [N, 3]: each is a factor's value, in a fifth of the images a random one."""
    random = np.random.default_rng(2)
    replaced = random.random(FULL.shape) < 0.2
    return np.where(replaced, random.integers(LEVELS, size=FULL.shape), FULL)


def one_hot(categories: np.ndarray) -> np.ndarray:
    return np.concatenate([np.eye(n)[column.astype(int)] for n, column in zip(LEVELS, categories.T)], axis=1)


REPRESENTATIONS = {
    "perfect": FULL,
    "random": np.random.default_rng(0).normal(size=(len(FULL), 3)),
    "rotated": ROTATED + 0.1 * np.random.default_rng(4).normal(size=FULL.shape),
    "entangled": CENTRED @ np.random.default_rng(1).normal(size=(3, 5)),
    "noisy": CENTRED + np.random.default_rng(3).normal(size=FULL.shape),
    "duplicated": np.column_stack([FULL, FULL]),
    "one_hot": one_hot(noisy_categories()),
}


ALL_TREES = ("entangled", "noisy")
"""Representations whose trees, which take nearly all of the time, are as many as in the protocol."""


@pytest.fixture(scope="module")
def table() -> dict[str, dict[str, float]]:
    found = {}
    with pytest.MonkeyPatch.context() as patched:
        for name, codes in (REPRESENTATIONS | {"constant": np.zeros_like(FULL)}).items():
            patched.setattr(dci, "TREES", 100 if name in ALL_TREES else 10)
            found[name] = disentanglement.scores(codes, FULL)
    return found


@pytest.fixture
def few_trees(monkeypatch):
    monkeypatch.setattr(dci, "TREES", 10)


METRICS = (
    "mig",
    "sap",
    "dci_disentanglement",
    "dci_completeness",
    "dci_informativeness",
    "modularity",
    "explicitness",
    "beta_vae",
    "factor_vae",
)
# One line through the values 0, 1, 2, ... tells the first and the last from the rest: SAP of a perfect one is not 1.
PERFECT = dict.fromkeys(METRICS, (0.99, 1.0)) | {"sap": (0.3, 0.5)}
# The highest scores of representations without information. Chance of beta_vae and factor_vae is 1/3, of
# dci_informativeness (1/4 + 1/5 + 1/6) / 3, of explicitness 1/2; modularity of random codes compares noise with noise.
CONSTANT = dict.fromkeys(METRICS, 1e-9) | {"dci_informativeness": 0.25, "beta_vae": 0.4, "explicitness": 0.5}
UNINFORMATIVE = {
    "mig": 0.05,
    "sap": 0.05,
    "dci_disentanglement": 0.05,
    "dci_completeness": 0.05,
    "dci_informativeness": 0.3,
    "modularity": 0.7,
    "explicitness": 0.55,
    "beta_vae": 0.45,
    "factor_vae": 0.45,
}
# Of the numbers of disentanglement_lib, which had the same points; its BetaVAE and FactorVAE scores draw pairs and
# batches of their own (the standard error of either score is 0.007 at most), and trees of equal quality are drawn.
TOLERANCES = dict.fromkeys(METRICS, 1e-3) | {
    "dci_disentanglement": 0.02,
    "dci_completeness": 0.02,
    "dci_informativeness": 0.02,
    "beta_vae": 0.02,
    "factor_vae": 0.03,
}


def test_every_metric_is_tested_here(table):
    assert set(METRICS) == set(table["perfect"]) == set(UNINFORMATIVE)


@pytest.mark.parametrize("name", METRICS)
def test_a_perfect_representation_scores_its_best_and_one_without_information_chance(table, name):
    low, high = PERFECT[name]
    assert low <= table["perfect"][name] <= high + 1e-9
    assert table["random"][name] <= UNINFORMATIVE[name]
    assert table["constant"][name] <= CONSTANT[name]


@pytest.mark.parametrize("representation", REPRESENTATIONS)
def test_the_scores_are_those_of_disentanglement_lib(table, representation):
    """On the same representations; the numbers of its own code are committed, analysis/results/metrics/README.md."""
    with AGREEMENT.open() as file:
        theirs = {(row["representation"], row["metric"]): row["disentanglement_lib"] for row in csv.DictReader(file)}
    for name in METRICS:
        if representation in ALL_TREES or not name.startswith("dci"):
            expected = float(theirs[representation, name])
            assert table[representation][name] == pytest.approx(expected, abs=TOLERANCES[name]), name


def test_order_of_codes_does_not_matter(table, few_trees):
    for name, value in disentanglement.scores(FULL[:, [2, 0, 1]], FULL).items():
        assert value == pytest.approx(table["perfect"][name], abs=0.02), name


def test_information_of_independent_factors_is_their_entropy_by_hand():
    """Three factors of 4, 5 and 6 equally likely values; one code holds the first, one the parity of the third."""
    codes = np.column_stack([FULL[:, 0], FULL[:, 2] % 2])
    expected = [[math.log(4), 0, 0], [0, 0, math.log(2)]]
    assert disentanglement.mutual_information(codes, FULL) == pytest.approx(np.array(expected), abs=1e-9)
    assert disentanglement.entropies(FULL) == pytest.approx(np.log(LEVELS))
    assert mig.score(codes, FULL) == pytest.approx((1 + 0 + math.log(2) / math.log(6)) / 3)
    assert modularity.score(codes, FULL) == pytest.approx(1)


def test_noise_of_known_size_gives_the_squared_correlation():
    """SAP of one noisy code of a continuous factor: R^2 = 1 / (1 + 1/4) for noise of half the factor's deviation."""
    random = np.random.default_rng(1)
    factor = random.normal(size=(50_000, 1))
    code = factor + 0.5 * random.normal(size=factor.shape)
    assert sap.score(code, factor) == pytest.approx(0.8, abs=0.01)


def test_discrete_factors_keep_their_values_and_continuous_ones_are_cut():
    """Up to 200 values with ten images each are discrete: dSprites has 40 orientations, Cars3D 183 types."""
    few, forty = np.tile([3.0, -1.0, 7.0], 1000), np.arange(3000) % 40 / 7
    numbered = preprocessing.number_factors(np.column_stack([few, forty, np.linspace(0, 1, 3000)]))
    assert numbered[:3, 0].tolist() == [1, 0, 2]
    assert numbered[:, 1].tolist() == (np.arange(3000) % 40).tolist()
    assert np.bincount(numbered[:, 2]).tolist() == [150] * 20
    assert preprocessing.number_factors(forty[:399, None]).max() == 19  # too few images of each value


def test_codes_are_cut_however_few_values_they_have():
    """As disentanglement_lib's histogram: two values that are close fall into one of 20 bins."""
    codes = np.array([[0.0, 0], [0.01, 1], [1, 2]])
    assert preprocessing.number_codes(codes, [1]).tolist() == [[0, 0], [0, 1], [19, 2]]


@pytest.mark.parametrize(
    ("n", "train", "test"), [(9, 6, 3), (2400, 1600, 800), (15_000, 10_000, 5000), (20_000, 10_000, 5000)]
)
def test_as_many_points_as_the_protocol_has_where_there_are(n, train, test):
    fitted, evaluated = preprocessing.split(n, seed=0)
    assert (len(fitted), len(evaluated), len(np.union1d(fitted, evaluated))) == (train, test, train + test)


def test_images_that_share_a_value_are_drawn_evenly():
    factor = np.array([1, 0, 1, 2, 1, 0])
    sharing = preprocessing.SameValue(factor)
    assert sharing.candidates.tolist() == [0, 1, 2, 4, 5]  # one image alone has the value 2
    drawn = sharing.draw(np.repeat([0, 1], 3000), np.random.default_rng(0))
    counts = np.bincount(drawn, minlength=6)
    assert counts[[0, 2, 4]] == pytest.approx(1000, abs=100) and counts[[1, 5]] == pytest.approx(1500, abs=100)
    assert counts[3] == 0


def test_how_categories_are_numbered_changes_no_score(few_trees):
    """A ten-way code determines one binary factor, by whichever categories; a second code equals the other factor."""
    random = np.random.default_rng(0)
    category, other = random.integers(10, size=2000), random.integers(2, size=2000)
    by_order, by_parity = (np.column_stack([value, other]) for value in (category >= 5, category % 2))
    renumbered = np.array([5, 0, 6, 1, 7, 2, 8, 3, 9, 4])[category]  # the odd ones come first
    for codes, factors in ((category, by_order), (category, by_parity), (renumbered, by_parity)):
        for name, value in disentanglement.scores(np.column_stack([codes, other]), factors, categorical=[0, 1]).items():
            expected = 0.5 if name == "sap" else 1  # the second best code has the accuracy of chance
            assert value == pytest.approx(expected, abs=0.04), name
    as_numbers = np.column_stack([category, other])
    assert sap.score(as_numbers, by_parity) < 0.4 and explicitness.score(as_numbers, by_parity) < 0.9


def test_a_categorical_code_is_one_code_and_its_columns_are_several(table, few_trees):
    """Scores that ask for one code a factor are lower where each one-hot column counts as a code."""
    as_categories = disentanglement.scores(noisy_categories(), FULL, categorical=[0, 1, 2])
    for name in ("mig", "sap", "dci_completeness"):
        assert as_categories[name] > table["one_hot"][name] + 0.1, name


def test_a_factor_of_one_value_is_named():
    factors = np.column_stack([np.arange(90) % 2, np.zeros(90)])
    with pytest.raises(InputError, match="factor number 2 has one value in the 60 images"):
        disentanglement.scores(factors, factors)


def test_a_category_is_never_cut_into_bins():
    """30 categories, two for each of 15 values, determine the value; cut into 20 bins they would not."""
    category = np.tile(np.arange(30), 100)[:, None]
    factor = category % 15
    assert disentanglement.mutual_information(category, factor, [0])[0, 0] == pytest.approx(math.log(15))
    assert disentanglement.mutual_information(category, factor)[0, 0] < math.log(15) - 0.1


def test_a_category_predicts_a_continuous_factor_by_its_mean():
    """SAP: the third of [0, 1] that holds a uniform factor explains 8/9 of its variance, however it is numbered."""
    factor = np.linspace(0, 1, 3000)[:, None]
    third = np.array([1, 2, 0])[(factor * 2.999).astype(int)]
    assert sap.score(third, factor, [0]) == pytest.approx(8 / 9, abs=0.01)


def test_a_discrete_variance_by_hand():
    """FactorVAE: of the six pairs of four entries, all but the pair of sevens differ."""
    assert factor_vae.unequal_pairs(np.array([7, 7, 3, 5])) == pytest.approx(5 / 6)


def test_codes_that_hardly_vary_are_left_out_of_factor_vae():
    """A deviation below 0.05 is that of a code without use; the scale of other codes does not matter."""
    factors = FULL[:, :2]
    assert factor_vae.score(factors * [1, 0.03], factors) < 0.7  # 0.03 times a deviation of 1.41
    assert factor_vae.score(factors * [1, 0.04], factors) > 0.99
    assert factor_vae.score(factors * [1, 0.03], factors, categorical=[1]) > 0.99


def test_a_good_model_is_central():
    """Three models disentangle three factors, in other orders and signs; two have codes unrelated to their images."""
    random = np.random.default_rng(0)
    models = [np.eye(3)[random.permutation(3)] * random.choice([-1, 1], 3) for _ in range(3)] + [None, None]

    def read(reader, source, codes):
        """Codes [..., 3] of images whose factors are source's codes times its matrix; the inverse of reader's is Q."""
        return random.normal(size=codes.shape) if reader is None or source is None else codes @ source @ reader.T

    shared, found = np.arange(300) % 3, np.empty((5, 5))
    for (i, reader), (j, source) in itertools.product(enumerate(models), repeat=2):
        groups = random.uniform(-1, 1, size=(300, 50, 3))
        for group, code in zip(groups, shared):
            group[:, code] = group[0, code]
        reference = read(reader, source, random.uniform(-1, 1, size=(2000, 3)))
        found[i, j] = model_centrality.similarity(read(reader, source, groups), shared, reference)
    assert found[:3, :3] == pytest.approx(1) and found[3:].max() < 0.5 and found[:, 3:].max() < 0.5
    centrality = model_centrality.centrality(found)
    assert centrality[:3].min() > centrality[3:].max() + 0.2


def test_centrality_by_hand():
    """The mean over the other models of the similarity in both directions; its own similarity does not count."""
    similarity = np.array([[9, 0.8, 0.4], [0.6, 9, 0.2], [0.4, 0.2, 9]])
    assert model_centrality.centrality(similarity) == pytest.approx([0.55, 0.45, 0.3])
    with pytest.raises(ValueError, match="compares models; there is 1"):
        model_centrality.centrality(np.ones((1, 1)))


def test_a_constant_code_resembles_nothing():
    groups, shared = np.random.default_rng(0).normal(size=(20, 10, 2)), np.arange(20) % 2
    assert model_centrality.similarity(np.zeros_like(groups), shared, np.zeros((50, 2))) == 0
    groups[..., 0] = 0
    reference = np.column_stack([np.zeros(50), np.linspace(0, 1, 50)])
    assert model_centrality.similarity(groups, shared, reference) == 0.5  # one code votes, for one factor of two
