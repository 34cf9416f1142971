"""What a study optimises: measures of a run on validation images, each with its direction."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from infogan.utils.errors import InputError

if TYPE_CHECKING:
    from infogan.data import Dataset


@dataclass(frozen=True)
class Measure:
    """A measure of a run. A run whose G has collapsed has the worst value, 0, of one that is to be maximised."""

    name: str
    """Its column in evaluations.csv."""
    title: str
    """In tables and pictures."""
    direction: Literal["maximize", "minimize"] = "maximize"
    needs_labels: bool = False

    def value(self, row: Mapping) -> float:
        """From a row of evaluations.csv as it was logged."""
        collapsed = self.direction == "maximize" and bool(row.get("collapsed"))
        return 0.0 if collapsed else float(row[self.name])


FRECHET = "frechet"
MEASURES = {
    "accuracy": Measure("accuracy", "validation accuracy", needs_labels=True),
    "nmi": Measure("nmi", "NMI with the labels", needs_labels=True),
    "certainty": Measure("certainty", "certainty"),
    "information": Measure("information", "information"),
    "agreement": Measure("agreement", "agreement"),
    "stability": Measure("stability", "stability"),
    FRECHET: Measure(FRECHET, "Fréchet distance", "minimize", needs_labels=True),
}
"""By the name that --objective takes. The label-free ones: infogan/metrics/label_free.py. Fréchet distance is measured
once, of the trained run, with features of a classifier that the labels train."""
LABEL_FREE = "information"
"""The default where images have no labels (by a protocol: analysis/results/label-free-index)."""


def read(text: str | None, dataset: "Dataset") -> tuple[Measure, ...]:
    """The measures of --objective, such as accuracy,frechet; the default where it is None.

    Raises InputError for one that does not exist, that the dataset has no labels for, or more than two.
    """
    labels = dataset.validation.labels
    if text is None:
        text = LABEL_FREE if labels is None else "accuracy"
    names = text.split(",")
    if unknown := [name for name in names if name not in MEASURES]:
        raise InputError(f"objective is {unknown[0]!r}; allowed: {', '.join(MEASURES)}, or two of them")
    if len(names) > 2 or len(set(names)) < len(names):
        raise InputError(f"objective is {text}; give one measure, or two that differ")
    measures = tuple(MEASURES[name] for name in names)
    for measure in measures:
        if not measure.needs_labels:
            continue
        free = ", ".join(name for name, other in MEASURES.items() if not other.needs_labels)
        if labels is None:
            raise InputError(f"{dataset.name} has no labels, which {measure.name} needs; allowed without: {free}")
        if len(labels.unique()) < 2:
            raise InputError(
                f"the {len(labels)} validation images of {dataset.name} are of fewer than two classes, which "
                f"{measure.name} compares; give more images, or one of {free}"
            )
    return measures
