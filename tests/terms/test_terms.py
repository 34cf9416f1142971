"""What every loss term must do: be read from text, checkpointed, resumed, shared with workers."""

import pytest
import torch
from conftest import config, moved_by, update

from infogan import training
from infogan.config import InputError, terms
from infogan.terms import base
from infogan.terms.base import Term


@pytest.mark.parametrize(
    ("text", "specs"),
    [
        ("", []),
        ("iic:1", [("iic", 1.0, {})]),
        ("iic", [("iic", 1.0, {})]),
        ("iic:1 + pseudo-labels:2.5", [("iic", 1.0, {}), ("pseudo-labels", 2.5, {})]),
        ("r1:1e+1+iic:1e-05", [("r1", 10.0, {}), ("iic", 1e-5, {})]),
        ("r1:2:every=4", [("r1", 2.0, {"every": "4"})]),
    ],
)
def test_terms_are_read_from_text(text, specs):
    assert [tuple(spec) for spec in terms.parse(text)] == specs


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gan:1", "'gan'; allowed: contrastive, hinge"),
        ("iic:x", "iic.* x"),
        ("iic:-1", "iic.* -1"),
        ("iic:nan", "iic.* nan"),
        ("iic:1:2", "KEY=VALUE"),
        ("iic:1+iic:2", "terms has iic twice"),
    ],
)
def test_text_that_is_no_list_of_terms_is_named(text, message):
    with pytest.raises(InputError, match=message):
        config(terms=text)


def test_what_a_term_lacks_is_named():
    for changes, message in (
        ({"terms": "iic:1", "codes": "2u"}, "iic needs a categorical code.* 2u"),
        ({"terms": "contrastive:1", "codes": "10c"}, "contrastive needs two codes.* 10c"),
        ({"terms": "r1:1:every=4"}, "r1 has no setting every"),
    ):
        with pytest.raises(InputError, match=message):
            training.resolve(config(**changes))


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("iic", {"trunk", "q"}),
        ("contrastive", {"generator", "term contrastive"}),
        ("r1", {"trunk", "d_head"}),
        ("r2", {"trunk", "d_head"}),
        ("relativistic", {"generator", "trunk", "d_head"}),
        ("hinge", {"generator", "trunk", "d_head"}),
    ],
)
def test_a_term_moves_the_parts_that_it_names_and_no_others(name, parts, digits):
    model = training.Learner(config(terms=f"{name}:1"), digits.image_shape)
    names = {metric for term in model.terms for metric in term.metrics}
    assert moved_by(names, model, digits.train.images[:32]) == parts


class OnAugmented(Term):
    """A term of G's step that looks at Q on augmented real images, with a parameter of its own; for the tests below."""

    name, step = "on-augmented", "G"
    trains = frozenset(("q",))
    constant = frozenset(("trunk",))
    random = ("augmentation",)

    def __init__(self, step="G"):
        super().__init__()
        self.step = step
        self.scale = torch.nn.Parameter(torch.ones(()))

    def forward(self, context):
        return self.scale * (context.q_augmented + context.q_real).square().mean(), {}


def with_terms(monkeypatch, *more, **changes):
    module = base._module("r1")
    monkeypatch.setattr(module, "build", lambda context, weight: list(more))
    return training.Learner(
        config(terms="+".join(filter(None, ("r1:1", changes.pop("terms", "")))), **changes), (1, 8, 8)
    )


def test_each_step_sees_the_moved_discriminator_anew(monkeypatch, digits):
    """A G-step term beside one of D's step that used the same images: no stale graph is differentiated again."""
    model = with_terms(monkeypatch, OnAugmented(), terms="iic:1")
    for _ in range(2):
        assert update(model, digits.train.images[:32], torch.arange(32)).isfinite().all()


def test_a_term_with_modules_in_both_steps_keeps_the_parameters_of_each(monkeypatch):
    model = with_terms(monkeypatch, OnAugmented("D"), OnAugmented("G"))
    assert {name for name in model.tensors() if name.startswith("term.")} == {
        "term.on-augmented.D.scale",
        "term.on-augmented.G.scale",
    }


def test_a_part_that_the_steps_optimiser_does_not_move_is_refused(monkeypatch):
    term = OnAugmented("G")
    term.trains = frozenset(("d_head",))
    with pytest.raises(ValueError, match="d_head"):
        with_terms(monkeypatch, term)
