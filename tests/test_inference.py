"""A trained model in use: codes to images and back; weights alone; ONNX; the README's example."""

import dataclasses
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import ROOT, config, fit
from scipy.optimize import linear_sum_assignment

import infogan
from infogan import data, inference, networks, records, training
from infogan.inference import Codes
from infogan.inference.model_card import model_card
from infogan.metrics import clustering
from infogan.reports import export
from infogan.utils.errors import InputError


@pytest.fixture(scope="module")
def run(tmp_path_factory, digits):
    """Categorical and continuous codes alternate, so that a wrong order would show."""
    directory = tmp_path_factory.mktemp("used") / "run"
    chosen = config("paper", codes="10c+1u+5c+2u", noise="7u", updates=30)
    training.train(chosen, digits, directory, "disabled", progress=False)
    return directory


@pytest.fixture(scope="module")
def model(run):
    return infogan.load(run)


def test_shapes_and_determinism(model):
    codes = model.sample(6, seed=3)
    assert codes.categories.shape == (6, 2) and codes.continuous.shape == (6, 3)
    assert codes.categories.dtype == np.int64 and (codes.categories < [10, 5]).all()
    assert codes.continuous.dtype == np.float32 and (np.abs(codes.continuous) <= 1).all()
    images = model.generate(codes, seed=1)
    assert images.shape == (6, 8, 8, 1) and images.dtype == np.uint8
    assert (images == model.generate(codes, seed=1)).all() and (images != model.generate(codes, seed=2)).any()
    each = model.generate(codes, seed=np.array([4, 5, 4, 5, 4, 5]))
    assert (each[:1] == model.generate(Codes(codes.categories[:1], codes.continuous[:1]), seed=4)).all()


def test_codes_are_placed_in_the_order_of_the_specification(model):
    codes = model.sample(4, seed=0)
    z = model.latent.sample(4, torch.Generator().manual_seed(9))
    (first, second), (third, fourth, fifth) = codes.categories.T, codes.continuous.T
    for place, values in enumerate((first, third, second, fourth, fifth)):
        z = torch.cat([model.latent.set_code(z[i : i + 1], place, values[i].item()) for i in range(4)])
    assert (model.generate(codes, seed=9) == networks.generate(model.generator, z)).all()


@pytest.mark.parametrize(("codes", "shapes"), [("10c", ((3, 1), (3, 0))), ("2u", ((3, 0), (3, 2)))])
def test_codes_of_one_kind(tmp_path, digits, codes, shapes):
    """Vectors are one image's codes, or, of a single code, many images'."""
    training.train(config(codes=codes, updates=2, evaluations=1), digits, tmp_path, "disabled", progress=False)
    model = infogan.load(tmp_path)
    sampled = model.sample(3)
    assert (sampled.categories.shape, sampled.continuous.shape) == shapes
    images = model.generate(sampled, seed=1)
    assert model.recognise(images).categories.shape == shapes[0] and len(model.probabilities(images)) == shapes[0][1]
    first = Codes(sampled.categories[0], sampled.continuous[0])
    assert (model.generate(first, seed=np.array([1])) == model.generate(first, seed=1)).all()
    if codes == "10c":
        assert (model.generate(Codes(sampled.categories[:, 0], sampled.continuous), seed=1) == images).all()


def test_recognise_is_what_training_measures(model, digits, run):
    codes = model.recognise(digits.test.images.permute(0, 2, 3, 1))
    categories, means = networks.recognise(model.discriminator, model.latent, digits.test.images)
    assert (codes.categories == categories.numpy()).all() and np.allclose(codes.continuous, means.numpy())
    probabilities = model.probabilities(digits.test.images.permute(0, 2, 3, 1).numpy())
    assert [p.shape for p in probabilities] == [(300, 10), (300, 5)]
    assert (np.stack([p.argmax(1) for p in probabilities], 1) == codes.categories).all()
    assert np.allclose(probabilities[0].sum(1), 1, atol=1e-5)
    grey = digits.test.images[:, 0].numpy()
    assert (model.recognise(grey).categories == codes.categories).all(), "images of one channel need no axis for it"


