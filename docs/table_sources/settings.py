"""Tables of what single settings do to the accuracy of `authors`, and the figures of that in prose."""

import pandas as pd
from scipy import stats

from infogan.reports.settings.comparison import WANTED, seeds_needed
from table_sources.common import csv, interval, markdown, over, read, table

SETTINGS = {
    "lambda_categorical": "λ categorical",
    "lambda_continuous": "λ continuous",
    "codes": "codes",
    "batch_size": "batch size",
}
AS_IT_IS = "the preset's values"
MNIST, DIGITS, EPYC = "mnist-settings", "digits-settings", "digits-settings/epyc"


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
def settings_digits() -> str:
    return _differences(DIGITS)


@table
def settings_bound() -> str:
    """L_I of the categorical codes at the end of runs with each value, beside the accuracy, on digits and on MNIST."""
    here, large = values(EPYC), values(MNIST).set_index(["setting", "value"])
    rows = []
    own = here[here.own & (here.setting == "lambda_categorical")]
    for row in pd.concat([own, here[~here.own]]).itertuples():
        name = AS_IT_IS if row.own else f"{SETTINGS[row.setting]} {row.value}"
        cells: list[object] = [name, row.seeds, f"{row.bound_share:.3f}", f"{row.accuracy:.3f}"]
        if (row.setting, row.value) in large.index:
            other = large.loc[(row.setting, row.value)]
            cells += [f"{other.bound_share:.3f}", f"{other.accuracy:.3f}"]
        rows.append(cells + [""] * (6 - len(cells)))
    return markdown("setting | seeds, digits | L_I / H(c) | accuracy | L_I / H(c), MNIST | accuracy, MNIST", rows)


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
def settings_power() -> str:
    """Spreads over the preset's seeds, and the seeds that differences need."""
    rows = []
    for name, folder in (("MNIST", MNIST), ("8×8 digits, first processor", DIGITS), ("8×8 digits, AMD EPYC", EPYC)):
        runs = own_runs(folder).accuracy
        rows.append((name, len(runs), f"{runs.std():.3f}", *(seeds_needed(size, runs.std()) for size in WANTED)))
    sizes = " | ".join(f"seeds of each value for a difference of {size:g}" for size in WANTED)
    return markdown(f"data | seeds of the preset | their standard deviation | {sizes}", rows)


@table
def settings_baseline() -> str:
    """The preset's accuracy on digits: code, processor, precision."""
    first, here, checks = own_runs(DIGITS), own_runs(EPYC), csv(f"{EPYC}/checks.csv")
    rows = [("two cores without bfloat16", "float32", "7330234", "0 to 4", over(first.accuracy))]
    groups = [(here[here.seed < 5], "float32", "0 to 4"), (here, "float32", "0 to 19")]
    groups += [(group, precision, "0 to 4") for precision, group in checks.groupby("precision", sort=False)]
    for runs, precision, seeds in groups:
        [commit] = runs.commit.unique()
        rows.append(("AMD EPYC", precision, commit[:7], seeds, over(runs.accuracy)))
    return markdown("processor | precision | commit | seeds | test accuracy", rows)


@table
def weights() -> str:
    """Lambda of the categorical codes on 8 x 8 digits and on MNIST."""
    columns = []
    for folder in (DIGITS, MNIST):
        found = values(folder).query("setting == 'lambda_categorical'")
        columns.append({float(row.value): interval(row.accuracy, row.low, row.high) for row in found.itertuples()})
    small, large = columns
    rows = [(f"{value:g}", small.get(value, ""), large.get(value, "")) for value in sorted({*small, *large})]
    return markdown("λ categorical | 8×8 digits, two CPU cores, float32 | MNIST, NVIDIA H200, bfloat16", rows)


def settings_facts() -> dict[str, list[str]]:
    """Page to phrases, as facts()."""
    large, model, own = line(MNIST, "batch_size", "512"), read(f"{MNIST}/settings-model.json"), own_runs(MNIST).accuracy
    found = values(MNIST)
    differ = found[(found.p_holm < 0.05) & ~found.own]
    assert list(differ.value) == ["512"] and model["seed_sd"] == 0, "the page says so"
    assert read(f"{DIGITS}/settings-model.json")["seed_sd"] == 0, "the page says so"
    lambdas = found[(found.setting == "lambda_categorical") & ~found.own].difference.abs().max()
    lower = interval(-large.difference, -large.difference_high, -large.difference_low)
    first, here = own_runs(DIGITS).accuracy, own_runs(EPYC).accuracy
    welch = stats.ttest_ind(first, here, equal_var=False)
    bounds = welch.confidence_interval(0.95)
    needed, here_all = model["seeds_needed"], values(EPYC)
    one_each = here_all[~here_all.own | (here_all.setting == "lambda_categorical")]
    small = values(DIGITS)
    flagged = small[small.p_holm < 0.05]
    assert (len(flagged), (flagged.p_welch_holm < 0.05).sum()) == (11, 7), "the page says so"
    return {
        "README.md": [
            f"changes the mean accuracy of `authors` on MNIST by at most {lambdas:.3f}",
            f"Batch 512 probably lowers it, by {-large.difference:.3f}",
            f"five seeds would mostly show a difference of {large.detectable:.2f}",
        ],
        "docs/settings.md": [
            f"Batch 512 probably lowers it, by {lower}",
            f"ten seeds of the preset reach from {own.min():.3f} to {own.max():.3f}",
            f"after the correction (p = {large.p_holm:.3f}), and Welch's test does not (p = {large.p_welch_holm:.3f})",
            f"spread more (standard deviation {own.std():.3f}) than runs do on average ({model['residual_sd']:.3f})",
            f"by majority it is {line(MNIST, 'codes', '20c+2u').majority_accuracy:.3f}",
            f"Twenty seeds on the EPYC give {over(here)}",
            f"{interval(first.mean() - here.mean(), bounds.low, bounds.high)} lower (Welch, p = {welch.pvalue:.2f})",
            f"Five seeds against ten on MNIST find a difference of {large.detectable:.2f}",
            "by majority accuracy they do not "
            f"({line(DIGITS, 'codes', '20c+2u').majority_accuracy:.3f}, the preset "
            f"{line(DIGITS, 'codes', '10c+2u').majority_accuracy:.3f})",
            f"of L_I and accuracy on digits is {_rank_correlation(one_each):.2f}",
            f"seeds of the preset alone it is {_rank_correlation(own_runs(EPYC)):.2f}",
            f"takes {needed['0.05']} seeds of each value, and 0.02 takes {needed['0.02']}",
        ],
    }


def _rank_correlation(rows: pd.DataFrame) -> float:
    """Spearman's, of L_I and the accuracy."""
    return stats.spearmanr(rows.bound_share, rows.accuracy).statistic
