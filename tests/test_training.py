import json
import math
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from conftest import ROOT, config, environment_of_scripts
from sklearn.cluster import KMeans

from infogan import events, experiment, records, training
from infogan.config import InputError
from infogan.data import augmentation
from infogan.metrics import clustering


def fit(directory, dataset, **changes):
    made = config(**changes)
    records.create(directory, training.resolve(made))
    return training.fit(made, dataset, directory, progress=False)


def moved_by_one_step(model, images, monkeypatch, *silenced: str) -> set[str]:
    """Parts of the model that change in one step when the named terms of the objective are held at zero."""
    for name in silenced:
        original = getattr(training, name)

        def silent(*arguments, original=original):
            value = original(*arguments)
            return tuple(v * 0 for v in value) if isinstance(value, tuple) else value * 0

        monkeypatch.setattr(training, name, silent)
    parts = {
        "G": model.generator,
        "trunk": model.discriminator.trunk,
        "D head": model.discriminator.d_head,
        "Q head": model.discriminator.q_head,
    }
    before = {name: [p.detach().clone() for p in part.parameters()] for name, part in parts.items()}
    model.step(images)
    return {
        name
        for name, part in parts.items()
        if any(not torch.equal(p, b) for p, b in zip(part.parameters(), before[name]))
    }


@pytest.mark.parametrize(
    ("preset", "moved"),
    [
        ("authors", {"G", "trunk", "Q head"}),
        ("paper", {"G", "trunk", "Q head"}),
        ("blog", {"G", "Q head"}),
        ("gan", {"Q head"}),
    ],
)
def test_the_bound_moves_whom_the_preset_says(preset, moved, digits, monkeypatch):
    model = training.InfoGAN(config(preset), digits.image_shape)
    silenced = ("discriminator_loss", "generator_loss")
    assert moved_by_one_step(model, digits.train.images[:32], monkeypatch, *silenced) == moved


@pytest.mark.parametrize("preset", ["authors", "paper", "blog", "gan"])
def test_the_gan_value_moves_g_and_d_and_never_q(preset, digits, monkeypatch):
    model = training.InfoGAN(config(preset), digits.image_shape)
    assert moved_by_one_step(model, digits.train.images[:32], monkeypatch, "information_bound") == {
        "G",
        "trunk",
        "D head",
    }


@pytest.mark.parametrize("preset", ["authors", "paper", "blog", "gan"])
def test_g_does_not_move_d_to_believe_in_fakes(preset, digits, monkeypatch):
    model = training.InfoGAN(config(preset), digits.image_shape)
    silenced = ("information_bound", "discriminator_loss")
    assert moved_by_one_step(model, digits.train.images[:32], monkeypatch, *silenced) == {"G"}


def test_the_trunk_follows_the_bound_in_ds_step_for_the_authors_and_in_gs_step_for_the_paper(digits):
    for preset, adam in (("authors", "adam_d"), ("paper", "adam_g")):
        model = training.InfoGAN(config(preset), digits.image_shape)
        held = {id(p) for group in getattr(model, adam).param_groups for p in group["params"]}
        assert all(id(p) in held for p in model.discriminator.q_head.parameters())
        assert all(id(p) in held for p in model.discriminator.trunk.parameters())


BEYOND = {
    "consistent": ("authors", {"consistency": 2.0, "hold": 0.6, "warm_up": 2}),
    "together": ("paper", {"d_norm": "together"}),
}


