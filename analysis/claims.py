"""The scorecard: which claims of the paper and of the blog replicate, as numbers over seeds, each by a stated rule.

Reads run directories, and what other scripts left in them (figures/morphology.json, figures/figure3.json to figure6.json),
a benchmark's JSON and a table of settings.py; leaves out the claims that nothing given speaks of. Writes scorecard.md, .csv and .png.

Example:
  python analysis/claims.py analysis/results/{mnist,mnist-best,others}/*-seed?/ --benchmark analysis/results/benchmark/cpu.json --settings analysis/results/digits-settings/settings.csv --out analysis/results
"""

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import factors
import figures
import numpy as np
import pandas as pd
import tyro
from matplotlib.figure import Figure
from scipy import stats

from infogan import records
from infogan.cli import run_script
from infogan.codes import Latent
from infogan.config import Config, InputError, from_dict
from infogan.metrics.clustering import mean_interval
from infogan.presets import PRESETS, changed_fields, describe

ROWS_OF_THEIR_OWN = 0.9  # share of a category's images that must show one digit


@dataclass(frozen=True)
class Options:
    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Run directories, of any datasets and presets."""
    benchmark: Path | None = None
    """JSON of experiments/benchmark.py, for C7."""
    settings: Path | None = None
    """settings.csv of analysis/settings.py, for C8."""
    out: Path = Path(".")
    """Folder for the scorecard."""


class Record(NamedTuple):
    """What is read of a run."""

    directory: Path
    config: Config
    metrics: pd.DataFrame
    evaluation: dict

    def figure(self, name: str) -> dict | None:
        path = self.directory / "figures" / f"{name}.json"
        return records.read_json(path) if path.exists() else None


def read(directory: Path) -> Record:
    if not (directory / "metrics.csv").exists():
        raise InputError(f"there is no {directory / 'metrics.csv'}: give the directories of runs")
    evaluation = directory / "evaluation.json"
    return Record(
        directory, from_dict(records.read_json(directory / "config.json")["config"]), pd.read_csv(directory / "metrics.csv"),
        records.read_json(evaluation) if evaluation.exists() else {},
    )  # fmt: skip


class Answer(NamedTuple):
    """One run's number for a claim, and whether the rule holds there; None where the run says nothing."""

    value: float
    holds: bool


class Claim(NamedTuple):
    """A claim, its rule, and what reads one run's answer."""

    id: str
    says: str
    rule: str
    number: str
    """What the number is, with its unit."""
    answer: Callable[[Record], Answer | None]


def bound(run: Record) -> pd.Series:
    """L_I of the categorical codes over H(c), smoothed, by update."""
    config = run.config
    share = (
        figures.smoothed(run.metrics, {"log_every": config.log_every})
        / Latent(config.codes, config.noise, config.q_std).entropy[0]
    )
    return pd.Series(share.to_numpy(), index=run.metrics.step)


def on_mnist(run: Record, *presets: str) -> bool:
    """Whether it is a whole run of one of the presets as they are, on MNIST."""
    config = run.config
    if config.dataset != "mnist" or config.preset not in presets or run.metrics.step.iloc[-1] != config.updates:
        return False
    return not changed_fields(config)


def rises(run: Record) -> Answer | None:
    if not on_mnist(run, "authors", "paper"):
        return None
    reached = bound(run)[lambda share: share >= 0.99].index
    return Answer(float(reached[0]) if len(reached) else np.inf, len(reached) > 0 and reached[0] <= 1000)


def stays_low(run: Record) -> Answer | None:
    if not on_mnist(run, "gan"):
        return None
    share = float(bound(run).iloc[-1])
    return Answer(share, share < 0.5)


def accuracy(holds: Callable[[float], bool], *presets: str) -> Callable[[Record], Answer | None]:
    """Reads the test accuracy of c1 in runs of these presets, and judges it."""

    def answer(run: Record) -> Answer | None:
        value = run.evaluation.get("accuracy") if on_mnist(run, *presets) else None
        return None if value is None else Answer(value, holds(value))

    return answer


