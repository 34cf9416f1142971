"""What continuous codes do to shape: strokes that obey their codes, and the script on the small model."""

import json
import math
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT, load_script
from test_morphometrics import stroke

from infogan.inference import Codes

morphology = load_script("morphology", "analysis")


@pytest.fixture(scope="module")
def obedient():
    """Strokes of two categories (heights), slanted by the first code and thickened by the second."""
    random = np.random.default_rng(0)
    n = 100
    codes = Codes(random.integers(0, 2, (n, 1)), random.uniform(-1, 1, (n, 2)))
    images = np.stack([
        stroke(slant=0.4 * slant, thickness=3.5 + thick, height=(14, 18)[category]) for (category,), (slant, thick) in zip(codes.categories, codes.continuous)
    ])  # fmt: skip
    return codes, morphology.shapes(images[..., None])


def by_measure(rows):
    return {row["measure"]: row for row in rows}


def test_each_code_moves_its_own_measure(obedient):
    codes, measured = obedient
    slant, thickness = (by_measure(morphology.correlations(codes, measured, [2], code, "within")) for code in (0, 1))
    assert slant["slant"]["effect"] > 0.98 and slant["slant"]["low"] < slant["slant"]["effect"] < slant["slant"]["high"]
    assert thickness["thickness"]["effect"] > 0.85 and abs(thickness["slant"]["effect"]) < 0.2
    assert abs(slant["thickness"]["effect"]) < 0.5 and slant["slant"]["alone"] > 0.9
    flipped = by_measure(
        morphology.correlations(Codes(codes.categories, -codes.continuous), measured, [2], 0, "within")
    )
    assert flipped["slant"]["effect"] == pytest.approx(-slant["slant"]["effect"])


def test_empty_images_are_left_out(obedient):
    codes, measured = obedient
    holed = measured.copy()
    holed[::10] = math.nan
    rows = by_measure(morphology.correlations(codes, holed, [2], 0, "within"))
    assert rows["slant"]["effect"] > 0.98


def test_the_script_measures_the_small_model(tmp_path, script_environment):
    environment = script_environment | {"INFOGAN_CACHE": str(tmp_path / "cache")}
    model, out = ROOT / "analysis" / "results" / "models" / "digits", tmp_path / "morphology.png"
    command = [
        sys.executable,
        str(ROOT / "analysis" / "morphology.py"),
        str(model),
        "--images",
        "60",
        "--out",
        str(out),
    ]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    numbers = json.loads(out.with_suffix(".json").read_text())
    assert len(numbers["correlations"]) == 2 * 2 * 6 and out.stat().st_size > 5000
    agreement = {row["where"]: row["agreement"] for row in numbers["agreement"]}
    assert agreement["within"] > 0.6 and set(agreement) == {"within", "code 0 beyond", "code 1 beyond"}
    assert all(row["where"] in ("within", "beyond") and abs(row["effect"]) <= 1 for row in numbers["correlations"])
