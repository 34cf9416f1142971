"""The tables of runs and of curves: the same from run directories and from a result folder."""

import dataclasses
import json
import shutil

import numpy as np
import pandas as pd
import pytest
from conftest import fit

from infogan.config.presets import PRESETS
from infogan.reports import runs
from infogan.reports.runs import config_of, metrics_of, read_curves, read_runs
from infogan.utils.errors import InputError


@pytest.fixture
def kept(trained, tmp_path):
    """A result folder of two seeds and a regular GAN, and the tables of the directories."""
    paths = [trained / name for name in ("a", "b", "gan")]
    tables = read_runs(paths), read_curves(paths)
    runs.write(tmp_path / "kept", *tables)
    return tmp_path / "kept", *tables


def test_a_result_folder_has_the_tables_of_its_run_directories(kept):
    folder, table, curves = kept
    same = [name for name in table if name not in ("directory", *runs.RUNTIME_FIELDS)]
    pd.testing.assert_frame_equal(
        read_runs([folder])[same].dropna(axis=1, how="all"), table[same].dropna(axis=1, how="all"), check_dtype=False
    )
    pd.testing.assert_frame_equal(read_curves([folder]), curves, check_dtype=False, rtol=1e-5)
    assert sorted(path.name for path in folder.iterdir()) == ["curves.csv.gz", "runs.csv"]


def test_the_numbers_are_those_that_the_run_recorded(trained):
    row = read_runs([trained / "a"]).iloc[0]
    recorded = json.loads((trained / "a" / "evaluation.json").read_text())
    metrics = pd.read_csv(trained / "a" / "metrics.csv")
    assert row.accuracy == recorded["accuracy"] and [row.nmi_low, row.nmi_high] == recorded["nmi_ci95"]
    assert row.info_categorical_nats == metrics.info_categorical_nats.iloc[-1] and row.step == 20
    assert row.images == 20 * 32 and row.started.startswith("20") and len(row.commit) in (0, 40) and row.hardware
    assert len(read_curves([trained / "a"]).query("table == 'evaluations'")) == 2


def test_a_field_that_a_table_does_not_state_is_the_presets(tmp_path):
    text = "run,preset,seed,lambda_categorical,terms\na,iic,1,,none\nb,authors,2,0.5,\nc,own,3,,\n"
    (tmp_path / "runs.csv").write_text(text)
    first, second, third = (config_of(row) for _, row in read_runs([tmp_path / "runs.csv"]).iterrows())
    assert first == dataclasses.replace(PRESETS["iic"][0], seed=1, terms="")
    assert second == dataclasses.replace(PRESETS["authors"][0], seed=2, lambda_categorical=0.5)
    assert (third.preset, third.seed) == ("own", 3), "an unknown preset is no error"


def test_a_table_of_settings_names_the_field_that_a_run_changes(tmp_path):
    (tmp_path / "s.csv").write_text(
        "run,preset,seed,setting,value\na,authors,1,,\nb,authors,2,lambda_categorical,0.5\n"
    )
    first, second = (config_of(row) for _, row in read_runs([tmp_path / "s.csv"]).iterrows())
    assert (first.lambda_categorical, second.lambda_categorical) == (1, 0.5) and second.codes == first.codes


def test_whatever_differs_from_the_preset_is_written(tmp_path, digits):
    changes = {"terms": "r1:1", "leaky_slope": 0.3, "spectral_norm": True, "lr_g": 5e-4, "batch_size": 16}
    fit(tmp_path / "run", digits, updates=2, **changes)
    table = read_runs([tmp_path / "run"])
    runs.write(tmp_path / "kept", table, read_curves([tmp_path / "run"]))
    written = pd.read_csv(tmp_path / "kept" / "runs.csv")
    assert changes.keys() <= set(written) and "noise" not in written
    again = read_runs([tmp_path / "kept"])
    assert config_of(again.iloc[0]) == dataclasses.replace(
        config_of(table.iloc[0]), **{name: getattr(PRESETS["authors"][0], name) for name in runs.RUNTIME_FIELDS}
    )


def test_runs_of_one_name_in_two_places_keep_their_curves_apart(trained, tmp_path):
    shutil.copytree(trained / "b", tmp_path / "a")
    paths = [trained / "a", tmp_path / "a", trained / "a"]
    table, curves = read_runs(paths), read_curves(paths)
    assert table.run.tolist() == [str(trained / "a"), str(tmp_path / "a")]
    first, second = (metrics_of(curves, run).loss_d.tolist() for run in table.run)
    assert first != second == pd.read_csv(trained / "b" / "metrics.csv").loss_d.tolist()


