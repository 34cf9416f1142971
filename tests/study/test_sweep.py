"""A sweep's trials, its confirmation and its report, in this process."""

import dataclasses
import json
import shlex
import sys
from pathlib import Path

import numpy as np
import optuna
import pandas as pd
import pytest
from conftest import call
from optuna.trial import TrialState
from shared_study import replace_training, resolve, trials_of

import infogan.study
from infogan import data, events, records, training
from infogan.config import InputError
from infogan.presets import PRESETS
from infogan.reports.study import importance
from infogan.reports.study.choice import train_command
from infogan.reports.study.findings import settings_over_seeds
from infogan.study import retry, search_space, sweep
from infogan.study.options import ResolvedOptions
from infogan.study.trials import Duplicate, _refuse_duplicate


@pytest.fixture
def options(tmp_path, monkeypatch) -> ResolvedOptions:
    monkeypatch.chdir(tmp_path)
    return resolve(trials=4, images=1000)


@pytest.fixture
def quick_training(monkeypatch):
    """Accuracy is a function of the configuration, and nothing is trained."""
    replace_training(monkeypatch, lambda made: 1 / (1 + abs(made.lambda_categorical - 1) + made.batch_size / 1000))


def test_the_report_says_how_to_train_a_trial_again(options):
    point = options.configurations.sources()["authors"] | {"lambda_categorical": 0.25, "batch_size": 16}
    config = options.configurations.config(point, seed=7)
    words = shlex.split(train_command(config, Path("my runs/best")))
    arguments = words[words.index(config.preset) :]
    again = json.loads(call("train", *arguments, "--dry-run").stdout)
    assert again.pop("run_dir") == "my runs/best"
    free = {"device", "precision", "log_every", "checkpoint_every"}
    assert {key: again[key] for key in again if key not in free} == {
        key: value for key, value in dataclasses.asdict(config).items() if key not in free
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
            sweep.work(0, None, dataclasses.replace(made, trials=trials))
        return [trial.params for trial in trials_of(made.storage, made.study)]

    whole, parts = explored("whole", (14,)), explored("parts", (5, 9, 14))
    assert len(whole) == 14 and whole == parts
    assert [point["recipe"] for point in whole[:3]] == ["authors", "paper", "blog"]


def test_a_failing_trial_is_recorded_and_the_study_goes_on(options, monkeypatch, capsys, quick_training):
    works = training.train

    def train(config, *arguments, **named):
        if config.preset == "authors":
            raise FloatingPointError("odd")
        return works(config, *arguments, **named)

    monkeypatch.setattr(training, "train", train)
    sweep.open_study(options)
    sweep.work(0, None, options)
    trials = trials_of(options.storage, options.study)
    assert len(trials) >= 4
    assert trials[0].state == TrialState.FAIL and trials[0].user_attrs["error"] == "FloatingPointError: odd"
    assert trials[1].state == trials[2].state == TrialState.COMPLETE
    assert "failed: FloatingPointError: odd" in capsys.readouterr().out


def test_an_error_in_every_trial_ends_the_study(options, monkeypatch):
    monkeypatch.setattr(search_space.Configurations, "config", lambda *a, **k: 1 / 0)
    sweep.open_study(options)
    sweep.work(0, None, options)
    assert [trial.state for trial in trials_of(options.storage, options.study)] == [TrialState.FAIL] * 4


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
    sweep.work(0, None, dataclasses.replace(options, trials=2, confirm_best=1, confirm_seeds=1))
    study = optuna.load_study(study_name=options.study, storage=options.storage)
    trials = study.trials[:2]
    assert [trial.state for trial in trials] == [TrialState.COMPLETE, TrialState.PRUNED]
    assert list(trials[1].intermediate_values) == [1] and len(trials[0].intermediate_values) > 5
    ended = [records.read_json(Path(trial.user_attrs["run_dir"]) / "status.json")["status"] for trial in trials]
    assert ended == ["finished", "stopped"]
    confirmation = optuna.load_study(study_name=study.user_attrs["confirmation"], storage=options.storage)
    [confirmed] = confirmation.trials
    assert confirmed.state == TrialState.FAIL and "somebody looked at" in confirmed.user_attrs["error"]


def test_two_objectives_end_in_a_front(tmp_path, monkeypatch):
    """And none looks at test images."""
    loaded = data.load
    monkeypatch.setattr(data, "load", lambda *arguments: dataclasses.replace(loaded(*arguments), test=Unreadable()))
    monkeypatch.setenv("INFOGAN_CACHE", str(tmp_path / "cache"))
    options = ("--trials", "3", "--images", "1500", "--workers", "1", "--wandb", "disabled")
    done = call("sweep", "digits", *options, "--objective", "accuracy,frechet", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    report = tmp_path / "studies" / "digits" / "report"
    table = pd.read_csv(report / "trials.csv").set_index("trial")
    assert set(table.state) == {"complete"}
    assert (report / "front.png").stat().st_size > 5000
    front = sorted(pd.read_csv(report / "front.csv").trial)
    accuracy, distance = table.accuracy.where(~table.collapsed | table.collapsed.all(), -1), table.frechet

    def is_dominated(n: int) -> bool:
        """By a trial that is at least as good in both objectives, and better in one of them."""
        as_good = (accuracy >= accuracy[n]) & (distance <= distance[n])
        return bool((as_good & ((accuracy > accuracy[n]) | (distance < distance[n]))).any())

    assert front == [n for n in table.index if not is_dominated(n)]


def test_another_length_and_a_storage_that_cannot_be_opened_are_refused(options):
    sweep.open_study(options)
    with pytest.raises(InputError, match="made with images 1000, not 2000"):
        sweep.open_study(dataclasses.replace(options, images=2000))
    with pytest.raises(InputError, match="cannot open the storage") as error:
        sweep.open_study(dataclasses.replace(options, storage="postgresql+nodriver://me:s3cret@localhost/x"))
    assert "s3cret" not in str(error.value)


def test_the_command_line_holds_no_password_when_processes_start(options, monkeypatch):
    """W&B records the command line of each process."""
    monkeypatch.setattr(sys, "argv", ["sweep.py", "--storage", "postgresql://me:s3cret@127.0.0.1:9/x"])
    with pytest.raises(InputError, match="cannot open the storage") as error:
        sweep.main()
    assert "s3cret" not in str(error.value)
    assert sys.argv == ["sweep.py", "--storage", "postgresql://me:***@127.0.0.1:9/x"]


def test_workers_leave_when_their_parent_is_gone(options):
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


def test_a_command_to_copy_is_quoted():
    """The values of a study from elsewhere are data, whatever they hold."""
    config = dataclasses.asdict(PRESETS["authors"][0]) | {"noise": "62u; touch X #", "dataset": "a b.npz"}
    command = train_command(config, Path("runs/a b"))
    words = shlex.split(command)
    assert words[words.index("--noise") + 1] == "62u; touch X #" and words[words.index("--dataset") + 1] == "a b.npz"
    assert words[words.index("--run-dir") + 1] == "runs/a b" and ";" not in [*words, ""]


def test_a_storage_that_cannot_be_opened_leaves_no_folder(tmp_path):
    done = call("sweep", "--storage", "postgresql://me:s3cret@127.0.0.1:1/x", "--trials", 1, cwd=tmp_path)
    assert done.returncode == 1 and "cannot open the storage" in done.stderr and done.stderr.count("\n") == 1
    assert "s3cret" not in done.stderr and list(tmp_path.iterdir()) == []


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
    made = sweep.check(dataclasses.replace(resolve(dataset="data.npz", images=1000), trials=12), dataset)
    sweep.open_study(made)
    sweep.work(0, None, made)
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
    sweep.work(0, None, dataclasses.replace(made, trials=2))
    study.sampler = optuna.samplers.GridSampler(made.configurations.grid(), seed=made.seed)
    died = study.ask()
    study.tell(died, state=TrialState.FAIL)
    retry.queue_again(study, study.trials[died.number], died=True)
    sweep.work(0, None, made)
    done = [t.params for t in study.trials if t.state == TrialState.COMPLETE]
    wanted = [{"seed": seed, "lambda_categorical": weight} for seed in range(3) for weight in (0.1, 1.0)]
    assert sorted(map(repr, map(sorted, map(dict.items, done)))) == sorted(
        map(repr, map(sorted, map(dict.items, wanted)))
    )
    count = len(study.trials)
    sweep.work(0, None, made)
    assert len(study.trials) == count, "nothing is trained twice"


def test_a_point_of_a_grid_that_two_workers_take_is_trained_once(options, quick_training):
    made = resolve(search=("seed=0:1",), images=1000)
    study = sweep.open_study(made)
    study.sampler = optuna.samplers.GridSampler(made.configurations.grid(), seed=made.seed)
    first, second = study.ask(), study.ask()
    for trial in (first, second):
        study._storage.set_trial_system_attr(trial._trial_id, "grid_id", 0)
        trial.set_user_attr("run", "0000")
    study.tell(second, state=TrialState.FAIL)
    with pytest.raises(Duplicate):
        _refuse_duplicate(study, second, "0000")
    _refuse_duplicate(study, first, "0000")


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
    sweep.work(0, None, made)
    table = infogan.study.load(made.study).set_index("source")
    assert table.accuracy.to_dict() == {"authors": 0.0, "paper": 0.9, "blog": 0.9}
    assert table.collapsed.to_dict() == {"authors": True, "paper": False, "blog": False}
    study = optuna.load_study(study_name=made.study, storage=made.storage)
    assert study.user_attrs["confirmation"] == "digits-confirm-1-2-x1"


def test_a_study_reads_as_a_table_by_name_folder_and_url(options, quick_training):
    sweep.open_study(options)
    sweep.work(0, None, options)
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
    """From PNG files to a report that names the winner."""
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
    page = call("report", "studies/photos-8", folder="analysis", cwd=tmp_path)
    assert page.returncode == 0, page.stderr
    assert (tmp_path / "studies" / "photos-8" / "report" / "report.html").stat().st_size > 20_000
