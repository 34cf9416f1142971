"""What a record says of its origin, and that no password of a database's URL is in it or in anything printed."""

import importlib
import os
import socket
import subprocess
import sys
from urllib.parse import quote, quote_plus

import numpy as np
import pytest
from conftest import config
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import URL, make_url

import infogan
from infogan import data, records, training
from infogan.study.storage import open_storage
from infogan.utils.errors import InputError

provenance = importlib.import_module("infogan.records.provenance")  # records.provenance is its function

UNICODE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="P"), min_size=1, max_size=12)
AWKWARD = st.text(st.sampled_from("abc019 @:/?#&=%+;!'\\\"é*-_.~[]"), min_size=1, max_size=12)
WORDS = UNICODE | AWKWARD


def without_host(user: str, password: str) -> str:
    """What follows an @ would be the host."""
    return f"{user}:{password}".replace("@", "")


WRITTEN = {
    "by the library": lambda user, password: URL.create(
        "postgresql", user, password, "db.example", 5432, "study", {"sslpassword": password}
    ).render_as_string(hide_password=False),
    "as it is": "postgresql://{user}:{password}@db.example/study".format,
    "user encoded": lambda user, password: f"postgresql://{quote(user, '')}:{password}@db.example:5432/study",
    "both encoded": lambda user, password: f"postgresql://{quote(user, '')}:{quote(password, '')}@[::1]/study",
    "user with @": "mysql+pymysql://{user}@corp:{password}@db.example/study".format,
    "no user": "postgresql://:{password}@db.example/study".format,
    "no scheme": "{user}:{password}@db.example/study".format,
    "one slash": "postgresql:/{user}:{password}@db.example/study".format,
    "three slashes": "postgresql:///{user}:{password}@db.example/study".format,
    "no slash": "postgresql:{user}:{password}@db.example/study".format,
    "no host": lambda user, password: f"postgresql://{without_host(user, password)}",
    "as the port": lambda user, password: f"postgresql://{without_host(user, password)}/study",
    "as a parameter": "postgresql://{user}@db.example/study?password={password}".format,
    "as an encoded parameter": lambda user, password: f"postgresql:///study?user=me&password={quote_plus(password)}",
    "twice": "postgresql:///study?password=a&password={password}".format,
    "ssl_key_password": "postgresql:///study?sslmode=require&ssl_key_password={password}".format,
    "in another parameter": lambda user, password: f"postgresql:///s?dsn={quote(f'user=me password={password}', '')}",
    "in ODBC's": lambda user, password: f"mssql+pyodbc:///?odbc_connect={quote(f'DRIVER=x;PWD={password}', '')}",
}


@settings(derandomize=True, deadline=None, max_examples=150)
@given(written=st.sampled_from(sorted(WRITTEN)), user=WORDS, word=WORDS)
def test_no_password_is_ever_shown(written, user, word):
    password = f"P4{word}4P"  # its two ends can be recognised
    url = WRITTEN[written](user=user, password=password)
    shown = [
        records.mask_url(url),
        *(records.mask_in(f"cannot reach {text}", url) for text in (url, *as_read(url))),
        *records.mask_arguments(["--storage", url]),
        *records.mask_arguments([f"--storage={url}"]),
        *records.mask_arguments(["--storage", *url.split(" ")]),  # as a shell hands on what is not quoted
    ]
    assert not [text for text in shown if "P4" in text or "4P" in text or "\n" in text]


def as_read(url: str) -> list[str]:
    """The secrets as the database library reads them, as it may write them in a message."""
    try:
        read = make_url(url)
    except Exception:
        return []
    values = [read.password or "", *(value for values in read.normalized_query.values() for value in values)]
    return [form(value) for value in values for form in (str, repr, ascii, quote, quote_plus)]


@pytest.mark.parametrize(
    ("arguments", "masked"),
    [
        (["--storage", "postgresql://me:s3cr:et@db.example:5432/study"], "postgresql://me:***@db.example:5432/study"),
        (["--storage=postgresql://me@corp:s3cret@h/db"], "postgresql://me@corp:***@h/db"),
        (["--storage", "postgresql:///db?user=me&password=s3cr:et&host=h"], "postgresql:///db?***"),
        (
            ["digits", "--storage", "postgresql://me:s3cret@h/db", "--join"],
            "digits --storage postgresql://me:***@h/db --join",
        ),
        (["--storage", "postgresql://me:a", "s3cret@h/db", "--study", "x"], "postgresql://*** *** --study x"),
        (["--storage", "postgresql://me:99123456/db"], "postgresql://***"),  # no port has that number
        (["--storage", "sqlite:///studies/a b/study.db"], "sqlite:///studies/a b/study.db"),
        (["postgresql://me:s3cret@h/db"], "postgresql://me:***@h/db"),
        (["--dataset", "a:b@c.npz"], "a:b@c.npz"),  # no URL
    ],
)
def test_what_is_no_secret_is_shown(arguments, masked, monkeypatch):
    """By the function, and in a record."""
    monkeypatch.setattr(sys, "argv", ["infogan sweep", *arguments])
    for shown in (" ".join(records.mask_arguments(arguments)), provenance._process_record.__wrapped__()["command"]):
        assert masked in shown and "s3cr" not in shown and "9912" not in shown