def test_what_was_measured_of_images_and_of_codes_is_in_the_row(trained, tmp_path):
    shutil.copytree(trained / "a", run := tmp_path / "a")
    quality = {"frechet_distance": 0.5, "precision": 0.8, "recall": 0.7, "shown": [[90, 10], [40, 60]]}
    (run / "quality.json").write_text(json.dumps(quality | {"collapsed": True, "spread": 0.1}))
    (run / "figures").mkdir(exist_ok=True)
    effects = [{"code": 1, "where": where, "measure": "slant", "effect": 0.6} for where in ("within", "beyond")]
    agreement = [{"where": "within", "agreement": 0.9}, {"where": "code 0 beyond", "agreement": 0.8}]
    morphology = {"correlations": effects, "agreement": agreement}
    (run / "figures" / "morphology.json").write_text(json.dumps(morphology))
    panel = {"run": "a", "panel": "hair style", "factor": "Bangs", "null": {}, "normalised": 0.3, "collapsed": False}
    panels = [panel | {"traversal": {"explained_variance": 0.4, "relative_spread": 0.2}}, panel | {"run": "other"}]
    (run / "figures" / "figure6.json").write_text(json.dumps({"verdicts": panels}))
    row = read_runs([run]).iloc[0]
    assert (row.frechet_distance, row.sample_precision, row.sample_recall) == (0.5, 0.8, 0.7)
    assert row.worst_row == 0.6 and row.collapsed
    assert (row.c3_slant, row.c3_slant_beyond, row.agreement, row.c2_agreement_beyond) == (0.6, 0.6, 0.9, 0.8)
    assert row["figure6_hair-style_factor"] == "Bangs" and row["figure6_hair-style_explained_variance"] == 0.4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not a table"),
        ("a,b\n1,2\n", "has no column run, preset, seed"),
        ("run,preset,seed\na,iic,x\n", "row 1, has seed x: expected a int"),
        ("run,preset,seed,batch_size\na,iic,1,0\n", "batch_size is 0"),
        ("run,preset,seed\na,iic,1\na,iic,2\n", "two runs are named a"),
    ],
)
def test_a_table_that_is_none_of_runs_is_one_line(text, message, tmp_path):
    (tmp_path / "runs.csv").write_text(text)
    with pytest.raises(InputError, match=message) as raised:
        read_runs([tmp_path])
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("metrics.csv", "step,info_categorical_nats\n1,x\n"),
        ("metrics.csv", "step,loss_d\n1,2\n"),
        ("evaluations.csv", "step,accuracy\n1,y\n"),
        ("evaluations.csv", "step,accuracy\n,0.5\n"),
        ("quality.json", "["),
        ("config.json", "{}"),
    ],
)
def test_a_damaged_file_of_a_run_is_one_line_that_names_it(file, text, trained, tmp_path):
    shutil.copytree(trained / "a", tmp_path / "run")
    (tmp_path / "run" / file).write_text(text)
    with pytest.raises(InputError, match=file) as raised:
        read_runs([tmp_path / "run"])
        read_curves([tmp_path / "run"])
    assert "\n" not in str(raised.value)


def test_a_folder_without_curves_and_a_path_that_is_nothing(trained, tmp_path):
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(InputError, match="neither a run directory nor a folder with runs.csv"):
            read_runs([path])
    runs.write(tmp_path / "kept", read_runs([trained / "a"]), read_curves([trained / "a"]))
    (tmp_path / "kept" / "curves.csv.gz").write_bytes(b"no gzip")
    with pytest.raises(InputError, match="curves.csv.gz is not a table"):
        read_curves([tmp_path / "kept"])


def test_the_running_mean_is_over_fifty_updates_however_often_they_are_logged():
    for log_every, rows in ((1, 50), (10, 5), (25, 2), (100, 1)):
        steps = np.arange(log_every, 40 * log_every + 1, log_every)
        bound = pd.Series(np.random.default_rng(0).random(40))
        metrics = pd.DataFrame({"step": steps, "info_categorical_nats": bound})
        expected = bound.rolling(rows, min_periods=1, center=True).mean()
        assert runs.smoothed_bound(metrics).tolist() == pytest.approx(expected.tolist())
