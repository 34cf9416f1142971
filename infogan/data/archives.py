"""Archives of images in their original formats; those of many files, or too large for memory, through a memory-mapped cache.

The cache (in $INFOGAN_CACHE, else ~/.cache/infogan) is one uint8 .npy file per dataset and size, decoded once; what is not
looked at costs no memory. Decoding shows its rate, and after an interruption goes on where it stopped.
"""

import hashlib
import io
import json
import os
import re
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock
from torch import Tensor

from infogan import records
from infogan.accel import cpu
from infogan.config import InputError

CACHE_VARIABLE = "INFOGAN_CACHE"
DECODER = 1  # a change of how images are cut, scaled or ordered makes new caches
CHUNK = 1000  # images decoded between two marks of progress
IMAGE_FILES = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".ppm", ".pgm", ".tif", ".tiff"}


def cache_folder() -> Path:
    """Where decoded images and trained classifiers are kept: $INFOGAN_CACHE, else ~/.cache/infogan."""
    return Path(os.environ.get(CACHE_VARIABLE) or Path.home() / ".cache" / "infogan")


def first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def cached(
    name: str,
    source: object,
    shape: tuple[int, int, int, int],
    chunks: Callable[[int], Iterable[np.ndarray]],
    order: np.ndarray | None = None,
) -> Tensor:
    """The uint8 images [N, C, H, W] that `chunks` makes, from the cache where they are there already.

    Args:
        source: what the images are made of (names, sizes, times), as JSON; another source is another cache.
        chunks: given how many images are done, yields the following ones, uint8 [n, C, H, W].
        order: where each image goes; default: as they come.
    Raises InputError where the cache cannot be written. What `chunks` raises leaves the images before it in the cache.
    """
    from tqdm import tqdm

    digest = hashlib.sha256(json.dumps([DECODER, source, shape], default=str).encode()).hexdigest()[:12]
    folder = cache_folder() / f"{name}-{digest}"
    path, mark = folder / "images.npy", folder / "done"
    try:
        if _done(path, mark, shape) < shape[0]:
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(folder / ".lock"):  # of several processes one decodes, and the others wait
                done = _done(path, mark, shape)
                memory = np.lib.format.open_memmap(path, "r+" if done else "w+", np.uint8, None if done else shape)
                if not done and hasattr(os, "posix_fallocate"):
                    with path.open(
                        "r+b"
                    ) as file:  # a full disk would kill the process where it writes into the map: ask now
                        os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
                with tqdm(
                    total=shape[0], initial=done, unit=" images", unit_scale=True, desc=f"{name} into {folder}",
                    mininterval=0.5 if sys.stderr.isatty() else 30, disable=shape[0] <= CHUNK,
                ) as bar:  # fmt: skip
                    for chunk in chunks(done) if done < shape[0] else ():
                        where = slice(done, done + len(chunk)) if order is None else order[done : done + len(chunk)]
                        memory[where] = chunk
                        memory.flush()
                        done += len(chunk)
                        records.write_atomic(mark, str(done))
                        bar.update(len(chunk))
                if done != shape[0]:
                    raise InputError(f"{name} has {done} images where {shape[0]} were announced: get the file again")
    except OSError as error:
        raise InputError(
            f"{name} cannot be kept in {folder} ({first_line(error)}): make room, or set {CACHE_VARIABLE} to another folder"
        ) from error
    # Copy on write: torch knows no tensor that must not be written.
    return torch.from_numpy(np.load(path, mmap_mode="c"))


def _done(path: Path, mark: Path, shape: tuple[int, ...]) -> int:
    """How many images the cache holds; 0 where there is none, or it is damaged."""
    try:
        done, held = int(mark.read_text()), np.lib.format.open_memmap(path, "r")
        return done if held.shape == shape and held.dtype == np.uint8 and 0 <= done <= shape[0] else 0
    except (OSError, ValueError):
        return 0


