import contextlib
import dataclasses
import importlib.util
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import torch

from infogan import data, records, training
from infogan.cli import one_line_errors
from infogan.config import Config
from infogan.config.presets import PRESETS

os.environ["WANDB_MODE"] = "disabled"  # tests of tracking say otherwise themselves
torch.set_num_threads(1)
hypothesis.settings.register_profile("short", max_examples=100, derandomize=True, deadline=None)
hypothesis.settings.load_profile("short")

ROOT = Path(__file__).parents[1]


SLOW = ("test_faults", "test_run", "test_disentanglement", "test_tracking")
"""Files that take minutes: two workers take them first, so that none is left alone with one in the end."""


def pytest_collection_modifyitems(items):
    """Slow files come first, and tests marked gpu need a CUDA GPU."""
    items.sort(key=lambda item: SLOW.index(item.path.stem) if item.path.stem in SLOW else len(SLOW))
    if not torch.cuda.is_available():
        for item in items:
            if item.get_closest_marker("gpu"):
                item.add_marker(pytest.mark.skip(reason="needs a CUDA GPU"))


def config(preset: str = "authors", **changes) -> Config:
    """A short float32 run on scikit-learn's digits."""
    short: dict[str, Any] = {
        "precision": "float32",
        "device": "cpu",
        "dataset": "digits",
        "batch_size": 32,
        "updates": 20,
        "log_every": 5,
        "evaluations": 2,
    }
    return dataclasses.replace(PRESETS[preset][0], **(short | changes))


def fit(directory: Path, dataset: data.Dataset, preset: str = "authors", observers=(), **changes) -> dict:
    """Train a short run (see `config`) in the directory, or go on with it, and measure it."""
    made = config(preset, **changes)
    return training.train(made, dataset, directory, "disabled", observers=observers, progress=False)


def update(model: training.Learner, images: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """A step of the model; its metrics, in the order of model.metrics."""
    computed = model.step(images, index)
    return torch.stack([computed[name] for name in model.metrics])


def moved_by(names: set[str], model: training.Learner, images: torch.Tensor) -> set[str]:
    """Parts that one update changes, those of terms included, when all losses but those that log these names are
    multiplied by 0."""
    losses = model.losses
    model.losses = lambda step, x: [
        loss if loss.log.keys() <= names else loss._replace(value=0 * loss.value) for loss in losses(step, x)
    ]
    parts = model.parts | {f"term {term.name}": term for term in model.terms}
    before = {name: [p.detach().clone() for p in part.parameters()] for name, part in parts.items()}
    model.step(images, torch.arange(len(images)))
    return {
        name
        for name, part in parts.items()
        if any(not torch.equal(p, b) for p, b in zip(part.parameters(), before[name], strict=True))
    }


def trained(directory: Path) -> dict[str, torch.Tensor]:
    """The tensors of a run's last checkpoint, without its tables, which have times in them."""
    tensors, _ = records.load_checkpoint(directory)
    return {name: tensor for name, tensor in tensors.items() if not name.startswith("rows.")}


def same_tensors(one: Path, other: Path) -> bool:
    """Whether the last checkpoints of two run directories are equal bit for bit."""
    a, b = trained(one), trained(other)
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.fixture(scope="session")
def digits() -> data.Dataset:
    return data.load("digits")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder with the real MNIST; tests that need it are skipped where it is not given."""
    folder = os.environ.get(data.DATA_VARIABLE)
    if not folder or not (Path(folder) / "MNIST" / "raw").is_dir():
        pytest.skip(f"set {data.DATA_VARIABLE} to a folder that holds MNIST/raw")
    return Path(folder)


def load_script(name: str, folder: str = "experiments"):
    """A script as a module, beside its neighbours as when it is run."""
    if str(ROOT / folder) not in sys.path:
        sys.path.insert(0, str(ROOT / folder))
    spec = importlib.util.spec_from_file_location(name, ROOT / folder / f"{name}.py")
    assert spec
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    assert spec.loader
    spec.loader.exec_module(module)
    return module


def call(name: str, *arguments, folder: str = "experiments", cwd: Path | None = None) -> subprocess.CompletedProcess:
    """A script as `subprocess.run` would run it, but in this process, which has its libraries loaded already."""
    out, err = io.StringIO(), io.StringIO()
    argv, sys.argv = sys.argv, [f"{folder}/{name}.py", *map(str, arguments)]
    code: Any = 0
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), contextlib.chdir(cwd or os.getcwd()):
            with one_line_errors():
                load_script(name, folder).main()
    except SystemExit as stop:
        code = stop.code
        if isinstance(code, str):
            print(code, file=err)
            code = 1
    finally:
        sys.argv = argv
    return subprocess.CompletedProcess(arguments, code or 0, out.getvalue(), err.getvalue())


def environment_of_scripts(home: Path) -> dict[str, str]:
    """For scripts run as a user would: one thread, so that two runs agree bit for bit; no W&B credentials."""
    keep = {key: value for key, value in os.environ.items() if not key.startswith("WANDB")}
    return keep | {"OMP_NUM_THREADS": "1", "WANDB_MODE": "disabled", "HOME": str(home)}


@pytest.fixture
def script_environment(tmp_path) -> dict[str, str]:
    return environment_of_scripts(tmp_path)