@pytest.mark.parametrize("recipe", ["authors", "paper", "blog", "gan", *BEYOND])
def test_a_step_is_gradient_descent_on_the_stated_losses(recipe, digits):
    """A step of each preset, and with what goes beyond them, against its losses written out, each gradient taken by itself.

    Plain SGD takes Adam's place: Adam's first step is the gradient's sign, which rounding turns where it is zero.
    """
    preset, beyond = BEYOND.get(recipe, (recipe, {}))
    made = config(preset, batch_size=32, lambda_categorical=0.7, lambda_continuous=0.3, **beyond)
    model, twin = (training.InfoGAN(made, digits.image_shape) for _ in range(2))
    sources = {"authors": "fixed", "paper": "learned", "blog": "none", "gan": "fixed"}

    class Descent(torch.optim.SGD):
        def step(self):  # the model's own optimisers forget their gradients after a step
            super().step()
            self.zero_grad()

    model.adam_d, model.adam_g = (Descent(adam.param_groups[0]["params"], 0.1) for adam in (model.adam_d, model.adam_g))
    images = digits.train.images[:32]
    before = [p.detach().clone() for network in (model.generator, model.discriminator) for p in network.parameters()]
    names = torch.arange(32) % 11 - 1  # ten categories, and some images without
    model.step(images, names)
    model.adam_d.zero_grad()

    G, D = twin.generator, twin.discriminator
    g, trunk, d, q = (list(part.parameters()) for part in (G, D.trunk, D.d_head, D.q_head))
    z = twin.latent.sample(32, twin.code_stream)
    fake = G(z)
    ce = torch.nn.functional.cross_entropy
    bce = torch.nn.functional.binary_cross_entropy_with_logits

    def bound(answer):
        value = 0.7 * (-ce(answer[:, :10], z[:, :10].argmax(1)) + math.log(10))
        if sources[preset] == "none":
            return value
        log_std = answer[:, 12:14] if sources[preset] == "learned" else torch.zeros(32, 2)
        density = torch.distributions.Normal(answer[:, 10:12], log_std.exp()).log_prob(z[:, 10:12])
        return value + 0.3 * (density.sum(1).mean() + 2 * math.log(2))

    def descend(terms):
        """SGD on a sum of losses, each moving the parameters listed beside it."""
        moves = {}
        for loss, parameters in terms:
            for p, grad in zip(parameters, torch.autograd.grad(loss, parameters, retain_graph=True)):
                moves[p] = moves.get(p, 0) + grad
        with torch.no_grad():
            for p, grad in moves.items():
                p -= 0.1 * grad

    def judged(fake):
        """D's logits on the real and on the generated images, Q's answers to both."""
        if recipe == "together":
            logits, read = D(torch.cat([images / 255, fake]), real=None)
            return logits[:32], logits[32:], read[:32], read[32:]
        (real_logit, read), (fake_logit, answer) = D(images / 255), D(fake)
        return real_logit, fake_logit, read, answer

    real_logit, fake_logit, read, answer = judged(fake.detach())
    value = bce(real_logit, torch.ones(32)) + bce(fake_logit, torch.zeros(32))
    value = value / 2 if preset == "blog" else value
    terms = [(value, trunk + d)] + ([(-bound(answer), trunk + q)] if preset == "authors" else [])
    if recipe == "consistent":
        of_copies = D(augmentation.copied(images / 255, twin.code_stream))[1]
        p, copy = ((10 * logits[:, :10]).softmax(1) for logits in (read, of_copies))
        joint = sum(torch.outer(a, b) + torch.outer(b, a) for a, b in zip(p, copy)) / 64
        terms.append((-2 * (joint * (joint / torch.outer(joint.sum(1), joint.sum(0))).log()).sum(), trunk + q))
        named = names >= 0
        held = sum(ce(logits[named, :10], names[named], reduction="sum") for logits in (read, of_copies)) / 64
        terms.append((0.6 * held, trunk + q))
    descend(terms)
    _, fake_logit, _, answer = judged(fake)
    informed = {"authors": g, "paper": g + q + trunk, "blog": g + q, "gan": q}[preset]
    descend([(bce(fake_logit, torch.ones(32)), g), (-bound(answer), informed)])
    ours, plain = ([*made.generator.parameters(), *made.discriminator.parameters()] for made in (model, twin))
    for a, b, old in zip(ours, plain, before, strict=True):
        # As a share of the move: batch norm amplifies the rounding of sums, differently on each processor.
        assert (a - b).norm() <= 1e-3 * (b - old).norm() and (b - old).norm() > 0


def test_the_learning_rates_fall_over_the_last_updates(digits, tmp_path, monkeypatch):
    rates = []
    step = training.InfoGAN.step

    def noted(model, real):
        rates.append([adam.param_groups[0]["lr"] for adam in (model.adam_d, model.adam_g)])
        return step(model, real)

    monkeypatch.setattr(training.InfoGAN, "step", noted)
    fit(tmp_path, digits, updates=8, cool_down=0.5, lr_d=1e-3, lr_g=2e-3)
    assert [d for d, _ in rates] == pytest.approx([1e-3] * 5 + [7.5e-4, 5e-4, 2.5e-4])
    assert [g for _, g in rates] == pytest.approx([2 * d for d, _ in rates])


