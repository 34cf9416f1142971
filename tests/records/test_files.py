"""Files are replaced whole, with the mode and the encoding that they should have, and checked as they are read."""

import json
import os
import stat

import pytest

from infogan import records
from infogan.records.shapes import MEASURED
from infogan.utils import files
from infogan.utils.errors import InputError

WHOLE = {"accuracy": 0.5, "accuracy_ci95": [0.4, 0.6], "n_images": 9, "best_code": 0, "label_of_category": [0, -1]}


@pytest.mark.parametrize("mask", [0o077, 0o002, 0o022])
def test_files_have_the_mode_that_the_umask_gives(mask, tmp_path):
    before = os.umask(mask)
    try:
        records.write_atomic(tmp_path / "a.json", "{}")
        records.Table(tmp_path / "b.csv").append({"step": 1})
        with records.replacing(tmp_path / "c.png") as file:
            file.write_bytes(b"x")
        (tmp_path / "d").touch()
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert set(modes.values()) == {0o666 & ~mask}, modes


def test_text_is_utf8_in_any_locale(tmp_path, monkeypatch):
    monkeypatch.setattr("locale.getpreferredencoding", lambda *_: "ascii")
    monkeypatch.setattr("locale.getencoding", lambda: "ascii")
    records.write_json(tmp_path / "a.json", {"λ": "é"})
    records.write_atomic(tmp_path / "b.json", '{"λ": "é"}')
    assert records.read_json(tmp_path / "a.json") == records.read_json(tmp_path / "b.json") == {"λ": "é"}
    table = records.Table(tmp_path / "t.csv")
    table.append({"step": 1, "λ": 0.5})
    table.append({"step": 2, "λ": 1.5})
    assert [row["λ"] for row in table.rows()] == [0.5, 1.5]


def test_a_row_with_new_columns_adds_them_to_the_rows_before(tmp_path):
    """As where a run of an earlier version goes on."""
    table = records.Table(tmp_path / "t.csv")
    table.append({"step": 1, "a": 1})
    table.append({"step": 2, "b": 2, "a": 0.1 + 0.2})
    table.append({"step": 3, "a": 4, "collapsed": True})
    assert table.rows() == [
        {"step": 1, "a": 1, "b": None, "collapsed": None},
        {"step": 2, "a": 0.1 + 0.2, "b": 2, "collapsed": None},
        {"step": 3, "a": 4, "b": None, "collapsed": True},
    ]


@pytest.mark.parametrize(
    "damage",
    ["1e1,0.5", "10,x", "10", "10,0.5,2", ",0.5", "-1,0.5", "nan,0.5", "9" * 5000 + ",1", "\xff,1", "\0,1"],
    ids=lambda text: repr(text[:9]),
)
def test_a_damaged_row_is_one_line_for_readers_and_dropped_by_a_run_that_goes_on(damage, tmp_path):
    table = records.Table(tmp_path / "metrics.csv")
    table.append({"step": 5, "loss_d": 0.25})
    table.path.write_bytes(table.path.read_bytes() + damage.encode("latin-1") + b"\r\n")
    with pytest.raises(InputError, match="metrics.csv is damaged .*restores it from the checkpoint"):
        table.rows()
    table.cut(10)
    table.append({"step": 10, "loss_d": 0.5})
    assert table.rows() == [{"step": 5, "loss_d": 0.25}, {"step": 10, "loss_d": 0.5}]
    table.cut(0)
    assert not table.path.exists() and table.rows() == []


def test_a_row_that_is_being_written_is_left_out(tmp_path):
    table = records.Table(tmp_path / "metrics.csv")
    table.append({"step": 5, "loss_d": 0.25})
    with table.path.open("a") as file:
        file.write("10,0.")
    assert table.rows() == [{"step": 5, "loss_d": 0.25}]


