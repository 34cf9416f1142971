"""What the files of a run directory hold, declared once. infogan.records.files checks all that it reads by it.

Names that are not declared may hold anything: files of later versions have more of them.
"""

import sys
from collections.abc import Callable
from typing import Any, NamedTuple


class Kind(NamedTuple):
    """The values that a name may have."""

    expected: str
    fits: Callable[[Any], bool]


def lists(kind: Kind, length: int | None = None) -> Kind:
    """Lists of one kind of values, of any length or of this one."""

    def fits(value: Any) -> bool:
        return isinstance(value, list) and length in (None, len(value)) and all(map(kind.fits, value))

    return Kind(f"a list of {length or 'values'}, each {kind.expected}", fits)


def objects(**kinds: Kind) -> Kind:
    """Objects that have these names at least."""

    def fits(value: Any) -> bool:
        return isinstance(value, dict) and all(name in value and kind.fits(value[name]) for name, kind in kinds.items())

    return Kind("an object of " + ", ".join(f"{name}, {kind.expected}" for name, kind in kinds.items()), fits)


COUNT = Kind("a whole number from 0", lambda value: type(value) is int and 0 <= value < 2**63)
MATCH = Kind("a whole number from -1", lambda value: type(value) is int and -1 <= value < 2**63)
NUMBER = Kind("a number", lambda value: type(value) in (int, float) and not abs(value) > sys.float_info.max)
SHARE = Kind("a number from 0 to 1", lambda value: NUMBER.fits(value) and 0 <= value <= 1)
INDEX = Kind("a number up to 1", lambda value: NUMBER.fits(value) and value <= 1)
TEXT = Kind("a string", lambda value: isinstance(value, str))
FLAG = Kind("true or false", lambda value: isinstance(value, bool))
INTERVAL = lists(NUMBER, 2)
REACHED = objects(seconds=NUMBER, images=COUNT)
MILESTONES = Kind(
    f"an object of milestones, each null or {REACHED.expected}",
    lambda value: isinstance(value, dict) and all(each is None or REACHED.fits(each) for each in value.values()),
)

OBJECT = Kind("an object", lambda value: isinstance(value, dict))
PROVENANCE = Kind(
    "an object, with objects as versions and host",
    lambda value: OBJECT.fits(value) and all(OBJECT.fits(value.get(name, {})) for name in ("versions", "host")),
)
FINGERPRINT = objects(
    images=objects(train=COUNT, validation=COUNT),
    shape=lists(COUNT, 3),
    sampled_means=objects(train=lists(NUMBER), validation=lists(NUMBER)),
    labels_sha256=TEXT,
)
DATA = Kind(f"null or {FINGERPRINT.expected}", lambda value: value is None or FINGERPRINT.fits(value))
"""The fingerprint of a run's data: see infogan.data.fingerprint."""
STATUS = {"status": TEXT, "step": COUNT, "pretraining_step": COUNT, "seconds": NUMBER, "signal": COUNT, "error": TEXT}
STATUS |= {"not_finite": lists(TEXT)}
SUMMARY = {"step": COUNT, "images": COUNT, "train_seconds": NUMBER, "evaluations": COUNT, "spread": NUMBER}
SUMMARY |= {"time_to_accuracy": MILESTONES, "validation_accuracy": SHARE, "collapsed": FLAG, "q_fails": FLAG}
SUMMARY |= {f"info_{of}_nats": NUMBER for of in ("8bit_categorical", "8bit_continuous", "8bit_batch_categorical")}
SUMMARY |= {f"info_{of}_nats": NUMBER for of in ("blurred_categorical", "blurred_continuous")}
"""What a run reached: see infogan.records.summary."""
MEASURED = {"accuracy": SHARE, "accuracy_ci95": INTERVAL, "n_images": COUNT, "best_code": COUNT}
MEASURED |= {"label_of_category": lists(MATCH)}
"""What evaluation.json has together where the images have labels and the model has categories."""
EVALUATION = SUMMARY | MEASURED | {"majority_accuracy": SHARE, "nmi": INDEX, "ari": INDEX}
EVALUATION |= {f"{name}_ci95": INTERVAL for name in ("majority_accuracy", "nmi", "ari")}
EVALUATION |= {"classes": lists(TEXT), "codes": lists(objects(label_of_category=lists(MATCH)))}
NAMED = objects(label=COUNT, name=TEXT, share=SHARE)
CATEGORY = Kind(f"null or {NAMED.expected}", lambda value: value is None or NAMED.fits(value))
CATEGORIES = {"step": COUNT, "n_images": COUNT, "codes": lists(lists(CATEGORY))}
"""The names of each categorical code's categories: see infogan.metrics.clustering.name_categories."""
QUALITY = {"step": COUNT, "images": COUNT, "frechet_distance": NUMBER, "precision": SHARE, "recall": SHARE}
QUALITY |= {"features": TEXT, "feature_accuracy": SHARE, "generator_accuracy": SHARE, "code": COUNT}
QUALITY |= {"kernel_distance": NUMBER, "shown": lists(lists(NUMBER)), "spread": NUMBER, "collapsed": FLAG}
CHECKPOINT = {"step": COUNT, "image_shape": lists(COUNT, 3)}
"""The state of a checkpoint of trained networks."""
RECORD = {"provenance": PROVENANCE, "data": DATA, "continued": lists(PROVENANCE), "labelled_images": lists(COUNT)}


class Shape(NamedTuple):
    """What a JSON object holds: names and their kinds; those that must be there, and those that come together."""

    kinds: dict[str, Kind]
    required: tuple[str, ...] = ()
    together: tuple[str, ...] = ()


SHAPES = {
    "config.json": Shape(RECORD),
    "status.json": Shape(STATUS, required=("status",)),
    "categories.json": Shape(CATEGORIES, required=tuple(CATEGORIES)),
    "evaluation.json": Shape(EVALUATION, together=tuple(MEASURED)),
    "quality.json": Shape(QUALITY),
}
"""Of JSON files, by name."""
COLUMNS: dict[str, Callable[[str], Any]] = {name: int for name in ("step", "images", "code")}
COLUMNS |= dict.fromkeys(("collapsed", "q_fails"), {"True": True, "False": False}.__getitem__)
"""How a cell is read of a table's columns that are no floating-point numbers. Each row has a `step`; other cells may be
empty."""


def problem(content: dict, shape: Shape) -> str:
    """What is wrong with the content of a file, in words; empty where it has its shape."""
    required = shape.required
    if any(name in content for name in shape.together):
        required += shape.together
    for name in (*required, *shape.kinds):
        if name not in content and name in required:
            return f"it lacks {name}"
        if name in content and not shape.kinds[name].fits(content[name]):
            return f"it has {name} {content[name]!r}; expected {shape.kinds[name].expected}"
    return ""


def read_row(row: dict) -> dict[str, Any]:
    """A table's row of text as its values; None for an empty cell. Raises ValueError where it is no row of a table."""
    if None in row or None in row.values():
        raise ValueError("it has more or fewer cells than the table has columns")
    try:
        values = {name: COLUMNS.get(name, float)(text) if text else None for name, text in row.items()}
    except KeyError as error:
        raise ValueError(f"{error} is neither True nor False") from error
    if not COUNT.fits(values.get("step")):
        raise ValueError("it has no step, which is a whole number from 0")
    return values
