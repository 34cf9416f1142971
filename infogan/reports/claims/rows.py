"""Rows of the scorecard: of the rules over seeds, of a benchmark (C7) and of settings (C8)."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from infogan import records
from infogan.errors import InputError
from infogan.metrics.clustering import mean_interval, share_interval
from infogan.presets import OURS, PRESETS, describe
from infogan.reports import common
from infogan.reports.claims import verdicts
from infogan.reports.claims.rules import RULES, Outcome, Rule, RunRecord

SHARES = ("accuracy",)
"""Numbers from 0 to 1, and so are the bounds of their intervals."""
ENOUGH = 3  # seeds of each value of lambda
COST = 1.1  # times a GAN's time and memory that count as nearly nothing
LEAD = -0.02  # of accuracy, of lambda 1 over the best other


def make_row(
    claim: str, says: str, rule: str, by: str, number: str, mean: float, holds: int, of: int, verdict: str, **other: Any
) -> dict:
    """A row of the scorecard.

    by: on what the claim was checked. number: what `mean` is. holds, of: in how many of how many the rule holds.
    other: setting, `by` in short, and length, of the runs, for the picture; low and high, an interval of the mean;
    never: how many have no number; also: further numbers, in words.
    """
    row: dict[str, Any] = {"claim": claim, "says": says, "rule": rule, "by": by, "setting": by, "length": ""}
    row |= {"number": number, "mean": mean, "low": np.nan, "high": np.nan, "never": 0}
    row |= {"holds": holds, "of": of, "verdict": verdict, "also": ""}
    return row | other


def length_of(updates: int, whole: int) -> str:
    """A run's length in words. whole: the preset's updates."""
    return f"{updates:,}" if updates >= whole else f"{updates:,} of {whole:,}"


def rows_over_seeds(rule: Rule, runs: list[RunRecord]) -> list[dict]:
    """A row for each preset (with what was changed in it), length and precision that the claim concerns.

    Raises InputError where a seed is given twice.
    """
    groups: dict[tuple[str, str, bool, str, bool], dict[int, Outcome | None]] = {}
    for run in runs:
        if (outcome := rule.check(run)) is not None:
            config, recipe = run.config, describe(run.config)
            whole = PRESETS[config.preset][0].updates
            length = f"{config.pretraining:,} + " * bool(config.pretraining) + length_of(config.updates, whole)
            group = (recipe, length, config.updates >= whole, config.precision, config.preset in OURS)
            seeds = groups.setdefault(group, {})
            if run.collapsed:
                outcome = None
            if config.seed in seeds:
                kind = f"{recipe} with {length} updates in {config.precision}"
                raise InputError(f"{run.directory} repeats seed {config.seed} of {kind}: give one run for each seed")
            seeds[config.seed] = outcome
    return [_row_of_seeds(rule, *group, list(seeds.values())) for group, seeds in groups.items()]


def list_runs(runs: list[RunRecord]) -> list[dict]:
    """A row for each claim and each run that is judged for it: its length, its hardware, its number."""
    out = []
    for rule in RULES:
        for run in runs:
            if not run.collapsed and (outcome := rule.check(run)) is not None:
                config = run.config
                about = {"preset": describe(config), "seed": config.seed, "pretraining": config.pretraining}
                about |= {"updates": config.updates, "precision": config.precision, "device": config.device}
                about |= common.run_origin(run.directory, config)
                number = {"number": rule.number, "value": outcome.value, "holds": outcome.holds}
                out.append({"claim": rule.claim, "run": run.directory.name} | about | number)
    return out


def _row_of_seeds(
    rule: Rule, recipe: str, length: str, whole: bool, precision: str, ours: bool, seeds: list[Outcome | None]
) -> dict:
    """The row of one group of seeds. length: of the runs, in updates; whole: whether it is that of the preset or more;
    ours: whether no source states the preset; seeds: None of those whose G has collapsed, which judge nothing.

    A rule of several parts has no mean that could decide it: there the number is the share of seeds it holds in.
    """
    outcomes = [outcome for outcome in seeds if outcome is not None]
    values = [outcome.value for outcome in outcomes if np.isfinite(outcome.value)]
    mean, low, high = mean_interval(values) if values else (np.nan,) * 3
    if rule.number in SHARES:
        low, high = max(low, 0.0), min(high, 1.0)
    length, holds = f"{length} updates", sum(outcome.holds for outcome in outcomes)
    of, never, number, also = len(outcomes), len(outcomes) - len(values), rule.number, ""
    if not outcomes:
        low = high = np.nan
    elif rule.threshold is None:
        also, number = f"in the mean {mean:.2f} {rule.number}" if values else "", "of the seeds"
        mean, (low, high) = holds / of, share_interval(holds, of)
    verdict = _verdict(rule, holds, of, never, low, high) if whole else verdicts.SHORT
    if collapsed := len(seeds) - of:
        also = "; ".join(filter(None, [also, f"G has collapsed in {collapsed} more"]))
        verdict = verdict if of else verdicts.COLLAPSED
    verdict = verdicts.of_ours(verdict) if ours else verdict
    more = {"setting": recipe, "length": length, "low": low, "high": high, "never": never, "also": also}
    by = f"{recipe}, {length}, {precision}"
    return make_row(rule.claim, rule.says, rule.rule, by, number, mean, holds, of, verdict, **more)


def _verdict(rule: Rule, holds: int, of: int, never: int, low: float, high: float) -> str:
    """Of runs of full length. never: how many have no finite number."""
    if of < 2:
        return verdicts.NOT_TESTED
    if rule.threshold is None or never:
        return verdicts.by_share(holds, of)
    return verdicts.by_interval(low, high, rule.threshold, rule.at_least)


def cost_row(benchmark: Path) -> dict:
    """C7 from a benchmark: the largest ratio, over batch sizes, of time or memory to those of the GAN without Q.

    The rule is applied to the ratios of medians. The interval is that of the ratios which the ranges over the repeats
    allow.

    Raises InputError where the file is not such a benchmark.
    """
    try:
        rows = {(row["batch"], row["contender"]): row for row in records.read_json(benchmark)["rows"]}
        batches = sorted({batch for batch, _ in rows})
        ratios = [_cost_ratios(rows[batch, "fast"], rows[batch, "fast GAN without Q"]) for batch in batches]
    except KeyError as error:
        raise InputError(f"{benchmark} has no {error}: give what experiments/benchmark.py wrote") from error
    says = "InfoGAN costs nearly nothing on top of a GAN (section 5)"
    rule = f"at most {COST} times its time and memory, at each batch size"
    worst, low, high = map(max, zip(*ratios))
    holds, by = sum(median <= COST for median, *_ in ratios), f"batch {', '.join(map(str, batches))}"
    verdict = verdicts.by_interval(low, high, COST, at_least=False)
    return make_row("C7", says, rule, by, "times, at worst", worst, holds, len(ratios), verdict, low=low, high=high)


def _cost_ratios(infogan: dict, gan: dict) -> tuple[float, ...]:
    """The larger one of the ratios of time and of memory: by the medians, the lowest and the highest of the ranges."""
    ours, plain = infogan["images_per_second"], gan["images_per_second"]
    times = (plain["median"] / ours["median"], plain["low"] / ours["high"], plain["high"] / ours["low"])
    return tuple(max(time, infogan["memory_mib"] / gan["memory_mib"]) for time in times)


def lambda_row(path: Path) -> dict:
    """C8: mean accuracy with lambda 1 less that with the best other lambda, with Welch's interval over seeds.

    Raises InputError where the file is not such a table, or has too few seeds.
    """
    table = _read_settings(path)
    one, others = table[table.setting.isna()], table[table.setting == "lambda_categorical"]
    groups = {float(value): group.accuracy for value, group in others.groupby("value") if len(group) >= ENOUGH}
    preset = PRESETS.get(table.preset[0])
    if not groups or len(one) < ENOUGH or preset is None or preset[0].lambda_categorical != 1:
        raise InputError(
            f"{path} has not {ENOUGH} seeds of a preset with lambda_categorical 1 and of another lambda_categorical: "
            "C8 needs both"
        )
    best = max(groups, key=lambda value: groups[value].mean())
    lead = one.accuracy.mean() - groups[best].mean()
    interval = stats.ttest_ind(one.accuracy, groups[best], equal_var=False).confidence_interval(0.95)
    about, tried = table.iloc[0], ", ".join(f"{value:g}" for value in sorted(groups))
    setting = f"{about.dataset}, {about.get('recipe', about.preset)}"
    by = f"{setting}, {about.images:,} images; λ 1 against {tried}; {_seeds(len(one), groups.values())}"
    says = "λ = 1 is simply fine for discrete codes (section 5)"
    rule = f"mean accuracy with λ 1 at most {-LEAD} below that with any other tried"
    number, more = f"accuracy, lead over {best:g}", {"setting": setting, "low": interval.low, "high": interval.high}
    verdict = verdicts.by_interval(interval.low, interval.high, LEAD)
    return make_row("C8", says, rule, by, number, lead, int(lead >= LEAD), 1, verdict, **more)


def _seeds(of_one: int, others: Iterable[pd.Series]) -> str:
    """How many seeds there are of lambda 1, and of each other value where those have not as many."""
    counts = sorted({len(values) for values in others})
    if counts == [of_one]:
        return f"{of_one} seeds of each"
    return f"{of_one} seeds of λ 1, {' to '.join(map(str, dict.fromkeys((counts[0], counts[-1]))))} of each other"


def _read_settings(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError):  # for what is no table pandas raises kinds of ValueError
        table = pd.DataFrame()
    if not {"setting", "value", "accuracy", "preset", "dataset", "images"} <= set(table.columns):
        raise InputError(f"{path} is not a table of analysis/settings.py: give its settings.csv")
    return table
