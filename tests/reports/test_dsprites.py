"""The table of InfoGAN-CR's dSprites experiment, from runs whose scores are made up."""

import math

import pandas as pd
import pytest
import torch

from infogan import data
from infogan.data.formats.dsprites import FILE
from infogan.errors import InputError
from infogan.reports import dsprites
from infogan.reports.dsprites import CHOSEN, METHODS, PUBLISHED, PUBLISHED_RUNS, SCORES


def runs(updates: int = 288_000, seeds: int = 3) -> pd.DataFrame:
    """Seed s has 0.1 s of each score, 0.5 more with the contrastive term; ModelCentrality is highest for seed 1."""
    rows = []
    for i, preset in enumerate(METHODS):
        for seed in range(seeds):
            row = {"preset": preset, "seed": seed, "updates": updates * (1 + 0.12 * i), "run": f"{preset}-{seed}"}
            central = math.nan if seeds == 1 else 1 - 0.1 * abs(seed - 1)
            rows.append(row | dict.fromkeys(SCORES, 0.1 * seed + 0.5 * i) | {"model_centrality": central})
    return pd.DataFrame(rows).astype({"updates": int})


def dataset(name: str) -> data.Dataset:
    part = data.Split(torch.zeros(20, 1, 8, 8, dtype=torch.uint8))
    return data.Dataset(name, part, part, part)


def test_rows_are_published_and_here_and_chosen():
    table = dsprites.table(runs()).set_index(["method", "source"])
    cr = "InfoGAN-CR"
    assert table.index.tolist() == [
        ("InfoGAN (modified)", "published"),
        ("InfoGAN (modified)", "here"),
        (f"InfoGAN (modified){CHOSEN}", "here, seed 1"),
        (cr, "published"),
        (cr, "here"),
        (f"{cr}{CHOSEN}", "published"),
        (f"{cr}{CHOSEN}", "here, seed 1"),
    ]
    here = table.loc[(cr, "here")]
    assert (
        here["mig"] == pytest.approx(0.6) and here["mig_se"] == pytest.approx(0.1 / math.sqrt(3)) and here["n"] == "3"
    )
    chosen = table.loc[(f"{cr}{CHOSEN}", "here, seed 1")]
    assert chosen["mig"] == pytest.approx(0.6) and math.isnan(chosen["mig_se"]) and chosen["n"] == "1 of 3"
    assert table.loc[(cr, "published"), ["factor_vae", "mig", "mig_se"]].tolist() == [0.88, 0.37, 0.01]
    cells = dsprites.shown(dsprites.table(runs()))
    assert (
        cells.loc[4, "MIG"] == "0.60 ± 0.06" and cells.loc[6, "MIG"] == "0.60" and cells.loc[3, "DCI"] == "0.71 ± 0.01"
    )


def test_one_run_is_not_chosen_among_others():
    assert [source for source in dsprites.table(runs(seeds=1))["source"]] == ["published", "here"] * 2


def test_published_rows_have_every_score():
    assert all(len(row.split("|")) == len(SCORES) for row in PUBLISHED.values())
    assert all(row.count("±") == len(SCORES) for name, row in PUBLISHED.items() if name.startswith("InfoGAN-CR"))


def test_what_differs_from_the_published_experiment_is_said():
    short = " ".join(dsprites.deviations(runs(updates=1000), dataset("sprites")))
    for text in (
        "sprites, 20 training images of 8x8, stands in for dSprites",
        "InfoGAN (modified) was trained for 1,000 updates, 288,000 in",
        "InfoGAN-CR was trained for 1,120 updates, 322,560 in",
        "3 of each method, 50 in",
        "disentanglement_lib",
    ):
        assert text in short
    full = " ".join(dsprites.deviations(runs(seeds=PUBLISHED_RUNS), dataset("dsprites")))
    assert "stands in" not in full and "Length" not in full and "Seeds" not in full and "737,280" in full
    assert "stands in" not in " ".join(dsprites.deviations(runs(), dataset(FILE.removesuffix(".npz"))))


def test_a_dataset_without_factors_is_refused(digits):
    with pytest.raises(InputError, match="digits has 0 known factors, and scores need two or more: give sprites"):
        dsprites.check(digits)
