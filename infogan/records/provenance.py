"""What made a result: command, commit, versions and host, without secrets."""

import functools
import os
import platform
import re
import socket
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("torch", "torchvision", "numpy", "scipy", "scikit-learn", "optuna", "wandb")


def mask_secrets(text: str) -> str:
    """The text with the password of every URL replaced: postgresql://me:***@host/db, ...?password=***."""
    text = re.sub(r"(\w+://[^\s:/@]*):\S*@", r"\1:***@", text)
    return re.sub(r"(?i)([?&](?:password|passwd|pwd|sslpassword)=)[^&\s'\"]+", r"\1***", text)


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
        "command": mask_secrets(" ".join([*command, *sys.argv[1:]])),
        "commit": commit,
        "commit_is_dirty": bool(_git("status", "--porcelain", "--untracked-files=no")) if commit else None,
        "versions": {"python": platform.python_version(), **_versions()},
        "host": {"name": socket.gethostname(), "platform": platform.platform(), "cpus": os.cpu_count()},
    }


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
