"""How well codes separate known factors of variation: pure functions of arrays.

`codes` [N, m] holds what Q reads from N images: a continuous code's mean, a categorical code's category. `categorical`
names the columns of the latter: how their categories happen to be numbered changes no score. `factors` [N, k] holds the
images' true factors. Protocol: before mutual information is estimated, columns of more than BINS different values, but
for categories, are cut into BINS bins of equal width between their extremes (as Locatello et al. 2019,
disentanglement_lib); information is in nats. Scores lie in [0, 1], 1 for a representation of one code per factor.
"""

from collections.abc import Sequence

import numpy as np
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import mutual_info_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

BINS = 20


def discretise(columns: np.ndarray, bins: int = BINS, categorical: Sequence[int] = ()) -> np.ndarray:
    """Whole numbers from 0 for each column [N, m]: its values where they are few or categories, else its bins."""
    out = np.empty(columns.shape, dtype=np.int64)
    for j, column in enumerate(np.asarray(columns, dtype=np.float64).T):
        values, index = np.unique(column, return_inverse=True)
        if len(values) > bins and j not in categorical:
            index = np.digitize(column, np.linspace(column.min(), column.max(), bins + 1)[1:-1])
        out[:, j] = index
    return out


def mutual_information(codes: np.ndarray, factors: np.ndarray, categorical: Sequence[int] = ()) -> np.ndarray:
    """I(code; factor) in nats, [m, k], from the joint histogram (biased upwards by about (bins-1)^2 / 2N)."""
    a, b = discretise(codes, categorical=categorical), discretise(factors)
    return np.array([[mutual_info_score(x, y) for y in b.T] for x in a.T])


def entropies(factors: np.ndarray) -> np.ndarray:
    """H(factor) in nats, [k], after the same binning."""
    return np.array([mutual_info_score(column, column) for column in discretise(factors).T])


def mig(codes: np.ndarray, factors: np.ndarray, categorical: Sequence[int] = ()) -> float:
    """Mutual information gap (Chen et al. 2018, equation 6): the lead of each factor's best code over its second, over H(factor)."""
    information = np.sort(mutual_information(codes, factors, categorical), axis=0)
    second = information[-2] if len(information) > 1 else 0.0
    return float(np.mean((information[-1] - second) / entropies(factors)))


def modularity(codes: np.ndarray, factors: np.ndarray, categorical: Sequence[int] = ()) -> float:
    """Modularity (Ridgeway & Mozer 2018, equation 2): does each code that knows anything know one factor only?

    Codes that know nothing (less than 0.01 nats of every factor) are left out; 0 where all are such.
    """
    information = mutual_information(codes, factors, categorical)
    k = information.shape[1]
    if k < 2:
        raise ValueError("modularity needs two or more factors")
    best = information.max(axis=1)
    known = best > 0.01
    if not known.any():
        return 0.0
    others = (information**2).sum(axis=1) - best**2
    return float(np.mean(1 - others[known] / (best[known] ** 2 * (k - 1))))


def explicitness(codes: np.ndarray, factors: np.ndarray, categorical: Sequence[int] = (), seed: int = 0) -> float:
    """Explicitness (Ridgeway & Mozer 2018, section 3): how well logistic regression on all codes tells each value of each factor.

    The area under the ROC curve of each value against the rest on held-out images, scaled so that chance is 0.
    """
    train, test = _halves(len(codes), seed)
    codes, _ = _columns(codes, categorical)
    scores = []
    for factor in discretise(factors).T:
        if len(np.unique(factor[train])) < 2:
            continue
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(codes[train], factor[train])
        probability = model.predict_proba(codes[test])
        for value, column in zip(model.classes_, probability.T):
            is_value = factor[test] == value
            if 0 < is_value.sum() < len(is_value):
                scores.append(2 * roc_auc_score(is_value, column) - 1)
    return float(np.mean(scores)) if scores else 0.0


