"""The dSprites experiment of InfoGAN-CR (Lin et al. 2020): two presets, many seeds, seven scores and ModelCentrality.

Trains the presets `dsprites` (InfoGAN, modified) and `dsprites-cr` (InfoGAN-CR) with each seed, measures every run,
chooses one of each preset by ModelCentrality, and writes the published table with the rows of these runs:
FOLDER/DATASET-disentanglement.csv, .txt, .md, and a row for each run in -runs.csv. The same command continues what was
interrupted, on one machine or many; finished runs are neither trained nor measured again.

Examples:
  python experiments/dsprites.py --seeds 50                                      # on the stand-in sprites
  python experiments/dsprites.py dsprites --data-dir ~/data --seeds 50           # on dSprites
  python experiments/dsprites.py sprites@32 --seeds 2 --updates 2000             # smaller, for a CPU
"""

import dataclasses
from dataclasses import dataclass

import tyro

from infogan.config import Config, InputError
from infogan.presets import PRESETS
from infogan.studies.runs import RunsOptions, train_all

FULL = {preset: PRESETS[preset][0].updates for preset in ("dsprites", "dsprites-cr")}
"""The presets, and the updates of each."""


@dataclass(frozen=True)
class Options(RunsOptions):
    """The command line."""

    dataset: tyro.conf.Positional[str] = "sprites"
    """sprites (drawn here, the stand-in; sprites@32: at 32 x 32), dsprites (its original file in the data folder), or
    an .npz file with `factors`."""
    seeds: int = 50
    """Seeds 0 to seeds - 1 of each preset."""
    updates: int | None = None
    """Updates of InfoGAN (modified), 288,000 by default; InfoGAN-CR has 12 % more."""


def jobs(options: Options) -> dict[str, Config]:
    """Run directory's name to configuration: all runs with a seed before those with the next. Raises InputError."""
    for name in ("seeds", "updates"):
        if (value := getattr(options, name)) is not None and value < 1:
            raise InputError(f"{name} is {value}; give 1 or more")
    share = 1 if options.updates is None else options.updates / FULL["dsprites"]
    return {
        f"{options.stem}-{preset}-seed{seed}": dataclasses.replace(
            PRESETS[preset][0], dataset=options.dataset, seed=seed, updates=round(share * updates)
        )
        for seed in range(options.seeds)
        for preset, updates in FULL.items()
    }


def main() -> None:
    """Train and measure, then compare: print the table and what differs, and name the files."""
    options = tyro.cli(Options, description=__doc__)
    configs = jobs(options)

    import pandas as pd

    from infogan import data
    from infogan.reports import dsprites

    dataset = data.load(options.dataset, options.data_dir)
    dsprites.check(dataset)
    train_all(options, configs, "dsprites", dsprites.measure)
    if options.join:
        return
    rows = [
        dsprites.rows_of([options.folder / name for name, config in configs.items() if config.preset == preset], preset)
        for preset in FULL
    ]
    text, files = dsprites.write(options.folder, options.stem, pd.concat(rows, ignore_index=True), dataset)
    print(f"\n{text}\nwrote {', '.join(map(str, files))}")
