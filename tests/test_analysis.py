import json
import math
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import ROOT, call, config, load_script
from PIL import Image

from infogan import data, records, training
from infogan.records import pictures


@pytest.fixture(scope="module")
def trained(tmp_path_factory, digits):
    """Three short runs: two seeds of the authors' preset and a plain GAN."""
    folder = tmp_path_factory.mktemp("runs")
    for name, made in (("a", config(seed=0)), ("b", config(seed=1)), ("gan", config("gan"))):
        records.create(folder / name, training.resolve(made))
        training.fit(made, digits, folder / name, progress=False)
    return folder


def script(name: str, *arguments) -> subprocess.CompletedProcess:
    return call(name, *arguments, folder="analysis")


def test_figure_1_has_the_numbers_of_the_runs(trained, tmp_path):
    done = script("figures", "figure1", trained / "a", trained / "b", trained / "gan", "--out", tmp_path / "f1.png")
    assert done.returncode == 0, done.stderr
    numbers = json.loads((tmp_path / "f1.json").read_text())
    assert [(run["preset"], run["seed"]) for run in numbers["runs"]] == [("authors", 0), ("authors", 1), ("gan", 0)]
    for run, name in zip(numbers["runs"], ("a", "b", "gan")):
        metrics = pd.read_csv(trained / name / "metrics.csv")
        assert run["final_info_nats"] == pytest.approx(metrics.info_categorical_nats.tail(10).mean())
        assert run["entropy_nats"] == pytest.approx(math.log(10)) and run["updates_to_99_percent"] is None
    assert Image.open(tmp_path / "f1.png").size[0] > 600


def test_figure_2_shows_each_continuous_code_from_minus_two_to_two(trained):
    done = script("figures", "figure2", trained / "a", "--gan", trained / "gan")
    assert done.returncode == 0, done.stderr
    numbers = json.loads((trained / "a" / "figures" / "figure2.json").read_text())
    titles = [panel["title"] for panel in numbers["panels"]]
    assert titles == [
        "varying c1 (InfoGAN)",
        "varying c1 (regular GAN)",
        "varying c2 from -2 to 2",
        "varying c3 from -2 to 2",
    ]
    assert numbers["panels"][2]["ticks"][0] == "-2.0" and numbers["panels"][2]["ticks"][-1] == "2.0"
    assert numbers["command"] and numbers["seed"] == 0 and len(numbers["panels"][0]["ticks"]) == 10


@pytest.mark.parametrize("figure", ["grid", "losses"])
def test_the_blogs_figures(trained, figure):
    assert script("figures", figure, trained / "b").returncode == 0
    numbers = json.loads((trained / "b" / "figures" / f"{figure}.json").read_text())
    if figure == "losses":
        metrics = pd.read_csv(trained / "b" / "metrics.csv")
        assert numbers["loss_g_last_tenth"] == pytest.approx(metrics.loss_g.iloc[-1]) and numbers["images"] == 20 * 32


def test_grids_of_several_runs_stand_side_by_side(trained, tmp_path):
    assert script("figures", "grid", trained / "a", trained / "b", "--out", tmp_path / "both.png").returncode == 0
    assert script("figures", "grid", trained / "b", "--out", tmp_path / "one.png").returncode == 0
    numbers = json.loads((tmp_path / "both.json").read_text())
    assert [panel["title"] for panel in numbers["panels"]] == [about["run"] for about in numbers["runs"]] == ["a", "b"]
    assert (
        (tmp_path / "both-b.png").read_bytes()
        == (tmp_path / "one-a.png").read_bytes()
        != (tmp_path / "both-a.png").read_bytes()
    )
    assert numbers["caption"].startswith("digits (the real dataset), preset ") and "seed" not in numbers["caption"]
    redrawn = script("figures", "redraw", tmp_path / "both.json", "--out", tmp_path / "again")
    assert (
        redrawn.returncode == 0
        and (tmp_path / "again" / f"{tmp_path.name}-both.png").read_bytes() == (tmp_path / "both.png").read_bytes()
    )
    for given, message in (
        ((), "0 runs are given"),
        ((trained / "a", trained / "b"), "--out"),
        ([trained / "a"] * 27, "27 runs are given"),
    ):
        refused = script("figures", "grid", *given)
        assert refused.returncode == 1 and message in refused.stderr and refused.stderr.count("\n") == 1


