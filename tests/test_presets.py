"""How a configuration differs from its preset, where the preset's codes follow the data."""

import dataclasses

import pytest

from infogan.config.presets import CODES_FOLLOW_DATA, PRESETS, begin, changed_fields, describe


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ("10c+2u", "iic"),  # every committed run of it
        ("auto", "iic"),
        ("26c+2u", "iic (codes 26c+2u)"),
        ("10c", "iic (codes 10c)"),
    ],
)
def test_codes_of_ten_classes_and_those_a_command_begins_with_are_no_change(codes, expected):
    assert describe(dataclasses.replace(begin("iic"), codes=codes)) == expected


@pytest.mark.parametrize(
    ("preset", "changes", "expected"),
    [
        ("authors", {"leaky_slope": 0.1, "g_latent": "same"}, "authors (leaky_slope 0.1, g_latent same)"),
        ("authors", {"leaky_slope": 0.01, "seed": 3, "updates": 9, "precision": "float32"}, "authors"),
        ("iic", {"q_trunk": "shared"}, "iic (q_trunk shared)"),
    ],
)
def test_a_recipe_is_the_preset_and_what_was_changed_in_it(preset, changes, expected):
    assert describe(dataclasses.replace(PRESETS[preset][0], **changes)) == expected


@pytest.mark.parametrize("name", PRESETS)
def test_a_command_begins_with_the_preset_itself_but_for_codes_that_follow_the_data(name):
    preset = PRESETS[name][0]
    assert preset.preset == name and preset.codes != "auto", "what reads a preset finds codes"
    assert begin(name) == (dataclasses.replace(preset, codes="auto") if name in CODES_FOLLOW_DATA else preset)
    assert changed_fields(begin(name)) == changed_fields(preset) == {}
    if name not in CODES_FOLLOW_DATA:
        assert changed_fields(dataclasses.replace(preset, codes="auto")) == {"codes": "auto"}