def _shapes(run: Record, where: str) -> dict[tuple[int, str], float] | None:
    """Partial correlation of each continuous code with each measure."""
    found = run.figure("morphology") if on_mnist(run, "authors", "paper", "best") else None
    return found and {
        (row["code"], row["measure"]): row["effect"] for row in found["correlations"] if row["where"] == where
    }


def _slant_and_width(effects: dict[tuple[int, str], float]) -> tuple[float, list[tuple[int, str]]]:
    """The best two different codes, one for slant, one for width or thickness: the weaker correlation of the two, and which."""
    pairs = [
        [(a, "slant"), (b, name)]
        for a, shape in effects
        if shape == "slant"
        for b, name in effects
        if a != b and name in ("width", "thickness")
    ]
    return max(((min(abs(effects[one]) for one in pair), pair) for pair in pairs), default=(0.0, []))


def rotates_and_widens(run: Record) -> Answer | None:
    if (effects := _shapes(run, "within")) is None:
        return None
    weaker, _ = _slant_and_width(effects)
    return Answer(weaker, weaker >= 0.5)


def generalises(run: Record) -> Answer | None:
    if (within := _shapes(run, "within")) is None or not (pair := _slant_and_width(within)[1]):
        return None
    outside, agreement = (
        _shapes(run, "beyond"),
        {row["where"]: row["agreement"] for row in run.figure("morphology")["agreement"]},
    )
    kept = min(agreement[f"code {code} beyond"] for code, _ in pair) / agreement["within"]
    same = all(
        outside.get(one, 0.0) * within[one] > 0 and abs(outside[one]) >= 0.5 for one in pair
    )  # a shape may not vary beyond
    return Answer(kept, same and kept >= 0.9)


def own_rows(run: Record) -> Answer | None:
    if not on_mnist(run, "blog") or not run.evaluation.get("codes"):
        return None
    table = np.array(run.evaluation["codes"][0]["confusion"])
    pure = table.max(1) >= ROWS_OF_THEIR_OWN * table.sum(1).clip(1)
    digits = len(set(table.argmax(1)[pure]))
    return Answer(digits, digits == 10)


