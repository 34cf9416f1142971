"""What a configuration can be: stored values of other types are refused by name, whoever wrote them."""

import dataclasses
import json

import pytest

from infogan import training
from infogan.config import Config, InputError, from_dict
from infogan.config.presets import PRESETS


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("seed", "0", "seed is '0'"),
        ("seed", 1.0, "seed is 1.0"),
        ("batch_size", None, "batch_size is None"),
        ("updates", True, "updates is True"),
        ("updates", 2**63, "updates is 9223372036854775808"),
        ("pretraining", [[2]], r"pretraining is \[\[2\]\]"),
        ("lr_d", "1e-3", "lr_d is '1e-3'"),
        ("batch_size", 1, "batch_size is 1"),
        ("updates", 0, "updates is 0"),
        ("lr_d", -1.0, "lr_d is -1.0"),
        ("lr_g", 2.0, "lr_g is 2.0"),
        ("beta1", 1.0, "beta1 is 1.0"),
        ("lambda_continuous", float("inf"), "lambda_continuous is inf"),
        ("pretraining", 1, "pretraining is 1"),
        ("lr_decay", 1.5, "lr_decay is 1.5"),
        ("info_flow", "sideways", "info_flow is 'sideways'"),
        ("device", "quantum", "device is 'quantum'; allowed: cpu, cuda"),
        ("lr_g", float("nan"), "lr_g is nan"),
        ("lambda_categorical", 10**400, "lambda_categorical is 1000.*"),
        ("spectral_norm", 1, "spectral_norm is 1"),
        ("codes", 10, "codes is 10"),
        ("preset", [], r"preset is \[\]"),
        ("dataset", "\x1b[2J", "give a string without control characters"),
        ("network", ["mnist"], r"network is \['mnist'\]"),
    ],
)
def test_a_field_of_another_type_or_range_is_named(name, value, message):
    with pytest.raises(InputError, match=message) as error:
        training.resolve(from_dict(dataclasses.asdict(Config()) | {name: value}))
    assert "\n" not in str(error.value) and len(str(error.value)) < 2500


@pytest.mark.parametrize("values", [None, [], 3, "x", [["seed", 1]], {1: 2}])
def test_what_is_no_configuration_is_named(values):
    with pytest.raises(InputError, match="a configuration is"):
        from_dict(values)


def test_every_preset_is_read_back_and_whole_numbers_are_numbers():
    for made, _ in PRESETS.values():
        assert from_dict(json.loads(json.dumps(dataclasses.asdict(made)))) == made
    assert from_dict({"lambda_categorical": 1, "preset": "iic"}) == Config(preset="iic")
