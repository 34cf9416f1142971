"""What is measured of a model while it trains, on validation images, and once in the end, on test images."""

import math
from collections.abc import Sequence
from pathlib import Path

from infogan import records
from infogan.codes import Latent
from infogan.config import InputError
from infogan.data import Dataset
from infogan.inference import category_grid
from infogan.metrics import clustering, collapse, label_free
from infogan.networks import DiscriminatorQ
from infogan.records import pictures
from infogan.records.shapes import MEASURED
from infogan.training.learner import Learner


def evaluate(
    model: Learner, dataset: Dataset, directory: Path, step: int, logged: dict
) -> tuple[dict, dict[str, Path]]:
    """Measures of the categorical code that does best on validation images, those of G's images (see metrics.collapse),
    and the pictures drawn, by name. Names the categories, too. logged: the last row of metrics."""
    G, D, latent, validation = model.sampling_generator, model.discriminator, model.latent, dataset.validation
    drawn = {"samples": directory / "samples" / f"samples-{step:07d}.png"}
    pictures.save(drawn["samples"], category_grid(G, latent, model.config.seed))
    row = collapse.measure(G, D, latent, validation.images, logged.get("info_categorical_nats", math.nan))
    if not step:
        row["collapsed"] = row["q_fails"] = None  # G has not trained
    row |= label_free.evaluate(D, latent, validation.images)
    codes = clustering.measure(D, latent, validation)
    if not codes:
        return row, drawn
    name_categories(codes, validation.classes, directory, step)
    best = max(range(len(codes)), key=lambda i: codes[i]["accuracy"])
    of_best = codes[best]
    row = {"code": best, **{name: of_best[name] for name in clustering.MEASURES}} | row
    if step == model.config.updates:  # it takes as long to draw as hundreds of updates on small images
        drawn["confusion"] = directory / "samples" / f"confusion-{step:07d}.png"
        title, labels = f"validation images, update {step}", of_best["label_of_category"]
        pictures.confusion(drawn["confusion"], of_best["confusion"], title, labels, validation.classes)
    return row, drawn


def name_categories(codes: list[dict], classes: Sequence[str], directory: Path, step: int) -> None:
    """Write categories.json, from the measures of each categorical code on validation images (clustering.measure)."""
    content = {"split": "validation", "step": step, "n_images": codes[0]["n_images"]}
    content["codes"] = [clustering.name_categories(code, classes) for code in codes]
    records.write_json(directory / "categories.json", content)


def measured_test(directory: Path, summary: dict) -> dict:
    """evaluation.json's content where it is whole and of the run as it stands; empty where it is to be measured.

    summary: of the finished run (infogan.records.summary).
    """
    try:
        kept = records.read_evaluation(directory)
    except InputError:  # a damaged one is measured anew
        return {}
    expected = {"codes", *summary, *(MEASURED if "code" in summary else ())} - {"code"}
    return kept if kept.get("step") == summary["step"] and expected <= kept.keys() else {}


def measure_test(
    discriminator: DiscriminatorQ, latent: Latent, dataset: Dataset, directory: Path, summary: dict
) -> dict:
    """Measures on the test images of every categorical code, and of the one that validation images choose:
    evaluation.json. Categories are matched to labels on the test images themselves (see metrics.clustering).

    summary: of the finished run (infogan.records.summary).
    """
    codes = clustering.measure(discriminator, latent, dataset.test, intervals=True)
    result: dict = {"dataset": dataset.name, "split": "test", "codes": codes}
    if dataset.test.classes:
        result["classes"] = list(dataset.test.classes)  # names of the labels
    if codes:
        if "code" not in summary:
            raise InputError(
                f"{directory} was never measured on validation images, which choose the code to report: "
                "train it further"
            )
        best = summary["code"]
        result |= {"best_code": best, **{key: value for key, value in codes[best].items() if key != "confusion"}}
    result |= {key: value for key, value in summary.items() if key != "code"}
    records.write_json(directory / "evaluation.json", result)
    return result
