"""The report as one HTML page."""

from pathlib import Path

import jinja2
import markupsafe

from infogan import records
from infogan.reports.report.sections import Report

BOUND = markupsafe.Markup("L<sub>I</sub>")
TEMPLATE = Path(__file__).with_name("page.html")


def as_html(report: Report) -> str:
    """The page; text is escaped, and pictures are in the page itself."""
    environment = jinja2.Environment(autoescape=True, trim_blocks=True)
    environment.filters["bound"] = lambda text: markupsafe.escape(text).replace("L_I", BOUND)
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    source = records.provenance()
    return template.render(report=report, source=source, number="{:.4g}".format)
