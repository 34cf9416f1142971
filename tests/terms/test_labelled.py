"""A few labels: which images, that no other label is read, that categories become classes, and that it resumes."""

import dataclasses

import pytest
import torch
from conftest import config, fit

import infogan
from infogan import records, training
from infogan.cli import list_runs
from infogan.config.presets import describe
from infogan.inference.model_card import model_card
from infogan.reports import explore
from infogan.reports.report.run import run_report
from infogan.reports.runs import read_runs
from infogan.terms.labelled import choose
from infogan.utils.errors import InputError


@pytest.mark.parametrize("count", [10, 30, 100])
def test_images_are_chosen_evenly_by_class_and_by_the_seed(count, digits):
    labels = digits.train.labels
    chosen = choose(labels, count, seed=3)
    assert len(chosen) == len(chosen.unique()) == count
    assert labels[chosen].bincount().tolist() == [count // 10] * 10
    assert torch.equal(chosen, choose(labels, count, seed=3)) and not torch.equal(chosen, choose(labels, count, seed=4))


def test_it_keeps_the_chosen_images_with_their_labels_and_no_others(digits):
    labels = digits.train.labels
    model = training.Learner(config(labelled=20), digits.image_shape, len(labels), labels)
    [term] = model.terms
    term.begin(model.discriminator, digits.train.images)
    chosen = choose(labels, 20, seed=0)
    assert torch.equal(term.labels, labels[chosen]) and torch.equal(term.images, digits.train.images[chosen])
    assert {name for name in model.tensors() if name.startswith("term.")} == {
        "term.labelled.D.images",
        "term.labelled.D.labels",
    }


def test_categories_become_the_classes(tmp_path, digits):
    fit(tmp_path, digits, "authors", updates=150, evaluations=1, labelled=100)
    test = digits.test
    categories = infogan.load(tmp_path).recognise(test.images.permute(0, 2, 3, 1)).categories[:, 0]
    assert (categories == test.labels.numpy()).mean() > 0.6, "by the class's number, and not by a matching"
    used = records.read_json(tmp_path / "config.json")["labelled_images"]
    assert used == choose(digits.train.labels, 100, seed=0).tolist()


def test_a_run_with_labels_is_shown_as_such(tmp_path, digits):
    run = tmp_path / "run"
    fit(run, digits, "authors", updates=2, evaluations=1, labelled=20)
    model = infogan.load(run)
    assert describe(model.config) == read_runs([run]).recipe[0] == "authors (labelled 20, batch_size 32)"
    assert list_runs.describe(run)["preset"] == "authors, 20 labels"
    assert "learned the labels of 20 training images" in run_report(run).subtitle
    card = model_card(model, records.read_evaluation(run), {}, half=False)
    assert "with the labels of 20 of them" in card and "without labels" not in card
    assert "learned with the labels of 20 images" in explore.page(model)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"codes": "2u"}, "labelled is 20, which needs a categorical code, and codes is 2u"),
        ({"codes": "5c"}, "with images of 10 classes, and codes is 5c: give the first code as many categories"),
        ({"labelled": 15}, "labelled is 15; give a multiple of 10, the number of classes, of at most 1100"),
        ({"labelled": 100000}, "labelled is 100000; give a multiple of 10, .*: the smallest class has 110 training"),
        ({"labelled": -10}, "labelled is -10; give 0, or a number of images"),
        ({"terms": "labelled:1"}, "terms has 'labelled'; allowed: "),
    ],
)
def test_what_it_cannot_work_with_is_named_before_anything_is_written(changes, message, tmp_path, digits):
    with pytest.raises(InputError, match=message):
        fit(tmp_path / "run", digits, **({"labelled": 20} | changes))
    assert not (tmp_path / "run").exists()


def test_images_without_labels_are_named(tmp_path, digits):
    unlabelled = dataclasses.replace(digits, train=dataclasses.replace(digits.train, labels=None))
    with pytest.raises(InputError, match="labelled is 20, and the training images have no labels: leave it out"):
        fit(tmp_path / "run", unlabelled, labelled=20)
