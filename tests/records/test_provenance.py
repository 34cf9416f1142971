"""What a record says of its origin, and that no password of a database's URL is in it or in anything printed."""

import subprocess
import sys
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import URL, make_url

from infogan import records
from infogan.errors import InputError
from infogan.records.provenance import _of_process
from infogan.studies.storage import open_storage

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
        (["--storage=postgresql://me@corp:s3cret@h/db"], "postgresql://me%40corp:***@h/db"),
        (["--storage", "postgresql:///db?user=me&password=s3cr:et&host=h"], "password=***"),
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
    for shown in (" ".join(records.mask_arguments(arguments)), _of_process.__wrapped__()["command"]):
        assert masked in shown and "s3cr" not in shown and "9912" not in shown


def test_a_record_takes_no_lock_of_the_repository(monkeypatch):
    """It would stay behind where the disk is full or the process is killed."""
    commands, run = [], subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda command, **named: commands.append(command) or run(command, **named))
    _of_process.__wrapped__()
    assert commands and all("--no-optional-locks" in command for command in commands)


@pytest.mark.parametrize("url", ["me:s3cret@h/db", "postgresql://h:s3cret/db", "sqlite://", "nothing://me:s3cret@h/db"])
def test_a_storage_that_cannot_be_opened_is_one_line_without_a_secret(url):
    with pytest.raises(InputError) as error:
        open_storage(url)
    assert "s3cret" not in str(error.value) and "\n" not in str(error.value)
    assert error.value.__cause__ is None, "a traceback would print it"
