"""The layout of the code: sizes, and imports that go one way."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from conftest import ROOT

ROOMS = (
    "errors randomness events terms/__init__ config presets accel codes layers networks objective records inference "
    "infogan hub data metrics terms pretraining training phases trainer experiment studies reports commands cli "
    "experiments analysis"
).split()
"""Folders and single modules of infogan/, then the folders of scripts: each imports only from those before it.

`infogan` is infogan/__init__.py, with load(). terms/__init__.py reads the text that lists terms in a configuration and
is before `config`; the terms themselves are after what they compute with.
"""

LIBRARY = sorted((ROOT / "infogan").rglob("*.py"))
SCRIPTS = sorted([*(ROOT / "experiments").glob("*.py"), *(ROOT / "analysis").glob("*.py")])
LONGEST_FUNCTION, LONGEST_FILE, LONGEST_SCRIPT, LONGEST_STEP = 60, 350, 40, 40


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def module_name(path: Path) -> str:
    """infogan/data/__init__.py is infogan.data."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


TREES = {path: ast.parse(path.read_text(), filename=str(path)) for path in LIBRARY + SCRIPTS}
MODULES = {module_name(path): path for path in TREES}


def room(module: str) -> str:
    """infogan.data.names is in `data`, infogan.codes in `codes`, experiments.sweep in `experiments`."""
    first, *rest = module.split(".")
    if first != "infogan" or not rest:
        return first
    return f"{rest[0]}/__init__" if len(rest) == 1 and f"{rest[0]}/__init__" in ROOMS else rest[0]


def length(node: ast.AST) -> int:
    return node.end_lineno - node.lineno + 1


def count_lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def children(node: ast.AST, lazy: bool) -> list[ast.AST]:
    """What is run on import; with `lazy`, function bodies as well. Leaves out what only type checkers read."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and not lazy:
        return []
    if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
        return node.orelse
    return list(ast.iter_child_nodes(node))


def imported(path: Path, lazy: bool) -> set[str]:
    """The modules of this repository that a file imports on import, or with `lazy` at any time."""
    names: set[str] = set()
    open_nodes: list[ast.AST] = [TREES[path]]
    while open_nodes:
        node = open_nodes.pop()
        open_nodes += children(node, lazy)
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, (
                f"{relative(path)}:{node.lineno} has a relative import; write the module's whole name"
            )
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                names.add(inner if inner in MODULES else node.module)
    if path in SCRIPTS:  # a script finds its neighbours without their folder's name
        names |= {f"{path.parent.name}.{name}" for name in names}
    return names & set(MODULES)


@pytest.mark.parametrize("path", LIBRARY + SCRIPTS, ids=relative)
def test_functions_and_files_are_short(path):
    lines = count_lines(path)
    assert lines <= LONGEST_FILE
    functions = [node for node in ast.walk(TREES[path]) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    too_long = {node.name: length(node) for node in functions if length(node) > LONGEST_FUNCTION}
    assert not too_long


@pytest.mark.parametrize("path", SCRIPTS, ids=relative)
def test_scripts_are_thin(path):
    """What they do is in infogan/, where other modules can import it."""
    lines = count_lines(path)
    assert lines <= LONGEST_SCRIPT
    other_scripts = {module for module in imported(path, lazy=True) if MODULES[module] in SCRIPTS}
    assert not other_scripts


def test_the_training_step_fits_on_one_screen():
    [model] = [n for n in TREES[ROOT / "infogan" / "training.py"].body if getattr(n, "name", "") == "InfoGAN"]
    [step] = [node for node in model.body if getattr(node, "name", "") == "step"]
    assert length(step) <= LONGEST_STEP


@pytest.mark.parametrize("path", LIBRARY + SCRIPTS, ids=relative)
def test_the_search_path_of_modules_stays_as_it_is(path):
    changes = [
        node.lineno
        for node in ast.walk(TREES[path])
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "sys.path"
    ]
    assert not changes, "import from infogan/ instead of changing sys.path"


def test_no_modules_import_one_another():
    """Imports inside functions count as well."""
    graph = {module: imported(path, lazy=True) - {module} for module, path in MODULES.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"an import cycle: {' <- '.join(error.args[1])}")


def test_every_room_is_in_the_list():
    missing = {room(module) for module in MODULES} - set(ROOMS)
    assert not missing, "put the new folder or module into ROOMS, after what it imports"


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_one_way(module):
    earlier = ROOMS[: ROOMS.index(room(module)) + 1]
    upward = [other for other in imported(MODULES[module], lazy=False) if room(other) not in earlier]
    assert not upward, f"{module} imports from rooms after its own; see ROOMS"
