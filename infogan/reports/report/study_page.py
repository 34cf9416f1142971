"""The report of a study as a page: its findings, the winner first."""

from pathlib import Path

import optuna

from infogan.reports.report.sections import Card, Report, Section, drawn, read_picture
from infogan.reports.study.findings import Finding, Findings, find
from infogan.study.table import measures


def study_report(study: optuna.Study, folder: Path) -> Report:
    """folder: the study's. Raises InputError where no trial was measured."""
    findings = find(study, folder)
    sections = [_section(one) for one in findings.sections]
    return Report(f"InfoGAN study {study.study_name}", findings.subtitle, _cards(findings), sections)


def _section(finding: Finding) -> Section:
    pictures = [drawn(figure, caption, whole=name == "slices") for name, (figure, caption) in finding.figures.items()]
    pictures += [read_picture(path, caption, pixels=True) for path, caption in finding.pictures]
    return Section(finding.title, finding.text, pictures, finding.table)


def _cards(findings: Findings) -> list[Card]:
    cards, winner, measure = [], findings.winner, measures(findings.study)[0]
    if winner and "test" in winner:
        test = winner["test"]
        detail = f"mean over {len(test['accuracies'])} fresh seeds"
        if test["ci95"]:
            detail += f", 95 % interval {test['ci95'][0]:.3f} to {test['ci95'][1]:.3f}"
        cards.append(Card("test accuracy of the winner", f"{test['accuracy_mean']:.3f}", detail))
    elif winner:
        detail = "one run, the best of all trials: not confirmed with fresh seeds"
        cards.append(Card(f"{measure.title} of the winner", f"{winner['value']:.3f}", detail))
    if winner:
        config = winner["config"]
        detail = f"preset {config['preset']}, batch {config['batch_size']}, trial {winner['trial']}"
        cards.append(Card("its codes", config["codes"], detail))
    settings = findings.study.user_attrs["settings"]
    return [*cards, Card("trials", str(len(findings.trials)), f"{settings['images']:,} images each")]
