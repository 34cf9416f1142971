"""What continuous codes change in shapes: strokes drawn as their codes say, and the small committed model."""

import json
import math

import numpy as np
import pytest
from conftest import ROOT, call, fit
from strokes import stroke

from infogan.inference import Codes
from infogan.metrics import feature_network
from infogan.reports import morphology


@pytest.fixture(scope="module")
def strokes():
    """Codes, and morphometrics of strokes: categories are heights, the codes slant and thickness."""
    random = np.random.default_rng(0)
    n = 100
    codes = Codes(random.integers(0, 2, (n, 1)), random.uniform(-1, 1, (n, 2)))
    images = np.stack(
        [
            stroke(slant=0.4 * slant, thickness=3.5 + thick, height=(14, 18)[category])
            for (category,), (slant, thick) in zip(codes.categories, codes.continuous)
        ]
    )
    return codes, morphology.shapes(images[..., None])


def by_measure(rows):
    return {row["measure"]: row for row in rows}


def test_each_code_correlates_with_its_own_measure(strokes):
    codes, measured = strokes
    slant, thickness = (by_measure(morphology.correlations(codes, measured, [2], code, "within")) for code in (0, 1))
    assert slant["slant"]["effect"] > 0.98 and slant["slant"]["low"] < slant["slant"]["effect"] < slant["slant"]["high"]
    assert thickness["thickness"]["effect"] > 0.85 and abs(thickness["slant"]["effect"]) < 0.2
    assert abs(slant["thickness"]["effect"]) < 0.5
    opposite = Codes(codes.categories, -codes.continuous)
    flipped = by_measure(morphology.correlations(opposite, measured, [2], 0, "within"))
    assert flipped["slant"]["effect"] == pytest.approx(-slant["slant"]["effect"])


def test_empty_images_are_left_out(strokes):
    codes, measured = strokes
    holed = measured.copy()
    holed[::10] = math.nan
    rows = by_measure(morphology.correlations(codes, holed, [2], 0, "within"))
    assert rows["slant"]["effect"] > 0.98


def test_the_small_committed_model_is_measured(tmp_path, monkeypatch):
    monkeypatch.setenv("INFOGAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(feature_network, "EPOCHS", 15)
    model, out = ROOT / "analysis" / "results" / "models" / "digits", tmp_path / "new" / "morphology.json"
    done = call("morphology", model, "--images", "60", "--out", out, folder="analysis")
    assert done.returncode == 0, done.stderr
    numbers = json.loads(out.read_text())
    found = [(row["code"], row["where"]) for row in numbers["correlations"]]
    assert len(set(found)) == 2 * 2 and all(found.count(one) >= 5 for one in found), "heights hardly vary"
    agreement = {row["where"]: row["agreement"] for row in numbers["agreement"]}
    assert agreement["within"] > 0.6 and set(agreement) == {"within", "code 0 beyond", "code 1 beyond"}
    assert all(row["where"] in ("within", "beyond") and abs(row["effect"]) <= 1 for row in numbers["correlations"])


def test_a_model_without_continuous_codes_is_refused(tmp_path, digits):
    fit(tmp_path / "run", digits, codes="10c")
    done = call("morphology", tmp_path / "run", folder="analysis")
    assert done.returncode == 1 and "codes 10c, none of them continuous" in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize("images", [-1, 1, 9])
def test_too_few_images_for_a_correlation_are_named(images, tmp_path):
    done = call("morphology", tmp_path, "--images", images, folder="analysis")
    assert done.returncode == 1 and f"images is {images}; give 10 or more" in done.stderr
    assert done.stderr.count("\n") == 1 and list(tmp_path.iterdir()) == []
