"""The loop around the step: resuming, signals, damage, records."""

import dataclasses
import math
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from conftest import ROOT, call, config, fit, same_tensors, trained

from infogan import algorithm, records, training
from infogan.config import InputError
from infogan.inference import Model
from infogan.records import summary
from infogan.training.phases import Adversarial
from infogan.training.pretraining import overclustering
from infogan.utils import events


class At:
    """An observer that does something at the row of a step."""

    def __init__(self, step: int, act):
        self.step, self.act = step, act

    def logged(self, row):
        if row["step"] == self.step:
            self.act()

    def evaluated(self, row, images):
        pass


def raises(error):
    def act():
        raise error

    return act


RESUMED = {
    "the presets of the sources": {},
    "terms of Q": {"terms": "iic:1", "labelled": 20},
    "terms in bfloat16, spectral norm": {
        "terms": "contrastive:1:start=0.5+r1:1+hinge:1",
        "spectral_norm": True,
        "precision": "bfloat16",
    },
    "what modern has": {
        "terms": "relativistic:1+r1:1+r2:1",
        "diffaugment": "colour+translation+cutout",
        "g_ema": 0.9,
        "d_layers": "no-norm",
        "initialisation": "he",
    },
}


@pytest.mark.parametrize("kind", RESUMED)
def test_continuing_is_the_same_as_not_stopping(kind, tmp_path, digits):
    fit(tmp_path / "whole", digits, **RESUMED[kind])
    with pytest.raises(events.Stopped):
        fit(tmp_path / "parts", digits, observers=[At(10, raises(events.Stopped))], **RESUMED[kind])
    assert records.load_checkpoint(tmp_path / "parts")[1]["step"] == 10
    assert records.read_json(tmp_path / "parts" / "status.json")["status"] == "stopped"
    fit(tmp_path / "parts", digits, **RESUMED[kind])
    assert same_tensors(tmp_path / "whole", tmp_path / "parts")
    rows = [without_times(tmp_path / name) for name in ("whole", "parts")]
    assert rows[0] == rows[1] and [row["step"] for row in rows[0]] == [5, 10, 15, 20]


def without_times(directory: Path) -> list[dict]:
    """The rows of a run's metrics, without what differs from run to run."""
    drop = ("seconds", "images_per_second")
    rows = records.Table(directory / "metrics.csv").rows()
    return [{name: value for name, value in row.items() if name not in drop} for row in rows]


def test_time_to_accuracy_is_that_of_the_first_evaluation_to_reach_it():
    rows = [
        {"seconds": float(s), "images": 100 * s, "accuracy": a} for s, a in ((1, 0.5), (2, 0.91), (3, 0.85), (4, 0.92))
    ]
    first = {"seconds": 2.0, "images": 200}
    assert summary.time_to_accuracy(rows) == {"0.80": first, "0.90": first, "0.95": None}
    assert summary.time_to_accuracy([{"seconds": 1.0, "images": 9}]) == {"0.80": None, "0.90": None, "0.95": None}


def test_lengthening_a_run_is_the_same_as_a_long_one(tmp_path, digits):
    for name, lengths in (("whole", [20]), ("parts", [10, 20])):
        for updates in lengths:
            fit(tmp_path / name, digits, updates=updates)
    assert same_tensors(tmp_path / "whole", tmp_path / "parts")
    assert without_times(tmp_path / "whole") == without_times(tmp_path / "parts")


