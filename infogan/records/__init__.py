"""Run directories, checkpoints, files and provenance. Importing this needs torch and safetensors alone.

records.pictures (drawing) and records.tracking (Weights & Biases) are imported by name, where they are used.
"""

from infogan.records.checkpoints import CHECKPOINT, PREVIOUS, has_checkpoint, load_checkpoint, save_checkpoint
from infogan.records.files import Table, read_config, read_json, replacing, write_atomic, write_json
from infogan.records.loading import Run, load, read_evaluation
from infogan.records.provenance import mask_arguments, mask_in, mask_url, provenance
from infogan.records.run_directory import Locked, as_begun, begun, create, is_locked, lock

__all__ = [
    "CHECKPOINT",
    "PREVIOUS",
    "Locked",
    "Run",
    "Table",
    "as_begun",
    "begun",
    "create",
    "has_checkpoint",
    "is_locked",
    "load",
    "load_checkpoint",
    "lock",
    "mask_arguments",
    "mask_in",
    "mask_url",
    "provenance",
    "read_config",
    "read_evaluation",
    "read_json",
    "replacing",
    "save_checkpoint",
    "write_atomic",
    "write_json",
]