def diverges(run: Record) -> Answer | None:
    if not on_mnist(run, "blog"):
        return None
    tenth = max(1, len(run.metrics) // 10)
    first, last = run.metrics[:tenth], run.metrics[-tenth:]
    g = float(last.loss_g.mean())
    return Answer(g, g >= 5 and last.loss_d.mean() < first.loss_d.mean() / 2)


CLAIMS = (
    Claim("C1", "L_I rises quickly to H(c) (figure 1)", "99 % of H(c) within 1,000 updates", "updates", rises),
    Claim("C2", "a regular GAN keeps L_I low (figure 1)", "less than half of H(c) in the end", "of H(c)", stays_low),
    Claim("C3", "c1 errs on 5 % of MNIST (section 7.2)", "test accuracy, one-to-one, of 95 % or more", "accuracy", accuracy(lambda share: share >= 0.95, "authors", "paper")),
    Claim("C4", "c1 of a regular GAN means nothing (figure 2b)", "test accuracy below 50 %", "accuracy", accuracy(lambda share: share < 0.5, "gan")),
    Claim("C5", "c2 is rotation, c3 is width (figures 2c, 2d)", "two codes, partial correlations of 0.5 or more with slant, and with width or thickness", "weaker correlation", rotates_and_widens),
    Claim("C6", "codes generalise to [-2, 2] (figure 2)", "the same beyond +-1, and a classifier still reads 90 % as many digits right", "of those read right within", generalises),
    Claim("B1", "one 10-way code separates the digits in rows (blog)", "each digit has a category that shows it in 90 % or more", "digits", own_rows),
    Claim("B2", "D's loss falls towards 0, G's climbs to 5 to 8 (blog)", "last tenth: G at 5 or more, D below half of the first tenth", "G's loss", diverges),
    Claim("O1", "c1 errs on 3 % of MNIST at most, without labels", "test accuracy, one-to-one, of 97 % or more", "accuracy", accuracy(lambda share: share >= 0.97, "best")),
)  # fmt: skip


def _verdict(holds: int, of: int) -> str:
    return "replicates" if holds == of else "does not" if holds == 0 else "partly"


def over_seeds(claim: Claim, records: list[Record]) -> list[dict]:
    """A row for each preset, length and precision that says something about the claim."""
    answers_of: dict[tuple[str, int, str], dict[int, Answer]] = {}
    for run in records:
        if (answer := claim.answer(run)) is not None:
            seeds = answers_of.setdefault((run.config.preset, run.config.updates, run.config.precision), {})
            if run.config.seed in seeds:
                raise InputError(
                    f"{run.directory} repeats seed {run.config.seed} of {run.config.preset} with {run.config.updates:,} updates in {run.config.precision}: give one run for each seed"
                )
            seeds[run.config.seed] = answer
    rows = []
    for (preset, updates, precision), answers in answers_of.items():
        values = [answer.value for answer in answers.values() if np.isfinite(answer.value)]
        mean, low, high = mean_interval(values) if values else (float("nan"),) * 3
        if claim.number == "accuracy":
            low, high = max(low, 0.0), min(high, 1.0)
        holds = sum(answer.holds for answer in answers.values())
        whole = PRESETS[preset][0].updates
        length = f"{updates:,}" if updates == whole else f"{updates:,} of {whole:,}"
        rows.append(
            {"claim": claim.id, "says": claim.says, "rule": claim.rule, "by": f"{preset}, {length} updates, {precision}", "number": claim.number, "mean": mean,
             "low": low, "high": high, "never": len(answers) - len(values), "holds": holds, "of": len(answers), "verdict": _verdict(holds, len(answers))}
        )  # fmt: skip
    return rows


def single(
    claim: str,
    says: str,
    rule: str,
    by: str,
    number: str,
    value: float,
    holds: int,
    of: int,
    verdict: str | None = None,
) -> dict:
    """A row that is not a mean over seeds."""
    return {"claim": claim, "says": says, "rule": rule, "by": by, "number": number, "mean": value, "low": float("nan"), "high": float("nan"),
            "never": 0, "holds": holds, "of": of, "verdict": verdict or _verdict(holds, of)}  # fmt: skip


def costs_nothing(benchmark: Path) -> dict:
    """C7 from benchmark.py: the worst ratio, over batch sizes, of time or memory against the GAN without Q.

    It is judged by the medians; its interval is what the ranges over the repeats allow.
    """
    ratios = []  # by the medians, and the lowest and the highest that the ranges allow
    try:
        rows = {(row["batch"], row["contender"]): row for row in records.read_json(benchmark)["rows"]}
        batches = sorted({batch for batch, _ in rows})
        for batch in batches:
            ours, plain = rows[batch, "fast"], rows[batch, "fast GAN without Q"]
            fast, bare = ours["images_per_second"], plain["images_per_second"]
            times = (bare["median"] / fast["median"], bare["low"] / fast["high"], bare["high"] / fast["low"])
            ratios.append([max(time, ours["memory_mib"] / plain["memory_mib"]) for time in times])
    except KeyError as error:
        raise InputError(
            f"{benchmark} has no {error}: give what experiments/benchmark.py wrote (without --long)"
        ) from error
    holds = sum(ratio <= 1.1 for ratio, *_ in ratios)
    says, rule = (
        "InfoGAN costs nearly nothing on top of a GAN (section 5)",
        "at most 1.1 times its time and memory, at each batch size",
    )
    worst, low, high = map(max, zip(*ratios))
    return single(
        "C7", says, rule, f"batch {', '.join(map(str, batches))}", "times, at worst", worst, holds, len(ratios)
    ) | {"low": low, "high": high}


ENOUGH = 3  # seeds of each value of lambda


def one_is_fine(path: Path) -> dict:
    """C8: mean accuracy with lambda 1 less that with the best other lambda, with Welch's interval over seeds."""
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError):  # pandas' own errors of what is no table are ValueErrors
        table = pd.DataFrame()
    if not {"setting", "value", "accuracy", "preset", "dataset", "images"} <= set(table.columns):
        raise InputError(f"{path} is not a table of analysis/settings.py: give its settings.csv")
    one, others = table[table.setting.isna()], table[table.setting == "lambda_categorical"]
    accuracies = {float(value): group.accuracy for value, group in others.groupby("value") if len(group) >= ENOUGH}
    if (
        not accuracies
        or len(one) < ENOUGH
        or table.preset[0] not in PRESETS
        or PRESETS[table.preset[0]][0].lambda_categorical != 1
    ):
        raise InputError(
            f"{path} has not {ENOUGH} seeds of a preset with lambda_categorical 1 and of another lambda_categorical: C8 needs both"
        )
    best = max(accuracies, key=lambda value: accuracies[value].mean())
    lead, interval = (
        one.accuracy.mean() - accuracies[best].mean(),
        stats.ttest_ind(one.accuracy, accuracies[best], equal_var=False).confidence_interval(0.95),
    )
    says, rule = (
        "lambda = 1 is simply fine for discrete codes (section 5)",
        "mean accuracy with lambda 1 at most 0.02 below that with any other tried",
    )
    about = table.iloc[0]
    by = f"{about.dataset}, {about.preset}, {about.images:,} images; lambda 1 against {', '.join(f'{value:g}' for value in sorted(accuracies))}; {len(one)} seeds"
    return single("C8", says, rule, by, f"accuracy, lead over {best:g}", lead, int(lead >= -0.02), 1) | {
        "low": interval.low,
        "high": interval.high,
    }