def interruptible(directory: Path) -> list[str]:
    sizes = "--updates 80 --batch-size 32 --checkpoint-every 10 --evaluations 2 --precision float32 --device cpu"
    return ["authors", "--dataset", "digits", *sizes.split(), "--run-dir", str(directory)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The run that nothing interrupts."""
    folder = tmp_path_factory.mktemp("whole")
    done = call("train", *interruptible(folder))
    assert done.returncode == 0, done.stderr
    return folder


def running(directory: Path, environment: dict[str, str], number: int, handler: signal.Handlers) -> subprocess.Popen:
    """The interruptible run in a process that begins with this handler of a signal, once it has a checkpoint."""
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "experiments" / "train.py"), *interruptible(directory)],
        env=environment,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(number, handler),
    )
    while not (directory / records.CHECKPOINT).exists():
        assert process.poll() is None, "the run ended before it could be signalled"
        time.sleep(0.01)
    return process


def test_a_killed_run_continues_bit_for_bit(whole, tmp_path, script_environment):
    process = running(tmp_path / "killed", script_environment, signal.SIGTERM, signal.SIG_DFL)
    process.kill()
    process.wait(60)
    stopped_at = records.load_checkpoint(tmp_path / "killed")[1]["step"]
    assert stopped_at < 80, "the run ended before it was killed: this test proves nothing"
    again = call("train", *interruptible(tmp_path / "killed"))
    assert again.returncode == 0, again.stderr
    assert records.load_checkpoint(tmp_path / "killed")[1]["step"] == 80 and same_tensors(whole, tmp_path / "killed")
    steps = [int(row["step"]) for row in records.Table(tmp_path / "killed" / "metrics.csv").rows()]
    assert steps == sorted(set(steps)), "rows written before the kill must not stand twice"
    assert records.read_json(tmp_path / "killed" / "status.json")["status"] == "finished"


def test_a_signal_that_is_ignored_stays_so(whole, tmp_path, script_environment):
    """As SIGHUP under nohup: a closed terminal does not end the run."""
    process = running(tmp_path / "run", script_environment, signal.SIGHUP, signal.SIG_IGN)
    process.send_signal(signal.SIGHUP)
    assert process.wait(100) == 0 and same_tensors(whole, tmp_path / "run")


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
        patched.setattr(training, "measure_test", die)
        fit(tmp_path, digits, updates=20)
    assert fit(tmp_path, digits, updates=20)["step"] == 20
    records.write_json(tmp_path / "status.json", {"status": "running"})  # killed between the last two files
    fit(tmp_path, digits, updates=20)
    assert records.read_json(tmp_path / "status.json")["status"] == "finished"


@pytest.mark.parametrize(("number", "step"), [*((number, 10) for number in events.SIGNALS), (signal.SIGTERM, 20)])
def test_every_signal_ends_the_run_with_its_status_and_it_is_saved(number, step, tmp_path, digits):
    """Also at the very end, where the run is finished and its caller is ended all the same."""
    before = signal.signal(number, signal.SIG_DFL)  # a background job ignores SIGINT
    try:
        with pytest.raises(events.Interrupted) as left:
            fit(tmp_path, digits, updates=20, observers=[At(step, lambda: signal.raise_signal(number))])
    finally:
        signal.signal(number, before)
    assert left.value.code == 128 + number
    assert records.load_checkpoint(tmp_path)[1]["step"] == min(step + 1, 20), "the next update looks at signals"
    assert fit(tmp_path, digits)["step"] == 20


@pytest.mark.parametrize("begun, other", [("bfloat16", "float32"), ("float32", "bfloat16")])
def test_auto_precision_is_what_the_run_was_begun_with(begun, other, tmp_path, digits):
    """A trial lost on one processor goes on on another, where auto would be something else: one of the two is not what
    it is here."""
    for precision, updates in ((begun, 5), ("auto", 10)):
        training.train(config(precision=precision, updates=updates), digits, tmp_path, "disabled", progress=False)
    assert records.read_json(tmp_path / "config.json")["config"]["precision"] == begun
    with pytest.raises(InputError, match=f"precision '{begun}', not '{other}'"):
        training.train(config(precision=other, updates=10), digits, tmp_path, "disabled", progress=False)


def test_a_directory_refuses_another_configuration(tmp_path, digits):
    fit(tmp_path, digits)
    before = (tmp_path / "config.json").read_text()
    with pytest.raises(InputError, match="lr_d"):
        fit(tmp_path, digits, lr_d=1e-3)
    with pytest.raises(InputError, match="10"):
        fit(tmp_path, digits, updates=10)
    for name, scheduled in (("decayed", {"lr_decay": 0.5}), ("late", {"terms": "contrastive:1:start=0.5"})):
        fit(tmp_path / name, digits, **scheduled)
        with pytest.raises(InputError, match="40"):
            fit(tmp_path / name, digits, updates=40, **scheduled)
    assert (tmp_path / "config.json").read_text() == before


def test_a_nan_ends_the_run_with_a_record(tmp_path, digits, monkeypatch):
    original, calls = algorithm.generator_value, []

    def breaks_later(context):
        calls.append(1)
        loss = original(context)
        broken = loss.value * (float("nan") if len(calls) > 12 else 1)
        return loss._replace(value=broken, log={"loss_g": broken})

    monkeypatch.setattr(algorithm, "generator_value", breaks_later)
    with pytest.raises(events.Diverged, match="loss_g"):
        fit(tmp_path, digits, checkpoint_every=5)
    status = records.read_json(tmp_path / "status.json")
    assert status["status"] == "diverged" and "loss_g" in status["not_finite"] and status["step"] == 15
    tensors, state = records.load_checkpoint(tmp_path)
    assert state["step"] == 10 and all(t.isfinite().all() for t in tensors.values() if t.is_floating_point())


def test_where_updates_are_slow_time_decides_when_a_checkpoint_is_written(tmp_path, digits, monkeypatch):
    append = records.Table.append

    def killed(table, row):
        if row["step"] == 15:
            raise KeyboardInterrupt
        append(table, row)

    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0)
    monkeypatch.setattr(records.Table, "append", killed)
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path, digits)
    assert records.load_checkpoint(tmp_path)[1]["step"] == 10


def test_a_damaged_checkpoint_gives_way_to_the_one_before_it(tmp_path, digits, capsys, monkeypatch):
    """The last checkpoint of a killed run is cut short: it goes on from the one before, and ends as if nothing had
    been."""
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
    whole, cut = (trained(tmp_path / name) for name in ("whole", "cut"))
    assert all(torch.equal(whole[name], cut[name]) for name in whole)
    assert not (tmp_path / "cut" / records.PREVIOUS).exists(), "a finished run needs one"


def test_two_processes_cannot_train_in_one_directory(tmp_path, digits):
    code = f"""import sys; from infogan import records; from pathlib import Path
with records.lock(Path({str(tmp_path)!r})): print('held', flush=True); sys.stdin.read()"""
    holder = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(records.Locked, match=str(tmp_path)):
        fit(tmp_path, digits)
    holder.kill()
    holder.wait()
    fit(tmp_path, digits)


def test_one_seed_decides_everything_and_each_seed_differs(tmp_path, digits):
    """However often the run is evaluated."""
    for name, seed, evaluations in (("a", 1, 1), ("b", 1, 20), ("c", 2, 1)):
        fit(tmp_path / name, digits, seed=seed, evaluations=evaluations)
    a, b, c = (trained(tmp_path / name) for name in "abc")
    assert all(torch.equal(a[key], b[key]) for key in a)
    assert not torch.equal(a["generator.layers.0.weight"], c["generator.layers.0.weight"])


def test_the_bound_rises_towards_the_entropy_of_the_code(tmp_path, digits):
    """A real training, without labels: L_I nears ln 10, and categories begin to match digits."""
    result = fit(tmp_path, digits, codes="10c", batch_size=64, updates=400, log_every=50, evaluations=1)
    bounds = [float(row["info_categorical_nats"]) for row in records.Table(tmp_path / "metrics.csv").rows()]
    assert bounds[0] < 1 and 1.8 < bounds[-1] <= math.log(10)
    assert result["accuracy"] > 0.3


def test_the_generator_of_iic_draws_what_q_reads(tmp_path, digits):
    """Q is pretrained, and could read codes that nobody sees: G drew grey squares, with L_I at 2 of 2.3 nats."""
    short = {"pretraining": 150, "updates": 100, "batch_size": 128, "evaluations": 1}
    result = fit(tmp_path, digits, "iic", **short)
    assert result["info_8bit_categorical_nats"] > 1.7 and result["spread"] > 0.6 and not result["collapsed"]
    logged = float(records.Table(tmp_path / "metrics.csv").rows()[-1]["info_categorical_nats"])
    assert result["info_8bit_categorical_nats"] > 0.9 * logged, "8 bits and running statistics leave nearly all of it"


def test_a_run_older_than_a_field_goes_on_with_the_fields_default(tmp_path):
    made = training.resolve(config())
    records.create(tmp_path / "old", made)
    record = records.read_json(tmp_path / "old" / "config.json")
    del record["config"]["network"]
    records.write_json(tmp_path / "old" / "config.json", record)
    records.create(tmp_path / "old", made)
    with pytest.raises(InputError, match="with network 'auto', not 'mnist'"):
        records.create(tmp_path / "old", training.resolve(config(network="mnist")))


def test_an_error_leaves_a_status_that_says_so(tmp_path, digits, monkeypatch):
    step = training.Learner.step

    def fails(model, images, index):
        if model.adam_d.steps[0] == 7:
            raise MemoryError("no memory is left")
        return step(model, images, index)

    with monkeypatch.context() as patched, pytest.raises(MemoryError):
        patched.setattr(training.Learner, "step", fails)
        fit(tmp_path, digits, checkpoint_every=5)
    status = records.read_json(tmp_path / "status.json")
    assert (status["status"], status["step"], status["error"]) == ("failed", 7, "MemoryError: no memory is left")
    assert fit(tmp_path, digits, checkpoint_every=5)["step"] == 20, "the same command continues from the checkpoint"
    assert records.read_json(tmp_path / "status.json")["status"] == "finished"


def test_test_images_are_measured_by_a_call_of_their_own(tmp_path, digits):
    class Untouchable:
        def __getattr__(self, name):
            raise AssertionError(f"{name} of the test images was read")

    unseen = dataclasses.replace(digits, test=Untouchable())
    result = training.train(config(), unseen, tmp_path, "disabled", progress=False, test=False)
    assert 0 < result["validation_accuracy"] < 1 and "accuracy" not in result
    assert not (tmp_path / "evaluation.json").exists()
    assert records.read_json(tmp_path / "status.json")["status"] == "finished"
    assert fit(tmp_path, digits)["validation_accuracy"] == result["validation_accuracy"]
    assert records.read_json(tmp_path / "evaluation.json")["n_images"] == len(digits.test)


def test_the_last_update_is_always_evaluated():
    for updates in (1, 2, 7, 59, 2000, 187_500):
        for evaluations in (1, 2, 3, 10, 39):
            model = SimpleNamespace(
                config=SimpleNamespace(updates=updates, evaluations=evaluations, pretraining=0), metrics=()
            )
            due = Adversarial(model, None).evaluations
            assert max(due) == updates and min(due) >= 1 and len(due) == min(updates, evaluations)


def test_a_checkpoint_of_an_earlier_version_is_refused_and_its_status_kept(tmp_path, digits):
    fit(tmp_path, digits, terms="iic:1")
    tensors, state = records.load_checkpoint(tmp_path)
    del tensors["random.augmentation"]
    records.save_checkpoint(tmp_path, tensors, state)
    with pytest.raises(InputError, match="lacks random.augmentation: an earlier version made it"):
        fit(tmp_path, digits, terms="iic:1")
    assert records.read_json(tmp_path / "status.json")["status"] == "finished"
    assert Model(tmp_path).step == 20


def test_a_run_interrupted_in_its_pretraining_is_no_trained_model(tmp_path, digits, monkeypatch):
    monkeypatch.setattr(overclustering, "SAMPLE", 200)
    with pytest.raises(events.Stopped):
        ends = SimpleNamespace(logged=lambda row: raises(events.Stopped)())  # at its first row, of the pretraining
        fit(tmp_path, digits, "iic", observers=[ends], pretraining=8)
    with pytest.raises(InputError, match="pretraining"):
        Model(tmp_path)
