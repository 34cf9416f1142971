"""Presets x seeds, shared out, continued, and never trained twice."""

import dataclasses
import signal
import subprocess
import sys
import time

import pytest
from conftest import ROOT, call, config, load_script

from infogan import records, training
from infogan.config import InputError
from infogan.presets import PRESETS

reproduce = load_script("reproduce")


def test_jobs_are_presets_by_seeds_cut_to_the_images():
    configs = reproduce.jobs(reproduce.Options(presets=("authors", "blog"), seeds=2, images=300_000))
    assert list(configs) == ["mnist-authors-seed0", "mnist-blog-seed0", "mnist-authors-seed1", "mnist-blog-seed1"]
    assert configs["mnist-blog-seed1"] == dataclasses.replace(PRESETS["blog"][0], seed=1, updates=18_750)
    assert configs["mnist-authors-seed0"].updates == 300_000 // 128
    assert reproduce.jobs(reproduce.Options(seeds=1))["mnist-authors-seed0"].updates == 5000
    best = reproduce.jobs(reproduce.Options(presets=("best",), seeds=1, images=200_000))["mnist-best-seed0"]
    assert best.warm_up == 1000 and 200_000 - 128 < best.images(best.updates) <= 200_000
    with pytest.raises(InputError, match="images is 100000; give 128,128 or more, which best needs"):
        reproduce.jobs(reproduce.Options(presets=("best",), images=100_000))
    for changes, message in (
        ({"presets": ("nobody",)}, "presets has nobody; allowed: authors"), ({"seeds": 0}, "seeds is 0"), ({"images": 0}, "images is 0"),
        ({"vary": ("lambda=1",)}, "vary has 'lambda=1'; give FIELD=VALUE,VALUE"), ({"vary": ("batch_size",)}, "vary has 'batch_size'; give"),
        ({"vary": ("batch_size=many",)}, "vary has batch_size=many, which is no int"), ({"vary": ("batch_size=1",)}, "batch_size is 1; batch norm"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=message):
            reproduce.jobs(reproduce.Options(**changes))


def test_one_setting_at_a_time_is_varied_at_equal_images():
    vary = ("lambda_categorical=0.1,1,10", "batch_size=16", "codes=20c+2u")
    configs = reproduce.jobs(
        reproduce.Options(dataset="digits", presets=("authors",), seeds=2, images=100_000, vary=vary)
    )
    names = (
        "authors",
        "authors-lambda_categorical=0.1",
        "authors-lambda_categorical=10.0",
        "authors-batch_size=16",
        "authors-codes=20c+2u",
    )
    assert list(configs) == [f"digits-{name}-seed{seed}" for seed in (0, 1) for name in names], (
        "the preset's own value is not trained twice"
    )
    authors = dataclasses.replace(PRESETS["authors"][0], dataset="digits", seed=1, updates=781)
    assert configs["digits-authors-lambda_categorical=10.0-seed1"] == dataclasses.replace(
        authors, lambda_categorical=10.0
    )
    assert configs["digits-authors-batch_size=16-seed1"] == dataclasses.replace(authors, batch_size=16, updates=6250)
    longer = reproduce.jobs(reproduce.Options(dataset="digits", presets=("authors",), seeds=1, vary=vary))
    assert {config.images(config.updates) for config in longer.values()} == {640_000}, (
        "also where the preset's own length decides"
    )


def test_a_killed_table_is_completed_and_nothing_is_trained_twice(tmp_path, script_environment):
    command = [sys.executable, str(ROOT / "experiments" / "reproduce.py"), "digits", "--presets", "authors", "gan", "--seeds", "2", "--images", "6400",
               "--workers", "2", "--wandb", "disabled"]  # fmt: skip
    process = subprocess.Popen(command, cwd=tmp_path, env=script_environment, stdout=subprocess.DEVNULL)
    while not list(tmp_path.glob("runs/*/evaluation.json")):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("runs/*/evaluation.json")}
    done = subprocess.run(command, cwd=tmp_path, env=script_environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    names = [f"digits-{preset}-seed{seed}" for preset in ("authors", "gan") for seed in (0, 1)]
    assert sorted(path.name for path in (tmp_path / "runs").iterdir() if path.is_dir()) == names
    for name in names:
        assert records.read_json(tmp_path / "runs" / name / "evaluation.json")["step"] == 50
    assert all(path.stat().st_mtime_ns == time_ns for path, time_ns in before.items())
    again = subprocess.run(command, cwd=tmp_path, env=script_environment, capture_output=True, text=True, timeout=100)
    assert again.returncode == 0 and "test accuracy" not in again.stdout


def test_who_joins_leaves_failed_jobs_and_the_report_to_who_leads(tmp_path):
    command = (
        "digits",
        "--presets",
        "gan",
        "--seeds",
        "1",
        "--images",
        "1280",
        "--workers",
        "1",
        "--wandb",
        "disabled",
    )
    records.create(tmp_path / "runs" / "digits-gan-seed0", training.resolve(config("gan")))  # of another batch size
    joined = call("reproduce", *command, "--join", cwd=tmp_path)
    assert joined.returncode == 0 and "digits-gan-seed0 failed: InputError" in joined.stderr
    again = call("reproduce", *command, "--join", cwd=tmp_path)
    assert again.returncode == 0 and "failed" not in again.stderr and "next:" not in again.stdout
    led = call("reproduce", *command, cwd=tmp_path)
    assert led.returncode == 1 and led.stderr.count("digits-gan-seed0 failed") == 2, (
        "once when it is tried, once at the end"
    )


@pytest.mark.parametrize("script", ("reproduce", "pruners"))
def test_an_unknown_dataset_is_one_line_and_leaves_nothing(script, tmp_path, script_environment):
    command = [sys.executable, str(ROOT / "experiments" / f"{script}.py"), "nope"]
    done = subprocess.run(command, cwd=tmp_path, env=script_environment, capture_output=True, text=True, timeout=100)
    assert (
        done.returncode == 1
        and done.stderr.startswith("error: unknown dataset 'nope'")
        and done.stderr.count("\n") == 1
    )
    assert not list(tmp_path.iterdir())
