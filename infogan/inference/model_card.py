"""The model card of a trained model: what it is, what it is for and what not, and how it was measured."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from infogan import records
from infogan.config.presets import describe
from infogan.utils.errors import printable

if TYPE_CHECKING:
    from infogan.inference import Model

CARD = """---
library_name: infogan
pipeline_tag: unconditional-image-generation
tags: [infogan, gan, disentanglement]
---

# InfoGAN on {dataset}, preset {preset}, seed {seed}

Generator and recognition network of InfoGAN (Chen et al. 2016): codes `{codes}`, noise `{noise}`, images {shape}.

```python
from infogan import load

model = load(FOLDER)
codes = model.recognise(images)  # images uint8 [N, H, W, C]
reconstructions = model.generate(codes)
```

## Intended use

Research and teaching: to see what latent codes an InfoGAN finds{without_labels}, to compare with other methods, and \
to draw images by their codes.

Not for decisions about people, and not for reading digits or faces in earnest: supervised classifiers are better, and \
Q gives a category to any image, whatever it shows.

## Training

- Data: {dataset}, its training images {labels}, less those held out for validation. The terms of use of the \
data hold for the model as well.
- {pretraining}{updates:,} updates of batch {batch_size}; all settings are in `config.json`. Commit {commit}, torch \
{torch}.

## Evaluation

{evaluation}

## Limits

- One run of one seed: others find other categories, and their accuracy differs.
- {categories}
- Continuous codes were trained within [-1, 1]; beyond, images degrade.
- It was trained on no other kind of image, and knows nothing of them.
"""
"""Markdown; what the Hugging Face Hub reads of a card comes first."""


def write_card(model: "Model", folder: Path, onnx: dict[str, float], half: bool) -> None:
    """Write README.md, the model card, and evaluation.json, where the model was measured, into a folder."""
    evaluation = records.read_evaluation(model.directory)
    if evaluation:
        records.write_json(folder / "evaluation.json", evaluation)
    records.write_atomic(folder / "README.md", model_card(model, evaluation, onnx, half))


def markdown(text: object) -> str:
    """Text in one line of Markdown that shows as it is: nothing in it is markup, HTML or a control character."""
    return re.sub(r"([\\`*_\[\]<>|~$&])", r"\\\1", printable(text))


def model_card(model: "Model", evaluation: dict, onnx: dict[str, float], half: bool) -> str:
    """The model card as Markdown.

    evaluation: content of evaluation.json, or empty. onnx: each ONNX file's largest difference from torch. half: the
    weights are stored as float16.
    """
    config, made = model.config, records.read_json(model.directory / "config.json").get("provenance", {})
    channels, height, width = model.image_shape
    files = [f"- `{name}`: largest difference from torch {difference:.1e}." for name, difference in onnx.items()]
    if half:
        files.append("- Weights are stored as float16; the accuracy is that of the run, in float32.")
    card = CARD.format(
        dataset=markdown(Path(config.dataset).name),
        preset=markdown(describe(config)),
        seed=config.seed,
        without_labels="" if config.labelled else " without labels",
        labels=f"with the labels of {config.labelled:,} of them" if config.labelled else "without labels",
        categories=f"The first code's categories were taught by the labels of {config.labelled:,} images; it is not an "
        "unsupervised model."
        if config.labelled
        else "The categories were found without labels and need not be the ones a person would choose.",
        codes=model.latent,
        noise=config.noise,
        shape=f"{height}x{width}x{channels}",
        pretraining=f"{config.pretraining:,} updates of self-supervised pretraining, then "
        if config.pretraining
        else "",
        updates=model.step,
        batch_size=config.batch_size,
        commit=markdown(made.get("commit", "unknown")),
        torch=markdown(made.get("versions", {}).get("torch", "unknown")),
        evaluation=_accuracy(evaluation),
    )
    return card + _names(model) + ("\n".join(["", "## Files", "", *files]) + "\n" if files else "")


def _accuracy(evaluation: dict) -> str:
    if "accuracy" not in evaluation:
        return "Not measured (no labels, or an unfinished run)."
    low, high = evaluation["accuracy_ci95"]
    return (
        f"Code-to-label accuracy {evaluation['accuracy']:.4f} on {evaluation['n_images']:,} test images (95 % interval "
        f"over images {low:.4f} to {high:.4f}), categories of code {evaluation['best_code']} matched one-to-one to "
        "labels on these images."
    )


def _names(model: "Model") -> str:
    """The names of the first code's categories as a Markdown section; empty where they have none."""
    if (names := model.category_names) is None:
        return ""
    rows = [
        f"| {k} | {markdown(named[0])} | {100 * named[1]:.0f} % |" if named else f"| {k} | – | |"
        for k, named in enumerate(names)
    ]
    about = (
        "What `recognise` calls the first code's categories: the class that each was matched to on validation images, "
        "and its share of the category's images."
    )
    return "\n".join(["", "## Categories", "", about, "", "| category | name | share |", "|---|---|---|", *rows, ""])
