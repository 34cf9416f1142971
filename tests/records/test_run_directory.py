"""What identifies a run, and what may change when it is resumed."""

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
    changed = {
        "preset": "paper",
        "dataset": "mnist",
        "seed": 1,
        "codes": "10c",
        "noise": "10g",
        "q_std": "learned",
        "network": "mnist",
        "g_layers": "blog",
        "d_layers": "no-norm",
        "g_ema": 0.9,
        "diffaugment": "colour",
        "augmentation": "none",
        "initialisation": "blog",
        "leaky_slope": 0.1,
        "q_trunk": "own",
        "g_latent": "same",
        "spectral_norm": True,
        "lambda_categorical": 2.0,
        "lambda_continuous": 2.0,
        "info_flow": "q-head",
        "terms": "r1:1",
        "pretraining": 8,
        "lr_decay": 0.5,
        "d_loss": "mean",
        "lr_d": 1e-3,
        "lr_g": 2e-3,
        "beta1": 0.9,
        "batch_size": 16,
        "updates": 10,
        "precision": "bfloat16",
    }
    made = training.resolve(config())
    records.create(tmp_path, made)
    with pytest.raises(InputError, match="choose another --run-dir"):
        records.create(tmp_path, dataclasses.replace(made, **{name: changed[name]}))
    assert records.read_json(tmp_path / "config.json")["config"] == dataclasses.asdict(made)
