"""MkDocs hooks: formulas as MathML, files outside docs/, the explorer's page, and the help texts of the commands.

Nothing here needs a network, when the site is built or when it is read.
"""

import contextlib
import functools
import importlib
import io
import os
import re
import sys
from pathlib import Path

import latex2mathml.converter
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from infogan import cli, load
from infogan.reports import explore

ROOT = Path(__file__).parents[1]
FORMULA = re.compile(r"^\$\$(.+?)\$\$$", re.MULTILINE | re.DOTALL)
OUTSIDE = re.compile(r"\]\(((?:\.\./)+(?!\.\./)[^)#\s]+)\)")
"""A link to a file that is not below docs/."""
CODE_OR_BOUND = re.compile(r"```.*?```|`[^`]*`|<math.*?</math>|(?P<bound>\bL_I\b)", re.DOTALL)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the committed pictures that pages show, under results/ of the site, and the explorer of the shipped model."""
    for page in list(files.documentation_pages()):
        folder = (Path(config.docs_dir) / page.src_uri).parent
        for target in OUTSIDE.findall(page.content_string):
            name = str((folder / target).resolve().relative_to(ROOT))
            if (ROOT / name).is_file() and files.get_file_from_path(name) is None:
                files.append(File(name, str(ROOT), config.site_dir, config.use_directory_urls))
    files.append(File.generated(config, "play/mnist.html", content=explorer()))
    return files


@functools.cache
def explorer() -> str:
    """The page of the MNIST model, with its weights; made once, as `mkdocs serve` builds the site again and again."""
    return explore.page(load(ROOT / "analysis" / "results" / "models" / "mnist-iic"))


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The page as MkDocs is to render it."""
    markdown = FORMULA.sub(lambda match: latex2mathml.converter.convert(match[1], display="block"), markdown)
    markdown = CODE_OR_BOUND.sub(lambda match: "L<sub>I</sub>" if match["bound"] else match[0], markdown)
    depth = page.file.src_uri.count("/")
    markdown = OUTSIDE.sub(lambda match: f"]({'../' * depth}{match[1][3 * (depth + 1) :]})", markdown)
    return markdown.replace("<!-- commands -->", commands()) if "<!-- commands -->" in markdown else markdown


def commands() -> str:
    """A section for each command of `infogan`, with its help text."""
    parts = ["```text", cli.usage(), "```"]
    for name, (module, _) in cli.COMMANDS.items():
        imported = importlib.import_module(f"infogan.{module}")
        variants = {"train": ["authors"], "figures": ["", *getattr(imported, "FIGURES", {})]}.get(name, [""])
        texts = [help_text([name, *variant.split()]) for variant in variants]
        parts += ["", f"## infogan {name}", *(f"\n```text\n{text}\n```" for text in texts)]
    return "\n".join(parts)


def help_text(arguments: list[str]) -> str:
    """What `infogan ... --help` prints."""
    out, argv, columns = io.StringIO(), sys.argv, os.environ.get("COLUMNS")
    sys.argv, os.environ["COLUMNS"] = ["infogan", *arguments, "--help"], "110"
    try:
        with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
            cli._main()
    finally:
        sys.argv = argv
        os.environ.pop("COLUMNS")
        if columns is not None:
            os.environ["COLUMNS"] = columns
    return re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue()).strip()
