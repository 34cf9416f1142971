"""MNIST and Fashion-MNIST, read and downloaded by torchvision."""

from functools import partial
from pathlib import Path

from infogan.data.download import DATA_VARIABLE, download
from infogan.data.errors import as_input_error
from infogan.data.splits import Dataset, Split
from infogan.data.torchvision_import import import_torchvision

CLASSES = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST"}
"""Dataset name -> torchvision's class, which is also the name of the folder."""


def load(name: str, root: Path) -> Dataset:
    """Images uint8 [N, 1, 28, 28] with labels; the last 10,000 of the 60,000 training images are to validate.

    Raises InputError where the files in `root` are damaged, or missing and not to be downloaded.
    """
    train, test = (_read(name, root, train=is_train) for is_train in (True, False))
    return Dataset(name, train[:50_000], train[50_000:], test)


def _read(name: str, root: Path, train: bool) -> Split:
    folder, expected = root / CLASSES[name], 60_000 if train else 10_000
    reader = partial(getattr(import_torchvision().datasets, CLASSES[name]), root, train=train)
    holder = f"a folder that holds {folder.name}/raw/"
    mend = f"pass --data-dir (or set {DATA_VARIABLE}) to {holder}, or run once with a network"
    with as_input_error(f"{name} in {folder} is damaged", f"move that folder away, then {mend}"):
        try:
            part = reader(download=False)
        except RuntimeError as error:
            if "not found" not in str(error):
                raise
            part = download(
                partial(reader, download=True),
                f"{name} is not in {folder} and",
                (folder / "raw", folder, root),
                mend,
                failures=(OSError, RuntimeError),
            )
        shape = (len(part.targets), *part.data.shape)
        if shape != (expected, expected, 28, 28):
            raise ValueError(f"{shape[0]} labels and images of shape {shape[1:]}, expected {expected} of 28x28")
    return Split(part.data.unsqueeze(1), part.targets.long())
