"""The claims that are checked on one run at a time, each with its rule."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from infogan.config import Config
from infogan.presets import describe
from infogan.reports.runs import (
    config_of,
    entropy_of,
    has_collapsed,
    metrics_of,
    read_curves,
    read_runs,
    smoothed_bound,
)

REACHED = 0.99
"""Share of H(c) at which L_I counts as having reached it."""
STRONG = 0.5
"""Partial correlation from which a code moves a morphometric."""


class RunRecord(NamedTuple):
    """A run, as a rule sees it."""

    row: pd.Series
    """Of `read_runs`."""
    config: Config
    metrics: pd.DataFrame
    """Its rows of metrics.csv."""

    @property
    def collapsed(self) -> bool:
        """Whether G has collapsed: no claim is judged on such a run."""
        return has_collapsed(self.row)

    def measure(self, name: str) -> float:
        """NaN where it was not measured."""
        return float(self.row.get(name, np.nan))


def read(paths: Iterable[Path]) -> list[RunRecord]:
    """Runs of run directories and of result folders."""
    given = list(paths)
    runs, curves = read_runs(given), read_curves(given)
    return [RunRecord(row, config_of(row), metrics_of(curves, row.run)) for _, row in runs.iterrows()]


class Outcome(NamedTuple):
    """A run's number for a claim, and whether the rule holds."""

    value: float
    holds: bool


class Rule(NamedTuple):
    """A claim, the rule by which it is checked, and the function that checks it on one run."""

    claim: str
    """Its number in the scorecard: C, of the paper; B, of the blog; O, ours."""
    says: str
    rule: str
    number: str
    """What the number is, with its unit."""
    check: Callable[[RunRecord], Outcome | None]
    """None where the claim does not concern the run."""
    threshold: float | None = None
    """Of the mean over seeds; None for a rule of several parts, which is decided by the share of seeds it holds in."""
    at_least: bool = True
    """Whether the claim is that the number is at least, or at most, the threshold."""
    best: bool = False
    """Whether the source chose among its runs, so that the best of the seeds has a row as well."""


def is_preset_on_mnist(run: RunRecord, *presets: str) -> bool:
    """Whether it is a finished run on MNIST of one of the presets as it is."""
    config = run.config
    known = config.dataset == "mnist" and config.preset in presets
    return known and run.row.step == config.updates and describe(config) == config.preset


def relative_bound(run: RunRecord) -> pd.Series:
    """L_I / H(c) of the categorical codes, smoothed, by update."""
    smooth = smoothed_bound(run.metrics) / entropy_of(run.config)
    return pd.Series(smooth.to_numpy(), index=run.metrics.step)


def bound_reaches_entropy(run: RunRecord) -> Outcome | None:
    """C1. The number is the update; infinite where the bound never reaches H(c)."""
    if not is_preset_on_mnist(run, "authors", "paper"):
        return None
    bound = relative_bound(run)
    reached = bound[bound >= REACHED].index
    first = float(reached[0]) if len(reached) else np.inf
    return Outcome(first, first <= 1000)


def bound_stays_low(run: RunRecord) -> Outcome | None:
    """C2."""
    if not is_preset_on_mnist(run, "gan"):
        return None
    last = float(relative_bound(run).iloc[-1])
    return Outcome(last, last < 0.5)


def accuracy(holds: Callable[[float], bool], *presets: str) -> Callable[[RunRecord], Outcome | None]:
    """A check of the test accuracy of c1 in runs of these presets."""

    def check(run: RunRecord) -> Outcome | None:
        value = run.measure("accuracy") if is_preset_on_mnist(run, *presets) else np.nan
        return None if np.isnan(value) else Outcome(value, holds(value))

    return check


Correlations = dict[tuple[str, str], float]
"""Partial correlation of (continuous code, morphometric)."""


def partial_correlations(run: RunRecord, beyond: bool = False) -> Correlations:
    """Those with slant and with width that `infogan morphology` measured of codes in [-1, 1], or beyond; empty where it
    did not. A morphometric that does not vary has none."""
    if not is_preset_on_mnist(run, "authors", "paper", "iic"):
        return {}
    names = {
        (code, name): f"{code}_{name}" + "_beyond" * beyond for code in ("c2", "c3") for name in ("slant", "width")
    }
    return {one: value for one, column in names.items() if not np.isnan(value := run.measure(column))}


def slant_and_width(effects: Correlations) -> tuple[float, list[tuple[str, str]]]:
    """The two codes that fit best, one to slant and the other to width.

    Returns: the weaker of the two correlations, and the two (code, morphometric); 0 and none where there are none.
    """
    slants, widths = ([one for one in effects if one[1] == name] for name in ("slant", "width"))
    pairs = [[a, b] for a in slants for b in widths if a[0] != b[0]]
    return max(((min(abs(effects[one]) for one in pair), pair) for pair in pairs), default=(0.0, []))


