"""Checkpoints: one safetensors file with tensors and a small JSON state. It holds no code, and nothing is unpickled.

Tensors of a training run, by name:
    generator.*, discriminator.*   parameters and buffers of G and of D/Q, with the names of their state_dict
    averaged.*                     averaged weights of G, where the configuration has g_ema: what is loaded as G
    adam_d.*, adam_g.*             Adam's moments and step counts
    term.NAME.*                    parameters and buffers of the loss terms that have some
    random.*                       states of the random generators
    pretraining.*                  heads, teacher and optimiser of the pretraining, while it runs
    window                         metrics of the updates since the last row of metrics.csv, [updates, metrics]
    rows.*                         the CSV tables of the run so far, as bytes
State, in the file's metadata: phase ("pretraining" or "adversarial"), step (updates of the phase done), seconds (of
training), logged_at (seconds at the last row), image_shape [C, H, W], record (the content of config.json).
Beside it stands a digest of state and tensors, without which a changed bit in a weight would be read as a weight.

The file that infogan.inference.Model.save writes has the tensors generator.* and discriminator.*, step and image_shape.
"""

import hashlib
import json
import os
import sys
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from infogan.utils.errors import InputError
from infogan.utils.files import check_regular, write_atomic

CHECKPOINT = "checkpoint.safetensors"
PREVIOUS = "checkpoint.previous.safetensors"
"""The checkpoint before the last one, which is used where the last one is damaged."""


def save_checkpoint(directory: Path, tensors: dict[str, torch.Tensor], state: dict, keep: bool = True) -> None:
    """Write tensors and JSON state to CHECKPOINT, in one file that is replaced as a whole.

    keep: the checkpoint that was there becomes PREVIOUS.
    """
    tensors = {name: tensor.detach().contiguous().cpu() for name, tensor in tensors.items()}
    text = json.dumps(state)
    write_atomic(
        directory / CHECKPOINT,
        save(tensors, metadata={"state": text, "sha256": _digest(text, tensors)}),
        keep=directory / PREVIOUS if keep else None,
    )


def _digest(state: str, tensors: dict[str, torch.Tensor]) -> str:
    digest = hashlib.sha256(state.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _read(path: Path) -> tuple[dict[str, torch.Tensor], dict]:
    """Raises ValueError where the state is no object, or the content has not the digest, which earlier versions did not
    write."""
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    if "sha256" in metadata and metadata["sha256"] != _digest(metadata["state"], tensors):
        raise ValueError("its content does not have the digest that was written with it")
    if not isinstance(state := json.loads(metadata["state"]), dict):
        raise ValueError(f"its state is {state!r}, and no object")
    return tensors, state


def has_checkpoint(directory: Path) -> bool:
    """Whether there is a checkpoint file; `load_checkpoint` says whether it can be read."""
    return any(os.path.lexists(directory / name) for name in (CHECKPOINT, PREVIOUS))


def load_checkpoint(directory: Path) -> tuple[dict[str, torch.Tensor], dict]:
    """Tensors (on the CPU) and state of the last checkpoint; of the one before, with a warning, where that is damaged.

    Raises InputError where there is no checkpoint or none that can be read.
    """
    if not has_checkpoint(directory):
        raise InputError(f"{directory} has no {CHECKPOINT}: train it first, or give a finished run's directory")
    damage = []
    for path in (directory / CHECKPOINT, directory / PREVIOUS):
        check_regular(path)
        if not path.exists():
            continue
        try:
            tensors, state = _read(path)
        except (SafetensorError, OSError, KeyError, TypeError, ValueError, RecursionError) as error:
            damage.append(f"{path} is damaged ({error})")
            continue
        if damage:
            print(f"{damage[0]}: using the one before it, of update {state.get('step')}", file=sys.stderr)
        return tensors, state
    raise InputError(f"{', '.join(damage)}: restore it from a copy, or train in another directory")
