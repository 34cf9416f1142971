"""Every committed configuration and model can be read, those of earlier versions included."""

import importlib.util
import json
import re

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT

import infogan
from infogan import terms, training
from infogan.config import from_dict
from infogan.presets import PRESETS, changed_fields, describe

RESULTS = ROOT / "analysis" / "results"
CONFIGS = sorted(RESULTS.glob("**/config.json"))
MODELS = sorted(path.parent for path in RESULTS.glob("models/*/config.json"))


def name(path) -> str:
    return str(path.relative_to(RESULTS))


def test_there_are_configurations_and_models():
    assert len(CONFIGS) >= 77 and [model.name for model in MODELS] == ["digits", "mnist-iic"]


@pytest.mark.parametrize("path", CONFIGS, ids=name)
def test_a_committed_configuration_is_read(path):
    """It names a preset, keeps its values under their present names, and is one that can be trained."""
    stored = json.loads(path.read_text())["config"]
    config = from_dict(stored)
    assert config.preset in PRESETS and describe(config).startswith(config.preset)
    earlier = {"iic": stored.get("consistency", 0), "pseudo-labels": stored.get("hold", 0)}
    if "terms" not in stored:
        assert {term.name: term.weight for term in terms.parse(config.terms)} == {k: v for k, v in earlier.items() if v}
        assert (config.pretraining, config.lr_decay) == (stored.get("warm_up", 0), stored.get("cool_down", 0))
    unchanged = {key: value for key, value in stored.items() if hasattr(config, key) and key != "preset"}
    assert {key: getattr(config, key) for key in unchanged} == unchanged
    assert training.resolve(config).codes == stored["codes"]
    assert config.preset != "iic" or "codes" not in changed_fields(config)


def test_earlier_names_are_read_as_the_present_ones():
    earlier = {"preset": "best", "consistency": 1.0, "hold": 2.0, "warm_up": 1000, "cool_down": 1.0, "d_norm": "apart"}
    config = from_dict(earlier)
    assert (config.preset, config.terms) == ("iic", "iic:1+pseudo-labels:2")
    assert (config.pretraining, config.lr_decay) == (1000, 1.0)
    assert from_dict({"consistency": 0.0, "hold": 0.0}).terms == ""


@pytest.mark.parametrize("directory", MODELS, ids=name)
def test_a_committed_model_generates_and_recognises(directory):
    model = infogan.load(directory)
    codes = model.sample(64, seed=0)
    images = model.generate(codes, seed=0)
    channels, height, width = model.image_shape
    assert images.shape == (64, height, width, channels) and images.dtype == np.uint8 and images.std() > 20
    predicted = model.recognise(images)
    assert predicted.continuous.shape == codes.continuous.shape
    assert (predicted.categories == codes.categories).mean() > 0.8


def test_the_scorecards_command_reads_every_run_that_it_lists():
    page = (ROOT / "docs" / "scorecard.md").read_text()
    [folders] = re.findall(r"infogan claims (\S+)/\{(.+?)\}/(\S+)/ ", page)
    runs = {path.name for folder in folders[1].split(",") for path in (ROOT / folders[0] / folder).glob(folders[2])}
    listed = pd.read_csv(ROOT / "analysis" / "results" / "scorecard-runs.csv")
    assert set(listed.run) <= runs and {path.name for path in (ROOT / folders[0]).glob("*/longer-seed*/")} <= set(
        listed.run
    )


@pytest.fixture(scope="module")
def speckle():
    spec = importlib.util.spec_from_file_location("speckle", RESULTS / "speckle" / "speckle.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("spot", "level", "found"),
    [
        ([(20, 20)], 255, True),
        ([(20, 20), (21, 21)], 255, True),  # touch at a corner: one spot of two pixels
        ([(20, 20), (20, 21), (21, 20), (21, 21), (22, 20)], 255, False),  # five pixels
        ([(11, 11)], 255, False),  # touches the stroke at a corner
        ([(20, 20)], 63, False),  # too dark
        ([], 0, False),
    ],
)
def test_a_spot_is_a_small_bright_group_apart_from_the_stroke(spot, level, found, speckle):
    image = np.zeros((28, 28), np.uint8)
    image[2:11, 10] = 255
    for at in spot:
        image[at] = level
    assert speckle.has_spot(image) == found


def test_the_committed_counts_of_spots_are_of_the_committed_grids(speckle):
    counted = pd.read_csv(RESULTS / "speckle" / "speckle.csv").dropna(subset=["grid"])
    assert sorted(counted.grid) == sorted(
        str(path.relative_to(RESULTS)) for pattern in speckle.GRIDS.values() for path in RESULTS.glob(pattern)
    )
    for row in counted.itertuples():
        images = speckle.cells(RESULTS / row.grid)
        found = [sum(speckle.has_spot(image, level) for image in images) for level in (64, 128)]
        assert (len(images), *found) == (row.images, row.with_spot, row.with_spot_128), row.grid
