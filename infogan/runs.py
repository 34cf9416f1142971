"""The run directory: the one interface between training and analysis.

config.json       configuration (resolved) and provenance: command, commit, versions, host
metrics.csv       one row per logged step; each value is the mean over the updates since the last row
evaluations.csv   one row per evaluation on the validation images
samples/          sample grids, rows are categories, and confusion matrices
checkpoint.safetensors   networks, optimisers, random states and counters, replaced atomically; the one before it
                         (checkpoint.previous.safetensors) is used where it turns out to be damaged
warm_up.json      of a run with a warm-up: its length, its seconds, the mutual information of each sorter's groups (nats)
status.json       running, finished, interrupted, stopped or diverged, with the step reached
evaluation.json   the finished run's measures on the test images
"""

import csv
import dataclasses
import functools
import io
import json
import os
import platform
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch
from filelock import FileLock, Timeout
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from infogan.codes import Latent
from infogan.config import Config, InputError, from_dict

CHECKPOINT = "checkpoint.safetensors"
PREVIOUS = "checkpoint.previous.safetensors"


class Locked(InputError):
    """Another process is training in the run directory."""


def write_atomic(path: Path, content: bytes | str, keep: Path | None = None) -> None:
    """Replace `path` whole or not at all: a reader, or a resumed run, never meets half a file. What it held goes to `keep`."""
    data = content.encode() if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        if keep is not None and path.exists():
            os.replace(path, keep)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_json(path: Path, content: dict) -> None:
    write_atomic(path, json.dumps(content, indent=2) + "\n")


def read_json(path: Path) -> dict:
    """Raises InputError where the file is missing or is not JSON."""
    try:
        return json.loads(path.read_text())
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): is {path.parent} a run directory?") from error
    except ValueError as error:
        raise InputError(f"{path} is not valid JSON ({error})") from error


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
    script, root = Path(sys.argv[0]).resolve(), Path(__file__).parents[1]
    name = str(script.relative_to(root)) if script.is_relative_to(root) else sys.argv[0]
    return {
        "command": mask_secrets(" ".join([Path(sys.executable).name, name, *sys.argv[1:]])),
        "commit": commit,
        "commit_is_dirty": bool(git("status", "--porcelain", "--untracked-files=no")) if commit else None,
        "versions": versions,
        "host": {"name": socket.gethostname(), "platform": platform.platform(), "cpus": os.cpu_count()},
    }


class Table:
    """A CSV file that grows by rows with a `step`, and can be cut back to a step after a kill."""

    def __init__(self, path: Path):
        self.path = path

    def append(self, row: dict) -> None:
        new = not self.path.exists()
        with self.path.open("a", newline="") as file:
            writer = csv.DictWriter(file, row)
            if new:
                writer.writeheader()
            writer.writerow(row)

    def rows(self) -> list[dict[str, str]]:
        if not self.path.exists():
            return []
        with self.path.open(newline="") as file:
            return list(csv.DictReader(file))

    def cut(self, step: int) -> None:
        """Drop rows beyond `step`: they will be written again. A row that a kill left unfinished goes too."""
        rows = self.rows()
        kept = [row for row in rows if None not in row.values() and int(row["step"]) <= step]
        if not kept:
            self.path.unlink(missing_ok=True)
        elif len(kept) < len(rows):
            text = io.StringIO(newline="")
            writer = csv.DictWriter(text, kept[0])
            writer.writeheader()
            writer.writerows(kept)
            write_atomic(self.path, text.getvalue())


def as_begun(directory: Path, config: Config) -> Config:
    """The configuration with `auto` precision as a run that is in the directory already has it: what a run was begun with on one
    processor is not what `auto` means on the next.
    """
    file = directory / "config.json"
    if config.precision != "auto" or not file.exists():
        return config
    return dataclasses.replace(config, precision=from_dict(read_json(file)["config"]).precision)


