"""The notebooks run from the committed results, each within a minute, and their rendered copies are current."""

import datetime
import importlib.util
import re

import nbformat
import pytest
from conftest import ROOT

NOTEBOOKS = sorted((ROOT / "analysis" / "notebooks").glob("0*.py"))


@pytest.fixture(scope="module")
def render():
    spec = importlib.util.spec_from_file_location("render", ROOT / "analysis" / "notebooks" / "render.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def moment(cell, status: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(cell.metadata.execution[f"iopub.status.{status}"])


def words(notebook) -> list:
    """Sources, and the texts and tables of the outputs, without addresses of objects."""
    out = []
    for cell in notebook.cells:
        data = [output.get("data", {}).get("text/plain", output.get("text", "")) for output in cell.get("outputs", [])]
        out.append((cell.source, [re.sub("0x[0-9a-f]+", "", text) for text in data]))
    return out


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook(path, render):
    notebook = render.executed(path)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    # By the kernel's clock: a client whose wake-up ZeroMQ loses waits for `timeout` although the cell is done.
    took = sum((moment(cell, "idle") - moment(cell, "busy") for cell in cells), datetime.timedelta())
    assert datetime.timedelta() < took < datetime.timedelta(seconds=60)
    outputs = [output for cell in cells for output in cell.outputs]
    kinds = {kind for output in outputs for kind in output.get("data", {})}
    assert "image/png" in kinds and not [output for output in outputs if output.output_type == "error"]
    rendered = nbformat.read(path.with_suffix(".ipynb"), as_version=4)
    assert words(rendered) == words(render.stripped(notebook)), "run: python analysis/notebooks/render.py"


def test_there_are_three():
    assert [path.stem for path in NOTEBOOKS] == ["01_reproduction", "02_sweep", "03_explore_codes"]
