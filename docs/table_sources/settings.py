"""Tables of what single settings do to the accuracy of `authors`."""

import pandas as pd

from infogan.reports.settings import WANTED, collect, seeds_needed
from table_sources.common import RESULTS, csv, interval, markdown, table

SETTINGS = {
    "lambda_categorical": "λ categorical",
    "lambda_continuous": "λ continuous",
    "codes": "codes",
    "batch_size": "batch size",
}
AS_IT_IS = "the preset's values"
DIGITS, LONGER = "settings-digits", "settings-digits/longer"


def values(folder: str) -> pd.DataFrame:
    """settings-values.csv of a study, numbers as text without needless zeros."""
    found = csv(f"{folder}/settings-values.csv")
    found["value"] = [text if "c" in text else f"{float(text):g}" for text in found.value.astype(str)]
    return found


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _differences(folder: str) -> str:
    """A row for each value: collapsed runs, accuracy, difference from the preset, p-values, detectable difference,
    L_I."""
    found, rows = values(folder), []
    own = found[found.own].iloc[0]
    names = [f"{SETTINGS[row.setting]} {row.value}" for row in found.itertuples()]
    for name, row in [(AS_IT_IS, own), *zip(names, found.iloc)]:
        if row.own and name in names:
            continue
        cells: list[object] = [""] * 5
        if not pd.isna(row.difference):
            cells = [interval(row.difference, row.difference_low, row.difference_high)]
            cells += [_p(p) for p in (row.p, row.p_holm, row.p_welch_holm)] + [f"{row.detectable:.2f}"]
        accuracy = interval(row.accuracy, row.low, row.high)
        rows.append([name, row.seeds, row.collapsed, accuracy, *cells, f"{row.bound_share:.3f}"])
    first = "setting | seeds | G collapsed in | test accuracy | difference"
    return markdown(f"{first} | p | p, Holm | p, Holm, Welch | detectable difference | L_I / H(c)", rows)


@table
def settings_digits() -> str:
    """Runs of 781 updates."""
    return _differences(DIGITS)


@table
def settings_longer() -> str:
    """λ of the categorical code in runs of 5,000 updates."""
    return _differences(LONGER)


@table
def settings_power() -> str:
    """Spreads over the preset's seeds, and the seeds that differences need."""
    rows, digits = [], collect((RESULTS / DIGITS,))
    for name, runs in (("MNIST", csv("authors-mnist/runs.csv")), ("8×8 digits", digits[digits.setting == ""])):
        spread = runs.accuracy.std()
        rows.append((name, len(runs), f"{spread:.3f}", *(seeds_needed(size, spread) for size in WANTED)))
    sizes = " | ".join(f"seeds of each value for a difference of {size:g}" for size in WANTED)
    return markdown(f"data | seeds of the preset | their standard deviation | {sizes}", rows)
