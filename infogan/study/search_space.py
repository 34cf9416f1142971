"""What a study searches: any fields of a configuration, each with a range or a list of values.

A range is low:high, both ends included, with `:log` for a logarithmic scale, and with a number of points that a grid
takes of it: 0.1:10:log:5. A list is 64,128,256. `recipe` is a preset, from which a trial has all that is not searched.
"""

import dataclasses
import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from infogan.config import RUNTIME_FIELDS, Config
from infogan.config.presets import PRESETS, begin
from infogan.utils.errors import InputError

if TYPE_CHECKING:
    from optuna.trial import BaseTrial

RECIPE = "recipe"
FIELDS = {
    field.name: type(getattr(Config(), field.name))
    for field in dataclasses.fields(Config)
    if field.name not in (*RUNTIME_FIELDS, "preset", "dataset")
}
"""Fields of a configuration that can be searched or set, and their types."""
DEFAULT = Path(__file__).with_name("default.yaml")
Value = str | int | float | bool


@dataclass(frozen=True)
class Range:
    """Numbers from low to high, both included. points: that a grid takes of it; None: all of a range of integers."""

    low: float
    high: float
    log: bool = False
    points: int | None = None

    @property
    def whole(self) -> bool:
        """Whether it has whole numbers alone."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    @property
    def ends(self) -> tuple[Value, ...]:
        """The values that show whether all of them are allowed."""
        return self.low, self.high

    def suggest(self, trial: "BaseTrial", name: str) -> Value:
        """A value, drawn by the trial's sampler."""
        if self.whole:
            return trial.suggest_int(name, int(self.low), int(self.high), log=self.log)
        return trial.suggest_float(name, self.low, self.high, log=self.log)

    def grid(self, name: str) -> list[Value]:
        """Raises InputError where a grid needs to know how many points to take."""
        if self.points is None:
            if not self.whole or self.log:
                raise InputError(f"a grid needs the number of points of {name}: give {self}:5, or a list")
            return list(range(int(self.low), int(self.high) + 1))
        import numpy as np

        space = np.geomspace if self.log else np.linspace
        values = space(self.low, self.high, self.points).tolist()
        values[0], values[-1] = self.low, self.high  # free of rounding
        return list(dict.fromkeys(round(value) for value in values)) if self.whole else values

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int | float) and self.low <= value <= self.high

    def __str__(self) -> str:
        points = "" if self.points is None else f":{self.points}"
        return f"{self.low}:{self.high}{':log' * self.log}{points}"


@dataclass(frozen=True)
class Choices:
    """A list of values; all of them show whether they are allowed."""

    ends: tuple[Value, ...]

    def suggest(self, trial: "BaseTrial", name: str) -> Value:
        """A value, chosen by the trial's sampler."""
        return cast(Value, trial.suggest_categorical(name, self.ends))

    def grid(self, name: str) -> list[Value]:
        """All."""
        return list(self.ends)

    def __contains__(self, value: object) -> bool:
        return value in self.ends

    def __str__(self) -> str:
        return ",".join(map(str, self.ends))


Space = Mapping[str, Range | Choices]
"""By field, or RECIPE."""


def parse(specs: Sequence[str]) -> dict[str, Range | Choices]:
    """A space from texts NAME=SPEC. Raises InputError where one cannot be read."""
    out: dict[str, Range | Choices] = {}
    for text in specs:
        name, spec = _pair("search", text, "NAME=SPEC, such as lambda_categorical=0.1:10:log or codes=10c")
        if name in out:
            raise InputError(f"{name} is searched twice; give all its values in one --search")
        out[name] = _spec(name, spec.split(","))
    return out


def settings(texts: Sequence[str]) -> dict[str, Value]:
    """Fixed values from texts NAME=VALUE, for every trial. Raises InputError where one cannot be read."""
    pairs = [_pair("set", text, "NAME=VALUE, such as updates=2000 or recipe=iic") for text in texts]
    return {name: _value(name, value) for name, value in pairs}


def read_file(file: Path) -> dict[str, Range | Choices]:
    """A space from a YAML file: NAME: SPEC, or NAME: [VALUE, VALUE]. Raises InputError where it cannot be read."""
    import yaml

    try:
        # BaseLoader leaves every value a text: YAML reads 1:15 as a number of base 60.
        content = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"cannot read the search space {file} ({reason}): give a YAML file of NAME: SPEC") from None
    if not isinstance(content, dict) or not content:
        raise InputError(f"{file} holds no search space: give a YAML file of NAME: SPEC")
    out: dict[str, Range | Choices] = {}
    for name, spec in content.items():
        parts = spec.split(",") if isinstance(spec, str) else spec
        if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
            raise InputError(f"{file} gives {name} {spec!r}; give a range or a list of values")
        out[name] = _spec(name, parts)
    return out


def as_yaml(space: Space) -> str:
    """The content of a file that read_file reads as this space."""
    import yaml

    specs = {name: [str(one) for one in of.ends] if isinstance(of, Choices) else str(of) for name, of in space.items()}
    return yaml.safe_dump(specs, default_flow_style=None, sort_keys=False, width=120)


