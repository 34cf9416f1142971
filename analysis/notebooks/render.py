"""Execute the notebooks and write each as .ipynb, with its outputs, beside its source: python analysis/notebooks/render.py

The sources (.py, percent format) are what is edited; the .ipynb are what GitHub shows.
"""

from pathlib import Path

import jupytext
import nbformat
from jupyter_client.manager import start_new_kernel

FOLDER = Path(__file__).parent
WIDGETS = "application/vnd.jupyter.widget-view+json"


MESSAGES = ("stream", "display_data", "execute_result", "error")
"""Of a kernel, those that are outputs."""


def executed(source: Path, folder: Path) -> nbformat.NotebookNode:
    """The notebook of a source with its outputs, run in a folder. Raises RuntimeError where a cell fails.

    By the blocking client: with nbclient a notebook of ten seconds once took its limit of ten minutes.
    """
    notebook = jupytext.read(source)
    manager, client = start_new_kernel(cwd=str(folder))
    try:
        for number, cell in enumerate((cell for cell in notebook.cells if cell.cell_type == "code"), 1):
            messages: list[dict] = []
            reply = client.execute_interactive(cell.source, timeout=600, output_hook=messages.append)
            if reply["content"]["status"] != "ok":
                raise RuntimeError("\n".join([cell.source, *reply["content"]["traceback"]]))
            outputs = [nbformat.v4.output_from_msg(m) for m in messages if m["header"]["msg_type"] in MESSAGES]
            cell.outputs, cell.execution_count = _joined(outputs), number
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    return notebook


def _joined(outputs: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """Texts of one stream that follow one another as one text: a kernel sends them in parts."""
    out: list[nbformat.NotebookNode] = []
    for one in outputs:
        if out and one.output_type == out[-1].output_type == "stream" and one.name == out[-1].name:
            out[-1].text += one.text
        else:
            out.append(one)
    return out


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
