"""How far a code is a factor: what Q predicts of real images, and what the code moves in G's images.

Neither is enough alone. On Q's side, the code that Q predicts for real images has a normalised mutual information with
the factor beyond networks that learned nothing of it. On G's side, where the code alone is varied, it explains a share
of the factor's variance over generated images, and moves the factor by a share of its spread over real images.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch

from infogan import networks
from infogan.codes import Categorical
from infogan.data import Dataset
from infogan.inference import Model
from infogan.metrics import collapse, disentanglement, traversal
from infogan.metrics.factor_estimates import Estimator, estimator
from infogan.records import pictures
from infogan.records.summary import last_bound
from infogan.reports import common
from infogan.reports.information import Known, Null, Nulls, Predicted, excess, known_factors, predict

ROWS = 200
"""Random samples of all else, for each of which the code is varied."""
RANGE = np.linspace(-1, 1, 10)
"""Values of continuous codes, as in the paper."""


class Wanted(NamedTuple):
    """A panel of the paper: its title, the kind of its code, and how the names of the factors that fit it begin."""

    title: str
    kind: type
    names: tuple[str, ...]


class Match(NamedTuple):
    """A code of a run (its position among all single codes), and its mutual information with a factor."""

    run: Model
    code: int
    kind: str
    """The kind of the factor: factors, attributes or measured."""
    factor: str
    information_nats: float
    entropy_nats: float
    null: Null

    @property
    def excess_nats(self) -> float:
        """Mutual information beyond the null."""
        return excess(self.information_nats, self.null)

    @property
    def normalised(self) -> float:
        """(I - I_null) / H(factor)"""
        return self.excess_nats / self.entropy_nats

    def numbers(self) -> dict:
        """What the figure's JSON file records of it."""
        names = ("factor", "information_nats", "entropy_nats", "null", "normalised")
        return {name: getattr(self, name) for name in names}


def matches(run: Model, predicted: Predicted, known: Known, nulls: Nulls, want: Wanted) -> Iterator[Match]:
    """Each code of the wanted kind with each factor of the wanted names."""
    codes = run.latent.single_codes(want.kind)
    for kind, (values, names) in known.items():
        columns = [i for i, name in enumerate(names) if name.startswith(want.names)]
        if not codes or not columns:
            continue
        wanted = values[:, columns]
        nats, entropies = predicted.information(wanted, want.kind), disentanglement.entropies(wanted)
        each = zip(columns, nulls.information(run, wanted, want.kind), entropies.tolist(), nats.T.tolist())
        for column, null, entropy, by_code in each:
            for code, information in zip(codes, by_code):
                yield Match(run, code, kind, names[column], information, entropy, null)


class Matcher:
    """Measures runs on one dataset by what is known of its images.

    gans: runs of a regular GAN, for the null.
    """

    def __init__(self, dataset: Dataset, gans: Sequence[Model] = ()):
        self.images, self.known = known_factors(dataset)
        self._dataset, self._nulls = dataset, Nulls(self.images, gans)
        self._estimators = dict[tuple[str, str], Estimator]()

    def best(self, runs: Sequence[Model], wanted: Iterable[Wanted]) -> dict[Wanted, Match]:
        """For each panel that the runs have a code for, and the dataset a factor, the match of most information."""
        predicted = [(run, predict(run.discriminator, run.latent, self.images)) for run in runs]
        found = {}
        for want in wanted:
            fitting = [each for run, codes in predicted for each in matches(run, codes, self.known, self._nulls, want)]
            if fitting:
                found[want] = max(fitting, key=lambda match: match.excess_nats)
        return found

    def rows(self, found: dict[Wanted, Match]) -> list[dict]:
        """The `verdicts` of the figure's JSON file: of each panel the run, Q's side, G's side, and the collapse."""
        used = {match.run.directory: match.run for match in found.values()}
        spreads = {
            at: collapse.measure(run.generator, run.discriminator, run.latent, self.images, last_bound(run.directory))
            for at, run in used.items()
        }
        out = []
        for want, match in found.items():
            estimate = self._estimator(match.kind, match.factor)
            moved = moved_by(match.run, match.code, estimate) if estimate.about["measurable"] else {}
            about = (
                {"panel": want.title} | common.about_run(match.run) | {"code": f"c{match.code + 1}"} | match.numbers()
            )
            out.append(about | {"traversal": {"estimate": estimate.about} | moved} | spreads[match.run.directory])
        return out

    def _estimator(self, kind: str, name: str) -> Estimator:
        if (kind, name) not in self._estimators:
            self._estimators[kind, name] = estimator(self._dataset, kind, name)
        return self._estimators[kind, name]


def values_of(run: Model, code: int) -> Sequence[float]:
    """The values at which a single code is drawn and measured: RANGE, or its categories (MOST_CATEGORIES at most)."""
    categorical = run.latent.single_codes(Categorical)
    if code not in categorical:
        return RANGE.tolist()
    return list(range(run.latent.categorical_sizes[categorical.index(code)]))[: pictures.MOST_CATEGORIES]


def moved_by(run: Model, code: int, estimator: Estimator) -> dict[str, float]:
    """What a single code of a run moves of the estimator's factor, from ROWS random samples of all else:
    explained_variance and relative_spread, see `infogan.metrics.traversal`."""
    z = run.latent.sample(ROWS, torch.Generator().manual_seed(0))
    columns = []
    for value in values_of(run, code):
        images = networks.generate(run.generator, run.latent.set_code(z, code, value))
        columns.append(estimator.estimate(torch.from_numpy(images).permute(0, 3, 1, 2)))
    values = np.array(columns)
    spread = traversal.relative_spread(values, estimator.real)
    return {"explained_variance": traversal.explained_variance(values), "relative_spread": spread}
