"""Tables of what single settings do to the accuracy of `authors`."""

import pandas as pd
from scipy import stats

from table_sources.common import csv, h200, interval, markdown, share, table


def _difference(value: pd.Series, own: pd.Series) -> str:
    """Difference of means with Welch's interval; empty for a single run."""
    if len(value) < 2:
        return ""
    welch = stats.ttest_ind(value, own, equal_var=False)
    bounds = welch.confidence_interval(0.95)
    return f"{interval(value.mean() - own.mean(), bounds.low, bounds.high)}, p = {welch.pvalue:.3f}"


SETTINGS = {
    "lambda_categorical": "λ categorical",
    "lambda_continuous": "λ continuous",
    "codes": "codes",
    "batch_size": "batch size",
}


@table
def settings_digits() -> str:
    values = csv("digits-settings/settings-values.csv")
    rows = []
    for each in values[~values.own].itertuples():
        difference = interval(each.difference, each.difference_low, each.difference_high)
        accuracy = interval(each.accuracy, each.low, each.high)
        rows.append((SETTINGS[each.setting], each.value, each.seeds, accuracy, difference, f"{each.p_holm:.3f}"))
    own = values[values.own].iloc[0]
    rows.insert(0, ("`authors` as it is", "", own.seeds, interval(own.accuracy, own.low, own.high), "", ""))
    return markdown(
        "setting | value | seeds | test accuracy | difference from `authors` | p (Holm, 19 comparisons)", rows
    )


@table
def settings_h200() -> str:
    own = h200()[h200().why == "ten seeds"].test_accuracy
    preset = {"lambda_categorical": 1.0, "lambda_continuous": 1.0, "codes": "10c+2u", "batch_size": 128}
    varied = h200()[h200().why == "settings"]
    rows: list[tuple] = [("`authors` as it is", "", len(own), share(own), "")]
    for field, name in SETTINGS.items():
        for value, runs in varied[varied[field] != preset[field]].groupby(field):
            shown = f"{value:g}" if isinstance(value, float) else value
            accuracy = runs.test_accuracy
            rows.append((name, shown, len(runs), share(accuracy), _difference(accuracy, own)))
    return markdown("setting | value | seeds | test accuracy | difference from `authors`, p (uncorrected)", rows)


@table
def weights() -> str:
    """Lambda of the categorical codes on 8 x 8 digits and on MNIST."""
    digits = csv("digits-settings/settings-values.csv").query("setting == 'lambda_categorical'")
    small = {float(row.value): interval(row.accuracy, row.low, row.high) for row in digits.itertuples()}
    runs = h200()[h200().why.isin(("settings", "ten seeds"))]
    others = (runs.lambda_continuous == 1) & (runs.codes == "10c+2u") & (runs.batch_size == 128)
    large = {value: share(group.test_accuracy) for value, group in runs[others].groupby("lambda_categorical")}
    rows = [(f"{value:g}", small.get(value, ""), large.get(value, "")) for value in sorted({*small, *large})]
    return markdown("λ categorical | 8×8 digits, two CPU cores, float32 | MNIST, NVIDIA H200, bfloat16", rows)