def test_a_table_that_is_a_link_is_not_written_through(tmp_path):
    """As in the run directory of a stranger."""
    target, table = tmp_path / "precious.csv", records.Table(tmp_path / "metrics.csv")
    target.write_text("step,loss_d\r\n5,0.25\r\n")
    table.path.symlink_to(target)
    with pytest.raises(InputError, match="is a link"):
        table.append({"step": 10, "loss_d": 0.5})
    assert table.restore(table.content()), "a copy takes the link's place"
    table.append({"step": 10, "loss_d": 0.5})
    assert len(table.rows()) == 2 and target.read_text() == "step,loss_d\n5,0.25\n"


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("evaluation.json", {"accuracy": "high"}, "has accuracy 'high'; expected a number from 0 to 1"),
        ("evaluation.json", {"accuracy": 10**400}, "has accuracy 1000"),
        ("evaluation.json", {"accuracy": True}, "has accuracy True"),
        ("evaluation.json", {"accuracy_ci95": [0.1]}, "has accuracy_ci95"),
        *(("evaluation.json", {f"{name}_ci95": [-0.005, "x"]}, f"has {name}_ci95") for name in ("nmi", "ari")),
        ("evaluation.json", {"label_of_category": None}, "has label_of_category None"),
        ("evaluation.json", {"classes": [1]}, "has classes"),
        ("evaluation.json", {"codes": [{"label_of_category": "ab"}]}, "has codes"),
        ("evaluation.json", {"time_to_accuracy": {"0.80": {"seconds": 1}}}, "has time_to_accuracy"),
        ("evaluation.json", {"collapsed": 1}, "has collapsed 1; expected true or false"),
        ("status.json", {"status": None}, "has status None; expected a string"),
        ("status.json", {"status": "finished", "step": [1]}, r"has step \[1\]"),
        ("quality.json", {"shown": [[0, "x"]]}, "has shown"),
        *(
            ("config.json", {"provenance": made}, "has provenance")
            for made in (None, [], {"versions": 3}, {"host": []})
        ),
        *(
            ("config.json", {"data": data}, "has data .*expected null or an object of images")
            for data in ("x", [1], {}, {"images": 3}, {"images": {"train": "x", "validation": 1}})
        ),
    ],
)
def test_a_file_of_another_shape_is_one_line_wherever_it_is_read(file, change, message, tmp_path):
    whole = {"evaluation.json": WHOLE, "status.json": {"status": "finished"}}.get(file, {})
    records.write_json(tmp_path / file, whole)
    assert records.read_json(tmp_path / file) == whole
    (tmp_path / file).write_text(json.dumps(whole | change))
    with pytest.raises(InputError, match=message):
        records.read_json(tmp_path / file)


@pytest.mark.parametrize("name", MEASURED)
def test_measures_that_come_together_are_missed(name, tmp_path):
    records.write_json(tmp_path / "evaluation.json", {key: value for key, value in WHOLE.items() if key != name})
    with pytest.raises(InputError, match=f"it lacks {name}"):
        records.read_evaluation(tmp_path)


def test_what_a_killed_write_leaves_goes_with_the_next_one(tmp_path, monkeypatch):
    """Of the same file, once nobody can be writing it any more; and of every file before a run goes on."""

    def die(*_):
        raise SystemExit  # past every handler of errors

    with monkeypatch.context() as patched:
        patched.setattr(files.Path, "unlink", lambda *_, **__: None)  # a killed process cleans up nothing
        patched.setattr(os, "replace", die)
        for name in ("evaluation.json", "metrics.csv"):
            with pytest.raises(SystemExit):
                records.write_atomic(tmp_path / name, "x")
    (tmp_path / ".evaluation.jsonx").touch()
    (left,) = tmp_path.glob(".evaluation.????????.json")
    records.write_json(tmp_path / "evaluation.json", {})
    assert left.exists(), "another process may be writing it"
    os.utime(left, (0, 0))
    records.write_json(tmp_path / "evaluation.json", {})
    assert not left.exists() and len(list(tmp_path.iterdir())) == 3
    files.remove_leftovers(tmp_path, ["metrics.csv"])
    assert sorted(path.name for path in tmp_path.iterdir()) == [".evaluation.jsonx", "evaluation.json"]


def test_a_picture_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "new" / "a.png"
    with pytest.raises(OSError), records.replacing(path) as file:
        file.write_bytes(b"half")
        raise OSError("No space left on device")
    assert not list(path.parent.iterdir())
    with records.replacing(path) as file:
        assert file.suffix == ".png"
        file.write_bytes(b"whole")
    assert [(file.name, file.read_bytes()) for file in path.parent.iterdir()] == [("a.png", b"whole")]