def in_parallel(decode: Callable[[int], np.ndarray], count: int) -> Callable[[int], Iterator[np.ndarray]]:
    """`chunks` of `cached` from a function of the image's number; libraries that decode images let other threads run."""

    def chunks(start: int) -> Iterator[np.ndarray]:
        with ThreadPoolExecutor(cpu.cores()) as pool:
            for first in range(start, count, CHUNK):
                yield np.stack(list(pool.map(decode, range(first, min(first + CHUNK, count)))))

    return chunks


def _stamp(path: Path) -> list:
    about = path.stat()
    return [str(path.resolve()), about.st_size, about.st_mtime_ns]


def _decoded(data: bytes | Path, name: str, colour: bool, size: int, crop: int | None = None) -> np.ndarray:
    """One image file as uint8 [C, size, size]: the square in its middle (of side `crop`), averaged down."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data) if isinstance(data, bytes) else data) as image:
            if image.mode.startswith("I;16"):  # Pillow would cut off what is brighter than 255
                image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
            elif image.mode in ("I", "F"):
                raise ValueError(f"its pixels are of Pillow's mode {image.mode}: save it with 8 or 16 bits")
            image = image.convert("RGB" if colour else "L")
            side = crop or min(image.size)
            left, top = (image.width - side) // 2, (image.height - side) // 2
            image = image.resize((size, size), Image.Resampling.BOX, (left, top, left + side, top + side))
    except Exception as error:  # a damaged file surfaces as whatever the decoder met
        raise InputError(
            f"the image {name} cannot be read ({first_line(error)}): get it again, or remove it"
        ) from error
    pixels = np.asarray(image)
    return pixels.transpose(2, 0, 1) if colour else pixels[None]


def svhn(path: Path) -> tuple[Tensor, np.ndarray]:
    """train_32x32.mat or test_32x32.mat of SVHN (Netzer et al. 2011): images [N, 3, 32, 32], labels int64 [N] (10 means 0)."""
    from scipy.io import loadmat

    try:
        arrays = loadmat(path)
        x, y = arrays["X"], arrays["y"].reshape(-1).astype(np.int64)
        if x.dtype != np.uint8 or x.shape != (32, 32, 3, len(y)):
            raise ValueError(
                f"X is {x.dtype} of shape {x.shape} for {len(y)} labels, expected uint8 (32, 32, 3, {len(y)})"
            )
        if not len(y) or y.min() < 1 or y.max() > 10:
            raise ValueError("y must be labels from 1 to 10")
    except Exception as error:  # a truncated file surfaces as whatever the parser met
        raise InputError(
            f"{path} is damaged or not SVHN's cropped digits ({first_line(error)}): get it again from http://ufldl.stanford.edu/housenumbers"
        ) from error
    return torch.from_numpy(np.ascontiguousarray(x.transpose(3, 2, 0, 1))), y % 10


def celeba(root: Path, size: int = 32, crop: int = 148) -> tuple[Tensor, np.ndarray, tuple[str, ...], np.ndarray]:
    """CelebA (Liu et al. 2015), aligned images, as torchvision lays it out in root/celeba.

    Reads img_align_celeba/ or img_align_celeba.zip, list_attr_celeba.txt and list_eval_partition.txt; takes the middle square of
    `crop` pixels to `size`. Returns images [N, 3, size, size], attributes uint8 [N, 40] (1 present), their names, and each
    image's official part (0 train, 1 validation, 2 test).
    """
    folder = root / "celeba"
    names, header, rows = _table(folder / "list_attr_celeba.txt", skip=1)
    attributes = (rows > 0).astype(np.uint8)
    if set(np.unique(rows)) - {-1, 1} or rows.shape[1] != len(header):
        raise InputError(
            f"{folder / 'list_attr_celeba.txt'} is not CelebA's list of attributes: it needs a line of names, then a file name and -1 or 1 for each"
        )
    parted, _, parts = _table(folder / "list_eval_partition.txt", skip=0, header=False)
    if parted != names or parts.shape[1] != 1 or set(np.unique(parts)) - {0, 1, 2}:
        raise InputError(
            f"{folder / 'list_eval_partition.txt'} does not give 0, 1 or 2 to each of the {len(names)} images of list_attr_celeba.txt: get both again"
        )
    images, archive = folder / "img_align_celeba", folder / "img_align_celeba.zip"
    if images.is_dir():
        missing = next((name for name in names if not (images / name).is_file()), None)
        if missing is not None:
            raise InputError(
                f"{images} lacks {missing}, which list_attr_celeba.txt names: unpack img_align_celeba.zip again"
            )
        read, source = lambda name: images / name, [str(images.resolve()), names]
    elif archive.is_file():
        opened = _open_zip(archive)
        inside = {Path(member).name: member for member in opened.namelist()}
        if missing := next((name for name in names if name not in inside), None):
            raise InputError(f"{archive} lacks {missing}, which list_attr_celeba.txt names: get it again")
        read, source = lambda name: opened.read(inside[name]), _stamp(archive)
    else:
        raise InputError(
            f"there is neither {images} nor {archive.name} beside it: get CelebA's aligned images from https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"
        )

    def decode(i: int) -> np.ndarray:
        try:
            data = read(names[i])
        except (
            OSError,
            RuntimeError,
            zlib.error,
            zipfile.BadZipFile,
        ) as error:  # also: encrypted, an unknown compression
            raise InputError(
                f"{names[i]} in {archive} cannot be read ({first_line(error)}): get the archive again"
            ) from error
        return _decoded(data, names[i], True, size, crop)

    shape = (len(names), 3, size, size)
    return (
        cached("celeba", [source, crop], shape, in_parallel(decode, len(names))),
        attributes,
        tuple(header),
        parts[:, 0],
    )


def _open_zip(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} is truncated or no zip file ({first_line(error)}): get it again") from error


def _table(path: Path, skip: int, header: bool = True) -> tuple[list[str], list[str], np.ndarray]:
    """CelebA's text tables: names of the rows, names of the columns, whole numbers."""
    try:
        lines = path.read_text().splitlines()[skip:]
        columns = lines.pop(0).split() if header else []
        cells = [line.split() for line in lines if line.strip()]
        numbers = np.array([[int(cell) for cell in row[1:]] for row in cells])
        if numbers.ndim != 2 or not len(numbers):
            raise ValueError("its lines are of different lengths, or there are none")
    except (OSError, ValueError, IndexError) as error:
        what = "is missing" if not path.exists() else f"cannot be read ({first_line(error)})"
        raise InputError(f"{path} {what}: get it from https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html") from error
    return [row[0] for row in cells], columns, numbers


