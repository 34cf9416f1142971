"""`infogan generate` and `infogan recognise`: what they write and print, and that bad input leaves nothing behind."""

import csv
import dataclasses
import sys

import numpy as np
import pytest
import torch
from conftest import fit
from PIL import Image

import infogan
from infogan import cli, data
from infogan.cli import recognise
from infogan.records import pictures
from infogan.utils.errors import InputError


@pytest.fixture(scope="module")
def run(tmp_path_factory, digits):
    directory = tmp_path_factory.mktemp("used") / "run"
    fit(directory, digits, codes="4c+1u+3c+1u", updates=20)
    return directory


@pytest.fixture(scope="module")
def model(run):
    return infogan.load(run)


@pytest.fixture
def call(monkeypatch, tmp_path, run):
    def call(name, *arguments):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["infogan", name, str(run), *map(str, arguments)])
        cli._main()

    return call


def test_the_python_api_and_the_command_have_the_same_words(call, model, tmp_path):
    call("generate", "--category", "3", "--code", "c2=-1:1:9", "c3=1", "--seed", "5", "--out", "x.npz")
    arrays = np.load(tmp_path / "x.npz", allow_pickle=False)
    seed = np.full(9, 5)
    codes = model.codes(9, seed, category=3, c2=np.linspace(-1, 1, 9), c3=1)
    assert (arrays["images"] == model.generate(codes, seed)).all() and arrays["images"].shape == (9, 8, 8, 1)
    assert (arrays["categories"] == [3, 1]).all() and np.allclose(arrays["continuous"][:, 0], np.linspace(-1, 1, 9))
    assert len(np.unique(arrays["continuous"][:, 1])) == 1, "what is not given is that of the seed"
    assert (arrays["seeds"] == 5).all()


def test_codes_that_are_not_given_belong_to_the_seed_as_the_noise_does(model):
    z = model.latent.sample(1, torch.Generator().manual_seed(7))
    categories, continuous = model.latent.read(z)
    codes = model.codes(3, np.array([7, 7, 8]))
    assert (codes.categories[:2] == categories.numpy()).all() and (codes.continuous[:2] == continuous.numpy()).all()
    assert (codes.continuous[2] != codes.continuous[1]).all()
    drawn, sampled = model.codes(4, 1, c2=0.25), model.sample(4, 1)
    assert (drawn.categories == sampled.categories).all() and (drawn.continuous[:, 1] == sampled.continuous[:, 1]).all()
    assert (drawn.continuous[:, 0] == 0.25).all()


def test_a_grid_has_a_row_for_each_category(call, model, tmp_path):
    call("generate", "--count", "3", "--out", "deep/grid.png")
    seeds = np.arange(3)
    rows = [model.generate(model.codes(3, seeds, category=k), seeds) for k in range(4)]
    expected = pictures.tile(np.concatenate(rows), 4)
    assert (np.asarray(Image.open(tmp_path / "deep" / "grid.png")) == expected[..., 0]).all()
    call("generate", "--count", "3", "--category", "2", "0", "--out", "two.png")
    expected = pictures.tile(np.concatenate([rows[2], rows[0]]), 2)
    assert (np.asarray(Image.open(tmp_path / "two.png")) == expected[..., 0]).all()


def test_single_writes_a_file_for_each_image(call, model, tmp_path):
    call("generate", "--category", "1", "--count", "11", "--single", "--out", "ones")
    assert sorted(path.name for path in (tmp_path / "ones").iterdir()) == [f"{i:02}.png" for i in range(11)]
    image = model.generate(model.codes(1, 4, category=1), 4)[0, ..., 0]
    assert (np.asarray(Image.open(tmp_path / "ones" / "04.png")) == image).all()
    with pytest.raises(InputError, match="out is ones, which exists"):
        call("generate", "--single", "--out", "ones")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--category", "cat"), "no category is called 'cat'; names are '"),
        (("--category", "4"), "c1 has category 4; give 0 to 3"),
        (("--code", "c5=1"), r"there is no code c5; the model 4c\+1u\+3c\+1u has c1, c2, c3, c4"),
        (("--code", "c3=0.5"), "c3 have values such as 0.5; give whole numbers"),
        (("--code", "c2=nan"), "c2 have values such as nan; give finite numbers"),
        (("--code", "c2"), "code is 'c2'; write NAME=VALUE or NAME=FROM:TO:COUNT"),
        (("--code", "c2=-1:1"), "code is 'c2=-1:1'; write"),
        (("--code", "c2=-1:1:0"), "code is 'c2=-1:1:0'; write"),
        (("--code", "c2=-1:1:3", "c4=-1:1:3"), "code gives a second range"),
        (("--code", "c2=1", "c2=2"), "code gives c2 twice"),
        (("--category", "1", "--code", "c1=2"), "category and c1 are the same code"),
        (("--count", "0"), "count is 0; give 1 to 1000"),
        (("--seed", "-1"), "seed is -1; give a whole number"),
    ],
)
def test_options_that_cannot_be_used_leave_nothing_behind(options, message, call, tmp_path):
    for out in (("--out", "x.png"), ("--out", "x.npz"), ("--single", "--out", "x")):
        with pytest.raises(InputError, match=message):
            call("generate", *options, *out)
    assert list(tmp_path.iterdir()) == []


