"""Datasets by name: images as uint8 tensors N x C x H x W, with labels, attributes or factors where known."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from infogan.config import InputError
from infogan.data import archives
from infogan.data.archives import first_line

DATA_VARIABLE = "INFOGAN_DATA"
TORCHVISION = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST"}
ARCHIVES = ("svhn", "celeba", "rendered_chairs")
PROCEDURAL = ("sprites", "faces3d", "chairs3d")


@dataclass(frozen=True)
class Split:
    """images: uint8 [N, C, H, W]; labels: int64 [N] or None; extra: name -> values [N, ...] with their names."""

    images: Tensor
    labels: Tensor | None = None
    extra: dict[str, tuple[Tensor, tuple[str, ...]]] = field(default_factory=dict)

    def __getitem__(self, index) -> "Split":
        extra = {key: (values[index], names) for key, (values, names) in self.extra.items()}
        return Split(self.images[index], None if self.labels is None else self.labels[index], extra)

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True)
class Dataset:
    """Training images, validation images held out of them (for every choice), and test images (for reports)."""

    name: str
    train: Split
    validation: Split
    test: Split

    @property
    def image_shape(self) -> tuple[int, int, int]:
        return tuple(self.train.images.shape[1:])  # type: ignore[return-value]


def load(name: str, data_dir: str | os.PathLike | None = None) -> Dataset:
    """The dataset called `name`, see config.Config.dataset.

    data_dir (default: $INFOGAN_DATA, else ./data) is where archives and .npz files are looked for, and what torchvision
    can download is downloaded to. Validation images are the last 10,000 training images of mnist and fashion-mnist, the last
    tenth of svhn's, and CelebA's own; of rendered_chairs validation and test images are of chairs not trained on. All else
    is split by a fixed permutation, a tenth each. What lies in many files is decoded once into a cache, see infogan.archives.

    Raises InputError, one line that says how to get or mend the data.
    """
    root = Path(data_dir or os.environ.get(DATA_VARIABLE) or "data")
    if name == "digits":
        return _digits()
    if name in TORCHVISION:
        return _from_torchvision(name, root)
    if name == "svhn":
        return _svhn(root)
    if name == "celeba":
        return _celeba(root)
    if name == "rendered_chairs":
        return _rendered_chairs(root)
    if name.endswith(".npz"):
        return _from_npz(Path(name) if Path(name).exists() or not (root / name).exists() else root / name)
    folder, at, size = name.rpartition("@") if "@" in name and not Path(name).is_dir() else (name, "", "")
    if (
        (folder in PROCEDURAL or Path(folder).is_dir())
        and at
        and not (size.isdecimal() and int(size) and int(size) % 4 == 0)
    ):
        raise InputError(
            f"dataset {name!r} asks for images of size {size!r}; give a multiple of 4, such as {folder}@64"
        )
    if folder in PROCEDURAL:
        from infogan.data import synthetic

        images, factors, names = synthetic.rendered(folder, int(size) if at else None)
        return _cut(name, Split(images, None, {"factors": (torch.from_numpy(factors), names)}))
    if Path(folder).is_dir():
        images, labels = archives.folder_of_images(Path(folder), int(size or 32))
        return _cut(Path(folder).name, Split(images, None if labels is None else torch.from_numpy(labels)))
    raise InputError(
        f"unknown dataset {name!r}: choose digits, {', '.join((*TORCHVISION, *ARCHIVES, *PROCEDURAL))}, "
        f"or give the path of an .npz file or of a folder of images; @SIZE goes with {', '.join(PROCEDURAL)} and folders"
    )


def _digits() -> Dataset:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = torch.from_numpy(np.round(bunch.images * (255 / 16)).astype(np.uint8)).unsqueeze(1)
    return _split("digits", Split(images, torch.from_numpy(bunch.target.astype(np.int64))), 300, 300)


def _split(name: str, whole: Split, n_validation: int, n_test: int) -> Dataset:
    """Cut by a permutation that is fixed, so that no choice of a seed moves a test image into training."""
    order = torch.from_numpy(np.random.default_rng(0).permutation(len(whole)))
    test, validation, train = order.split([n_test, n_validation, len(whole) - n_test - n_validation])
    return Dataset(name, whole[train], whole[validation], whole[test])


def _cut(name: str, whole: Split) -> Dataset:
    """Of images that lie in an order without meaning: a tenth to measure and a tenth to test, as views that copy nothing."""
    tenth = len(whole) // 10
    return Dataset(
        name,
        whole[: len(whole) - 2 * tenth],
        whole[len(whole) - 2 * tenth : len(whole) - tenth],
        whole[len(whole) - tenth :],
    )


_HOW = f"put it there, pass --data-dir (or set {DATA_VARIABLE}) to the folder that holds it, or run once with a network"


def _svhn(root: Path) -> Dataset:
    parts = []
    for part in ("train", "test"):
        path = root / f"{part}_32x32.mat"
        if not path.is_file():
            fetch = partial(import_torchvision().datasets.SVHN, root, split=part, download=True)
            _download(f"svhn's {path.name} is not in {root} and", (root,), _HOW, fetch)
        images, labels = archives.svhn(path)
        parts.append(Split(images, torch.from_numpy(labels)))
    train, test = parts
    kept = len(train) - len(train) // 10
    return Dataset("svhn", train[:kept], train[kept:], test)


def _celeba(root: Path) -> Dataset:
    if not (root / "celeba").is_dir():
        fetch = partial(import_torchvision().datasets.CelebA, root, target_type="attr", download=True)
        _download(f"celeba is not in {root} and", (root / "celeba", root), _HOW, fetch)
    images, attributes, names, parts = archives.celeba(root)
    whole = Split(images, None, {"attributes": (torch.from_numpy(attributes), names)})
    return Dataset("celeba", *(whole[_run(np.flatnonzero(parts == part))] for part in range(3)))


def _rendered_chairs(root: Path) -> Dataset:
    images, factors, chairs = archives.rendered_chairs(root)
    whole = Split(images, None, {"factors": (torch.from_numpy(factors), ("azimuth_degrees", "pitch_degrees"))})
    held = max(1, (int(chairs.max()) + 1) // 10)
    ends = int(chairs.max()) + 1 - 2 * held, int(chairs.max()) + 1 - held
    if ends[0] < 1:
        raise InputError(
            f"{root / 'rendered_chairs'} holds {int(chairs.max()) + 1} chairs; give at least 3, so that each split has its own"
        )
    cuts = np.searchsorted(chairs, ends).tolist()
    return Dataset("rendered_chairs", whole[: cuts[0]], whole[cuts[0] : cuts[1]], whole[cuts[1] :])


def _run(index: np.ndarray) -> slice | Tensor:
    """The same index as a slice where it has no gaps: a view, and no copy of what lies in a memory map."""
    return (
        slice(int(index[0]), int(index[-1]) + 1)
        if len(index) and len(index) == index[-1] - index[0] + 1
        else torch.from_numpy(index)
    )


def _download(what: str, folders: tuple[Path, ...], how: str, fetch: Callable[[], object], failures=Exception):
    """What fetch() returns; `failures` are what it raises where the network or the host fails.

    Raises InputError then, and leaves behind no empty folder that it made (`folders`, the innermost first).
    """
    made = [folder for folder in folders if not folder.exists()]
    try:
        return fetch()
    except failures as failure:
        for folder in made:
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
        raise InputError(f"{what} could not be downloaded ({first_line(failure)}): {how}") from failure


def _from_torchvision(name: str, root: Path) -> Dataset:
    datasets = import_torchvision().datasets
    kind = getattr(datasets, TORCHVISION[name])
    folder = root / TORCHVISION[name]
    how = f"pass --data-dir (or set {DATA_VARIABLE}) to a folder that holds {TORCHVISION[name]}/raw/, or run once with a network"
    parts = {}
    for train, expected in ((True, 60_000), (False, 10_000)):
        try:
            try:
                part = kind(root, train=train, download=False)
            except RuntimeError as error:
                if "not found" not in str(error):
                    raise
                part = _download(
                    f"{name} is not in {folder} and", (folder / "raw", folder, root), how,
                    partial(kind, root, train=train, download=True), failures=(OSError, RuntimeError),
                )  # fmt: skip
            shape = (len(part.targets), *part.data.shape)
            if shape != (expected, expected, 28, 28):
                raise ValueError(f"{shape[0]} labels and images of shape {shape[1:]}, expected {expected} of 28x28")
        except InputError:
            raise
        except Exception as error:  # a damaged file surfaces as whatever the parser met
            raise InputError(
                f"{name} in {folder} is damaged ({first_line(error)}): delete that folder, then {how}"
            ) from error
        parts[train] = Split(part.data.unsqueeze(1), part.targets.long())
    return Dataset(name, parts[True][:50_000], parts[True][50_000:], parts[False])


def _from_npz(path: Path) -> Dataset:
    """Any images: `images` N x H x W [x C] uint8; optional labels, attributes + attribute_names, factors + factor_names."""
    layout = "it needs `images`, N x H x W or N x H x W x C, uint8, with C = 1 or 3"
    if not path.is_file():
        raise InputError(f"there is no file {path}; {layout}")
    try:
        with np.load(path, allow_pickle=False) as archive:
            if "imgs" in archive.files:
                return _dsprites(path)
            arrays = {key: archive[key] for key in archive.files}
    except InputError:
        raise
    except Exception as error:  # a damaged file surfaces as whatever the parser met
        raise InputError(f"{path} cannot be read as .npz ({first_line(error)}); {layout}") from error
    images = arrays.get("images")
    if images is None:
        raise InputError(f"{path} holds {', '.join(arrays) or 'nothing'} and no `images`; {layout}")
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4 or images.dtype != np.uint8 or images.shape[3] not in (1, 3):
        raise InputError(f"{path}: `images` is {images.dtype} of shape {arrays['images'].shape}; {layout}")
    if len(images) < 20:
        raise InputError(f"{path} holds {len(images)} images; give at least 20, so that each split has some")
    for key, dimensions in (("labels", 1), ("attributes", 2), ("factors", 2)):
        if key in arrays and (arrays[key].ndim != dimensions or len(arrays[key]) != len(images)):
            raise InputError(
                f"{path}: `{key}` has shape {arrays[key].shape}; give {len(images)}{'' if dimensions == 1 else ' x names'}, for {len(images)} images"
            )
    for key in ("attribute", "factor"):
        names, values = arrays.get(f"{key}_names"), arrays.get(f"{key}s")
        if names is not None and values is not None and names.shape != values.shape[1:]:
            raise InputError(
                f"{path}: `{key}_names` has shape {names.shape}; give a name for each of {values.shape[1]} columns of `{key}s`"
            )
    labels = arrays.get("labels")
    if labels is not None and (labels.ndim != 1 or labels.dtype.kind not in "iu" or labels.min() < 0):
        raise InputError(f"{path}: `labels` is {labels.dtype} of shape {labels.shape}; give N whole numbers from 0")
    extra = {
        key: (torch.from_numpy(arrays[key]), tuple(map(str, arrays.get(names, range(arrays[key].shape[1])))))
        for key, names in (("attributes", "attribute_names"), ("factors", "factor_names"))
        if key in arrays
    }
    whole = Split(
        torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2))),
        None if labels is None else torch.from_numpy(labels.astype(np.int64)),
        extra,
    )
    tenth = len(whole) // 10
    return _split(path.stem, whole, tenth, tenth)


def import_torchvision():
    """torchvision, also where a CPU-only torch meets a torchvision built for CUDA.

    That pair is easily installed (PyPI's torchvision is the CUDA build) and dies on import, because
    torchvision's compiled operators do not load while its Python code registers shape functions for two of
    them. We use neither operator; declaring that they exist, only once the plain import has failed, is enough.
    """
    import sys

    try:
        import torchvision
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
        for module in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[module]
        library = torch.library.Library("torchvision", "FRAGMENT")
        library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        import_torchvision.library = library  # the declarations live as long as this object
        import torchvision
    return torchvision


def _dsprites(path: Path) -> Dataset:
    images, factors = archives.dsprites(path)
    return _cut(path.stem, Split(images, None, {"factors": (torch.from_numpy(factors), archives.DSPRITES_FACTORS)}))


class Batches:
    """Real images in training order: every epoch a new permutation, batches running on across epochs.

    The order is a function of seed and update alone, so a resumed run draws what it would have drawn.
    """

    def __init__(self, images: Tensor, batch_size: int, seed: int):
        if batch_size > len(images):
            raise InputError(f"batch_size is {batch_size}, but there are only {len(images)} training images")
        self.images, self.batch_size, self.seed = images, batch_size, seed
        self._orders: dict[int, Tensor] = {}

    def _order(self, epoch: int) -> Tensor:
        if epoch not in self._orders:
            self._orders = {e: order for e, order in self._orders.items() if e == epoch - 1}
            generator = torch.Generator().manual_seed(self.seed + epoch)
            self._orders[epoch] = torch.randperm(len(self.images), generator=generator).to(self.images.device)
        return self._orders[epoch]

    def at(self, update: int) -> Tensor:
        """uint8 [batch_size, C, H, W] for the given update, on the images' device."""
        return self.images[self.index(update)]

    def index(self, update: int) -> Tensor:
        """Which images these are, [batch_size] int64."""
        epoch, start = divmod(update * self.batch_size, len(self.images))
        index = self._order(epoch)[start : start + self.batch_size]
        if len(index) < self.batch_size:
            index = torch.cat([index, self._order(epoch + 1)[: self.batch_size - len(index)]])
        return index
