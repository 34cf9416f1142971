"""A folder of image files; its sub-folders, where there are any, are the classes, or train, val and test."""

import math
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from infogan.data.cache import file_identity
from infogan.data.decoding import decode_images, look_at
from infogan.data.files import as_input_error
from infogan.data.splits import Dataset, Split, classes_from, print_summary, split_in_order
from infogan.utils.errors import InputError

IMAGE_FILES = (".bmp", ".gif", ".jfif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
MAY_MOVE = (".gif", ".tif", ".tiff", ".webp")
"""Endings of files that may have several frames."""
ROLES = {"train": "train", "training": "train", "val": "validation", "valid": "validation"}
ROLES |= {"validation": "validation", "test": "test", "testing": "test"}
"""Names of sub-folders that are a division into splits and no classes."""


def load(folder: Path, size: int, pad: bool = False) -> Dataset:
    """All images below a folder, uint8 [N, C, size, size], in a fixed random order; colour where one of them is.

    Labels are the numbers of the sub-folders by name. Sub-folders ROLES are the splits, where there is one to train on,
    and theirs the classes; splits that are missing are held out of the training images. Hidden files and folders are
    left out, and so are images beside the folders of classes; how many is said on stderr. Of an image of several frames
    the first is used. Images that are not square lose what is beside the square in their middle, or with `pad` are
    padded to a square.
    Raises InputError where there are fewer than 20 images, one is damaged, or a link leads out of the folder's parent.
    """
    if folder.name in ("", ".."):
        folder = folder.resolve()  # which has a name
    skipped: Counter = Counter()
    files = _without_loose(folder, _find(folder, skipped), 0, skipped)
    roles = _roles(folder, files)
    if roles:
        files = _without_loose(folder, files, 1, skipped)
    if len(files) < 20:
        raise InputError(
            f"{folder} holds {len(files)} images ({', '.join(IMAGE_FILES)}); "
            f"give at least 20, so that each split has some"
        )
    colour, moving, deep = _look_at(files)
    order = np.random.default_rng(0).permutation(len(files))

    with as_input_error(f"{folder} cannot be read", "leave its files in place while they are read", OSError):
        source = [file_identity(file) for file in files]
    images = decode_images(folder.name, source, [files[i] for i in order], colour, size, pad=pad)
    if deep and (brightest := int(images[:1000].max())) < 64:
        bits = 8 + 2 * math.ceil(brightest.bit_length() / 2)
        raise InputError(
            f"{folder}: its images have 16 bits, and pixels of {bits} bits alone, which would be dark: "
            f"multiply the pixels by {2 ** (16 - bits)}, or save them with 8 bits"
        )
    parents = [file.relative_to(folder).parts[:-1] for file in files]
    numbers, classes = _labels(folder, parents, 1 if roles else 0)
    ordered = None if numbers is None else numbers[torch.from_numpy(order)]
    whole = Split(images, ordered, classes=classes)
    print_summary(str(folder), whole, skipped, f"; of {moving} with several frames the first" if moving else "")
    if roles:
        return _split_by_role(folder, whole, np.array([roles[parent[0]] for parent in parents])[order])
    return split_in_order(folder.name, whole)


def _look_at(files: list[Path]) -> tuple[bool, int, bool]:
    """Whether one of the images is in colour, how many have several frames, and whether one has 16 bits."""
    colour, moving, deep = False, 0, False
    for file in files:
        if not colour or file.suffix.lower() in MAY_MOVE:
            look = look_at(file)
            colour, moving, deep = colour or look.colour, moving + look.frames, deep or look.deep
    return colour, moving, deep


def _find(folder: Path, skipped: Counter) -> list[Path]:
    """The image files below a folder, sorted; others are counted by their endings."""
    files = []
    for path in _walk(folder, folder.resolve().parent, set(), skipped):
        if path.suffix.lower() in IMAGE_FILES:
            files.append(path)
        else:
            skipped[f"{path.suffix or 'files without an ending'}"] += 1
    return sorted(files)


def _walk(folder: Path, root: Path, seen: set[Path], skipped: Counter) -> Iterator[Path]:
    """Regular files below a folder but hidden ones; links to folders are followed once each, and only below `root`.

    skipped: counts what is left out.
    """
    seen.add(folder.resolve())
    with as_input_error(f"the folder {folder} cannot be read", "make it readable, or move it away", OSError):
        names = sorted(os.listdir(folder))
    for path in (folder / name for name in names):
        if path.name.startswith((".", "__MACOSX")):
            skipped["hidden"] += 1
        elif not os.path.exists(path):
            skipped["broken links"] += 1
        elif path.is_symlink() and not path.resolve().is_relative_to(root):
            raise InputError(f"{path} is a link to {path.resolve()}, out of {root}: copy what it leads to")
        elif path.is_dir() and path.resolve() in seen:
            skipped["links to folders that were read before"] += 1
        elif path.is_dir():
            yield from _walk(path, root, seen, skipped)
        elif path.is_file():
            yield path
        else:
            skipped["pipes or devices"] += 1


def _roles(folder: Path, files: list[Path]) -> dict[str, str]:
    """The split of each first sub-folder; empty where they are classes.

    Raises InputError where there are folders beside train and other splits: they could be either.
    """
    names = sorted({file.relative_to(folder).parts[0] for file in files if file.parent != folder})
    roles = {name: ROLES[name.lower()] for name in names if name.lower() in ROLES}
    if "train" not in roles.values():
        return {}
    if others := [name for name in names if name not in roles]:
        if len(roles) == 1:  # a class may be called train
            return {}
        raise InputError(f"{folder} has the splits {', '.join(roles)} and also {', '.join(others)}: move these out")
    return roles


def _without_loose(folder: Path, files: list[Path], depth: int, skipped: Counter) -> list[Path]:
    """The files, but those that lie beside the folders of classes, which are the sub-folders of this depth."""
    parents = {file: file.relative_to(folder).parts[:-1] for file in files}
    with_classes = {parts[:depth] for parts in parents.values() if len(parts) > depth}
    kept = [file for file, parts in parents.items() if len(parts) > depth or parts not in with_classes]
    if loose := len(files) - len(kept):
        skipped["images beside the folders of classes"] += loose
    return kept


def _labels(folder: Path, parents: list[tuple[str, ...]], depth: int) -> tuple[Tensor | None, tuple[str, ...]]:
    """The number of each file's sub-folder at a depth, -1 for a file without one, and the sub-folders' names.

    None where no file has one.
    """
    has = np.array([len(parent) > depth for parent in parents])
    if not has.any():
        return None, ()
    named = np.array([parent[depth] for parent in parents if len(parent) > depth])
    numbers, classes = classes_from(named, f"{folder}, by its sub-folders")
    if numbers is None:
        return None, classes
    out = torch.full((len(parents),), -1, dtype=torch.int64)
    out[torch.from_numpy(has)] = numbers
    return out, classes


def _split_by_role(folder: Path, whole: Split, role: np.ndarray) -> Dataset:
    """The splits as the folder has them; one that is missing is a tenth of the training images, held out of them.

    A split of images in no sub-folder has no labels. Raises InputError where nothing would be left to train on.
    """
    index = {name: torch.from_numpy(np.flatnonzero(role == name)) for name in ("train", "validation", "test")}
    tenth = max(1, len(index["train"]) // 10)
    for name in ("validation", "test"):
        if not len(index[name]):
            index["train"], index[name] = index["train"][:-tenth], index["train"][-tenth:]
    if len(index["train"]) < 2:
        raise InputError(f"{folder} has {(role == 'train').sum()} images to train on; give at least 20")
    return Dataset(folder.name, *(_labelled(whole[index[name]]) for name in ("train", "validation", "test")))


def _labelled(split: Split) -> Split:
    """The split, without labels where its images have none."""
    unlabelled = split.labels is not None and bool((split.labels < 0).any())
    return Split(split.images, None, split.extra, split.classes) if unlabelled else split
