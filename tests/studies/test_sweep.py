"""The sweep's search space, its trials and its confirmation, in this process."""

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
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState
from shared_study import trials_of

from infogan import data, events, records, training
from infogan.codes import Latent
from infogan.config import InputError
from infogan.presets import PRESETS
from infogan.reports.study import importance
from infogan.reports.study.trials import train_command
from infogan.studies import search_space, sweep, sweep_worker


@pytest.fixture
def options(tmp_path, monkeypatch) -> sweep.ResolvedOptions:
    monkeypatch.chdir(tmp_path)
    return sweep.Options(trials=4, workers=1, images=1000, confirm_seeds=0, wandb="disabled").resolved()


@pytest.fixture
def quick_training(monkeypatch):
    """In place of training, where only the study is tested: accuracy is a function of the configuration."""

    def train(config, *arguments, **named):
        accuracy = 1 / (1 + abs(config.lambda_categorical - 1) + config.batch_size / 1000)
        return {"validation_accuracy": accuracy, "images": 1000, "train_seconds": 1.0}

    monkeypatch.setattr(training, "train", train)


def test_the_sources_settings_are_their_presets(options):
    for point in search_space.source_settings():
        config = search_space.suggest(optuna.trial.FixedTrial(point), "digits", 1000, seed=0)
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


def test_every_point_of_the_space_is_a_valid_configuration_at_equal_images():
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    codes = set()
    for _ in range(100):
        config = search_space.suggest(study.ask(), "digits", 80_000, seed=0)
        codes.add(str(Latent(config.codes, config.noise, config.q_std)))
        assert str(Latent(config.codes, config.noise)) == config.codes, "stored codes must be in canonical form"
        assert config.updates * config.batch_size == pytest.approx(80_000, rel=0.005)
    assert len(codes) > 20


def test_the_report_says_how_to_train_a_trial_again():
    point = dict(search_space.source_settings()[1], lambda_categorical=0.25, batch_size=16)
    config = search_space.suggest(optuna.trial.FixedTrial(point), "digits", 1000, seed=7)
    words = shlex.split(train_command(dataclasses.asdict(config), Path("my runs/best")))
    arguments = words[words.index(config.preset) :]
    again = json.loads(call("train", *arguments, "--seed", "7", "--dry-run").stdout)
    assert again.pop("run_dir") == "my runs/best"
    free = {"device", "precision", "log_every", "checkpoint_every"}
    assert {key: again[key] for key in again if key not in free} == {
        key: value for key, value in dataclasses.asdict(config).items() if key not in free
    }


def test_the_importance_of_the_one_parameter_that_matters_exceeds_the_others(monkeypatch):
    """The accuracy follows the batch size and nothing else; with a constant accuracy nothing matters."""
    found = {}
    monkeypatch.setattr(importance, "HALVES", 6)
    for outcome in ("batch", "constant"):
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0), direction="maximize")
        for _ in range(40):
            trial = study.ask()
            batch = search_space.suggest(trial, "digits", 1000, seed=0).batch_size
            study.tell(trial, 1 / batch if outcome == "batch" else 0.5)
        found[outcome] = importance.computed(study)
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
        return [trial.params for trial in trials_of(made.storage, made.study)]

    whole, parts = explored("whole", (14,)), explored("parts", (5, 9, 14))
    assert len(whole) == 14 and whole == parts
    assert [point["recipe"] for point in whole[:3]] == ["paper", "authors", "blog"]


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
    assert trials[1].state == TrialState.FAIL and trials[1].user_attrs["error"] == "FloatingPointError: odd"
    assert trials[0].state == trials[2].state == TrialState.COMPLETE
    assert "failed: FloatingPointError: odd" in capsys.readouterr().out