def sap(codes: np.ndarray, factors: np.ndarray, categorical: Sequence[int] = (), seed: int = 0) -> float:
    """Separated attribute predictability (Kumar et al. 2018, section 3): the lead, averaged over factors, of the best code's
    score over the second's.

    A factor of more than BINS values scores the squared correlation; one of fewer the balanced accuracy of a decision
    tree of as many leaves as it has values (the paper's threshold, for any number of values), chance scaled to 0.
    Of a categorical code the correlation is the factor's with its mean in each category, and the tree has a leaf for each.
    """
    train, test = _halves(len(codes), seed)
    leads = []
    for factor in np.asarray(factors, dtype=np.float64).T:
        values, index = np.unique(factor, return_inverse=True)
        scores = []
        for j, code in enumerate(np.asarray(codes, dtype=np.float64).T):
            if len(values) > BINS:
                if j in categorical:
                    category = np.unique(code, return_inverse=True)[1]
                    code = (np.bincount(category, factor) / np.bincount(category))[category]
                constant = code.std() == 0
                scores.append(0.0 if constant else float(np.corrcoef(code, factor)[0, 1] ** 2))
            else:
                leaves = (
                    None if j in categorical else max(2, len(values))
                )  # each category ends in a leaf of its own, whatever its number
                tree = DecisionTreeClassifier(max_leaf_nodes=leaves, class_weight="balanced", random_state=seed)
                guess = tree.fit(code[train, None], index[train]).predict(code[test, None])
                recall = [np.mean(guess[index[test] == value] == value) for value in np.unique(index[test])]
                chance = 1 / len(values)
                scores.append(max(0.0, (float(np.mean(recall)) - chance) / (1 - chance)))
        first, second = sorted([0.0, *scores], reverse=True)[:2]
        leads.append(first - second)
    return float(np.mean(leads))


def dci(codes: np.ndarray, factors: np.ndarray, categorical: Sequence[int] = (), seed: int = 0) -> dict[str, float]:
    """Disentanglement, completeness, informativeness (Eastwood & Williams 2018, section 2).

    Importances are those of gradient-boosted trees, one model a factor (as disentanglement_lib), a categorical code's the sum
    of its categories'; informativeness is their accuracy on held-out images.
    """
    train, test = _halves(len(codes), seed)
    m = codes.shape[1]
    codes, code_of = _columns(codes, categorical)
    importance, right = [], []
    for factor in discretise(factors).T:
        model = GradientBoostingClassifier(n_estimators=20, random_state=seed).fit(codes[train], factor[train])
        importance.append(np.bincount(code_of, model.feature_importances_, minlength=m))
        right.append(model.score(codes[test], factor[test]))
    matrix = np.array(importance).T  # [m, k]
    return {
        "disentanglement": _concentration(matrix),
        "completeness": _concentration(matrix.T),
        "informativeness": float(np.mean(right)),
    }


def _concentration(importance: np.ndarray) -> float:
    """1 - entropy of each row's shares (logarithm to the base of their number), rows weighted by their sums."""
    if importance.shape[1] < 2 or importance.sum() == 0:
        return 0.0
    share = (importance + 1e-12) / (importance + 1e-12).sum(axis=1, keepdims=True)
    rows = 1 + (share * np.log(share)).sum(axis=1) / np.log(importance.shape[1])
    return float(np.average(rows, weights=importance.sum(axis=1)))


def beta_vae_score(
    codes: np.ndarray,
    factors: np.ndarray,
    categorical: Sequence[int] = (),
    votes: int = 1000,
    pairs: int = 16,
    seed: int = 0,
) -> float:
    """BetaVAE score (Higgins et al. 2017, section 3): can a linear classifier tell which factor pairs of images share?

    Each vote averages |difference| of the standardised codes (of a categorical one: 1 where the two differ) over `pairs` pairs
    that agree in one random factor; accuracy on votes of their own, chance 1/k.
    """
    random = np.random.default_rng(seed)
    standard, is_category = _standardise(codes)[0], np.isin(np.arange(codes.shape[1]), categorical)
    groups = _groups(factors)
    inputs, answers = [], []
    for _ in range(2 * votes):
        k = random.integers(len(groups))
        chosen = np.array([random.choice(groups[k][random.integers(len(groups[k]))], 2) for _ in range(pairs)])
        difference = np.abs(standard[chosen[:, 0]] - standard[chosen[:, 1]])
        inputs.append(np.where(is_category, difference > 0, difference).mean(axis=0))
        answers.append(k)
    model = LogisticRegression(max_iter=1000).fit(inputs[:votes], answers[:votes])
    return float(model.score(inputs[votes:], answers[votes:]))


