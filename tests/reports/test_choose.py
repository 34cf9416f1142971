"""The choice among seeds without labels."""

import json
import shutil

import pandas as pd
import pytest
from conftest import call, fit

from infogan.reports import choose
from infogan.utils.errors import InputError


def test_the_run_of_the_highest_index_is_chosen_whatever_the_accuracies(trained, tmp_path):
    runs = [tmp_path / name for name in ("a", "b", "gan")]
    for run in runs:
        shutil.copytree(trained / run.name, run)
    table = choose.measure(runs, None)
    best = table.run[table.information_nats.idxmax()]
    for run in runs:  # the chosen one is made the least accurate
        evaluation = json.loads((run / "evaluation.json").read_text())
        (run / "evaluation.json").write_text(json.dumps(evaluation | {"accuracy": 0.1 if run.name == best else 0.9}))
    done = call("choose", *runs, "--by", "information_nats", "--csv", tmp_path / "t.csv", folder="analysis")
    assert done.returncode == 0, done.stderr
    assert f"chosen by information_nats: {best}" in done.stdout
    assert "test accuracy: mean 0.633, 0.100 to 0.900" in done.stdout
    kept = pd.read_csv(tmp_path / "t.csv")
    assert list(kept.columns) == ["run", "preset", "seed", *choose.INDICES, "accuracy"]
    again = call("choose", tmp_path / "t.csv", "--by", "information_nats", folder="analysis")
    assert f"chosen by information_nats: {kept.run[kept.information_nats.idxmax()]}\n" in again.stdout
    rank = kept.information_nats.corr(kept.accuracy, method="spearman")
    assert f"information_nats {rank:.3f} 0.100" in " ".join(again.stdout.split()).replace("information_nats  ", "")


@pytest.mark.parametrize("codes", ["2u", "2x10c"])
def test_runs_need_one_categorical_code(tmp_path, digits, codes):
    fit(tmp_path / "run", digits, codes=codes)
    with pytest.raises(InputError, match=f"codes {codes.replace('+', '.')}; give runs with one categorical code"):
        choose.measure([tmp_path / "run"], None)


def test_one_run_is_no_choice(trained):
    done = call("choose", trained / "a", folder="analysis")
    assert done.returncode == 1 and "give two or more runs" in done.stderr
