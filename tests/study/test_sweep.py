"""A sweep's trials, its confirmation and its report, in this process."""

import dataclasses
import json
import shlex
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import optuna
import pandas as pd
import pytest
from conftest import ROOT, call
from optuna.trial import TrialState
from shared_study import replace_training, resolve, trials_of

import infogan.study
from infogan import data, records, training
from infogan.config import InputError
from infogan.config.presets import PRESETS
from infogan.metrics import collapse, feature_network
from infogan.records import pictures
from infogan.reports.study import importance
from infogan.reports.study.choice import train_command
from infogan.reports.study.findings import settings_over_seeds
from infogan.study import objectives, storage, sweep
from infogan.study.launchers import PARENT
from infogan.study.options import ResolvedOptions
from infogan.study.trials import run_name
from infogan.study.worker import PruningWatch, Worker, halving
from infogan.utils import events


@pytest.fixture
def options(tmp_path, monkeypatch) -> ResolvedOptions:
    monkeypatch.chdir(tmp_path)
    return resolve(trials=4, images=1000)


@pytest.fixture(autouse=True)
def quick_evaluations(monkeypatch):
    """They take longer than these trainings."""
    monkeypatch.setattr(pictures, "confusion", lambda *arguments: None)
    monkeypatch.setattr(collapse, "SAMPLES", 100)


@pytest.fixture
def quick_training(monkeypatch):
    """Accuracy is a function of the configuration, and nothing is trained."""
    replace_training(monkeypatch, lambda made: 1 / (1 + abs(made.lambda_categorical - 1) + made.batch_size / 1000))


def test_the_report_says_how_to_train_a_trial_again(options):
    """In words that are quoted for a shell, whatever values a study from elsewhere holds."""
    point = options.configurations.sources(4)["authors"] | {"lambda_categorical": 0.25, "batch_size": 16}
    config = dataclasses.asdict(options.configurations.config(point, seed=7)) | {"dataset": "a b.npz; touch X #"}
    words = shlex.split(train_command(config, Path("my runs/best")))
    again = json.loads(call("train", *words[words.index("authors") :], "--dry-run").stdout)
    free = {"device", "precision", "log_every", "checkpoint_every"}
    assert {name: again[name] for name in again if name not in free} == {
        "run_dir": "my runs/best",
        **{name: value for name, value in config.items() if name not in free},
    }


def test_the_importance_of_the_one_parameter_that_matters_exceeds_the_others(options, monkeypatch):
    """The accuracy follows the batch size and nothing else; with a constant accuracy nothing matters."""
    found = {}
    monkeypatch.setattr(importance, "HALVES", 6)
    for outcome in ("batch", "constant"):
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0), direction="maximize")
        study.set_user_attr("settings", sweep.settings(options))
        for _ in range(40):
            trial = study.ask()
            batch = options.configurations.suggest(trial, seed=0).batch_size
            study.tell(trial, 1 / batch if outcome == "batch" else 0.5)
        found[outcome] = importance.importances(study)
    table = found["batch"].set_index("parameter")
    others = table.drop("batch_size")
    assert table.low["batch_size"] > others.high.max() and table.importance["batch_size"] > 0.8
    assert (table.low <= table.high).all() and (others.low >= 0).all()
    assert found["constant"].empty


def test_a_study_continues_as_if_it_had_not_stopped(options, quick_training):
    def explored(name: str, parts: tuple[int, ...]):
        made = dataclasses.replace(options, study=name, storage=f"sqlite:///{name}.db")
        sweep.open_study(made)
        for trials in parts:
            Worker(dataclasses.replace(made, trials=trials)).run()
        return [trial.params for trial in trials_of(made.storage, made.study)]

    whole, parts = explored("whole", (14,)), explored("parts", (5, 9, 14))
    assert len(whole) == 14 and whole == parts
    assert [point["recipe"] for point in whole[:3]] == ["authors", "paper", "blog"]


