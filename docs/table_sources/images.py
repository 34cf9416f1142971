"""Phrases on the images that presets generate on MNIST."""

import pandas as pd
from scipy import stats

from table_sources.common import csv, interval, seeds_of
from table_sources.mnist import mnist_runs


def image_facts() -> dict[str, list[str]]:
    """Page to phrases."""
    runs = mnist_runs()
    iic, authors, blog = runs["iic"], runs["authors"], runs["blog, whole"]
    real = csv("mnist-test-images/halves.csv").set_index("of")
    train = real.loc["10,000 test images, 10,000 training images"]
    first = real.loc["first 5,000 test images, 5,000 training images"]
    seen = {name: part.images.iloc[0] for name, part in (("iic", iic), ("authors", authors), ("blog", blog))}
    means = {
        name: f"{part.frechet_distance.mean():.2f} and {part.sample_recall.mean():.2f}"
        for name, part in (runs | {"drawn by paper": seeds_of("mnist/paper-images.csv")}).items()
        if "frechet_distance" in part
    }
    return {
        "README.md": [
            f"`iic` has a Fréchet distance of {means['iic'].replace('and', 'and a recall of')}, `authors` "
            f"{means['authors']} (ten seeds each), `blog` {means['blog, whole']} (three), `paper` "
            f"{means['drawn by paper']} (two)",
            f"that of training images is {train.frechet_distance:.2f}",
        ],
        "docs/results.md": [
            f"have a Fréchet distance of {train.frechet_distance:.2f} to them, a precision of {train.precision:.2f} "
            f"and a recall of {train.recall:.2f}",
            f"smaller than that of `authors`, by {_more(authors.frechet_distance, iic.frechet_distance)}, and than "
            f"that of `blog`, by {_more(blog.frechet_distance, iic.frechet_distance)} (Welch)",
            f"`authors` saw {seen['authors'] / seen['iic']:.1f} times as many images as `iic`, `blog` "
            f"{seen['blog'] / seen['iic']:.1f} times",
            f"the highest recall, {_more(blog.sample_recall, iic.sample_recall)} above that of `iic`",
            f"real training images have a distance of {first.frechet_distance:.2f} to them",
        ],
    }


def _more(one: pd.Series, other: pd.Series) -> str:
    """By how much the mean is larger, with Welch's interval."""
    bounds = stats.ttest_ind(one, other, equal_var=False).confidence_interval(0.95)
    return interval(one.mean() - other.mean(), bounds.low, bounds.high, 2)
