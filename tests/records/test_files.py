"""Files are replaced whole, with the mode and the encoding that they should have."""

import os
import stat

import pytest

from infogan import records
from infogan.records import files


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
    table.append({"step": 1, "λ": "é"})
    table.append({"step": 2, "λ": "ü"})
    assert [row["λ"] for row in table.rows()] == ["é", "ü"]


def test_a_row_with_new_columns_adds_them_to_the_rows_before(tmp_path):
    """As where a run of an earlier version goes on."""
    table = records.Table(tmp_path / "t.csv")
    table.append({"step": 1, "a": 1})
    table.append({"step": 2, "b": 2, "a": 3})
    table.append({"step": 3, "a": 4, "b": 5})
    assert table.rows() == [
        {"step": "1", "a": "1", "b": ""},
        {"step": "2", "a": "3", "b": "2"},
        {"step": "3", "a": "4", "b": "5"},
    ]


def test_what_a_kill_leaves_half_written_is_found_again(tmp_path, monkeypatch):
    """Of every file that is replaced whole, and nothing else."""

    def die(*_):
        raise SystemExit  # past every handler of errors; the file itself is removed below only where it is left

    for name in ("a.json", "b.csv"):
        monkeypatch.setattr(files.Path, "unlink", lambda *_, **__: None)  # a killed process cleans up nothing
        monkeypatch.setattr(os, "replace", die)
        with pytest.raises(SystemExit):
            records.write_atomic(tmp_path / name, "x")
    monkeypatch.undo()
    (tmp_path / ".a.jsonx").touch()
    (tmp_path / "a.json").touch()
    files.remove_leftovers(tmp_path, "a.json", "b.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".a.jsonx", "a.json"]
