"""The claims that are checked on one run at a time, each with its rule."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from infogan import records
from infogan.codes import Latent
from infogan.config import Config
from infogan.presets import NETWORK_FIELDS, PRESETS, SOURCES, changed_fields
from infogan.reports import common

REACHED = 0.99
"""Share of H(c) at which L_I counts as having reached it."""


class RunRecord(NamedTuple):
    """What is read of a run directory."""

    directory: Path
    config: Config
    metrics: pd.DataFrame
    evaluation: dict
    """evaluation.json; empty where there is none."""
    quality: dict
    """quality.json; empty where there is none."""

    @property
    def collapsed(self) -> bool:
        """Whether G has collapsed: no claim is judged on such a run."""
        return bool(self.evaluation.get("collapsed") or self.quality.get("collapsed"))

    def figure(self, name: str) -> dict | None:
        """figures/NAME.json, where there is one."""
        path = self.directory / "figures" / f"{name}.json"
        return records.read_json(path) if path.exists() else None


def read(directory: Path) -> RunRecord:
    """Raises InputError where the directory is not that of a run."""
    metrics = common.read_metrics(directory)
    measured = [records.read_optional(directory / name) for name in ("evaluation.json", "quality.json")]
    return RunRecord(directory, records.read_config(directory), metrics, *measured)


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


def is_preset_on_mnist(run: RunRecord, *presets: str) -> bool:
    """Whether it is a finished run on MNIST of one of the presets, as it is or with a source's networks."""
    config = run.config
    if config.dataset != "mnist" or config.preset not in presets or run.metrics.step.iloc[-1] != config.updates:
        return False
    sources = [dataclasses.asdict(PRESETS[name][0]) for name in SOURCES]
    allowed = all(getattr(config, field) in {source[field] for source in sources} for field in NETWORK_FIELDS)
    return allowed and not changed_fields(config, *NETWORK_FIELDS)


def relative_bound(run: RunRecord) -> pd.Series:
    """L_I / H(c) of the categorical codes, smoothed, by update."""
    config = run.config
    entropy = Latent(config.codes, config.noise, config.q_std).entropy[0]
    smooth = common.smoothed_bound(run.metrics, config.log_every)
    return pd.Series((smooth / entropy).to_numpy(), index=run.metrics.step)


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
        value = run.evaluation.get("accuracy") if is_preset_on_mnist(run, *presets) else None
        return None if value is None else Outcome(value, holds(value))

    return check


Correlations = dict[tuple[int, str], float]
"""Partial correlation of (continuous code, morphometric)."""


def partial_correlations(run: RunRecord, where: str) -> Correlations | None:
    """Of morphology.json; where: "within" [-1, 1], or "beyond"."""
    found = run.figure("morphology") if is_preset_on_mnist(run, "authors", "paper", "iic") else None
    if not found:
        return None
    return {(row["code"], row["measure"]): row["effect"] for row in found["correlations"] if row["where"] == where}


def slant_and_width(effects: Correlations) -> tuple[float, list[tuple[int, str]]]:
    """The two codes that fit best, one to slant and the other to width or thickness.

    Returns: the weaker of the two correlations, and the two (code, morphometric); 0 and none where there are none.
    """
    slants = [one for one in effects if one[1] == "slant"]
    widths = [one for one in effects if one[1] in ("width", "thickness")]
    pairs = [[a, b] for a in slants for b in widths if a[0] != b[0]]
    return max(((min(abs(effects[one]) for one in pair), pair) for pair in pairs), default=(0.0, []))


def codes_are_slant_and_width(run: RunRecord) -> Outcome | None:
    """C5."""
    if (effects := partial_correlations(run, "within")) is None:
        return None
    weaker, _ = slant_and_width(effects)
    return Outcome(weaker, weaker >= 0.5)


def codes_extrapolate(run: RunRecord) -> Outcome | None:
    """C6. The number is the smaller of the two codes' agreements beyond [-1, 1], over the agreement within."""
    found, within = run.figure("morphology"), partial_correlations(run, "within")
    if within is None or found is None or not (pair := slant_and_width(within)[1]):
        return None
    beyond = partial_correlations(run, "beyond") or {}
    agreement = {row["where"]: row["agreement"] for row in found["agreement"]}
    kept = min(agreement[f"code {code} beyond"] for code, _ in pair) / agreement["within"]
    # A morphometric that does not vary beyond has no correlation there.
    same = all(beyond.get(one, 0.0) * within[one] > 0 and abs(beyond[one]) >= 0.5 for one in pair)
    return Outcome(kept, same and kept >= 0.9)


def digits_have_rows(run: RunRecord) -> Outcome | None:
    """B1. The number is that of the digit which has the worst row: the share of a category's generated images that show
    it, of its best category."""
    if not is_preset_on_mnist(run, "blog") or "shown" not in run.quality:
        return None
    shown = np.array(run.quality["shown"])
    worst = float((shown / shown.sum(1, keepdims=True)).max(0).min())
    return Outcome(worst, worst >= 0.9)


def losses_diverge(run: RunRecord) -> Outcome | None:
    """B2. The number is the smaller of two factors, from the first tenth of the run to its last: by which D's mean loss
    falls, and by which G's climbs."""
    if not is_preset_on_mnist(run, "blog"):
        return None
    tenth = max(1, len(run.metrics) // 10)
    first, last = run.metrics[:tenth].mean(numeric_only=True), run.metrics[-tenth:].mean(numeric_only=True)
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
        "c2 is rotation, c3 is width (figures 2c, 2d)",
        "two codes, partial correlations of 0.5 or more with slant, and with width or thickness",
        "weaker correlation",
        codes_are_slant_and_width,
        0.5,
    ),
    Rule(
        "C6",
        "codes generalise to [-2, 2] (figure 2)",
        "the same beyond +-1, where a classifier agrees with the category at least 0.9 times as often as within",
        "of the agreement within +-1",
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
        2,
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