class Unreadable:
    """A split that nobody may look at."""

    def __getattr__(self, name):
        raise AssertionError(f"somebody looked at its {name}")

    def __len__(self):
        raise AssertionError("somebody looked at its length")


def test_trials_do_not_look_at_test_images_and_the_confirmation_does(options, monkeypatch):
    """One trial is pruned as well, and is not failed."""
    loaded = data.load
    monkeypatch.setattr(data, "load", lambda *arguments: dataclasses.replace(loaded(*arguments), test=Unreadable()))
    monkeypatch.setattr(optuna.Trial, "should_prune", lambda trial: trial.number == 1)
    sweep.open_study(options)
    Worker(dataclasses.replace(options, trials=2, confirm_best=1, confirm_seeds=1)).run()
    study = optuna.load_study(study_name=options.study, storage=options.storage)
    trials = study.trials[:2]
    assert [trial.state for trial in trials] == [TrialState.COMPLETE, TrialState.PRUNED]
    assert list(trials[1].intermediate_values) == [1] and len(trials[0].intermediate_values) > 5
    ended = [records.read_json(Path(trial.user_attrs["run_dir"]) / "status.json")["status"] for trial in trials]
    assert ended == ["finished", "stopped"]
    confirmation = optuna.load_study(study_name=study.user_attrs["confirmation"], storage=options.storage)
    [confirmed] = confirmation.trials
    assert confirmed.state == TrialState.FAIL and "somebody looked at" in confirmed.user_attrs["error"]


def read_wandb_run(directory: Path) -> dict:
    """What the offline file of a W&B run says of the run."""
    (file,) = directory.glob("wandb/offline-run-*/*.wandb")
    inspect = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", str(file)]
    read = subprocess.run(inspect, capture_output=True, text=True, check=True, timeout=60)
    (run,) = [json.loads(line)["run"] for line in read.stdout.splitlines() if '"type":"run"' in line]
    return run


def test_a_whole_study_leaves_tables_pictures_and_wandb_runs(tmp_path, monkeypatch, script_environment):
    """In a process of its own, as W&B keeps the state of one."""
    del script_environment["WANDB_MODE"]
    options = ("--trials", "3", "--images", "1000", "--workers", "1", "--confirm-seeds", "2", "--wandb", "offline")
    program = [sys.executable, str(ROOT / "experiments" / "sweep.py"), *options]
    first = subprocess.run(program, cwd=tmp_path, env=script_environment, capture_output=True, text=True, timeout=300)
    assert first.returncode == 0, first.stdout + first.stderr
    assert "W&B" not in first.stderr
    progress = [line.split()[0] for line in first.stdout.splitlines() if "  trial " in line and "/" in line[:8]]
    assert progress == ["1/3", "2/3", "3/3"], "trials done of trials asked"
    folder = tmp_path / "studies" / "digits"
    table = pd.read_csv(folder / "report" / "trials.csv")
    assert len(table) == 3 and (table.state == "complete").any()
    assert list(table.recipe[:3]) == ["authors", "paper", "blog"] and table.codes[0] == "10c+2u"
    for picture in ("slices", "learning_curves"):
        assert (folder / "report" / f"{picture}.png").stat().st_size > 5000
    best = json.loads((folder / "report" / "best.json").read_text())
    confirmed = pd.read_csv(folder / "report" / "winner.csv")
    complete = table[table.state == "complete"]
    sound = complete[~complete.collapsed]  # so short a run may not have taught G to draw
    ranked = (sound if len(sound) else complete).sort_values("accuracy", ascending=False, kind="stable").trial
    assert sorted(confirmed.groupby("trial").size().items()) == sorted((trial, 2) for trial in ranked[:2])
    means = confirmed.groupby("trial")["accuracy"].mean()
    assert best["trial"] == means.idxmax(), "the mean over seeds decides"
    assert best["test"]["accuracies"] == list(confirmed[confirmed.trial == best["trial"]]["test accuracy"])
    assert not list(folder.glob("trials/*/evaluation.json")), "only the confirmation is measured on test images"
    assert len(list(folder.glob("confirm/*/*/evaluation.json"))) == len(confirmed)
    assert all(list((tmp_path / run_dir).glob("wandb/offline-run-*/*.wandb")) for run_dir in table.run_dir)
    assert read_wandb_run(tmp_path / table.run_dir[0])["run_group"] == "digits"
    before = len(trials_of(f"sqlite:///{folder}/study.db", "digits"))
    monkeypatch.setattr(sweep, "command_line", lambda *arguments: ["true"])  # no report
    assert call("sweep", *options, cwd=tmp_path).returncode == 0
    assert len(trials_of(f"sqlite:///{folder}/study.db", "digits")) == before, "nothing was left to do"


