"""What identifies a run, and what may change when it is resumed."""

import copy
import dataclasses

import pytest
from conftest import config, fit, same_tensors

from infogan import records, training
from infogan.config import RUNTIME_FIELDS, Config, InputError

OTHER = {"device": "cpu", "log_every": 4, "evaluations": 5, "checkpoint_every": 3}


def test_logging_and_checkpoint_intervals_may_change_on_the_way(tmp_path, digits):
    assert set(OTHER) == set(RUNTIME_FIELDS)
    fit(tmp_path / "whole", digits, updates=20)
    fit(tmp_path / "parts", digits, updates=10)
    fit(tmp_path / "parts", digits, updates=20, **OTHER)
    assert same_tensors(tmp_path / "whole", tmp_path / "parts")
    stored = records.read_json(tmp_path / "parts" / "config.json")["config"]
    assert {name: stored[name] for name in OTHER} == OTHER, "the record has what the run goes on with"
    steps = [row["step"] for row in records.Table(tmp_path / "parts" / "metrics.csv").rows()]
    assert steps == [5, 10, 12, 16, 20]


@pytest.mark.parametrize(
    "name", [field.name for field in dataclasses.fields(Config) if field.name not in RUNTIME_FIELDS]
)
def test_every_field_of_the_recipe_identifies_a_run(name, tmp_path):
    made = training.resolve(config())
    records.create(tmp_path, made)
    other = copy.copy(made)  # past what a configuration refuses
    value = getattr(made, name)
    object.__setattr__(
        other, name, f"other {value}" if isinstance(value, str) else 2 * value + 1 if name != "updates" else 1
    )
    with pytest.raises(InputError, match="choose another --run-dir"):
        records.create(tmp_path, other)
    assert records.read_json(tmp_path / "config.json")["config"] == dataclasses.asdict(made)
