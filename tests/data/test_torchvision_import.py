import subprocess
import sys


def test_torchvision_imports_beside_this_torch():
    """In its own process, whether or not this pair of wheels fits together."""
    code = "from infogan.data import import_torchvision as i; v = i(); print(v.datasets.MNIST, v.utils.make_grid)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "MNIST" in done.stdout, done.stderr


def test_a_torchvision_that_imports_gets_no_declared_operators(tmp_path):
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text("sound = True")
    code = "from infogan.data import files as t; assert t.import_torchvision().sound and not t._declared"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env={"PYTHONPATH": str(tmp_path)}
    )
    assert done.returncode == 0, done.stderr


def test_another_runtime_error_of_torchvision_is_not_hidden(tmp_path):
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text("raise RuntimeError('something else')")
    code = "from infogan.data import import_torchvision as i; i()"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env={"PYTHONPATH": str(tmp_path)}
    )
    assert done.returncode != 0 and "something else" in done.stderr
