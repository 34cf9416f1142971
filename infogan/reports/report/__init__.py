"""A report of a study or of one run: as text, as tables and pictures, and as one HTML page that needs no other files.

Of a study also as a W&B report, with --online. It is made from the study's storage; samples are shown of runs whose
directories are on this machine.

Examples:
  python analysis/report.py studies/digits                       # writes studies/digits/report/, with report.html in it
  python analysis/report.py runs/mnist-authors-seed0             # writes runs/mnist-authors-seed0/report.html
  python analysis/report.py studies/mnist --online --entity me   # also creates the W&B report, and prints its address
"""

from dataclasses import dataclass
from pathlib import Path

import optuna
import tyro

from infogan import records
from infogan.reports import common
from infogan.reports.page import Report, as_html
from infogan.reports.report.run import run_report
from infogan.reports.report.wandb_report import build
from infogan.reports.study.findings import Findings, find
from infogan.study.table import open_study, searched
from infogan.utils.errors import InputError, printable
from infogan.utils.options import Unset


@dataclass(frozen=True)
class Options:
    """The command line."""

    folder: tyro.conf.Positional[Path]
    """The study's folder, studies/NAME, or a run directory."""
    out: Unset[Path] = None
    """The HTML file; a study's tables and pictures go beside it. Default: FOLDER/report/report.html of a study,
    RUN/report.html of a run."""
    storage: Unset[str] = None
    """Optuna storage URL. Default: sqlite:///FOLDER/study.db."""
    study: Unset[str] = None
    """Name of the study. Default: the folder's name."""
    online: bool = False
    """Also create the report on W&B (needs a key)."""
    project: str = "infogan"
    """W&B project of the study's runs."""
    entity: Unset[str] = None
    """W&B user or team. Default: yours."""

    def open(self) -> optuna.Study:
        """Raises InputError where there is no such study with trials."""
        if self.storage is None and not (self.folder / "study.db").exists():
            raise InputError(f"there is no {self.folder}/study.db: give a study's folder, such as studies/digits")
        name = self.study or (self.folder.resolve().name if self.storage else None)
        study = open_study(self.storage or self.folder, name)
        if not study.get_trials(deepcopy=False):
            raise InputError(f"study {study.study_name!r} has no trials yet: there is nothing to report")
        return study


def main() -> None:
    """Print a study's report and write it; of a run write the page. With --online also create the W&B report."""
    options = tyro.cli(Options, description=__doc__)
    if (options.folder / "config.json").exists():
        if options.online:
            raise InputError(f"{options.folder} is one run: --online makes the W&B report of a study")
        write_page(run_report(options.folder), options.out or options.folder / "report.html")
        return
    findings, out = find(options.open()), options.out or options.folder / "report" / "report.html"
    findings.write(out.parent)
    print_sections(findings)
    write_page(findings.report(), out)
    if options.online:
        create_online(findings, options)


def print_sections(findings: Findings) -> None:
    """As text, the winner last, where a terminal shows it."""
    for section in reversed(findings.sections):
        if section.text or section.table is not None:
            print(f"{section.title}\n{section.text}".rstrip())
        if section.table is not None:
            print(common.as_text(section.table, missing="-"))
        print()


def write_page(report: Report, out: Path) -> None:
    """Write a report as HTML, and say where."""
    page = as_html(report)
    records.write_atomic(out, page)
    size = len(page) / 1e6
    print(f"wrote {printable(out)} ({size:.1f} MB): open it in a browser, or send it; it needs no other files")


def create_online(findings: Findings, options: Options) -> None:
    """Create the W&B report and print its address. Raises InputError where W&B does not take it."""
    study = findings.study
    online = build(study.study_name, findings.report().text, searched(study), options.project, options.entity)
    try:
        online.save()
    except Exception as error:  # no key, no network, no such project: the local report is written in any case
        raise InputError(
            f"the W&B report could not be created ({str(error).splitlines()[0]}): log in with `wandb login` and "
            "check --entity and --project"
        ) from error
    print(f"created {online.url}")
