"""The command `infogan`: what it says without a command, of a wrong one, and of a package that is not installed."""

import errno
import importlib
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions

import pytest
from conftest import ROOT, call, fit
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from infogan import cli, presets
from infogan.errors import InputError

ENTRY = "import sys; from infogan import cli; sys.argv[0] = 'infogan'; "


def infogan(monkeypatch, capsys, *arguments) -> tuple[str, str, int]:
    """What the command prints to stdout and to stderr, and its exit status."""
    monkeypatch.setattr(sys, "argv", ["/usr/bin/infogan", *arguments])
    status: int | str | None = 0
    try:
        cli.main()
    except SystemExit as stop:
        status = stop.code
    printed = capsys.readouterr()
    if isinstance(status, str):  # Python prints it and ends with status 1
        return printed.out, f"{status}\n", 1
    return printed.out, printed.err, status or 0


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",)])
def test_help_lists_every_command(arguments, monkeypatch, capsys):
    out, err, status = infogan(monkeypatch, capsys, *arguments)
    assert (err, status) == ("", 0) and out.startswith("usage: infogan COMMAND")
    assert re.findall(r"^  (\w+) +\S", out, re.MULTILINE) == list(cli.COMMANDS)


def test_a_wrong_command_is_one_line_with_a_proposal(monkeypatch, capsys):
    out, err, status = infogan(monkeypatch, capsys, "meazure")
    assert (out, status) == ("", 1) and err.count("\n") == 1
    assert err.startswith("error: there is no command 'meazure'; allowed: train, sweep")
    assert err.endswith("Did you mean measure?\n")


