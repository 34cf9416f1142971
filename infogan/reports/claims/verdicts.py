"""What a row of the scorecard concludes: decided by the interval over seeds, never by one run or by a short one."""

from scipy import stats

from infogan.reports import style

REPLICATES, DOES_NOT, UNDECIDED = "replicates", "does not", "undecided"
HOLDS = "holds"
"""Of a claim of our own, which replicates nothing."""
NOT_TESTED, SHORT = "not tested", "not at full length"
"""Of one run of a setting; of runs shorter than their source's."""
COLLAPSED = "collapsed"
"""Of runs whose generated images are all alike, which judge nothing."""

VERDICTS = {
    REPLICATES: (style.GREEN, "o"),
    HOLDS: (style.GREEN, "P"),
    UNDECIDED: (style.ORANGE, "^"),
    DOES_NOT: (style.VERMILION, "X"),
    SHORT: (style.GREY, "s"),
    NOT_TESTED: (style.GREY, "D"),
    COLLAPSED: (style.GREY, "x"),
}
"""Colour and marker of each."""


def by_interval(low: float, high: float, threshold: float, at_least: bool = True) -> str:
    """Whether the whole 95 % interval [low, high] is on the claim's side of the threshold, none of it is, or a part."""
    if (low >= threshold) if at_least else (high <= threshold):
        return REPLICATES
    if (high < threshold) if at_least else (low > threshold):
        return DOES_NOT
    return UNDECIDED


def by_share(holds: int, of: int) -> str:
    """Whether a rule of several parts holds in more than half of the seeds, by Wilson's 95 % interval."""
    low, high = stats.binomtest(holds, of).proportion_ci(0.95, "wilson")
    return by_interval(low, high, 0.5)
