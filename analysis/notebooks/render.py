"""Execute the notebooks and write each as .ipynb, with its outputs, beside its source: python analysis/notebooks/render.py

The sources (.py, percent format) are what is edited; the .ipynb are what GitHub shows.
"""

from pathlib import Path

import jupytext
import nbclient
import nbformat

FOLDER = Path(__file__).parent
WIDGETS = "application/vnd.jupyter.widget-view+json"


def executed(source: Path, folder: Path) -> nbformat.NotebookNode:
    """The notebook of a source with its outputs, run in a folder. Raises CellExecutionError."""
    notebook = jupytext.read(source)
    where = {"metadata": {"path": str(folder)}}
    return nbclient.NotebookClient(notebook, timeout=600, kernel_name="python3", resources=where).execute()


def stripped(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Without what changes with every execution: times, cells' ids, states of widgets."""
    notebook.metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    for number, cell in enumerate(notebook.cells):
        cell.metadata, cell.id = {}, f"cell-{number}"
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGETS, None)
    return notebook


if __name__ == "__main__":
    for path in sorted(FOLDER.glob("0*.py")):
        nbformat.write(stripped(executed(path, FOLDER)), path.with_suffix(".ipynb"))
        print(f"wrote {path.with_suffix('.ipynb')} ({path.with_suffix('.ipynb').stat().st_size / 1000:.0f} kB)")
