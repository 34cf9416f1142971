"""Train one InfoGAN from a preset, resume it if it was interrupted, and measure it.

Examples:
  python experiments/train.py authors --dataset digits
  python experiments/train.py authors --dataset mnist --seed 1 --data-dir ~/data
  python experiments/train.py paper --codes 10c+3u --lambda-continuous 0.3 --dry-run
"""

import dataclasses
import difflib
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import tyro

from infogan.config import Config, InputError, WandbMode
from infogan.config.presets import PRESETS, begin, run_directory
from infogan.utils import events
from infogan.utils.errors import printable, shell
from infogan.utils.options import Unset

FLAGS = [field.name for field in dataclasses.fields(Config) if field.type is bool]


@dataclass(frozen=True)
class Options:
    """The command line after the preset's name."""

    config: tyro.conf.OmitArgPrefixes[Config]
    run_dir: Unset[Path] = None
    """Where the run is kept. The same command continues what it finds there.
    Default: runs/DATASET-PRESET-seedN, with the settings that differ from the preset's in its name."""
    data_dir: Unset[Path] = None
    """Folder of the datasets. Default: $INFOGAN_DATA, else ./data."""
    wandb: WandbMode = "auto"
    """auto: online where a W&B key is found, else offline (`wandb sync` uploads later)."""
    dry_run: bool = False
    """Print the resolved configuration as JSON and stop; the dataset is not looked at."""

    @property
    def directory(self) -> Path:
        """run_dir, or its default."""
        return self.run_dir or run_directory(self.config)


def read_options(arguments: list[str]) -> Options:
    """Options from a command line that begins with a preset's name.

    Raises InputError where it begins with another word.
    """
    if arguments and not arguments[0].startswith("-"):
        preset = arguments[0]
        if preset not in PRESETS:
            close = difflib.get_close_matches(preset, PRESETS, 1)
            hint = f". Did you mean {close[0]}?" if close else ""
            raise InputError(f"there is no preset {preset!r}; allowed: {', '.join(PRESETS)}{hint}")
    arguments = [_flag(argument) for argument in arguments]
    presets = {name: (text, Options(begin(name))) for name, (_, text) in PRESETS.items()}
    return tyro.extras.overridable_config_cli(presets, description=__doc__, args=arguments)


def _flag(argument: str) -> str:
    """A truth value written as --spectral_norm=True, as W&B's agent writes it, as the flag that it means."""
    name, _, value = argument.lower().removeprefix("--").replace("_", "-").partition("=")
    if name.replace("-", "_") not in FLAGS or value not in ("true", "false"):
        return argument
    return f"--{name}" if value == "true" else f"--no-{name}"


def main() -> None:
    """Train as the command line says; a run that diverges ends with exit status 1 and one line."""
    options = read_options(sys.argv[1:])
    config = options.config

    from infogan import data, training

    if options.dry_run:
        resolved = dataclasses.asdict(training.resolve(config)) | {"run_dir": str(options.directory)}
        print(json.dumps(resolved, indent=2))
        return
    training.resolve(config)  # wrong codes are named before a dataset is fetched
    dataset = data.load(config.dataset, options.data_dir)
    config = training.follow_data(config, dataset)
    try:
        result = training.train(config, dataset, options.directory, options.wandb)
    except events.Diverged as error:
        sys.exit(f"error: {error}")
    print_result(result, config, options.directory)


def print_result(result: dict, config: Config, directory: Path) -> None:
    """What a finished run reached, and the next command. result: of training.train."""
    from infogan.metrics import collapse

    shown = printable(directory)
    print(f"\n{shown}: {result['step']} updates in {result['train_seconds']} s")
    if config.labelled:
        print(f"the first code learned the labels of {config.labelled} training images")
    if "accuracy" in result:
        low, high = result["accuracy_ci95"]
        interval = f"(95 % interval {low:.4f} to {high:.4f})"
        print(f"code-to-label accuracy on {result['n_images']} test images: {result['accuracy']:.4f} {interval},")
        print("categories matched to labels on these images")
        print(f"validation accuracy, measured {result['evaluations']} times, reached")
        for milestone, when in result["time_to_accuracy"].items():
            reached = when and f"after {when['seconds']:.0f} s of training, {when['images']:,} images"
            print(f"  {milestone}: {reached or 'never'}")
    if problem := collapse.describe(result):
        print(problem)
    figure = "figure2" if "c" in config.codes else "grid"  # with a categorical code, such as 10c
    print(f"next: {shell('infogan', 'figures', figure, directory)}")
