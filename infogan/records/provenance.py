"""What made a result: command, commit, versions and host, without secrets."""

import functools
import os
import platform
import re
import socket
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from infogan.accel import cpu

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

PACKAGES = ("torch", "torchvision", "numpy", "scipy", "scikit-learn", "optuna", "wandb")


SECRET = re.compile(r"(?i)pass|pwd|secret|token")
"""Names of a URL's parameters whose values are secret, such as sslpassword."""


def mask_url(url: str) -> str:
    """A database URL as it may be shown: postgresql://me:***@host/db. One that its library cannot read is not shown."""
    scheme = match[0] if (match := re.match(r"[A-Za-z][\w+]*://", url)) else ""
    if (parsed := _parsed(url)) is None:
        return f"{scheme}***"
    query = {name: "***" if SECRET.search(name) else value for name, value in parsed.query.items()}
    return parsed.set(query=query).render_as_string(hide_password=True).replace("%2A%2A%2A", "***")


def _parsed(url: str) -> "URL | None":
    """The URL as sqlalchemy reads it. None where it cannot, or where a part of the password may be taken for another:
    it is not known then what is secret."""
    try:
        from sqlalchemy.engine import make_url

        parsed = make_url(url)
    except Exception:  # it is no URL of a database, or sqlalchemy is not installed
        return None
    rest = url.partition("://")[2]
    after_host = re.split(r"[/?#]", rest, maxsplit=1)[1:]
    return None if rest.count("@") > 1 + str(parsed.username).count("@") or "@" in "".join(after_host) else parsed


def mask_arguments(arguments: Sequence[str]) -> list[str]:
    """Command-line arguments as they may be shown and recorded: the value of --storage, and every URL, masked."""
    out: list[str] = []
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if out and out[-1] == "--storage":
            out.append(mask_url(argument))
        elif equals and name == "--storage":
            out.append(f"--storage={mask_url(value)}")
        else:
            out.append(mask_url(argument) if "://" in argument else argument)
    return out


def mask_in(text: str, url: str) -> str:
    """A library's message about a database URL, without the URL and without its secrets."""
    if (parsed := _parsed(url)) is None:
        return "it is no URL of a database"
    secrets = [url, *([str(parsed.password)] if parsed.password else [])]
    secrets += [str(value) for name, value in parsed.query.items() if SECRET.search(name)]
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


@functools.cache
def provenance() -> dict:
    """What a record says of its origin: a dict of command, commit, commit_is_dirty, versions and host.

    The commit is that of the repository that this package lies in; None, as commit_is_dirty, where it lies in none.
    """
    commit = _git("rev-parse", "HEAD")
    command = [sys.argv[0]]
    if not sys.argv[0].startswith("infogan "):  # of the command `infogan`
        script, root = Path(sys.argv[0]).resolve(), Path(__file__).parents[2]
        name = str(script.relative_to(root)) if script.is_relative_to(root) else sys.argv[0]
        command = [Path(sys.executable).name, name]
    return {
        "command": " ".join([*command, *mask_arguments(sys.argv[1:])]),
        "commit": commit,
        "commit_is_dirty": bool(_git("status", "--porcelain", "--untracked-files=no")) if commit else None,
        "versions": {"python": platform.python_version(), **_versions()},
        "host": {"name": socket.gethostname(), "platform": platform.platform(), "cpus": os.cpu_count()} | _hardware(),
    }


def _hardware() -> dict[str, str]:
    """The processor, and the GPU where there is one."""
    gpu = {"gpu": torch.cuda.get_device_name()} if torch.cuda.is_available() else {}
    return {"processor": cpu.describe()} | gpu


def _git(*arguments: str) -> str | None:
    """Output of a git command in this repository; None where it fails or there is no git."""
    command = ["git", "-C", str(Path(__file__).parent), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _versions() -> dict[str, str]:
    """Versions of those PACKAGES that are installed."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
