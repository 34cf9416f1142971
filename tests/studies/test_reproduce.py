"""Presets x seeds, divided among workers, continued, and never trained twice."""

import dataclasses
import signal
import subprocess
import time

import numpy as np
import pytest
from conftest import call, config
from shared_study import command

from infogan import records, training
from infogan.config import RUNTIME_FIELDS, InputError
from infogan.presets import PRESETS
from infogan.studies import storage
from infogan.studies.reproduce import VARIED, Options, jobs


def test_jobs_are_presets_by_seeds_cut_to_the_images():
    configs = jobs(Options(presets=("authors", "blog"), seeds=2, images=300_000))
    assert list(configs) == ["mnist-authors-seed0", "mnist-blog-seed0", "mnist-authors-seed1", "mnist-blog-seed1"]
    assert configs["mnist-blog-seed1"] == dataclasses.replace(PRESETS["blog"][0], seed=1, updates=18_750)
    assert configs["mnist-authors-seed0"].updates == 300_000 // 128
    assert jobs(Options(seeds=1))["mnist-authors-seed0"].updates == 5000


def test_pretraining_counts_as_images():
    [(name, iic)] = jobs(Options(presets=("iic",), seeds=1, images=200_000)).items()
    assert name == "mnist-iic-seed0" and iic.pretraining == 1000
    assert 200_000 - 128 < iic.images(iic.updates) <= 200_000
    with pytest.raises(InputError, match="images is 100000; give 128,128 or more, which iic needs"):
        jobs(Options(presets=("iic",), images=100_000))


def test_codes_of_iic_follow_the_data_and_are_checked_before_anything_is_made(tmp_path):
    assert {made.codes for made in jobs(Options(presets=("iic",), vary=("lr_decay=0",))).values()} == {"auto"}
    images, labels = np.random.default_rng(0).integers(0, 255, (700, 8, 8), np.uint8), np.arange(700) % 70
    np.savez(tmp_path / "x.npz", images=images, labels=labels)
    done = call("reproduce", tmp_path / "x.npz", "--presets", "iic", "--folder", tmp_path / "runs")
    assert done.returncode == 1 and "codes is 70c+2u; it needs one categorical code" in done.stderr, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["x.npz"]


def test_the_former_name_of_a_preset_is_understood():
    assert jobs(Options(presets=("best", "iic"), seeds=1)) == jobs(Options(presets=("iic",), seeds=1))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"presets": ("nobody",)}, "presets has nobody; allowed: authors"),
        ({"seeds": 0}, "seeds is 0"),
        ({"images": 0}, "images is 0"),
        ({"vary": ("lambda=1",)}, "vary has 'lambda=1'; give FIELD=VALUE,VALUE"),
        ({"vary": ("updates=1",)}, "vary has 'updates=1'; give FIELD=VALUE,VALUE"),
        ({"vary": ("batch_size",)}, "vary has 'batch_size'; give"),
        ({"vary": ("batch_size=many",)}, "vary has batch_size=many; give a whole number"),
        ({"vary": ("lr_d=fast",)}, "vary has lr_d=fast; give a number"),
        ({"vary": ("spectral_norm=1",)}, "vary has spectral_norm=1; give true or false"),
        ({"vary": ("batch_size=1",)}, "batch_size is 1; batch norm"),
        ({"vary": ("terms=iic:0",)}, "terms gives iic the weight 0"),
    ],
)
def test_bad_input_is_named(changes, message):
    with pytest.raises(InputError, match=message):
        jobs(Options(**changes))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--vary", "batch_size=64,5000"), "batch_size is 5000, but there are only 1197 training images"),
        (("--vary", "codes=10x"), "cannot read the latent code term '10x'"),
        (("--vary", "codes=2u", "--presets", "iic"), "codes is 2u"),
        (("--vary", "terms=iic:1:speed=2"), "the term iic has no setting speed"),
        (("--vary", "network=svhn"), "images are 8x8; both sides must be divisible by 16"),
    ],
)
def test_a_run_that_cannot_be_trained_is_refused_before_a_study(arguments, message, tmp_path):
    done = call("reproduce", "digits", "--presets", "authors", "--seeds", "1", *arguments, cwd=tmp_path)
    assert done.returncode == 1 and done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    assert message in done.stderr and list(tmp_path.iterdir()) == []


def test_one_setting_at_a_time_is_varied_at_equal_images():
    vary = ("lambda_categorical=0.1,1,10", "batch_size=16", "codes=20c+2u")
    configs = jobs(Options(dataset="digits", presets=("authors",), seeds=2, images=100_000, vary=vary))
    changes = ("", "-lambda_categorical=0.1", "-lambda_categorical=10.0", "-batch_size=16", "-codes=20c+2u")
    names = [f"digits-authors{change}-seed{seed}" for seed in (0, 1) for change in changes]
    assert list(configs) == names, "the preset's own value is not trained twice"
    authors = dataclasses.replace(PRESETS["authors"][0], dataset="digits", seed=1, updates=781)
    stronger = dataclasses.replace(authors, lambda_categorical=10.0)
    assert configs["digits-authors-lambda_categorical=10.0-seed1"] == stronger
    assert configs["digits-authors-batch_size=16-seed1"] == dataclasses.replace(authors, batch_size=16, updates=6250)
    longer = jobs(Options(dataset="digits", presets=("authors",), seeds=1, vary=vary))
    images = {config.images(config.updates) for config in longer.values()}
    assert images == {640_000}, "also where the preset's own length decides"