def test_an_error_in_every_trial_ends_the_study(options, monkeypatch):
    monkeypatch.setattr(sweep_worker, "suggest", lambda *a, **k: 1 / 0)
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
    options = ("--trials", "3", "--images", "1500", "--workers", "1", "--quality", "--wandb", "disabled")
    done = call("sweep", *options, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    report = tmp_path / "studies" / "digits" / "report"
    table = pd.read_csv(report / "trials.csv").set_index("trial")
    assert set(table.state) == {"complete"}
    assert (report / "front.png").stat().st_size > 5000
    front = json.loads((report / "front.json").read_text())["trials"]
    accuracy, distance = table["validation accuracy"], table["Fréchet distance"]

    def is_dominated(n: int) -> bool:
        """By a trial that is at least as good in both objectives, and better in one of them."""
        as_good = (accuracy >= accuracy[n]) & (distance <= distance[n])
        return bool((as_good & ((accuracy > accuracy[n]) | (distance < distance[n]))).any())

    assert front == [n for n in table.index if not is_dominated(n)]


def test_bad_input_is_named(options):
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
        ({"count": 40, "classes": None}, "has no labels"),
        ({"count": 40, "classes": 1}, "of fewer than two classes"),
        ({"count": 40, "side": 10}, "images are 10x10; both sides must be divisible by 4"),
    ],
)
def test_a_dataset_that_no_trial_can_train_on_is_refused_before_a_study(options, message, tmp_path):
    done = call("sweep", write_npz(tmp_path / "data.npz", **options), cwd=tmp_path)
    said, error = done.stderr.splitlines()
    assert (
        done.returncode == 1 and said.startswith(f"{tmp_path / 'data.npz'}: 40 images") and error.startswith("error: ")
    )
    assert message in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["data.npz"]


def test_batch_sizes_above_the_number_of_training_images_are_not_proposed(options, quick_training, capsys):
    dataset = data.load(write_npz(Path("data.npz"), 100))
    with pytest.raises(InputError, match="there are 15 training images, and a study's smallest batch size is 16"):
        search_space.fitting(15)
    made = dataclasses.replace(options, dataset="data.npz", trials=12)
    sizes = sweep.check_dataset(made, dataset)
    line = "80 training images: batch sizes of 128, 256, 512 are left out\n"
    assert sizes == (16, 32, 64) and capsys.readouterr().err.endswith(line)
    sweep.open_study(made, sizes)
    sweep.work(0, None, made)
    trials = trials_of(made.storage, made.study)
    assert {t.params["batch_size"] for t in trials} == {16, 32, 64}
    assert [t.user_attrs.get("source") for t in trials[:2]] == ["blog", None], "the others' batches are of 128"
    assert sweep.open_study(made).user_attrs["settings"]["batch_sizes"] == [16, 32, 64], "of more images it goes on"
    with pytest.raises(InputError, match="has batch sizes up to 64, and the training images fill 32 at most"):
        sweep.open_study(made, (16, 32))


@pytest.mark.parametrize(
    ("name", "before"),
    [
        ("recipe", CategoricalDistribution(("authors", "paper"))),
        ("batch_size", IntDistribution(16, 512)),
        ("categorical_codes", IntDistribution(1, 2)),
        ("lambda_categorical", FloatDistribution(0.03, 10)),
        ("dropout", FloatDistribution(0, 1)),
    ],
)
def test_a_study_of_another_search_space_is_refused(name, before, options, quick_training, tmp_path):
    study = sweep.open_study(options)
    value = before.to_external_repr(0.0 if isinstance(before, CategoricalDistribution) else before.low)
    study.add_trial(optuna.create_trial(params={name: value}, distributions={name: before}, value=0.5))
    count = len(study.trials)
    done = call("sweep", "--trials", 9, "--images", options.images, "--workers", 1, cwd=tmp_path)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert f"error: study 'digits' searched {name} in {before}, and this version searches" in done.stderr
    assert "give another --study" in done.stderr and len(study.trials) == count


def test_a_study_whose_recipes_were_others_is_refused(options, quick_training, tmp_path):
    """A preset that has changed since would put two recipes under one name."""
    study = sweep.open_study(options)
    point = search_space.source_settings()[1]
    example = optuna.trial.FixedTrial(point)
    made = search_space.suggest(example, "digits", 1000, seed=0)
    of = {"params": point, "distributions": example.distributions, "value": 0.5}
    study.add_trial(optuna.create_trial(**of, user_attrs={"config": dataclasses.asdict(made)}))
    sweep.open_study(options)
    before = dataclasses.asdict(dataclasses.replace(made, leaky_slope=0.25))
    study.add_trial(optuna.create_trial(**of, user_attrs={"config": before}))
    done = call("sweep", "--trials", 9, "--images", options.images, "--workers", 1, cwd=tmp_path)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "recipe authors with leaky_slope 0.25, and this version has 0.01: give another --study" in done.stderr
