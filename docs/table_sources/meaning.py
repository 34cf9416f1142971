"""Runs of iic on digits before and after batch norm of Q took running statistics for generated images."""

import pandas as pd

from table_sources.common import csv, markdown, table


def ten_seeds() -> pd.DataFrame:
    """Those after the change, as anybody's command trains them."""
    runs = csv("iic-digits/runs.csv")
    return runs[(runs.recipe == "after") & runs.environment.isna()]


@table
def iic_digits() -> str:
    """How many of the runs collapsed, and what is left of L_I in their images."""
    runs, rows = csv("iic-digits/runs.csv"), []
    avx2 = runs.environment.str.contains("ONEDNN", na=False)
    for recipe, of, some in (
        ("before", "seed 0, five settings of the math libraries", runs[runs.recipe == "before"]),
        ("after", "seed 0, a setting that collapsed before", runs[(runs.recipe == "after") & avx2]),
        ("after", "seeds 0 to 9", ten_seeds()),
    ):
        columns = ("info_categorical_nats", "info_8bit_categorical_nats", "info_blurred_categorical_nats", "spread")
        cells = [_range(some[name]) for name in ("accuracy", *columns)]
        rows.append((recipe, of, len(some), int(some.collapsed.sum()), *cells))
    header = "recipe | runs of | runs | G has collapsed in | accuracy | L_I, nats | of 8-bit images | blurred | spread"
    return markdown(header, rows)


def _range(values: pd.Series) -> str:
    low, high = values.min(), values.max()
    return f"{low:.2f}" if len(values) == 1 else f"{low:.2f} to {high:.2f}"