@pytest.fixture(scope="module")
def lit(tmp_path_factory):
    """Two runs on squares whose light and turn are known: nobody trained them to mean anything."""
    folder = tmp_path_factory.mktemp("lit")
    random = np.random.default_rng(0)
    factors = random.random((600, 2))
    images = np.zeros((600, 8, 8), np.uint8)
    for image, (light, turn) in zip(images, factors):
        image[2:6, int(5 * turn) : int(5 * turn) + 4] = 55 + 200 * light
    np.savez(
        folder / "lit.npz",
        images=images,
        factors=factors,
        factor_names=["light", "yaw"],
        attributes=(factors[:, :1] > 0.5),
        attribute_names=["Smiling"],
    )
    for seed in (0, 1):
        made = config(dataset=str(folder / "lit.npz"), codes="4c+2u+3c", seed=seed, updates=60)
        records.create(folder / f"run{seed}", training.resolve(made))
        training.fit(made, data.load(made.dataset), folder / f"run{seed}", progress=False)
    return folder


def test_a_panel_shows_the_code_that_knows_most_of_its_factor(lit, tmp_path):
    done = script("figures", "figure3", lit / "run0", lit / "run1", "--out", tmp_path / "f3.png", "--gif")
    assert done.returncode == 0, done.stderr
    assert "elevation: no code of that kind" in done.stdout and "wide or narrow: no code of that kind" in done.stdout
    numbers = json.loads((tmp_path / "f3.json").read_text())
    assert [(panel["meant"], panel["factor"]) for panel in numbers["panels"]] == [
        ("azimuth", "yaw"),
        ("lighting", "light"),
    ]
    above = {}
    for name in ("run0", "run1"):
        assert script("factors", lit / name).returncode == 0
        told = json.loads((lit / name / "factors.json").read_text())["factors"]
        excess = np.array(told["information_nats"]) - told["shuffled_nats"]
        above |= {
            (name, factor, code): excess[code, i] for i, factor in enumerate(told["names"]) for code in (1, 2)
        }  # the continuous ones
    for panel in numbers["panels"]:
        best = max((key for key in above if key[1] == panel["factor"]), key=above.get)
        assert panel["run"] == best[0] and panel["xlabel"] == f"c{best[2] + 1}"
        assert panel["information_nats"] - panel["shuffled_nats"] == pytest.approx(above[best], abs=0.02)
        assert panel["ticks"][0] == "-1.0" and len(panel["generated"]["brightness"]) == 10
    verdict = {row["panel"]: row["holds"] for row in numbers["verdicts"]}
    share = {
        panel["meant"]: (panel["information_nats"] - panel["shuffled_nats"]) / panel["entropy_nats"]
        for panel in numbers["panels"]
    }
    assert verdict == {name: "yes" if s >= 0.25 else "partly" if s >= 0.05 else "no" for name, s in share.items()}
    with Image.open(tmp_path / "f3.gif") as gif:
        assert gif.n_frames == 18, "there and back"


def test_figures_are_redrawn_without_their_runs(lit, trained, tmp_path):
    for name, run in (("figure5", lit / "run0"), ("figure6", lit / "run0"), ("figure2", trained / "a")):
        assert script("figures", name, run, "--out", tmp_path / "kept" / f"{name}.png").returncode == 0
    (tmp_path / "kept" / "other.json").write_text('{"run": "of an older version"}')
    (tmp_path / "kept" / "figure1.json").write_text('{"runs": []}')
    done = script("figures", "redraw", *sorted((tmp_path / "kept").glob("*.json")), "--out", tmp_path / "again")
    assert done.returncode == 0, done.stderr
    for name in ("figure2", "figure5", "figure6"):
        first, again = (
            Image.open(path) for path in (tmp_path / "kept" / f"{name}.png", tmp_path / "again" / f"kept-{name}.png")
        )
        assert np.array_equal(np.asarray(first), np.asarray(again))
    kinds = {
        panel["meant"]: panel["xlabel"]
        for panel in json.loads((tmp_path / "kept" / "figure6.json").read_text())["panels"]
    }
    assert kinds == {"azimuth": "category", "emotion": "category"}
    assert (
        len(list((tmp_path / "again").iterdir())) == 3
        and "other.json keeps no images" in done.stdout
        and "figure1" not in done.stdout
    )
    (tmp_path / "kept" / "figure2-a.png").unlink()
    for path, message in (("figure2.json", "a panel of"), ("other.json", "none of the files given keeps images")):
        refused = script("figures", "redraw", tmp_path / "kept" / path, "--out", tmp_path / "none")
        assert refused.returncode == 1 and message in refused.stderr and refused.stderr.count("\n") == 1