TRAVERSALS = {
    "figure3": ("C9", "faces"),
    "figure4": ("C10", "chairs"),
    "figure5": ("C11", "SVHN"),
    "figure6": ("C12", "CelebA"),
}


def traversals(records: list[Record]) -> list[dict]:
    """C9 to C12: a row for each panel of each figure found, with the share of the factor's entropy that its code knows beyond chance."""
    rule = "a code knows a quarter of the factor's entropy beyond chance (partly: a twentieth, or not in every run)"
    rows = []
    for run in records:
        for name, (claim, what) in TRAVERSALS.items():
            for panel in (run.figure(name) or {}).get("verdicts", []):
                says = f"{what}: {panel['panel']} ({name.replace('figure', 'figure ')})"
                share = factors.share(panel["information_nats"], panel["shuffled_nats"], panel["entropy_nats"])
                verdict = {"yes": "replicates", "partly": "partly", "no": "does not"}[panel["holds"]]
                by = f"{Path(run.config.dataset).stem}, seed {run.config.seed}, {describe(run.config)}: {panel['factor']}"
                rows.append(
                    single(claim, says, rule, by, "of its entropy", share, int(panel["holds"] == "yes"), 1, verdict)
                )
    return rows


def _together(rows: pd.DataFrame) -> dict:
    """One line for all runs that speak of a panel: from the lowest number to the highest."""
    verdict = rows.verdict.iloc[0] if rows.verdict.nunique() == 1 else "partly"
    runs_of = rows.by.str.partition(",")[0].value_counts(sort=False)
    by = ", ".join(f"{name} ({n} runs)" if n > 1 else name for name, n in runs_of.items())
    number = " to ".join(dict.fromkeys(f"{value:.2f}" for value in (rows["mean"].min(), rows["mean"].max())))
    share = f"{rows.holds.sum()} of {rows.of.sum()}" + (
        f", partly in {n}" if (n := (rows.verdict == "partly").sum()) else ""
    )
    return {
        "says": rows.says.iloc[0],
        "by": by,
        "number": f"{number} {rows.number.iloc[0]}",
        "share": share,
        "verdict": verdict,
    }