def factor_vae_score(
    codes: np.ndarray,
    factors: np.ndarray,
    categorical: Sequence[int] = (),
    votes: int = 800,
    batch: int = 64,
    seed: int = 0,
) -> float:
    """FactorVAE score (Kim & Mnih 2018, section 4): is the code that varies least, among images sharing a factor, always the same?

    The code of the lowest variance (over its variance on all images) votes; a majority-vote classifier maps codes to
    factors; accuracy on votes of their own. A categorical code's variance is the share of pairs of images that differ in it
    (Kim & Mnih's, for discrete codes). Constant codes cannot vote; 0 where all are constant.
    """
    random = np.random.default_rng(seed)
    standard, active = _standardise(codes)
    if not active.any():
        return 0.0
    unequal = {j: _unequal(codes[:, j]) for j in categorical if active[j]}
    groups = _groups(factors)
    table = np.zeros((2, standard.shape[1], len(groups)), dtype=np.int64)
    for vote in range(2 * votes):
        k = random.integers(len(groups))
        members = random.choice(groups[k][random.integers(len(groups[k]))], batch)
        variance = np.where(active, standard[members].var(axis=0), np.inf)
        for j in unequal:
            variance[j] = _unequal(codes[members, j]) / unequal[j]
        table[vote // votes, variance.argmin(), k] += 1
    factor_of = table[0].argmax(axis=1)
    return float(table[1][np.arange(len(factor_of)), factor_of].sum() / votes)


def _columns(codes: np.ndarray, categorical: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Codes as a model is to read them, a categorical one as a column for each category, 0 or 1; and the code each column is of."""
    parts = [
        column == np.unique(column) if j in categorical else column
        for j, column in enumerate(np.split(codes, codes.shape[1], axis=1))
    ]
    return np.concatenate(parts, axis=1, dtype=np.float64), np.repeat(
        np.arange(len(parts)), [part.shape[1] for part in parts]
    )


def _unequal(column: np.ndarray) -> float:
    """The share of pairs of its entries that differ."""
    share = np.unique(column, return_counts=True)[1] / len(column)
    return float(1 - (share**2).sum())


def _standardise(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Codes of zero mean and unit variance, constant ones zero; and which are not constant."""
    codes = np.asarray(codes, dtype=np.float64)
    deviation = codes.std(axis=0)
    active = deviation > 1e-9
    return (codes - codes.mean(axis=0)) / np.where(active, deviation, 1), active


def _groups(factors: np.ndarray) -> list[list[np.ndarray]]:
    """For each factor, the images of each of its values (bins) that two images or more share."""
    out = []
    for factor in discretise(factors).T:
        groups = [np.flatnonzero(factor == value) for value in np.unique(factor)]
        out.append([group for group in groups if len(group) > 1])
    return out


def _halves(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    return np.split(np.random.default_rng(seed).permutation(n), [n // 2])


def scores(codes: np.ndarray, factors: np.ndarray, categorical: Sequence[int] = ()) -> dict[str, float]:
    """Every score, for two factors or more."""
    return {
        "mig": mig(codes, factors, categorical),
        "sap": sap(codes, factors, categorical),
        **{f"dci_{name}": value for name, value in dci(codes, factors, categorical).items()},
        "modularity": modularity(codes, factors, categorical),
        "explicitness": explicitness(codes, factors, categorical),
        "beta_vae": beta_vae_score(codes, factors, categorical),
        "factor_vae": factor_vae_score(codes, factors, categorical),
    }
