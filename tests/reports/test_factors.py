"""Mutual information of codes with known factors, and with statistics of the images."""

import json
import math

import numpy as np
import pytest
import torch
from conftest import call, config

from infogan import data, training
from infogan.codes import Categorical, Continuous, Latent
from infogan.metrics.disentanglement import model_centrality
from infogan.metrics.image_statistics import image_statistics
from infogan.reports import factors, information


def test_known_factors_are_compared_with_the_codes(tmp_path):
    """A square at one of four places in one of three greys; no labels."""
    random = np.random.default_rng(0)
    factors = np.column_stack([random.integers(4, size=600), random.integers(3, size=600)])
    images = np.zeros((600, 8, 8), np.uint8)
    for image, (place, grey) in zip(images, factors):
        image[4 * (place // 2) :, 4 * (place % 2) :][:4, :4] = 85 * (grey + 1)
    name = str(tmp_path / "squares.npz")
    np.savez(name, images=images, factors=factors, factor_names=["place", "grey"])
    made = config(dataset=name, codes="4c+1u+3c")
    training.train(made, data.load(name), tmp_path / "run", "disabled", progress=False)
    done = call("factors", tmp_path / "run", folder="analysis")
    assert done.returncode == 0, done.stderr
    assert "factors: mutual information with each code in nats, 600 images" in done.stdout
    result = json.loads((tmp_path / "run" / "factors.json").read_text())["factors"]
    assert result["names"] == ["place", "grey"] and np.shape(result["information_nats"]) == (3, 2)
    assert result["entropy_nats"] == pytest.approx([math.log(4), math.log(3)], abs=0.02)
    null, best = [each["untrained"] for each in result["null"]], np.max(result["information_nats"], axis=0)
    assert [each["n"] for each in null] == [10, 10] and "best of untrained" in done.stdout
    expected = [(nats - each["mean_nats"]) / h for nats, each, h in zip(best, null, result["entropy_nats"])]
    assert np.max(result["normalised"], axis=0) == pytest.approx(expected)
    names = {"mig", "sap", "dci_disentanglement", "modularity", "explicitness", "beta_vae", "factor_vae"}
    assert names <= result["scores"].keys()


def test_statistics_of_images():
    images = torch.zeros(4, 3, 8, 8, dtype=torch.uint8)
    images[1] = 255
    images[2, :, 2:6, 2:6] = 255
    images[3, :, :, :4] = 255
    expected = [[0, 0, 0], [1, 0, 0], [0.25, 1, 0], [0.5, 0, 1]]
    assert image_statistics(images) == pytest.approx(np.array(expected))


def test_the_best_code_of_its_kind_is_compared():
    """A category that is the factor, and a number that is not: 1 and 0 of its entropy."""
    random = np.random.default_rng(0)
    factor = random.integers(4, size=(5000, 1))
    predicted = information.Predicted(np.column_stack([factor[:, 0], random.random(5000)]), (Categorical, Continuous))
    assert predicted.information(factor)[:, 0] == pytest.approx([math.log(4), 0], abs=0.01)
    assert predicted.information(factor, Continuous) == pytest.approx(np.zeros((1, 1)), abs=0.01)
    null = [{"untrained": {"n": 2, "mean_nats": 0.1}, "gan": {"n": 1, "mean_nats": 0.3}}]
    found = information.information(predicted, factor, ["place"], null)
    assert found["normalised"][0][0] == pytest.approx((math.log(4) - 0.3) / math.log(4), abs=0.01)


def test_regular_gans_join_the_null(trained):
    done = call("factors", trained / "a", "--null", trained / "gan", folder="analysis")
    assert done.returncode == 0, done.stderr
    result = json.loads((trained / "a" / "factors.json").read_text())["measured"]
    assert all(each["gan"]["n"] == 1 and each["untrained"]["n"] == 10 for each in result["null"])
    assert "best of gan" in done.stdout
    refused = call("factors", trained / "a", "--null", trained / "b", folder="analysis")
    assert refused.returncode == 1 and "give runs of a regular GAN" in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_runs_are_compared_by_model_centrality(trained, monkeypatch):
    monkeypatch.setattr(model_centrality, "GROUPS", 24)
    monkeypatch.setattr(model_centrality, "GROUP_SIZE", 10)
    monkeypatch.setattr(factors, "FREE_IMAGES", 200)
    runs = [trained / name for name in ("a", "b", "gan")]
    done = call("factors", runs[0], "--others", *runs[1:], folder="analysis")
    assert done.returncode == 0, done.stderr
    found = json.loads((runs[0] / "factors.json").read_text())["model_centrality"]
    similarity = np.array(found["similarity"])
    assert found["runs"] == [str(run) for run in runs] and similarity.shape == (3, 3)
    assert similarity.min() >= 1 / 3 and similarity.max() <= 1  # 24 groups share each of three codes 8 times
    expected = (similarity[0, 1:].sum() + similarity[1:, 0].sum()) / 4
    assert found["centrality"][0] == pytest.approx(expected) and "ModelCentrality" in done.stdout


def test_images_of_a_group_share_one_code():
    """Groups take turns in the codes; the other codes and the noise differ within a group."""
    latent = Latent("4c+2u", "3u")
    latents, shared = factors.shared_latents(latent, torch.Generator().manual_seed(0))
    groups = latents[factors.FREE_IMAGES :].unflatten(0, (model_centrality.GROUPS, model_centrality.GROUP_SIZE))
    assert shared[:4].tolist() == [0, 1, 2, 0]
    constant = (groups == groups[:, :1]).all(1)
    for code, columns in enumerate(latent.single_columns()):
        assert constant[shared == code, columns].all() and not constant[shared != code, columns].any()
    assert not constant[:, latent.code_width :].any()


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"codes": "10c"}, "has one code, which ModelCentrality cannot compare"), ({"side": 16}, "give runs of one")],
)
def test_runs_that_cannot_be_compared_are_named(trained, tmp_path, changes, message):
    random = np.random.default_rng(0)
    side = changes.pop("side", 8)
    np.savez(tmp_path / "noise.npz", images=random.integers(255, size=(400, side, side), dtype=np.uint8))
    name = str(tmp_path / "noise.npz")
    made = config(dataset=name, updates=1, **changes)
    training.train(made, data.load(name), tmp_path / "run", "disabled", progress=False)
    done = call("factors", trained / "a", "--others", tmp_path / "run", folder="analysis")
    assert done.returncode == 1 and message in done.stderr and "Traceback" not in done.stderr
