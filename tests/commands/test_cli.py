"""The command `infogan`: its help, and errors in one line."""

import errno
import importlib
import io
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions

import pytest
from conftest import ROOT, call
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from infogan import cli, records
from infogan.utils.errors import InputError

ENTRY = "import sys; from infogan import cli; sys.argv[0] = 'infogan'; "


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",)])
def test_help_lists_every_command(arguments, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["/usr/bin/infogan", *arguments])
    cli.main()
    printed = capsys.readouterr()
    assert printed.err == "" and re.findall(r"^  (\w+) +\S", printed.out, re.MULTILINE) == list(cli.COMMANDS)


def test_help_imports_nothing_heavy():
    code = ENTRY + "cli.main(); print(sorted({'torch', 'numpy', 'tyro', 'optuna'} & set(sys.modules)))"
    for arguments in ([], ["--help"]):
        done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and done.stdout.endswith("\n[]\n"), done.stderr
    wrong = [sys.executable, "-X", "importtime", "-m", "infogan", "meazure"]
    done = subprocess.run(wrong, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "meazure" in done.stderr and done.stderr.endswith("measure?\n")
    assert "torch" not in done.stderr and "tyro" not in done.stderr


@pytest.mark.parametrize("name", ["train", "sweep"])
def test_a_commands_help_needs_no_torch(name):
    code = f"{ENTRY}sys.argv[1:] = ['{name}', '--help']\ntry: cli.main()\nfinally: print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert f"infogan {name}" in done.stdout and done.stdout.endswith("False\n"), done.stderr


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_has_a_module_with_main(name):
    assert callable(importlib.import_module(f"infogan.{cli.COMMANDS[name][0]}").main)


def ended_by(error: BaseException) -> object:
    """What the process ends with where a command raises the error."""
    with pytest.raises(SystemExit) as stop, cli.one_line_errors():
        raise error
    return stop.value.code


@pytest.mark.parametrize("module", ["optuna.storages", "wandb", "pandas", "PIL"])
def test_a_package_that_is_not_installed_is_one_line(module):
    top = module.split(".")[0]
    line = ended_by(ModuleNotFoundError(f"No module named {module!r}", name=module))
    assert top in line and f"pip install -e '.[{cli.EXTRAS[top]}]'" in line and "\n" not in line
    with pytest.raises(ModuleNotFoundError), cli.one_line_errors():
        raise ModuleNotFoundError("of ours", name="infogan.missing")


def test_extras_are_those_of_the_package():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    distributions = packages_distributions()
    for module, extra in cli.EXTRAS.items():
        listed = {canonicalize_name(Requirement(line).name) for line in extras[extra]}
        assert listed & {canonicalize_name(name) for name in distributions[module]}, module


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (InputError("seed is x; give a number"), "seed is x; give a number"),
        (PermissionError(13, "Permission denied", "runs/a"), "runs/a: Permission denied"),
        (InputError("no \x1b[2J\n"), r"no \\x1b\[2J\\n"),
        (PermissionError(13, "Permission denied", "\x1b[2J\n"), r"\\x1b\[2J\\n"),
        (OSError(errno.ENOSPC, "No space left on device"), "make room"),
        (OSError(errno.ENOSPC, "No space left on device", "a/b"), "make room"),
        (MemoryError(), "out of memory"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory: you tried"), "out of memory"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "out of memory"),
        (RuntimeError("unable to mmap 9 bytes: Cannot allocate memory (12)"), "out of memory"),
        (RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB"), "out of memory"),
    ],
)
def test_a_full_disk_or_memory_and_what_the_user_gave_are_one_line(error, line):
    """No control sequence of a name reaches the terminal."""
    shown = ended_by(error)
    assert shown.isprintable() and re.search(line, shown)


def test_ctrl_c_ends_with_its_status(capsys):
    assert ended_by(KeyboardInterrupt()) == 130 and capsys.readouterr().err == "interrupted\n"


def test_scripts_write_completions_for_the_shell(tmp_path):
    script = ROOT / "experiments" / "train.py"
    assert os.access(script, os.X_OK), "a shell completes what is called by its path"
    assert call("train", "--tyro-write-completion", "bash", tmp_path / "train.sh").returncode == 0
    ask = """
        source train.sh
        completer=$(complete -p train.py | sed 's/.*-F \\([^ ]*\\) .*/\\1/')
        COMP_WORDS=(experiments/train.py "$@"); COMP_CWORD=$#
        $completer experiments/train.py "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"
        echo "${COMPREPLY[@]}"
    """
    for words, completions in (
        (("auth",), "authors"),
        (("paper", "--lambda"), "--lambda-categorical --lambda-continuous"),
    ):
        shell = subprocess.run(
            ["bash", "-c", ask, "bash", *words], cwd=tmp_path, capture_output=True, text=True, timeout=60
        )
        assert shell.stdout.strip() == completions, shell.stderr


FAULTS = [RuntimeError("a fault"), BrokenPipeError("of a worker"), OSError(5, "Input/output error"), ValueError("ours")]


@pytest.mark.parametrize("error", FAULTS, ids=repr)
def test_other_errors_of_ours_keep_their_traceback(error):
    """A pipe among them that broke while stdout has its reader: a database's, or a worker's."""
    with pytest.raises(type(error)), cli.one_line_errors():
        raise error


def test_a_terminal_that_knows_no_letters_beyond_ascii_gets_question_marks(tmp_path, monkeypatch):
    records.write_json(tmp_path / "élan" / "config.json", {"config": {}})
    records.write_json(tmp_path / "élan" / "status.json", {"status": "failed"})
    out = io.TextIOWrapper(io.BytesIO(), "ascii", write_through=True)
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "argv", ["infogan", "list", str(tmp_path)])
    cli.main()
    assert "?lan" in out.buffer.getvalue().decode("ascii")


@pytest.mark.parametrize(
    "main", ["lambda: sys.exit(print('a little'))", "lambda: print('more than a pipe holds' * 10**5)"]
)
def test_a_reader_that_has_gone_is_no_traceback(main):
    code = f"import sys; from infogan import cli; sys.stdin.read()\nwith cli.one_line_errors(): ({main})()"
    command = f'{sys.executable} -c "{code}" < <(sleep 0.2) | true'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("words", "closed"),
    [
        ("--version", ">&-"),
        ("list --help", "<&- >&- 2>&-"),
        ("list", ">&-"),
        ("list", "2>&-"),
        ("list", "<&- >&- 2>&-"),
    ],
)
def test_a_stream_that_is_closed_is_no_traceback(words, closed, tmp_path):
    """Nor does a file that the command opens get what is written to it: with `list` an error."""
    command = f"{sys.executable} -m infogan {words} {closed}"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == (words == "list") and len(done.stderr.splitlines()) <= (words == "list")
    assert "Traceback" not in done.stdout + done.stderr and not list(tmp_path.iterdir())
