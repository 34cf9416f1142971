"""What a row of the scorecard concludes: decided by the interval over seeds; never by one run, by a short one, or by
one on other data than the source's."""

from infogan import style
from infogan.metrics.clustering import share_interval

REPLICATES, DOES_NOT, UNDECIDED = "replicates", "does not replicate", "undecided"
HOLDS, DOES_NOT_HOLD = "holds", "does not hold"
"""Of presets of our own, which replicate nothing."""
NOT_TESTED, SHORT = "not tested", "not at full length"
"""Of one run of a setting; of runs shorter than their source's."""
OTHER_DATA = "not on the source's data"
"""Of runs on a stand-in, on images of a file, which may be a part of the source's, or on another dataset."""
COLLAPSED = "collapsed"
"""Of runs whose generated images are all alike, which judge nothing."""

VERDICTS = {
    REPLICATES: (style.GREEN, "o"),
    HOLDS: (style.GREEN, "P"),
    UNDECIDED: (style.ORANGE, "^"),
    DOES_NOT: (style.VERMILION, "X"),
    DOES_NOT_HOLD: (style.VERMILION, "X"),
    SHORT: (style.GREY, "s"),
    OTHER_DATA: (style.GREY, "v"),
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
    """Whether a rule of several parts holds in more than half of the seeds, by Wilson's 95 % interval.

    That of three seeds or fewer contains a half whatever they are, so that they decide nothing.
    """
    return by_interval(*share_interval(holds, of), 0.5)


def of_ours(verdict: str) -> str:
    """What is said of a preset of our own in place of a replication, or of none."""
    return {REPLICATES: HOLDS, DOES_NOT: DOES_NOT_HOLD}.get(verdict, verdict)
