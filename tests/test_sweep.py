import dataclasses
import json
import os
import shlex
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import optuna
import pandas as pd
import pytest
from conftest import ROOT, call, load_script
from optuna.trial import TrialState

from infogan import events, experiment, records
from infogan.codes import Latent
from infogan.config import InputError
from infogan.presets import PRESETS
from infogan.records import tracking

sweep = load_script("sweep")


@pytest.fixture
def options(tmp_path, monkeypatch) -> "sweep.Options":
    monkeypatch.chdir(tmp_path)
    return sweep.Options(trials=4, workers=1, images=1000, confirm_seeds=0, wandb="disabled").resolved()


@pytest.fixture
def quick_training(monkeypatch):
    """Stands in for training where only the study's machinery is tested: accuracy is a function of the configuration."""

    def train(config, dataset, directory, wandb, group, observers=(), progress=True):
        accuracy = 1 / (1 + abs(config.lambda_categorical - 1) + config.batch_size / 1000)
        return {"validation_accuracy": accuracy, "images": 1000, "train_seconds": 1.0}

    monkeypatch.setattr(tracking, "train", train)


def study_of(options) -> optuna.Study:
    return optuna.load_study(study_name=options.study, storage=options.storage)


def test_the_sources_settings_are_their_presets(options):
    for point in sweep.source_settings():
        config = sweep.suggest(optuna.trial.FixedTrial(point), options, seed=0)
        preset = PRESETS[point["recipe"]][0]
        free = {
            "dataset": "digits",
            "updates": config.updates,
            "log_every": config.log_every,
            "checkpoint_every": config.checkpoint_every,
        }
        if not point["continuous_codes"]:
            free["lambda_continuous"] = 0.0
        assert config == dataclasses.replace(preset, **free)


def test_every_point_of_the_space_is_a_valid_configuration_at_equal_images(options):
    options = dataclasses.replace(options, images=80_000)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    codes = set()
    for _ in range(100):
        config = sweep.suggest(study.ask(), options, seed=0)
        codes.add(str(Latent(config.codes, config.noise, config.q_std)))
        assert str(Latent(config.codes, config.noise)) == config.codes, "stored codes must be in canonical form"
        assert config.updates * config.batch_size == pytest.approx(80_000, rel=0.005)
    assert len(codes) > 20


def test_the_report_says_how_to_train_a_trial_again(options):
    config = sweep.suggest(
        optuna.trial.FixedTrial(dict(sweep.source_settings()[1], lambda_categorical=0.25, batch_size=16)),
        options,
        seed=7,
    )
    words = shlex.split(load_script("study", "analysis").command(dataclasses.asdict(config), Path("my runs/best")))
    assert words[:2] == ["python", "experiments/train.py"]
    again = json.loads(call("train", *words[2:], "--seed", "7", "--dry-run").stdout)
    assert again.pop("run_dir") == "my runs/best"
    free = {"device", "precision", "log_every", "checkpoint_every"}
    assert {key: again[key] for key in again if key not in free} == {
        key: value for key, value in dataclasses.asdict(config).items() if key not in free
    }


def test_the_importance_of_what_alone_matters_stands_clear_of_the_rest(options, monkeypatch):
    """The accuracy follows the batch size and nothing else; with a constant accuracy nothing matters."""
    report, found = load_script("study", "analysis"), {}
    monkeypatch.setattr(report, "HALVES", 6)
    for outcome in ("batch", "constant"):
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0), direction="maximize")
        for _ in range(40):
            trial = study.ask()
            batch = sweep.suggest(trial, options, seed=0).batch_size
            study.tell(trial, 1 / batch if outcome == "batch" else 0.5)
        found[outcome] = report.importances(study)
    table = found["batch"][found["batch"].among == "all trials"].set_index("parameter")
    others = table.drop("batch_size")
    assert table.low["batch_size"] > others.high.max() and table.importance["batch_size"] > 0.8
    assert (table.low <= table.high).all() and (others.low >= 0).all()
    assert found["constant"].empty


