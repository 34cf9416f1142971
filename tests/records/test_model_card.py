"""The model card of a model whose names come from elsewhere."""

import shutil

from conftest import ROOT

import infogan
from infogan import records
from infogan.inference.model_card import write_card

MODEL = ROOT / "analysis" / "results" / "models" / "digits"
MARKUP = [
    "<script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "![x](http://x/y.png)",
    "a|b",
    "`x`",
    "*_x_*",
    "\x1b[2J",
]


def test_no_name_on_a_card_is_markup(tmp_path):
    """Rendered as Markdown, a card of hostile names has the elements of one of plain names."""
    rendered = [render(tmp_path / str(i), names) for i, names in enumerate((["x"] * len(MARKUP), MARKUP))]
    for tag in ("<a ", "<script", "<img", "<em", "<strong", "<code", "<h1", "<li", "<table"):
        assert rendered[0].count(tag) == rendered[1].count(tag), tag
    assert "\x1b" not in rendered[1]


def render(folder, names: list[str]) -> str:
    """The card, as HTML, of a model with these names of classes, and in the fields that are text."""
    import mistune

    shutil.copytree(MODEL, folder)
    evaluation = records.read_json(folder / "evaluation.json")
    records.write_json(folder / "evaluation.json", evaluation | {"classes": [*names, *"789"]})
    stored = records.read_json(folder / "config.json")
    text = " ".join(name for name in names if name.isprintable())  # a configuration has no control characters
    stored["config"] |= {"dataset": text.replace("/", ""), "preset": text}
    stored["provenance"] |= {"commit": text, "versions": {"torch": text}}
    records.write_json(folder / "config.json", stored)
    write_card(infogan.load(folder), folder / "card", {}, half=False)
    return str(mistune.create_markdown(escape=False, plugins=["table"])((folder / "card" / "README.md").read_text()))