def _pair(option: str, text: str, example: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise InputError(f"{option} has {text!r}; give {example}")
    return name, value


def _spec(name: str, parts: Sequence[str]) -> Range | Choices:
    if len(parts) == 1 and ":" in parts[0] and _type(name) in (int, float):
        return _range(name, parts[0])
    return Choices(tuple(dict.fromkeys(_value(name, part.strip()) for part in parts)))


def _range(name: str, text: str) -> Range:
    low, high, *more = text.split(":")
    log = more[:1] == ["log"]
    points = more[log:]
    if len(points) > 1 or not all(point.isdecimal() and int(point) > 1 for point in points):
        raise InputError(f"{name} is searched in {text}; give low:high, low:high:log or low:high:POINTS with 2 or more")
    first, last = cast(float, _value(name, low)), cast(float, _value(name, high))
    if not first < last or (log and first <= 0):
        raise InputError(
            f"{name} is searched in {text}; give low below high" + ", above 0 on a logarithmic scale" * log
        )
    return Range(first, last, log, int(points[0]) if points else None)


def _value(name: str, text: str) -> Value:
    """A value of the field's type. Raises InputError."""
    kind = _type(name)
    if name == RECIPE and text not in PRESETS:
        raise InputError(f"there is no preset {text!r}; allowed: {', '.join(PRESETS)}")
    try:
        return {"true": True, "false": False}[text.lower()] if kind is bool else kind(text)
    except (ValueError, KeyError) as error:
        kinds = {bool: "true or false", int: "a whole number", float: "a number"}
        raise InputError(f"{name} has the value {text!r}; give {kinds[kind]}") from error


def _type(name: str) -> type:
    """Of a field's values. Raises InputError where there is no such field."""
    if name == RECIPE or name in FIELDS:
        return FIELDS.get(name, str)
    close = difflib.get_close_matches(name.replace("-", "_"), [RECIPE, *FIELDS], 1)
    hint = f". Did you mean {close[0]}?" if close else ""
    raise InputError(
        f"no configuration has a field {name!r} to search or set; allowed: {RECIPE}, {', '.join(FIELDS)}{hint}"
    )


@dataclass(frozen=True)
class Configurations:
    """Of a study's trials: how a point of the space becomes one."""

    space: Space
    fixed: Mapping[str, Value]
    """Values that every trial has."""
    dataset: str
    images: int
    """Real images that each trial sees, those of a pretraining included, unless `updates` is searched or fixed."""

    @property
    def recipes(self) -> list[str]:
        """The presets of the trials."""
        searched = self.space.get(RECIPE)
        return [str(value) for value in (searched.ends if searched else [self.fixed.get(RECIPE, "authors")])]

    def suggest(self, trial: "BaseTrial", seed: int) -> Config:
        """The configuration of a trial. seed: where the seed is not searched."""
        return self.config({name: of.suggest(trial, name) for name, of in self.space.items()}, seed)

    def config(self, point: Mapping[str, Value], seed: int) -> Config:
        """The configuration of a point of the space. Raises InputError where no run can have it."""
        values = {"seed": seed, **self.fixed, **point}
        recipe = values.pop(RECIPE, "authors")
        base = begin(str(recipe))
        made = dataclasses.replace(base, dataset=self.dataset, **cast(Any, values))
        if "updates" not in values:
            updates = self.images // made.batch_size - made.pretraining
            if updates < 1:
                raise InputError(
                    f"images is {self.images:,}; give {made.images(1):,} or more, which {recipe} with batch size "
                    f"{made.batch_size} needs for an update"
                )
            made = dataclasses.replace(made, updates=updates)
        log_every, save_every = max(1, made.updates // 100), max(1, made.updates // 5)
        return dataclasses.replace(made, log_every=log_every, checkpoint_every=save_every)

    def sources(self, trials: int) -> dict[str, dict[str, Value]]:
        """What a study of so many trials tries first, by name: each recipe's own setting, where it lies in the space.

        Where that leaves half of the trials to the sampler, also each with the smallest batch that is searched, which
        at equal images has the most updates.
        """
        points = {recipe: self._own(recipe) for recipe in self.recipes}
        if "batch_size" in self.space and 4 * len(points) <= trials:
            smallest = min(self.space["batch_size"].ends)
            points |= {f"{recipe}-batch{smallest}": own | {"batch_size": smallest} for recipe, own in points.items()}
        first: dict[str, dict[str, Value]] = {}
        for name, own in points.items():
            if all(own[one] in self.space[one] for one in own) and own not in first.values():
                first[name] = own
        return first

    def examples(self) -> list[dict[str, Value]]:
        """Points that together have every value that may not be allowed, each recipe with one of them at a time."""
        out = []
        for own in map(self._own, self.recipes):
            first = {name: own[name] if own[name] in of else of.ends[0] for name, of in self.space.items()}
            out += [first]
            out += [first | {name: end} for name, of in self.space.items() if name != RECIPE for end in of.ends]
        return out

    def _own(self, recipe: str) -> dict[str, Value]:
        values = dataclasses.asdict(begin(recipe)) | {RECIPE: recipe}
        return {name: values[name] for name in self.space}

    def grid(self) -> dict[str, list[Value]]:
        """The values of each dimension. Raises InputError where a range has no number of points."""
        return {name: of.grid(name) for name, of in self.space.items()}

    def size(self) -> int:
        """Number of the grid's points."""
        return math.prod(len(values) for values in self.grid().values())


def without_large_batches(space: Space, train_images: int) -> dict[str, Range | Choices]:
    """The space with the batch sizes alone that so many training images can fill.

    Raises InputError where there are too few images for any.
    """
    sizes = space["batch_size"]
    assert isinstance(sizes, Choices)
    kept = tuple(size for size in sizes.ends if cast(int, size) <= train_images)
    if not kept:
        raise InputError(
            f"there are {train_images} training images, and the smallest batch size is {sizes.ends[0]}: give more"
        )
    return {**space, "batch_size": Choices(kept)}
