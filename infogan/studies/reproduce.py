"""Train what the tables need: presets x seeds, in runs/DATASET-PRESET-seedN, shared by as many workers as there are.

With --vary also each preset with one setting changed, at equal images seen: what `infogan settings` compares.

The same command continues what was interrupted, on one machine or many (as `infogan sweep`); finished runs are not
trained again.

Examples:
  python experiments/reproduce.py mnist --data-dir ~/data              # ten seeds of each preset
  python experiments/reproduce.py digits --presets authors gan --seeds 3 --images 50000
  python experiments/reproduce.py digits --presets authors --vary lambda_categorical=0.1,10 batch_size=32,512
"""

import dataclasses
import math
import re
from dataclasses import dataclass
from typing import Any, cast

import tyro

from infogan.config import Config, InputError
from infogan.presets import ALIASES, FREE_FIELDS, PRESETS, SOURCES, begin
from infogan.studies.runs import RunsOptions, train_all

VARIED = sorted(field.name for field in dataclasses.fields(Config) if field.name not in FREE_FIELDS)
"""Fields of a configuration that --vary can change: those that identify a preset's recipe."""


@dataclass(frozen=True)
class Options(RunsOptions):
    """The command line."""

    presets: tuple[str, ...] = SOURCES
    """Presets to train."""
    seeds: int = 10
    """Seeds 0 to seeds - 1 of each."""
    images: int | None = None
    """Presets that see more real images are cut to so many, and say so in their configuration."""
    vary: tuple[str, ...] = ()
    """FIELD=VALUE,VALUE ... of the configuration: each preset also with each of these values, one at a time."""


def variations(options: Options) -> list[tuple[str, object]]:
    """Each field and value of --vary. Raises InputError."""
    out: list[tuple[str, object]] = []
    for text in options.vary:
        field, _, values = text.partition("=")
        if field not in VARIED or not values:
            raise InputError(
                f"vary has {text!r}; give FIELD=VALUE,VALUE, such as lambda_categorical=0.1,10, "
                f"where FIELD is one of {', '.join(VARIED)}"
            )
        out += [(field, _read(field, value)) for value in values.split(",")]
    return out


def _read(field: str, text: str) -> object:
    """A value of the field's type."""
    kind = type(getattr(Config(), field))
    try:
        return {"True": True, "False": False}[text.capitalize()] if kind is bool else kind(text)
    except (ValueError, KeyError) as error:
        names = {bool: "true or false", int: "a whole number", float: "a number"}
        raise InputError(f"vary has {field}={text}; give {names[kind]}") from error


def jobs(options: Options) -> dict[str, Config]:
    """Run directory's name to configuration: all runs with a seed before those with the next. Raises InputError."""
    presets = list(dict.fromkeys(ALIASES.get(name, name) for name in options.presets))
    if unknown := sorted(set(presets) - set(PRESETS)):
        raise InputError(f"presets has {', '.join(unknown)}; allowed: {', '.join(PRESETS)}")
    for name in ("seeds", "images"):
        if (value := getattr(options, name)) is not None and value < 1:
            raise InputError(f"{name} is {value}; give 1 or more")
    varied, made = variations(options), {}
    for name in presets:
        preset = begin(name)
        images = min(preset.images(preset.updates), options.images or math.inf)
        changed = {
            re.sub(r"[^\w=.+@-]", "_", f"{name}-{field}={value}"): dataclasses.replace(
                preset, **cast(Any, {field: value})
            )
            for field, value in varied
            if value != getattr(preset, field)
        }
        for label, config in {name: preset, **changed}.items():
            made[label] = dataclasses.replace(
                config, dataset=options.dataset, updates=_updates(label, config, int(images))
            )
    return {
        f"{options.stem}-{label}-seed{seed}": dataclasses.replace(config, seed=seed)
        for seed in range(options.seeds)
        for label, config in made.items()
    }


def _updates(label: str, config: Config, images: int) -> int:
    """How many updates of the GAN fit into so many images, after the pretraining. Raises InputError where none does."""
    updates = images // config.batch_size - config.pretraining
    if updates < 1:
        least = config.images(1)
        raise InputError(
            f"images is {images}; give {least:,} or more, which {label} needs for its pretraining and an update"
        )
    return updates


def main() -> None:
    """Read the command line, train, and print the next command."""
    options = tyro.cli(Options, description=__doc__)
    train_all(options, jobs(options), "reproduce")
    if not options.join:
        _print_next(options)


def _print_next(options: Options) -> None:
    runs = f"{options.folder}/{options.stem}"
    if not options.vary:
        print(f"next: infogan measure {runs}-*")
        return
    for name in dict.fromkeys(ALIASES.get(name, name) for name in options.presets):
        print(f"next: infogan settings {runs}-{name}-seed* {runs}-{name}-*=*")
