"""Databases that cannot be opened or do not answer: one line from every command, soon or after much patience."""

import random
import socket
import sqlite3
import time
from pathlib import Path

import pytest
import sqlalchemy.exc
from conftest import call
from shared_study import resolve

from infogan.study import storage, sweep, table
from infogan.utils.errors import InputError

AWAY = "postgresql://me:s3cret@127.0.0.1:1/x"


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> bytes:
    """A study's file."""
    storage.quiet_optuna()
    file = tmp_path_factory.mktemp("whole") / "study.db"
    study = sweep.open_study(resolve(images=600, storage=f"sqlite:///{file}"))
    for _ in range(20):
        trial = study.ask()
        trial.suggest_float("lambda_continuous", 0.03, 10, log=True)
        study.tell(trial, 0.5)
    return file.read_bytes()


def edit(file: Path, whole: bytes, statement: str) -> None:
    file.write_bytes(whole)
    with sqlite3.connect(file) as database:
        database.execute(statement)
    database.close()


DAMAGE = {
    "a few bytes": lambda file, whole: file.write_bytes(whole[:3]),
    "cut in the middle": lambda file, whole: file.write_bytes(whole[: len(whole) // 2]),
    "random after its tables": lambda file, whole: file.write_bytes(
        whole[:8192] + random.Random(0).randbytes(len(whole) - 8192)
    ),
    "a folder": lambda file, whole: file.mkdir(),
    "of a later version": lambda file, whole: edit(file, whole, "update alembic_version set version_num = 'v99'"),
    "of another program": lambda file, whole: edit(file, b"", "create table studies (foo int)"),
    "a row of no sense": lambda file, whole: edit(file, whole, "update trial_params set distribution_json = '{'"),
}
COMMANDS = {
    "report": ("analysis", "studies/digits"),
    "sweep": ("experiments", "digits", "--trials", 1, "--images", 600, "--workers", 1),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_database_is_one_line(damage, whole, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    DAMAGE[damage](Path("damaged.db"), whole)
    for use in (table.open_study, lambda url: sweep.open_study(resolve(images=600, storage=url))):
        with pytest.raises(InputError, match="cannot open the storage sqlite:///damaged.db"):
            use("sqlite:///damaged.db")
    assert not Path("studies").exists(), "nothing is left behind"


def test_a_report_of_nothing_is_one_line_and_makes_nothing(whole, tmp_path):
    def error_of(url: str) -> str:
        done = call("report", "studies/digits", "--storage", url, folder="analysis", cwd=tmp_path)
        assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stdout + done.stderr
        return done.stderr

    assert "there is no absent.db" in error_of("sqlite:///absent.db")
    (tmp_path / "empty.db").touch()
    assert "no such table" in error_of("sqlite:///empty.db")
    assert (tmp_path / "empty.db").stat().st_size == 0 and not (tmp_path / "absent.db").exists()
    edit(tmp_path / "none.db", whole, "delete from trials")
    assert "study 'digits' has no trials yet" in error_of("sqlite:///none.db")
    edit(tmp_path / "other.db", whole, "delete from study_user_attributes")
    assert "study 'digits' is no sweep's" in error_of("sqlite:///other.db")
    edit(tmp_path / "named.db", whole, "update studies set study_name = 'mine'")
    assert "no study 'digits' in that storage: give the name of one of mine" in error_of("sqlite:///named.db")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_database_that_is_not_there_is_one_line_at_once(name, tmp_path):
    scripts, *arguments = COMMANDS[name]
    began = time.monotonic()
    done = call(name, *arguments, "--storage", AWAY, folder=scripts, cwd=tmp_path)
    assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stdout + done.stderr
    assert "check the URL, and that its server runs" in done.stderr and "s3cret" not in done.stderr
    assert time.monotonic() - began < 20 and list(tmp_path.iterdir()) == []


def test_a_server_that_never_replies_counts_as_away(monkeypatch):
    monkeypatch.setattr(storage, "CONNECTING", 2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        with pytest.raises(InputError, match="timeout expired"):
            storage.open_storage(f"postgresql://me@127.0.0.1:{silent.getsockname()[1]}/x")
    assert time.monotonic() - began < 20


def test_patience_has_an_end_which_is_one_line(tmp_path, monkeypatch, capsys):
    """At the start of a worker, and in any later call."""
    monkeypatch.setattr(storage, "PATIENCE", 1)
    monkeypatch.setattr(storage, "PAUSE", 0.2)
    began = time.monotonic()
    with pytest.raises(InputError, match="Connection refused"):
        storage.open_storage(AWAY, patient=True)
    assert time.monotonic() - began > 1
    assert capsys.readouterr().err.count("the study's database does not answer") == 1

    opened = storage.open_storage(f"sqlite:///{tmp_path}/study.db")
    opened.url = AWAY
    refused = sqlalchemy.exc.OperationalError("select", {}, OSError("Connection refused"))
    for error in (refused, sqlalchemy.exc.PendingRollbackError("Connection refused")):

        def fail(raised=error):
            raise raised

        monkeypatch.setattr(opened, "scoped_session", fail)
        with pytest.raises(SystemExit, match="error: the study's database has not answered .*Connection refused"):
            opened.get_all_studies()
    assert "s3cret" not in capsys.readouterr().err


def test_a_file_that_cannot_hold_a_study_is_refused_before_training(tmp_path):
    for url, message in (("sqlite://", "is in memory"), (f"sqlite:///{tmp_path}/none/a.db", "there is no folder")):
        with pytest.raises(InputError, match=message):
            storage.open_storage(url)
    assert list(tmp_path.iterdir()) == []
