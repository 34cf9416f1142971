#!/usr/bin/env python
"""Train one InfoGAN from a preset, resume it if it was interrupted, and measure it.

Examples:
  python experiments/train.py authors --dataset digits
  python experiments/train.py authors --dataset mnist --seed 1 --data-dir ~/data
  python experiments/train.py paper --codes 10c+3u --lambda-continuous 0.3 --dry-run
  torchrun --nproc-per-node 4 experiments/train.py authors    # one run on four GPUs, or four processes of a CPU
"""

import dataclasses
import difflib
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import tyro

from infogan import events, experiment
from infogan.cli import run_script
from infogan.config import Config, InputError, WandbMode
from infogan.presets import PRESETS


@dataclass(frozen=True)
class Options:
    config: tyro.conf.OmitArgPrefixes[Config]
    run_dir: Path | None = None
    """Where the run is kept. The same command continues what it finds there.
    Default: runs/DATASET-PRESET-seedN."""
    data_dir: Path | None = None
    """Folder of the datasets. Default: $INFOGAN_DATA, else ./data."""
    wandb: WandbMode = "auto"
    """auto: online where a W&B key is found, else offline (`wandb sync` uploads later)."""
    dry_run: bool = False
    """Print the resolved configuration as JSON and stop; the dataset is not looked at."""


def default_run_dir(config: Config) -> Path:
    return Path("runs") / f"{Path(config.dataset).stem}-{config.preset}-seed{config.seed}"


def main() -> None:
    presets = {name: (text, Options(config)) for name, (config, text) in PRESETS.items()}
    if sys.argv[1:] and not sys.argv[1].startswith("-") and sys.argv[1] not in PRESETS:
        close = difflib.get_close_matches(sys.argv[1], PRESETS, 1)
        raise InputError(
            f"there is no preset {sys.argv[1]!r}; allowed: {', '.join(PRESETS)}"
            + (f". Did you mean {close[0]}?" if close else "")
        )
    options = tyro.extras.overridable_config_cli(presets, description=__doc__)
    config = options.config
    directory = options.run_dir or default_run_dir(config)

    from infogan import data, training
    from infogan.accel import parallel

    if options.dry_run:
        print(json.dumps(dataclasses.asdict(training.resolve(config)) | {"run_dir": str(directory)}, indent=2))
        return
    if parallel.launched():
        config = dataclasses.replace(config, device=parallel.start(config.batch_size, config.device))
    helps = parallel.rank() > 0
    dataset = data.load(config.dataset, options.data_dir)
    try:
        result = experiment.train(config, dataset, directory, options.wandb)
    except events.Diverged as error:
        sys.exit(f"error: {error}")
    finally:
        parallel.stop()
    if helps:
        return
    print(f"\n{directory}: {result['step']} updates in {result['train_seconds']} s")
    if "accuracy" in result:
        low, high = result["accuracy_ci95"]
        print(
            f"code-to-label accuracy on {result['n_images']} test images: {result['accuracy']:.4f} (95 % interval {low:.4f} to {high:.4f})"
        )
        print(
            f"validation accuracy, measured {config.evaluations} times"
            + " and after the warm-up" * bool(config.warm_up)
            + ", reached"
        )
        for milestone, when in result["time_to_accuracy"].items():
            print(
                f"  {milestone}: "
                + (f"after {when['seconds']:.0f} s of training, {when['images']:,} images" if when else "never")
            )
    print(f"next: python analysis/figures.py figure2 {directory}")


if __name__ == "__main__":
    run_script(main)
