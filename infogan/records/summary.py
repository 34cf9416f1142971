"""What a run reached, from its evaluations on validation images."""

from infogan.config import Config

MILESTONES = (0.8, 0.9, 0.95)
"""Validation accuracies; how long a run took to reach each is recorded."""


def summarise(config: Config, step: int, seconds: float, evaluations: list[dict[str, str]]) -> dict:
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
    if last.get("collapsed"):  # empty before G has trained, and missing in runs of earlier versions
        out |= {name: float(value) for name, value in last.items() if name == "spread" or name.startswith("info_")}
        out["collapsed"] = last["collapsed"] == "True"
    if last.get("accuracy"):
        out |= {"validation_accuracy": float(last["accuracy"]), "code": int(last["code"])}
    return out


def time_to_accuracy(evaluations: list[dict[str, str]]) -> dict[str, dict | None]:
    """Training seconds and images until validation accuracy was first seen to reach each of MILESTONES; None where it
    never was."""
    out: dict[str, dict | None] = {}
    for milestone in MILESTONES:
        first = next((row for row in evaluations if float(row.get("accuracy", 0)) >= milestone), None)
        out[f"{milestone:.2f}"] = first and {"seconds": float(first["seconds"]), "images": int(first["images"])}
    return out
