"""What a resumed run finds damaged, missing or changed: its tables, its configuration, its data."""

import dataclasses
import os

import pytest
import torch
from conftest import fit, same_tensors

from infogan import data, records
from infogan.data.splits import Dataset
from infogan.reports import common, measure
from infogan.reports.runs import read_runs
from infogan.utils.errors import InputError

TIMES = ("seconds", "images_per_second")


def rows(table):
    return [{name: value for name, value in row.items() if name not in TIMES} for row in records.Table(table).rows()]


def killed_at(step, folder, dataset, monkeypatch, **changes):
    """A run that dies when it writes the row of this update."""
    append = records.Table.append

    def dies(table, row):
        if row["step"] == step:
            raise KeyboardInterrupt
        append(table, row)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(records.Table, "append", dies)
        fit(folder, dataset, **changes)


def test_a_row_after_a_kill_averages_what_it_would_have(tmp_path, digits, monkeypatch):
    """The last checkpoint lies between two rows of metrics.csv."""
    intervals = {"log_every": 8, "checkpoint_every": 5, "evaluations": 1}
    killed_at(16, tmp_path / "killed", digits, monkeypatch, **intervals)
    assert records.load_checkpoint(tmp_path / "killed")[0]["window"].shape[0] == 15 - 8
    for name in ("killed", "whole"):
        fit(tmp_path / name, digits, **intervals)
    assert rows(tmp_path / "killed" / "metrics.csv") == rows(tmp_path / "whole" / "metrics.csv")
    assert same_tensors(tmp_path / "killed", tmp_path / "whole")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"step,loss_d\n1,A\n"])
