"""An export over an earlier one: it takes its place whole, or not at all."""

from pathlib import Path

import pytest
from conftest import call

from infogan import load
from infogan.reports import export


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_second_export_takes_the_place_of_the_first_and_keeps_what_else_was_there(trained, tmp_path):
    out = tmp_path / "out"
    for run in ("a", "b"):
        done = call("export", trained / run, "--no-onnx", "--out", out, folder="analysis")
        assert done.returncode == 0, done.stderr
        (out / "mine").mkdir(exist_ok=True)
        (out / "mine" / "README.md").write_text("of the user")
        (out / "generator.onnx").write_text("of an earlier export")
    assert load(out).config.seed == 1 and (out / "mine" / "README.md").read_text() == "of the user"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    done = call("export", trained / "a", "--no-onnx", "--out", out, folder="analysis")
    assert "generator.onnx" not in done.stdout and not (out / "generator.onnx").exists()
    refused = call("export", trained / "a", "--out", ".", folder="analysis", cwd=out)
    assert refused.returncode == 1 and "is the folder that the command runs in" in refused.stderr


@pytest.mark.parametrize("interrupted", ["write_card", "out", "new"])
def test_an_interrupted_export_leaves_the_earlier_one_whole(trained, tmp_path, monkeypatch, interrupted):
    """While files are written, and before or between the two renames."""
    out = tmp_path / "out"
    export.write(load(trained / "a"), out, onnx=False)
    before, rename = content(out), Path.rename

    def stop(*arguments):
        raise KeyboardInterrupt

    if interrupted == "write_card":
        monkeypatch.setattr(export, "write_card", stop)
    else:
        monkeypatch.setattr(Path, "rename", lambda path, to: stop() if path.name == interrupted else rename(path, to))
    with pytest.raises(KeyboardInterrupt):
        export.write(load(trained / "b"), out, onnx=False)
    assert content(out) == before and [path.name for path in tmp_path.iterdir()] == ["out"]
