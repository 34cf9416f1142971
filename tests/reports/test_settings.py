"""What each setting changes, on runs with known accuracies."""

import dataclasses
import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest
from conftest import call

from infogan.config.presets import PRESETS
from infogan.reports.settings import collect, compare, detectable, holm, seeds_needed


def write_run(folder, seed: int, accuracy: float | None, **changes):
    """A finished run of 20 logged updates, with L_I at half of ln 10 but for the last tenth, where it is all of it.

    Its G has collapsed where the accuracy is 0.3."""
    made = dataclasses.replace(
        PRESETS["authors"][0], **{"dataset": "digits", "precision": "float32", "seed": seed, "updates": 100} | changes
    )
    directory = folder / "-".join(["digits-authors", *(f"{name}={changes[name]}" for name in changes), f"seed{seed}"])
    directory.mkdir()
    (directory / "config.json").write_text(json.dumps({"config": dataclasses.asdict(made)}))
    measured = {"accuracy_ci95": [0.0, 1.0], "n_images": 10, "best_code": 0, "label_of_category": [0]}
    result = {} if accuracy is None else {"accuracy": accuracy, "majority_accuracy": accuracy + 0.1} | measured
    result |= {"collapsed": accuracy == 0.3}
    (directory / "evaluation.json").write_text(json.dumps(result))
    bound = [np.log(10) / 2] * 18 + [np.log(10)] * 2
    pd.DataFrame({"step": np.arange(1, 21) * made.updates // 20, "info_categorical_nats": bound}).to_csv(
        directory / "metrics.csv", index=False
    )
    return directory


def runs_of(effects: dict[str, float], seeds: int, seed_sd: float, residual_sd: float, own_seeds=0, random_seed=0):
    """A table of runs whose values of `codes` raise the accuracy by known effects."""
    random = np.random.default_rng(random_seed)
    intercepts, rows = random.normal(0, seed_sd, own_seeds or seeds), []
    for value, effect in {"": 0.0, **effects}.items():
        for seed in range(seeds if value else own_seeds or seeds):
            accuracy = 0.7 + effect + intercepts[seed] + random.normal(0, residual_sd)
            row = {"preset": "authors", "setting": "codes" if value else "", "value": value, "seed": seed}
            rows.append(row | {"accuracy": accuracy, "majority_accuracy": accuracy, "collapsed": False})
    return pd.DataFrame(rows)


def test_each_value_is_compared_with_the_presets_own(tmp_path):
    directories = [write_run(tmp_path, seed, accuracy) for seed, accuracy in enumerate((0.6, 0.7, 0.8))]
    directories += [
        write_run(tmp_path, seed, accuracy, lambda_categorical=0.1) for seed, accuracy in enumerate((0.5, 0.3, 0.4))
    ]
    directories += [write_run(tmp_path, seed, 0.9, batch_size=64, updates=200) for seed in (0, 1)]
    directories += [write_run(tmp_path, 0, 0.5, codes="20c+2u")]
    done = call("settings", *directories, "--out", tmp_path / "out", folder="analysis")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "settings.png").stat().st_size > 5000
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
    assert list(table.collapsed) == [1, 0, 0, 0, 0, 0], "such a run is counted, and not left out"
    worse = table.loc[("lambda_categorical", "0.1")]
    means = worse.accuracy, worse.majority_accuracy, worse.difference
    assert means == pytest.approx((0.4, 0.5, -0.3))
    # Seeds are no block here, so the model is that of least squares: squares of 0.04 in all, five degrees of freedom.
    assert worse.difference_high == pytest.approx(-0.3 + 2.571 * (0.04 / 5 * 2 / 3) ** 0.5, abs=1e-3)
    assert worse.low == pytest.approx(0.4 - 4.303 * 0.1 / 3**0.5, abs=1e-3)
    alone = [False, True, False, True, True, True]
    for column in ("difference", "difference_low", "difference_high", "p", "p_holm", "p_welch_holm", "detectable"):
        assert table[column].isna().tolist() == alone, "one seed has no interval"
    assert table.loc[("codes", "20c+2u")].bound_share == pytest.approx(np.log(10) / np.log(20), abs=1e-4)

    folder = tmp_path / "kept"
    assert call("measure", *directories, "--out", folder, folder="analysis").returncode == 0
    again = call("settings", folder, "--out", tmp_path / "again", folder="analysis")
    assert again.returncode == 0, again.stderr
    read = [(tmp_path / name / "settings-values.csv").read_text() for name in ("again", "out")]
    assert read[0] == read[1]