@pytest.mark.parametrize(
    ("categories", "continuous", "seed", "message"),
    [
        ([[10, 0]], [[0, 0, 0]], 0, "categorical code 0 has category 10; give 0 to 9"),
        ([[0, -1]], [[0, 0, 0]], 0, "categorical code 1 has category -1; give 0 to 4"),
        ([[0, 0], [1, 1]], [[0, 0, 0]], 0, "categories of 2 images and continuous codes of 1"),
        ([[0]], [[0, 0, 0]], 0, "categories have shape (1, 1); give N x 2"),
        ([[0, 0]], [[0, 0]], 0, "continuous codes have shape (1, 2); give N x 3"),
        ([[0, 0]], [[0, 0, 0]], [1, 2], "seed has shape (2,) for 1 images"),
        ([[3.7, 0]], [[0, 0, 0]], 0, "categories have values such as 3.7; give whole numbers"),
        ([[np.nan, 0]], [[0, 0, 0]], 0, "categories have values such as nan; give whole numbers"),
        ([[3, 0]], [[0, np.inf, 0]], 0, "continuous codes have values such as inf; give finite numbers"),
        ([["a", "b"]], [[0, 0, 0]], 0, "categories are <U1; give real numbers"),
        (np.zeros((2, 5), int), np.zeros((3, 5)), 0, "categories have shape (2, 5); give N x 2"),  # transposed
        (np.zeros(4, int), np.zeros((2, 3)), 0, "categories have shape (4,); give N x 2"),
        ([[3, 0]], [[0, 0, 0]], 2**64, f"seed is {2**64}; give a whole number from 0"),
        ([[3, 0]], [[0, 0, 0]], -1, "seed is -1; give a whole number from 0"),
        ([[3, 0]], [[0, 0, 0]], 0.5, "seed is 0.5; give a whole number"),
        ([[3, 0]], [[0, 0, 0]], True, "seed is True; give a whole number"),
        ([[3, 0]], [[0, 1e39, 0]], 0, "continuous codes have values such as 1e+39; give finite numbers"),
    ],
)
def test_codes_and_seeds_that_cannot_be_meant_are_refused(model, categories, continuous, seed, message):
    with pytest.raises(InputError, match=re.escape(message)):
        model.generate(Codes(np.array(categories), np.array(continuous)), seed=seed)


def test_arrays_of_any_layout_and_byte_order_mean_the_same(model, digits):
    codes = model.sample(6)
    images = model.generate(codes)
    for categories, continuous in (
        (codes.categories.astype(">i8"), codes.continuous.astype(">f4")),
        (codes.categories.astype(float)[::-1][::-1], codes.continuous.astype(np.longdouble)),
        (torch.from_numpy(codes.categories), torch.from_numpy(codes.continuous).requires_grad_()),
    ):
        assert (model.generate(Codes(categories, continuous)) == images).all()
    assert (model.recognise(images[:, ::-1]).categories == model.recognise(images[:, ::-1].copy()).categories).all()
    assert (model.recognise(np.asfortranarray(images)).continuous == model.recognise(images).continuous).all()


def test_no_images_are_no_codes_and_no_codes_no_images(model):
    none = model.recognise(np.zeros((0, 8, 8, 1), np.uint8))
    assert none.categories.shape == (0, 2) and none.continuous.shape == (0, 3)
    assert [p.shape for p in model.probabilities(np.zeros((0, 8, 8), np.uint8))] == [(0, 10), (0, 5)]
    for seed in (0, np.zeros(0, int)):
        assert model.generate(none, seed).shape == (0, 8, 8, 1)
    assert model.sample(0).categories.shape == (0, 2)


@pytest.mark.parametrize(
    "images",
    [
        np.full((1, 8, 8, 1), 300.0),
        np.zeros((1, 8, 8, 3), np.uint8),
        np.zeros((1, 1, 8, 8), np.uint8),
        np.zeros((8, 8), np.uint8),
        np.zeros(0, np.uint8),
        np.zeros((1, 8, 8, 1), np.int64),
        np.zeros((1, 8, 8, 1), bool),
        torch.zeros(1, 8, 8, 1),
        [["a"]],
        None,
    ],
)
def test_images_that_are_not_the_models_are_refused(model, images):
    for use in (model.recognise, model.probabilities):
        with pytest.raises(InputError, match=r"images are .*; give uint8 N x "):
            use(images)


def test_rows_of_a_grid_are_categories(model):
    grid = inference.category_grid(model.generator, model.latent, seed=0)
    assert grid.shape == (10 * 10 - 2, 10 * 10 - 2, 1)
    reordered = inference.category_grid(model.generator, model.latent, seed=0, order=[3, *range(9)])
    assert np.array_equal(reordered[:8], grid[30:38])
    latent = inference.Latent("2u", "5u")
    generator, _ = networks.build((1, 8, 8), latent, seed=0)
    assert inference.category_grid(generator, latent, seed=0).shape == (8, 10 * 10 - 2, 1), "no categories, one row"


