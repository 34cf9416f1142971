"""A report as one HTML page that needs no other files: of a study, or of one run.

Of a study also as a W&B report, with --online.

Examples:
  python analysis/report.py studies/digits                       # writes studies/digits/report/report.html
  python analysis/report.py runs/mnist-authors-seed0             # writes runs/mnist-authors-seed0/report.html
  python analysis/report.py studies/mnist --online --entity me   # also creates the W&B report, and prints its address
"""

from dataclasses import dataclass
from pathlib import Path

import tyro

from infogan import records
from infogan.reports import study
from infogan.reports.page import as_html
from infogan.reports.report.run import run_report
from infogan.reports.report.wandb_report import build
from infogan.reports.study.findings import find
from infogan.study.table import searched
from infogan.utils.errors import InputError, printable
from infogan.utils.options import Unset


@dataclass(frozen=True)
class Options(study.Options):
    """The command line."""

    folder: tyro.conf.Positional[Path]
    """The study's folder, studies/NAME, or a run directory."""

    out: Unset[Path] = None
    """The HTML file. Default: FOLDER/report/report.html of a study, RUN/report.html of a run."""
    online: bool = False
    """Also create the report on W&B (needs a key)."""
    project: str = "infogan"
    """W&B project of the study's runs."""
    entity: Unset[str] = None
    """W&B user or team. Default: yours."""


def main() -> None:
    """Write the page; with --online also create the W&B report."""
    options = tyro.cli(Options, description=__doc__)
    is_run = (options.folder / "config.json").exists()
    if is_run and options.online:
        raise InputError(f"{options.folder} is one run: --online makes the W&B report of a study")
    found = None if is_run else options.open()
    report = run_report(options.folder) if found is None else find(found).report()
    page = as_html(report)
    out = options.out or options.folder / ("report.html" if found is None else "report/report.html")
    records.write_atomic(out, page)
    size = len(page) / 1e6
    print(f"wrote {printable(out)} ({size:.1f} MB): open it in a browser, or send it; it needs no other files")
    if options.online and found is not None:
        online = build(found.study_name, report.text, searched(found), options.project, options.entity)
        try:
            online.save()
        except Exception as error:  # no key, no network, no such project: the local report is written in any case
            raise InputError(
                f"the W&B report could not be created ({str(error).splitlines()[0]}): log in with `wandb login` and "
                "check --entity and --project"
            ) from error
        print(f"created {online.url}")
