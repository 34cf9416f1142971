"""Rows of the scorecard: of the rules over seeds, of a benchmark (C7), of lambda (C8), of panels (C9 to C12)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from infogan import records
from infogan.errors import InputError
from infogan.metrics.clustering import mean_interval, share_interval
from infogan.presets import OURS, describe
from infogan.reports.claims.rules import RULES, Outcome, Rule, RunRecord
from infogan.reports.runs import ORIGIN, preset_of

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
COST = 1.1  # times a GAN's time and memory that count as nearly nothing
LEAD = -0.02  # of accuracy, of lambda 1 over the best other
COST_RULE = f"at most {COST} times its time and memory, at each batch size"
LEAD_RULE = f"mean accuracy with λ 1 at most {-LEAD} below that with any other tried"


def by_interval(low: float, high: float, threshold: float, at_least: bool = True) -> str:
    """Whether the whole 95 % interval [low, high] is on the claim's side of the threshold, none of it is, or a part."""
    if (low >= threshold) if at_least else (high <= threshold):
        return REPLICATES
    if (high < threshold) if at_least else (low > threshold):
        return DOES_NOT
    return UNDECIDED


def by_share(holds: int, of: int) -> str:
    """Whether a rule holds in half of the seeds or more, by Wilson's 95 % interval of its share.

    That of three seeds or fewer contains a half whatever they are, so that they decide nothing.
    """
    return by_interval(*share_interval(holds, of), 0.5)


def of_preset(verdict: str, preset: str) -> str:
    """A preset that no source states replicates nothing: its verdict is that the rule holds, or that it does not."""
    return {REPLICATES: HOLDS, DOES_NOT: DOES_NOT_HOLD}.get(verdict, verdict) if preset in OURS else verdict


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


def length_of(run: RunRecord) -> str:
    """A run's length in words, and of how many updates where its preset has more."""
    config, whole = run.config, preset_of(run.config.preset).updates
    length = f"{config.updates:,}" if config.updates >= whole else f"{config.updates:,} of {whole:,}"
    return f"{config.pretraining:,} + {length} updates" if config.pretraining else f"{length} updates"


def check_seeds(runs: Sequence[RunRecord], what: str) -> None:
    """Raises InputError where two of the runs, which differ in their seed alone, have the same."""
    seeds = [run.config.seed for run in runs]
    for run in runs:
        if seeds.count(run.config.seed) > 1:
            raise InputError(f"{run.row.run} repeats seed {run.config.seed} of {what}: give one run for each seed")


def rows_over_seeds(rule: Rule, runs: Sequence[RunRecord]) -> list[dict]:
    """A row for each preset (with what was changed in it), length and precision that the claim concerns; of a rule with
    `best` one more for the best of the seeds.

    Raises InputError where a seed is given twice.
    """
    groups: dict[tuple[str, str, str], list[tuple[RunRecord, Outcome]]] = {}
    for run in runs:
        if (outcome := rule.check(run)) is not None:
            group = (describe(run.config), length_of(run), run.config.precision)
            groups.setdefault(group, []).append((run, outcome))
    rows = []
    for (recipe, length, precision), checked in groups.items():
        by = f"{recipe}, {length}, {precision}"
        check_seeds([run for run, _ in checked], by)
        row = _row_of_seeds(rule, by, checked) | {"setting": recipe, "length": length}
        rows.append(row)
        if rule.best and row["of"] > 1 and row["verdict"] != SHORT:
            best = max(outcome.value for run, outcome in checked if not run.collapsed)
            chosen = {"by": f"{by}, best of {row['of']} seeds", "mean": best, "holds": int(row["holds"] > 0), "of": 1}
            rows.append(row | chosen | {"low": np.nan, "high": np.nan, "also": "", "verdict": SELECTED})
    return rows


def _row_of_seeds(rule: Rule, by: str, checked: list[tuple[RunRecord, Outcome]]) -> dict:
    """The row of runs that differ in their seed alone. Those whose G has collapsed judge nothing.

    A rule of several parts has no mean that could decide it: there the number is the share of seeds it holds in.
    """
    outcomes = [outcome for run, outcome in checked if not run.collapsed]
    config = checked[0][0].config
    values = [outcome.value for outcome in outcomes if np.isfinite(outcome.value)]
    mean, low, high = mean_interval(values) if values else (np.nan,) * 3
    if rule.number == "accuracy":
        low, high = max(low, 0.0), min(high, 1.0)
    of, holds = len(outcomes), sum(outcome.holds for outcome in outcomes)
    number, also = rule.number, f"G has collapsed in {len(checked) - of} more" if of < len(checked) else ""
    if of and rule.threshold is None:
        also = "; ".join(filter(None, [f"in the mean {mean:.2f} {rule.number}" if values else "", also]))
        number, mean, (low, high) = "of the seeds", holds / of, share_interval(holds, of)
    if config.updates < preset_of(config.preset).updates:
        verdict = SHORT
    elif of < 2:
        verdict = NOT_TESTED if of else COLLAPSED
    elif rule.threshold is None or len(values) < of:
        verdict = by_share(holds, of)
    else:
        verdict = by_interval(low, high, rule.threshold, rule.at_least)
    verdict, more = (
        of_preset(verdict, config.preset),
        {"low": low, "high": high, "never": of - len(values), "also": also},
    )
    return make_row(rule.claim, rule.says, rule.rule, by, number, mean, holds, of, verdict, **more)


