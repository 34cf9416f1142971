"""What a study found: the winner, which setting matters, all trials, and pictures, from the study's storage alone.

Example:
  python analysis/study.py studies/digits
"""

from dataclasses import dataclass
from pathlib import Path

import optuna
import tyro

from infogan.reports import common
from infogan.reports.study.findings import find
from infogan.study.table import open_study
from infogan.utils.errors import InputError, printable, shell
from infogan.utils.options import Unset


@dataclass(frozen=True)
class Options:
    """The command line."""

    folder: tyro.conf.Positional[Path]
    """The study's folder, studies/NAME; the report goes to its folder report/."""
    storage: Unset[str] = None
    """Optuna storage URL. Default: sqlite:///FOLDER/study.db."""
    study: Unset[str] = None
    """Name of the study. Default: the folder's name."""

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
    """Print what was found, and write tables, numbers and pictures to the study's folder report/."""
    options = tyro.cli(Options, description=__doc__)
    findings, folder = find(options.open()), options.folder / "report"
    findings.write(folder)
    for section in reversed(findings.sections):  # the winner last, where a terminal shows it
        if section.text or section.table is not None:
            print(f"{section.title}\n{section.text}".rstrip())
        if section.table is not None:
            print(common.as_text(section.table, missing="-"))
        print()
    print(f"tables, numbers and pictures: {printable(folder)}/")
    print(f"next: {shell('infogan', 'report', options.folder)}    # all of it as one HTML page")
