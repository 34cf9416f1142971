"""Named runs of a dataset; tests/studies/test_reproduce.py trains them."""

import pytest

from infogan.studies.runs import time_left


@pytest.mark.parametrize(
    ("runs", "durations", "workers", "text"),
    [
        (3, [600.0, 1200.0], 1, "  (45 min left)"),
        (4, [600.0, 1200.0], 2, "  (30 min left)"),
        (1, [30.0], 1, ""),
        (0, [600.0], 1, ""),
        (5, [], 1, ""),
    ],
)
def test_the_time_left_is_that_of_the_runs_so_far(runs, durations, workers, text):
    assert time_left(runs, durations, workers) == text