_CHAIR = re.compile(r"image_\d+_p(\d+)_t(\d+)_r(\d+)\.png")


def rendered_chairs(root: Path, size: int = 64) -> tuple[Tensor, np.ndarray, np.ndarray]:
    """root/rendered_chairs (Aubry et al. 2014): grayscale images [N, 1, size, size] in order of the chairs.

    Returns the images, factors float32 [N, 2] from the files' names (azimuth and pitch of the camera in degrees), and the
    number of each image's chair.
    """
    folder = root / "rendered_chairs"
    files = sorted(folder.glob("*/renders/*.png"))
    if not files:
        raise InputError(
            f"there is no {folder}/CHAIR/renders/*.png: unpack rendered_chairs.tar from https://www.di.ens.fr/willow/research/seeing3Dchairs there"
        )
    poses = [_CHAIR.fullmatch(file.name) for file in files]
    if None in poses:
        raise InputError(
            f"{files[poses.index(None)]} does not say its pose as image_001_p020_t011_r096.png does: remove it"
        )
    factors = np.array([(float(pose[2]), float(pose[1])) for pose in poses], np.float32)
    chairs = np.unique([file.parent.parent.name for file in files], return_inverse=True)[1]
    source = [str(folder.resolve()), [str(file.relative_to(folder)) for file in files]]
    images = cached(
        "rendered-chairs", source, (len(files), 1, size, size),
        in_parallel(lambda i: _decoded(files[i], str(files[i]), False, size), len(files)),
    )  # fmt: skip
    return images, factors, chairs


