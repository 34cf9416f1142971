"""What every loss term must do: be read from text, checkpointed, resumed, shared with workers."""


import pytest
import torch
from conftest import config, update

from infogan import terms, training
from infogan.config import InputError
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


def moved_by(name: str, digits, **changes) -> set[str]:
    """Parts that change in one step when only the named term has a weight."""
    model = training.Learner(config(**changes), digits.image_shape)
    D = model.discriminator
    parts = {"G": model.generator, "trunk": D.trunk, "D head": D.d_head, "Q head": D.q_head}
    for term in model.terms:
        parts |= {"term": term} if list(term.parameters()) else {}
    named, losses = {metric for term in model.terms if term.name == name for metric in term.metrics}, model.losses
    model.losses = lambda step, x: [
        loss if set(loss.log) <= named else loss._replace(value=0 * loss.value) for loss in losses(step, x)
    ]
    before = {part: [p.detach().clone() for p in module.parameters()] for part, module in parts.items()}
    model.step(digits.train.images[:32], torch.arange(32))
    return {
        part
        for part, module in parts.items()
        if any(not torch.equal(p, b) for p, b in zip(module.parameters(), before[part], strict=True))
    }


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("iic", {"trunk", "Q head"}),
        ("contrastive", {"G", "term"}),
        ("r1", {"trunk", "D head"}),
        ("r2", {"trunk", "D head"}),
        ("relativistic", {"G", "trunk", "D head"}),
        ("hinge", {"G", "trunk", "D head"}),
    ],
)
def test_a_term_moves_the_parts_that_it_names_and_no_others(name, parts, digits):
    assert moved_by(name, digits, terms=f"{name}:1") == parts


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