@pytest.mark.parametrize("at", [0, 10])
def test_a_cooling_run_that_was_stopped_goes_on_as_if_it_had_not_been(at, tmp_path, digits, monkeypatch):
    """And one with a warm-up, which is not done twice, and whose names for the images are kept."""
    monkeypatch.setattr(training.overclustering, "CERTAIN", 0.12)  # so short a warm-up makes Q certain of nothing

    class Stop:
        def logged(self, row):
            pass

        def evaluated(self, row, images):
            if row["step"] == at:
                raise events.Stopped

    made = config("best", warm_up=6, cool_down=0.7)
    for name in ("whole", "parts"):
        records.create(tmp_path / name, made)
    training.fit(made, digits, tmp_path / "whole", progress=False)
    with pytest.raises(events.Stopped):
        training.fit(made, digits, tmp_path / "parts", [Stop()], progress=False)
    assert records.read_json(tmp_path / "parts" / "status.json")["status"] == "stopped"
    training.fit(made, digits, tmp_path / "parts", progress=False)
    whole, parts = (records.load_checkpoint(tmp_path / name)[0] for name in ("whole", "parts"))
    assert all(torch.equal(whole[key], parts[key]) for key in whole)
    assert 0.1 < (whole["names"] >= 0).double().mean() and len(whole["names"]) == len(digits.train.images)
    assert [row["step"] for row in records.Table(tmp_path / "parts" / "evaluations.csv").rows()] == ["0", "10", "20"]


def test_consistency_moves_q_and_the_trunk_in_ds_step_alone(digits, monkeypatch):
    model = training.InfoGAN(config(consistency=1.0), digits.image_shape)
    silenced = ("information_bound", "discriminator_loss", "generator_loss")
    assert moved_by_one_step(model, digits.train.images[:32], monkeypatch, *silenced) == {"trunk", "Q head"}


def test_normalised_apart_a_collapsed_generator_looks_varied_and_together_it_does_not(digits):
    """Nearly equal images: batch norm of their own makes D's features of them nearly as varied as those of real ones."""
    D = training.InfoGAN(config(), digits.image_shape).discriminator
    real = digits.train.images[:64].float() / 255
    collapsed = real[:1] + 0.01 * torch.rand(real.shape, generator=torch.Generator().manual_seed(0))
    both = torch.cat([real, collapsed])
    with torch.no_grad():
        ratios = [
            (f[64:].std(0).mean() / f[:64].std(0).mean()).item()
            for f in (D.features(both, real=64), D.features(both, real=None))
        ]
    assert ratios[0] > 0.4 and ratios[1] < 0.1, ratios


@pytest.mark.parametrize("beyond", [{}, {"consistency": 1.0}])
def test_continuing_is_the_same_as_not_stopping(beyond, tmp_path, digits):
    fit(tmp_path / "whole", digits, updates=20, **beyond)
    fit(tmp_path / "parts", digits, updates=10, **beyond)
    fit(tmp_path / "parts", digits, updates=20, **beyond)
    whole, parts = (records.load_checkpoint(tmp_path / name)[0] for name in ("whole", "parts"))
    assert whole.keys() == parts.keys()
    told = "consistency_nats" in records.Table(tmp_path / "whole" / "metrics.csv").rows()[0]
    assert told == bool(beyond), "a run from before this number was known goes on with the columns it has"
    assert all(torch.equal(whole[key], parts[key]) for key in whole)
    drop = ("seconds", "images_per_second")
    rows = [
        [
            {k: v for k, v in row.items() if k not in drop}
            for row in records.Table(tmp_path / name / "metrics.csv").rows()
        ]
        for name in ("whole", "parts")
    ]
    assert rows[0] == rows[1] and [row["step"] for row in rows[0]] == ["5", "10", "15", "20"]