def test_figures_of_several_datasets_or_none_are_refused(lit, trained, tmp_path):
    done = script("figures", "figure3", lit / "run0", trained / "a")
    assert done.returncode == 1 and "different datasets" in done.stderr and done.stderr.count("\n") == 1
    done = script("figures", "figure4", trained / "b", "--out", tmp_path / "none.png")
    assert done.returncode == 1 and "none of the panels" in done.stderr and not list(tmp_path.iterdir())


def test_measure_reads_and_measures_again_the_same(trained, tmp_path):
    read = script("measure", trained / "a", trained / "b", "--csv", tmp_path / "t.csv")
    assert read.returncode == 0, read.stderr
    again = script("measure", trained / "a", trained / "b", "--again", "--csv", tmp_path / "new" / "again.csv")
    assert again.returncode == 0, again.stderr
    table = pd.read_csv(tmp_path / "t.csv")
    pd.testing.assert_frame_equal(table, pd.read_csv(tmp_path / "new" / "again.csv"))
    seeds = pd.read_csv(tmp_path / "t-seeds.csv")
    assert seeds.n[0] == 2 and seeds.accuracy[0] == pytest.approx(table.accuracy.mean())
    assert seeds.accuracy_low[0] <= table.accuracy.min() and seeds.accuracy_max[0] == table.accuracy.max()
    assert (trained / "a" / "figures" / "confusion.png").exists()


def test_measure_counts_the_seeds_as_good_as_the_papers():
    measure = load_script("measure", "analysis")
    rows = pd.DataFrame({"preset": ["a"] * 4 + ["b"], "accuracy": [0.949, 0.95, 0.98, 0.7, 0.94]})
    for name in ("majority_accuracy", "nmi", "ari", "info_categorical_nats"):
        rows[name] = [0.4, 0.5, 0.6, 0.7, 0.8]
    assert measure.summary(rows, ["preset"]).share_from_95.tolist() == [0.5, 0.0]


def test_factors_shows_what_codes_hold_of_known_factors(tmp_path):
    """A square at one of four places in one of three greys: factors that are known; no labels."""
    random = np.random.default_rng(0)
    factors = np.column_stack([random.integers(4, size=600), random.integers(3, size=600)])
    images = np.zeros((600, 8, 8), np.uint8)
    for image, (place, grey) in zip(images, factors):
        image[4 * (place // 2) :, 4 * (place % 2) :][:4, :4] = 85 * (grey + 1)
    np.savez(tmp_path / "squares.npz", images=images, factors=factors, factor_names=["place", "grey"])
    made = config(dataset=str(tmp_path / "squares.npz"), codes="4c+1u+3c")
    records.create(tmp_path / "run", training.resolve(made))
    training.fit(made, data.load(made.dataset), tmp_path / "run", progress=False)
    done = script("factors", tmp_path / "run")
    assert done.returncode == 0 and "factors: nats of each in each code, 600 images" in done.stdout, done.stderr
    result = json.loads((tmp_path / "run" / "factors.json").read_text())["factors"]
    assert result["names"] == ["place", "grey"] and np.shape(result["information_nats"]) == (3, 2)
    assert result["entropy_nats"] == pytest.approx([math.log(4), math.log(3)], abs=0.02)
    assert np.max(result["shuffled_nats"]) < 0.05, "20 bins and 600 images: shuffled truth must hold next to nothing"
    assert {"mig", "sap", "dci_disentanglement", "modularity", "explicitness", "beta_vae", "factor_vae"} <= result[
        "scores"
    ].keys()


def test_factors_measures_the_images_where_nothing_is_stated(trained):
    done = script("factors", trained / "a")
    assert done.returncode == 0 and "measured: nats of each in each code, 1,797 images" in done.stdout, done.stderr
    result = json.loads((trained / "a" / "factors.json").read_text())
    assert (
        result["measured"]["names"] == ["brightness", "middle_minus_border", "left_minus_right"]
        and "factors" not in result
    )


def test_what_is_measured_of_images_is_what_it_says():
    images = torch.zeros(4, 3, 8, 8, dtype=torch.uint8)
    images[1] = 255
    images[2, :, 2:6, 2:6] = 255
    images[3, :, :, :4] = 255
    expected = [[0, 0, 0], [1, 0, 0], [0.25, 1, 0], [0.5, 0, 1]]
    assert load_script("factors", "analysis").measured(images) == pytest.approx(np.array(expected))


def test_measure_compares_two_groups_of_seeds(trained, tmp_path, digits):
    for seed in (0, 1):
        made = config(seed=seed, precision="bfloat16")
        records.create(tmp_path / f"fast{seed}", training.resolve(made))
        training.fit(made, digits, tmp_path / f"fast{seed}", progress=False)
    directories = [tmp_path / "fast0", tmp_path / "fast1", trained / "a", trained / "b"]
    done = script("measure", *directories, "--compare", "precision", "--csv", tmp_path / "t.csv")
    assert done.returncode == 0, done.stderr
    seeds = pd.read_csv(tmp_path / "t-seeds.csv")
    assert list(seeds.precision) == ["bfloat16", "float32"] and list(seeds.n) == [2, 2]
    line = done.stdout.splitlines()[-1]
    assert "precision bfloat16 - float32" in line and f"{seeds.accuracy[0] - seeds.accuracy[1]:.3f} [" in line
    alone = script("measure", trained / "a", trained / "b", "--compare", "precision")
    assert alone.returncode == 1 and "needs two values" in alone.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("figures", "figure2", "nowhere"), "error: nowhere/config.json cannot be read"),
        (("figures", "losses", "nowhere"), "error: there is no nowhere/metrics.csv"),
        (("figures", "figure1"), "error: give at least one run"),
        (("measure", "nowhere"), "error: nowhere/evaluation.json cannot be read"),
        (("measure",), "error: give at least one run"),
        (("study", "nowhere"), "error: there is no nowhere/study.db"),
    ],
)
def test_bad_input_is_one_clear_line(arguments, message):
    done = script(*arguments)
    assert done.returncode == 1 and done.stderr.startswith(message) and done.stderr.count("\n") == 1, done.stderr


