"""Tables of what single settings do to the accuracy of `authors`, and the figures of that in prose."""

import pandas as pd

from infogan.reports.settings import WANTED, seeds_needed
from table_sources.common import csv, interval, markdown, table

SETTINGS = {
    "lambda_categorical": "λ categorical",
    "lambda_continuous": "λ continuous",
    "codes": "codes",
    "batch_size": "batch size",
}
AS_IT_IS = "the preset's values"
MNIST, DIGITS, LONGER = "settings-mnist", "settings-digits", "settings-digits/longer"


def values(folder: str) -> pd.DataFrame:
    """settings-values.csv of a study, numbers as text without needless zeros."""
    found = csv(f"{folder}/settings-values.csv")
    found["value"] = [text if "c" in text else f"{float(text):g}" for text in found.value.astype(str)]
    return found


def own_runs(folder: str) -> pd.DataFrame:
    """The preset's own runs in a study."""
    runs = csv(f"{folder}/settings.csv")
    return runs[runs.setting.isna()]


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _differences(folder: str) -> str:
    """A row for each value: accuracy, difference from the preset, p-values, detectable difference, L_I."""
    found, rows = values(folder), []
    bound = "bound_share" in found
    own = found[found.own].iloc[0]
    names = [f"{SETTINGS[row.setting]} {row.value}" for row in found.itertuples()]
    for name, row in [(AS_IT_IS, own), *zip(names, found.iloc)]:
        if row.own and name in names:
            continue
        cells: list[object] = [name, row.seeds, interval(row.accuracy, row.low, row.high)]
        if pd.isna(row.difference):
            cells += ["", "", "", "", ""]
        else:
            cells.append(interval(row.difference, row.difference_low, row.difference_high))
            cells += [_p(p) for p in (row.p, row.p_holm, row.p_welch_holm)] + [f"{row.detectable:.2f}"]
        rows.append(cells + ([f"{row.bound_share:.3f}"] if bound else []))
    header = "setting | seeds | test accuracy | difference | p | p, Holm | p, Holm, Welch | detectable difference"
    return markdown(header + (" | L_I / H(c)" if bound else ""), rows)


@table
def settings_mnist() -> str:
    return _differences(MNIST)


@table
def settings_digits() -> str:
    return _differences(DIGITS)


@table
def settings_longer() -> str:
    """Lambda of the categorical code on digits, in short runs and in runs with as many updates as on MNIST."""
    rows = []
    short = values(DIGITS).query("setting == 'lambda_categorical'").set_index("value")
    for row in values(LONGER).itertuples():
        before = short.loc[row.value]
        cells = [interval(one.accuracy, one.low, one.high) for one in (before, row)]
        difference = "" if row.own else interval(row.difference, row.difference_low, row.difference_high)
        p = "" if row.own else _p(row.p_welch_holm)
        rows.append(
            (row.value, cells[0], f"{before.bound_share:.3f}", cells[1], f"{row.bound_share:.3f}", difference, p)
        )
    after = "5,000 updates, five seeds | L_I / H(c) | difference from 1 | p, Holm, Welch"
    return markdown(f"λ categorical | 781 updates, ten seeds | L_I / H(c) | {after}", rows)


@table
def settings_power() -> str:
    """Spreads over the preset's seeds, and the seeds that differences need."""
    rows = []
    for name, folder in (("MNIST", MNIST), ("8×8 digits", DIGITS)):
        runs = own_runs(folder).accuracy
        rows.append((name, len(runs), f"{runs.std():.3f}", *(seeds_needed(size, runs.std()) for size in WANTED)))
    sizes = " | ".join(f"seeds of each value for a difference of {size:g}" for size in WANTED)
    return markdown(f"data | seeds of the preset | their standard deviation | {sizes}", rows)


@table
def weights() -> str:
    """Lambda of the categorical codes on 8 x 8 digits and on MNIST."""
    columns = []
    for folder in (DIGITS, MNIST):
        found = values(folder).query("setting == 'lambda_categorical'")
        columns.append({float(row.value): interval(row.accuracy, row.low, row.high) for row in found.itertuples()})
    small, large = columns
    rows = [(f"{value:g}", small.get(value, ""), large.get(value, "")) for value in sorted({*small, *large})]
    return markdown("λ categorical | 8×8 digits | MNIST", rows)