def test_a_record_takes_no_lock_of_the_repository(monkeypatch):
    """It would stay behind where the disk is full or the process is killed."""
    commands, run = [], subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda command, **named: commands.append(command) or run(command, **named))
    provenance._process_record.__wrapped__()
    assert commands and all("--no-optional-locks" in command for command in commands)


@pytest.mark.parametrize("url", ["me:s3cret@h/db", "postgresql://h:s3cret/db", "sqlite://", "nothing://me:s3cret@h/db"])
def test_a_storage_that_cannot_be_opened_is_one_line_without_a_secret(url):
    with pytest.raises(InputError) as error:
        open_storage(url)
    assert "s3cret" not in str(error.value) and "\n" not in str(error.value)
    assert error.value.__cause__ is None, "a traceback would print it"


def git(folder, *arguments: str) -> str:
    own = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(
        ["git", "-C", folder, *arguments], env=clean | own, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def repository(folder, *files: str) -> str:
    """A repository that tracks these files; returns its commit."""
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text("")
    git(folder, "init", "-q")
    git(folder, "add", *files)
    git(folder, "commit", "-q", "-m", "one")
    return git(folder, "rev-parse", "HEAD")


def commit_of(root, monkeypatch):
    monkeypatch.setattr(provenance, "ROOT", root)
    return provenance._process_record.__wrapped__()["commit"]


def test_the_commit_is_that_of_the_packages_own_repository(tmp_path, monkeypatch, capsys):
    """Not of one that a hook's environment names, nor of a project that has the package in a virtual environment."""
    (tmp_path / "user").mkdir()
    clone = tmp_path / "infogan"
    clone.mkdir()
    user, own = repository(tmp_path / "user", "a.py"), repository(clone, "infogan/__init__.py")
    for name, value in (("GIT_DIR", tmp_path / "user" / ".git"), ("GIT_WORK_TREE", tmp_path / "user")):
        monkeypatch.setenv(name, str(value))
    assert commit_of(clone, monkeypatch) == own != user
    for installed in ("user/.venv/lib", "user"):  # in the project, and copied into its root
        package = tmp_path / installed / "infogan" / "__init__.py"
        package.parent.mkdir(parents=True)
        package.write_text("")
        monkeypatch.setattr(provenance, "ROOT", package.parents[1])
        found = provenance._process_record.__wrapped__()
        assert found["commit"] is None and found["commit_is_dirty"] is None
    assert capsys.readouterr().err.count("no commit is recorded") == 1, "said of a checkout that does not track it"


@pytest.mark.parametrize("git_answers", ["exit 1", "not executable", "nothing", "another owner", "hangs"])
def test_a_git_that_does_not_answer_ends_no_run(git_answers, tmp_path, monkeypatch, capsys):
    clone = tmp_path / "infogan"
    clone.mkdir()
    repository(clone, "infogan/__init__.py")
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    said = "echo \"fatal: detected dubious ownership in repository at '/x'\" >&2; exit 128"
    text = {"another owner": said, "hangs": "sleep 5"}.get(git_answers, "exit 1")
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o644 if git_answers == "not executable" else 0o755)
    if git_answers == "nothing":
        program.unlink()
    monkeypatch.setenv("PATH", f"{program.parent}" + (":/bin:/usr/bin" if git_answers == "hangs" else ""))
    monkeypatch.setattr(provenance, "GIT_SECONDS", 0.2)
    assert commit_of(clone, monkeypatch) is None
    message = capsys.readouterr().err
    assert message.startswith("no commit is recorded: ") and message.count("\n") == 1
    assert "dubious ownership" in message or git_answers != "another owner"


def test_a_working_directory_that_is_gone_ends_no_run(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    monkeypatch.setattr(sys, "argv", ["train.py", "authors"])
    assert provenance._process_record.__wrapped__()["command"].endswith("train.py authors")


def test_what_travels_with_a_model_names_no_host_and_no_path(tmp_path, digits):
    """By infogan.load(...).save, which export and the hub use."""
    images = tmp_path / "private folder" / "mine.npz"
    images.parent.mkdir()
    np.savez(images, images=digits.train.images[:100, 0].numpy())
    run = tmp_path / "run"
    made = config(dataset=str(images), updates=2)
    training.train(made, data.load(str(images)), run, "disabled", progress=False)
    stored = records.read_json(run / "config.json")
    assert stored["provenance"]["host"]["name"] == socket.gethostname() and str(tmp_path) in str(stored)
    text = (infogan.load(run).save(tmp_path / "public") / "config.json").read_text()
    assert socket.gethostname() not in text.replace("localhost", "") or socket.gethostname() == "localhost"
    assert str(tmp_path) not in text and "private folder" not in text and '"command"' not in text
    assert records.read_json(tmp_path / "public" / "config.json")["provenance"]["host"]["processor"]
    assert infogan.load(tmp_path / "public").config.dataset == "mine.npz"
