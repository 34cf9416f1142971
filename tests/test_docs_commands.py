"""Every command that README.md and docs/ print is run, as it stands but for its length."""

import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, fit
from PIL import Image
from test_docs import ALL_COMMANDS, run_infogan

from infogan.errors import InputError

SHORTER = {
    "train": "--updates 3 --batch-size 16 --log-every 1 --evaluations 1 --wandb disabled",
    "sweep": "--trials 1 --images 640 --workers 1 --confirm-best 1 --confirm-seeds 1 --wandb disabled",
    "reproduce": "--seeds 1 --images 640 --workers 1 --presets authors --wandb disabled",
}
"""Options after those of the text. MNIST becomes digits, but where a run is given a folder of data."""
ELSEWHERE = {
    "explore": "reports/test_explore.py",
    "runs/mnist-settings": "reports/test_settings.py",
    "benchmark": "studies/test_benchmark.py",
    "gpu_check": "studies/test_gpu_check.py",
    "runs/faces3d": "reports/test_figures.py",
    "sprites": "data/test_synthetic.py",
    "render": "reports/test_notebooks.py",
    "postgresql": "studies/test_faults.py",
    "ray": "studies/test_launchers.py",
}
"""Commands that run long, serve a page or need a server, and the tests that run the like of them."""
OTHER = ("cd", "git", "python3", "source", "pip", "conda", "wandb")
"""Installation, and what needs a network."""


def split(command: str) -> tuple[str, list[str]]:
    """A command of infogan, as a script or as `infogan COMMAND`, by name, and its arguments."""
    program, first, *rest = shlex.split(command)
    return (first, rest) if program == "infogan" else (Path(first).stem, rest)


def excused(command: str) -> str:
    """The test that runs the like of a command; empty for those that are run here."""
    return next((file for word, file in ELSEWHERE.items() if word in command), "")


OURS = [command for command in ALL_COMMANDS if command.split()[0] not in OTHER and not excused(command)]
RUN_HERE = {shlex.join([name, *arguments]): (name, arguments) for name, arguments in map(split, OURS)}


@pytest.fixture(scope="module")
def kept(tmp_path_factory, digits, data_dir) -> Path:
    """A folder with the runs, the study and the data that the commands name."""
    folder = tmp_path_factory.mktemp("commands")
    for name, preset, seed in (("authors", "authors", 0), ("authors", "authors", 1), ("gan", "gan", 0)):
        fit(folder / "runs" / f"mnist-{name}-seed{seed}", digits, preset, seed=seed, batch_size=128, updates=5)
        shutil.copytree(folder / f"runs/mnist-{name}-seed{seed}", folder / f"runs/digits-{name}-seed{seed}")
    fit(folder / "runs" / "digits-authors-batch_size=16-seed0", digits, batch_size=16, updates=40)
    shutil.copytree(folder / "runs" / "digits-authors-seed0", folder / "runs" / "photos-modern-seed0")
    np.savez(folder / "negatives.npz", images=255 - np.repeat(digits.train.images.numpy()[:300], 1, 0).swapaxes(1, 3))
    (folder / "photos").mkdir()
    random = np.random.default_rng(0)
    for i in range(200):
        Image.fromarray(random.integers(0, 255, (64, 64, 3), np.uint8)).save(folder / "photos" / f"{i}.png")
    (folder / "analysis").symlink_to(ROOT / "analysis")
    (folder / "data").symlink_to(data_dir)
    return folder


@pytest.mark.parametrize("command", RUN_HERE)
def test_the_command_runs(command, kept, tmp_path, monkeypatch, capsys):
    name, arguments = RUN_HERE[command]
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.setenv("HOME", str(kept))  # ~/data
    monkeypatch.chdir(kept)
    if name in SHORTER:  # what trains begins in an empty folder
        for path in (path for path in kept.iterdir() if path.name not in ("runs", "studies")):
            (tmp_path / path.name).symlink_to(path)
        monkeypatch.chdir(tmp_path)
        if name != "train" or "~/data" not in arguments:
            arguments = ["digits" if word == "mnist" else word for word in arguments]
        if "iic" in arguments or "--pretraining" in arguments:
            arguments = [*arguments, "--pretraining", "2"]
    if name == "list" and "studies/digits" in arguments:
        run_quietly(["sweep", *SHORTER["sweep"].split()])
    if name == "figures" and "runs/first" in arguments:
        shutil.copytree(kept / "runs" / "digits-authors-seed0", kept / "runs" / "first", dirs_exist_ok=True)
    arguments = [str(Path.home() / "data") if word == "~/data" else word for word in arguments]
    run_quietly([name, *(part for word in arguments for part in expanded(word, kept)), *SHORTER.get(name, "").split()])
    assert "Traceback" not in capsys.readouterr().err


def expanded(word: str, folder: Path) -> list[str]:
    """A word as the shell passes it on."""
    found = sorted(str(path.relative_to(folder)) for path in folder.glob(word)) if "*" in word else []
    return found or [word]


def run_quietly(words: list[str]) -> None:
    try:
        run_infogan(words)
    except SystemExit as stop:  # sweep and reproduce end with the status of their report
        assert not stop.code, stop.code
    except InputError as error:
        pytest.fail(str(error))


def test_what_is_run_elsewhere_has_its_test():
    assert [file for file in ELSEWHERE.values() if not (ROOT / "tests" / file).exists()] == []
    assert len(RUN_HERE) > 20
