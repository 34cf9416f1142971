"""The claims as one table, each with the rule that decides it; and the numbers of a run that the rules read."""

import operator
from collections.abc import Callable
from itertools import permutations
from typing import NamedTuple

import numpy as np
import pandas as pd

from infogan.config import Config
from infogan.reports.runs import MATCH, entropy_of, loss_ends, smoothed_bound

REACHED = 0.99
"""Share of H(c) at which L_I counts as having reached it."""
STRONG = 0.5
"""Partial correlation from which a code moves a morphometric."""
LEAST = 0.25
"""Of each number of a code's match with a factor. By chance ten columns of 200 images explain half a percent of the
variance."""
COST = 1.1  # times a GAN's time and memory that count as nearly nothing
LEAD = -0.02  # of accuracy, of lambda 1 over the best other
MATCHED = (
    "normalised mutual information of the code and the factor, beyond untrained networks and regular GANs, of "
    f"{LEAST} or more; in generated images the code explains {LEAST} or more of the factor's variance, and moves it by "
    f"{LEAST} or more of its spread over real images"
)
COST_RULE = f"at most {COST} times its time and memory, at each batch size"
LEAD_RULE = f"mean accuracy with λ 1 at most {-LEAD} below that with any other tried"
TWO_CODES = (
    "two codes, partial correlations of 0.5 or more with slant, and with width; that of the second with slant is less"
)
ROWS = "each digit has a category of which 90 % or more of the generated images show it"
LOSSES = "from the first tenth of the run to the last D's loss halves, and G's doubles"
BEYOND = (
    "the two correlations with slant and with width are 0.5 or more beyond ±1 as well, with their signs, and there a "
    "classifier agrees with the category at least 0.9 times as often as within"
)
SIGNS: dict[str, Callable[[float, float], bool]] = {"≥": operator.ge, "≤": operator.le, "<": operator.lt}


class Claim(NamedTuple):
    """A claim and its rule."""

    claim: str
    """Its number in the scorecard: C, of the paper; B, of the blog; O, ours."""
    says: str
    rule: str
    number: str
    """What the number is, with its unit."""
    threshold: float
    sign: str = "≥"
    """How the number is to compare with the threshold, a key of SIGNS."""
    presets: tuple[str, ...] = ()
    """Whose runs on MNIST, of the presets as they are, it concerns."""
    measures: tuple[str, ...] = ()
    """Columns of a run: the number, and others for which the same holds."""
    condition: str = ""
    """A column of a run that has to be true as well."""
    by_share: bool = False
    """A rule of several parts has no mean that could decide it: the share of seeds it holds in does."""
    best: bool = False
    """Whether the source chose among its runs, so that the best of the seeds has a row as well."""
    figure: str = ""
    """Whose panels it concerns."""
    datasets: tuple[str, ...] = ()
    """On which the source has the figure."""

    def holds(self, number: float) -> bool:
        """Whether a number is on the claim's side of the threshold."""
        return bool(SIGNS[self.sign](number, self.threshold))


def _figure(claim: str, what: str, number: int, *datasets: str) -> Claim:
    """C9 to C12: `says` is completed by the panel."""
    says, figure = f"{what}: {{panel}} (figure {number})", f"figure{number}"
    return Claim(claim, says, MATCHED, "normalised MI", LEAST, "≥", (), MATCH, figure=figure, datasets=datasets)


