"""What a study searches: how it is read, which points it has, and what is refused before a study is made."""

import dataclasses

import optuna
import pytest
import tyro
from hypothesis import given
from hypothesis import strategies as st

from infogan.codes import Latent
from infogan.config import RUNTIME_FIELDS, InputError
from infogan.config.presets import PRESETS
from infogan.study import search_space
from infogan.study.options import Options
from infogan.study.search_space import Choices, Configurations, Range, as_yaml, parse, read_file, settings


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("lambda_categorical=0.1:10:log", Range(0.1, 10.0, log=True)),
        ("lambda_categorical=0:1:5", Range(0.0, 1.0, points=5)),
        ("lambda_categorical=0.1:10:log:3", Range(0.1, 10.0, log=True, points=3)),
        ("seed=0:15", Range(0, 15)),
        ("batch_size=64,128,256", Choices((64, 128, 256))),
        ("codes=10c,10c+2u,2x5c+1u", Choices(("10c", "10c+2u", "2x5c+1u"))),
        ("terms=,iic:1,r1:0.5", Choices(("", "iic:1", "r1:0.5"))),
        ("spectral_norm=true,false", Choices((True, False))),
        ("recipe=authors,blog", Choices(("authors", "blog"))),
    ],
)
def test_a_spec_is_read_by_the_type_of_its_field_and_written_again(text, spec, tmp_path):
    [(name, made)] = parse([text]).items()
    assert made == spec and name == text.partition("=")[0]
    file = tmp_path / "space.yaml"
    file.write_text(as_yaml({name: made}))
    assert read_file(file) == {name: made}, "as --show-search prints it"


@pytest.mark.parametrize(
    "text",
    [
        "lambda",
        "lambda=1",
        "lambda_categorical=",
        "lambda_categorical=10:1",
        "lambda_categorical=1:1",
        "lambda_categorical=0:1:log",
        "lambda_categorical=0:1:2:3",
        "lambda_categorical=0:1:1",
        "lambda_categorical=a:b",
        "batch_size=0.5:2",
        "batch_size=many",
        "spectral_norm=1",
        "device=cpu,cuda",
        "dataset=digits,mnist",
    ],
)
def test_a_spec_that_cannot_be_read_is_one_error(text):
    with pytest.raises(InputError):
        parse([text])


def test_a_mistyped_field_is_answered_with_the_nearest():
    with pytest.raises(InputError, match="Did you mean lambda_categorical"):
        parse(["lambda-categorial=0.1,1"])
    with pytest.raises(InputError, match="searched twice"):
        parse(["seed=1", "seed=2"])
    with pytest.raises(InputError, match="batch_size"):
        settings(["batch_size"])


@pytest.mark.parametrize("content", ["", "[1, 2]", "seed: {low: 1}", "seed: [[1]]", "a: 1", ": :", "\x00"])
def test_a_damaged_file_is_one_error(content, tmp_path):
    (tmp_path / "space.yaml").write_text(content)
    with pytest.raises(InputError):
        read_file(tmp_path / "space.yaml")


def test_yaml_does_not_read_a_range_as_a_number_of_base_sixty(tmp_path):
    (tmp_path / "space.yaml").write_text("seed: 1:15\nupdates: 10:59\n")
    assert read_file(tmp_path / "space.yaml") == {"seed": Range(1, 15), "updates": Range(10, 59)}


@given(low=st.floats(1e-4, 10), factor=st.floats(1.01, 1e4), points=st.integers(2, 30), log=st.booleans())
def test_a_grid_of_a_range_has_its_ends_and_equal_steps(low, factor, points, log):
    high = low * factor
    grid = Range(low, high, log, points).grid("lambda_categorical")
    assert grid[0] == low and grid[-1] == high and len(grid) == points
    steps = [b / a if log else b - a for a, b in zip(grid, grid[1:])]
    assert steps == pytest.approx([steps[0]] * len(steps), rel=1e-6, abs=1e-9)