def test_two_objectives_end_in_a_front(tmp_path, monkeypatch):
    """And none looks at test images."""
    loaded = data.load
    monkeypatch.setattr(data, "load", lambda *arguments: dataclasses.replace(loaded(*arguments), test=Unreadable()))
    monkeypatch.setenv("INFOGAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(feature_network, "EPOCHS", 1)
    options = ("--trials", "3", "--images", "600", "--workers", "1", "--wandb", "disabled")
    done = call("sweep", "digits", *options, "--objective", "accuracy,frechet", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    report = tmp_path / "studies" / "digits" / "report"
    table = pd.read_csv(report / "trials.csv").set_index("trial")
    assert set(table.state) == {"complete"}
    assert (report / "front.png").stat().st_size > 5000
    front = set(pd.read_csv(report / "front.csv").trial)
    accuracy = table.accuracy.where(~table.collapsed | table.collapsed.all(), -1)
    for n in table.index:
        as_good = (accuracy >= accuracy[n]) & (table.frechet <= table.frechet[n])
        better = as_good & ((accuracy > accuracy[n]) | (table.frechet < table.frechet[n]))
        assert (n in front) == (not better.any()), "the front has the trials that no other dominates"


def test_the_command_line_holds_no_password_when_processes_start(options, monkeypatch):
    """W&B records the command line of each process."""
    monkeypatch.setattr(sys, "argv", ["sweep.py", "--storage", "postgresql://me:s3cret@127.0.0.1:9/x"])
    with pytest.raises(InputError, match="cannot open the storage") as error:
        sweep.main()
    assert "s3cret" not in str(error.value)
    assert sys.argv == ["sweep.py", "--storage", "postgresql://me:***@127.0.0.1:9/x"]


def test_workers_leave_when_their_parent_is_gone(options, monkeypatch):
    sweep.open_study(options)
    monkeypatch.setenv(PARENT, "1234567890")
    with pytest.raises(events.Interrupted):
        Worker(options).run()


def test_workers_that_start_together_propose_different_points(options, quick_training, monkeypatch):
    seeds = []
    sampler = optuna.samplers.TPESampler

    def recording(seed=None):  # Optuna makes one of its own, without a seed, for every study
        if seed is not None:
            seeds.append(seed)
        return sampler(seed=seed)

    monkeypatch.setattr(optuna.samplers, "TPESampler", recording)
    for host in ("one", "two"):
        monkeypatch.setattr(socket, "gethostname", lambda name=host: name)
        made = dataclasses.replace(options, study=host, storage=f"sqlite:///{host}.db", trials=1, join=True)
        sweep.open_study(made)
        Worker(made).run()
    assert len(seeds) == len(set(seeds)) == 2


def write_npz(path: Path, count: int, side: int = 8, classes: int | None = 5) -> str:
    """A dataset of noise; returns its name. classes: None without labels; 1 with the second one in one image alone."""
    random = np.random.default_rng(0)
    numbers = np.arange(count)
    labels = {} if classes is None else {"labels": numbers % classes if classes > 1 else (numbers == 1).astype(int)}
    np.savez(path, images=random.integers(0, 256, (count, side, side), np.uint8), **labels)
    return str(path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"count": 40, "classes": None, "more": ("--objective", "nmi")}, "has no labels, which nmi needs"),
        ({"count": 40, "classes": 1}, "of fewer than two classes"),
        ({"count": 40, "side": 10}, "images are 10x10; both sides must be divisible by 4"),
    ],
)
def test_a_dataset_that_no_trial_can_train_on_is_refused_before_a_study(options, message, tmp_path):
    more = options.pop("more", ())
    done = call("sweep", write_npz(tmp_path / "data.npz", **options), *more, cwd=tmp_path)
    said, *_, error = done.stderr.splitlines()
    assert done.returncode == 1 and said.startswith(f"{tmp_path / 'data.npz'}: 40 images")
    assert error.startswith("error: ")
    assert message in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["data.npz"]


