"""The notebooks run from any folder, and their rendered copies are of the present sources and results."""

import importlib.util
import re

import nbformat
import pytest
from conftest import ROOT

NOTEBOOKS = sorted((ROOT / "analysis" / "notebooks").glob("0*.py"))
TRAINS = "01_train"
"""Its numbers are the machine's."""


@pytest.fixture(scope="module")
def render():
    spec = importlib.util.spec_from_file_location("render", ROOT / "analysis" / "notebooks" / "render.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def texts(cell) -> list[str]:
    """Texts and tables of a cell's outputs, without addresses of objects."""
    data = [output.get("data", {}).get("text/plain", output.get("text", "")) for output in cell.get("outputs", [])]
    return [re.sub("0x[0-9a-f]+", "", text) for text in data]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook(path, render, tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # a kernel of its own beside another test's process: threads would wait
    notebook = render.executed(path, tmp_path)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    kinds = {kind for output in outputs for kind in output.get("data", {})}
    assert "image/png" in kinds and not [output for output in outputs if output.output_type == "error"]
    now, rendered = render.stripped(notebook), nbformat.read(path.with_suffix(".ipynb"), as_version=4)
    advice = "run: python analysis/notebooks/render.py"
    assert [cell.source for cell in rendered.cells] == [cell.source for cell in now.cells], advice
    if path.stem != TRAINS:
        assert [texts(cell) for cell in rendered.cells] == [texts(cell) for cell in now.cells], advice
