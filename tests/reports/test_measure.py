"""The table of runs: read from their records, measured again, averaged over seeds and compared."""

import json

import numpy as np
import pandas as pd
import pytest
from conftest import call, config, fit

from infogan import data, training
from infogan.metrics import collapse, feature_network
from infogan.reports import measure
from infogan.training import evaluation


def script(*arguments):
    return call("measure", *arguments, folder="analysis")


def test_measuring_again_gives_what_was_recorded(trained, tmp_path):
    recorded = {name: json.loads((trained / name / "evaluation.json").read_text()) for name in "ab"}
    named = [(trained / name / "categories.json").read_text() for name in "ab"]
    (trained / "a" / "categories.json").unlink()  # as of an older run
    read = script(trained / "a", trained / "b", "--out", tmp_path / "kept")
    assert read.returncode == 0, read.stderr
    again = script(trained / "a", trained / "b", "--again", "--out", tmp_path / "new" / "again")
    assert again.returncode == 0, again.stderr
    for name in ("runs.csv", "curves.csv.gz"):
        assert (tmp_path / "kept" / name).read_bytes() == (tmp_path / "new" / "again" / name).read_bytes()
    assert recorded == {name: json.loads((trained / name / "evaluation.json").read_text()) for name in "ab"}
    assert named == [(trained / name / "categories.json").read_text() for name in "ab"]


def test_measuring_again_measures_generated_images_too(trained):
    path, recorded = trained / "a" / "evaluations.csv", json.loads((trained / "a" / "evaluation.json").read_text())
    before, table = path.read_text(), pd.read_csv(path)
    table.loc[table.index[-1], "spread"] = 9.0
    table.to_csv(path, index=False)
    try:
        assert script(trained / "a", "--again").returncode == 0
        assert json.loads((trained / "a" / "evaluation.json").read_text())["spread"] == recorded["spread"] < 9
    finally:
        path.write_text(before)


def test_a_result_folder_is_written_and_read_again_with_the_same_numbers(trained, tmp_path):
    done = script(trained / "a", trained / "b", "--out", tmp_path / "kept")
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "kept").iterdir()} == {"curves.csv.gz", "runs.csv", "seeds.png"}
    again = script(tmp_path / "kept")
    assert again.returncode == 0 and again.stdout == done.stdout.partition("\nwrote")[0], again.stderr
    joined = script(tmp_path / "kept", trained / "gan", "--out", tmp_path / "kept")
    assert joined.returncode == 0, joined.stderr
    assert pd.read_csv(tmp_path / "kept" / "runs.csv").run.tolist() == ["a", "b", "gan"]


def test_sample_quality_is_measured_where_it_is_asked_for(trained, tmp_path, monkeypatch):
    monkeypatch.setenv("INFOGAN_DATA", str(tmp_path))  # where the classifier is kept
    monkeypatch.setattr(feature_network, "MAX_COMPARED", 100)
    done = script(trained / "a", trained / "b", "--quality", "--out", tmp_path / "kept")
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(tmp_path / "kept" / "runs.csv")
    stored = json.loads((trained / "a" / "quality.json").read_text())
    assert stored["images"] == sum(map(sum, stored["shown"])) == 100, "those compared, and not all that there are"
    assert (table.frechet_distance > 0).all() and table.sample_precision.between(0, 1).all()
    assert "frechet_distance" in done.stdout and "generator_accuracy" in done.stdout
    assert stored["features"] == "labels" and stored["collapsed"] == (stored["spread"] < collapse.COLLAPSED)
    assert table.spread[0] == pytest.approx(stored["spread"])


def test_quality_is_measured_of_runs_without_labels_or_categories_too(tmp_path, monkeypatch, digits):
    monkeypatch.setenv("INFOGAN_CACHE", str(tmp_path))
    monkeypatch.setattr(feature_network, "MAX_IMAGES", 1280)
    name = str(tmp_path / "bare.npz")
    np.savez(name, images=digits.train.images[:, 0].numpy())
    runs = [tmp_path / "bare", tmp_path / "continuous"]
    training.train(config(dataset=name), data.load(name), runs[0], "disabled", progress=False)
    fit(runs[1], digits, codes="3u")
    done = script(*runs, "--quality", "--out", tmp_path / "kept")
    assert done.returncode == 0, done.stderr
    stored = [json.loads((run / "quality.json").read_text()) for run in runs]
    assert [each["features"] for each in stored] == ["quarter turns", "labels"]
    table = pd.read_csv(tmp_path / "kept" / "runs.csv")
    assert table.spread.tolist() == pytest.approx([each["spread"] for each in stored]) and "accuracy" not in table


def test_where_measuring_again_fails_the_record_is_kept(trained, monkeypatch):
    def fails(*arguments):
        raise RuntimeError("no memory")

    before = (trained / "a" / "evaluation.json").read_text()
    monkeypatch.setattr(evaluation, "measure_test", fails)
    with pytest.raises(RuntimeError):
        measure.measure_again(trained / "a", None)
    assert (trained / "a" / "evaluation.json").read_text() == before


def test_means_are_over_seeds_with_t_intervals_and_the_share_that_reaches_the_papers_accuracy():
    rows = pd.DataFrame({"recipe": ["a"] * 4 + ["b"], "accuracy": [0.949, 0.95, 0.98, 0.7, 0.94]})
    rows["collapsed"] = [True, False, None, True, False]
    seeds = measure.summary(rows, ["recipe"])
    assert seeds.share_from_95.tolist() == [0.5, 0.0] and seeds.collapsed.tolist() == [2, 0]
    half = 3.1824 * np.std(rows.accuracy[:4], ddof=1) / 2
    assert seeds.accuracy_high[0] - seeds.accuracy[0] == pytest.approx(half, rel=1e-4)
    assert np.isnan(seeds.accuracy_low[1]) and (seeds.accuracy_min[0], seeds.accuracy_max[0]) == (0.7, 0.98)
