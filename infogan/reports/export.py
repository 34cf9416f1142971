"""Export a run's networks: weights alone (safetensors), ONNX with checked equality, and a model card.

Example:
  python analysis/export.py runs/mnist-authors-seed0 --out exported/mnist-authors
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import tyro

from infogan import load, records
from infogan.errors import InputError
from infogan.inference import Model, Recogniser

TOLERANCE = 1e-4
"""Largest allowed difference between outputs of ONNX Runtime and of torch."""


@dataclass(frozen=True)
class Options:
    """The command line."""

    run: tyro.conf.Positional[Path]
    """Run directory."""
    out: Path | None = None
    """Folder to write to. Default: RUN/export."""
    half: bool = False
    """Store the weights as float16: half the size. The accuracy on the card stays that of the run."""
    onnx: bool = True
    """Also write generator.onnx and recogniser.onnx (needs onnx, onnxscript and onnxruntime)."""


def to_onnx(network: torch.nn.Module, example: torch.Tensor, names: tuple[str, str], path: Path) -> float:
    """Write `network`, and compare it in ONNX Runtime with torch on the example and on its first row.

    names: of the input and of the output. Their first dimension is free.

    Returns: the largest absolute difference of the outputs. Raises InputError where a package is missing.
    """
    try:
        import onnxruntime
        import onnxscript  # noqa: F401  torch's exporter needs it, and its own message would have many lines
    except ImportError as error:
        raise InputError(f"ONNX needs {error.name}: pip install 'infogan[onnx]', or pass --no-onnx") from error
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
                f"{folder / name} differs from torch by {difference:.1e}, more than {TOLERANCE}: do not use it"
            )
    return differences


def model_card(model: Model, evaluation: dict, onnx: dict[str, float], half: bool) -> str:
    """The model card as Markdown.

    evaluation: content of evaluation.json, or empty. onnx: each ONNX file's largest difference from torch.
    """
    config, made = model.config, records.read_json(model.directory / "config.json").get("provenance", {})
    channels, height, width = model.image_shape
    pretraining = f"{config.pretraining:,} updates of self-supervised pretraining, then " if config.pretraining else ""
    accuracy = "not measured (no labels, or an unfinished run)."
    if "accuracy" in evaluation:
        low, high = evaluation["accuracy_ci95"]
        accuracy = (
            f"code-to-label {evaluation['accuracy']:.4f} on {evaluation['n_images']:,} test images "
            f"(95 % interval over images {low:.4f} to {high:.4f}), categories matched one-to-one to labels; "
            f"of code {evaluation['best_code']}, category to label {evaluation['label_of_category']}."
        )
    lines = [
        f"# InfoGAN on {config.dataset}, preset {config.preset}, seed {config.seed}",
        "",
        f"- **Model**: generator and recognition network of InfoGAN (Chen et al. 2016), codes `{model.latent}`, "
        f"noise `{config.noise}`, images {height}x{width}x{channels}.",
        f"- **Data**: {config.dataset}, its training images without labels, less those held out for validation.",
        f"- **Training**: {pretraining}{model.step:,} updates of batch {config.batch_size}; all settings in "
        f"`config.json`. Commit {made.get('commit')}, torch {made.get('versions', {}).get('torch')}.",
        f"- **Accuracy**: {accuracy}",
        "- **Limits**: one run of one seed; the categories were found without labels and need not be the ones a "
        "person would choose; it was trained on no other kind of image.",
        "- **Use**: `from infogan import load; model = load(FOLDER)`, then `model.generate(model.recognise(images))`.",
    ]
    if half:
        lines.append("- **Weights** are stored as float16; the accuracy is that of the run, in float32.")
    lines += [
        f"- **ONNX**: `{name}`, largest difference from torch {difference:.1e}." for name, difference in onnx.items()
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the folder, print its model card and list its files."""
    options = tyro.cli(Options, description=__doc__)
    model = load(options.run)
    out = model.save(options.out or options.run / "export", options.half)
    differences = write_onnx(model, out) if options.onnx else {}
    file, evaluation = options.run / "evaluation.json", {}
    if file.exists():
        evaluation = records.read_json(file)
        records.write_json(out / "evaluation.json", evaluation)
    card = model_card(model, evaluation, differences, options.half)
    records.write_atomic(out / "README.md", card)
    print(card)
    files = sorted(path for path in out.iterdir() if path.is_file() and path.name[0] != ".")
    print(f"wrote {', '.join(f'{path.name} ({path.stat().st_size / 1e6:.1f} MB)' for path in files)} to {out}/")
