"""A trained model in use: codes in, images out, and back; weights alone; ONNX; the README's example."""

import dataclasses
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from conftest import ROOT, config

import infogan
from infogan import data, networks, records, training
from infogan.config import InputError
from infogan.inference import Codes
from infogan.metrics import clustering


@pytest.fixture(scope="module")
def run(tmp_path_factory, digits):
    """Two categorical codes and continuous ones between and after, so that an order mixed up would show."""
    directory = tmp_path_factory.mktemp("used") / "run"
    chosen = config("paper", codes="10c+1u+5c+2u", noise="7u", updates=30)
    records.create(directory, training.resolve(chosen))
    training.fit(chosen, digits, directory, progress=False)
    return directory


@pytest.fixture(scope="module")
def model(run):
    return infogan.load(run)


def test_shapes_and_determinism(model):
    codes = model.sample(6, seed=3)
    assert codes.categories.shape == (6, 2) and codes.continuous.shape == (6, 3)
    assert (
        codes.categories.dtype == np.int64
        and (codes.categories < [10, 5]).all()
        and (np.abs(codes.continuous) <= 1).all()
    )
    images = model.generate(codes, seed=1)
    assert images.shape == (6, 8, 8, 1) and images.dtype == np.uint8
    assert (images == model.generate(codes, seed=1)).all() and (images != model.generate(codes, seed=2)).any()
    each = model.generate(codes, seed=np.array([4, 5, 4, 5, 4, 5]))
    assert (each[:1] == model.generate(Codes(codes.categories[:1], codes.continuous[:1]), seed=4)).all()


def test_codes_go_where_the_specification_says(model):
    codes = model.sample(4, seed=0)
    z = model.latent.sample(4, torch.Generator().manual_seed(9))
    for code, (values, place) in enumerate(
        (
            (codes.categories[:, 0], 0),
            (codes.continuous[:, 0], 1),
            (codes.categories[:, 1], 2),
            (codes.continuous[:, 1], 3),
            (codes.continuous[:, 2], 4),
        )
    ):
        z = torch.cat([model.latent.place(z[i : i + 1], place, values[i].item()) for i in range(4)])

    assert (model.generate(codes, seed=9) == networks.generate(model.generator, z)).all()


def test_recognise_is_what_training_measures(model, digits, run):
    codes = model.recognise(digits.test.images.permute(0, 2, 3, 1))
    categories, means = networks.recognise(model.discriminator, model.latent, digits.test.images)
    assert (codes.categories == categories.numpy()).all() and np.allclose(codes.continuous, means.numpy())
    probabilities = model.probabilities(digits.test.images.permute(0, 2, 3, 1).numpy())
    assert [p.shape for p in probabilities] == [(300, 10), (300, 5)]
    assert (np.stack([p.argmax(1) for p in probabilities], 1) == codes.categories).all() and np.allclose(
        probabilities[0].sum(1), 1, atol=1e-5
    )
    assert (model.recognise(digits.test.images[:, 0].numpy()).categories == codes.categories).all(), (
        "grey images need no channel"
    )


def test_bad_input_is_named(model):
    for categories, continuous, message in (
        ([[10, 0]], [[0, 0, 0]], "categorical code 0 has categories [10]; give 0 to 9"),
        ([[0, -1]], [[0, 0, 0]], "categorical code 1 has categories [-1]; give 0 to 4"),
        ([[0, 0], [1, 1]], [[0, 0, 0]], "categories of 2 images and continuous codes of 1"),
    ):
        with pytest.raises(InputError, match=re.escape(message)):
            model.generate(Codes(np.array(categories), np.array(continuous)))
    with pytest.raises(InputError, match="2 seeds for 1 images"):
        model.generate(model.sample(1), seed=np.array([1, 2]))
    with pytest.raises(
        InputError, match=re.escape("images are float32 of shape (1, 8, 8, 1); give uint8 N x 8 x 8 x 1")
    ):
        model.recognise(np.zeros((1, 8, 8), np.float32))
    with pytest.raises(InputError, match="is nowhere a run directory"):
        infogan.load("nowhere")


def test_weights_alone_are_a_model(model, tmp_path):
    saved = model.save(tmp_path / "small")
    again = infogan.load(saved)
    codes = model.sample(5)
    assert (again.generate(codes) == model.generate(codes)).all() and again.latent.codes == model.latent.codes
    assert (saved / records.CHECKPOINT).stat().st_size < (model.directory / records.CHECKPOINT).stat().st_size / 2
    assert dataclasses.asdict(again.config) == dataclasses.asdict(model.config)
    halved = model.save(tmp_path / "half", half=True)
    assert (halved / records.CHECKPOINT).stat().st_size < 0.52 * (saved / records.CHECKPOINT).stat().st_size
    read = infogan.load(halved)
    assert next(read.generator.parameters()).dtype == torch.float32, "float16 is for the file alone"
    assert np.abs(read.generate(codes).astype(int) - model.generate(codes)).max() <= 3
    with pytest.raises(InputError, match="holds the run itself"):
        model.save(model.directory)
    model.save(saved)
    assert sorted(path.name for path in saved.iterdir()) == [records.CHECKPOINT, "config.json"], (
        "no second copy of the weights"
    )


def test_export_writes_equal_onnx_and_a_card(run, model, tmp_path, script_environment, digits):
    out = tmp_path / "out"
    command = [sys.executable, str(ROOT / "analysis" / "export.py"), str(run), "--out", str(out), "--half"]
    done = subprocess.run(command, env=script_environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    import onnxruntime

    assert "float16" in (out / "README.md").read_text()
    images = digits.test.images[:37].float() / 255
    for name, given, expected in (
        ("recogniser", images, lambda: model.discriminator(images)[1]),
        ("generator", (z := model.latent.sample(3, torch.Generator().manual_seed(5))), lambda: model.generator(z)),
    ):
        session = onnxruntime.InferenceSession(str(out / f"{name}.onnx"))
        with torch.no_grad():
            difference = np.abs(
                session.run(None, {session.get_inputs()[0].name: given.numpy()})[0] - expected().numpy()
            ).max()
        assert difference < 1e-4
    card = (out / "README.md").read_text()
    for part in ("**Data**", "**Training**", "**Accuracy**", "**Limits**", "generator.onnx", "recogniser.onnx"):
        assert part in card
    assert infogan.load(out).step == 30


def test_the_readmes_example_runs(tmp_path):
    """The fenced example under "Using a model", as it stands, on the model that comes with the repository."""
    readme = (ROOT / "README.md").read_text()
    (code,) = re.findall(r"```python\n(from infogan import load\n.*?)```", readme, re.DOTALL)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr


def test_the_mnist_model_that_comes_along_does_what_its_card_says(data_dir):
    folder = ROOT / "analysis" / "results" / "models" / "mnist-best"
    model, told = infogan.load(folder), records.read_json(folder / "evaluation.json")
    test = data.load("mnist", data_dir).test
    read = model.recognise(test.images[:, 0]).categories[:, 0]
    measured = clustering.code_to_label(read, test.labels.numpy(), 10, False)["accuracy"]
    assert measured == pytest.approx(told["accuracy"], abs=2e-4), (
        "a digit or two may round otherwise on another processor"
    )
    codes = model.sample(500)
    assert (model.recognise(model.generate(codes)).categories == codes.categories).mean() > 0.97
