"""Estimates of a factor of any images, generated ones too, whose values are known for real images.

Statistics of the images are computed. Other factors are estimated by ridge regression on pixels, fitted on real
training images and checked on held-out ones. A regression on pixels is linear: differences of pixels that nobody sees
move its estimates as little, so that a generator cannot hide a code in them.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from infogan.data import Dataset
from infogan.metrics.image_statistics import STATISTICS, image_statistics

SIDE = 32
"""Pixels of a side to which larger images are averaged before the regression."""
RIDGE = 10.0
"""Penalty of the regression. 1 to 100 make little difference to R^2 on 560 to 16,000 images of 32 x 32."""
FITTED = 20_000
"""Training images that it is fitted on at most."""
LEAST_R2, LEAST_AUC = 0.5, 0.8
"""Of held-out real images: from here on a quantity, and a yes or no, counts as estimated from an image.

An estimate with a lower R^2 has more error than it has of the factor. An AUC of 0.8 is that of two Gaussians whose
means are 1.2 standard deviations apart.
"""
FULL_TURN = 270.0
"""Degrees over which an angle that spans more is taken as a full turn, whose ends are neighbours."""


class Estimator(NamedTuple):
    """Estimates of one factor."""

    estimate: Callable[[Tensor], np.ndarray]
    """Of images uint8 [N, C, H, W]: [N, d]; d is 2, cosine and sine, for an angle of a full turn, else 1."""
    real: np.ndarray
    """Of held-out real images, [N, d]."""
    about: dict
    """`by`, how it is estimated; of a regression also r2 or auc on held-out images, and `measurable`."""


def estimator(dataset: Dataset, kind: str, name: str) -> Estimator:
    """Of the factor `name` of dataset.train.extra[kind], or of the statistic `name` where kind is "measured"."""
    if kind == "measured":
        return _statistic_estimator(dataset, name)
    column = dataset.train.extra[kind][1].index(name)
    train, *held_out = [
        (split.images, split.extra[kind][0][:, column].double().numpy())
        for split in (dataset.train[:FITTED], dataset.validation, dataset.test)
    ]
    turn = is_full_turn(name, train[1])
    predict = _regression(train[0], _targets(train[1], turn))
    real = np.concatenate([predict(images) for images, _ in held_out])
    known = np.concatenate([values for _, values in held_out])
    return Estimator(predict, real, {"by": "ridge regression on pixels"} | _quality(real, known, turn))


def _statistic_estimator(dataset: Dataset, name: str) -> Estimator:
    column = STATISTICS.index(name)

    def compute(images: Tensor) -> np.ndarray:
        return image_statistics(images)[:, [column]]

    real = np.concatenate([compute(split.images) for split in (dataset.validation, dataset.test)])
    return Estimator(compute, real, {"by": "computed from pixels", "measurable": True})


def is_full_turn(name: str, values: np.ndarray) -> bool:
    """Whether a factor is an angle over the full turn: its name ends in _degrees, and it spans more than FULL_TURN."""
    return name.endswith("_degrees") and float(np.ptp(values)) > FULL_TURN


def _targets(values: np.ndarray, turn: bool) -> np.ndarray:
    """Values [N] as [N, d]."""
    angle = np.radians(values)
    return np.stack([np.cos(angle), np.sin(angle)], 1) if turn else values[:, None]


def _regression(images: Tensor, targets: np.ndarray) -> Callable[[Tensor], np.ndarray]:
    """Ridge regression of targets [N, d] on the pixels of images; for `Estimator.estimate`."""
    from sklearn.linear_model import Ridge

    fitted = Ridge(RIDGE).fit(_pixels(images), targets)
    return lambda images: fitted.predict(_pixels(images)).reshape(len(images), -1)


def _pixels(images: Tensor) -> np.ndarray:
    """Images uint8 [N, C, H, W] as float32 [N, C * h * w] in [0, 1], with sides of SIDE at most."""
    height, width = (min(side, SIDE) for side in images.shape[2:])
    return F.adaptive_avg_pool2d(images.float() / 255, (height, width)).flatten(1).numpy()


def _quality(real: np.ndarray, known: np.ndarray, turn: bool) -> dict:
    """How well estimates [N, d] of held-out images fit the known values [N]: r2, or auc of a factor of two values."""
    from sklearn.metrics import r2_score, roc_auc_score

    values = np.unique(known)
    if len(values) == 1:
        return {"measurable": False}  # no held-out image tells how well it is estimated
    if len(values) == 2:
        auc = float(roc_auc_score(known == values[1], real[:, 0]))
        return {"auc": auc, "measurable": auc >= LEAST_AUC}
    r2 = float(r2_score(_targets(known, turn), real, multioutput="variance_weighted"))
    return {"r2": r2, "measurable": r2 >= LEAST_R2}
