"""Runs of iic on digits before and after batch norm of Q took running statistics for generated images."""

from table_sources.common import csv, markdown, table


@table
def iic_digits() -> str:
    """How many of the runs collapsed, and what is left of L_I in their images."""
    runs, rows = csv("iic-digits/runs.csv"), []
    for recipe, of in (("before", "seed 0, five settings of the math libraries"), ("after", "seeds 0 to 9")):
        some = runs[runs.recipe == recipe]
        columns = ("accuracy", "info_categorical_nats", "info_8bit_categorical_nats", "spread")
        cells = [f"{some[name].min():.2f} to {some[name].max():.2f}" for name in columns]
        rows.append((recipe, of, len(some), int(some.collapsed.sum()), *cells))
    return markdown("recipe | runs of | runs | G has collapsed in | accuracy | L_I | of 8-bit images | spread", rows)