def test_a_name_of_no_known_kind_and_a_model_without_categories_are_named(call, digits, tmp_path):
    with pytest.raises(InputError, match="out is x.gif; give a name that ends with .png or .npz, or --single"):
        call("generate", "--out", "x.gif")
    fit(tmp_path / "continuous", digits, codes="2u", updates=2, evaluations=1)
    model = infogan.load(tmp_path / "continuous")
    with pytest.raises(InputError, match="category is 1, and the model's codes 2u have none: leave it out"):
        model.codes(category=1)
    assert model.codes(3, c1=0.5).continuous[:, 0].tolist() == [0.5] * 3


@pytest.fixture
def files(tmp_path, digits):
    images = digits.test.images[:5, 0].numpy()
    for i, image in enumerate(images):
        Image.fromarray(image).save(tmp_path / f"{i}.png")
    Image.fromarray(images[0]).resize((64, 64), Image.Resampling.NEAREST).save(tmp_path / "large.png")
    return images


def test_recognise_prints_what_the_model_says(call, model, files, capsys):
    call("recognise", *(f"{i}.png" for i in range(5)), "large.png", "--csv")
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    codes, probabilities = model.recognise(files), model.probabilities(files)
    assert [row["file"] for row in rows] == [*(f"{i}.png" for i in range(5)), "large.png"]
    for i, row in enumerate(rows[:5]):
        for k, name in enumerate(("c1", "c3")):
            category = int(row[f"category_{name}"])
            assert category == codes.categories[i, k] == probabilities[k][i].argmax()
            assert float(row[f"probability_{name}"]) == pytest.approx(probabilities[k][i].max(), abs=1e-4)
        assert [float(row[name]) for name in ("c2", "c4")] == pytest.approx(codes.continuous[i], abs=1e-4)
    assert rows[5] == rows[0] | {"file": "large.png"}, "a larger file of the same pixels"
    call("recognise", "0.png", "large.png")
    lines = capsys.readouterr().out.splitlines()
    assert (
        len(lines) == 3 and len({len(line) for line in lines}) == 1 and lines[0].split()[:2] == ["file", "category_c1"]
    )


def test_a_model_of_padded_images_pads_what_it_recognises(model, tmp_path, monkeypatch):
    Image.fromarray(np.tile(np.arange(0, 256, 16, dtype=np.uint8), (8, 1))).save(tmp_path / "wide.png")
    cropped = recognise.read_images(model, (tmp_path / "wide.png",))
    monkeypatch.setattr(model, "config", dataclasses.replace(model.config, dataset="photos@8:pad"))
    padded = recognise.read_images(model, (tmp_path / "wide.png",))
    assert (cropped[0, 0, :, 0] == np.arange(64, 192, 16)).all()
    assert np.ptp(padded[0, :2]) == 0 and (padded[0, 4, :, 0] == np.arange(8, 256, 32)).all()


def test_categories_go_by_their_names(digits, files, tmp_path, monkeypatch, capsys):
    names = tuple("abcdefghij")
    parts = (dataclasses.replace(part, classes=names) for part in (digits.train, digits.validation, digits.test))
    fit(tmp_path / "run", data.Dataset("digits", *parts), codes="12c", updates=20)
    model = infogan.load(tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["infogan", "recognise", "run", *(f"{i}.png" for i in range(5)), "--csv"])
    cli._main()
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert list(rows[0]) == ["file", "category", "name", "probability"]
    for row in rows:
        named = model.category_names[int(row["category"])]
        assert row["name"] == (named[0] if named else "")
    k, name = next((k, named[0]) for k, named in enumerate(model.category_names) if named)
    arguments = ["generate", "run", "--category", name, "11", "--count", "2", "--out", "x.npz"]
    monkeypatch.setattr(sys, "argv", ["infogan", *arguments])
    cli._main()
    assert np.load("x.npz")["categories"][:, 0].tolist() == [k, k, 11, 11]


def test_a_file_that_is_no_image_is_named_and_nothing_is_printed(call, files, tmp_path, capsys):
    (tmp_path / "text.png").write_text("no image")
    for bad, message in (
        ("text.png", "the image text.png cannot be read"),
        ("missing.png", "missing.png"),
        (".", "folder"),
    ):
        with pytest.raises(InputError, match=message):
            call("recognise", "0.png", bad)
    with pytest.raises(InputError, match="give at least one image file"):
        call("recognise")
    assert capsys.readouterr().out == ""


def test_to_moves_the_networks_and_names_a_device_that_is_not_there(run, files):
    model = infogan.load(run)
    before = model.recognise(files)
    assert model.to("cpu") is model and (model.recognise(files).continuous == before.continuous).all()
    for device in ("nonsense", "cuda:99"):
        with pytest.raises(InputError, match=f"device '{device}' cannot be used here"):
            model.to(device)
    assert (model.recognise(files).continuous == before.continuous).all()
