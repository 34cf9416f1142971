"""What a run reached, from its evaluations on validation images."""

import math
from pathlib import Path

from infogan.config import Config
from infogan.records.files import Table

MILESTONES = (0.8, 0.9, 0.95)
"""Validation accuracies; how long a run took to reach each is recorded."""


def summarise(config: Config, step: int, seconds: float, evaluations: list[dict]) -> dict:
    """step, images, train_seconds, evaluations (how many), time_to_accuracy; what was last measured of G's images
    (see metrics.collapse); and where images have labels validation_accuracy and the code that it is of.

    Args: seconds: of training; evaluations: the rows of evaluations.csv.
    """
    out: dict = {
        "step": step,
        "images": config.images(step),
        "train_seconds": round(seconds, 1),
        "evaluations": len(evaluations),
        "time_to_accuracy": time_to_accuracy(evaluations),
    }
    last = evaluations[-1] if evaluations else {}
    if last.get("collapsed") is not None:  # none before G has trained, and in runs of earlier versions
        out |= {name: value for name, value in last.items() if name == "spread" or name.startswith("info_")}
        out |= {name: last[name] for name in ("collapsed", "q_fails") if name in last}
    if last.get("accuracy") is not None:
        out |= {"validation_accuracy": last["accuracy"], "code": last["code"]}
    return out


def last_bound(directory: Path) -> float:
    """L_I of the categorical codes, in nats, as training logged it last; NaN where there is no metrics.csv."""
    rows = Table(directory / "metrics.csv").rows()
    bound = rows[-1].get("info_categorical_nats") if rows else None
    return math.nan if bound is None else bound


def time_to_accuracy(evaluations: list[dict]) -> dict[str, dict | None]:
    """Training seconds and images until validation accuracy was first seen to reach each of MILESTONES; None where it
    never was."""
    out: dict[str, dict | None] = {}
    for milestone in MILESTONES:
        first = next((row for row in evaluations if (row.get("accuracy") or 0) >= milestone), None)
        out[f"{milestone:.2f}"] = first and {"seconds": first["seconds"], "images": first["images"]}
    return out
