"""Export a run's networks: weights alone (safetensors), ONNX with checked equality, and a model card.

Example:
  python analysis/export.py runs/mnist-authors-seed0 --out exported/mnist-authors
"""

import contextlib
import logging
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import tyro

from infogan.inference import Model, Recogniser
from infogan.inference.model_card import write_card
from infogan.utils.errors import InputError, install, printable
from infogan.utils.options import Unset

CONTENT = {
    "checkpoint.safetensors": "the weights",
    "config.json": "configuration and provenance",
    "categories.json": "names of the categories",
    "evaluation.json": "accuracy on test images",
    "README.md": "model card",
    "generator.onnx": "latent [N, width] to images [N, C, H, W]",
    "recogniser.onnx": "images [N, C, H, W] to Q's parameters [N, q_width]",
}
TOLERANCE = 1e-4
"""Largest allowed difference between outputs of ONNX Runtime and of torch."""


@dataclass(frozen=True)
class Options:
    """The command line."""

    run: tyro.conf.Positional[Path]
    """Run directory."""
    out: Unset[Path] = None
    """Folder to write to. Default: RUN/export."""
    half: bool = False
    """Store the weights as float16: half the size. The accuracy on the card stays that of the run."""
    onnx: bool = True
    """Also write generator.onnx and recogniser.onnx (needs onnx, onnxscript and onnxruntime)."""


@contextlib.contextmanager
def _quiet_loggers() -> Iterator[None]:
    """No log lines below an error."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def to_onnx(network: torch.nn.Module, example: torch.Tensor, names: tuple[str, str], path: Path) -> float:
    """Write `network`, and compare it in ONNX Runtime with torch on the example and on its first row.

    names: of the input and of the output. Their first dimension is free.

    Returns: the largest absolute difference of the outputs. Raises InputError where a package is missing.
    """
    try:
        import onnxruntime
        import onnxscript  # noqa: F401  torch's exporter needs it, and its own message would have many lines
    except ImportError as error:
        raise InputError(f"ONNX needs {error.name}: {install('onnx')}, or pass --no-onnx") from error
    with warnings.catch_warnings(), _quiet_loggers():
        warnings.simplefilter("ignore")  # of torch's exporter: the outputs are compared below
        program = torch.onnx.export(
            network,
            (example,),
            input_names=names[:1],
            output_names=names[1:],
            dynamic_shapes=({0: torch.export.Dim.DYNAMIC},),
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    program.save(str(path))
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    with torch.no_grad():
        return max(
            float(np.abs(session.run(None, {names[0]: part.numpy()})[0] - network(part).numpy()).max())
            for part in (example, example[:1])
        )


def write_onnx(model: Model, folder: Path) -> dict[str, float]:
    """Write generator.onnx and recogniser.onnx. Returns: each file's largest difference from torch.

    Raises InputError where that is larger than TOLERANCE.
    """
    z = model.latent.sample(16, torch.Generator().manual_seed(0))
    with torch.no_grad():
        images = model.generator(z)
    recogniser = Recogniser(model.discriminator).eval()
    differences = {
        "generator.onnx": to_onnx(model.generator, z, ("latent", "images"), folder / "generator.onnx"),
        "recogniser.onnx": to_onnx(recogniser, images, ("images", "codes"), folder / "recogniser.onnx"),
    }
    for name, difference in differences.items():
        if difference > TOLERANCE:
            raise InputError(
                f"{name} differs from torch by {difference:.1e}, more than {TOLERANCE}; nothing was written: "
                "--no-onnx leaves it out"
            )
    return differences


def write(model: Model, out: Path, half: bool = False, onnx: bool = True) -> None:
    """Write weights, configuration, evaluation, card and ONNX files into a folder, all of them or none.

    They are written beside it, and then the two folders change places: until then an earlier export stays whole. What
    else was in the folder is kept.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".export-") as kept:
        new, before = Path(kept) / "new", Path(kept) / "before"
        model.save(new, half)
        write_card(model, new, write_onnx(model, new) if onnx else {}, half)
        if out.exists():
            exported = {str(out): list(CONTENT)}  # by folder, what is not copied
            shutil.copytree(out, new, symlinks=True, ignore=lambda at, names: exported.get(at, []), dirs_exist_ok=True)
        try:
            if out.exists():
                out.rename(before)
            new.rename(out)
        except BaseException:  # Ctrl-C as well
            if before.exists():
                before.rename(out)
            raise


def main() -> None:
    """Write the folder, and list its files."""
    options = tyro.cli(Options, description=__doc__)
    model = Model(options.run)
    out = options.out or options.run / "export"
    if out.resolve() == model.directory.resolve():
        raise InputError(f"{out} is the run itself, whose checkpoint would be replaced: choose another --out")
    if out.resolve() in (Path.cwd(), *Path.cwd().parents):
        raise InputError(f"{out} is the folder that the command runs in, which would be replaced: choose another --out")
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file: give a folder as --out")
    write(model, out.resolve(), options.half, options.onnx)
    print(f"wrote to {printable(out)}/")
    for name in sorted(name for name in CONTENT if (out / name).exists()):
        print(f"  {name:24} {(out / name).stat().st_size / 1e6:6.2f} MB  {CONTENT[name]}")