def interruptible(directory) -> list[str]:
    script = [sys.executable, str(ROOT / "experiments" / "train.py"), "authors", "--dataset", "digits"]
    sizes = ["--updates", "150", "--batch-size", "32", "--checkpoint-every", "10", "--evaluations", "2"]
    return [*script, *sizes, "--precision", "float32", "--device", "cpu", "--run-dir", str(directory)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The run that nothing interrupts."""
    folder = tmp_path_factory.mktemp("whole")
    done = subprocess.run(
        interruptible(folder), env=environment_of_scripts(folder), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_run_continues_bit_for_bit(number, whole, tmp_path, script_environment):
    # Started from a background job, this process ignores SIGINT, and its children would too.
    process = subprocess.Popen(
        interruptible(tmp_path / "killed"),
        env=script_environment,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while not (tmp_path / "killed" / records.CHECKPOINT).exists():
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(0.01)
    process.send_signal(number)
    code = process.wait(60)
    stopped_at = records.load_checkpoint(tmp_path / "killed")[1]["step"]
    assert stopped_at < 150, "the run ended before it was killed: this test proves nothing"
    if number != signal.SIGKILL:
        assert code == 128 + number
        assert records.read_json(tmp_path / "killed" / "status.json")["status"] == "interrupted"
    again = subprocess.run(
        interruptible(tmp_path / "killed"), env=script_environment, capture_output=True, text=True, timeout=120
    )
    assert again.returncode == 0, again.stderr
    (one, state), (two, _) = map(records.load_checkpoint, (whole, tmp_path / "killed"))
    assert state["step"] == 150 and all(torch.equal(one[key], two[key]) for key in one)
    steps = [int(row["step"]) for row in records.Table(tmp_path / "killed" / "metrics.csv").rows()]
    assert steps == sorted(set(steps)), "rows written before the kill must not stand twice"
    assert records.read_json(tmp_path / "killed" / "status.json")["status"] == "finished"


def test_a_finished_run_is_not_trained_again(tmp_path, digits):
    first = fit(tmp_path, digits)
    stamp = (tmp_path / records.CHECKPOINT).stat().st_mtime_ns
    assert fit(tmp_path, digits) == first
    assert (tmp_path / records.CHECKPOINT).stat().st_mtime_ns == stamp


def test_a_lengthened_run_never_answers_with_the_shorter_ones_measures(tmp_path, digits, monkeypatch):
    """It dies in its last measurement, and the same command is given again."""
    fit(tmp_path, digits, updates=10)

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(training, "report", die)
        fit(tmp_path, digits, updates=20)
    assert fit(tmp_path, digits, updates=20)["step"] == 20
    records.write_json(tmp_path / "status.json", {"status": "running"})  # killed between the last two files
    fit(tmp_path, digits, updates=20)
    assert records.read_json(tmp_path / "status.json")["status"] == "finished"


def test_a_signal_at_the_very_end_still_ends_the_caller(tmp_path, digits):
    class Late:
        def logged(self, row):
            pass

        def evaluated(self, row, images):
            if row["step"] == 20:
                os.kill(os.getpid(), signal.SIGTERM)

    made = training.resolve(config())
    records.create(tmp_path, made)
    with pytest.raises(events.Interrupted) as left:
        training.fit(made, digits, tmp_path, [Late()], progress=False)
    assert left.value.code == 128 + signal.SIGTERM
    assert records.read_json(tmp_path / "status.json")["status"] == "finished"
    assert fit(tmp_path, digits)["step"] == 20


def test_a_table_is_cut_whole_or_not_at_all(tmp_path, monkeypatch):
    table = records.Table(tmp_path / "metrics.csv")
    for step in range(10):
        table.append({"step": step, "x": step})
    whole = table.path.read_bytes()

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(records.os, "replace", die)
        table.cut(5)
    assert table.path.read_bytes() == whole
    table.cut(5)
    table.append({"step": 6, "x": 6})
    assert table.path.read_bytes() == b"".join(
        line + b"\r\n" for line in [b"step,x", *(b"%d,%d" % (i, i) for i in range(7))]
    )
    table.cut(-1)
    assert not table.path.exists() and table.rows() == []


@pytest.mark.parametrize("begun, other", [("bfloat16", "float32"), ("float32", "bfloat16")])
def test_auto_precision_is_what_the_run_was_begun_with(begun, other, tmp_path, digits):
    """A trial lost on one processor goes on on another, where auto would be something else: one of the two is not what it is here."""
    for precision, updates in ((begun, 5), ("auto", 10)):
        experiment.train(config(precision=precision, updates=updates), digits, tmp_path, "disabled", progress=False)
    assert records.read_json(tmp_path / "config.json")["config"]["precision"] == begun
    with pytest.raises(InputError, match=f"precision '{begun}', not '{other}'"):
        experiment.train(config(precision=other, updates=10), digits, tmp_path, "disabled", progress=False)


def test_a_directory_refuses_another_configuration(tmp_path, digits):
    fit(tmp_path, digits)
    before = (tmp_path / "config.json").read_text()
    with pytest.raises(InputError, match="lr_d 0.0002, not 0.001"):
        fit(tmp_path, digits, lr_d=1e-3)
    with pytest.raises(InputError, match="longer than 10"):
        fit(tmp_path, digits, updates=10)
    fit(tmp_path / "cooled", digits, cool_down=0.5)
    with pytest.raises(InputError, match="it cannot go on to 40"):
        fit(tmp_path / "cooled", digits, updates=40, cool_down=0.5)
    assert (tmp_path / "config.json").read_text() == before


def test_a_nan_ends_the_run_with_a_record(tmp_path, digits, monkeypatch):
    original, calls = training.generator_loss, []

    def breaks_later(logits):
        calls.append(1)
        return original(logits) * (float("nan") if len(calls) > 12 else 1)

    monkeypatch.setattr(training, "generator_loss", breaks_later)
    with pytest.raises(events.Diverged, match="loss_g"):
        fit(tmp_path, digits, checkpoint_every=5)
    status = records.read_json(tmp_path / "status.json")
    assert status["status"] == "diverged" and "loss_g" in status["not_finite"] and status["step"] == 15
    tensors, state = records.load_checkpoint(tmp_path)
    assert state["step"] == 10 and all(t.isfinite().all() for t in tensors.values() if t.is_floating_point())


def test_damaged_and_missing_checkpoints_are_named(tmp_path, digits):
    fit(tmp_path, digits)
    assert records.load(tmp_path).step == 20
    path = tmp_path / records.CHECKPOINT
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(InputError, match="is damaged"):
        records.load(tmp_path)
    path.unlink()
    with pytest.raises(InputError, match="has no checkpoint"):
        records.load(tmp_path)
    with pytest.raises(InputError, match="is .*nowhere a run directory"):
        records.load(tmp_path / "nowhere")


def test_a_damaged_checkpoint_gives_way_to_the_one_before_it(tmp_path, digits, capsys, monkeypatch):
    """The last checkpoint of a killed run is cut short: it goes on from the one before, and ends as if nothing had been."""
    fit(tmp_path / "whole", digits, checkpoint_every=5)
    append = records.Table.append

    def killed(table, row):
        if row["step"] == 15:
            raise KeyboardInterrupt
        append(table, row)

    with monkeypatch.context() as patched:
        patched.setattr(records.Table, "append", killed)
        with pytest.raises(KeyboardInterrupt):
            fit(tmp_path / "cut", digits, checkpoint_every=5)
    path = tmp_path / "cut" / records.CHECKPOINT
    assert records.load_checkpoint(tmp_path / "cut")[1]["step"] == 10
    path.write_bytes(path.read_bytes()[:-1000])
    fit(tmp_path / "cut", digits, checkpoint_every=5)
    assert "is damaged" in (said := capsys.readouterr().err) and "using the one before it, of update 5" in said
    whole, cut = (records.load_checkpoint(tmp_path / name)[0] for name in ("whole", "cut"))
    assert all(torch.equal(whole[name], cut[name]) for name in whole)
    assert not (tmp_path / "cut" / records.PREVIOUS).exists(), "a finished run needs one"


def test_a_kill_between_two_renames_loses_no_checkpoint(tmp_path):
    records.save_checkpoint(tmp_path, {"a": torch.ones(3)}, {"step": 1})
    (tmp_path / records.CHECKPOINT).rename(tmp_path / records.PREVIOUS)
    assert records.has_checkpoint(tmp_path) and records.load_checkpoint(tmp_path)[1] == {"step": 1}


def test_two_processes_cannot_train_in_one_directory(tmp_path, digits):
    code = f"import sys; from infogan import runs; from pathlib import Path\nwith records.lock(Path({str(tmp_path)!r})): print('held', flush=True); sys.stdin.read()"
    holder = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(records.Locked, match="another process is training in"):
        fit(tmp_path, digits)
    holder.kill()
    holder.wait()
    fit(tmp_path, digits)


def test_a_checkpoint_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    records.save_checkpoint(tmp_path, {"a": torch.ones(3)}, {"step": 1})
    monkeypatch.setattr(os, "fsync", lambda handle: (_ for _ in ()).throw(OSError("No space left on device")))
    with pytest.raises(OSError, match="No space"):
        records.save_checkpoint(tmp_path, {"a": torch.zeros(3)}, {"step": 2})
    assert records.load_checkpoint(tmp_path)[1] == {"step": 1}
    assert [path.name for path in tmp_path.iterdir()] == [records.CHECKPOINT]


def test_config_json_is_complete(tmp_path, digits):
    fit(tmp_path, digits, seed=7)
    stored = json.loads((tmp_path / "config.json").read_text())
    assert stored["config"]["seed"] == 7 and stored["config"]["precision"] == "float32"
    assert {"command", "commit", "versions", "host"} <= stored["provenance"].keys()
    assert stored["provenance"]["versions"]["torch"] == torch.__version__


def test_passwords_never_reach_a_record():
    url = "sweep.py --storage postgresql://me:s3cr:et@db.example:5432/study --x y"
    assert "s3cr" not in records.mask_secrets(
        url
    ) and "postgresql://me:***@db.example:5432/study" in records.mask_secrets(url)
    assert (
        records.mask_secrets("postgresql:///db?user=me&password=s3cr:et&host=h")
        == "postgresql:///db?user=me&password=***&host=h"
    )


def test_bad_devices_and_values_are_named():
    with pytest.raises(InputError, match="device 'quantum' cannot be used"):
        training.resolve(config(device="quantum"))
    for field, value in (("batch_size", 1), ("updates", 0), ("lr_d", -1.0), ("lr_g", 2.0), ("beta1", 1.0), ("lambda_categorical", -1.0), ("lambda_continuous", math.inf), ("consistency", -1.0), ("hold", -1.0), ("warm_up", 1), ("cool_down", 1.5), ("info_flow", "sideways")):  # fmt: skip
        with pytest.raises(InputError, match=f"{field} is "):
            config(**{field: value})
    with pytest.raises(InputError, match="consistency is 1.0 with info_flow q-head"):
        config("blog", consistency=1.0)
    with pytest.raises(InputError, match="consistency is 1.0 with d_norm together"):
        config(consistency=1.0, d_norm="together")
    with pytest.raises(InputError, match="hold is 1.0 without a warm-up"):
        config(hold=1.0)
    with pytest.raises(InputError, match="consistency is 1.0, but codes 2u has no categorical code"):
        training.resolve(config(consistency=1.0, codes="2u"))


def test_time_to_accuracy_is_that_of_the_first_evaluation_to_reach_it():
    rows = [
        {"seconds": f"{s}", "images": f"{100 * s}", "accuracy": f"{a}"}
        for s, a in ((1, 0.5), (2, 0.91), (3, 0.85), (4, 0.92))
    ]
    first = {"seconds": 2.0, "images": 200}
    assert training.time_to_accuracy(rows) == {"0.80": first, "0.90": first, "0.95": None}
    assert training.time_to_accuracy([{"seconds": "1", "images": "9"}]) == {"0.80": None, "0.90": None, "0.95": None}


def test_one_seed_decides_everything_and_each_seed_differs(tmp_path, digits):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        fit(tmp_path / name, digits, seed=seed)
    a, b, c = (records.load_checkpoint(tmp_path / name)[0] for name in "abc")
    assert all(torch.equal(a[key], b[key]) for key in a)
    assert not torch.equal(a["generator.layers.0.weight"], c["generator.layers.0.weight"])


def test_evaluating_does_not_change_training(tmp_path, digits):
    fit(tmp_path / "seldom", digits, evaluations=1)
    fit(tmp_path / "often", digits, evaluations=20)
    seldom, often = (records.load_checkpoint(tmp_path / name)[0] for name in ("seldom", "often"))
    assert all(torch.equal(seldom[key], often[key]) for key in seldom)


def test_infogan_beats_k_means_on_real_digits(tmp_path, digits):
    """A real training: one 10-way code, unsupervised, against k-means on the same training images."""
    result = fit(tmp_path, digits, codes="10c", batch_size=64, updates=3000, log_every=50)
    flat = [split.images.flatten(1).numpy() / 255.0 for split in (digits.train, digits.test)]
    clusters = KMeans(10, n_init=10, random_state=0).fit(flat[0]).predict(flat[1])
    k_means = clustering.code_to_label(clusters, digits.test.labels.numpy(), 10)["accuracy"]
    assert result["accuracy"] > k_means > 0.7
    bound = float(records.Table(tmp_path / "metrics.csv").rows()[-1]["info_categorical_nats"])
    assert 2.2 < bound <= math.log(10)


def test_a_run_older_than_a_field_goes_on_with_the_fields_default(tmp_path):
    made = training.resolve(config())
    records.create(tmp_path / "old", made)
    record = records.read_json(tmp_path / "old" / "config.json")
    del record["config"]["network"]
    records.write_json(tmp_path / "old" / "config.json", record)
    records.create(tmp_path / "old", made)
    with pytest.raises(InputError, match="with network 'auto', not 'mnist'"):
        records.create(tmp_path / "old", training.resolve(config(network="mnist")))