def test_a_study_continues_as_if_it_had_not_stopped(options, quick_training):
    def explored(name: str, parts: tuple[int, ...]):
        made = dataclasses.replace(options, study=name, storage=f"sqlite:///{name}.db")
        sweep.open_study(made)
        for trials in parts:
            sweep.work(0, None, dataclasses.replace(made, trials=trials))
        return [trial.params for trial in study_of(made).trials]

    whole, parts = explored("whole", (14,)), explored("parts", (5, 9, 14))
    assert len(whole) == 14 and whole == parts
    assert [point["recipe"] for point in whole[:3]] == ["paper", "authors", "blog"]


def test_a_failing_trial_is_recorded_and_the_study_goes_on(options, monkeypatch, capsys, quick_training):
    works = experiment.train

    def train(config, *arguments, **named):
        if config.preset == "authors":
            raise FloatingPointError("odd")
        return works(config, *arguments, **named)

    monkeypatch.setattr(tracking, "train", train)
    sweep.open_study(options)
    sweep.work(0, None, options)
    trials = study_of(options).trials
    assert len(trials) >= 4
    assert trials[1].state == TrialState.FAIL and trials[1].user_attrs["error"] == "FloatingPointError: odd"
    assert trials[0].state == trials[2].state == TrialState.COMPLETE
    assert "failed: FloatingPointError: odd" in capsys.readouterr().out


def test_an_error_in_every_trial_ends_the_study(options, monkeypatch):
    monkeypatch.setattr(sweep, "suggest", lambda *a, **k: 1 / 0)
    sweep.open_study(options)
    sweep.work(0, None, options)
    assert [trial.state for trial in study_of(options).trials] == [TrialState.FAIL] * 4


def test_a_pruned_trial_is_pruned_and_not_failed(options, monkeypatch):
    monkeypatch.setattr(optuna.Trial, "should_prune", lambda trial: trial.number == 1)
    sweep.open_study(options)
    sweep.work(0, None, dataclasses.replace(options, trials=2))
    trials = study_of(options).trials[:2]
    assert [trial.state for trial in trials] == [TrialState.COMPLETE, TrialState.PRUNED]
    assert list(trials[1].intermediate_values) == [1] and len(trials[0].intermediate_values) > 5
    status = records.read_json(Path(trials[1].user_attrs["run_dir"]) / "status.json")
    assert status["status"] == "stopped"


def test_bad_input_is_named(options, tmp_path):
    for changes, message in (
        ({"study": "../outside"}, "study is '../outside'"),
        ({"trials": 0}, "trials is 0"),
        ({"workers": -1}, "workers is -1"),
        ({"images": 10}, "images is 10"),
    ):
        with pytest.raises(InputError, match=message):
            sweep.Options(**changes).resolved()
    sweep.open_study(options)
    with pytest.raises(InputError, match="made with images 1000, not 2000"):
        sweep.open_study(dataclasses.replace(options, images=2000))
    with pytest.raises(InputError, match="cannot open the storage") as error:
        sweep.open_study(dataclasses.replace(options, storage="postgresql+nodriver://me:s3cret@localhost/x"))
    assert "s3cret" not in str(error.value)


def command(*arguments: str) -> list[str]:
    return [sys.executable, str(ROOT / "experiments" / "sweep.py"), *arguments]


