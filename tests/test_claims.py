"""The scorecard on runs whose answers are known."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from conftest import call

from infogan.config import PRESETS


def write_run(folder, preset: str, seed: int, bound, accuracy: float | None = None, confusion=None, loss_d=(1.0, 1.0), loss_g=(1.0, 1.0), **figures):
    """A run of 2,000 updates, a row each ten: the bound rises to `bound` (nats) after as many updates as told."""
    reached, height = bound
    step = np.arange(10, 2001, 10)
    metrics = pd.DataFrame({"step": step, "info_categorical_nats": np.where(step >= reached, height, 0.0)})
    for name, (first, last) in (("loss_d", loss_d), ("loss_g", loss_g)):
        metrics[name] = np.where(step <= 1000, first, last)
    directory = folder / f"mnist-{preset}-seed{seed}"
    (directory / "figures").mkdir(parents=True)
    metrics.to_csv(directory / "metrics.csv", index=False)
    made = PRESETS[preset][0]
    config = {"preset": preset, "dataset": "mnist", "seed": seed, "log_every": 10, "codes": made.codes, "noise": made.noise, "q_std": made.q_std}
    (directory / "config.json").write_text(json.dumps({"config": config}))
    if accuracy is not None:
        codes = [{"confusion": confusion if confusion is not None else [[1]]}]
        (directory / "evaluation.json").write_text(json.dumps({"accuracy": accuracy, "codes": codes}))
    for name, content in figures.items():
        (directory / "figures" / f"{name}.json").write_text(json.dumps(content))
    return directory


def morphology(slant: float, width: float, beyond: float = 0.9, agreement: float = 0.95) -> dict:
    def rows(where: str, scale: float) -> list[dict]:
        effects = {(0, "slant"): slant, (0, "width"): 0.1, (1, "slant"): 0.05, (1, "width"): width}
        return [{"code": code, "where": where, "measure": name, "effect": scale * value} for (code, name), value in effects.items()]

    told = [{"where": "within", "agreement": 0.9}] + [{"where": f"code {k} beyond", "agreement": agreement * 0.9} for k in (0, 1)]
    return {"correlations": rows("within", 1) + rows("beyond", beyond), "agreement": told}


def scorecard(folder, *arguments) -> pd.DataFrame:
    done = call("claims", *arguments, "--out", folder, folder="analysis")
    assert done.returncode == 0, done.stderr
    assert (folder / "scorecard.png").stat().st_size > 5000
    return pd.read_csv(folder / "scorecard.csv").set_index("claim")


def test_each_claim_is_judged_by_its_rule(tmp_path):
    h = math.log(10)
    diagonal, mixed = (100 * np.eye(10)).tolist(), (100 * np.eye(10)).tolist()
    mixed[4][9] = 60
    directories = [
        write_run(tmp_path, "authors", 0, (500, h), accuracy=0.96, morphology=morphology(0.8, -0.6)),
        write_run(tmp_path, "authors", 1, (1500, h), accuracy=0.80, morphology=morphology(0.8, 0.2, beyond=-1)),
        write_run(tmp_path, "gan", 0, (10, 0.1), accuracy=0.3),
        write_run(tmp_path, "blog", 0, (10, h), accuracy=0.9, confusion=mixed, loss_d=(1, 0.2), loss_g=(1, 6)),
        write_run(
            tmp_path, "blog", 1, (10, h), accuracy=0.9, confusion=diagonal, loss_d=(1, 0.9), loss_g=(1, 6),
            figure5={"verdicts": [{"panel": "lighting", "factor": "brightness", "information_nats": 1.1, "shuffled_nats": 0.1, "entropy_nats": 2.0, "holds": "yes"}]},
        ),
    ]  # fmt: skip
    ratios = {"fast": (100, 1010), "fast GAN without Q": (105, 1000)}
    rows = [{"batch": b, "contender": name, "images_per_second": {"median": speed}, "memory_mib": memory} for b in (16, 128) for name, (speed, memory) in ratios.items()]
    (tmp_path / "benchmark.json").write_text(json.dumps({"rows": rows}))
    (tmp_path / "study").mkdir()
    trials = pd.DataFrame({"lambda_categorical": [0.1, 0.1, 1.0, 1.3, 0.7, 4.0], "validation accuracy": [0.5, 0.6, 0.8, 0.9, 0.7, 0.83]})
    trials.to_csv(tmp_path / "study" / "trials.csv", index=False)
    table = scorecard(tmp_path / "out", *directories, "--benchmark", tmp_path / "benchmark.json", "--study", tmp_path / "study")

    verdicts = {claim: (row.verdict, row.holds, row.of) for claim, row in table.iterrows()}
    assert verdicts == {
        "C1": ("partly", 1, 2), "C2": ("replicates", 1, 1), "C3": ("partly", 1, 2), "C4": ("replicates", 1, 1), "C5": ("partly", 1, 2),
        "C6": ("partly", 1, 2), "C7": ("replicates", 2, 2), "C8": ("does not", 0, 1), "C11": ("replicates", 1, 1), "B1": ("partly", 1, 2), "B2": ("partly", 1, 2),
    }  # fmt: skip
    assert list(table.index) == ["C1", "C2", "C3", "C4", "C5", "C6", "C7", "C8", "C11", "B1", "B2"]
    assert table["mean"]["C3"] == pytest.approx(0.88) and table["mean"]["C5"] == pytest.approx(0.4) and table["mean"]["C6"] == pytest.approx(0.95)
    assert table["mean"]["C7"] == pytest.approx(1.05) and table["mean"]["C8"] == pytest.approx(0.8 - 0.83) and table["mean"]["C11"] == pytest.approx(0.5)
    assert table["mean"]["B1"] == pytest.approx(9.5), "a digit that shares its category has none of its own"
    assert table["low"]["C3"] < 0 < table["high"]["C3"] and np.isnan(table["low"]["C2"]), "two seeds say little, one says nothing of the spread"
    text = (tmp_path / "out" / "scorecard.md").read_text()
    assert "| C2 | a regular GAN keeps L_I low (figure 1) | gan, 2,000 updates | 0.04 of H(c) | 1 of 1 | **replicates** |" in text


def test_a_bound_that_never_arrives_is_reported_as_such(tmp_path):
    table = scorecard(tmp_path / "out", write_run(tmp_path, "paper", 0, (10, 1.0)))
    assert list(table.index) == ["C1"] and table.verdict["C1"] == "does not" and "never" in (tmp_path / "out" / "scorecard.md").read_text()


def test_what_is_no_run_is_one_clear_line(tmp_path):
    done = call("claims", tmp_path, folder="analysis")
    assert done.returncode == 1 and "give the directories of runs" in done.stderr and done.stderr.count("\n") == 1
