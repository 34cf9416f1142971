"""The notebooks run from the committed results, each within a minute."""

import datetime

import jupytext
import nbclient
import pytest
from conftest import ROOT

NOTEBOOKS = sorted((ROOT / "analysis" / "notebooks").glob("*.py"))


def moment(cell, status: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(cell.metadata.execution[f"iopub.status.{status}"])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook(path):
    notebook = jupytext.read(path)
    nbclient.NotebookClient(
        notebook, timeout=60, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}
    ).execute()
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    # By the kernel's clock: a client whose wake-up ZeroMQ loses waits for `timeout` although the cell is done.
    took = sum((moment(cell, "idle") - moment(cell, "busy") for cell in cells), datetime.timedelta())
    assert datetime.timedelta() < took < datetime.timedelta(seconds=60)
    outputs = [output for cell in cells for output in cell.outputs]
    kinds = {kind for output in outputs for kind in output.get("data", {})}
    assert "image/png" in kinds and not [output for output in outputs if output.output_type == "error"]


def test_there_are_three():
    assert [path.stem for path in NOTEBOOKS] == ["01_reproduction", "02_sweep", "03_explore_codes"]