def test_a_place_that_cannot_be_written_is_one_clear_line(trained):
    inside_a_file = trained / "a" / "config.json" / "t.csv"
    done = script("measure", trained / "a", "--csv", inside_a_file)
    assert (
        done.returncode == 1
        and done.stderr.startswith(f"error: {inside_a_file.parent}: ")
        and done.stderr.count("\n") == 1
    ), done.stderr


def test_grid_rows_are_categories_and_columns_share_the_rest(trained):
    run = records.load(trained / "a")
    grid = pictures.category_grid(run.generator, run.latent, seed=0)
    assert grid.shape == (10 * 10 - 2, 10 * 10 - 2, 1)
    reordered = pictures.category_grid(run.generator, run.latent, seed=0, order=[3] + list(range(9)))
    assert np.array_equal(reordered[:8], grid[30:38])


def test_tiles_stand_in_reading_order(monkeypatch):
    monkeypatch.setattr(pictures, "GAP", 1)
    images = np.arange(6, dtype=np.uint8).reshape(6, 1, 1, 1) * 40
    assert pictures.tile(images, rows=2)[:, :, 0].tolist() == [
        [0, 255, 40, 255, 80],
        [255] * 5,
        [120, 255, 160, 255, 200],
    ]


def train(tmp_path, *arguments) -> subprocess.CompletedProcess:
    return call("train", *arguments, cwd=tmp_path)


def test_train_dry_run_prints_the_resolved_configuration_and_writes_nothing(tmp_path):
    done = train(tmp_path, "paper", "--dataset", "digits", "--seed", "3", "--dry-run")
    resolved = json.loads(done.stdout)
    assert resolved["q_std"] == "learned" and resolved["seed"] == 3 and resolved["device"] in ("cpu", "cuda")
    assert resolved["run_dir"] == "runs/digits-paper-seed3" and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("authors", "--dataset", "digits", "--codes", "10k"), "'10k'"),
        (("autors", "--dry-run"), "error: there is no preset 'autors'; allowed: authors, paper"),
        (("authors", "--codes", "10k", "--dry-run"), "'10k'"),
        (("authors", "--dataset", "imagenet"), "'imagenet'"),
        (("authors", "--batch-size", "1"), "batch_size is 1"),
        (("authors", "--dataset", "digits", "--batch-size", "5000"), "only 1197 training images"),
        (("authors", "--dataset", "digits", "--device", "quantum"), "'quantum'"),
    ],
)
def test_train_names_bad_input_and_leaves_nothing_behind(arguments, message, tmp_path):
    done = train(tmp_path, *arguments)
    assert done.returncode == 1 and message in done.stderr and done.stderr.count("\n") == 1, done.stderr
    assert list(tmp_path.iterdir()) == []


def test_help_is_instant():
    """--help must not wait for torch; the processor time of the child is what is compared, not the clock."""
    code = (
        "import runpy, sys\nsys.argv = ['train.py', '--help']\n"
        f"try: runpy.run_path({str(ROOT / 'experiments' / 'train.py')!r}, run_name='__main__')\nexcept SystemExit: pass\n"
        "print('torch' in sys.modules, 'wandb' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "False False" and "authors" in done.stdout
