"""What each seed calls 200 test digits: a table, and a picture of some of them."""

from pathlib import Path

import numpy as np
import pandas as pd
import tyro

from infogan import data, load
from infogan.cli import one_line_errors
from infogan.utils import style
from infogan.utils.errors import InputError

HERE = Path(__file__).parent
EACH = 20
"""Test images of each digit: the first ones."""


def predict(directories: list[Path]) -> pd.DataFrame:
    """A row for each seed and image: the digit that the seed's category was matched to on validation images, and Q's
    probability of that category."""
    test = data.load("digits").test
    labels = test.labels.numpy()
    chosen = np.concatenate([np.flatnonzero(labels == digit)[:EACH] for digit in range(10)])
    images = test.images[chosen].permute(0, 2, 3, 1).numpy()
    rows = []
    for directory in directories:
        model = load(directory)
        probabilities = model.probabilities(images)[0]
        names = [name for name, _ in model.category_names]
        for image, label, row in zip(chosen, labels[chosen], probabilities, strict=True):
            called = {"called": int(names[row.argmax()]), "probability": round(float(row.max()), 3)}
            rows.append({"seed": model.config.seed, "image": image, "label": label} | called)
    return pd.DataFrame(rows).sort_values(["seed", "label", "image"])


@style.drawing()
def draw(table: pd.DataFrame, path: Path) -> None:
    """Two test images of each digit, and below each what every seed calls it."""
    images = data.load("digits").test.images.numpy()
    shown = [image for digit in range(10) for image in table[table.label == digit].image.unique()[:2]]
    seeds = sorted(table.seed.unique())
    figure = style.new_figure(8, 3.9)
    axes = figure.subplots()
    axes.set(xlim=(-1.6, len(shown)), ylim=(len(seeds) + 1.1, -0.1))
    axes.set_axis_off()
    for x, image in enumerate(shown):
        axes.imshow(images[image, 0], cmap="gray", extent=(x + 0.05, x + 0.95, 0.95, 0.05), aspect="auto")
        for y, seed in enumerate(seeds, 1):
            row = table[(table.image == image) & (table.seed == seed)].iloc[0]
            look = {"color": style.BLACK} if row.called == row.label else {"color": style.VERMILION, "weight": "bold"}
            axes.text(x + 0.5, y + 0.55, f"{row.called:.0f}", ha="center", va="center", **look)
    for y, seed in enumerate(seeds, 1):
        axes.text(-0.2, y + 0.55, f"seed {seed}", ha="right", va="center", color=style.GREY)
    style.save(figure, path)


def main(runs: tyro.conf.Positional[tuple[Path, ...]]) -> None:
    """runs: directories of trained runs on digits."""
    if not runs:
        raise InputError("give at least one run directory, such as studies/seeds/trials/0000")
    table = predict(list(runs))
    table.to_csv(HERE / "predictions.csv", index=False)
    draw(table, HERE / "seeds.png")
    right = (table.called == table.label).groupby(table.seed).mean()
    print(right.round(3).to_string())
    called = table.pivot(index="image", columns="seed", values="called")
    print(f"all seeds agree on {(called.nunique(axis=1) == 1).mean():.3f} of the images")


if __name__ == "__main__":
    with one_line_errors():
        tyro.cli(main, description=__doc__)
