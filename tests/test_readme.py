"""What the README says can be done, done."""

import os
import re
import subprocess
import sys

import pytest
from conftest import ROOT

README = (ROOT / "README.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", README[README.index("## Extending it") :], re.DOTALL)


def run(code: str, folder) -> str:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_dataset_of_ones_own(tmp_path):
    assert 0 < float(run(EXAMPLES[0], tmp_path)) <= 1 and (tmp_path / "runs" / "negatives" / "evaluation.json").exists()


def test_a_prior_of_ones_own(tmp_path):
    check = """
import math
assert latent.entropy[1] == 1.0
drawn = PRIORS["t"].sample((100_000,), torch.Generator().manual_seed(0))
density = torch.histc(drawn, 50, -1, 1) / len(drawn) / 0.04
estimate = -(density * 0.04 * density.clamp_min(1e-9).log()).sum().item()
assert abs(estimate - 0.5) < 0.01, estimate
"""
    assert "torch.Size([3, 74])" in run(EXAMPLES[1] + check, tmp_path)


def test_a_term_of_ones_own(tmp_path):
    """Above 90 % of H(c) the bound of the categorical codes no longer moves anything."""
    check = """
import dataclasses, torch
from infogan.config import Config
config = Config(dataset="digits", codes="10c", batch_size=8, device="cpu", precision="float32")
model = training.InfoGAN(config, (1, 8, 8))
for share, moves in ((0.5, True), (0.95, False)):
    bound = torch.tensor(share * model.latent.entropy[0], requires_grad=True)
    model.weighted_bound(bound, torch.zeros(())).backward()
    assert bool(bound.grad) == moves, share
"""
    run(EXAMPLES[2] + check, tmp_path)


@pytest.mark.parametrize(
    "page",
    [ROOT / "README.md", ROOT / "experiments" / "README.md", *(ROOT / "analysis" / "results").rglob("README.md")],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_links_lead_somewhere(page):
    paths = set(re.findall(r"\]\((?!https?:|#)([^)]+)\)", page.read_text()))
    assert [path for path in sorted(paths) if not (page.parent / path.split("#")[0]).exists()] == []


def test_the_faults_table_names_tests_that_exist():
    written = "\n".join(path.read_text() for path in (ROOT / "tests").glob("test_*.py"))
    rows = [line for line in (ROOT / "experiments" / "README.md").read_text().splitlines() if line.startswith("| ")]
    names = [name for row in rows for name in re.findall(r"`(\w+)…?`", row.split("|")[-2])]
    assert len(names) > 12 and [name for name in names if not re.search(rf"def test_\w*{name}", written)] == []


def test_anchors_lead_somewhere():
    headings = {
        re.sub(r"[^\w\- ]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in README.splitlines()
        if line.startswith("#")
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", README)) <= headings


def test_the_scorecard_is_the_committed_one():
    assert (ROOT / "analysis" / "results" / "scorecard.md").read_text().strip() in README
