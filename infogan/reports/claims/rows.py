"""Rows of the scorecard: of claims over seeds, of a benchmark (C7), of lambda (C8)."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from infogan import records
from infogan.config import Config
from infogan.config.presets import OURS, describe
from infogan.metrics.clustering import mean_interval, share_interval
from infogan.reports import common
from infogan.reports.claims.rules import CLAIMS, COST, LEAD, Claim, numbers
from infogan.reports.runs import ORIGIN, config_of, metrics_of, preset_of, read_curves, read_runs
from infogan.utils.errors import InputError

REPLICATES, DOES_NOT, UNDECIDED = "replicates", "does not replicate", "undecided"
HOLDS, DOES_NOT_HOLD = "holds", "does not hold"
"""Of presets of our own, which replicate nothing."""
NOT_TESTED, SHORT = "not tested", "not at full length"
"""Of one run of a setting; of runs shorter than their source's."""
OTHER_DATA = "not on the source's data"
"""Of runs on a stand-in, on images of a file, which may be a part of the source's, or on another dataset."""
COLLAPSED = "collapsed"
"""Of runs whose generated images are all alike, which judge nothing."""
SELECTED = "selected"
"""Of the best of several seeds, which was chosen by the number itself."""
ENOUGH = 3  # seeds of each value of lambda
LISTED = ["claim", "run", "preset", "seed", "pretraining", "updates", "precision", *ORIGIN, "number", "value", "holds"]
"""Columns of scorecard-runs.csv."""
BY_NUMBER = {claim.claim: claim for claim in CLAIMS}
COLUMNS = "claim says rule by setting length number mean low high never holds of verdict also".split()
"""Of scorecard.csv. by: on what the claim was checked; setting: the same in short. number: what `mean` is; low, high:
its interval. never: how many have no number. holds, of: in how many of how many the rule holds. also: more."""


def by_interval(low: float, high: float, claim: Claim) -> str:
    """Whether the whole 95 % interval [low, high] is on the claim's side of the threshold, none of it is, or a part."""
    sides = {claim.holds(bound) for bound in (low, high)}
    if np.isnan(low) or len(sides) == 2:
        return UNDECIDED
    return REPLICATES if sides.pop() else DOES_NOT


def by_share(holds: int, of: int) -> str:
    """Whether a rule holds in half of the seeds or more, by Wilson's 95 % interval of its share.

    That of three seeds or fewer contains a half whatever they are, so that they decide nothing.
    """
    low, high = share_interval(holds, of)
    return REPLICATES if low >= 0.5 else DOES_NOT if high < 0.5 else UNDECIDED


def read(paths: Iterable[Path]) -> pd.DataFrame:
    """The rows of `read_runs` with the numbers that the rules read (of whole runs on MNIST of a preset as it is), and:
    config; preset, with what was changed in it; length in words; collapsed, true or false."""
    given = list(paths)
    runs, curves = read_runs(given), read_curves(given)
    runs["config"] = [config_of(row) for _, row in runs.iterrows()]
    found = []
    for _, row in runs.iterrows():
        metrics, recipe = metrics_of(curves, row.run), describe(row.config)
        whole = row.dataset == "mnist" and row.step == row.updates and recipe == row.preset
        found.append(numbers(row, row.config, metrics) if whole else {})
    return runs.assign(
        **pd.DataFrame(found, index=runs.index),
        preset=runs.config.map(describe),
        length=runs.config.map(length_of),
        collapsed=runs.collapsed.eq(True),
    )


def length_of(config: Config) -> str:
    """A run's length in words, and of how many updates where its preset has more."""
    whole = preset_of(config.preset).updates
    length = f"{config.updates:,}" if config.updates >= whole else f"{config.updates:,} of {whole:,}"
    return f"{config.pretraining:,} + {length} updates" if config.pretraining else f"{length} updates"


def judge(runs: pd.DataFrame) -> pd.DataFrame:
    """A row for each claim and each run (of a figure: each of its panels) that it concerns. runs: of `read`.

    Columns: LISTED; position of the claim in CLAIMS, says, by, setting, length, config, collapsed; factor, of panels;
    and the claim's measures.
    """
    rows: list[dict[str, Any]] = []
    for _, run in runs.iterrows():
        for position, claim in enumerate(CLAIMS):
            for found, about in _measured(claim, run):
                known = [value for value in found.values() if not np.isnan(value)]  # of a panel the number alone may be
                holds = all(claim.holds(value) for value in known)
                holds &= not claim.condition or run.get(claim.condition) in (True,)  # of numpy as well
                row = {"position": position, "claim": claim.claim, "value": next(iter(found.values())), "holds": holds}
                rows.append(
                    row | run.reindex([*LISTED[1:-3], "config", "length", "collapsed"]).to_dict() | found | about
                )
    columns = ["position", "says", "by", *LISTED, *(name for row in rows for name in row)]
    table = pd.DataFrame(rows, columns=list(dict.fromkeys(columns))).dropna(subset="value")
    panels_last = table.position.where(table.number.isin([claim.number for claim in CLAIMS]), len(CLAIMS))
    return table.iloc[np.argsort(panels_last, kind="stable")]


