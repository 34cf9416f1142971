"""The text by which a configuration lists loss terms: NAME:WEIGHT, with settings as :KEY=VALUE, joined with +, such as
"iic:1+pseudo-labels:2". What a term is says infogan.terms.base, which needs torch."""

import math
import pkgutil
import re
from pathlib import Path
from typing import NamedTuple

from infogan.utils.errors import InputError


class Spec(NamedTuple):
    """A term as a configuration states it."""

    name: str
    weight: float
    settings: dict[str, str]


LABELLED = "labelled"
"""The term that the field `labelled` of a configuration puts in; it is not listed among `terms`."""
FOLDERS = [str(Path(__file__).parents[1] / "terms")]
"""Whose files are terms; a term's name is its file's."""


def available() -> list[str]:
    """The names that a configuration can list."""
    names = (module.name for module in pkgutil.iter_modules(FOLDERS))
    return sorted(name.replace("_", "-") for name in names if name not in ("base", LABELLED))


def parse(text: str) -> list[Spec]:
    """Read "iic:1+pseudo-labels:2"; the empty text has no terms. Raises InputError naming what cannot be read."""
    specs: list[Spec] = []
    for word in re.split(r"\+(?=[a-z])", text.replace(" ", "")) if text.strip() else []:
        name, *rest = word.split(":")
        if name not in available():
            raise InputError(
                f"terms has {name!r}; allowed: {', '.join(available())}, written NAME:WEIGHT, joined with +"
            )
        if name in [spec.name for spec in specs]:
            raise InputError(f"terms has {name} twice: give it once")
        settings = dict(part.split("=", 1) for part in rest if "=" in part)
        weights = [part for part in rest if "=" not in part]
        specs.append(Spec(name, _weight(name, weights[0] if weights else "1"), settings))
        if len(weights) > 1:
            raise InputError(f"terms has {word!r}; write NAME:WEIGHT, then settings as :KEY=VALUE")
    return specs


def _weight(name: str, text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = math.nan
    if not 0 < weight < math.inf:
        raise InputError(f"terms gives {name} the weight {text}; give a positive number, or leave the term out")
    return weight