INFOGANS, SHAPES = ("authors", "paper"), ("authors", "paper", "iic")
CLAIMS = (
    Claim(
        "C1",
        "L_I rises quickly to H(c) (figure 1)",
        "99 % of H(c) within 1,000 updates",
        "updates",
        1000,
        "≤",
        INFOGANS,
        ("updates_to_entropy",),
    ),
    Claim(
        "C2",
        "a regular GAN keeps L_I low (figure 1)",
        "less than half of H(c) in the end",
        "of H(c)",
        0.5,
        "<",
        ("gan",),
        ("bound_share",),
    ),
    Claim(
        "C3",
        "c1 errs on 5 % of MNIST (section 7.2)",
        "test accuracy, one-to-one, of 95 % or more",
        "accuracy",
        0.95,
        "≥",
        INFOGANS,
        ("accuracy",),
        best=True,
    ),
    Claim(
        "C4",
        "c1 of a regular GAN has no clear meaning (figure 2b)",
        "test accuracy below 50 %",
        "accuracy",
        0.5,
        "<",
        ("gan",),
        ("accuracy",),
    ),
    Claim(
        "C5",
        "c2 is rotation (figure 2c)",
        "a code with a partial correlation of 0.5 or more with slant",
        "correlation",
        STRONG,
        "≥",
        SHAPES,
        ("slant",),
    ),
    Claim(
        "C5",
        "c2 is rotation, c3 is width (figures 2c, 2d)",
        TWO_CODES,
        "weaker correlation",
        STRONG,
        "≥",
        SHAPES,
        ("slant_and_width",),
        condition="second_is_no_slant",
        by_share=True,
    ),
    Claim(
        "C6",
        "codes generalise to [-2, 2] (figure 2)",
        BEYOND,
        "of the agreement within ±1",
        0.9,
        "≥",
        SHAPES,
        ("agreement_kept",),
        condition="correlations_kept",
        by_share=True,
    ),
    Claim(
        "C7",
        "InfoGAN costs nearly nothing on top of a GAN (section 5)",
        COST_RULE,
        "times, at worst",
        COST,
        "≤",
        (),
        (),
    ),
    Claim(
        "C8",
        "λ = 1 is simply fine for discrete codes (section 5)",
        LEAD_RULE,
        "accuracy",
        LEAD,
        "≥",
        (),
        (),
    ),
    _figure("C9", "faces", 3),  # the paper's are not distributed
    _figure("C10", "chairs", 4, "rendered_chairs"),
    _figure("C11", "SVHN", 5, "svhn"),
    _figure("C12", "CelebA", 6, "celeba"),
    Claim(
        "B1",
        "one 10-way code separates the digits in rows (blog)",
        ROWS,
        "of the worst row's images",
        0.9,
        "≥",
        ("blog",),
        ("worst_row",),
        by_share=True,
    ),
    Claim(
        "B2",
        "D's loss falls towards 0 while G's climbs (blog)",
        LOSSES,
        "times, the smaller factor",
        2,
        "≥",
        ("blog",),
        ("losses_factor",),
        by_share=True,
    ),
    Claim(
        "O1",
        "c1 errs on 3 % of MNIST at most, without labels",
        "test accuracy, one-to-one, of 97 % or more",
        "accuracy",
        0.97,
        "≥",
        ("iic",),
        ("accuracy",),
    ),
)


def numbers(row: pd.Series, config: Config, metrics: pd.DataFrame) -> dict[str, float]:
    """What the rules read of a run of categorical codes. row: of `read_runs`; metrics: its rows of metrics.csv.

    updates_to_entropy: infinite where L_I never reaches H(c). bound_share: of H(c), at the end. losses_factor: the
    smaller of two factors, from the first tenth of the run to its last, by which D's mean loss falls and G's climbs.
    """
    bound = smoothed_bound(metrics) / entropy_of(config)
    reached = metrics.step[bound >= REACHED]
    losses = loss_ends(metrics)
    falls = losses["loss_d_first_tenth"] / losses["loss_d_last_tenth"]
    climbs = losses["loss_g_last_tenth"] / losses["loss_g_first_tenth"]
    first = float(reached.iloc[0]) if len(reached) else np.inf
    ours = {"updates_to_entropy": first, "bound_share": float(bound.iloc[-1]), "losses_factor": min(falls, climbs)}
    return ours | numbers_of_codes(row)


def numbers_of_codes(row: pd.Series) -> dict[str, float]:
    """What `infogan morphology` found of the codes in [-1, 1] and beyond; empty where it was not run.

    slant: the strongest partial correlation. slant_and_width: of the two codes that fit best, one to slant and the
    other to width, the weaker correlation; 0 where none fit. second_is_no_slant: whether the second's correlation with
    slant is below STRONG. Of the same codes agreement_kept: the smaller agreement beyond [-1, 1] over that within; and
    correlations_kept: whether both are STRONG beyond as well, with their signs.
    """
    within, beyond = (
        {
            (code, name): row[column]
            for code in ("c2", "c3")
            for name in ("slant", "width")
            if pd.notna(row.get(column := f"{code}_{name}{suffix}"))
        }
        for suffix in ("", "_beyond")
    )
    if not within:
        return {}
    slants = [abs(value) for (_, name), value in within.items() if name == "slant"]
    found = {"slant": max(slants, default=0.0), "slant_and_width": 0.0, "second_is_no_slant": False}
    pairs = [((a, "slant"), (b, "width")) for a, b in permutations(("c2", "c3"))]
    pairs = [pair for pair in pairs if within.keys() >= set(pair)]
    if not pairs:
        return found
    pair = max(pairs, key=lambda pair: min(abs(within[one]) for one in pair))
    kept = min(row.get(f"{code}_agreement_beyond", np.nan) for code, _ in pair) / row.get("agreement", np.nan)
    return found | {
        "slant_and_width": min(abs(within[one]) for one in pair),
        "second_is_no_slant": abs(within.get((pair[1][0], "slant"), 0.0)) < STRONG,
        "agreement_kept": kept,
        "correlations_kept": all(beyond.get(one, 0.0) * within[one] > 0 and abs(beyond[one]) >= STRONG for one in pair),
    }
