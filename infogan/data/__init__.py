"""Datasets by name: images as uint8 tensors [N, C, H, W], with labels, attributes or factors where they are known.

    dataset = data.load("mnist")
    dataset.train.images, dataset.validation.labels, dataset.test.extra["factors"]

Where things are:

    names.py         load(), and LOADERS, the table of all dataset names
    splits.py        Split and Dataset; a file's arrays to images and class numbers; how images are divided
    batches.py       the order in which training meets the images
    formats/         one file per file format: .npz, folders of images, idx (MNIST and its kin), SVHN, ...
    synthetic/       datasets that are rendered here, with known factors
    files.py         the folder of datasets, downloads, limits of what is decoded, one-line errors
    decoding.py      image files to pixels
    cache.py         decoded images in a memory-mapped file
    fingerprint.py   what tells a run's data from other data of the same name
    augmentation.py  augmented copies of real images

To add a dataset, write formats/NAME.py with a function that returns a Dataset, and enter it in names.LOADERS. To add a
synthetic one, write synthetic/NAME.py and enter it in synthetic.SCENES.

Importing this needs torch and numpy alone. Pillow, scipy, scikit-learn, torchvision, filelock and tqdm are imported
where they are used.
"""

from infogan.data.batches import Batches
from infogan.data.files import DATA_VARIABLE, import_torchvision
from infogan.data.names import LOADERS, SYNTHETIC, load
from infogan.data.splits import Dataset, Split

__all__ = [
    "DATA_VARIABLE",
    "LOADERS",
    "SYNTHETIC",
    "Batches",
    "Dataset",
    "Split",
    "import_torchvision",
    "load",
]
