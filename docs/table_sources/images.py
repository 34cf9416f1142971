"""Phrases on the images that presets generate on MNIST."""

import pandas as pd

from table_sources.common import csv, difference, over, read, seeds_of
from table_sources.mnist import mnist_runs


def image_facts() -> dict[str, list[str]]:
    """Page to phrases."""
    runs = mnist_runs()
    iic, authors, blog, gan = runs["iic"], runs["authors"], runs["blog, whole"], runs["gan"]
    paper = seeds_of("mnist/paper-images.csv")
    real = csv("mnist-test-images/halves.csv").set_index("of")
    validation = real.loc["10,000 test images, 10,000 validation images"]
    assert blog.sample_recall.mean() < gan.sample_recall.mean(), "of the presets shown, which gan is not"
    shared = csv("mnist/quality.csv").iloc[:3]
    accuracy = read("iic-variants/longer-seed2000/quality.json")["feature_accuracy"]
    images, short, without = iic.images.iloc[0], runs["iic, short"], seeds_of("pretraining-parts/no-pseudo-labels.csv")
    assert list(short.seed[: len(without)]) == list(without.seed), "the same seeds"
    return {
        "README.md": [
            f"`iic` has a Fréchet distance of {iic.frechet_distance.mean():.2f} and a recall of "
            f"{iic.sample_recall.mean():.2f}, `authors` {_both(authors)} (ten seeds each), `blog` {_both(blog)} "
            f"(three), `paper` {_both(paper)} (two), real validation images {validation.frechet_distance:.2f} and "
            f"{validation.recall:.2f}",
        ],
        "docs/concepts.md": [f"It classifies {100 * accuracy:.1f} % of MNIST's test digits correctly"],
        "docs/results.md": [
            f"have a Fréchet distance of {validation.frechet_distance:.2f} to them, a precision of "
            f"{validation.precision:.2f} and a recall of {validation.recall:.2f}",
            f"smaller than that of `authors`, by {difference(authors.frechet_distance, iic.frechet_distance, 2)}, and "
            f"than that of `blog`, by {difference(blog.frechet_distance, iic.frechet_distance, 2)} (Welch)",
            f"`authors` was trained on {authors.images.iloc[0] / images:.1f} times as many images as `iic`, its "
            f"pretraining included, `blog` on {blog.images.iloc[0] / images:.1f} times as many",
            f"pseudo-labels are worth {over(short.accuracy.head(len(without)).values - without.accuracy, 4)} of test",
            f"the highest recall, {difference(blog.sample_recall, iic.sample_recall, 2)} above that of `iic`",
            "validation set have a distance of "
            f"{real.frechet_distance['first 5,000 test images, 5,000 validation images']:.2f} to them",
            f"with Fréchet distances of {', '.join(f'{value:.2f}' for value in shared.frechet_distance)} and a recall "
            f"of {shared.sample_recall.max():.2f} in each",
        ],
    }


def _both(runs: pd.DataFrame) -> str:
    """Mean Fréchet distance and mean recall."""
    return f"{runs.frechet_distance.mean():.2f} and {runs.sample_recall.mean():.2f}"
