"""Train what a claim of the sources needs, and judge it by the scorecard's rule, beside the committed result.

A run is at its default place, where the same command continues it and repeats nothing of one that is finished. One run
shows what the claim is about; a verdict takes several seeds. Before the first update the command prints what the
training costs here.

Examples:
  infogan reproduce C3 --seed 4
  infogan reproduce C5 --preset paper --seed 0 1 2
"""

from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import tyro

from infogan import data, records, training
from infogan.config import Config, WandbMode
from infogan.config.presets import begin, run_directory
from infogan.inference import Model
from infogan.reports import common, morphology
from infogan.reports.claims.rows import judge, over_seeds, read
from infogan.reports.claims.rules import CLAIMS, Claim
from infogan.reports.measure import measure_quality
from infogan.study import cost
from infogan.utils.errors import InputError
from infogan.utils.options import Unset

SHOWN = ["claim", "says", "by", "mean", "low", "high", "number", "holds", "of", "verdict"]
ELSEWHERE = {
    "C7": "python experiments/benchmark.py",
    "C8": "infogan sweep mnist --search lambda_categorical=0.1,1,10 --search seed=0:4 --sampler grid",
    "C9": "infogan train faces-stable, then infogan figures figure3 on its run directory",
    "C10": "infogan train chairs-stable, then infogan figures figure4 on its run directory",
    "C11": "infogan train svhn-stable, then infogan figures figure5 on its run directory",
    "C12": "infogan train celeba-stable, then infogan figures figure6 on its run directory",
}
"""Claims that are not about runs of a preset on MNIST, and what measures them."""


@dataclass(frozen=True)
class Options:
    """The command line."""

    claim: tyro.conf.Positional[str]
    """C1 to C6, B1, B2 or O1, as in the scorecard."""
    preset: str = ""
    """Default: the first that the claim is about."""
    seed: tuple[int, ...] = (0,)
    """One or several."""
    scorecard: Path = Path("analysis/results/scorecard.csv")
    """A table of `infogan claims`, whose rows are printed beside; left out where there is none."""
    data_dir: Unset[Path] = None
    """Folder of the datasets. Default: $INFOGAN_DATA, else ./data."""
    wandb: WandbMode = "auto"
    """auto: online where a W&B key is found, else offline."""


def find(name: str, preset: str) -> tuple[list[Claim], str]:
    """The rows of CLAIMS of this number, and the preset to train. Raises InputError where there is none."""
    if name in ELSEWHERE:
        raise InputError(f"claim {name} is not about runs of a preset on MNIST: run {ELSEWHERE[name]}")
    claims = [claim for claim in CLAIMS if claim.claim == name]
    if not claims:
        known = dict.fromkeys(claim.claim for claim in CLAIMS if claim.presets)
        raise InputError(f"there is no claim {name!r}; allowed: {', '.join(known)}")
    presets = claims[0].presets
    if preset and preset not in presets:
        raise InputError(f"claim {name} is not about {preset!r}; allowed: {', '.join(presets)}")
    return claims, preset or presets[0]


def describe_cost(configs: list[Config], dataset: data.Dataset) -> str:
    """Runs, images and the time they take on this machine, from a short measured run."""
    config = configs[0]
    minutes = len(configs) * config.images(config.updates) / cost.images_per_second(config, dataset) / 60
    more = f", and {config.pretraining:,} updates of pretraining" * bool(config.pretraining)
    images = f"{len(configs)} runs of {config.images(config.updates):,} images{more}"
    return f"{images}: about {minutes:.0f} min of one core here, measured"


def measure(directory: Path, claims: list[Claim], data_dir: Path | None) -> None:
    """Measure what the claims read and training does not: shapes of digits, and images of each category."""
    needed = {name for claim in claims for name in claim.measures}
    if needed & {"slant", "slant_and_width", "agreement_kept"}:
        found = morphology.analyse(Model(directory), 1000, data_dir)
        records.write_json(directory / "figures" / "morphology.json", found | common.origin())
    if "worst_row" in needed:
        measure_quality(directory, data_dir)


def main() -> None:
    """Train, measure, and print the rows of the scorecard: of these runs, and the committed ones."""
    options = tyro.cli(Options, description=__doc__)
    claims, preset = find(options.claim, options.preset)
    dataset = data.load("mnist", options.data_dir)
    runs = {run_directory(config): config for config in (replace(begin(preset), seed=seed) for seed in options.seed)}
    missing = [config for directory, config in runs.items() if not (directory / "evaluation.json").exists()]
    if missing:
        print(describe_cost(missing, dataset))
    for directory, config in runs.items():
        training.train(training.follow_data(config, dataset), dataset, directory, options.wandb)
        measure(directory, claims, options.data_dir)
    judged = judge(read(runs))
    rows = [row for row in over_seeds(judged) if row["claim"] == options.claim]
    print("\nthese runs\n" + common.as_text(pd.DataFrame(rows)[SHOWN]))
    if options.scorecard.is_file():
        committed = pd.read_csv(options.scorecard)
        same = committed[(committed.claim == options.claim) & (committed.setting == preset)]
        print(f"\n{options.scorecard}\n" + common.as_text(same[SHOWN]))
