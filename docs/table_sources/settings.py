"""Tables of what single settings do to the accuracy of `authors`, and the figures of that in prose."""

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
MNIST, DIGITS = "settings-mnist", "settings-digits"


def values(folder: str) -> pd.DataFrame:
    """settings-values.csv of a study, numbers as text without needless zeros."""
    found = csv(f"{folder}/settings-values.csv")
    found["value"] = [text if "c" in text else f"{float(text):g}" for text in found.value.astype(str)]
    return found


def own_runs(folder: str) -> pd.DataFrame:
    """The preset's own runs in a study."""
    file = RESULTS / folder / "settings.csv"  # of MNIST, from an earlier commit
    runs = collect((file if file.exists() else RESULTS / folder,))
    return runs[runs.setting == ""]


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _differences(folder: str) -> str:
    """A row for each value: accuracy, difference from the preset, p-values, detectable difference, L_I."""
    found, rows = values(folder), []
    bound, collapsed = "bound_share" in found, "collapsed" in found
    own = found[found.own].iloc[0]
    names = [f"{SETTINGS[row.setting]} {row.value}" for row in found.itertuples()]
    for name, row in [(AS_IT_IS, own), *zip(names, found.iloc)]:
        if row.own and name in names:
            continue
        cells: list[object] = [name, row.seeds, *([row.collapsed] if collapsed else [])]
        cells.append(interval(row.accuracy, row.low, row.high))
        if pd.isna(row.difference):
            cells += ["", "", "", "", ""]
        else:
            cells.append(interval(row.difference, row.difference_low, row.difference_high))
            cells += [_p(p) for p in (row.p, row.p_holm, row.p_welch_holm)] + [f"{row.detectable:.2f}"]
        rows.append(cells + ([f"{row.bound_share:.3f}"] if bound else []))
    first = "setting | seeds | " + "G collapsed in | " * collapsed + "test accuracy | difference"
    header = f"{first} | p | p, Holm | p, Holm, Welch | detectable difference"
    return markdown(header + (" | L_I / H(c)" if bound else ""), rows)


@table
def settings_mnist() -> str:
    return _differences(MNIST)


@table
def settings_digits() -> str:
    return _differences(DIGITS)


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
