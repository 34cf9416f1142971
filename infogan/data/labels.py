"""Labels of any kind as class numbers from 0, their names kept."""

import sys

import numpy as np
import torch
from torch import Tensor

from infogan.errors import InputError, printable

KINDS = "biuSUMm"


def encode(values: np.ndarray, where: str) -> tuple[Tensor | None, tuple[str, ...]]:
    """Class numbers int64 [N] in the order of the values, and the classes' names.

    values: [N] whole numbers, booleans, texts or dates. None, said on stderr, where there is one class: of one no
    accuracy can be measured. Raises InputError for values of another kind.
    """
    if values.dtype.kind not in KINDS:
        raise InputError(f"{where} is {values.dtype}; give whole numbers, texts or dates, one for each image")
    if values.dtype.kind in "iu" and values.min() < 0:
        raise InputError(f"{where} has the value {values.min()}; give whole numbers from 0, or texts")
    classes, numbers = np.unique(values, return_inverse=True)
    names = tuple(name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name) for name in classes)
    if len(classes) == 1:
        said = f"{printable(where)}: all images are of the class {names[0]!r}; of one class no accuracy is measured"
        print(said, file=sys.stderr)
        return None, names
    return torch.from_numpy(numbers.reshape(-1).astype(np.int64)), names