def test_batch_sizes_of_the_default_space_fit_the_training_images(options, quick_training):
    dataset = data.load(write_npz(Path("data.npz"), 100))
    made = sweep.check(dataclasses.replace(resolve(dataset="data.npz", images=1000), trials=11), dataset)
    sweep.open_study(made)
    Worker(made).run()
    trials = trials_of(made.storage, made.study)
    assert {t.params["batch_size"] for t in trials} <= {16, 32, 64}
    assert [t.user_attrs.get("source") for t in trials[:2]] == ["blog", None], "the others' batches are of 128"
    asked = resolve(dataset="data.npz", search=("batch_size=64,128",), images=1000)
    with pytest.raises(InputError, match="batch_size is 128"):
        sweep.check(asked, dataset)


@pytest.mark.parametrize(
    "other",
    [
        {"search": ("lambda_categorical=0.1:10:log",)},
        {"search": ("seed=0:3",)},
        {"set": ("lr_d=1e-3",)},
        {"objective": "nmi"},
        {"sampler": "random"},
        {"seed": 1},
        {"images": 2000},
    ],
)
def test_a_study_is_joined_with_the_same_settings_alone(other, options, quick_training, tmp_path):
    study = sweep.open_study(options)
    again = sweep.open_study(options)
    assert len(study.trials) == len(again.trials) == 3, "the sources' settings are queued once"
    with pytest.raises(InputError, match="was made with .*give the same, or another --study"):
        sweep.open_study(resolve(**{"trials": 4, "images": 1000, **other}))
    assert len(study.trials) == 3


def test_a_study_whose_recipes_were_others_is_refused(options, monkeypatch):
    """A preset that has changed since would put two recipes under one name."""
    sweep.open_study(options)
    changed, about = dataclasses.replace(PRESETS["authors"][0], leaky_slope=0.25), PRESETS["authors"][1]
    monkeypatch.setitem(PRESETS, "authors", (changed, about))
    with pytest.raises(InputError, match="made with recipes.authors.leaky_slope 0.01, not 0.25"):
        sweep.open_study(options)


@pytest.mark.parametrize("killed_at", ["set_user_attr", "enqueue_trial"])
def test_a_study_whose_maker_was_killed_is_completed(killed_at, options, monkeypatch):
    """The sources' settings would be lost without a word."""

    class Killed(BaseException):
        pass

    with monkeypatch.context() as patched:

        def kill(*arguments, **named):
            raise Killed

        patched.setattr(optuna.Study, killed_at, kill)
        with pytest.raises(Killed):
            sweep.open_study(options)
    study = sweep.open_study(options)
    assert study.user_attrs["settings"] == sweep.settings(options)
    assert [trial.user_attrs["source"] for trial in study.trials] == ["authors", "paper", "blog"]


