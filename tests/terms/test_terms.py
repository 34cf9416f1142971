"""What every loss term must do: be read from text, checkpointed, resumed, shared with workers."""

import dataclasses
import signal
import subprocess
import sys
import time

import pytest
import torch
from conftest import ROOT, config, environment_of_scripts, fit, same_tensors, update

from infogan import records, terms, training
from infogan.config import InputError, from_dict
from infogan.terms import base
from infogan.terms.base import Context, Term

ADDED = ["contrastive:1", "r1:1", "hinge:1", "relativistic:1+r2:1"]


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
        ("gan:1", "terms has 'gan'; allowed: contrastive, hinge, iic, labelled, pseudo-labels, r1, r2, relativistic"),
        ("iic:x", "gives iic the weight x; give a positive number"),
        ("iic:-1", "gives iic the weight -1"),
        ("iic:nan", "gives iic the weight nan"),
        ("iic:1:2", "write NAME:WEIGHT, then settings as :KEY=VALUE"),
        ("iic:1+iic:2", "terms has iic twice"),
    ],
)
def test_text_that_is_no_list_of_terms_is_named(text, message):
    with pytest.raises(InputError, match=message):
        config(terms=text)


def test_what_a_term_lacks_is_named():
    for changes, message in (
        ({"terms": "iic:1", "codes": "2u"}, "the term iic needs a categorical code, and codes is 2u"),
        ({"terms": "contrastive:1", "codes": "10c"}, "the term contrastive needs two codes or more, and codes is 10c"),
        ({"terms": "r1:1:every=4"}, "the term r1 has no setting every; allowed: none"),
    ):
        with pytest.raises(InputError, match=message):
            training.resolve(config(**changes))


def test_settings_of_earlier_versions_read_as_terms():
    old = {"preset": "best", "consistency": 1.0, "hold": 2.0, "warm_up": 1000, "cool_down": 1.0, "d_norm": "apart"}
    made = from_dict(old)
    assert (made.preset, made.terms, made.pretraining, made.lr_decay) == ("iic", "iic:1+pseudo-labels:2", 1000, 1.0)
    assert from_dict({"consistency": 0.0, "hold": 0.0}).terms == ""


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


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("text", ADDED)
def test_a_term_resumes_bit_for_bit_and_is_recorded(text, precision, tmp_path, digits):
    common = {"terms": text, "precision": precision}
    fit(tmp_path / "whole", digits, updates=12, **common)
    fit(tmp_path / "parts", digits, updates=6, **common)
    fit(tmp_path / "parts", digits, updates=12, **common)
    assert same_tensors(tmp_path / "whole", tmp_path / "parts")
    assert records.read_json(tmp_path / "parts" / "config.json")["config"]["terms"] == text
    name = text.partition(":")[0]
    columns = {"contrastive": "contrastive_nats", "r1": "r1_penalty", "hinge": "loss_d", "relativistic": "r2_penalty"}
    assert float(records.Table(tmp_path / "parts" / "metrics.csv").rows()[-1][columns[name]]) > 0


def test_a_killed_run_with_terms_continues_bit_for_bit(tmp_path):
    """200 updates on digits through the command with all three, kill -9 after a checkpoint, and the same command
    again."""

    def command(folder) -> list[str]:
        script = [sys.executable, str(ROOT / "experiments" / "train.py"), "authors", "--dataset", "digits"]
        sizes = ["--updates", "200", "--batch-size", "32", "--checkpoint-every", "20", "--evaluations", "1"]
        kind = ["--precision", "float32", "--device", "cpu", "--wandb", "disabled"]
        return [*script, *sizes, *kind, "--terms", "+".join(ADDED[:3]), "--run-dir", str(folder)]

    environment = environment_of_scripts(tmp_path)
    process = subprocess.Popen(command(tmp_path / "killed"), env=environment, stderr=subprocess.DEVNULL)
    while not (tmp_path / "killed" / records.CHECKPOINT).exists():
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait(60)
    assert records.load_checkpoint(tmp_path / "killed")[1]["step"] < 200
    for folder in ("killed", "whole"):
        done = subprocess.run(command(tmp_path / folder), env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
    assert same_tensors(tmp_path / "killed", tmp_path / "whole")
    rows = records.Table(tmp_path / "killed" / "metrics.csv").rows()
    assert rows[-1]["step"] == "200" and len({row["step"] for row in rows}) == len(rows)


def test_a_term_knows_nothing_of_labels():
    """The training step hands terms images and indices alone."""
    assert not any("label" in field.name for field in dataclasses.fields(Context))


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
    with pytest.raises(ValueError, match="a term trains d_head in G's step, whose optimiser has generator, q, trunk"):
        with_terms(monkeypatch, term)
