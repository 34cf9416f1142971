"""The package as it is installed: what the wheel holds, the command, and what loading a model needs."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions

import pytest
from conftest import ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
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


def test_what_is_imported_is_a_dependency():
    """Of the package or of an extra; imports inside functions count as well."""
    nodes = [node for path in (ROOT / "infogan").rglob("*.py") for node in ast.walk(ast.parse(path.read_text()))]
    names = {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    names |= {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    modules = {name.split(".")[0] for name in names} - set(sys.stdlib_module_names) - {"infogan"}
    listed = PROJECT["dependencies"] + sum(PROJECT["optional-dependencies"].values(), [])
    named = {canonicalize_name(Requirement(line).name) for line in listed}
    distributions = packages_distributions()
    assert not {name for name in modules if not named & {canonicalize_name(d) for d in distributions.get(name, ())}}


def test_one_private_function_of_torch_is_called():
    """By training in bfloat16 alone. So the extra `train` bounds torch above, and the package itself does not."""
    nodes = [node for path in (ROOT / "infogan").rglob("*.py") for node in ast.walk(ast.parse(path.read_text()))]
    names = {ast.unparse(node) for node in nodes if isinstance(node, ast.Attribute)}
    imports = [node for node in nodes if isinstance(node, ast.ImportFrom)]
    names |= {f"{node.module}.{alias.name}" for node in imports for alias in node.names}
    private = {name for name in names if re.match(r"torch(\.\w+)*\._[a-z]", name)}
    assert private == {"torch._C._will_engine_execute_node"}
    [torch] = [one for one in map(Requirement, PROJECT["dependencies"]) if one.name == "torch"]
    bounds = [one for one in map(Requirement, PROJECT["optional-dependencies"]["train"]) if one.name == "torch"]
    assert "99.0" in torch.specifier and not any("99.0" in one.specifier for one in bounds) and bounds


def test_the_command_has_a_version_and_is_a_module(tmp_path):
    for words in (["--version"], ["--help"]):
        done = subprocess.run([sys.executable, "-m", "infogan", *words], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0 and "infogan" in done.stdout and "Traceback" not in done.stderr


@pytest.fixture(scope="module")
def editable(source, tmp_path_factory):
    """A folder like site-packages after `pip install -e` of the sources."""
    folder = tmp_path_factory.mktemp("editable")
    code = "import sys; from setuptools import build_meta; build_meta.build_editable(sys.argv[1])"
    subprocess.run([sys.executable, "-c", code, folder], cwd=source, capture_output=True, check=True)
    [wheel] = folder.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(folder)
    return folder


@pytest.mark.parametrize("place", ["beside", "in"])
@pytest.mark.parametrize("kind", ["installed", "editable", "clone"])
def test_a_clone_named_infogan_does_not_hide_the_package(kind, place, source, request):
    """For a script beside a clone, the clone's folder is an empty namespace package."""
    site = source if kind == "clone" else request.getfixturevalue(kind)
    code = "import site, sys; sys.path.insert(0, sys.argv[1]); site.addsitedir(sys.argv[2]); import infogan.config"
    folder = source if place == "in" else source.parent
    call = [sys.executable, "-I", "-S", "-c", f"{code}; print(infogan.__file__)", folder, site]
    done = subprocess.run(call, capture_output=True, text=True)
    root = site if (kind, place) == ("installed", "beside") else source
    assert done.stdout.strip() == str(root / "infogan" / "__init__.py"), done.stderr