def test_a_grid_trains_every_point_once_also_where_a_process_died(options, quick_training):
    made = resolve(search=("seed=0:2", "lambda_categorical=0.1,1"), sampler="grid", images=1000)
    study = sweep.open_study(made)
    assert made.trials == 6 and not study.trials
    Worker(dataclasses.replace(made, trials=2)).run()
    study.sampler = optuna.samplers.GridSampler(made.configurations.grid(), seed=made.seed)
    died = study.ask()
    study.tell(died, state=TrialState.FAIL)
    Worker(made).run()
    done = [(t.params["seed"], t.params["lambda_categorical"]) for t in study.trials if t.state == TrialState.COMPLETE]
    assert sorted(done) == [(seed, weight) for seed in range(3) for weight in (0.1, 1.0)]
    count = len(study.trials)
    Worker(made).run()
    assert len(study.trials) == count, "nothing is trained twice"


def test_a_point_of_a_grid_that_two_workers_take_is_trained_once(options, quick_training, monkeypatch):
    """The later one is dropped, also where the earlier one then dies."""
    monkeypatch.setattr(storage, "GRACE", 0.5)
    made = resolve(search=("seed=0:1",), images=1000)
    study = sweep.open_study(made)
    point = {"grid_id": 0, "search_space": {"seed": [0, 1]}}
    for state in (TrialState.RUNNING, TrialState.WAITING):
        study.add_trial(optuna.create_trial(state=state, system_attrs=point))
    Worker(made).run()
    assert [(run_name(t), t.state.name) for t in study.trials[:2]] == [("0000", "FAIL")] * 2
    assert study.trials[1].user_attrs["duplicate"]
    assert sorted((run_name(t), t.state.name) for t in study.trials[2:]) == [("0000", "COMPLETE"), ("0001", "COMPLETE")]


def test_the_pruner_compares_the_measure_itself_and_a_trial_counts_its_collapse(options):
    """An early G, which is hardly trained, counts as collapsed, and may recover."""
    study = optuna.create_study(direction="maximize", pruner=optuna.pruners.SuccessiveHalvingPruner(1))
    accuracy, config = objectives.MEASURES["accuracy"], PRESETS["authors"][0]
    row = {"images": config.images(config.updates) / 10, "accuracy": 0.7, "collapsed": True}
    for better in (False, True):
        trial = study.ask()
        watch = PruningWatch(trial, accuracy, config)
        watch.evaluated(row | {"accuracy": 0.7 + 0.1 * better}, {})
        study.tell(trial, accuracy.value(row))
    with pytest.raises(events.Stopped):
        PruningWatch(study.ask(), accuracy, config).evaluated(row | {"accuracy": 0.6, "collapsed": False}, {})
    assert [list(t.intermediate_values.values()) for t in study.trials] == [[0.7], [pytest.approx(0.8)], [0.6]]
    assert [t.value for t in study.trials[:2]] == [0.0, 0.0]


def test_the_pruner_decides_after_three_tenths_of_the_images_however_often_a_run_is_evaluated():
    study = optuna.create_study(direction="maximize", pruner=halving())
    accuracy = objectives.MEASURES["accuracy"]
    for value in (0.5, 0.6, 0.7):  # a trial in the best third of those so far goes on
        config = dataclasses.replace(PRESETS["authors"][0], evaluations=5)
        trial = study.ask()
        watch, whole = PruningWatch(trial, accuracy, config), config.images(config.updates)
        for share in (0.2, 0.4, 0.6, 0.8, 1.0):
            watch.evaluated({"images": share * whole, "accuracy": value}, {})
        assert [*study.trials[-1].intermediate_values] == [2, 4, 6, 8, 10]
        study.tell(trial, value)
    watch = PruningWatch(study.ask(), accuracy, config)
    watch.evaluated({"images": 0.2 * whole, "accuracy": 0.1}, {})  # too early to say
    with pytest.raises(events.Stopped):
        watch.evaluated({"images": 0.4 * whole, "accuracy": 0.1}, {})


