"""The scorecard's tables: the committed numbers, and the rules as the code has them."""

import re
from pathlib import Path

from infogan.reports.claims.rules import CLAIMS
from infogan.reports.runs import config_of, entropy_of, metrics_of, read_curves, smoothed_bound
from table_sources.common import RESULTS, csv, markdown, over, table
from table_sources.mnist import FOLDERS, runs_of

PAPER = "https://arxiv.org/pdf/1606.03657"
NOTEBOOK = "https://github.com/yjang43/InfoGAN/blob/00c97767040de9b3e71a32ede4088910d89be1c6/main.ipynb"
"""Where a claim stands: the table names the section or the figure."""


@table
def scorecard() -> str:
    """The committed scorecard; a claim is named in the first of its rows."""
    lines = (RESULTS / "scorecard.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")][1:]
    for row, above in reversed(list(zip(rows[1:], rows, strict=False))):
        if row[:2] == above[:2]:
            row[:2] = "", ""
    others = dict.fromkeys((Path(name).stem for name in csv("other-datasets/runs.csv").dataset), "other-datasets")
    folders = {"batch": "benchmark"} | FOLDERS | others
    for row in rows:
        source = NOTEBOOK if row[0].startswith("B") else PAPER if row[0].startswith("C") else ""
        row[0] = f"[{row[0]}]({source})" if source else row[0]
        name = re.match("[^ ,]+", row[2])[0]  # the preset's on MNIST, else the data's
        folder = f"../analysis/results/{folders[name]}"
        row[2] = f"[{name}]({folder}/README.md){row[2][len(name) :]}"
        if name != "batch":
            row[4] = f"[{row[4]}]({folder}/runs.csv)"
    return markdown("claim | what it says | run | measured | holds in | result", rows)


@table
def rules() -> str:
    """Each claim's rule, as the code has it."""
    found = {("C9 to C12" if claim.figure else claim.claim, claim.rule): None for claim in CLAIMS}
    return markdown("claims | rule", found)


@table
def c1_sensitivity() -> str:
    """C1 with other choices than the rule's: from which share of H(c) on, over how many updates L_I is averaged, and
    within how many updates."""
    rows = []
    for preset in ("authors", "paper"):
        runs, curves = runs_of(preset), read_curves([RESULTS / FOLDERS[preset]])
        for share, updates in ((0.99, 50), (0.99, 10), (0.95, 50)):
            first = []
            for _, run in runs.iterrows():
                metrics = metrics_of(curves, run.run)
                bound = smoothed_bound(metrics, updates) / entropy_of(config_of(run))
                first.append(float(metrics.step[bound >= share].min()))
            within = [f"{sum(update <= most for update in first)} of {len(first)}" for most in (1000, 1500)]
            rows.append([f"`{preset}`", f"{100 * share:.0f} %", updates, over(first, 0), *within])
    return markdown(
        "preset | share of H(c) | L_I averaged over updates | reached at update | within 1,000 | within 1,500", rows
    )
