"""Checkpoints: tensors and a small JSON state in one safetensors file, which holds no code."""

import json
import sys
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from infogan.config import InputError
from infogan.records.files import write_atomic

CHECKPOINT = "checkpoint.safetensors"


PREVIOUS = "checkpoint.previous.safetensors"


def save_checkpoint(directory: Path, tensors: dict[str, torch.Tensor], state: dict, keep: bool = True) -> None:
    """Tensors and the small JSON state in one file, so that a kill can never part the two."""
    tensors = {name: tensor.detach().contiguous().cpu() for name, tensor in tensors.items()}
    write_atomic(
        directory / CHECKPOINT,
        save(tensors, metadata={"state": json.dumps(state)}),
        keep=directory / PREVIOUS if keep else None,
    )


def has_checkpoint(directory: Path) -> bool:
    return any((directory / name).exists() for name in (CHECKPOINT, PREVIOUS))


def load_checkpoint(directory: Path) -> tuple[dict[str, torch.Tensor], dict]:
    """The last checkpoint that is sound; safetensors holds no code, so nothing is unpickled.

    Raises InputError where there is none or all are damaged.
    """
    if not has_checkpoint(directory):
        raise InputError(f"{directory} has no {CHECKPOINT}: train it first, or give a finished run's directory")
    damage = ""
    for path in (directory / CHECKPOINT, directory / PREVIOUS):
        try:
            with safe_open(path, framework="pt") as file:
                state = json.loads(file.metadata()["state"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}
        except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
            damage = damage or f"{path} is damaged ({error})"
            continue
        if damage:
            print(f"{damage}: using the one before it, of update {state['step']}", file=sys.stderr)
        return tensors, state
    raise InputError(f"{damage}: delete {directory} and train again")