def test_what_all_runs_change_belongs_to_what_they_are_compared_with(tmp_path):
    shared = {"leaky_slope": 0.1, "g_latent": "same"}
    directories = [write_run(tmp_path, seed, 0.5, **shared) for seed in (0, 1)]
    directories += [write_run(tmp_path, seed, 0.6, **shared, lambda_categorical=0.1) for seed in (0, 1)]
    runs = collect(tuple(directories))
    assert set(runs.preset) == {"authors"} and set(runs.recipe) == {"authors (leaky_slope 0.1, g_latent same)"}
    assert runs.setting.tolist() == ["", "", "lambda_categorical", "lambda_categorical"]
    values = compare(runs)
    assert values.value.tolist() == [0.1, 1.0] and values.own.tolist() == [False, True]

    stranger = write_run(tmp_path, 2, 0.6, lambda_categorical=0.1)
    mixed = call("settings", *directories, stranger, "--out", tmp_path / "mixed", folder="analysis")
    assert mixed.returncode == 1 and "that change one setting at most" in mixed.stderr


def test_values_of_one_run_each_have_no_differences(tmp_path):
    directories = [write_run(tmp_path, seed, 0.5) for seed in (0, 1)]
    directories += [write_run(tmp_path, 0, 0.5, lambda_categorical=0.1)]
    done = call("settings", *directories, "--out", tmp_path / "out", folder="analysis")
    assert done.returncode == 0, done.stderr
    assert "difference" not in pd.read_csv(tmp_path / "out" / "settings-values.csv")


@pytest.mark.parametrize("seed_sd", [0.0, 0.1])
def test_the_model_recovers_an_effect_and_the_seeds(seed_sd):
    effects = {"10c+1u": -0.1, "10c+3u": 0.0, "10c+4u": 0.05}
    values = compare(runs_of(effects, 30, seed_sd, 0.03))
    changed = values[~values.own].set_index("value")
    assert changed.difference.to_dict() == pytest.approx(effects, abs=0.02)
    within = (changed.difference_low < pd.Series(effects)) & (pd.Series(effects) < changed.difference_high)
    assert within.all() and (changed.p_holm < 0.05).to_dict() == {"10c+1u": True, "10c+3u": False, "10c+4u": True}
    # A shared intercept cancels in the differences, so they are as exact as without it.
    assert (changed.difference_high - changed.difference_low).max() < 0.035


def test_without_an_effect_few_data_sets_have_a_flagged_value():
    """The probability is at most 0.05 that any of 14 values is flagged: of 5 data sets 1 or none (98 %)."""
    flagged = 0
    for random_seed in range(5):
        values = compare(runs_of({f"10c+{n}u": 0.0 for n in range(3, 17)}, 5, 0.05, 0.06, 10, random_seed))
        assert values.p_holm.count() == 14
        flagged += (values.p_holm < 0.05).any()
    assert flagged <= 1


def test_what_so_many_seeds_can_show():
    # Cohen (1988), table 2.4.1: a difference of half a standard deviation needs 64 of each, of 0.8 it needs 26.
    assert [seeds_needed(d, 1.0) for d in (0.5, 0.8, 100)] == [64, 26, 2] and seeds_needed(0.1, 0.0) == 2
    assert detectable(64, 64, 0.1) == pytest.approx(0.05, abs=5e-4)
    assert detectable(5, 10, 0.1) > detectable(10, 10, 0.1) > detectable(10, 20, 0.1)


def test_holms_adjustment():
    p = pd.Series([0.01, float("nan"), 0.04, 0.03, 0.005])
    assert holm(p).tolist() == pytest.approx([0.03, float("nan"), 0.06, 0.06, 0.02], nan_ok=True)


def test_runs_that_cannot_be_compared_are_one_clear_line(tmp_path):
    own = [write_run(tmp_path, seed, 0.5) for seed in (0, 1)]
    changed = write_run(tmp_path, 0, 0.5, lambda_categorical=0.1)
    for arguments, message in (
        ((), "give at least one run"),
        ((*own,), "give two runs or more of the preset itself, and runs that change a setting"),
        ((*own, write_run(tmp_path, 0, 0.5, lambda_categorical=0.1, batch_size=64)), "change one setting at most"),
        ((*own, changed, write_run(tmp_path, 3, None)), "has no test accuracy: `infogan measure --again`"),
        ((*own, changed, write_run(tmp_path, 4, 0.5, updates=50)), "saw from 6,400 to 12,800 images"),
        ((*own, changed, write_run(tmp_path, 5, 0.5, dataset="mnist")), "differ in dataset, digits, mnist"),
        ((*own, changed, shutil.copytree(changed, tmp_path / "again")), "again repeats a seed"),
        ((*own, changed, tmp_path), "neither a run directory nor a folder"),
    ):
        check_refused(arguments, message, tmp_path)


def check_refused(arguments, message, folder):
    done = call("settings", *arguments, "--out", folder / "out", folder="analysis")
    assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
    assert re.search(message, done.stderr), done.stderr
    assert not (folder / "out").exists()