def _measured(claim: Claim, run: pd.Series) -> Iterator[tuple[dict[str, float], dict[str, str]]]:
    """Where the claim concerns a run, and of a figure for each panel that was measured: its measures, which may be
    missing (NaN); and says, number, setting, by and of a panel its factor."""
    by = f"{run.preset}, {run.length}, {run.precision}"
    if run.preset in claim.presets and run.dataset == "mnist" and run.step == run.updates:
        about = {"says": claim.says, "number": claim.number, "setting": run.preset, "by": by}
        yield {name: run.get(name, np.nan) for name in claim.measures}, about
    for column in run.dropna().index if claim.figure else ():
        if panel := re.fullmatch(rf"{claim.figure}_(.+)_factor", str(column)):
            title, setting = panel[1].replace("-", " "), Path(run.dataset).stem
            setting += f" ({common.origin_of_images(run.dataset)})"
            about = {"says": claim.says.format(panel=title), "number": f"{claim.number}, {title}", "setting": setting}
            found = {name: float(run.get(f"{claim.figure}_{panel[1]}_{name}", np.nan)) for name in claim.measures}
            yield found, about | {"by": f"{setting}, {by}", "factor": run[column]}


def over_seeds(judged: pd.DataFrame) -> list[dict[str, Any]]:
    """A row for each claim or panel and each setting, length and precision that it concerns; of a claim with `best` one
    more for the best of the seeds. judged: of `judge`. Raises InputError where a seed is given twice."""
    rows = []
    for (position, *_), group in judged.groupby(["position", "says", "by"], sort=False):
        claim = CLAIMS[position]
        check_seeds(group, group.by.iloc[0])
        row = _over_seeds(claim, group)
        rows.append(row)
        if claim.best and row["of"] > 1 and row["verdict"] != SHORT:
            best = {"by": f"{row['by']}, best of {row['of']} seeds", "mean": group.value[~group.collapsed].max()}
            best |= {"low": np.nan, "high": np.nan, "holds": int(row["holds"] > 0), "of": 1}
            rows.append(row | best | {"also": "", "verdict": SELECTED})
    return rows


def check_seeds(runs: pd.DataFrame, what: str) -> None:
    """Raises InputError where two of the runs, which differ in their seed alone, have the same."""
    if (again := runs[runs.seed.duplicated()]).size:
        raise InputError(f"{again.run.iloc[0]} repeats seed {again.seed.iloc[0]} of {what}: give one run for each seed")


def _over_seeds(claim: Claim, group: pd.DataFrame) -> dict[str, Any]:
    """The row of runs that differ in their seed alone. Those whose G has collapsed judge nothing."""
    sound, first = group[~group.collapsed], group.iloc[0]
    holds, of = int(sound.holds.sum()), len(sound)
    values = sound.value[np.isfinite(sound.value)]
    intervals = [_interval(sound[name]) for name in claim.measures]
    mean, low, high = intervals[0]
    if claim.number in ("accuracy", "correlation"):
        low, high = max(low, 0.0), min(high, 1.0)
    also, number = [], claim.number
    if claim.by_share and of:
        also = [f"in the mean {mean:.2f} {number}"] if len(values) else []
        number, mean, (low, high) = "of the seeds", holds / of, share_interval(holds, of)
    elif len(intervals) > 1:
        also = ["not measurable in generated images"]
        if not np.isnan(explained := intervals[1][0]):
            also = [f"in generated images {explained:.2f} of the variance, {intervals[2][0]:.2f} of the spread"]
    also += [f"G has collapsed in {len(group) - of} more"] if of < len(group) else []
    verdict = _refused(claim, first.config, of)
    if not verdict and (claim.by_share or len(values) < of):
        verdict = by_share(holds, of)
    if not verdict:
        sides = [NOT_TESTED if np.isnan(mean) else by_interval(low, high, claim) for mean, low, high in intervals]
        verdict = min(sides, key=(DOES_NOT, NOT_TESTED, UNDECIDED, REPLICATES).index)
    if first.config.preset in OURS:  # it replicates nothing
        verdict = {REPLICATES: HOLDS, DOES_NOT: DOES_NOT_HOLD}.get(verdict, verdict)
    factors = ": " + ", ".join(group.factor.unique()) if claim.figure else ""
    row = {"claim": claim.claim, "says": first.says, "rule": claim.rule, "by": first.by + factors}
    row |= {"setting": first.setting, "length": first.length, "number": number, "mean": mean, "low": low, "high": high}
    row |= {"never": of - len(values), "holds": holds, "of": of, "verdict": verdict}
    return row | {"also": "; ".join(also)}


def _interval(values: pd.Series) -> tuple[float, float, float]:
    """Mean and interval of the finite values."""
    finite = values[np.isfinite(values)].tolist()
    return mean_interval(finite) if finite else (np.nan, np.nan, np.nan)