def folder_of_images(folder: Path, size: int) -> tuple[Tensor, np.ndarray | None]:
    """Every image below a folder, at size x size, in an order that is shuffled and fixed.

    In colour where the first one is. Labels int64 [N] where there are sub-folders and each image lies in one: their number, by name.
    """
    from PIL import Image

    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_FILES)
    if len(files) < 20:
        raise InputError(
            f"{folder} holds {len(files)} images ({', '.join(sorted(IMAGE_FILES))}); give at least 20, so that each split has some"
        )
    try:
        with Image.open(files[0]) as image:
            colour = image.mode not in ("1", "L", "LA", "I", "I;16", "F")
    except Exception as error:
        raise InputError(
            f"the image {files[0]} cannot be read ({first_line(error)}): get it again, or remove it"
        ) from error
    groups = [path.relative_to(folder).parts[:-1] for path in files]
    labels = (
        np.unique(["/".join(group[:1]) for group in groups], return_inverse=True)[1].astype(np.int64)
        if all(groups)
        else None
    )
    order = np.random.default_rng(0).permutation(len(files))
    images = cached(
        folder.name, [_stamp(path) for path in files], (len(files), 3 if colour else 1, size, size),
        in_parallel(lambda i: _decoded(files[order[i]], str(files[order[i]]), colour, size), len(files)),
    )  # fmt: skip
    return images, None if labels is None else labels[order]


DSPRITES_FACTORS = ("color", "shape", "scale", "orientation", "posX", "posY")


def dsprites(path: Path) -> tuple[Tensor, np.ndarray]:
    """dSprites' .npz (Matthey et al. 2017): images [N, 1, 64, 64], factors float32 [N, 6] named by DSPRITES_FACTORS.

    In an order that is shuffled and fixed; the archive's pickled metadata is not looked at.
    """
    archive = _open_zip(path)
    try:
        with archive.open("latents_values.npy") as file:
            factors = np.lib.format.read_array(file, allow_pickle=False).astype(np.float32)
        with archive.open("imgs.npy") as file:
            shape, _, kind = _header(file)
        if kind != np.uint8 or shape[1:] != (64, 64) or factors.shape != (shape[0], 6):
            raise ValueError(f"imgs is {kind} of shape {shape}, latents_values of shape {factors.shape}")
    except Exception as error:
        raise InputError(
            f"{path} is damaged or not dSprites ({first_line(error)}): get it again from https://github.com/google-deepmind/dsprites-dataset"
        ) from error
    count, pixels = shape[0], 64 * 64

    def chunks(start: int) -> Iterator[np.ndarray]:
        try:
            with archive.open("imgs.npy") as file:
                _header(file)
                file.seek(start * pixels, io.SEEK_CUR)
                for first in range(start, count, CHUNK):
                    data = file.read(min(CHUNK, count - first) * pixels)
                    yield np.frombuffer(data, np.uint8).reshape(-1, 1, 64, 64) * 255
        except (OSError, ValueError, EOFError, zlib.error, zipfile.BadZipFile) as error:
            raise InputError(f"{path} is damaged ({first_line(error)}): get it again") from error

    order = np.random.default_rng(0).permutation(count)
    shuffled = np.empty_like(factors)
    shuffled[order] = factors
    return cached("dsprites", _stamp(path), (count, 1, 64, 64), chunks, order), shuffled


def _header(file) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, order and type of the .npy file that begins here."""
    version = np.lib.format.read_magic(file)
    return np.lib.format.read_array_header_1_0(file) if version == (1, 0) else np.lib.format.read_array_header_2_0(file)
