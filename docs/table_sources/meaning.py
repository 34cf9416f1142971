"""Runs of iic on digits: Q's batch norm by the statistics of real images, and by those of the batch."""

import pandas as pd

from table_sources.common import csv, markdown, table


@table
def iic_digits() -> str:
    """How many of the runs collapsed, and what is left of L_I in their images."""
    preset, batch, rows = csv("iic-digits/runs.csv"), csv("iic-digits/batch-statistics.csv"), []
    avx2 = preset.run.str.contains("avx2")
    for statistics, of, some in (
        ("the batch", "seed 0, five settings of the math libraries", batch),
        ("real images (the preset)", "seed 0, a setting in which the other collapsed", preset[avx2]),
        ("real images (the preset)", "seeds 0 to 9", preset[~avx2]),
    ):
        columns = ("info_categorical_nats", "info_8bit_categorical_nats", "info_blurred_categorical_nats", "spread")
        cells = [_range(some[name]) for name in ("accuracy", *columns)]
        rows.append((statistics, of, len(some), int(some.collapsed.sum()), *cells))
    header = (
        "statistics of | runs of | runs | G collapsed in | accuracy | L_I, nats | of 8-bit images | blurred | spread"
    )
    return markdown(header, rows)


@table
def collapse_by_preset() -> str:
    """In how many runs of each preset G has collapsed or Q fails in evaluation mode, of those that were measured."""
    digits = [csv("presets-digits/runs.csv"), csv("iic-digits/runs.csv").query("not run.str.contains('avx2')")]
    folders = ("authors-mnist", "mnist", "mnist-blog", "iic-mnist", "mnist-paper-images")
    data = [
        pd.concat(tables).dropna(subset="collapsed") for tables in (digits, [csv(f"{f}/runs.csv") for f in folders])
    ]
    rows = []
    for preset in ("authors", "paper", "blog", "gan", "iic"):
        on_digits, on_mnist = (some[some.preset == preset] for some in data)
        cells = [f"{on_digits.updates.iloc[0]:,}", *(_count(on_digits[flag]) for flag in ("collapsed", "q_fails"))]
        rows.append((f"`{preset}`", *cells, f"{on_mnist.updates.iloc[0]:,}", _count(on_mnist.collapsed)))
    return markdown(
        "preset | updates on digits | G collapsed in | Q fails in | updates on MNIST | G collapsed in", rows
    )


def _count(flags: pd.Series) -> str:
    return f"{int(flags.eq(True).sum())} of {len(flags)}" if flags.notna().any() else ""


def _range(values: pd.Series) -> str:
    low, high = values.min(), values.max()
    return f"{low:.2f}" if len(values) == 1 else f"{low:.2f} to {high:.2f}"
