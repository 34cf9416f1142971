"""What a report shows: cards first, then text, tables and pictures in order."""

import io
from dataclasses import dataclass, field
from pathlib import Path

import jinja2
import markupsafe
import pandas as pd
from matplotlib.figure import Figure

from infogan import records, style
from infogan.reports import common

BOUND = markupsafe.Markup("L<sub>I</sub>")
TEMPLATE = Path(__file__).with_name("page.html")


@dataclass(frozen=True)
class Card:
    """A number that is shown first."""

    label: str
    value: str
    detail: str = ""


@dataclass(frozen=True)
class Picture:
    """A picture of the page itself."""

    url: str
    """Its data URL."""
    caption: str
    pixels: bool = False
    """Of generated images, whose pixels are enlarged and not smoothed."""
    whole: bool = False
    """As wide as the page."""


@dataclass(frozen=True)
class Section:
    """A title, and below it text, pictures and a table."""

    title: str
    text: str = ""
    pictures: list[Picture] = field(default_factory=list)
    table: pd.DataFrame | None = None
    caption: str = ""
    """Of the table."""

    @property
    def markdown(self) -> str:
        """Its text and its table; empty where it has neither."""
        table = "" if self.table is None else f"```\n{common.as_text(self.table, missing='-')}\n```"
        content = "\n\n".join(part for part in (self.text, table) if part)
        return f"## {self.title}\n\n{content}" if content else ""

    @property
    def anchor(self) -> str:
        """Its address within the page."""
        return "-".join(word for word in "".join(c if c.isalnum() else " " for c in self.title.lower()).split())


@dataclass(frozen=True)
class Report:
    """A page: title, a sentence on what was run, cards and sections."""

    title: str
    subtitle: str
    cards: list[Card]
    sections: list[Section]

    @property
    def text(self) -> str:
        """What it says in words, for a report elsewhere."""
        cards = "\n".join(f"- {card.label}: {card.value} {card.detail}".rstrip() for card in self.cards)
        return "\n\n".join([self.subtitle, cards, *(section.markdown for section in self.sections if section.markdown)])


RUN_PICTURES = {
    "samples": ("Samples: rows are the categories 0, 1, 2, … of c1, a column has one noise vector z", True),
    "confusion": (
        "Validation images by predicted category (rows, in the order of their labels) and label",
        False,
    ),
}
"""The kinds of pictures of a run, their captions, and whether they show pixels."""


def run_pictures(directory: Path) -> list[Picture]:
    """The last of each of RUN_PICTURES in a run directory."""
    out = []
    for kind, (caption, pixels) in RUN_PICTURES.items():
        if files := sorted((directory / "samples").glob(f"{kind}-*.png")):
            step = int(files[-1].stem.rpartition("-")[2])
            out.append(read_picture(files[-1], f"{caption}; after {step:,} updates.", pixels))
    return out


def read_picture(path: Path, caption: str, pixels: bool = False) -> Picture:
    """A PNG file as a picture of the page."""
    return Picture(common.data_url(path.read_bytes()), caption, pixels)


def drawn(figure: Figure, caption: str, whole: bool = False) -> Picture:
    """A figure as a picture of the page."""
    file = io.BytesIO()
    style.save(figure, file, 120)
    return Picture(common.data_url(file.getvalue()), caption, whole=whole)


def as_html(report: Report) -> str:
    """The page; text is escaped, and pictures are in the page itself."""
    environment = jinja2.Environment(autoescape=True, trim_blocks=True)
    environment.filters["bound"] = lambda text: markupsafe.escape(text).replace("L_I", BOUND)
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(report=report, source=records.provenance(), number="{:.4g}".format)
