"""Checkpoints and files that are replaced as a whole, and damaged ones."""

import os
from datetime import UTC, datetime, timedelta

import pytest
import torch

from infogan import records
from infogan.utils.errors import InputError


def test_tensors_and_state_are_read_back(tmp_path):
    tensors = {
        "a": torch.randn(3, 2),
        "b": torch.tensor(7, dtype=torch.int64),
        "c": torch.ones(2, dtype=torch.bfloat16),
    }
    records.save_checkpoint(tmp_path, tensors, {"step": 1, "image_shape": (1, 8, 8)})
    found, state = records.load_checkpoint(tmp_path)
    assert found.keys() == tensors.keys() and all(torch.equal(found[name], tensors[name]) for name in tensors)
    assert state == {"step": 1, "image_shape": [1, 8, 8]}


def test_a_damaged_checkpoint_is_replaced_by_the_one_before_it(tmp_path, capsys):
    for step in (1, 2):
        records.save_checkpoint(tmp_path, {"a": torch.full((3,), float(step))}, {"step": step})
    path = tmp_path / records.CHECKPOINT
    path.write_bytes(path.read_bytes()[:-4])
    tensors, state = records.load_checkpoint(tmp_path)
    assert state == {"step": 1} and tensors["a"].tolist() == [1, 1, 1]
    warning = capsys.readouterr().err
    assert f"{path} is damaged" in warning and "using the one before it, of update 1" in warning


def test_damaged_and_missing_checkpoints_are_named(tmp_path):
    with pytest.raises(InputError, match="has no checkpoint.safetensors: train it first"):
        records.load_checkpoint(tmp_path)
    for name in (records.CHECKPOINT, records.PREVIOUS):
        (tmp_path / name).write_bytes(b"not a checkpoint")
    with pytest.raises(InputError) as error:
        records.load_checkpoint(tmp_path)
    assert all(f"{tmp_path / name} is damaged" in str(error.value) for name in (records.CHECKPOINT, records.PREVIOUS))
    assert str(error.value).endswith("restore it from a copy, or train in another directory")


def test_a_kill_between_two_renames_loses_no_checkpoint(tmp_path):
    records.save_checkpoint(tmp_path, {"a": torch.ones(3)}, {"step": 1})
    (tmp_path / records.CHECKPOINT).rename(tmp_path / records.PREVIOUS)
    assert records.has_checkpoint(tmp_path) and records.load_checkpoint(tmp_path)[1] == {"step": 1}


def test_a_checkpoint_is_replaced_as_a_whole_or_not_at_all(tmp_path, monkeypatch):
    def full(handle):
        raise OSError("No space left on device")

    records.save_checkpoint(tmp_path, {"a": torch.ones(3)}, {"step": 1})
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        records.save_checkpoint(tmp_path, {"a": torch.zeros(3)}, {"step": 2})
    assert records.load_checkpoint(tmp_path)[1] == {"step": 1}
    assert [path.name for path in tmp_path.iterdir()] == [records.CHECKPOINT]


def test_files_that_are_not_json_are_named(tmp_path):
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(InputError, match="config.json is not valid JSON"):
        records.read_json(tmp_path / "config.json")
    with pytest.raises(InputError, match="is .*nowhere a run directory"):
        records.read_json(tmp_path / "nowhere" / "config.json")


def test_provenance_says_what_made_a_result():
    made = records.provenance()
    assert made.keys() == {"command", "time", "commit", "commit_is_dirty", "versions", "host"}
    assert abs(datetime.fromisoformat(made["time"]) - datetime.now(UTC)) < timedelta(minutes=1)
    assert made["versions"]["torch"].partition("+")[0] == torch.__version__.partition("+")[0]