def about(run: RunRecord) -> dict:
    """What a row of scorecard-runs.csv says of the run."""
    config = run.config
    made = {"run": run.row.run, "preset": describe(config), "seed": config.seed, "pretraining": config.pretraining}
    made |= {"updates": config.updates, "precision": config.precision}
    return made | {name: run.row.get(name) for name in ORIGIN}


def list_runs(runs: Sequence[RunRecord]) -> list[dict]:
    """A row for each claim and each run that is judged for it: its length, its hardware, its number."""
    out = []
    for rule in RULES:
        for run in runs:
            if not run.collapsed and (outcome := rule.check(run)) is not None:
                number = {"number": rule.number, "value": outcome.value, "holds": outcome.holds}
                out.append({"claim": rule.claim} | about(run) | number)
    return out


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
    except (KeyError, TypeError) as error:
        raise InputError(
            f"{benchmark} is not what experiments/benchmark.py writes (without --long): {error}"
        ) from error
    says = "InfoGAN costs nearly nothing on top of a GAN (section 5)"
    worst, low, high = map(max, zip(*ratios))
    holds, by = sum(median <= COST for median, *_ in ratios), f"batch {', '.join(map(str, batches))}"
    verdict = by_interval(low, high, COST, at_least=False)
    return make_row(
        "C7", says, COST_RULE, by, "times, at worst", worst, holds, len(ratios), verdict, low=low, high=high
    )


def _cost_ratios(infogan: dict, gan: dict) -> tuple[float, ...]:
    """The larger one of the ratios of time and of memory: by the medians, the lowest and the highest of the ranges."""
    ours, plain = infogan["images_per_second"], gan["images_per_second"]
    times = (plain["median"] / ours["median"], plain["low"] / ours["high"], plain["high"] / ours["low"])
    return tuple(max(time, infogan["memory_mib"] / gan["memory_mib"]) for time in times)


def lambda_rows(runs: Sequence[RunRecord]) -> list[dict]:
    """C8: a row for each dataset, recipe, length and precision with ENOUGH runs of lambda_categorical 1, the preset's,
    and of another value: the mean accuracy with 1 less that with the best other, with Welch's interval over seeds.

    Runs whose G has collapsed judge nothing.
    """
    groups: dict[tuple[str, str, str, str], dict[float, list[RunRecord]]] = {}
    for run in runs:
        config = run.config
        if preset_of(config.preset).lambda_categorical == 1 and not np.isnan(run.measure("accuracy")):
            group = (
                Path(config.dataset).stem,
                describe(config, "lambda_categorical"),
                length_of(run),
                config.precision,
            )
            groups.setdefault(group, {}).setdefault(config.lambda_categorical, []).append(run)
    return [
        _lambda_row(*group, values)
        for group, found in groups.items()
        if 1.0 in (values := {value: part for value, part in found.items() if len(part) >= ENOUGH}) and len(values) > 1
    ]


def _lambda_row(dataset: str, recipe: str, length: str, precision: str, values: dict[float, list[RunRecord]]) -> dict:
    setting = f"{dataset}, {recipe}"
    accuracies, collapsed = {}, 0
    for value, part in values.items():
        check_seeds(part, f"{setting} with λ {value:g}")
        sound = [run.measure("accuracy") for run in part if not run.collapsed]
        collapsed += len(part) - len(sound)
        if len(sound) >= ENOUGH:
            accuracies[value] = sound
    tried = ", ".join(f"{value:g}" for value in sorted(values) if value != 1)
    counts = dict.fromkeys(
        map(str, (min(map(len, accuracies.values()), default=0), max(map(len, accuracies.values()), default=0)))
    )
    by = f"{setting}, {length}, {precision}; λ 1 against {tried}; {' to '.join(counts)} seeds of each"
    says = "λ = 1 is simply fine for discrete codes (section 5)"
    more = {"setting": setting, "length": length, "also": f"G has collapsed in {collapsed} more" if collapsed else ""}
    one = accuracies.pop(1.0, [])
    if not one or not accuracies:
        return make_row("C8", says, LEAD_RULE, by, "accuracy", np.nan, 0, 0, COLLAPSED, **more)
    best = max(accuracies, key=lambda value: np.mean(accuracies[value]))
    lead = float(np.mean(one) - np.mean(accuracies[best]))
    interval = stats.ttest_ind(one, accuracies[best], equal_var=False).confidence_interval(0.95)
    more |= {"low": interval.low, "high": interval.high}
    verdict = by_interval(interval.low, interval.high, LEAD)
    return make_row(
        "C8", says, LEAD_RULE, by, f"accuracy, lead over {best:g}", lead, int(lead >= LEAD), 1, verdict, **more
    )