def test_a_collapsed_run_is_the_worst_trial_and_is_not_confirmed(options, monkeypatch):
    replace_training(monkeypatch, lambda made: 0.9)
    honest = training.train

    def train(config, dataset, directory, *arguments, **named):
        out = honest(config, dataset, directory, *arguments, **named)
        if config.preset == "authors":
            records.Table(directory / "evaluations.csv").append({"step": 9, "accuracy": 0.99, "collapsed": True})
            out |= {"collapsed": True, "spread": 0.01, "info_8bit_categorical_nats": 0.0}
        return out

    monkeypatch.setattr(training, "train", train)
    made = dataclasses.replace(options, trials=3, confirm_best=3, confirm_seeds=1)
    sweep.open_study(made)
    Worker(made).run()
    table = infogan.study.load(made.study).set_index("source")
    assert table.accuracy.to_dict() == {"authors": 0.0, "paper": 0.9, "blog": 0.9}
    assert table.collapsed.to_dict() == {"authors": True, "paper": False, "blog": False}
    study = optuna.load_study(study_name=made.study, storage=made.storage)
    assert study.user_attrs["confirmation"] == "digits-confirm-1-2-x1"


def test_a_study_reads_as_a_table_by_name_folder_and_url(options, quick_training):
    sweep.open_study(options)
    Worker(options).run()
    table = infogan.study.load("digits")
    assert table.equals(infogan.study.load(Path("studies/digits"))) and table.equals(
        infogan.study.load(options.storage)
    )
    assert list(table.trial) == [0, 1, 2, 3] and set(table.state) == {"complete"}
    assert {"accuracy", "recipe", "codes", "batch_size", "lambda_categorical", "run_dir", "collapsed"} <= set(table)
    best = table.loc[table.accuracy.idxmax()]
    assert best.accuracy == pytest.approx(1 / (1 + abs(best.lambda_categorical - 1) + best.batch_size / 1000))
    for wrong in ("nobody", "sqlite:///nobody.db"):
        with pytest.raises(InputError, match="give"):
            infogan.study.load(wrong)


def test_settings_over_seeds_are_compared_at_the_same_seeds():
    rows = [
        {"state": "complete", "seed": seed, "lambda_categorical": weight, "accuracy": 0.1 * seed + 0.05 * (weight > 1)}
        for weight in (1.0, 10.0)
        for seed in range(4)
    ]
    table = settings_over_seeds(pd.DataFrame(rows), "accuracy", ["lambda_categorical"]).set_index("setting")
    assert table["mean"].to_dict() == pytest.approx({"1.0": 0.15, "10.0": 0.2})
    changed = table.loc["10.0"]
    assert changed.difference == pytest.approx(0.05) == changed.difference_low, "the seeds' spread cancels"
    single = settings_over_seeds(pd.DataFrame(rows[:1]), "accuracy", ["lambda_categorical"])
    assert single.low.isna().all(), "one seed has no interval"


def test_images_without_labels_are_searched_by_a_label_free_measure(tmp_path):
    """From PNG files to the winner."""
    from PIL import Image

    (tmp_path / "photos").mkdir()
    random = np.random.default_rng(0)
    for number in range(60):
        Image.fromarray(random.integers(0, 256, (8, 8), np.uint8)).save(tmp_path / "photos" / f"{number}.png")
    options = ("--search", "lambda_categorical=0.1:10:log", "--search", "codes=4c,4c+1u", "--set", "batch_size=16")
    size = ("--trials", "2", "--images", "320", "--workers", "1", "--confirm-seeds", "1", "--wandb", "disabled")
    done = call("sweep", "photos@8", *options, *size, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    best = records.read_json(tmp_path / "studies" / "photos-8" / "report" / "best.json")
    assert best["measure"] == "information" and best["config"]["codes"] in ("4c", "4c+1u") and "test" not in best
