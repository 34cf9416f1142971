"""The package as it is installed: what the wheel holds, the command, and what loading a model needs."""

import os
import shutil
import subprocess
import sys
import zipfile

import pytest
from conftest import ROOT

USE_A_MODEL = """
import sys

HEAVY = {
    "PIL", "filelock", "matplotlib", "optuna", "pandas", "scipy", "seaborn", "skimage", "sklearn", "tenacity",
    "torchvision", "tqdm", "tyro", "wandb",
}

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in HEAVY:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Refuse())

import infogan

assert infogan.__file__.startswith(sys.argv[2]) and "torch" not in sys.modules, "import infogan is quick"
model = infogan.load(sys.argv[1])
codes = model.sample(200)
images = model.generate(codes)
assert images.shape == (200, 8, 8, 1) and model.probabilities(images)[0].shape == (200, 10)
assert (model.recognise(images).categories == codes.categories).mean() > 0.9
model.save("copy")
assert (infogan.load("copy").generate(codes) == images).all()
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A copy of the sources, so that nothing is left beside them. Its folder has the name that a clone has."""
    source = tmp_path_factory.mktemp("beside") / "infogan"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "infogan", source / "infogan", ignore=shutil.ignore_patterns("__pycache__"))
    return source


@pytest.fixture(scope="module")
def wheel(source, tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-build-isolation", "--wheel-dir", folder, source)
    [wheel] = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    folder = tmp_path_factory.mktemp("installed")
    pip("install", "--target", folder, wheel)
    return folder


def pip(command: str, *arguments) -> None:
    options = ["--quiet", "--no-deps", "--no-index", "--disable-pip-version-check"]
    call = [sys.executable, "-m", "pip", command, *options, *map(str, arguments)]
    done = subprocess.run(call, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def run(installed, *command, cwd) -> str:
    environment = os.environ | {"PYTHONPATH": str(installed)}
    done = subprocess.run([*map(str, command)], cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_holds_the_whole_package_and_nothing_else(wheel):
    packed = zipfile.ZipFile(wheel).namelist()
    sources = [path for path in (ROOT / "infogan").rglob("*") if path.is_file() and path.parent.name != "__pycache__"]
    expected = {str(path.relative_to(ROOT)) for path in sources}
    assert {"infogan/py.typed", "infogan/reports/explore.html", "infogan/reports/explore_networks.js"} <= expected
    assert {name for name in packed if ".dist-info/" not in name} == expected


def test_the_command_is_installed(installed, tmp_path):
    shown = run(installed, sys.executable, installed / "bin" / "infogan", "--help", cwd=tmp_path)
    assert all(name in shown for name in ("train", "sweep", "list", "measure", "explore", "export"))


def test_an_installed_model_needs_torch_numpy_and_safetensors_alone(installed, tmp_path):
    run(installed, sys.executable, "-c", USE_A_MODEL, ROOT / "analysis/results/models/digits", installed, cwd=tmp_path)