def test_a_whole_study_leaves_tables_pictures_and_wandb_runs(tmp_path, script_environment):
    arguments = command(
        "--trials", "4", "--images", "3000", "--workers", "2", "--confirm-seeds", "2", "--wandb", "offline"
    )
    environment = {key: value for key, value in script_environment.items() if key != "WANDB_MODE"}
    done = subprocess.run(arguments, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    folder = tmp_path / "studies" / "digits"
    table = pd.read_csv(folder / "report" / "trials.csv")
    assert len(table) >= 4 and (table.state == "complete").any()
    assert list(table.recipe[:3]) == ["paper", "authors", "blog"] and table.codes[0] == "10c+2u"
    for picture in ("lambda", "codes", "batch_size", "history", "learning_curves"):
        assert (folder / "report" / f"{picture}.png").stat().st_size > 5000
    best = json.loads((folder / "report" / "best.json").read_text())
    confirmed = pd.read_csv(folder / "report" / "confirmation.csv")
    ranked = table[table.state == "complete"].sort_values("validation accuracy", ascending=False, kind="stable").trial
    assert sorted(confirmed.groupby("trial").size().items()) == sorted((trial, 2) for trial in ranked[:2])
    assert best["trial"] == confirmed.groupby("trial")["validation accuracy"].mean().idxmax(), (
        "the mean over seeds decides"
    )
    assert best["test"]["accuracies"] == list(confirmed[confirmed.trial == best["trial"]]["test accuracy"])
    for run_dir in table.run_dir:
        (file,) = (tmp_path / run_dir).glob("wandb/offline-run-*/*.wandb")
        read = subprocess.run(
            [sys.executable, "-m", "wandb", "leet", "inspect", "--json", str(file)],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        (run,) = [json.loads(line)["run"] for line in read.stdout.splitlines() if '"type":"run"' in line]
        assert run["run_group"] == "digits"
    again = subprocess.run(arguments, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert again.returncode == 0 and pd.read_csv(folder / "report" / "trials.csv").equals(table), (
        "nothing was left to do"
    )


def test_a_killed_study_continues_and_loses_nothing(tmp_path, script_environment):
    """kill -9 in the middle of the second trial; the same command goes on from that trial's checkpoint."""
    arguments = command("--trials", "3", "--images", "40000", "--workers", "1", "--confirm-seeds", "0")
    trials = tmp_path / "studies" / "digits" / "trials"
    process = subprocess.Popen(arguments, cwd=tmp_path, env=script_environment, stdout=subprocess.DEVNULL)
    while not (trials / "0001" / records.CHECKPOINT).exists():
        assert process.poll() is None, "the study ended before it could be killed"
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    step = records.load_checkpoint(trials / "0001")[1]["step"]
    assert step < records.read_json(trials / "0001" / "config.json")["config"]["updates"]

    def kept(directory):
        return [row for row in records.Table(directory / "metrics.csv").rows() if int(row["step"]) <= step]

    first, second = (trials / "0000" / "evaluation.json").read_text(), kept(trials / "0001")
    done = subprocess.run(arguments, cwd=tmp_path, env=script_environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (trials / "0000" / "evaluation.json").read_text() == first
    assert kept(trials / "0001") == second, "rows (with their seconds) before the checkpoint must not be trained again"
    with sqlite3.connect(tmp_path / "studies" / "digits" / "study.db") as database:
        assert database.execute("select count(*) from trials where state = 'RUNNING'").fetchone() == (0,)
    study = optuna.load_study(study_name="digits", storage=f"sqlite:///{tmp_path}/studies/digits/study.db")
    states = {(t.user_attrs["run"], t.state) for t in study.trials}
    assert (1, TrialState.FAIL) in states and states & {(1, TrialState.COMPLETE), (1, TrialState.PRUNED)}
    ended = [t.user_attrs["run"] for t in study.trials if t.state != TrialState.FAIL]
    assert sorted(ended) == [0, 1, 2]


def test_sigterm_saves_the_trial_and_the_next_start_takes_it_up(tmp_path, script_environment):
    arguments = command("--trials", "2", "--images", "20000", "--workers", "2", "--confirm-seeds", "0")
    trials = tmp_path / "studies" / "digits" / "trials"
    process = subprocess.Popen(arguments, cwd=tmp_path, env=script_environment, stdout=subprocess.DEVNULL)
    while not all((trials / f"{n:04d}" / "metrics.csv").exists() for n in (0, 1)):
        assert process.poll() is None, "the study ended before it could be stopped"
        time.sleep(0.02)
    process.terminate()
    assert process.wait(60) == 128 + signal.SIGTERM
    for n in (0, 1):
        assert records.read_json(trials / f"{n:04d}" / "status.json")["status"] == "interrupted"
    done = subprocess.run(arguments, cwd=tmp_path, env=script_environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    for n in (0, 1):
        assert records.read_json(trials / f"{n:04d}" / "status.json")["status"] in ("finished", "stopped")


def test_the_wandb_record_of_a_study_holds_no_password(tmp_path, script_environment):
    """W&B records command lines; the sweep masks its own before any process starts."""
    code = (
        "import sys; sys.argv = ['sweep.py', '--storage', 'postgresql://me:s3cret@127.0.0.1:9/x']; "
        f"sys.path.insert(0, {str(ROOT / 'experiments')!r}); import sweep\n"
        "try: sweep.main()\nexcept Exception as error: print(error)\nprint(sys.argv)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=script_environment, capture_output=True, text=True, timeout=120
    )
    assert "s3cret" not in done.stdout + done.stderr and "postgresql://me:***@127.0.0.1:9/x" in done.stdout
    assert "cannot open the storage" in done.stdout


def test_workers_leave_when_their_parent_is_gone(options, monkeypatch):
    sweep.open_study(options)
    with pytest.raises(events.Interrupted):
        sweep.work(0, -1, options)


def test_workers_that_start_together_propose_different_points(options, quick_training, monkeypatch):
    seeds = []
    sampler = optuna.samplers.TPESampler

    def recording(seed=None):  # Optuna makes one of its own, without a seed, for every study
        if seed is not None:
            seeds.append(seed)
        return sampler(seed=seed)

    monkeypatch.setattr(optuna.samplers, "TPESampler", recording)
    for index in (0, 1):
        made = dataclasses.replace(options, study=f"s{index}", storage=f"sqlite:///s{index}.db", trials=1)
        sweep.open_study(made)
        sweep.work(index, None, made)
    assert len(seeds) == len(set(seeds)) == 2


def test_ctrl_c_in_a_terminal_saves_every_worker(tmp_path, script_environment):
    """A terminal sends SIGINT to the whole process group; each run must still be saved."""
    arguments = command("--trials", "2", "--images", "20000", "--workers", "2", "--confirm-seeds", "0")
    trials = tmp_path / "studies" / "digits" / "trials"
    process = subprocess.Popen(
        arguments, cwd=tmp_path, env=script_environment, stdout=subprocess.DEVNULL, start_new_session=True
    )
    while not all((trials / f"{n:04d}" / "metrics.csv").exists() for n in (0, 1)):
        assert process.poll() is None, "the study ended before it could be stopped"
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(60) == 128 + signal.SIGINT
    for n in (0, 1):
        assert records.read_json(trials / f"{n:04d}" / "status.json")["status"] == "interrupted"


def test_two_objectives_end_in_a_front(tmp_path, script_environment):
    environment = script_environment | {"INFOGAN_CACHE": str(tmp_path / "cache")}
    arguments = command("--trials", "4", "--images", "1500", "--workers", "1", "--quality")
    done = subprocess.run(arguments, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    report = tmp_path / "studies" / "digits" / "report"
    table = pd.read_csv(report / "trials.csv").set_index("trial")
    assert (report / "front.png").stat().st_size > 5000
    front = json.loads((report / "front.json").read_text())["trials"]

    def beaten(a, b):  # by b in both, and in one of them clearly
        better = (b["validation accuracy"] >= a["validation accuracy"], b["Fréchet distance"] <= a["Fréchet distance"])
        return all(better) and tuple(a[["validation accuracy", "Fréchet distance"]]) != tuple(
            b[["validation accuracy", "Fréchet distance"]]
        )

    assert front == [n for n, a in table.iterrows() if not any(beaten(a, b) for _, b in table.iterrows())]