def test_weights_alone_are_a_model(model, tmp_path):
    saved = model.save(tmp_path / "small")
    again = infogan.load(saved)
    codes = model.sample(5)
    assert (again.generate(codes) == model.generate(codes)).all() and again.latent.codes == model.latent.codes
    assert (saved / records.CHECKPOINT).stat().st_size < (model.directory / records.CHECKPOINT).stat().st_size / 2
    assert dataclasses.asdict(again.config) == dataclasses.asdict(model.config)
    halved = model.save(tmp_path / "half", half=True)
    assert (halved / records.CHECKPOINT).stat().st_size < 0.52 * (saved / records.CHECKPOINT).stat().st_size
    reloaded = infogan.load(halved)
    assert next(reloaded.generator.parameters()).dtype == torch.float32, "float16 is for the file alone"
    assert np.abs(reloaded.generate(codes).astype(int) - model.generate(codes)).max() <= 3
    with pytest.raises(InputError, match="holds the run itself"):
        model.save(model.directory)
    model.save(saved)
    names = sorted(path.name for path in saved.iterdir())
    assert names == ["categories.json", records.CHECKPOINT, "config.json"], "no second copy of the weights"


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
        (output,) = session.run(None, {session.get_inputs()[0].name: given.numpy()})
        with torch.no_grad():
            assert np.abs(output - expected().numpy()).max() < 1e-4
    card = (out / "README.md").read_text()
    assert card.startswith("---\nlibrary_name: infogan\n"), "what the Hugging Face Hub reads"
    for part in ("## Intended use", "## Training", "## Evaluation", "## Limits", "generator.onnx", "recogniser.onnx"):
        assert part in card
    assert infogan.load(out).step == 30
    first, *listed = done.stdout.splitlines()
    assert first == f"wrote to {out}/" and [line.split()[0] for line in listed] == sorted(p.name for p in out.iterdir())
    assert done.stderr == "", "no warnings"


def test_an_export_takes_the_place_of_another_and_never_of_the_run(run, tmp_path, monkeypatch):
    out = tmp_path / "out"
    out.mkdir()
    (out / "generator.onnx").write_text("of another model")
    monkeypatch.setattr(sys, "argv", ["export", str(run), "--out", str(out), "--no-onnx"])
    export.main()
    assert not (out / "generator.onnx").exists() and (out / "config.json").exists()
    monkeypatch.setattr(sys, "argv", ["export", str(run), "--out", str(run)])
    with pytest.raises(InputError, match="is the run itself"):
        export.main()


def test_the_hub_gets_and_gives_the_same_model(run, model, tmp_path, monkeypatch):
    """By the hub's mixin, offline: a local folder, and a repository in the hub's cache."""
    hub = pytest.importorskip("infogan.inference.hub")
    with pytest.raises(InputError, match="holds the model itself"):
        hub.HubModel(str(run)).save_pretrained(run)
    assert (Path(run) / "config.json").exists()
    hub.HubModel(str(run)).save_pretrained(tmp_path / "kept")
    codes = model.sample(4)
    for again in (hub.HubModel.from_pretrained(str(tmp_path / "kept")), infogan.load(tmp_path / "kept")):
        assert (again.generate(codes) == model.generate(codes)).all() and again.step == model.step
    assert "## Intended use" in (tmp_path / "kept" / "README.md").read_text()
    assert json.loads((tmp_path / "kept" / "config.json").read_text())["config"]["dataset"] == "digits"

    broken = shutil.copytree(tmp_path / "kept", tmp_path / "broken")
    (broken / "config.json").write_text("[]")
    with pytest.raises(InputError, match="is JSON, but no object"):
        hub.HubModel.from_pretrained(broken)
    snapshots = tmp_path / "cache" / "models--me--digits"
    (snapshots / "refs").mkdir(parents=True)
    (snapshots / "refs" / "main").write_text("0" * 40)
    shutil.copytree(tmp_path / "kept", snapshots / "snapshots" / ("0" * 40))
    found = hub.HubModel.from_pretrained("me/digits", cache_dir=tmp_path / "cache", local_files_only=True)
    assert (found.generate(codes) == model.generate(codes)).all()


