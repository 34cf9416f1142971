"""What made a result: command, commit, versions and host, without secrets."""

import contextlib
import functools
import os
import platform
import re
import socket
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, unquote, unquote_plus

import torch

from infogan.accel import cpu
from infogan.utils.errors import printable

ROOT = Path(__file__).parents[2]
"""The folder that the package lies in: of a checkout its root."""
GIT_SECONDS = 20
"""After which git counts as not answering, as on a network file system that hangs."""
PACKAGES = ("infogan", "torch", "torchvision", "numpy", "scipy", "scikit-learn", "optuna", "wandb")

URL = re.compile(
    r"""(?P<scheme>[A-Za-z][\w+]*://)
    ((?P<user>[^\s:/?\#]*)(:(?P<password>[^\s/?\#@]*))?@)?
    (?P<place>([\w.-]+|\[[\da-fA-F:.]+\])?(:\d{1,5})?(/[^\s:?\#@]*)?)
    (\?(?P<query>[^\#@]*))?""",
    re.VERBOSE,
)
"""A database's. What it does not match as a whole is not shown: a part of the password could be taken for another."""
SHOWN = ("host", "port", "sslmode", "charset", "connect_timeout", "application_name", "timeout", "mode", "uri")
"""Settings in a URL that hold no secret."""
FILE = re.compile(r"(?P<scheme>sqlite(\+\w+)?://)(?P<place>(/[^?#@]*)?)(\?(?P<query>[^#@]*))?")
"""The URL of a database in a file, whose path may have blanks and colons."""


def mask_url(url: str) -> str:
    """A database URL as it may be shown: postgresql://me:***@host/db?***. One that cannot be read is not shown."""
    if (parsed := _parsed(url)) is None:
        return "".join(re.findall(r"^[A-Za-z][\w+]*://", url)) + "***"
    user, password = parsed.get("user"), "" if parsed.get("password") is None else ":***"
    query = "" if parsed["query"] is None else "?***"
    return f"{parsed['scheme']}{'' if user is None else f'{user}{password}@'}{parsed['place']}{query}"


def _parsed(url: str) -> dict[str, str | None] | None:
    """The parts of a URL; None where it is not known which of them are secret."""
    match = (FILE.fullmatch(url) or URL.fullmatch(url)) if url.isprintable() else None
    return match and match.groupdict()


def mask_arguments(arguments: Sequence[str]) -> list[str]:
    """Command-line arguments as they may be shown and recorded: the value of --storage, and every URL, masked.

    Words after the value of --storage are masked too: they may belong to it, as of a password with a blank.
    """
    out: list[str] = []
    storage = False  # whether the words belong to a --storage
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if out and out[-1] == "--storage":
            out.append(mask_url(argument))
        elif storage and not re.fullmatch(r"--[a-z-]+(=.*)?", argument):
            out.append("***")
        elif storage := name == "--storage":
            out.append(f"--storage={mask_url(value)}" if equals else name)
        else:
            out.append(mask_url(argument) if "://" in argument else argument)
    return out


def mask_in(text: str, url: str) -> str:
    """A library's message about a database URL, without the URL and without its secrets, however they are written."""
    if (parsed := _parsed(url)) is None:
        return "it is no URL of a database"
    settings = [setting.partition("=") for setting in (parsed["query"] or "").split("&")]
    values = [unquote_plus(value or name) for name, _, value in settings if name not in SHOWN]
    if any("=" in value for value in values):  # as in odbc_connect: any of its settings may be quoted
        return "its library's message may hold a secret"
    words = {form(word) for word in (parsed.get("password") or "", *values) for form in (str, unquote)}
    written = {
        form for word in words for form in (word, quote(word), quote_plus(word), repr(word)[1:-1], ascii(word)[1:-1])
    }
    for secret in sorted(written - {""} | {url}, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def provenance() -> dict:
    """What a record says of its origin: a dict of time (now, in UTC), command, commit, commit_is_dirty, versions, host.

    The commit is that of the repository whose root holds this package and which tracks its files: not of one around it,
    such as the user's own with a virtual environment in it. None, as commit_is_dirty, where there is no such repository
    or git does not answer; of a checkout stderr then says why, once.
    """
    return {"time": datetime.now(UTC).isoformat(timespec="seconds")} | _process_record()


@functools.cache
def _process_record() -> dict:
    commit, is_dirty = _commit()
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            versions[package] = version(package)
    return {
        "command": " ".join([*_script(), *mask_arguments(sys.argv[1:])]),
        "commit": commit,
        "commit_is_dirty": is_dirty,
        "versions": versions,
        "host": {"name": socket.gethostname(), "platform": platform.platform(), "cpus": os.cpu_count()} | _hardware(),
    }


def _script() -> list[str]:
    """What was called: the command `infogan`, or Python and a script, by its path in the checkout if it lies there."""
    called = sys.argv[0]
    if called.startswith("infogan "):
        return [called]
    with contextlib.suppress(OSError):  # of a working directory that is gone
        if (script := Path(called).resolve()).is_relative_to(ROOT):
            called = str(script.relative_to(ROOT))
    return [Path(sys.executable).name, called]


def _hardware() -> dict[str, str]:
    """The processor, and the GPU where there is one."""
    gpu = {"gpu": torch.cuda.get_device_name()} if torch.cuda.is_available() else {}
    return {"processor": cpu.describe()} | gpu


def _commit() -> tuple[str | None, bool | None]:
    """The checkout's commit, and whether tracked files differ from it; None and None where that cannot be known."""
    if not (ROOT / ".git").exists():
        return None, None
    try:
        if Path(_git("rev-parse", "--show-toplevel")).resolve() != ROOT.resolve():
            return None, None
        _git("ls-files", "--error-unmatch", "infogan/__init__.py")
        return _git("rev-parse", "HEAD"), bool(_git("status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None)
        reason = (said.strip() if isinstance(said, str) else "") or str(error)
        print(f"no commit is recorded: {printable(reason.splitlines()[0])}", file=sys.stderr)
        return None, None


def _git(*arguments: str) -> str:
    """Output of a git command in ROOT, whatever repository the caller's environment names, as within a hook.

    Raises OSError or subprocess.SubprocessError where it fails.
    """
    # `git status` would write the index, and leave its lock behind where the disk is full or the process is killed.
    command = ["git", "--no-optional-locks", "-C", str(ROOT), *arguments]
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | {"LC_ALL": "C"}
    text: dict[str, Any] = {"encoding": "utf-8", "errors": "replace"}
    return subprocess.run(command, capture_output=True, check=True, env=own, timeout=GIT_SECONDS, **text).stdout.strip()


def public(made: dict) -> dict:
    """Of a record's provenance what may travel with a model: not the host's name, nor the command with its paths."""
    kept = {name: value for name, value in made.items() if name not in ("command", "host")}
    return kept | {"host": {name: value for name, value in made.get("host", {}).items() if name != "name"}}
