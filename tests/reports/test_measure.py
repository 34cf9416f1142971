"""The table of runs: read from their records, measured again, averaged over seeds and compared."""

import json

import numpy as np
import pandas as pd
import pytest
from conftest import call, config, fit

from infogan import data, evaluation, feature_network, training
from infogan.reports import measure


def script(*arguments):
    return call("measure", *arguments, folder="analysis")


def test_measuring_again_gives_what_was_recorded(trained, tmp_path):
    recorded = {name: json.loads((trained / name / "evaluation.json").read_text()) for name in "ab"}
    read = script(trained / "a", trained / "b", "--csv", tmp_path / "t.csv")
    assert read.returncode == 0, read.stderr
    again = script(trained / "a", trained / "b", "--again", "--csv", tmp_path / "new" / "again.csv")
    assert again.returncode == 0, again.stderr
    table = pd.read_csv(tmp_path / "t.csv")
    pd.testing.assert_frame_equal(table, pd.read_csv(tmp_path / "new" / "again.csv"))
    assert recorded == {name: json.loads((trained / name / "evaluation.json").read_text()) for name in "ab"}
    seeds = pd.read_csv(tmp_path / "t-seeds.csv")
    assert seeds.n[0] == 2 and seeds.accuracy[0] == pytest.approx(table.accuracy.mean())
    assert seeds.accuracy_low[0] <= table.accuracy.min() and seeds.accuracy_max[0] == table.accuracy.max()
    assert (trained / "a" / "figures" / "confusion.png").exists()


def test_a_run_given_twice_is_one_and_a_missing_picture_is_no_reason_to_fail(trained, tmp_path, monkeypatch, capsys):
    def refuse(*_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(measure, "draw_confusion", refuse)
    done = script(trained / "a", trained / "a", "--csv", tmp_path / "t.csv")
    assert done.returncode == 0 and "its confusion matrix is not drawn (Read-only file system)" in done.stderr
    assert len(pd.read_csv(tmp_path / "t.csv")) == 1


def test_sample_quality_is_measured_where_it_is_asked_for(trained, tmp_path, monkeypatch):
    monkeypatch.setenv("INFOGAN_DATA", str(tmp_path))  # where the classifier is kept
    monkeypatch.setattr(feature_network, "MAX_COMPARED", 100)
    done = script(trained / "a", trained / "b", "--quality", "--csv", tmp_path / "t.csv")
    assert done.returncode == 0, done.stderr
    table, seeds = pd.read_csv(tmp_path / "t.csv"), pd.read_csv(tmp_path / "t-seeds.csv")
    stored = json.loads((trained / "a" / "quality.json").read_text())
    assert stored["images"] == sum(map(sum, stored["shown"])) == 100, "those compared, and not all that there are"
    assert (table.frechet_distance > 0).all() and table.sample_precision.between(0, 1).all()
    assert seeds.frechet_distance[0] == pytest.approx(table.frechet_distance.mean())
    assert "frechet_distance" in done.stdout and "generator_accuracy" in done.stdout
    assert stored["features"] == "labels" and stored["collapsed"] == (stored["spread"] < 0.25)
    assert table.spread[0] == pytest.approx(stored["spread"]) and "spread" in seeds


def test_quality_is_measured_of_runs_without_labels_or_categories_too(tmp_path, monkeypatch, digits):
    monkeypatch.setenv("INFOGAN_CACHE", str(tmp_path))
    monkeypatch.setattr(feature_network, "MAX_IMAGES", 1280)
    name = str(tmp_path / "bare.npz")
    np.savez(name, images=digits.train.images[:, 0].numpy())
    runs = [tmp_path / "bare", tmp_path / "continuous"]
    training.train(config(dataset=name), data.load(name), runs[0], "disabled", progress=False)
    fit(runs[1], digits, codes="3u")
    done = script(*runs, "--quality", "--csv", tmp_path / "t.csv")
    assert done.returncode == 0, done.stderr
    stored = [json.loads((run / "quality.json").read_text()) for run in runs]
    assert [each["features"] for each in stored] == ["quarter turns", "labels"]
    table = pd.read_csv(tmp_path / "t.csv")
    assert table.spread.tolist() == pytest.approx([each["spread"] for each in stored]) and "accuracy" not in table
    for arguments, message in (
        (("--quality", "--compare", "precision"), "compares accuracies, and these runs have none"),
        ((), "which has no labels: there is no accuracy"),
    ):
        refused = script(*runs, *arguments)
        assert refused.returncode == 1 and message in refused.stderr and "Traceback" not in refused.stderr


def test_where_measuring_again_fails_the_record_is_kept(trained, monkeypatch):
    def fails(*arguments):
        raise RuntimeError("no memory")

    before = (trained / "a" / "evaluation.json").read_text()
    monkeypatch.setattr(evaluation, "measure_test", fails)
    with pytest.raises(RuntimeError):
        measure.measure_again(trained / "a", None)
    assert (trained / "a" / "evaluation.json").read_text() == before


def test_the_share_of_seeds_that_reach_the_papers_accuracy():
    rows = pd.DataFrame({"preset": ["a"] * 4 + ["b"], "accuracy": [0.949, 0.95, 0.98, 0.7, 0.94]})
    for name in ("majority_accuracy", "nmi", "ari", "info_categorical_nats"):
        rows[name] = [0.4, 0.5, 0.6, 0.7, 0.8]
    assert measure.summary(rows, ["preset"]).share_from_95.tolist() == [0.5, 0.0]


def test_two_groups_of_seeds_are_compared(trained, tmp_path, digits):
    for seed in (0, 1):
        fit(tmp_path / f"fast{seed}", digits, seed=seed, precision="bfloat16")
    directories = [tmp_path / "fast0", tmp_path / "fast1", trained / "a", trained / "b"]
    done = script(*directories, "--compare", "precision", "--csv", tmp_path / "t.csv")
    assert done.returncode == 0, done.stderr
    seeds = pd.read_csv(tmp_path / "t-seeds.csv")
    assert list(seeds.precision) == ["bfloat16", "float32"] and list(seeds.n) == [2, 2]
    line = done.stdout.splitlines()[-1]
    assert "precision bfloat16 - float32" in line and f"{seeds.accuracy[0] - seeds.accuracy[1]:.3f} [" in line
    for field, message in (("precision", "needs two values"), ("colour", "compare is 'colour'; give a field")):
        refused = script(trained / "a", trained / "b", "--compare", field)
        assert refused.returncode == 1 and message in refused.stderr


def test_bad_input_is_one_clear_line(trained):
    inside_a_file = trained / "a" / "config.json" / "t.csv"
    for arguments, message in (
        (("nowhere",), "error: nowhere/config.json cannot be read"),
        ((), "error: give at least one run"),
        ((trained / "a", "--csv", inside_a_file), f"error: {inside_a_file.parent}: "),
    ):
        done = script(*arguments)
        assert done.returncode == 1 and done.stderr.startswith(message) and done.stderr.count("\n") == 1, done.stderr
