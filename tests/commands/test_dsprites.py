"""InfoGAN-CR's dSprites experiment from one command: trained, measured, compared, continued."""

import csv

import pytest
from conftest import call

from infogan import records
from infogan.commands.dsprites import Options, jobs
from infogan.data import synthetic
from infogan.errors import InputError
from infogan.metrics.disentanglement import beta_vae, dci, factor_vae, model_centrality
from infogan.reports import factors, information
from infogan.reports.dsprites import SCORES


@pytest.fixture
def small(monkeypatch):
    """Few sprites, trees, points and groups."""
    changes = [(synthetic, "COUNT", 240), (dci, "TREES", 1), (factors, "FREE_IMAGES", 100)]
    changes += [(model_centrality, "GROUPS", 20), (model_centrality, "GROUP_SIZE", 10)]
    changes.append((information, "UNTRAINED", 1))
    for metric in (beta_vae, factor_vae):
        changes += [(metric, "TRAIN_POINTS", 100), (metric, "TEST_POINTS", 50)]
    for module, name, value in changes:
        monkeypatch.setattr(module, name, value)


def run(folder, seeds: int):
    options = ("--seeds", seeds, "--updates", "4", "--workers", "1", "--wandb", "disabled")
    done = call("dsprites", "sprites@16", *options, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    with (folder / "runs" / "sprites@16-disentanglement.csv").open() as file:
        return done, list(csv.DictReader(file))


def times(folder) -> dict:
    files = [file for name in ("evaluation", "factors") for file in folder.glob(f"runs/*/{name}.json")]
    return {file: file.stat().st_mtime_ns for file in files}


def test_two_seeds_are_trained_measured_compared_and_continued(tmp_path, small, monkeypatch):
    done, rows = run(tmp_path, 1)
    assert [row["source"] for row in rows] == ["published", "here"] * 2, "one model is compared with no other"
    assert "1/2  sprites@16-dsprites-seed0: 256 images in" in done.stdout and "accuracy" not in done.stdout
    before = times(tmp_path)
    done, rows = run(tmp_path, 2)
    assert {file: time for file, time in times(tmp_path).items() if file in before} == before, "done already"
    for preset in ("dsprites", "dsprites-cr"):
        for seed in (0, 1):
            directory = tmp_path / "runs" / f"sprites@16-{preset}-seed{seed}"
            scores = records.read_json(directory / "factors.json")["factors"]["scores"]
            assert scores.keys() >= SCORES.keys() and (directory / "evaluation.json").exists()
    chosen = [row for row in rows if "chosen" in row["method"] and row["source"] != "published"]
    assert [row["n"] for row in chosen] == ["1 of 2", "1 of 2"]
    mean = {row["method"]: row for row in rows if row["source"] == "here"}["InfoGAN-CR"]
    assert mean["n"] == "2" and 0 <= float(mean["explicitness"]) <= 1 and float(mean["explicitness_se"]) >= 0
    for text in (
        "InfoGAN-CR, chosen by ModelCentrality",
        "0.92 ± 0.00",
        "stands in for dSprites",
        "4 updates, 288,000",
    ):
        assert text in done.stdout and text in (tmp_path / "runs" / "sprites@16-disentanglement.md").read_text()
    with (tmp_path / "runs" / "sprites@16-disentanglement-runs.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 4
    monkeypatch.setattr(factors, "similarities", None)
    assert run(tmp_path, 2)[1] == rows, "no similarity is computed again"


def test_infogan_cr_goes_on_where_infogan_ends():
    configs = jobs(Options(seeds=2, updates=1000))
    assert list(configs)[:2] == ["sprites-dsprites-seed0", "sprites-dsprites-cr-seed0"] and len(configs) == 4
    assert [config.updates for config in configs.values()] == [1000, 1120] * 2
    full = jobs(Options(dataset="dsprites"))
    assert len(full) == 100 and {config.updates for config in full.values()} == {288_000, 322_560}
    assert {config.dataset for config in full.values()} == {"dsprites"}


@pytest.mark.parametrize(("changes", "message"), [({"seeds": 0}, "seeds is 0"), ({"updates": 0}, "updates is 0")])
def test_bad_input_is_named(changes, message):
    with pytest.raises(InputError, match=message):
        jobs(Options(**changes))


@pytest.mark.parametrize(
    ("dataset", "message"),
    [("digits", "digits has 0 known factors"), ("sprites@20", "must be divisible by 16"), ("dsprites", "there is no")],
)
def test_what_cannot_be_measured_is_refused_before_a_run(dataset, message, tmp_path, small):
    done = call("dsprites", dataset, "--seeds", "1", "--data-dir", tmp_path, cwd=tmp_path)
    assert done.returncode == 1 and done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    assert message in done.stderr and list(tmp_path.iterdir()) == []
