"""Each score on representations whose value is known: perfect, constant, random, duplicated, permuted, rotated."""

import itertools
import math

import numpy as np
import pytest

from infogan import disentanglement as measures

LEVELS = (4, 5, 6)
FULL = np.array(
    list(itertools.product(*map(range, LEVELS))) * 20, dtype=float
)  # every combination, 20 times: factors exactly independent
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
    return {name: measures.scores(codes, FULL) for name, codes in representations.items()}


def test_a_perfect_representation_has_full_marks(table):
    for name, value in table["perfect"].items():
        assert value == pytest.approx(1, abs=0.05 if name == "explicitness" else 0.01), name


@pytest.mark.parametrize("other", ["permuted", "stretched"])
def test_order_and_scale_of_codes_do_not_matter(table, other):
    for name, value in table[other].items():
        assert value == pytest.approx(table["perfect"][name], abs=0.02), name


def test_a_constant_representation_has_none(table):
    chance = {"dci_informativeness": 0.25, "beta_vae": 0.4, "factor_vae": 0.0, "explicitness": 0.01}
    for name, value in table["constant"].items():
        assert value <= chance.get(name, 1e-9), name


def test_random_codes_score_near_chance(table):
    chance = {
        "dci_informativeness": 0.3,
        "beta_vae": 0.45,
        "factor_vae": 0.45,
        "explicitness": 0.15,
        "mig": 0.05,
        "sap": 0.08,
    }
    for name, limit in chance.items():
        assert table["random"][name] <= limit, name


def test_duplicated_codes_lose_what_asks_for_one_code_per_factor(table):
    """MIG and SAP compare the two best codes, completeness asks for one; modularity and disentanglement do not mind."""
    assert table["duplicated"]["mig"] == pytest.approx(0, abs=1e-9)
    assert table["duplicated"]["sap"] == pytest.approx(0, abs=1e-9)
    assert table["duplicated"]["modularity"] == pytest.approx(1, abs=0.01)
    assert table["duplicated"]["dci_disentanglement"] == pytest.approx(1, abs=0.01)
    assert table["duplicated"]["beta_vae"] > 0.99 and table["duplicated"]["factor_vae"] > 0.99


def test_rotating_codes_loses_disentanglement_and_no_information(table):
    for name in ("mig", "sap", "dci_disentanglement", "dci_completeness", "modularity"):
        assert table["mixed"][name] < table["perfect"][name] - 0.1, name
    assert table["mixed"]["dci_informativeness"] > 0.9


def test_information_of_independent_factors_is_their_entropy_by_hand():
    """Three factors of 4, 5 and 6 equally likely values; one code holds the first, one the parity of the third."""
    codes = np.column_stack([FULL[:, 0], FULL[:, 2] % 2])
    expected = [[math.log(4), 0, 0], [0, 0, math.log(2)]]
    assert measures.mutual_information(codes, FULL) == pytest.approx(np.array(expected), abs=1e-9)
    assert measures.entropies(FULL) == pytest.approx(np.log(LEVELS))
    assert measures.mig(codes, FULL) == pytest.approx((1 + 0 + math.log(2) / math.log(6)) / 3)
    assert measures.modularity(codes, FULL) == pytest.approx(1)


def test_scores_of_a_code_that_holds_two_factors_by_hand():
    """One code names the pair of the first two factors, a second repeats the first, a third holds the last."""
    codes = np.column_stack([FULL[:, 0] * 5 + FULL[:, 1], FULL[:, 0], FULL[:, 2]])
    log4, log5, log6 = np.log(LEVELS)
    assert measures.mutual_information(codes, FULL) == pytest.approx(
        np.array([[log4, log5, 0], [log4, 0, 0], [0, 0, log6]]), abs=1e-9
    )
    assert measures.mig(codes, FULL) == pytest.approx((0 + 1 + 1) / 3)  # both codes know the first factor: no gap
    first = 1 - log4**2 / (log5**2 * 2)
    assert measures.modularity(codes, FULL) == pytest.approx((first + 1 + 1) / 3)


def test_noise_of_known_size_gives_the_squared_correlation():
    """SAP of one noisy code of a continuous factor: R^2 = 1 / (1 + 1/4) for noise of half the factor's deviation."""
    random = np.random.default_rng(1)
    factor = random.normal(size=(50_000, 1))
    code = factor + 0.5 * random.normal(size=factor.shape)
    assert measures.sap(code, factor) == pytest.approx(0.8, abs=0.01)


def test_binning_keeps_few_values_and_cuts_many():
    columns = np.column_stack([np.tile([3.0, -1.0, 7.0], 1000), np.linspace(0, 1, 3000)])
    binned = measures.discretise(columns)
    assert binned[:3, 0].tolist() == [1, 0, 2]
    assert np.bincount(binned[:, 1]).tolist() == [150] * 20


def test_how_categories_are_numbered_changes_no_score():
    """A ten-way code that knows one binary factor exactly, whichever of its categories stand for which value; a second code knows the other factor."""
    random = np.random.default_rng(0)
    category, other = random.integers(10, size=2000), random.integers(2, size=2000)
    by_order, by_parity = (np.column_stack([value, other]) for value in (category >= 5, category % 2))
    numbered_anew = np.array([5, 0, 6, 1, 7, 2, 8, 3, 9, 4])[category]  # the odd ones come first
    for codes, factors in ((category, by_order), (category, by_parity), (numbered_anew, by_parity)):
        for name, value in measures.scores(np.column_stack([codes, other]), factors, categorical=[0, 1]).items():
            assert value == pytest.approx(1, abs=0.02), name
    misread = measures.scores(np.column_stack([category, other]), by_parity)
    assert misread["sap"] < 0.9 and misread["explicitness"] < 0.9, "as quantities they would score less"


def test_a_category_is_never_cut_into_bins():
    """30 categories, two for each of 15 values, tell the value whole; as a quantity, cut into 20 bins, they would not."""
    category = np.tile(np.arange(30), 100)[:, None]
    factor = category % 15
    assert measures.mutual_information(category, factor, [0])[0, 0] == pytest.approx(math.log(15))
    assert measures.mutual_information(category, factor)[0, 0] < math.log(15) - 0.1


def test_a_category_predicts_a_continuous_factor_by_its_mean():
    """SAP: of a factor uniform on [0, 1] the third of its range that it lies in explains 1 - 1/9 of the variance, in whatever order the thirds are numbered."""
    factor = np.linspace(0, 1, 3000)[:, None]
    third = np.array([1, 2, 0])[(factor * 2.999).astype(int)]
    assert measures.sap(third, factor, [0]) == pytest.approx(8 / 9, abs=0.01)


def test_a_discrete_variance_by_hand():
    """FactorVAE: shares 1/2, 1/4, 1/4 differ in 1 - 1/4 - 1/16 - 1/16 of pairs."""
    assert measures._unequal(np.array([7, 7, 3, 5])) == pytest.approx(0.625)
