"""A few labels: which images, that no other label is read, that categories become classes, and that it resumes."""

import pytest
import torch
from conftest import config, fit

import infogan
from infogan import training
from infogan.terms.labelled import choose
from infogan.utils.errors import InputError


@pytest.mark.parametrize("count", [10, 34, 100])
def test_images_are_chosen_evenly_by_class_and_by_the_seed(count, digits):
    labels = digits.train.labels
    chosen = choose(labels, count, seed=3)
    assert len(chosen) == len(chosen.unique()) == count
    counts = labels[chosen].bincount(minlength=10)
    assert counts.max() - counts.min() <= 1
    assert torch.equal(chosen, choose(labels, count, seed=3)) and not torch.equal(chosen, choose(labels, count, seed=4))


def test_it_keeps_the_chosen_images_with_their_labels_and_no_others(digits):
    labels = digits.train.labels
    model = training.Learner(config(terms="labelled:1:count=20"), digits.image_shape, len(labels), labels)
    [term] = model.terms
    term.begin(model.discriminator, digits.train.images)
    chosen = choose(labels, 20, seed=0)
    assert torch.equal(term.labels, labels[chosen]) and torch.equal(term.images, digits.train.images[chosen])
    assert {name for name in model.tensors() if name.startswith("term.")} == {
        "term.labelled.D.images",
        "term.labelled.D.labels",
    }


def test_categories_become_the_classes(tmp_path, digits):
    fit(tmp_path, digits, "authors", updates=150, evaluations=1, terms="labelled:1:count=100")
    test = digits.test
    categories = infogan.load(tmp_path).recognise(test.images.permute(0, 2, 3, 1)).categories[:, 0]
    assert (categories == test.labels.numpy()).mean() > 0.6, "by the class's number, and not by a matching"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"codes": "2u"}, "the term labelled needs a categorical code, and codes is 2u"),
        ({"codes": "5c"}, "has images of 10 classes, and codes is 5c: give the first code as many categories"),
        ({"terms": "labelled:1:count=few"}, "the term labelled has count few; give a number of images"),
        ({"terms": "labelled:1:count=5"}, "the term labelled has count 5; give 10 to"),
        ({"terms": "labelled:1:count=100000"}, "the term labelled has count 100000; give 10 to"),
    ],
)
def test_what_it_cannot_work_with_is_named_before_anything_is_written(changes, message, tmp_path, digits):
    with pytest.raises(InputError, match=message):
        fit(tmp_path / "run", digits, **({"terms": "labelled:1:count=20"} | changes))
    assert not (tmp_path / "run").exists()
