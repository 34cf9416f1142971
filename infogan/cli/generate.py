"""Generate images of a trained model: a row for each category, with its codes as given.

A column's images have their noise, and the codes that are not given, in common.

Examples:
  infogan generate analysis/results/models/digits --out samples.png
  infogan generate analysis/results/models/digits --category 0 --code c2=-1:1:9 --seed 0 --out c2.png
  infogan generate analysis/results/models/digits --category 3 --count 20 --single --out category-3
  infogan generate runs/photos-modern-seed0 --category cats --out cats.png
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro

from infogan import load
from infogan.inference import Codes, Model
from infogan.utils.errors import InputError, printable
from infogan.utils.files import replacing

MOST = 1000
"""Columns."""


@dataclass(frozen=True)
class Options:
    """The command line."""

    model: tyro.conf.Positional[Path]
    """Run directory, or a directory written by `infogan export`."""
    out: Path
    """A picture (.png) with all images in a grid, an array file (.npz) with images, codes and seeds, or with --single a
    folder."""
    category: tuple[str, ...] = ()
    """Categories of the first categorical code, a row each: numbers, or names as `infogan recognise` prints them. A
    whole number is a category's number. Default: all of them."""
    code: tuple[str, ...] = ()
    """Values of codes, NAME=VALUE, or NAME=FROM:TO:COUNT for as many columns, such as c2=-1:1:9. Codes are named c1,
    c2, ... in the model's order."""
    count: int = 10
    """Columns where no code has a range; each has noise of its own."""
    seed: int = 0
    """Of the noise and of the codes that are not given; where no code has a range column k has seed + k."""
    single: bool = False
    """Write a PNG for each image into the folder OUT, in place of a grid."""


def read_codes(texts: tuple[str, ...]) -> tuple[dict[str, float | np.ndarray], int]:
    """Values by name, and how many the one range has, 0 without one. Raises InputError."""
    values: dict[str, float | np.ndarray] = {}
    columns = 0
    for text in texts:
        name, _, value = text.partition("=")
        try:
            first, *span = map(float, value.split(":"))
            last, count = span or (first, 1)
            if count not in range(1, MOST + 1):
                raise ValueError
        except ValueError:
            message = f"code is {text!r}; write NAME=VALUE or NAME=FROM:TO:COUNT, such as c2=-1:1:9"
            raise InputError(message) from None
        if name in values:
            raise InputError(f"code gives {name} twice: give it once")
        if span and columns:
            raise InputError(f"code gives a second range, {text!r}: give one, and single values for the others")
        values[name] = np.linspace(first, last, int(count)) if span else first
        columns = int(count) if span else columns
    return values, columns


def _category(text: str) -> int | str:
    """A category as Model.codes takes it: its number, or its name."""
    try:
        return int(text)
    except ValueError:
        return text


def codes_of(model: Model, options: Options) -> tuple[Codes, np.ndarray, int]:
    """Codes of all images, row by row, the seed of each, and how many rows. Raises InputError."""
    values, columns = read_codes(options.code)
    if not columns and not 1 <= options.count <= MOST:
        raise InputError(f"count is {options.count}; give 1 to {MOST} columns")
    seeds = np.full(columns, options.seed) if columns else options.seed + np.arange(options.count)
    categories: tuple[int | str | None, ...] = tuple(map(_category, options.category))
    first = next((name for name, size in model.code_names.items() if size), None)
    if not categories and first is not None and first not in values:
        categories = tuple(range(model.latent.categorical_sizes[0]))
    rows = [model.codes(len(seeds), seeds, category, **values) for category in categories or (None,)]
    codes = Codes(*(np.concatenate(parts) for parts in zip(*rows, strict=True)))
    return codes, np.tile(seeds, len(rows)), len(rows)


def main() -> None:
    """Write the images. Nothing is written where an option cannot be used."""
    options = tyro.cli(Options, description=__doc__)
    out, suffix = options.out, options.out.suffix.lower()
    if not options.single and suffix not in (".png", ".npz"):
        raise InputError(f"out is {out}; give a name that ends with .png or .npz, or --single and a folder")
    if options.single and out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise InputError(f"out is {out}, which exists; give --single a new or an empty folder")
    model = load(options.model)
    codes, seeds, rows = codes_of(model, options)
    images = model.generate(codes, seeds)
    if options.single:
        write_single(out, images)
    elif suffix == ".npz":
        arrays = {"images": images, "seeds": seeds} | codes._asdict()
        with replacing(out) as path, path.open("wb") as file:  # numpy would add .npz to a name in capitals
            np.savez_compressed(file, allow_pickle=False, **arrays)
    else:
        from infogan.records import pictures

        pictures.save(out, pictures.tile(images, rows))
    print(f"wrote {len(images)} images to {printable(out)}")


def write_single(folder: Path, images: np.ndarray) -> None:
    """0.png, 1.png, ..., numbered row by row; the folder appears with all of them."""
    from infogan.records import pictures

    folder.parent.mkdir(parents=True, exist_ok=True)
    digits = len(str(len(images) - 1))
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".generate-") as kept:
        whole = Path(kept) / "whole"
        for i, image in enumerate(images):
            pictures.save(whole / f"{i:0{digits}}.png", image)
        whole.replace(folder)