def test_damaged_tables_are_one_line_in_reports(content, tmp_path, digits):
    fit(tmp_path, digits, updates=10)
    (tmp_path / "metrics.csv").write_bytes(content)
    with pytest.raises(InputError, match="metrics.csv is damaged .*restores it from the checkpoint"):
        read_runs([tmp_path])
    (tmp_path / "evaluations.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="evaluations.csv is damaged"):
        records.Table(tmp_path / "evaluations.csv").rows()


def test_a_row_beyond_the_checkpoint_that_is_damaged_is_written_again(tmp_path, digits):
    fit(tmp_path, digits, updates=10)
    with (tmp_path / "metrics.csv").open("a") as file:
        file.write("1e1,0.5\r\n")
    fit(tmp_path, digits, updates=20)
    assert [row["step"] for row in rows(tmp_path / "metrics.csv")] == [5, 10, 15, 20]


@pytest.mark.parametrize("name", ["metrics.csv", "evaluations.csv", "status.json", "config.json"])
def test_a_pipe_in_place_of_a_file_does_not_hang_a_run_that_goes_on(name, tmp_path, digits):
    fit(tmp_path, digits, updates=10)
    (tmp_path / name).unlink()
    os.mkfifo(tmp_path / name)
    if name.endswith(".csv"):
        with pytest.raises(InputError, match=f"{name} is a pipe"):
            fit(tmp_path, digits, updates=20)
    else:  # replaced
        assert fit(tmp_path, digits, updates=20)["step"] == 20 and (tmp_path / name).is_file()


@pytest.mark.parametrize("missing", ["accuracy_ci95", "time_to_accuracy", "codes", "accuracy"])
def test_an_evaluation_that_lacks_a_measure_is_made_again(missing, tmp_path, digits):
    whole = fit(tmp_path, digits, updates=10)
    stored = records.read_json(tmp_path / "evaluation.json")
    records.write_json(tmp_path / "evaluation.json", {name: stored[name] for name in stored if name != missing})
    assert fit(tmp_path, digits, updates=10) == whole and records.read_json(tmp_path / "evaluation.json") == stored


@pytest.mark.parametrize("lost", ["all", "the last", "half of one"])
def test_rows_that_are_missing_are_restored(lost, tmp_path, digits):
    """Rows are not synced one by one: a machine that loses power keeps the checkpoint, which is synced and has them."""
    fit(tmp_path, digits, updates=10, log_every=1)
    tables = [tmp_path / name for name in ("metrics.csv", "evaluations.csv")]
    whole = [table.read_bytes() for table in tables]
    for table, content in zip(tables, whole):
        kept = {"all": 0, "the last": content[:-1].rfind(b"\n") + 1, "half of one": len(content) - 20}[lost]
        table.write_bytes(content[:kept])
    if lost == "all":
        tables[0].unlink()
    fit(tmp_path, digits, updates=10, log_every=1)
    assert [table.read_bytes() for table in tables] == whole


@pytest.mark.parametrize("damage", [None, "", "{", "[]"])
def test_a_missing_or_damaged_configuration_is_restored(damage, tmp_path, digits):
    fit(tmp_path, digits, updates=2)
    file, whole = tmp_path / "config.json", records.read_json(tmp_path / "config.json")
    file.unlink() if damage is None else file.write_text(damage)
    with pytest.raises(InputError, match="choose another --run-dir"):
        fit(tmp_path, digits, updates=2, seed=7)
    fit(tmp_path, digits, updates=2)
    assert records.read_json(file) == whole


def test_what_a_killed_write_left_is_removed(tmp_path, digits):
    for name in (".checkpoint.a1b2c3d4.safetensors", ".evaluation.00000000.json", ".metrics.ffffffff.csv"):
        (tmp_path / name).write_text("half")
    (tmp_path / ".hidden").write_text("the user's own")
    fit(tmp_path, digits, updates=10)
    assert not list(tmp_path.glob(".*.*")) and (tmp_path / ".hidden").exists()


def test_no_changed_bit_is_read_as_a_weight(tmp_path):
    tensors = {"a": torch.randn(3, 5), "b": torch.tensor(True), "c": torch.randn(4).bfloat16(), "d": torch.zeros(0)}
    records.save_checkpoint(tmp_path, tensors, {"step": 7, "seconds": 1.5})
    path = tmp_path / records.CHECKPOINT
    content = path.read_bytes()
    for at in range(0, 8 * len(content), 7):
        changed = bytearray(content)
        changed[at // 8] ^= 1 << at % 8
        path.write_bytes(changed)
        try:
            read, state = records.load_checkpoint(tmp_path)
        except InputError as error:
            assert "damaged" in str(error)
        else:  # the bit is in the digest's own name
            assert state == {"step": 7, "seconds": 1.5}
            assert read.keys() == tensors.keys() and all(torch.equal(read[name], tensors[name]) for name in tensors)


def changed(dataset: Dataset, what: str) -> Dataset:
    """The dataset with all images, one label, the number or the shape of its images changed."""
    train = dataset.train
    if what == "images":
        train = dataclasses.replace(train, images=255 - train.images)
    elif what == "labels":
        train = dataclasses.replace(train, labels=torch.cat([(train.labels[:1] + 1) % 10, train.labels[1:]]))
    elif what == "number":
        train = train[:-40]
    else:
        return dataclasses.replace(dataset, **{name: wider(getattr(dataset, name)) for name in SPLITS})
    return dataclasses.replace(dataset, train=train)


SPLITS = ("train", "validation", "test")
NAMED = {
    "images": r"train images differ, such as one of mean grey level [\d.]+ then, [\d.]+ now",
    "labels": "its labels, attributes or factors differ",
    "number": r"1,\d\d\d train images then, 1,\d\d\d now",
    "shape": r"images of shape \[1, 8, 8\] then, \[1, 8, 10\] now",
}


def wider(split):
    return dataclasses.replace(split, images=torch.nn.functional.pad(split.images, (1, 1)))


@pytest.mark.parametrize("what", NAMED)
def test_a_run_knows_its_data(what, tmp_path, digits, monkeypatch):
    fit(tmp_path, digits, updates=10)
    before = (tmp_path / "config.json").read_bytes(), (tmp_path / records.CHECKPOINT).read_bytes()
    other = changed(digits, what)
    with pytest.raises(InputError, match=f"was trained on other data than this digits: {NAMED[what]}"):
        fit(tmp_path, other, updates=20)
    assert before == ((tmp_path / "config.json").read_bytes(), (tmp_path / records.CHECKPOINT).read_bytes())
    monkeypatch.setattr(data, "load", lambda *_: other)
    with pytest.raises(InputError, match=NAMED[what]):
        measure.measure_again(tmp_path, None)


def test_the_same_data_decoded_a_little_otherwise_is_the_same(tmp_path, digits):
    fit(tmp_path, digits, updates=10)
    images = digits.train.images.clone()
    images[:, :, ::3, ::3] += (images[:, :, ::3, ::3] < 255).to(torch.uint8)
    other = dataclasses.replace(digits, train=dataclasses.replace(digits.train, images=images))
    assert fit(tmp_path, other, updates=20)["step"] == 20


def test_a_run_of_earlier_versions_knows_no_data(tmp_path, digits):
    fit(tmp_path, digits, updates=10)
    record = records.read_json(tmp_path / "config.json")
    del record["data"]
    records.write_json(tmp_path / "config.json", record)
    assert common.load_dataset(None, tmp_path).image_shape == (1, 8, 8)
    fit(tmp_path, digits, updates=20)
    assert records.read_json(tmp_path / "config.json")["data"]["images"]["train"] == len(digits.train)
