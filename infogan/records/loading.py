"""Reading a trained model's directory, whoever made it: it is checked before memory is taken for the networks."""

import dataclasses
import json
import math
import os
import sys
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from infogan import torch_state
from infogan.codes import Latent
from infogan.config import Config
from infogan.errors import InputError
from infogan.networks import DiscriminatorQ, Generator, uninitialised
from infogan.records.checkpoints import CHECKPOINT, PREVIOUS, load_checkpoint
from infogan.records.files import RESTORED, Table, check_regular, read_config, read_json

LARGEST_SIDE = 4096
"""Pixels, and channels, of an image."""
FLOATS = ("F64", "F32", "F16", "BF16")
"""Types of a network's tensors, by their names in a safetensors file."""
NETWORKS = ("generator.", "discriminator.", "averaged.")
"""What the names of the networks' tensors begin with; `averaged`, where there is one, is loaded as the generator."""
MEASURED = {"accuracy": 0.5, "accuracy_ci95": [0.4, 0.6], "n_images": 1, "best_code": 0, "label_of_category": [0]}
"""What evaluation.json has of a measured run, as an example."""
OPTIONAL = {"classes": ["zero"], "codes": [{"label_of_category": [0]}]}
"""What it may have besides; of `codes` this part is read."""


@dataclasses.dataclass(frozen=True)
class Run:
    """A run read back for analysis: its configuration and its networks in evaluation mode."""

    directory: Path
    config: Config
    latent: Latent
    generator: Generator
    discriminator: DiscriminatorQ
    step: int

    @property
    def status(self) -> dict:
        return read_json(self.directory / "status.json")

    @property
    def last_bound(self) -> float:
        """L_I of the categorical codes, in nats, as training logged it last; NaN where there is no metrics.csv."""
        rows = Table(self.directory / "metrics.csv").rows()
        try:
            return float(rows[-1]["info_categorical_nats"]) if rows else math.nan
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{self.directory / 'metrics.csv'} is damaged: {RESTORED}") from error


@torch_state.fresh()
def load(directory: str | os.PathLike) -> Run:
    """Read a run directory, or one that Model.save wrote.

    Raises InputError, one line, where it is missing, incomplete or damaged, or its configuration, state and weights do
    not fit each other.
    """
    directory = Path(directory).expanduser()
    config = read_config(directory)
    for path in (directory / CHECKPOINT, directory / PREVIOUS):
        check_regular(path)
        if path.exists() and (header := _header(path)) is not None:
            _check(path, config, *header)
            break
    tensors, state = load_checkpoint(directory)
    if state.get("phase") == "pretraining":
        raise InputError(
            f"{directory} was interrupted in its pretraining and has no trained generator yet: train it further"
        )
    latent = Latent(config.codes, config.noise, config.q_std)
    generator, discriminator = uninitialised(tuple(state["image_shape"]), latent, config)
    of_g = "averaged." if any(name.startswith("averaged.") for name in tensors) else "generator."
    for prefix, network in ((of_g, generator), ("discriminator.", discriminator)):
        weights = {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
        network.load_state_dict(weights)
        network.eval()
    return Run(directory, config, latent, generator, discriminator, state["step"])


def read_evaluation(directory: Path) -> dict:
    """Content of a run directory's evaluation.json; empty where the run was not measured.

    Raises InputError where the file is damaged, or has values of other types than a run writes.
    """
    path = directory / "evaluation.json"
    if not os.path.lexists(path):
        return {}
    evaluation = read_json(path)
    expected = OPTIONAL | (MEASURED if "accuracy" in evaluation else {})
    for name, example in expected.items():
        if not (name in OPTIONAL and name not in evaluation) and not _like(evaluation.get(name), example):
            raise InputError(
                f"{path} has {name} {evaluation.get(name)!r}; it must be like {example}: restore it from a copy"
            )
    return evaluation


def _like(value: Any, example: Any) -> bool:
    """Whether a JSON value is of the example's type: lists and their values too; objects have its names at least."""
    if isinstance(example, list):
        as_long = len(example) < 2 or (isinstance(value, list) and len(value) == len(example))
        return isinstance(value, list) and as_long and all(_like(each, example[0]) for each in value)
    if isinstance(example, dict):
        return isinstance(value, dict) and all(_like(value.get(name), each) for name, each in example.items())
    if isinstance(example, float):
        return type(value) in (int, float) and abs(value) <= sys.float_info.max
    return type(value) is type(example)


def _header(path: Path) -> tuple[Any, dict[str, tuple[str, list[int]]]] | None:
    """State of a checkpoint, and type and shape of each tensor; None where it is damaged, which `load_checkpoint`
    reports."""
    try:
        with safe_open(path, framework="pt") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}
            tensors = {name: (part.get_dtype(), part.get_shape()) for name, part in slices.items()}
            return json.loads(file.metadata()["state"]), tensors
    except RecursionError as error:
        raise InputError(f"{path} has a state that is nested too deeply: restore it from a copy") from error
    except (SafetensorError, OSError, KeyError, TypeError, ValueError):
        return None


def _check(path: Path, config: Config, state: Any, tensors: dict[str, tuple[str, list[int]]]) -> None:
    """Raises InputError where state or networks of a checkpoint are not what the configuration says."""
    if not isinstance(state, dict):
        raise InputError(f"{path} has the state {state!r}, which no run writes: restore it from a copy")
    if state.get("phase") == "pretraining":  # it has no trained networks, which `load` says
        return
    step, image = state.get("step"), state.get("image_shape")
    if type(step) is not int or not 0 <= step < 2**63:
        raise InputError(f"{path} has step {step!r}; it must be a whole number: restore it from a copy")
    if (
        not isinstance(image, list)
        or len(image) != 3
        or not all(type(side) is int and 1 <= side <= LARGEST_SIDE for side in image)
    ):
        raise InputError(
            f"{path} has image_shape {image!r}; it must be [C, H, W], each from 1 to {LARGEST_SIDE}: restore it from a "
            "copy"
        )
    expected = _shapes(config, (image[0], image[1], image[2]))
    found = {name: shape for name, (_, shape) in tensors.items() if name.startswith(NETWORKS)}
    if any(name.startswith("averaged.") for name in found):
        expected |= {
            name.replace("generator.", "averaged.", 1): shape
            for name, shape in expected.items()
            if name.startswith("generator.")
        }
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            raise InputError(
                f"{path} does not fit its config.json: {name} has shape {found.get(name, 'none')}, not "
                f"{expected.get(name, 'none')}; restore both from a copy"
            )
        if (kind := tensors[name][0]) not in FLOATS:
            raise InputError(f"{path} has {name} as {kind}; allowed: {', '.join(FLOATS)}: restore it from a copy")


def _shapes(config: Config, image: tuple[int, int, int]) -> dict[str, list[int]]:
    """Shapes of the networks' tensors, by their names in a checkpoint. Takes no memory for them."""
    with torch.device("meta"):
        generator, discriminator = uninitialised(image, Latent(config.codes, config.noise, config.q_std), config)
    return {
        f"{prefix}.{name}": list(value.shape)
        for prefix, network in (("generator", generator), ("discriminator", discriminator))
        for name, value in network.state_dict().items()
    }
