"""What tells one dataset from another under the same name: recorded with a run, compared when the run goes on or is
measured."""

import hashlib

import torch

from infogan.data.splits import Dataset, Split
from infogan.utils.errors import InputError

SAMPLED = 8
"""Images of each split whose mean is recorded, evenly spaced: cheap for memory-mapped datasets too."""
TOLERANCE = 0.5
"""Grey levels by which such a mean may differ: other versions of an image decoder round pixels differently."""


def fingerprint(dataset: Dataset) -> dict:
    """Numbers of images, their shape, the means of some of them (grey levels), a digest of labels and factors.

    Test images are left out: training does not look at them.
    """
    splits = {"train": dataset.train, "validation": dataset.validation}
    return {
        "images": {name: len(split) for name, split in splits.items()},
        "shape": list(dataset.image_shape),
        "sampled_means": {name: _sampled_means(split) for name, split in splits.items()},
        "labels_sha256": _labels_digest(*splits.values()),
    }


def _sampled_means(split: Split) -> list[float]:
    at = torch.linspace(0, len(split) - 1, min(SAMPLED, len(split))).long()
    return [round(mean, 2) for mean in split.images[at].float().mean((1, 2, 3)).tolist()]


def _labels_digest(*splits: Split) -> str:
    digest = hashlib.sha256()
    for split in splits:
        columns = {} if split.labels is None else {"labels": (split.labels, split.classes)}
        for kind, (values, names) in {**columns, **split.extra}.items():
            digest.update(f"{kind} {names} {values.dtype} {tuple(values.shape)}".encode())
            digest.update(values.contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def check(before: dict | None, dataset: Dataset, directory: object) -> None:
    """Compare a run's recorded fingerprint with the dataset at hand; a run of earlier versions has None.

    Raises InputError naming what differs, then and now.
    """
    if before is not None and (difference := _difference(before, fingerprint(dataset))):
        raise InputError(
            f"{directory} was trained on other data than this {dataset.name}: {difference}; "
            "give the data that it was trained on (--data-dir), or train in another directory"
        )


def _difference(before: dict, now: dict) -> str:
    """The first difference of two fingerprints in words; empty where they are of the same data."""
    for name, count in now["images"].items():
        if before["images"][name] != count:
            return f"{before['images'][name]:,} {name} images then, {count:,} now"
    if before["shape"] != now["shape"]:
        return f"images of shape {before['shape']} then, {now['shape']} now"
    for name, means in now["sampled_means"].items():
        for then, mean in zip(before["sampled_means"][name], means):
            if abs(then - mean) > TOLERANCE:
                return f"{name} images differ, such as one of mean grey level {then} then, {mean} now"
    if before["labels_sha256"] != now["labels_sha256"]:
        return "its labels, attributes or factors differ"
    return ""
