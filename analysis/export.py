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
from infogan.cli import run_script
from infogan.config import InputError
from infogan.inference import Model, Recogniser

TOLERANCE = 1e-4  # largest difference of ONNX from torch that passes


@dataclass(frozen=True)
class Options:
    run: tyro.conf.Positional[Path]
    """Run directory."""
    out: Path | None = None
    """Folder to write to. Default: RUN/export."""
    half: bool = False
    """Store the weights as float16: half the size. The accuracy on the card stays that of the run."""
    onnx: bool = True
    """Also write generator.onnx and recogniser.onnx (needs onnx, onnxscript and onnxruntime)."""


def to_onnx(network: torch.nn.Module, example: torch.Tensor, names: tuple[str, str], path: Path) -> float:
    """Write `network` and run it anew in ONNX Runtime; returns the largest difference. The first dimension is free."""
    try:
        import onnxruntime
        import onnxscript  # noqa: F401  (torch's exporter needs it, and would say so in many lines)
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
    program.save(str(path))
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    with torch.no_grad():
        return max(
            float(np.abs(session.run(None, {names[0]: part.numpy()})[0] - network(part).numpy()).max())
            for part in (example, example[:1])
        )


def card(model: Model, evaluation: dict, onnx: dict[str, float], half: bool) -> str:
    config, made = model.config, records.read_json(model.directory / "config.json").get("provenance", {})
    channels, height, width = model.image_shape
    lines = [
        f"# InfoGAN on {config.dataset}, preset {config.preset}, seed {config.seed}",
        "",
        f"- **Model**: generator and recognition network of InfoGAN (Chen et al. 2016), codes `{model.latent}`, noise `{config.noise}`, images {height}x{width}x{channels}.",
        f"- **Data**: {config.dataset}, its training images without labels, less those held out for validation.",
        f"- **Training**: {f'a warm-up of {config.warm_up:,} updates, then ' * bool(config.warm_up)}{model.step:,} updates of batch {config.batch_size}; all settings in `config.json`. Commit {made.get('commit')}, torch {made.get('versions', {}).get('torch')}.",
    ]
    if "accuracy" in evaluation:
        low, high = evaluation["accuracy_ci95"]
        lines.append(
            f"- **Accuracy**: code-to-label {evaluation['accuracy']:.4f} on {evaluation['n_images']:,} test images (95 % interval over images {low:.4f} to {high:.4f}), "
            f"categories matched one-to-one to labels; of code {evaluation['best_code']}, category to label {evaluation['label_of_category']}."
        )
    else:
        lines.append("- **Accuracy**: not measured (no labels, or an unfinished run).")
    lines += [
        "- **Limits**: one run of one seed; the categories were found without labels and need not be the ones a person would choose; it knows no other kind of image.",
        "- **Use**: `from infogan import load; model = load(FOLDER)`, then `model.generate(model.recognise(images))`.",
    ]
    if half:
        lines.append("- **Weights** are stored as float16; the accuracy is that of the run, in float32.")
    lines += [
        f"- **ONNX**: `{name}`, largest difference from torch {difference:.1e}." for name, difference in onnx.items()
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    options = tyro.cli(Options, description=__doc__)
    model = load(options.run)
    out = model.save(options.out or options.run / "export", options.half)
    differences = {}
    if options.onnx:
        z = model.latent.sample(16, torch.Generator().manual_seed(0))
        with torch.no_grad():
            images = model.generator(z)
        for network, example, names in (
            (model.generator, z, ("latent", "images")),
            (Recogniser(model.discriminator).eval(), images, ("images", "codes")),
        ):
            path = out / f"{'generator' if names[0] == 'latent' else 'recogniser'}.onnx"
            differences[path.name] = to_onnx(network, example, names, path)
            if differences[path.name] > TOLERANCE:
                raise InputError(
                    f"{path} differs from torch by {differences[path.name]:.1e}, more than {TOLERANCE}: do not use it"
                )
    evaluation = options.run / "evaluation.json"
    records.write_atomic(
        out / "README.md",
        card(model, records.read_json(evaluation) if evaluation.exists() else {}, differences, options.half),
    )
    if evaluation.exists():
        records.write_json(out / "evaluation.json", records.read_json(evaluation))
    print((out / "README.md").read_text())
    print(
        "wrote "
        + ", ".join(
            f"{path.name} ({path.stat().st_size / 1e6:.1f} MB)"
            for path in sorted(out.iterdir())
            if path.is_file() and path.name[0] != "."
        )
        + f" to {out}/"
    )


if __name__ == "__main__":
    run_script(main)
