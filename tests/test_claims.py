"""The scorecard on runs whose answers are known."""

import dataclasses
import json
import math

import numpy as np
import pandas as pd
import pytest
from conftest import call

from infogan.presets import PRESETS


def write_run(
    folder,
    preset: str,
    seed: int,
    bound,
    accuracy: float | None = None,
    confusion=None,
    loss_d=(1.0, 1.0),
    loss_g=(1.0, 1.0),
    changes={},
    name="",
    **figures,
):
    """A run of 2,000 updates, a row each ten: the bound rises to `bound` (nats) after as many updates as told."""
    reached, height = bound
    step = np.arange(10, 2001, 10)
    metrics = pd.DataFrame({"step": step, "info_categorical_nats": np.where(step >= reached, height, 0.0)})
    for column, (first, last) in (("loss_d", loss_d), ("loss_g", loss_g)):
        metrics[column] = np.where(step <= 1000, first, last)
    directory = folder / (name or f"mnist-{preset}-seed{seed}")
    (directory / "figures").mkdir(parents=True)
    metrics.to_csv(directory / "metrics.csv", index=False)
    made = dataclasses.replace(PRESETS[preset][0], seed=seed, **{"updates": 2000, "precision": "float32"} | changes)
    (directory / "config.json").write_text(json.dumps({"config": dataclasses.asdict(made)}))
    if accuracy is not None:
        codes = [{"confusion": confusion if confusion is not None else [[1]]}]
        (directory / "evaluation.json").write_text(json.dumps({"accuracy": accuracy, "codes": codes}))
    for figure, content in figures.items():
        (directory / "figures" / f"{figure}.json").write_text(json.dumps(content))
    return directory


def morphology(
    slant: float, width: float, beyond: float = 0.9, agreement: float = 0.95, measure: str = "width"
) -> dict:
    def rows(where: str, scale: float) -> list[dict]:
        effects = {(0, "slant"): slant, (0, measure): 0.1, (1, "slant"): 0.05, (1, measure): width}
        return [
            {"code": code, "where": where, "measure": name, "effect": scale * value}
            for (code, name), value in effects.items()
        ]

    told = [{"where": "within", "agreement": 0.9}] + [
        {"where": f"code {k} beyond", "agreement": agreement * 0.9} for k in (0, 1)
    ]
    return {"correlations": rows("within", 1) + rows("beyond", beyond), "agreement": told}


def scorecard(folder, *arguments) -> pd.DataFrame:
    done = call("claims", *arguments, "--out", folder, folder="analysis")
    assert done.returncode == 0, done.stderr
    assert (folder / "scorecard.png").stat().st_size > 5000
    return pd.read_csv(folder / "scorecard.csv").set_index("claim")


def panel(name: str, share: float, holds: str) -> dict:
    return {
        "panel": name,
        "factor": name,
        "information_nats": 2 * share + 0.1,
        "shuffled_nats": 0.1,
        "entropy_nats": 2.0,
        "holds": holds,
    }


def write_benchmark(path, *batches: tuple[tuple[float, float, float], float]):
    """Time (by the medians, the lowest and the highest of the GAN's rates, InfoGAN's being 80 to 125) and memory of InfoGAN over those of the GAN without Q."""
    rows = []
    for batch, (time, memory) in enumerate(batches):
        plain = dict(zip(("median", "low", "high"), (100 * t for t in time)))
        rows += [
            {
                "batch": batch,
                "contender": "fast",
                "images_per_second": {"median": 100, "low": 80, "high": 125},
                "memory_mib": 1000 * memory,
            },
            {"batch": batch, "contender": "fast GAN without Q", "images_per_second": plain, "memory_mib": 1000},
        ]
    path.write_text(json.dumps({"rows": rows}))
    return path


def write_settings(path, accuracies: dict[str, list[float]], preset: str = "authors"):
    """A table of settings.py: the accuracies of the preset itself ("") and of each lambda_categorical."""
    rows = [
        {
            "dataset": "mnist",
            "preset": preset,
            "setting": "lambda_categorical" * bool(value),
            "value": value,
            "images": 128_000,
            "accuracy": accuracy,
        }
        for value, group in accuracies.items()
        for accuracy in group
    ]
    pd.DataFrame([*rows, rows[0] | {"setting": "codes", "value": "20c", "accuracy": 1.0}]).to_csv(path, index=False)
    return path


