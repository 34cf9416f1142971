"""The notebooks run from the committed results, each within a minute, and define nothing of their own."""

import time

import jupytext
import nbclient
import pytest
from conftest import ROOT

NOTEBOOKS = sorted((ROOT / "analysis" / "notebooks").glob("*.py"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook(path):
    notebook = jupytext.read(path)
    began = time.monotonic()
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}).execute()
    assert time.monotonic() - began < 60
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    kinds = {kind for output in outputs for kind in output.get("data", {})}
    assert "image/png" in kinds and not [output for output in outputs if output.output_type == "error"]


def test_there_are_three():
    assert [path.stem for path in NOTEBOOKS] == ["01_reproduction", "02_sweep", "03_explore_codes"]
