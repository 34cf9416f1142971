"""What each setting changes, on runs with known accuracies."""

import dataclasses
import json

import pandas as pd
import pytest
from conftest import call

from infogan.presets import PRESETS
from infogan.reports.settings import holm


def write_run(folder, seed: int, accuracy: float | None, **changes):
    made = dataclasses.replace(
        PRESETS["authors"][0], **{"dataset": "digits", "precision": "float32", "seed": seed, "updates": 100} | changes
    )
    directory = folder / f"digits-{seed}-{'-'.join(f'{key}={value}' for key, value in changes.items())}"
    directory.mkdir()
    (directory / "config.json").write_text(json.dumps({"config": dataclasses.asdict(made)}))
    result = {} if accuracy is None else {"accuracy": accuracy, "majority_accuracy": accuracy + 0.1}
    (directory / "evaluation.json").write_text(json.dumps(result))
    return directory


def test_each_value_is_compared_with_the_presets_own(tmp_path):
    directories = [write_run(tmp_path, seed, accuracy) for seed, accuracy in enumerate((0.6, 0.7, 0.8))]
    directories += [
        write_run(tmp_path, seed, accuracy, lambda_categorical=0.1) for seed, accuracy in enumerate((0.3, 0.4, 0.5))
    ]
    directories += [write_run(tmp_path, seed, 0.9, batch_size=64, updates=200) for seed in (0, 1)]
    directories += [write_run(tmp_path, 0, 0.5, codes="20c+2u")]
    done = call("settings", *directories, "--out", tmp_path / "out", folder="analysis")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "settings.png").stat().st_size > 5000
    assert len(pd.read_csv(tmp_path / "out" / "settings.csv")) == 9
    table = pd.read_csv(tmp_path / "out" / "settings-values.csv").set_index(["setting", "value"])
    assert list(table.index) == [
        ("lambda_categorical", "0.1"),
        ("lambda_categorical", "1.0"),
        ("batch_size", "64"),
        ("batch_size", "128"),
        ("codes", "10c+2u"),
        ("codes", "20c+2u"),
    ]
    assert list(table.own) == [False, True, False, True, True, False] and list(table.seeds) == [3, 3, 2, 3, 3, 1]
    worse = table.loc[("lambda_categorical", "0.1")]
    means = worse.accuracy, worse.majority_accuracy, worse.difference
    assert means == pytest.approx((0.4, 0.5, -0.3))
    # Two groups of three with standard deviation 0.1 and four degrees of freedom: 2.776 * 0.1 * sqrt(2 / 3).
    assert worse.difference_high == pytest.approx(-0.3 + 0.2267, abs=1e-4)
    assert worse.low == pytest.approx(0.4 - 4.303 * 0.1 / 3**0.5, abs=1e-3)
    assert table.difference.isna().tolist() == [False, True, False, True, True, True], "one seed has no interval"


def test_holms_adjustment():
    p = pd.Series([0.01, float("nan"), 0.04, 0.03, 0.005])
    assert holm(p).tolist() == pytest.approx([0.03, float("nan"), 0.06, 0.06, 0.02], nan_ok=True)


def test_runs_that_cannot_be_compared_are_one_clear_line(tmp_path):
    own = [write_run(tmp_path, seed, 0.5) for seed in (0, 1)]
    changed = write_run(tmp_path, 0, 0.5, lambda_categorical=0.1)
    for arguments, message in (
        ((), "give run directories"),
        ((*own,), "give two runs or more of the preset itself, and runs that change a setting"),
        ((*own, write_run(tmp_path, 0, 0.5, lambda_categorical=0.1, batch_size=64)), "change one setting at most"),
        ((*own, changed, write_run(tmp_path, 3, None)), "its accuracy is None"),
        ((*own, changed, write_run(tmp_path, 4, 0.5, updates=50)), "saw from 6,400 to 12,800 images"),
        ((*own, changed, write_run(tmp_path, 5, 0.5, dataset="mnist")), "differ in dataset, digits, mnist"),
        ((*own, changed, changed), "repeats a seed"),
        ((*own, changed, tmp_path), "give the directories of finished runs"),
    ):
        done = call("settings", *arguments, "--out", tmp_path / "out", folder="analysis")
        assert done.returncode == 1 and message in done.stderr and done.stderr.count("\n") == 1, done.stderr
    assert not (tmp_path / "out").exists()
