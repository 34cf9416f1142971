"""Tables of what single settings do to the accuracy of `authors`, and the figures of that in prose."""

import math

import pandas as pd
from scipy import stats

from infogan.reports.settings.comparison import LEVEL, WANTED, detectable, seeds_needed
from table_sources.common import NUMBERS, csv, interval, markdown, over, read, table

SETTINGS = {
    "lambda_categorical": "λ categorical",
    "lambda_continuous": "λ continuous",
    "codes": "codes",
    "batch_size": "batch size",
}
AS_IT_IS = "the preset's values"
BY_BOTH = [
    "batch_size 16",
    "batch_size 32",
    "batch_size 256",
    "batch_size 512",
    "codes 10c",
    "codes 20c+2u",
    "codes 2x10c+2u",
    "lambda_categorical 0.01",
    "lambda_categorical 0.1",
]
"""Values on digits that both tests distinguish from the preset's after the correction."""
ALONE = {"batch_size 16", "batch_size 32", "batch_size 256", "codes 10c"}
FORMER_ALONE = {"lambda_categorical 10", "codes 10c+4u"}
"""What Welch's test finds in the present study on digits alone, and in the former one alone."""
MNIST, DIGITS, LONGER = "mnist-settings", "digits-settings", "digits-settings/longer"
FORMER = "digits-settings/paper-networks"
ENDS = "mnist-settings/epyc"
"""The smallest and the largest lambda on MNIST, of the present `authors`."""


def values(folder: str) -> pd.DataFrame:
    """settings-values.csv of a study, numbers as text without needless zeros."""
    found = csv(f"{folder}/settings-values.csv")
    found["value"] = [text if "c" in text else f"{float(text):g}" for text in found.value.astype(str)]
    return found


def own_runs(folder: str) -> pd.DataFrame:
    """The preset's own runs in a study."""
    runs = csv(f"{folder}/settings.csv")
    return runs[runs.setting.isna()]


def line(folder: str, setting: str, value: str) -> pd.Series:
    """The row of one value."""
    [row] = values(folder).query("setting == @setting and value == @value").to_dict("records")
    return pd.Series(row)


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
def settings_mnist_epyc() -> str:
    return _differences(ENDS)


@table
def settings_digits() -> str:
    return _differences(DIGITS)


@table
def settings_updates() -> str:
    """Accuracy by batch size on both datasets, with the updates that equal images leave."""
    columns = []
    for folder, images in ((DIGITS, 100_000), (MNIST, 640_000)):
        found = values(folder).query("setting == 'batch_size'")
        cells = [
            (f"{images // int(row.value):,}", interval(row.accuracy, row.low, row.high)) for row in found.itertuples()
        ]
        columns.append(dict(zip(found.value, cells)))
    small, large = columns
    rows = [(batch, *small[batch], *large.get(batch, ("", ""))) for batch in reversed(small)]
    return markdown("batch size | updates, digits | accuracy, digits | updates, MNIST | accuracy, MNIST", rows)


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
    return markdown(
        "λ categorical | 8×8 digits, `authors`, AMD EPYC | MNIST, with the paper's networks, NVIDIA H200", rows
    )