def test_each_claim_is_judged_by_its_rule(tmp_path):
    h = math.log(10)
    diagonal, mixed = (100 * np.eye(10)).tolist(), (100 * np.eye(10)).tolist()
    mixed[4][9] = 60
    verdicts = {
        "verdicts": [panel("lighting", 0.5, "yes"), panel("context", 0.1, "partly"), panel("other", 0.01, "no")]
    }
    directories = [
        write_run(tmp_path, "authors", 0, (500, h), accuracy=0.96, morphology=morphology(0.8, -0.6)),
        write_run(tmp_path, "authors", 1, (1500, h), accuracy=0.80, morphology=morphology(0.8, 0.2, beyond=-1)),
        write_run(
            tmp_path, "authors", 2, (10, 1.0), morphology=morphology(0.8, 0.6, agreement=0.85, measure="thickness")
        ),
        write_run(
            tmp_path, "authors", 3, (10, h), accuracy=0.1, name="weaker", changes={"lambda_categorical": 0.03}
        ),  # not the preset
        write_run(tmp_path, "authors", 4, (10, h), accuracy=0.1, name="other", changes={"dataset": "fashion-mnist"}),
        write_run(tmp_path, "gan", 0, (10, 0.1), accuracy=0.3),
        write_run(tmp_path, "gan", 1, (10, 0.6 * h), accuracy=0.6),
        write_run(tmp_path, "blog", 0, (10, h), accuracy=0.9, confusion=mixed, loss_d=(1, 0.2), loss_g=(1, 6)),
        write_run(
            tmp_path,
            "blog",
            1,
            (10, h),
            accuracy=0.9,
            confusion=diagonal,
            loss_d=(1, 0.9),
            loss_g=(1, 6),
            figure5=verdicts,
        ),
        write_run(
            tmp_path,
            "blog",
            2,
            (10, h),
            loss_d=(1, 0.2),
            loss_g=(1, 4),
            figure5={"verdicts": [panel("other", 0.3, "yes")]},
        ),
        write_run(tmp_path, "best", 0, (10, h), accuracy=0.98),
        write_run(tmp_path, "best", 1, (10, h), accuracy=0.9655),
    ]
    extra = (
        "--benchmark",
        write_benchmark(
            tmp_path / "b.json", ((1.05, 1.0, 1.08), 1.01), ((0.9, 0.8, 1.4), 1.2), ((1.25, 0.7, 1.3), 1.0)
        ),
    )
    settings = write_settings(
        tmp_path / "s.csv", {"": [0.8, 0.9, 0.7], "0.1": [0.5, 0.6, 0.7], "4.0": [0.83, 0.83, 0.83], "9.0": [1.0, 1.0]}
    )
    table = scorecard(tmp_path / "out", *directories, *extra, "--settings", settings)

    assert [(claim, row.verdict, row.holds, row.of) for claim, row in table.iterrows()] == [
        ("C1", "partly", 1, 3), ("C2", "partly", 1, 2), ("C3", "partly", 1, 2), ("C4", "partly", 1, 2), ("C5", "partly", 2, 3), ("C6", "partly", 1, 3),
        ("C7", "partly", 1, 3), ("C8", "does not", 0, 1), ("C11", "replicates", 1, 1), ("C11", "partly", 0, 1), ("C11", "does not", 0, 1), ("C11", "replicates", 1, 1),
        ("B1", "partly", 1, 2), ("B2", "partly", 1, 3), ("O1", "partly", 1, 2),
    ]  # fmt: skip
    mean = table["mean"]
    assert (
        mean["C3"] == pytest.approx(0.88)
        and mean["C5"] == pytest.approx((0.6 + 0.2 + 0.6) / 3)
        and mean["C6"] == pytest.approx((0.95 + 0.95 + 0.85) / 3)
    )
    assert (mean["C7"], table.low["C7"], table.high["C7"]) == pytest.approx((1.25, 1.2, 1.4 / 0.8)), (
        "at worst: the third's time, the second's memory, its longest time"
    )
    assert mean["C8"] == pytest.approx(0.8 - 0.83) and list(mean["C11"]) == pytest.approx([0.5, 0.1, 0.01, 0.3])
    # Three with standard deviation 0.1 against three alike: Welch has two degrees of freedom.
    assert (
        table.low["C8"] == pytest.approx(mean["C8"] - 4.3027 * 0.1 / 3**0.5, abs=1e-4)
        and table.by["C8"] == "mnist, authors, 128,000 images; lambda 1 against 0.1, 4; 3 seeds"
    ), "two seeds are not enough"
    assert mean["B1"] == pytest.approx(9.5), "a digit that shares its category has none of its own"
    assert mean["C1"] == pytest.approx(1000, abs=60) and table.never["C1"] == 1, "one seed never arrives"
    assert table.low["C3"] == 0 and table.high["C3"] == 1, "two seeds say little, and accuracies end at 0 and 1"
    text = (tmp_path / "out" / "scorecard.md").read_text()
    assert (
        "| C11 | SVHN: other (figure 5) | mnist (2 runs) | 0.01 to 0.30 of its entropy | 1 of 2 | **partly** |" in text
    ), "one line for all runs of a panel"
    assert "| mnist | 0.50 of its entropy | 1 of 1 | **replicates** |" in text
    assert "| best, 2,000 updates, float32 | 0.973 [" in text and "| 0.880 [" in text, (
        "three digits of an accuracy, none rounded before"
    )
    assert (
        ", never in 1 | 1 of 3 | **partly** |" in text
        and "| C2 | a regular GAN keeps L_I low (figure 1) | gan, 2,000 of 5,000 updates, float32 | 0.32 [" in text
    )