def a_code_is_slant(run: RunRecord) -> Outcome | None:
    """C5, its first half."""
    effects = partial_correlations(run)
    strongest = max((abs(value) for (_, name), value in effects.items() if name == "slant"), default=0.0)
    return Outcome(strongest, strongest >= STRONG) if effects else None


def another_code_is_width(run: RunRecord) -> Outcome | None:
    """C5, its second half: a code that is no slant as well."""
    effects = partial_correlations(run)
    weaker, pair = slant_and_width(effects)
    if not pair:
        return Outcome(0.0, False) if effects else None
    separate = abs(effects.get((pair[1][0], "slant"), 0.0)) < STRONG
    return Outcome(weaker, weaker >= STRONG and separate)


def codes_extrapolate(run: RunRecord) -> Outcome | None:
    """C6. The number is the smaller of the two codes' agreements beyond [-1, 1], over the agreement within."""
    within, beyond = partial_correlations(run), partial_correlations(run, beyond=True)
    pair = slant_and_width(within)[1]
    if not pair:
        return None
    kept = min(run.measure(f"{code}_agreement_beyond") for code, _ in pair) / run.measure("agreement")
    same = all(beyond.get(one, 0.0) * within[one] > 0 and abs(beyond[one]) >= STRONG for one in pair)
    return Outcome(kept, same and kept >= 0.9)


def digits_have_rows(run: RunRecord) -> Outcome | None:
    """B1. The number is that of the digit which has the worst row: the share of a category's generated images that show
    it, of its best category."""
    worst = run.measure("worst_row") if is_preset_on_mnist(run, "blog") else np.nan
    return None if np.isnan(worst) else Outcome(worst, worst >= 0.9)


def losses_diverge(run: RunRecord) -> Outcome | None:
    """B2. The number is the smaller of two factors, from the first tenth of the run to its last: by which D's mean loss
    falls, and by which G's climbs."""
    if not is_preset_on_mnist(run, "blog"):
        return None
    tenth = max(1, len(run.metrics) // 10)
    first, last = (part[["loss_d", "loss_g"]].mean() for part in (run.metrics[:tenth], run.metrics[-tenth:]))
    factor = float(min(first.loss_d / last.loss_d, last.loss_g / first.loss_g))
    return Outcome(factor, factor >= 2)


RULES = (
    Rule(
        "C1",
        "L_I rises quickly to H(c) (figure 1)",
        "99 % of H(c) within 1,000 updates",
        "updates",
        bound_reaches_entropy,
        1000,
        at_least=False,
    ),
    Rule(
        "C2",
        "a regular GAN keeps L_I low (figure 1)",
        "less than half of H(c) in the end",
        "of H(c)",
        bound_stays_low,
        0.5,
        at_least=False,
    ),
    Rule(
        "C3",
        "c1 errs on 5 % of MNIST (section 7.2)",
        "test accuracy, one-to-one, of 95 % or more",
        "accuracy",
        accuracy(lambda share: share >= 0.95, "authors", "paper"),
        0.95,
        best=True,
    ),
    Rule(
        "C4",
        "c1 of a regular GAN has no clear meaning (figure 2b)",
        "test accuracy below 50 %",
        "accuracy",
        accuracy(lambda share: share < 0.5, "gan"),
        0.5,
        at_least=False,
    ),
    Rule(
        "C5",
        "c2 is rotation (figure 2c)",
        "a code with a partial correlation of 0.5 or more with slant",
        "correlation",
        a_code_is_slant,
        STRONG,
    ),
    Rule(
        "C5",
        "c2 is rotation, c3 is width (figures 2c, 2d)",
        "two codes, partial correlations of 0.5 or more with slant, and with width; that of the second with slant is "
        "less",
        "weaker correlation",
        another_code_is_width,
    ),
    Rule(
        "C6",
        "codes generalise to [-2, 2] (figure 2)",
        "the two correlations with slant and with width are 0.5 or more beyond ±1 as well, with their signs, and there "
        "a classifier agrees with the category at least 0.9 times as often as within",
        "of the agreement within ±1",
        codes_extrapolate,
    ),
    Rule(
        "B1",
        "one 10-way code separates the digits in rows (blog)",
        "each digit has a category of which 90 % or more of the generated images show it",
        "of the worst row's images",
        digits_have_rows,
    ),
    Rule(
        "B2",
        "D's loss falls towards 0 while G's climbs (blog)",
        "from the first tenth of the run to the last D's loss halves, and G's doubles",
        "times, the smaller factor",
        losses_diverge,
    ),
    Rule(
        "O1",
        "c1 errs on 3 % of MNIST at most, without labels",
        "test accuracy, one-to-one, of 97 % or more",
        "accuracy",
        accuracy(lambda share: share >= 0.97, "iic"),
        0.97,
    ),
)
