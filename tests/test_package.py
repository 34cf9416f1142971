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

from infogan.cli import EXTRAS

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
USE_A_MODEL = """
import sys, infogan
model = infogan.load(sys.argv[1])
images = model.generate(model.sample(3))
print(infogan.__file__, images.shape, model.recognise(images).categories.shape)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from a copy of the sources, so that nothing is left beside them."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "infogan", source / "infogan", ignore=shutil.ignore_patterns("__pycache__"))
    pip("wheel", "--no-build-isolation", "--wheel-dir", source, source)
    [wheel] = source.glob("*.whl")
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
    assert all(name in shown for name in ("train", "sweep", "reproduce", "list", "measure", "explore", "export"))


def test_the_installed_package_loads_a_model(installed, tmp_path):
    model = ROOT / "analysis" / "results" / "models" / "digits"
    shown = run(installed, sys.executable, "-c", USE_A_MODEL, model, cwd=tmp_path)
    assert shown.startswith(str(installed)) and shown.endswith("(3, 8, 8, 1) (3, 1)\n")


def requirements() -> list[Requirement]:
    """Of the package and of all its extras, but for those on its own extras."""
    listed = PROJECT["dependencies"] + sum(PROJECT["optional-dependencies"].values(), [])
    return [Requirement(line) for line in listed if not line.startswith("infogan[")]


def test_extras_that_are_named_exist():
    extras = PROJECT["optional-dependencies"]
    lists = re.findall(r"infogan\[(.+?)\]", " ".join(sum(extras.values(), [])))
    assert {name for names in lists for name in names.split(",")} <= set(extras)
    assert {"train", "sweep", "wandb", "analysis", "all"} <= set(extras)


def test_what_is_imported_is_a_dependency():
    """Of the package or of an extra; imports inside functions count as well."""
    nodes = [node for path in (ROOT / "infogan").rglob("*.py") for node in ast.walk(ast.parse(path.read_text()))]
    names = {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    names |= {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    modules = {name.split(".")[0] for name in names} - set(sys.stdlib_module_names) - {"infogan"}
    listed = {canonicalize_name(one.name) for one in requirements()}
    distributions = packages_distributions()
    assert not {name for name in modules if not listed & {canonicalize_name(d) for d in distributions.get(name, ())}}


def test_the_extras_that_the_command_names_bring_what_is_missing():
    """Where a package is not installed, `infogan` names the extra that has it."""
    extras, distributions = PROJECT["optional-dependencies"], packages_distributions()
    listed = {extra: {canonicalize_name(Requirement(line).name) for line in lines} for extra, lines in extras.items()}
    wrong = {
        name: extra for name, extra in EXTRAS.items() if canonicalize_name(distributions[name][0]) not in listed[extra]
    }
    assert not wrong


def test_every_dependency_is_pinned_within_its_bounds():
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    pins = {canonicalize_name(name): pin for name, _, pin in (line.partition("==") for line in lines)}
    wanted = [one for one in requirements() if one.name not in ("pymysql", "jupyterlab")]  # no test uses them
    assert not [str(one) for one in wanted if pins.get(canonicalize_name(one.name), "none") not in one.specifier]


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


def test_a_folder_named_infogan_does_not_hide_the_package(tmp_path):
    """As a clone does from a script beside it: a folder without __init__.py is an empty namespace package."""
    (tmp_path / "infogan").mkdir()
    (tmp_path / "script.py").write_text("import infogan; print(infogan.load.__module__)")
    done = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.strip() == "infogan", done.stderr