def test_help_imports_nothing_heavy():
    code = ENTRY + "cli.main(); print(sorted({'torch', 'numpy', 'tyro', 'optuna'} & set(sys.modules)))"
    for arguments in ([], ["--help"]):
        done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and done.stdout.endswith("\n[]\n"), done.stderr
    wrong = [sys.executable, "-X", "importtime", "-m", "infogan.cli", "nonsense"]
    done = subprocess.run(wrong, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "there is no command 'nonsense'" in done.stderr
    assert "torch" not in done.stderr and "tyro" not in done.stderr


@pytest.mark.parametrize("name", ["train", "sweep", "reproduce", "list"])
def test_a_commands_help_names_the_command_and_needs_no_torch(name):
    code = f"{ENTRY}sys.argv[1:] = ['{name}', '--help']\ntry: cli.main()\nfinally: print('torch' in sys.modules)"
    environment = os.environ | {"COLUMNS": "200"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith(f"usage: infogan {name} ") and done.stdout.endswith("False\n"), done.stderr
    assert f"\n  infogan {name} " in done.stdout and f"experiments/{name}.py" not in done.stdout


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_has_a_module_with_main(name):
    assert callable(importlib.import_module(f"infogan.{cli.COMMANDS[name][0]}").main)


@pytest.mark.parametrize("name", ["train", "sweep", "reproduce", "list"])
def test_the_scripts_help_names_the_script(name, monkeypatch, capsys):
    """Also in a process where the command of the same name was asked before."""
    monkeypatch.setattr("sys.argv", ["infogan", name, "--help"])
    with pytest.raises(SystemExit):
        cli.main()
    assert f"python experiments/{name}.py" not in capsys.readouterr().out
    shown = call(name, "--help").stdout
    assert shown.startswith(f"usage: experiments/{name}.py ") and f"\n  python experiments/{name}.py" in shown


def test_a_package_that_is_not_installed_is_one_line(monkeypatch):
    def needs(module: str):
        def main():
            raise ModuleNotFoundError(f"No module named {module!r}", name=module)

        return main

    monkeypatch.setattr(sys, "argv", ["infogan sweep"])
    for module, extra in (("optuna.storages", "sweep"), ("wandb", "wandb"), ("pandas", "analysis"), ("PIL", "train")):
        with pytest.raises(SystemExit) as stop:
            with cli.one_line_errors():
                needs(module)()
        top = module.split(".")[0]
        assert stop.value.code == f"error: infogan sweep needs {top}: in the checkout, pip install -e '.[{extra}]'"
    with pytest.raises(ModuleNotFoundError):
        with cli.one_line_errors():
            needs("infogan.missing")()


def test_extras_are_those_of_the_package():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    distributions = packages_distributions()
    for module, extra in cli.EXTRAS.items():
        listed = {canonicalize_name(Requirement(line).name) for line in extras[extra]}
        assert listed & {canonicalize_name(name) for name in distributions[module]}, module


def test_only_errors_of_the_user_become_one_line(capsys):
    def fails(error: BaseException):
        def main():
            raise error

        return main

    with pytest.raises(SystemExit) as stop:
        with cli.one_line_errors():
            fails(InputError("seed is x; give a number"))()
    assert stop.value.code == "error: seed is x; give a number"
    with pytest.raises(SystemExit) as stop:
        with cli.one_line_errors():
            fails(PermissionError(13, "Permission denied", "runs/a"))()
    assert stop.value.code == "error: runs/a: Permission denied; give another path"
    with pytest.raises(SystemExit) as stop:
        with cli.one_line_errors():
            fails(KeyboardInterrupt())()
    assert stop.value.code == 130 and capsys.readouterr().err == "interrupted\n"
    for error in (OSError(5, "Input/output error"), ValueError("a fault of ours")):
        with pytest.raises(type(error)):
            with cli.one_line_errors():
                fails(error)()


@pytest.mark.parametrize("error", [InputError("no \x1b[2J\n"), PermissionError(13, "Permission denied", "\x1b[2J\n")])
def test_no_control_sequence_of_a_name_reaches_the_terminal(error):
    def main():
        raise error

    with pytest.raises(SystemExit) as stop:
        with cli.one_line_errors():
            main()
    assert "\\x1b[2J\\n" in stop.value.code and stop.value.code.isprintable()


def test_a_wrong_preset_is_one_line_with_a_proposal():
    done = call("train", "autors")
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "there is no preset 'autors'; allowed: authors, paper" in done.stderr and "authors?" in done.stderr


def test_former_names_of_presets_are_understood():
    assert presets.ALIASES == {"best": "iic"}
    assert call("train", "best", "--dry-run").stdout == call("train", "iic", "--dry-run").stdout


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


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device: make room, and the same command"),
        (OSError(errno.ENOSPC, "No space left on device", "a/b"), "make room, and the same command continues"),
        (MemoryError(), "out of memory: end other processes"),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes."),
            "memory",
        ),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "out of memory: end other processes"),
        (RuntimeError("unable to mmap 9 bytes: Cannot allocate memory (12)"), "out of memory"),
        (RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB"), "out of memory: end other processes"),
    ],
)
def test_a_full_disk_or_memory_is_one_line(error, line):
    def main():
        raise error

    with pytest.raises(SystemExit, match=line) as stop:
        with cli.one_line_errors():
            main()
    assert "\n" not in str(stop.value.code)


@pytest.mark.parametrize("error", [RuntimeError("a fault"), BrokenPipeError("of a worker")], ids=repr)
def test_other_errors_of_ours_keep_their_traceback(error):
    """A pipe among them that broke while stdout has its reader: a database's, or a worker's."""

    def main():
        raise error

    with pytest.raises(type(error), match=str(error)):
        with cli.one_line_errors():
            main()


def test_a_terminal_that_knows_no_letters_beyond_ascii_gets_question_marks(tmp_path, digits, script_environment):
    fit(tmp_path / "runs" / "élan", digits, updates=2)
    command = [sys.executable, str(ROOT / "experiments" / "list.py"), "runs"]
    environment = script_environment | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "runs/?lan" in done.stdout, done.stderr


@pytest.mark.parametrize(
    "main", ["lambda: sys.exit(print('a little'))", "lambda: print('more than a pipe holds' * 10**5)"]
)
def test_a_reader_that_has_gone_is_no_traceback(main):
    code = f"import sys; from infogan import cli; sys.stdin.read()\nwith cli.one_line_errors(): ({main})()"
    command = f'{sys.executable} -c "{code}" < <(sleep 0.2) | true'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