def test_every_field_of_a_recipe_can_be_varied():
    other = {
        "codes": "10c",
        "noise": "62g",
        "q_std": "learned",
        "network": "digits",
        "g_layers": "blog",
        "d_layers": "no-norm",
        "g_ema": 0.9,
        "diffaugment": "colour",
        "augmentation": "none",
        "initialisation": "blog",
        "g_latent": "same",
        "q_trunk": "own",
        "spectral_norm": True,
        "info_flow": "q-head",
        "terms": "iic:0.5+r1:10",
        "d_loss": "mean",
        "lr_decay": 0.5,
        "beta1": 0.9,
    }
    own = dataclasses.asdict(PRESETS["authors"][0])
    free = {*RUNTIME_FIELDS, "preset", "dataset", "seed", "updates", "precision"}
    assert set(VARIED) == own.keys() - free
    for field in VARIED:
        value = other.get(field, own[field] / 2 if isinstance(own[field], float) else 64)
        [_, varied] = jobs(Options(presets=("authors",), seeds=1, vary=(f"{field}={value}",))).values()
        assert getattr(varied, field) == value


def test_the_weight_of_a_term_is_varied_and_trained(tmp_path):
    """A configuration with terms is trained by a worker process as any other."""
    added = ("iic:0.5", "contrastive:1", "r1:1", "hinge:1")
    vary = f"terms=,{','.join(added)}"
    configs = jobs(Options(dataset="digits", presets=("iic",), seeds=1, vary=("terms=iic:0.5,iic:1",)))
    assert [made.terms for made in configs.values()] == ["iic:1+pseudo-labels:2", "iic:0.5", "iic:1"]
    options = ("--seeds", "1", "--images", "1280", "--workers", "2", "--wandb", "disabled", "--vary", vary)
    done = call("reproduce", "digits", "--presets", "authors", *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "next: infogan settings runs/digits-authors-seed* runs/digits-authors-*=*" in done.stdout
    for terms in added:
        run = records.load(tmp_path / "runs" / f"digits-authors-terms={terms.replace(':', '_')}-seed0")
        assert run.config.terms == terms and run.status["status"] == "finished"


def test_a_killed_table_is_completed_and_nothing_is_trained_twice(tmp_path, script_environment, monkeypatch):
    """The processes that trained for the killed command leave by themselves."""
    options = ("--seeds", "2", "--images", "6400", "--workers", "2", "--wandb", "disabled")
    arguments = command("reproduce", "digits", "--presets", "authors", "gan", *options)
    process = subprocess.Popen(arguments, cwd=tmp_path, env=script_environment, stdout=subprocess.DEVNULL)
    while not list(tmp_path.glob("runs/*/evaluation.json")):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("runs/*/evaluation.json")}
    monkeypatch.setattr(storage, "GRACE", 6)
    done = call("reproduce", *arguments[2:], "--workers", "1", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    names = [f"digits-{preset}-seed{seed}" for preset in ("authors", "gan") for seed in (0, 1)]
    assert sorted(path.name for path in (tmp_path / "runs").iterdir() if path.is_dir()) == names
    for name in names:
        assert records.read_json(tmp_path / "runs" / name / "evaluation.json")["step"] == 50
    assert all(path.stat().st_mtime_ns == time_ns for path, time_ns in before.items())
    again = call("reproduce", *arguments[2:], "--workers", "1", cwd=tmp_path)
    assert again.returncode == 0 and "test accuracy" not in again.stdout, again.stderr


def test_joining_leaves_failed_jobs_and_the_next_command_to_the_leading_command(tmp_path):
    options = ("--seeds", "1", "--images", "1280", "--workers", "1", "--wandb", "disabled")
    command = ("digits", "--presets", "gan", *options)
    records.create(tmp_path / "runs" / "digits-gan-seed0", training.resolve(config("gan")))  # of another batch size
    joined = call("reproduce", *command, "--join", cwd=tmp_path)
    assert joined.returncode == 0 and "digits-gan-seed0 failed: InputError" in joined.stderr
    again = call("reproduce", *command, "--join", cwd=tmp_path)
    assert again.returncode == 0 and "failed" not in again.stderr and "next:" not in again.stdout
    led = call("reproduce", *command, cwd=tmp_path)
    assert led.returncode == 1
    assert led.stderr.count("digits-gan-seed0 failed") == 2, "once when it is tried, once at the end"


def test_an_unknown_dataset_is_one_line_and_leaves_nothing(tmp_path):
    done = call("reproduce", "nope", cwd=tmp_path)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert done.stderr.startswith("error: unknown dataset 'nope'") and "digits" in done.stderr
    assert not list(tmp_path.iterdir())
