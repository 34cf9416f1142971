"""Each score on representations whose value is known: perfect, constant, random, duplicated, permuted, rotated."""

import itertools
import math

import numpy as np
import pytest

from infogan.metrics import disentanglement
from infogan.metrics.disentanglement import factor_vae, mig, modularity, preprocessing, sap

LEVELS = (4, 5, 6)
# Every combination of values 20 times: the factors are exactly independent.
FULL = np.array(list(itertools.product(*map(range, LEVELS))) * 20, dtype=float)
CENTRED = FULL - FULL.mean(0)
RANDOM = np.random.default_rng(0).normal(size=(len(FULL), 3))
ANGLE = np.pi / 4
MIXED = np.column_stack(
    [
        CENTRED[:, 0] * np.cos(ANGLE) - CENTRED[:, 1] * np.sin(ANGLE),
        CENTRED[:, 0] * np.sin(ANGLE) + CENTRED[:, 1] * np.cos(ANGLE),
        CENTRED[:, 2],
    ]
)


@pytest.fixture(scope="module")
def table() -> dict[str, dict[str, float]]:
    representations = {
        "perfect": FULL,
        "stretched": FULL * [3.0, -0.5, 10.0] + [1, 2, 3],
        "permuted": FULL[:, [2, 0, 1]],
        "constant": np.zeros_like(FULL),
        "random": RANDOM,
        "duplicated": np.column_stack([FULL, FULL]),
        "mixed": MIXED,
    }
    return {name: disentanglement.scores(codes, FULL) for name, codes in representations.items()}


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
# The highest scores of representations without information. Chance of beta_vae and factor_vae is 1/3, of
# dci_informativeness (1/4 + 1/5 + 1/6) / 3; modularity of codes that are random compares noise with noise.
CONSTANT = dict.fromkeys(METRICS, 1e-9) | {"dci_informativeness": 0.25, "beta_vae": 0.4, "explicitness": 0.01}
UNINFORMATIVE = {
    "mig": 0.05,
    "sap": 0.08,
    "dci_disentanglement": 0.05,
    "dci_completeness": 0.05,
    "dci_informativeness": 0.3,
    "modularity": 0.5,
    "explicitness": 0.15,
    "beta_vae": 0.45,
    "factor_vae": 0.45,
}


def test_every_metric_is_tested_here(table):
    assert set(METRICS) == set(table["perfect"]) == set(UNINFORMATIVE)


@pytest.mark.parametrize("name", METRICS)
def test_a_perfect_representation_scores_one(table, name):
    assert table["perfect"][name] == pytest.approx(1, abs=0.05 if name == "explicitness" else 0.01)


@pytest.mark.parametrize("name", METRICS)
def test_a_random_or_constant_representation_scores_chance(table, name):
    assert table["random"][name] <= UNINFORMATIVE[name]
    assert table["constant"][name] <= CONSTANT[name]


@pytest.mark.parametrize("other", ["permuted", "stretched"])
def test_order_and_scale_of_codes_do_not_matter(table, other):
    for name, value in table[other].items():
        assert value == pytest.approx(table["perfect"][name], abs=0.02), name


def test_duplicated_codes_lower_the_scores_that_ask_for_one_code_per_factor(table):
    """MIG and SAP compare the two best codes, completeness asks for one; the others allow several."""
    assert table["duplicated"]["mig"] == pytest.approx(0, abs=1e-9)
    assert table["duplicated"]["sap"] == pytest.approx(0, abs=1e-9)
    assert table["duplicated"]["dci_completeness"] < 0.7
    assert table["duplicated"]["modularity"] == pytest.approx(1, abs=0.01)
    assert table["duplicated"]["dci_disentanglement"] == pytest.approx(1, abs=0.01)
    assert table["duplicated"]["beta_vae"] > 0.99 and table["duplicated"]["factor_vae"] > 0.99


def test_rotated_codes_lose_disentanglement_but_no_information(table):
    for name in ("mig", "sap", "dci_disentanglement", "dci_completeness", "modularity"):
        assert table["mixed"][name] < table["perfect"][name] - 0.1, name
    assert table["mixed"]["dci_informativeness"] > 0.9


def test_information_of_independent_factors_is_their_entropy_by_hand():
    """Three factors of 4, 5 and 6 equally likely values; one code holds the first, one the parity of the third."""
    codes = np.column_stack([FULL[:, 0], FULL[:, 2] % 2])
    expected = [[math.log(4), 0, 0], [0, 0, math.log(2)]]
    assert disentanglement.mutual_information(codes, FULL) == pytest.approx(np.array(expected), abs=1e-9)
    assert disentanglement.entropies(FULL) == pytest.approx(np.log(LEVELS))
    assert mig.score(codes, FULL) == pytest.approx((1 + 0 + math.log(2) / math.log(6)) / 3)
    assert modularity.score(codes, FULL) == pytest.approx(1)


def test_scores_of_a_code_that_holds_two_factors_by_hand():
    """One code holds the first two factors, a second the first alone, a third the last."""
    codes = np.column_stack([FULL[:, 0] * 5 + FULL[:, 1], FULL[:, 0], FULL[:, 2]])
    log4, log5, log6 = np.log(LEVELS)
    assert disentanglement.mutual_information(codes, FULL) == pytest.approx(
        np.array([[log4, log5, 0], [log4, 0, 0], [0, 0, log6]]), abs=1e-9
    )
    assert mig.score(codes, FULL) == pytest.approx((0 + 1 + 1) / 3)  # two codes hold the first factor: no gap
    first = 1 - log4**2 / (log5**2 * 2)
    assert modularity.score(codes, FULL) == pytest.approx((first + 1 + 1) / 3)


def test_noise_of_known_size_gives_the_squared_correlation():
    """SAP of one noisy code of a continuous factor: R^2 = 1 / (1 + 1/4) for noise of half the factor's deviation."""
    random = np.random.default_rng(1)
    factor = random.normal(size=(50_000, 1))
    code = factor + 0.5 * random.normal(size=factor.shape)
    assert sap.score(code, factor) == pytest.approx(0.8, abs=0.01)


def test_binning_keeps_few_values_and_cuts_many():
    columns = np.column_stack([np.tile([3.0, -1.0, 7.0], 1000), np.linspace(0, 1, 3000)])
    binned = preprocessing.discretise(columns)
    assert binned[:3, 0].tolist() == [1, 0, 2]
    assert np.bincount(binned[:, 1]).tolist() == [150] * 20


def test_how_categories_are_numbered_changes_no_score():
    """A ten-way code determines one binary factor, by whichever categories; a second code equals the other factor."""
    random = np.random.default_rng(0)
    category, other = random.integers(10, size=2000), random.integers(2, size=2000)
    by_order, by_parity = (np.column_stack([value, other]) for value in (category >= 5, category % 2))
    renumbered = np.array([5, 0, 6, 1, 7, 2, 8, 3, 9, 4])[category]  # the odd ones come first
    for codes, factors in ((category, by_order), (category, by_parity), (renumbered, by_parity)):
        for name, value in disentanglement.scores(np.column_stack([codes, other]), factors, categorical=[0, 1]).items():
            assert value == pytest.approx(1, abs=0.02), name
    as_numbers = disentanglement.scores(np.column_stack([category, other]), by_parity)
    assert as_numbers["sap"] < 0.9 and as_numbers["explicitness"] < 0.9


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
    """FactorVAE: shares 1/2, 1/4, 1/4 differ in 1 - 1/4 - 1/16 - 1/16 of pairs."""
    assert factor_vae.unequal_pairs(np.array([7, 7, 3, 5])) == pytest.approx(0.625)
