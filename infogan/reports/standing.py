"""Whether a code stands for a factor: what Q predicts of real images, and what the code moves in G's images.

The rule has two sides, and neither is enough. Q's side: the code that Q predicts for real images has a normalised
mutual information with the factor of YES or more, beyond networks that learned nothing of it. G's side: where the code
alone is varied, it explains MOVED or more of the factor's variance over generated images, and moves the factor by MOVED
or more of its spread over real images. A run whose images are all alike is not judged.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from infogan import networks
from infogan.codes import Categorical
from infogan.inference import Run
from infogan.metrics import traversal
from infogan.metrics.factor_estimates import Estimator
from infogan.records import pictures

YES, PARTLY = 0.25, 0.05
"""Normalised mutual information, beyond the null, from which a code stands for a factor, and from which it partly
does."""
MOVED = 0.25
"""Of explained variance and of relative spread, the least on G's side: the same quarter as on Q's side.

By chance ten columns of 200 images explain half a percent of the variance.
"""
ROWS = 200
"""Random samples of all else, for each of which the code is varied."""
RANGE = np.linspace(-1, 1, 10)
"""Values of continuous codes, as in the paper."""

Standing = Literal["yes", "partly", "no", "not measurable", "collapsed"]


@dataclass(frozen=True)
class Moved:
    """What a code moves of a factor in generated images; see `infogan.metrics.traversal`."""

    explained_variance: float
    relative_spread: float

    @property
    def enough(self) -> bool:
        """Whether G's side of the rule holds."""
        return min(self.explained_variance, self.relative_spread) >= MOVED


def values_of(run: Run, code: int) -> Sequence[float]:
    """The values at which a single code is drawn and measured: RANGE, or its categories (MOST_CATEGORIES at most)."""
    categorical = run.latent.single_codes(Categorical)
    if code not in categorical:
        return RANGE.tolist()
    return list(range(run.latent.categorical_sizes[categorical.index(code)]))[: pictures.MOST_CATEGORIES]


def moved_by(run: Run, code: int, estimator: Estimator) -> Moved:
    """What a single code of a run moves of the estimator's factor, from ROWS random samples of all else."""
    z = run.latent.sample(ROWS, torch.Generator().manual_seed(0))
    columns = []
    for value in values_of(run, code):
        images = networks.generate(run.generator, run.latent.place(z, code, value))
        columns.append(estimator.estimate(torch.from_numpy(images).permute(0, 3, 1, 2)))
    values = np.array(columns)
    return Moved(traversal.explained_variance(values), traversal.relative_spread(values, estimator.real))


def stands_for(normalised: float, moved: Moved | None, collapsed: bool) -> Standing:
    """The rule, on Q's number and on G's; moved: None where the factor cannot be estimated from images."""
    if collapsed:
        return "collapsed"
    if normalised < PARTLY or (moved is not None and not moved.enough):
        return "no"
    if moved is None:
        return "not measurable"
    return "yes" if normalised >= YES else "partly"
