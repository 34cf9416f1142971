"""The report as one HTML page."""

from pathlib import Path

import jinja2

from infogan import records
from infogan.reports.report.sections import Report

TEMPLATE = Path(__file__).with_name("page.html")


def as_html(report: Report) -> str:
    """The page; text is escaped, and pictures are in the page itself."""
    template = jinja2.Environment(autoescape=True, trim_blocks=True).from_string(TEMPLATE.read_text())
    source = records.provenance()
    return template.render(report=report, source=source, number="{:.4g}".format)
