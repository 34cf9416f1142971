"""The command `infogan`, and what all commands have in common. Imports a command when it is called."""

import contextlib
import difflib
import errno
import importlib
import io
import itertools
import os
import re
import select
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

from infogan.utils.errors import DISK_FULL, InputError, install, is_out_of_memory, printable

COMMANDS = {
    "train": ("cli.train", "train one InfoGAN from a preset, or resume it, and measure it"),
    "sweep": ("study.sweep", "search any settings with Optuna, or train a grid of them"),
    "list": ("cli.list_runs", "list the runs below a folder"),
    "generate": ("cli.generate", "generate images of a trained model, as a picture, files or arrays"),
    "recognise": ("cli.recognise", "categories and continuous codes of image files"),
    "measure": ("reports.measure", "a table of runs: code-to-label accuracy on test images"),
    "figures": ("reports.figures", "figures of the paper and of the blog post"),
    "claims": ("reports.claims", "which claims of the paper and of the blog replicate"),
    "reproduce": ("reports.reproduce", "train what a claim needs, and judge it by its rule"),
    "settings": ("reports.settings", "what each setting of a preset does to the accuracy"),
    "factors": ("reports.factors", "mutual information of codes with known factors"),
    "choose": ("reports.choose", "choose among seeds without labels"),
    "morphology": ("reports.morphology", "what continuous codes change in the shape of digits"),
    "report": ("reports.report", "the report of a sweep or of a run: text, tables, pictures, one HTML page"),
    "explore": ("reports.explore", "explore a trained model in the browser"),
    "export": ("reports.export", "export networks as safetensors and ONNX, with a model card"),
}
"""Name of each command: its module in this package, which has main(), and what it does."""

EXTRAS = {
    "filelock": "train",
    "joblib": "train",
    "matplotlib": "train",
    "PIL": "train",
    "scipy": "train",
    "seaborn": "train",
    "sklearn": "train",
    "torchvision": "train",
    "tqdm": "train",
    "tyro": "train",
    "optuna": "sweep",
    "sqlalchemy": "sweep",
    "tenacity": "sweep",
    "yaml": "sweep",
    "wandb": "wandb",
    "jinja2": "analysis",
    "markupsafe": "analysis",
    "pandas": "analysis",
    "skimage": "analysis",
    "statsmodels": "analysis",
    "onnx": "onnx",
    "onnxruntime": "onnx",
    "onnxscript": "onnx",
    "wandb_workspaces": "report",
    "ray": "ray",
}
"""Modules that come with an extra of the package only, and that extra."""


MAY_BE_EMPTY = ("--codes", "--noise", "--terms")
AGAIN = "and the same command continues"
OUT_OF_MEMORY = f"error: out of memory: end other processes, or give fewer --workers, {AGAIN}"


@contextlib.contextmanager
def one_line_errors() -> Iterator[None]:
    """Around a command: what the user can fix becomes one line on stderr and exit status 1.

    That is an InputError, a file that cannot be read or written, a package that is not installed, and a disk or memory
    that is full. A terminal that cannot show a letter shows a question mark in its place.
    """
    _open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    os.environ.pop("MPLBACKEND", None)  # no command opens a window, and one that is none would be an error
    try:
        sys.argv[1:] = [_read_argument(*pair) for pair in itertools.pairwise(sys.argv)]
        try:
            yield
        finally:
            sys.stdout.flush()  # here, where it is known what a pipe without a reader means
    except BrokenPipeError:
        if not _nobody_reads_stdout():  # a worker's pipe, or a database's
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # for what is flushed at exit
        sys.exit(1)  # without a word, as in `infogan list | head -1`
    except InputError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:  # in training it is a signal, which saves the run first
        print("interrupted", file=sys.stderr)
        sys.exit(130)
    except ModuleNotFoundError as error:
        module = (error.name or "").split(".")[0]
        if module not in EXTRAS:
            raise
        sys.exit(f"error: {Path(sys.argv[0]).name} needs {module}: {install(EXTRAS[module])}")
    except OSError as error:
        if error.errno in DISK_FULL:
            sys.exit(f"error: {error.strerror}: make room, {AGAIN}")
        if error.errno == errno.ENOMEM:
            sys.exit(OUT_OF_MEMORY)
        if error.filename is None:  # not about a file that the user named
            raise
        sys.exit(f"error: {printable(error.filename)}: {error.strerror}; give another path")
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        sys.exit(OUT_OF_MEMORY)


def _open_closed_streams() -> None:
    """What is written to a stream that was closed at start, as by `>&-`, goes nowhere: without this the next file that
    is opened would have its number, and get it."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            with contextlib.suppress(OSError):
                os.fstat(number)
                continue  # a program that embeds Python without streams, and uses this number
            handle = os.open(os.devnull, os.O_RDWR)  # the lowest number that is free, which is this one
            setattr(sys, name, os.fdopen(handle, "r" if number == 0 else "w", encoding="utf-8"))


def _nobody_reads_stdout() -> bool:
    """Whether stdout is a pipe whose reader has gone."""
    poll = select.poll()
    poll.register(1, 0)
    return any(event & select.POLLERR for _, event in poll.poll(0))


def _read_argument(before: str, argument: str) -> str:
    """An argument with the home folder in place of a ~ that the shell left, as in --run-dir=~/runs.

    Raises InputError for an empty one where no empty text can be meant; before: the argument before it.
    """
    name, equals, value = argument.partition("=")
    is_setting = bool(equals) and name.startswith("--")
    if not (value if is_setting else argument) and (name if is_setting else before) not in MAY_BE_EMPTY:
        raise InputError(f"{name or before} is given an empty value; is a variable of the shell not set? Leave it out")
    return f"{name}={os.path.expanduser(value)}" if is_setting else os.path.expanduser(argument)


def main() -> None:
    """The command `infogan`: `infogan COMMAND ...` calls the command's main()."""
    with one_line_errors():
        _main()


def _main() -> None:
    name = sys.argv[1] if sys.argv[1:] else "--help"
    if name == "--version":
        print(f"infogan {version('infogan')}")
        return
    if name in ("-h", "--help"):
        print(usage())
        return
    if name not in COMMANDS:
        close = difflib.get_close_matches(name, COMMANDS, 1)
        hint = f". Did you mean {close[0]}?" if close else ""
        raise InputError(f"there is no command {name!r}; allowed: {', '.join(COMMANDS)}{hint}")
    sys.argv = [f"infogan {name}", *sys.argv[2:]]
    module = importlib.import_module(f"infogan.{COMMANDS[name][0]}")
    of_scripts = module.__doc__
    module.__doc__ = help_of(module)
    try:
        module.main()
    finally:
        module.__doc__ = of_scripts


def help_of(module: ModuleType) -> str:
    """What a command's --help begins with. Examples of use name the scripts of experiments/ and analysis/, which call
    the same main(); here they name the command."""
    return re.sub(r"python (?:experiments|analysis)/(\w+)\.py", r"infogan \1", module.__doc__ or "")


def usage() -> str:
    """The text of `infogan --help`."""
    commands = "\n".join(f"  {name:12s}{text}" for name, (_, text) in COMMANDS.items())
    return f"usage: infogan COMMAND ...\n\nInfoGAN in PyTorch.\n\n{commands}\n\n`infogan COMMAND --help` says more."


if __name__ == "__main__":
    main()