def create(directory: Path, config: Config) -> None:
    """Make the run directory, or check that it holds the same configuration (it may be a shorter run, to be continued).

    What made a run is recorded once; a continuation adds its own provenance.

    Raises InputError naming the first field that differs.
    """
    file = directory / "config.json"
    record = {"config": dataclasses.asdict(config), "provenance": provenance()}
    if file.exists():
        stored = dataclasses.asdict(
            from_dict(read_json(file)["config"])
        )  # fields that are newer than the run have their defaults
        for name, value in dataclasses.asdict(config).items():
            if name != "updates" and stored[name] != value:
                raise InputError(
                    f"{directory} holds a run with {name} {stored[name]!r}, not {value!r}: "
                    "choose another --run-dir, or delete it"
                )
        if stored["updates"] > config.updates:
            raise InputError(f"{directory} holds a run of {stored['updates']} updates, longer than {config.updates}")
        if stored["updates"] == config.updates:
            return
        if config.cool_down:
            raise InputError(
                f"{directory} holds a run of {stored['updates']} updates whose learning rates fell towards its end: it cannot go on to {config.updates}; choose another --run-dir"
            )
        before = read_json(file)
        record |= {
            "provenance": before["provenance"],
            "continued": [*before.get("continued", []), record["provenance"]],
        }
    (directory / "samples").mkdir(parents=True, exist_ok=True)
    write_json(file, record)


def save_checkpoint(directory: Path, tensors: dict[str, torch.Tensor], state: dict, keep: bool = True) -> None:
    """Tensors and the small JSON state in one file, so that a kill can never part the two."""
    tensors = {name: tensor.detach().contiguous().cpu() for name, tensor in tensors.items()}
    write_atomic(
        directory / CHECKPOINT,
        save(tensors, metadata={"state": json.dumps(state)}),
        keep=directory / PREVIOUS if keep else None,
    )


def has_checkpoint(directory: Path) -> bool:
    return any((directory / name).exists() for name in (CHECKPOINT, PREVIOUS))


def load_checkpoint(directory: Path) -> tuple[dict[str, torch.Tensor], dict]:
    """The last checkpoint that is sound; safetensors holds no code, so nothing is unpickled.

    Raises InputError where there is none or all are damaged.
    """
    if not has_checkpoint(directory):
        raise InputError(f"{directory} has no {CHECKPOINT}: train it first, or give a finished run's directory")
    damage = ""
    for path in (directory / CHECKPOINT, directory / PREVIOUS):
        try:
            with safe_open(path, framework="pt") as file:
                state = json.loads(file.metadata()["state"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}
        except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
            damage = damage or f"{path} is damaged ({error})"
            continue
        if damage:
            print(f"{damage}: using the one before it, of update {state['step']}", file=sys.stderr)
        return tensors, state
    raise InputError(f"{damage}: delete {directory} and train again")


@contextmanager
def lock(directory: Path) -> Iterator[None]:
    """Makes the directory, and keeps other processes from training in it; one that dies leaves nothing locked.

    Raises Locked, or InputError where the directory cannot be made.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the run directory {directory} ({error.strerror}): choose another") from error
    try:
        with FileLock(
            directory / ".lock", timeout=0, is_singleton=True
        ):  # one lock per process: who holds it may ask again
            yield
    except Timeout as error:
        raise Locked(f"another process is training in {directory}: wait for it, or choose another --run-dir") from error


@dataclasses.dataclass(frozen=True)
class Run:
    """A run read back for analysis: its configuration and its networks in evaluation mode."""

    directory: Path
    config: Config
    latent: Latent
    generator: torch.nn.Module
    discriminator: torch.nn.Module
    step: int

    @property
    def status(self) -> dict:
        return read_json(self.directory / "status.json")


def load(directory: str | os.PathLike) -> Run:
    """Read a run directory, whoever made it and wherever.

    Raises InputError, one line, where it is missing, incomplete or damaged.
    """
    from infogan.networks import build

    directory = Path(directory)
    config = from_dict(read_json(directory / "config.json")["config"])
    tensors, state = load_checkpoint(directory)
    latent = Latent(config.codes, config.noise, config.q_std)
    generator, discriminator = build(tuple(state["image_shape"]), latent, seed=0, network=config.network)
    for prefix, network in (("generator.", generator), ("discriminator.", discriminator)):
        weights = {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
        try:
            network.load_state_dict(weights)
        except RuntimeError as error:
            raise InputError(f"the checkpoint in {directory} does not fit its config.json: {error}") from error
        network.eval()
    return Run(directory, config, latent, generator, discriminator, state["step"])