def settings_facts() -> dict[str, list[str]]:
    """Page to phrases, as facts()."""
    large, model, own = line(MNIST, "batch_size", "512"), read(f"{MNIST}/settings-model.json"), own_runs(MNIST).accuracy
    found, small = values(MNIST), values(DIGITS)
    differ = found[(found.p_holm < 0.05) & ~found.own]
    assert list(differ.value) == ["512"] and model["seed_sd"] == 0, "the page says so"
    assert read(f"{DIGITS}/settings-model.json")["seed_sd"] == 0, "the page says so"
    lambdas = found[(found.setting == "lambda_categorical") & ~found.own].difference.abs().max()
    lower = interval(-large.difference, -large.difference_high, -large.difference_low)
    needed = model["seeds_needed"]
    corrected = detectable(5, len(own), own.std(), LEVEL / len(found.p.dropna()))
    by_both = small[small.p_welch_holm < 0.05]
    assert (by_both.p_holm < 0.05).all(), "the page says so"
    names = [f"{row.setting} {row.value}" for row in by_both.itertuples()]
    assert names == BY_BOTH, f"the page names them: {names}"
    least, most = (line(ENDS, "lambda_categorical", value) for value in ("0.01", "30"))
    assert least.p_welch_holm < 0.05 and most.p_holm < 0.05 < most.p_welch_holm, "the page says so"
    weak = [-line(DIGITS, "lambda_categorical", value).difference for value in ("0.1", "0.01")]
    alone = [names_by_welch(folder) - names_by_welch(other) for folder, other in ((DIGITS, FORMER), (FORMER, DIGITS))]
    assert alone == [ALONE, FORMER_ALONE], f"the page names them: {alone}"
    first, again = own_runs(FORMER).accuracy, own_runs(f"{FORMER}/epyc").accuracy
    welch = stats.ttest_ind(first, again, equal_var=False)
    bounds = welch.confidence_interval(0.95)
    lucky = interval(first.mean() - again.mean(), bounds.low, bounds.high)
    one_each = small[~small.own | (small.setting == "lambda_categorical")]
    return {
        "README.md": [
            f"changes the mean accuracy of `authors` on MNIST by at most {lambdas:.3f}",
            f"λ of 0.01 costs {-least.difference:.2f} (EPYC; the authors' networks), batch 512 perhaps "
            f"{-large.difference:.3f}",
            f"five seeds would mostly show a difference of {large.detectable:.2f}",
            f"λ of 0.1 costs {weak[0]:.2f}",
        ],
        "docs/settings.md": [
            f"Batch 512 may lower it, by {lower}",
            f"λ of 0.01 leaves it at {least.accuracy:.3f}, with L_I near zero",
            f"L_I stays at {least.bound_share:.3f} of its maximum, and the accuracy is little above that of `gan`, in "
            f"which L_I trains Q alone ({csv('authors/gan.csv').accuracy.mean():.3f})",
            f"does not distinguish it from 1 (p = {most.p_welch_holm:.3f}), the mixed model does "
            f"(p = {most.p_holm:.3f})",
            f"ten seeds of `authors` with the paper's networks reach from {own.min():.3f} to {own.max():.3f}",
            f"after the correction (p = {large.p_holm:.3f}), and Welch's test does not (p = {large.p_welch_holm:.3f})",
            f"spread more (standard deviation {own.std():.3f}) than runs do on average ({model['residual_sd']:.3f})",
            f"by majority it is {line(MNIST, 'codes', '20c+2u').majority_accuracy:.3f}",
            f"Five seeds against ten on MNIST find a difference of {large.detectable:.2f}",
            f"after the correction for fourteen comparisons one of {corrected:.2f}",
            f"the mixed model distinguishes {NUMBERS[(small.p_holm < 0.05).sum()]} of the nineteen values from the "
            f"preset's, and Welch's test {NUMBERS[len(by_both)]} of these",
            "by majority accuracy they do not "
            f"({line(DIGITS, 'codes', '20c+2u').majority_accuracy:.3f}, the preset "
            f"{line(DIGITS, 'codes', '10c+2u').majority_accuracy:.3f})",
            f"Its baseline of {over(first)} was repeated with twenty seeds on an AMD EPYC as {over(again)}",
            f"{lucky} lower (Welch, p = {welch.pvalue:.2f})",
            f"rank correlation of L_I and accuracy is {_rank_correlation(one_each)}",
            f"Over the ten seeds of the preset alone it is {_rank_correlation(own_runs(DIGITS))}",
            f"takes {needed['0.05']} seeds of each value, and 0.02 takes {needed['0.02']}",
        ],
    }


def names_by_welch(folder: str) -> set[str]:
    """The values that Welch's test distinguishes from the preset's after the correction."""
    found = values(folder)
    return {f"{row.setting} {row.value}" for row in found[found.p_welch_holm < 0.05].itertuples()}


def _rank_correlation(rows: pd.DataFrame) -> str:
    """Spearman's, of L_I and the accuracy, with the interval of Bonett & Wright (2000)."""
    rank = stats.spearmanr(rows.bound_share, rows.accuracy).statistic
    half = 1.96 * math.sqrt((1 + rank**2 / 2) / (len(rows) - 3))
    return interval(rank, math.tanh(math.atanh(rank) - half), math.tanh(math.atanh(rank) + half), 2)
