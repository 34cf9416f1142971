"""A report as one page: cards first, then sections of text, pictures and a table."""

import io
from dataclasses import dataclass, field
from pathlib import Path

import jinja2
import markupsafe
import pandas as pd
from matplotlib.figure import Figure

from infogan import records
from infogan.reports import common
from infogan.utils import style

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
    """A figure that was drawn, or a PNG file."""

    content: Figure | Path
    caption: str
    name: str = ""
    """Of the file that a drawn figure is written to."""
    pixels: bool = False
    """Of generated images, whose pixels are enlarged and not smoothed."""
    whole: bool = False
    """As wide as the page."""

    @property
    def url(self) -> str:
        """The picture as a data URL."""
        if isinstance(self.content, Path):
            return common.data_url(self.content.read_bytes())
        file = io.BytesIO()
        style.save(self.content, file, 120)
        return common.data_url(file.getvalue())


@dataclass(frozen=True)
class Section:
    """A title, and below it text, pictures and a table."""

    title: str
    text: str = ""
    pictures: list[Picture] = field(default_factory=list)
    table: pd.DataFrame | None = None
    caption: str = ""
    """Of the table."""
    name: str = ""
    """Of the file that the table is written to."""

    @property
    def markdown(self) -> str:
        """Its text and its table; empty where it has neither."""
        table = "" if self.table is None else f"```\n{common.as_text(self.table, missing='-')}\n```"
        content = "\n\n".join(part for part in (self.text, table) if part)
        return f"## {self.title}\n\n{content}" if content else ""

    @property
    def anchor(self) -> str:
        """Its address within the page."""
        return "-".join("".join(c if c.isalnum() else " " for c in self.title.lower()).split())


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


def as_html(report: Report) -> str:
    """The page; text is escaped, and pictures are in the page itself."""
    environment = jinja2.Environment(autoescape=True, trim_blocks=True)
    environment.filters["bound"] = lambda text: markupsafe.escape(text).replace("L_I", BOUND)
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(report=report, source=records.provenance(), number="{:.4g}".format)