def test_a_grid_of_whole_numbers():
    assert Range(0, 3).grid("seed") == [0, 1, 2, 3]
    assert Range(16, 256, True, 5).grid("batch_size") == [16, 32, 64, 128, 256]
    with pytest.raises(InputError, match="number of points"):
        Range(0.1, 1.0).grid("lambda_categorical")


def test_every_point_of_the_default_space_is_a_valid_configuration_at_equal_images():
    trials = Configurations(read_file(search_space.DEFAULT), {}, "digits", 80_000)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    codes = set()
    for _ in range(100):
        made = trials.suggest(study.ask(), seed=3)
        codes.add(made.codes)
        assert str(Latent(made.codes, made.noise)) == made.codes, "codes are stored in canonical form"
        assert made.updates * made.batch_size == pytest.approx(80_000, abs=made.batch_size) and made.seed == 3
    assert len(codes) > 8


def test_what_is_not_searched_is_the_presets():
    """Each source's own setting lies in the default space, and is that source's preset."""
    trials = Configurations(read_file(search_space.DEFAULT), {}, "digits", 640_000)
    points = trials.sources(12)
    assert list(trials.sources(11)) == ["authors", "paper", "blog"]
    smallest = {f"{recipe}-batch16": points[recipe] | {"batch_size": 16} for recipe in ("authors", "paper")}
    assert points == {recipe: points[recipe] for recipe in ("authors", "paper", "blog")} | smallest
    for recipe, point in [*points.items()][:3]:
        made = dataclasses.asdict(trials.config(point, seed=0))
        preset = dataclasses.asdict(PRESETS[recipe][0])
        free = {"dataset", "updates", *RUNTIME_FIELDS}
        assert {k: v for k, v in made.items() if k not in free} == {k: v for k, v in preset.items() if k not in free}


def test_fixed_values_are_every_trials_and_images_include_the_pretraining():
    fixed = settings(["recipe=iic", "lr_decay=0.5"])
    trials = Configurations(parse(["batch_size=64,128"]), fixed, "mnist", 200_000)
    made = trials.config({"batch_size": 128}, seed=1)
    assert made.preset == "iic" and made.lr_decay == 0.5 and made.pretraining == 1000
    assert 200_000 - 128 < made.images(made.updates) <= 200_000
    with pytest.raises(InputError, match="give 128,128 or more"):
        dataclasses.replace(trials, images=100_000).config({"batch_size": 128}, seed=1)
    longer = Configurations(parse(["updates=100,200"]), {}, "mnist", 1)
    assert longer.config({"updates": 200}, seed=0).updates == 200, "updates that are searched rule"


@pytest.mark.parametrize(
    "arguments",
    [
        {"study": "../outside"},
        {"trials": 0},
        {"workers": 0},
        {"gpus_per_worker": -1.0},
        {"images": 0},
        {"timeout": 0.0},
        {"search": ("recipe=nobody",)},
        {"set": ("recipe=nobody",)},
        {"search": ("seed=0:3",), "set": ("seed=1",)},
        {"search": ("lambda_categorical=0.1:1",), "sampler": "grid"},
        {"search": ("seed=0:3",), "search_file": search_space.DEFAULT},
    ],
)
def test_options_that_no_study_can_have_are_one_error(arguments):
    with pytest.raises(InputError):
        Options(**arguments).resolved()


def test_seeds_alone_are_a_grid_of_the_presets_length_that_is_pruned_unless_a_grid_is_asked_for():
    made = Options(dataset="mnist", search=("seed=0:7",)).resolved()
    assert (made.sampler, made.trials, made.images, made.pruner) == ("grid", 8, 640_000, "halving")
    assert made.confirm_seeds == 0, "the seeds are the replicates"
    assert Options(dataset="mnist", search=("seed=0:7",), sampler="grid").resolved().pruner == "none"
    default = Options().resolved()
    assert (default.sampler, default.trials, default.images, default.pruner) == ("tpe", 20, 80_000, "halving")


def test_help_names_each_default_once(capsys):
    """Options without a value say in their own text what follows from it."""
    with pytest.raises(SystemExit):
        tyro.cli(Options, args=["--help"])
    printed = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "(default: None)" not in printed and "Default: SQLite in the study's folder" in printed
