"""MkDocs hooks: formulas as MathML, files outside docs/, the explorer's page, and tables of the commands' options.

Nothing here needs a network, when the site is built or when it is read.
"""

import argparse
import base64
import csv
import functools
import html
import importlib
import inspect
import json
import re
import textwrap
import warnings
from pathlib import Path

import latex2mathml.converter
import tyro
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from infogan import cli, data, load
from infogan.config.presets import PRESETS, begin
from infogan.reports import explore

ROOT = Path(__file__).parents[1]
FORMULA = re.compile(r"^\$\$(.+?)\$\$$", re.MULTILINE | re.DOTALL)
OUTSIDE = re.compile(r"\]\(((?:\.\./)+(?!\.\./)[^)#\s]+)\)")
"""A link to a file that is not below docs/."""
CODE_OR_BOUND = re.compile(r"```.*?```|`[^`]*`|<math.*?</math>|(?P<bound>\bL_I\b)", re.DOTALL)

KINDS = {
    "PATH": ("a path", "paths"),
    "STR": ("a text", "texts"),
    "INT": ("a whole number", "whole numbers"),
    "FLOAT": ("a number", "numbers"),
}
"""One and several values of each kind that a parser names."""
SHOWN = {"None": "", "repeatable": "", "''": "", "required": "required", "True": "on", "False": "off"}
"""Defaults of a parser that the table shows otherwise than as code."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the committed pictures that pages show, under results/ of the site, and the explorer of the shipped model."""
    for page in list(files.documentation_pages()):
        folder = (Path(config.docs_dir) / page.src_uri).parent
        for target in OUTSIDE.findall(page.content_string):
            name = str((folder / target).resolve().relative_to(ROOT))
            if (ROOT / name).is_file() and files.get_file_from_path(name) is None:
                files.append(File(name, str(ROOT), config.site_dir, config.use_directory_urls))
    files.append(File.generated(config, "play/mnist.html", content=explorer()))
    files.append(File.generated(config, "play/seeds.html", content=seeds()))
    return files


@functools.cache
def explorer() -> str:
    """The page of the MNIST model, with its weights; made once, as `mkdocs serve` builds the site again and again."""
    return explore.page(load(ROOT / "analysis" / "results" / "models" / "mnist-iic"))


def seeds() -> str:
    """The page of what each seed calls a test digit: docs/seeds.html with the committed predictions and the images."""
    with (ROOT / "analysis" / "results" / "seed-predictions" / "predictions.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    first = [row for row in rows if row["seed"] == rows[0]["seed"]]
    images = data.load("digits").test.images[[int(row["image"]) for row in first]]
    by_seed = [
        {
            "seed": int(seed),
            "called": [int(row["called"]) for row in rows if row["seed"] == seed],
            "probability": [float(row["probability"]) for row in rows if row["seed"] == seed],
        }
        for seed in dict.fromkeys(row["seed"] for row in rows)
    ]
    shown = {"size": images.shape[-1], "images": base64.b64encode(images.numpy().tobytes()).decode()}
    shown |= {"labels": [int(row["label"]) for row in first], "seeds": by_seed}
    template = (ROOT / "docs" / "seeds.html").read_text(encoding="utf-8")
    return template.replace("/*DATA*/null", json.dumps(shown))


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The page as MkDocs is to render it."""
    if "<!-- commands -->" in markdown:
        markdown = markdown.replace("<!-- commands -->", commands())
    markdown = FORMULA.sub(lambda match: latex2mathml.converter.convert(match[1], display="block"), markdown)
    markdown = CODE_OR_BOUND.sub(lambda match: "L<sub>I</sub>" if match["bound"] else match[0], markdown)
    depth = page.file.src_uri.count("/")
    if page.file.src_uri.startswith("analysis/"):  # a result folder's README.md, which is no page of docs/
        return markdown.replace(f"]({'../' * depth}docs/", f"]({'../' * depth}")
    return OUTSIDE.sub(lambda match: f"]({'../' * depth}{match[1][3 * (depth + 1) :]})", markdown)


def commands() -> str:
    """A section for each command of `infogan`: what it does, examples, and a table of its options."""
    parts = ["```text", cli.usage(), "```"]
    for name, (path, _) in cli.COMMANDS.items():
        module = importlib.import_module(f"infogan.{path}")
        about, *examples = re.split(r"^Examples?:\n", cli.help_of(module), flags=re.MULTILINE)
        parts += ["", f"## infogan {name}", "", about.strip()]
        parts += [f"\n```sh\n{textwrap.dedent(text).strip()}\n```" for text in examples]
        if name == "train":
            of_all = "`infogan train PRESET`: the presets are {}. The table has the defaults of `authors`."
            parts += ["", of_all.format(", ".join(f"`{preset}`" for preset in PRESETS))]
            parts += ["", options(module.Options, module.Options(begin("authors")))]
        elif name == "figures":
            for figure, drawing in module.FIGURES.items():
                parts += ["", f"### infogan figures {figure}", "", inspect.getdoc(drawing) or ""]
                parts += ["", options(drawing)]
        else:
            parts += ["", options(module.Options)]
    return "\n".join(parts)


def options(command_line: type, default: object | None = None) -> str:
    """The table of a command line's options, from its parser."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # tyro offers no other view of its parser
        parser = tyro.extras.get_parser(command_line, **({} if default is None else {"default": default}))
    rows = ["| option | default | meaning | allowed |", "|---|---|---|---|"]
    for action in parser._actions:
        if action.dest != "help":
            cells = (cell.replace("|", "\\|").replace("\n", " ") for cell in option(action))
            rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def option(action: argparse.Action) -> tuple[str, str, str, str]:
    """Name, default, meaning and allowed values of an option, as Markdown."""
    meaning, _, hint = (action.help or "").rpartition(" (")
    default = hint.removesuffix(")").removeprefix("default: ")
    if stated := re.search(r" ?Default: (.*?)\.?$", meaning, re.DOTALL):  # the docstring says it better
        meaning, default = meaning[: stated.start()], stated[1]
    elif default:
        default = SHOWN.get(default, f"`{default}`")
    name = ", ".join(f"`{text}`" for text in action.option_strings) or f"`{action.dest.upper()}`"
    return name, default, html.escape(meaning, quote=False), allowed(action.metavar)


def allowed(metavar: str | None) -> str:
    """What an option takes, from the placeholder that its parser shows: PATH, {a,b}, {None}|INT, [PATH [PATH ...]]."""
    if metavar is None:
        return "a flag"
    repeated, metavar = "..." in metavar, metavar.removeprefix("{None}|")
    if choices := re.search(r"\{(.*?)\}", metavar):
        return ", ".join(f"`{choice}`" for choice in choices[1].split(",") if choice != "None")
    one, several = KINDS[re.search(r"[A-Z]+", metavar)[0]]
    return several if repeated else one