def test_a_model_saved_in_part_over_another_is_none(run, model, tmp_path, monkeypatch):
    """Weights of one model beside the configuration of another would load, where their shapes are the same."""
    model.save(tmp_path)

    def killed(path, content):
        raise KeyboardInterrupt

    monkeypatch.setattr("infogan.records.write_json", killed)
    with pytest.raises(KeyboardInterrupt):
        model.save(tmp_path)
    with pytest.raises(InputError, match="config.json cannot be read"):
        infogan.load(tmp_path)


def test_a_hub_path_that_leads_nowhere_is_one_line(monkeypatch):
    hub = pytest.importorskip("infogan.inference.hub")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    for name in ("nope", "runs/nope", "a/b/c", "/nope", "./nope", "me/nope\n"):
        with pytest.raises(InputError, match="is no directory, and cannot be had from the hub") as error:
            hub.HubModel.from_pretrained(name)
        assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="is nope a run directory"):
        infogan.load("nope")


def test_names_of_classes_are_recorded_and_are_those_of_categories(digits, tmp_path):
    """Labels 10, 20, ... become class numbers; records say which is which. Categories are matched to them on validation
    images, which are measured here by other means."""
    names = tuple(str(10 * (label + 1)) for label in range(10))
    parts = (dataclasses.replace(part, classes=names) for part in (digits.train, digits.validation, digits.test))
    training.train(config(updates=2), data.Dataset("named", *parts), tmp_path / "run", "disabled", progress=False)
    evaluation = records.read_json(tmp_path / "run" / "evaluation.json")
    assert evaluation["classes"] == list(names)
    model = infogan.load(tmp_path / "run")
    predicted = model.recognise(digits.validation.images.permute(0, 2, 3, 1)).categories[:, 0]
    table = np.array([np.bincount(digits.validation.labels[predicted == k], minlength=10) for k in range(10)])
    expected = {
        k: (names[label], table[k, label] / table[k].sum())
        for k, label in zip(*linear_sum_assignment(table, maximize=True))
        if table[k, label]
    }
    assert expected and model.category_names == [expected.get(k) for k in range(10)]
    saved = infogan.load(model.save(tmp_path / "saved"))
    assert saved.category_names == model.category_names
    card = model_card(saved, evaluation, {}, half=False)
    k, (name, share) = next(iter(expected.items()))
    assert f"| {k} | {name} | {100 * share:.0f} % |" in card
    assert model.codes(2, category=name).categories[:, 0].tolist() == [k, k]
    with pytest.raises(InputError, match="no category is called 'cat'; names are '"):
        model.codes(1, category="cat")

    older = tmp_path / "saved" / "categories.json"
    older.unlink()
    assert infogan.load(older.parent).category_names is None
    infogan.load(older.parent).save(tmp_path / "run2")
    assert not (tmp_path / "run2" / "categories.json").exists()
    older.write_text('{"step": 2, "n_images": 9, "codes": [[null]]}')
    with pytest.raises(InputError, match=r"categories.json is not of codes 10c\+2u"):
        infogan.load(older.parent)


def test_d_is_left_out_where_q_has_a_trunk_of_its_own(tmp_path, digits):
    fit(tmp_path / "run", digits, q_trunk="own", updates=2)
    model = infogan.load(tmp_path / "run")
    saved = infogan.load(infogan.load(model.save(tmp_path / "one")).save(tmp_path / "two"))
    names = records.load_checkpoint(tmp_path / "two")[0]
    assert names and not [name for name in names if name.startswith(inference.D_ALONE)]
    images = model.generate(model.sample(20, seed=0), seed=0)
    assert np.array_equal(saved.generate(saved.sample(20, seed=0), seed=0), images)
    assert np.array_equal(saved.recognise(images).continuous, model.recognise(images).continuous)


def test_the_shipped_mnist_model_has_the_accuracy_of_its_card(data_dir):
    folder = ROOT / "analysis" / "results" / "models" / "mnist-iic"
    model, card = infogan.load(folder), records.read_json(folder / "evaluation.json")
    test = data.load("mnist", data_dir).test
    categories = model.recognise(test.images[:, 0]).categories[:, 0]
    measured = clustering.code_to_label(categories, test.labels.numpy(), 10)["accuracy"]
    # On another processor rounding may change the category of an image or two.
    assert measured == pytest.approx(card["accuracy"], abs=2e-4)
    codes = model.sample(500)
    assert (model.recognise(model.generate(codes)).categories == codes.categories).mean() > 0.97