def markdown(table: pd.DataFrame) -> str:
    """The scorecard as a table; the rows of one panel of figures 3 to 6 become one."""
    lines = ["| claim | it says | by | our number | holds in | verdict |", "|---|---|---|---|---|---|"]
    panels = {claim for claim, _ in TRAVERSALS.values()}
    for (claim, _), rows in table.groupby(["claim", "says"], sort=False):
        if claim in panels:
            row = _together(rows)
            lines.append(
                f"| {claim} | {row['says']} | {row['by']} | {row['number']} | {row['share']} | **{row['verdict']}** |"
            )
            continue
        for row in rows.itertuples():
            digits = {"updates": ",.0f", "digits": ".1f", "accuracy": ".3f"}.get(row.number, ".2f")
            number = f"{row.mean:z{digits}}"  # z: never -0.00
            if np.isfinite(row.low):
                number += f" [{row.low:z{digits}}, {row.high:z{digits}}]"
            number = (
                f"{number} {row.number}" + (f", never in {row.never}" if row.never else "")
                if np.isfinite(row.mean)
                else "never"
            )
            lines.append(
                f"| {row.claim} | {row.says} | {row.by} | {number} | {row.holds} of {row.of} | **{row.verdict}** |"
            )
    rules = [f"- {', '.join(part.claim.unique())}: {rule}" for rule, part in table.groupby("rule", sort=False)]
    return (
        "\n".join(
            [
                *lines,
                "",
                "Means over seeds with 95 % Student-t intervals (C7: medians, what their ranges over repeats allow; C8: Welch's, of the difference).",
                "",
                "<details><summary>The rules</summary>",
                "",
                *rules,
                "",
                "</details>",
            ]
        )
        + "\n"
    )


def draw(table: pd.DataFrame, path: Path) -> None:
    """Share of seeds (batch sizes, panels) in which each claim holds, with Wilson's 95 % interval."""
    figure = Figure(figsize=(10, 0.34 * len(table) + 1), layout="constrained")
    axes = figure.subplots()
    for y, row in enumerate(table.itertuples()):
        interval = stats.binomtest(row.holds, row.of).proportion_ci(0.95, "wilson")
        axes.plot([interval.low, interval.high], [y, y], color="lightgrey", linewidth=5, solid_capstyle="butt")
        axes.plot(
            row.holds / row.of,
            y,
            "o",
            color={"replicates": "tab:green", "partly": "tab:orange"}.get(row.verdict, "tab:red"),
        )
    axes.set_yticks(
        range(len(table)),
        [textwrap.fill(f"{row.claim}  {row.says}, {row.by} (n = {row.of})", 95) for row in table.itertuples()],
        fontsize=7,
    )
    axes.set(xlim=(-0.03, 1.03), xlabel="share in which the rule holds; grey: 95 % interval")
    axes.invert_yaxis()
    figure.savefig(path, dpi=130)


def main() -> None:
    options = tyro.cli(Options, description=__doc__)
    records = [read(directory) for directory in options.runs]
    rows = [row for claim in CLAIMS for row in over_seeds(claim, records)]
    if options.benchmark is not None:
        rows.append(costs_nothing(options.benchmark))
    if options.settings is not None:
        rows.append(one_is_fine(options.settings))
    rows += traversals(records)
    if not rows:
        raise InputError("nothing given speaks of a claim: give runs of the presets on mnist, a benchmark or settings")
    table = pd.DataFrame(rows)
    order = sorted(
        range(len(table)), key=lambda i: ("CBO".index(table.claim[i][0]), int(table.claim[i][1:]))
    )  # the paper's, the blog's, ours
    table = table.iloc[order].reset_index(drop=True)
    options.out.mkdir(parents=True, exist_ok=True)
    table.to_csv(options.out / "scorecard.csv", index=False)
    (options.out / "scorecard.md").write_text(markdown(table))
    draw(table, options.out / "scorecard.png")
    print(
        table[["claim", "says", "by", "mean", "low", "high", "holds", "of", "verdict"]].to_string(
            index=False, float_format="{:.3f}".format
        )
    )
    print(f"wrote {options.out / 'scorecard.md'}, .csv and .png")


if __name__ == "__main__":
    run_script(main)
