"""Recognise image files with a trained model: Q's category with its name and probability, and the continuous codes'
means. A category has the name of the class that it was matched to on validation images, where these had labels.

Examples:
  infogan recognise runs/photos-modern-seed0 new/*.jpg
  infogan recognise runs/photos-modern-seed0 new/*.jpg --csv > codes.csv
"""

import csv
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro

from infogan import load
from infogan.inference import Model
from infogan.utils.errors import InputError, printable

AT_ONCE = 500
"""Images in memory."""


@dataclass(frozen=True)
class Options:
    """The command line."""

    model: tyro.conf.Positional[Path]
    """Run directory, or a directory written by `infogan export`."""
    files: tyro.conf.Positional[tuple[Path, ...]]
    """Image files, of any size: the square in the middle is scaled to the model's size, as for a folder of training
    images; of a model of FOLDER@SIZE:pad they are padded."""
    csv: bool = False
    """Print CSV in place of an aligned table."""


def read_images(model: Model, files: tuple[Path, ...]) -> np.ndarray:
    """The files as the model reads them, uint8 [N, H, W, C]. Raises InputError naming the first that is no image."""
    from infogan.data import decoding
    from infogan.data.names import pads

    channels, height, width = model.image_shape
    if height != width:
        raise InputError(f"the model's images are {height}x{width}; files are scaled to squares: use infogan.load")
    pad = pads(model.config.dataset)
    maps = [decoding.decode_image(file, str(file), channels == 3, height, pad=pad) for file in files]
    return np.stack(maps).transpose(0, 2, 3, 1)


def rows(model: Model, files: tuple[Path, ...]) -> list[dict[str, str | int | float]]:
    """A row for each file: its name; the category of each categorical code, what the category is called, and its
    probability; the value of each continuous code.

    The columns of a model's only categorical code are `category`, `name` and `probability`; of several each has the
    code's name after it. A model whose categories have no names has no column for them; one category without is empty.
    """
    categorical = [name for name, size in model.code_names.items() if size]
    continuous = [name for name, size in model.code_names.items() if not size]
    after = [""] if len(categorical) == 1 else [f"_{name}" for name in categorical]
    out: list[dict[str, str | int | float]] = []
    for start in range(0, len(files), AT_ONCE):
        some = files[start : start + AT_ONCE]
        images = read_images(model, some)
        codes, probabilities = model.recognise(images), model.probabilities(images)
        for i, file in enumerate(some):
            row: dict[str, str | int | float] = {"file": str(file)}
            for k, (name, of_code) in enumerate(zip(after, probabilities, strict=True)):
                category = int(codes.categories[i, k])
                row[f"category{name}"] = category
                if model.categories:
                    row[f"name{name}"] = (model.categories[k][category] or {"name": ""})["name"]
                row[f"probability{name}"] = float(of_code[i, category])
            out.append(row | dict(zip(continuous, map(float, codes.continuous[i]), strict=True)))
    return out


def main() -> None:
    """Print the table, once every file has been read."""
    options = tyro.cli(Options, description=__doc__)
    if not options.files:
        raise InputError("give at least one image file, such as new/*.png")
    table = rows(load(options.model), options.files)
    text = [{name: f"{v:.4f}" if isinstance(v, float) else str(v) for name, v in row.items()} for row in table]
    if options.csv:
        writer = csv.DictWriter(sys.stdout, table[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(text)
        return
    shown = [dict(zip(table[0], table[0])), *({k: printable(v) for k, v in row.items()} for row in text)]
    widths = {name: max(len(row[name]) for row in shown) for name in table[0]}
    for row in shown:
        cells = [row[k].ljust(w) if k == "file" else row[k].rjust(w) for k, w in widths.items()]
        print("  ".join(cells))
