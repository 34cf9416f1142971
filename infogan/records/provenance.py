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


def mask_secrets(text: str) -> str:
    """The text with the password of every URL replaced: postgresql://me:***@host/db, ...?password=***."""
    text = re.sub(r"(\w+://[^\s:/@]*):\S*@", r"\1:***@", text)
    return re.sub(r"(?i)([?&](?:password|passwd|pwd|sslpassword)=)[^&\s'\"]+", r"\1***", text)


@functools.cache
def provenance() -> dict:
    """What made a result: command, commit, versions, host."""

    def git(*arguments: str) -> str | None:
        done = subprocess.run(
            ["git", "-C", str(Path(__file__).parent), *arguments], capture_output=True, text=True, check=False
        )
        return done.stdout.strip() if done.returncode == 0 else None

    versions = {"python": platform.python_version()}
    for package in ("torch", "torchvision", "numpy", "scipy", "scikit-learn", "optuna", "wandb"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            pass
    commit = git("rev-parse", "HEAD")
    script, root = Path(sys.argv[0]).resolve(), Path(__file__).parents[2]
    name = str(script.relative_to(root)) if script.is_relative_to(root) else sys.argv[0]
    return {
        "command": mask_secrets(" ".join([Path(sys.executable).name, name, *sys.argv[1:]])),
        "commit": commit,
        "commit_is_dirty": bool(git("status", "--porcelain", "--untracked-files=no")) if commit else None,
        "versions": versions,
        "host": {"name": socket.gethostname(), "platform": platform.platform(), "cpus": os.cpu_count()},
    }
