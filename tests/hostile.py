"""Values that no run writes, for tests of what reads the files of strangers."""

import dataclasses

from hypothesis import strategies as st

from infogan.config import Config

HOSTILE = [float("nan"), float("inf"), 2**70, 10**4000, -1, 0, True, None, "", "\ud800", "9" * 5000 + "c", [[1]], {}]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(HOSTILE),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(), each, max_size=3),
    max_leaves=4,
)
"""Any JSON, and values that break what trusts them."""
NAMES = [field.name for field in dataclasses.fields(Config)]
CHANGES = st.dictionaries(st.sampled_from(NAMES) | st.text(), JSON, min_size=1, max_size=3)
"""Of a configuration: some of its fields, or others, with any JSON."""
