"""A study's report: one self-contained HTML file from local files, and the same as a W&B report with --online.

Examples:
  python analysis/report.py studies/digits                       # writes studies/digits/report/report.html
  python analysis/report.py studies/mnist --online --entity me   # also creates the W&B report, and prints its address
"""

from dataclasses import dataclass
from pathlib import Path

import tyro

from infogan import records
from infogan.errors import InputError
from infogan.reports.report.page import as_html
from infogan.reports.report.sections import sections
from infogan.reports.report.wandb_report import create
from infogan.reports.study import trials


@dataclass(frozen=True)
class Options(trials.Options):
    """The command line."""

    out: Path | None = None
    """The HTML file. Default: FOLDER/report/report.html."""
    scorecard: Path | None = None
    """A Markdown file whose text is shown first."""
    online: bool = False
    """Also create the report on W&B (needs a key)."""
    project: str = "infogan"
    """W&B project of the study's runs."""
    entity: str | None = None
    """W&B user or team. Default: yours."""


def main() -> None:
    """Write the page; with --online also create the W&B report."""
    options = tyro.cli(Options, description=__doc__)
    study = trials.open_study(options)
    shown = sections(study, options.folder, options.scorecard)
    page = as_html(f"InfoGAN study {study.study_name}", shown)
    out = options.out or options.folder / "report" / "report.html"
    records.write_atomic(out, page)
    print(f"wrote {out} ({len(page) / 1e6:.1f} MB): open it in a browser, or send it; it needs no other files")
    if options.online:
        text = "\n\n".join(section.text for section in shown if section.text)
        try:
            url = create(study.study_name, text, options.project, options.entity)
        except Exception as error:  # no key, no network, no such project: the local report is written in any case
            raise InputError(
                f"the W&B report could not be created ({str(error).splitlines()[0]}): log in with `wandb login` and "
                "check --entity and --project"
            ) from error
        print(f"created {url}")