def _refused(claim: Claim, config: Config, sound: int) -> str:
    """Why runs of a configuration, so many of them sound, do not judge the claim; empty where they do."""
    if not sound:
        return COLLAPSED
    if claim.figure and config.dataset not in claim.datasets:
        return OTHER_DATA
    if config.updates < preset_of(config.preset).updates:
        return SHORT
    return NOT_TESTED if sound < 2 else ""


def cost_row(benchmark: Path) -> dict[str, Any]:
    """C7 from a benchmark: the largest ratio, over batch sizes, of time or memory to those of the GAN without Q.

    The rule is applied to the ratios of medians. The interval is that of the ratios which the ranges over the repeats
    allow. Raises InputError where the file is not such a benchmark.
    """
    try:
        table = pd.json_normalize(records.read_json(benchmark)["rows"]).set_index(["contender", "batch"])
        ours, gan = table.loc["fast"].sort_index(), table.loc["fast GAN without Q"].sort_index()
        memory, rate = ours.memory_mib / gan.memory_mib, "images_per_second."
        ratios = [
            (gan[rate + of_gan] / ours[rate + of_ours]).clip(lower=memory)
            for of_gan, of_ours in (("median", "median"), ("low", "high"), ("high", "low"))
        ]
    except (KeyError, TypeError) as error:
        raise InputError(
            f"{benchmark} is not what experiments/benchmark.py writes (without --long): {error}"
        ) from error
    worst, low, high = (float(ratio.max()) for ratio in ratios)
    by, holds = f"batch {', '.join(map(str, ours.index))}", int((ratios[0] <= COST).sum())
    row = {"mean": worst, "low": low, "high": high, "holds": holds, "of": len(ours)}
    return _row("C7", row | {"by": by, "setting": by, "verdict": by_interval(low, high, BY_NUMBER["C7"])})


def lambda_rows(runs: pd.DataFrame) -> list[dict[str, Any]]:
    """C8: a row for each dataset, recipe, length and precision with ENOUGH runs of lambda_categorical 1, the preset's,
    and of another value: the mean accuracy with 1 less that with the best other, with Welch's interval over seeds.

    runs: of `read`. Runs whose G has collapsed judge nothing.
    """
    found = runs[runs.accuracy.notna() & runs.config.map(lambda one: preset_of(one.preset).lambda_categorical == 1)]
    found = found.assign(
        dataset=[Path(name).stem for name in found.dataset],
        preset=[describe(one, "lambda_categorical") for one in found.config],
    )
    rows = []
    for (dataset, recipe, length, precision), group in found.groupby(
        ["dataset", "preset", "length", "precision"], sort=False
    ):
        tried = group.groupby("lambda_categorical").filter(lambda part: len(part) >= ENOUGH)
        if 1 in (values := set(tried.lambda_categorical)) and len(values) > 1:
            rows.append(_lambda_row(f"{dataset}, {recipe}", length, precision, tried))
    return rows


def _lambda_row(setting: str, length: str, precision: str, tried: pd.DataFrame) -> dict[str, Any]:
    for value, group in tried.groupby("lambda_categorical"):
        check_seeds(group, f"{setting} with λ {value:g}")
    sound = tried[~tried.collapsed].groupby("lambda_categorical").accuracy
    accuracies = {value: group for value, group in sound if len(group) >= ENOUGH}
    counts = sorted({len(group) for group in accuracies.values()}) or [0]
    seeds = " to ".join(dict.fromkeys([str(counts[0]), str(counts[-1])]))
    others = ", ".join(f"{value:g}" for value in sorted(set(tried.lambda_categorical) - {1}))
    by = f"{setting}, {length}, {precision}; λ 1 against {others}; {seeds} seeds of each"
    collapsed = int(tried.collapsed.sum())
    also = f"G has collapsed in {collapsed} more" if collapsed else ""
    row: dict[str, Any] = {"by": by, "setting": setting, "length": length, "also": also}
    one = accuracies.pop(1.0, None)
    if one is None or not accuracies:
        return _row("C8", row | {"mean": np.nan, "holds": 0, "of": 0, "verdict": COLLAPSED})
    best = max(accuracies, key=lambda value: accuracies[value].mean())
    lead = float(one.mean() - accuracies[best].mean())
    low, high = stats.ttest_ind(one, accuracies[best], equal_var=False).confidence_interval(0.95)
    verdict = by_interval(low, high, BY_NUMBER["C8"])
    row |= {"number": f"accuracy, lead over {best:g}", "mean": lead, "low": low, "high": high}
    return _row("C8", row | {"holds": int(lead >= LEAD), "of": 1, "verdict": verdict})


def _row(number: str, row: dict[str, Any]) -> dict[str, Any]:
    claim = BY_NUMBER[number]
    return {"claim": number, "says": claim.says, "rule": claim.rule, "number": claim.number} | row
