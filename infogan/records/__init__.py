"""Run directories, checkpoints, files and provenance. Importing this needs torch and safetensors alone.

records.pictures (drawing) and records.tracking (Weights & Biases) are imported by name, where they are used.
"""

from infogan.records.checkpoints import CHECKPOINT, PREVIOUS, has_checkpoint, load_checkpoint, save_checkpoint
from infogan.records.files import (
    Table,
    read_categories,
    read_config,
    read_evaluation,
    read_json,
    read_optional,
    write_json,
)
from infogan.records.provenance import mask_arguments, mask_in, mask_url, provenance
from infogan.records.run_directory import (
    Locked,
    create,
    is_locked,
    keep_precision,
    lock,
    recorded_configuration,
)
from infogan.utils.files import replacing, write_atomic

__all__ = [
    "CHECKPOINT",
    "PREVIOUS",
    "Locked",
    "Table",
    "create",
    "has_checkpoint",
    "is_locked",
    "load_checkpoint",
    "lock",
    "mask_arguments",
    "mask_in",
    "mask_url",
    "provenance",
    "read_categories",
    "read_config",
    "read_evaluation",
    "read_json",
    "read_optional",
    "recorded_configuration",
    "replacing",
    "save_checkpoint",
    "keep_precision",
    "write_atomic",
    "write_json",
]