def test_the_two_precisions_are_told_apart(tmp_path):
    once, again = (
        write_run(tmp_path, "authors", 0, (10, 1.0), name=name, changes={"precision": name})
        for name in ("float32", "bfloat16")
    )
    assert len(scorecard(tmp_path / "out", once, again)) == 2


def test_a_bound_that_never_arrives_is_reported_as_such(tmp_path):
    table = scorecard(tmp_path / "out", write_run(tmp_path, "paper", 0, (10, 1.0)))
    assert (
        list(table.index) == ["C1"]
        and table.verdict["C1"] == "does not"
        and "| never |" in (tmp_path / "out" / "scorecard.md").read_text()
    )


def test_what_says_nothing_of_a_claim_is_one_clear_line(tmp_path):
    run = write_run(tmp_path, "gan", 0, (10, 0.1))
    again = write_run(tmp_path, "gan", 0, (10, 0.1), name="again")
    short = write_run(tmp_path, "paper", 1, (10, 1.0))
    pd.read_csv(short / "metrics.csv")[:-5].to_csv(short / "metrics.csv", index=False)
    few = write_settings(tmp_path / "few.csv", {"": [0.8, 0.9, 0.7], "0.1": [0.5, 0.6]})
    width = write_settings(tmp_path / "width.csv", {"": [0.8, 0.9, 0.7], "1.0": [0.5, 0.6, 0.7]}, preset="chairs-width")
    (picture := tmp_path / "settings.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "long.json").write_text('{"rows": [{"update": 1}]}')
    for arguments, message in (
        ((tmp_path,), "give the directories of runs"),
        ((run, again), "repeats seed 0 of gan"),
        ((short,), "nothing given speaks of a claim"),
        ((run, "--settings", few), "C8 needs both"),
        ((run, "--settings", width), "C8 needs both"),
        ((run, "--settings", run / "metrics.csv"), "give its settings.csv"),
        ((run, "--settings", run), "give its settings.csv"),
        ((run, "--settings", picture), "give its settings.csv"),
        ((run, "--benchmark", tmp_path / "long.json"), "without --long"),
    ):
        done = call("claims", *arguments, "--out", tmp_path / "out", folder="analysis")
        assert done.returncode == 1 and message in done.stderr and done.stderr.count("\n") == 1, done.stderr
    assert not (tmp_path / "out").exists()
