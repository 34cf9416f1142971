"""The figures: their numbers, what their panels show, and drawing them again without their runs."""

import json
import math
import shutil
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pandas as pd
import pytest
from conftest import call, config, fit
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

import infogan
from infogan import data, training
from infogan.inference import Model
from infogan.records.pictures import NAME_LENGTH
from infogan.reports.figures import animation
from infogan.reports.figures.drawing import draw_panels
from infogan.reports.figures.panels import Panel
from infogan.reports.information import known_factors, predict
from infogan.utils import style


def figures(*arguments):
    return call("figures", *arguments, folder="analysis")


def test_figure_1_has_the_numbers_of_the_runs(trained, tmp_path):
    done = figures("figure1", trained / "a", trained / "b", trained / "gan", "--out", tmp_path / "f1.png")
    assert done.returncode == 0, done.stderr
    numbers = json.loads((tmp_path / "f1.json").read_text())
    shown = [(run["preset"].partition(" ")[0], run["seed"]) for run in numbers["runs"]]
    assert shown == [("authors", 0), ("authors", 1), ("gan", 0)]
    assert numbers["runs"][0]["preset"] == "authors (batch_size 32)"
    kept, runs = tmp_path / "kept", [trained / name for name in ("a", "b", "gan")]
    assert call("measure", *runs, "--out", kept, folder="analysis").returncode == 0
    assert figures("figure1", kept, "--out", tmp_path / "again.png").returncode == 0
    again = json.loads((tmp_path / "again.json").read_text())["runs"]
    assert pd.DataFrame(again).round(4).equals(pd.DataFrame(numbers["runs"]).round(4)), "a folder says the same"
    for run, name in zip(numbers["runs"], ("a", "b", "gan")):
        metrics = pd.read_csv(trained / name / "metrics.csv")
        assert run["final_info_nats"] == pytest.approx(metrics.info_categorical_nats.tail(10).mean())
        assert run["entropy_nats"] == pytest.approx(math.log(10)) and run["updates_to_99_percent"] is None
    assert Image.open(tmp_path / "f1.png").size[0] > 600


def test_figure_2_shows_each_continuous_code_from_minus_two_to_two(trained):
    done = figures("figure2", trained / "a", "--gan", trained / "gan")
    assert done.returncode == 0, done.stderr
    numbers = json.loads((trained / "a" / "figures" / "figure2.json").read_text())
    titles = [panel["title"] for panel in numbers["panels"]]
    assert titles[:2] == ["varying c1 (InfoGAN)", "varying c1 (regular GAN)"]
    assert titles[2:] == ["varying c2 from -2 to 2", "varying c3 from -2 to 2"]
    assert numbers["panels"][2]["ticks"][0] == "-2.0" and numbers["panels"][2]["ticks"][-1] == "2.0"
    assert numbers["command"] and numbers["seed"] == 0
    names = infogan.load(trained / "a").category_names
    ticks = [tick.split(" → ") for tick in numbers["panels"][0]["ticks"]]
    assert {int(k): name for k, name in ticks} == {k: named[0] if named else "–" for k, named in enumerate(names)}
    shown = [name for _, name in ticks]
    assert shown == sorted(shown, key=lambda name: (name == "–", name)), "in the order of the labels"


def test_losses_are_averaged_over_the_ends_of_the_run(trained):
    assert figures("losses", trained / "b").returncode == 0
    [numbers] = json.loads((trained / "b" / "figures" / "losses.json").read_text())["runs"]
    metrics = pd.read_csv(trained / "b" / "metrics.csv")
    assert numbers["loss_g_last_tenth"] == pytest.approx(metrics.loss_g.iloc[-1])
    assert numbers["loss_d_first_tenth"] == pytest.approx(metrics.loss_d.iloc[0]) and numbers["updates"] == 20


def test_a_published_log_is_drawn_beside_the_losses_of_several_runs(trained, tmp_path):
    (tmp_path / "notebook.csv").write_text("step,loss_d,loss_g\n" + "".join(f"{i},0.{i},{i}\n" for i in range(1, 10)))
    published = ("--published", tmp_path / "notebook.csv", "--out", tmp_path / "losses.png")
    shutil.copytree(trained / "b", tmp_path / "a")  # another run of the same name
    done = figures("losses", trained / "a", trained / "a", tmp_path / "a", *published)
    assert done.returncode == 0, done.stderr
    numbers = json.loads((tmp_path / "losses.json").read_text())
    assert [Path(run["run"]).name for run in numbers["runs"]] == ["a", "a"]
    assert numbers["runs"][0]["loss_d_last_tenth"] != numbers["runs"][1]["loss_d_last_tenth"]
    ends = {"loss_d_first_tenth": 0.1, "loss_d_last_tenth": 0.9, "loss_g_first_tenth": 1, "loss_g_last_tenth": 9}
    assert numbers["published"] == [{"updates": 9} | ends]


@style.drawing()
def test_labels_of_rows_are_within_the_figure():
    rows = ["0 → cats", f"1 → {'w' * NAME_LENGTH}"]
    panels = [Panel(f"seed {i}", np.zeros((20, 40, 1), np.uint8), 10, rows=rows) for i in range(2)]
    figure = draw_panels(panels, "caption")
    FigureCanvasAgg(figure).draw()
    for axes in figure.axes:
        assert all(label.get_window_extent().x0 >= 0 for label in axes.get_yticklabels())


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "step,loss_d,loss_g\n1,x,2\n", "step,loss_d,loss_g\n1,0.5,2\n,,\n"])
def test_a_published_log_that_is_none_is_refused_in_one_line(trained, tmp_path, text):
    (tmp_path / "log.csv").write_text(text)
    done = figures("losses", trained / "a", "--published", tmp_path / "log.csv", "--out", tmp_path / "l.png")
    assert done.returncode == 1 and "is no log" in done.stderr and done.stderr.count("\n") == 1
    assert not (tmp_path / "l.png").exists()


def test_the_trade_off_has_the_numbers_of_measured_runs(trained, tmp_path):
    runs = [tmp_path / name for name in ("a", "b", "gan")]
    for i, run in enumerate(runs):
        shutil.copytree(trained / run.name, run)
        quality = {"frechet_distance": 1.0 + i, "precision": 0.5, "recall": 0.1 * i}
        (run / "quality.json").write_text(json.dumps(quality))
    out = tmp_path / "tradeoff.png"
    done = figures("tradeoff", *runs, "--out", out)
    assert done.returncode == 0, done.stderr
    numbers = json.loads(out.with_suffix(".json").read_text())["runs"]
    assert [row["frechet_distance"] for row in numbers] == [1, 2, 3]
    assert all(row["recipe"].endswith(", 20 updates") for row in numbers), "another length than the preset's is named"
    accuracies = [json.loads((run / "evaluation.json").read_text())["accuracy"] for run in runs]
    assert [row["accuracy"] for row in numbers] == pytest.approx(accuracies)
    evaluation = json.loads((runs[0] / "evaluation.json").read_text())
    (runs[0] / "evaluation.json").write_text(json.dumps(evaluation | {"accuracy": 1.0}))
    (runs[0] / "quality.json").write_text(json.dumps({"frechet_distance": 0.0, "precision": 1.0, "recall": 1.0}))
    done = figures("tradeoff", *runs, "--out", out)
    assert done.returncode == 0 and not done.stderr, "neither an error of 0 nor a distance of 0 has a logarithm"
    (runs[1] / "quality.json").unlink()
    done = figures("tradeoff", *runs, "--out", out)
    assert done.returncode == 1 and done.stderr.endswith("no Fréchet distance: infogan measure --quality\n")


@style.drawing()
def test_logarithmic_axes_have_numbers_however_close_the_points_are():
    axes = style.new_figure(4, 3).subplots()
    axes.plot([0.28, 0.29], [0.0121, 0.0123], "o")
    style.logarithmic(axes)
    for ticks, (low, high) in ((axes.get_xticks(), axes.get_xlim()), (axes.get_yticks(), axes.get_ylim())):
        assert any(low <= tick <= high for tick in ticks)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("figure2", "nowhere"), "error: nowhere/config.json cannot be read"),
        (("losses", "nowhere"), "error: nowhere is neither a run directory"),
        (("grid",), "error: give at least one run"),
        (("grid", "a", "b"), "error: 2 runs are given and no --out"),
    ],
)
def test_bad_input_is_one_clear_line(arguments, message):
    done = figures(*arguments)
    assert done.returncode == 1 and done.stderr.startswith(message) and done.stderr.count("\n") == 1, done.stderr


def test_grids_of_several_runs_stand_side_by_side(trained, tmp_path):
    assert figures("grid", trained / "a", trained / "b", "--out", tmp_path / "both.png").returncode == 0
    assert figures("grid", trained / "b", "--out", tmp_path / "one.png").returncode == 0
    numbers = json.loads((tmp_path / "both.json").read_text())
    assert [panel["title"] for panel in numbers["panels"]] == ["seed 0", "seed 1"], "nothing else differs"
    assert numbers["caption"].startswith("digits, preset ") and "seed" not in numbers["caption"]
    assert figures("grid", trained / "a", trained / "gan", "--out", tmp_path / "presets.png").returncode == 0
    numbers = json.loads((tmp_path / "presets.json").read_text())
    assert [panel["title"] for panel in numbers["panels"]] == ["a", "gan"]
    assert [about["run"] for about in numbers["runs"]] == ["a", "gan"]


@pytest.fixture(scope="module")
def lit(tmp_path_factory):
    """Two runs on squares whose light and place (`yaw`) are known; nothing makes a code stand for either."""
    folder = tmp_path_factory.mktemp("lit")
    factors = np.random.default_rng(0).random((600, 2))
    images = np.zeros((600, 8, 8), np.uint8)
    for image, (light, yaw) in zip(images, factors):
        image[2:6, int(5 * yaw) : int(5 * yaw) + 4] = 55 + 200 * light
    smiling = {"attributes": factors[:, :1] > 0.5, "attribute_names": ["Smiling"]}
    np.savez(folder / "lit.npz", images=images, factors=factors, factor_names=["light", "yaw"], **smiling)
    name = str(folder / "lit.npz")
    for seed in (0, 1):
        made = config(dataset=name, codes="4c+2u+3c", seed=seed, updates=60)
        training.train(made, data.load(name), folder / f"run{seed}", "disabled", progress=False)
    return folder


def test_a_panel_shows_the_code_with_the_most_mutual_information(lit, tmp_path):
    done = figures("figure3", lit / "run0", lit / "run1", "--out", tmp_path / "f3.png")
    assert done.returncode == 0, done.stderr
    assert "elevation: left out; it needs a continuous code and a factor elevation or pitch" in done.stdout
    assert "wide or narrow: left out" in done.stdout
    numbers = json.loads((tmp_path / "f3.json").read_text())
    panels = numbers["panels"]
    matched = [pair for panel in panels for pair in zip(panel["wanted"], panel["factors"])]
    assert sorted(matched) == [("azimuth", "yaw"), ("lighting", "light")]
    panels = [panel | {"factor": factor} for panel in panels for factor in panel["factors"]]
    panels.sort(key=lambda panel: panel["factor"], reverse=True)
    nats = {}
    for name in ("run0", "run1"):
        run, (images, known) = Model(lit / name), known_factors(data.load(str(lit / "lit.npz")))
        found, (values, names) = predict(run.discriminator, run.latent, images), known["factors"]
        of_codes = found.information(values)[[1, 2]]  # the continuous ones
        nats |= {(name, names[i], code + 1): of_codes[code, i] for code in range(2) for i in range(len(names))}
    for panel, row in zip(panels, numbers["verdicts"], strict=True):
        best = max((key for key in nats if key[1] == panel["factor"]), key=nats.get)
        assert panel["run"] == row["run"] == best[0] and panel["xlabel"] == row["code"] == f"c{best[2] + 1}"
        assert row["information_nats"] == pytest.approx(nats[best])
        assert panel["ticks"][0] == "-1.0"
        null = row["null"]["untrained"]
        assert null["n"] == 10 and null["low_nats"] < null["mean_nats"] < null["high_nats"]
        normalised = (row["information_nats"] - null["mean_nats"]) / row["entropy_nats"]
        assert row["normalised"] == pytest.approx(normalised) and row["spread"] > 0
        said = f"normalised mutual information {normalised:.2f} with" if normalised > 0 else "no more information on"
        assert f"{said} {panel['factor']}" in panel["title"]
        assert row["traversal"]["estimate"]["r2"] > 0.5 and 0 <= row["traversal"]["explained_variance"] <= 1


def test_a_figure_of_each_run_is_drawn_in_its_directory(lit, tmp_path):
    done = figures("figure5", lit / "run0", lit / "run1", "--each")
    assert done.returncode == 0, done.stderr
    for seed in (0, 1):
        rows = json.loads((lit / f"run{seed}" / "figures" / "figure5.json").read_text())["verdicts"]
        assert {(row["run"], row["seed"], row["updates"]) for row in rows} == {(f"run{seed}", seed, 60)}
        assert [row["traversal"]["estimate"]["by"] for row in rows] == ["computed from pixels"] * 2
    refused = figures("figure5", lit / "run0", lit / "run1", "--each", "--out", tmp_path / "f.png")
    assert refused.returncode == 1 and "leave one of them out" in refused.stderr and refused.stderr.count("\n") == 1


def test_figures_of_several_datasets_or_none_are_refused(lit, trained, tmp_path):
    done = figures("figure3", lit / "run0", trained / "a")
    assert done.returncode == 1 and "different datasets" in done.stderr and done.stderr.count("\n") == 1
    done = figures("figure4", trained / "b", "--out", tmp_path / "none.png")
    assert done.returncode == 1 and "none of the panels" in done.stderr and not list(tmp_path.iterdir())
    assert "give runs on a dataset with rotation, azimuth, width" in done.stderr


@pytest.mark.parametrize("name, frames", [("t.gif", 6), ("t.mp4", 24)])
def test_a_traversal_goes_there_and_back(trained, tmp_path, monkeypatch, name, frames):
    monkeypatch.setattr(animation, "STEPS", 4)
    done = figures("traversal", trained / "a", "--out", tmp_path / name)
    assert done.returncode == 0, done.stderr
    read = imageio.imread(tmp_path / name, index=...)
    assert len(read) == frames
    first, second, third, last = read[0], read[1], read[2], read[5]
    assert (first != second).any() and np.abs(second.astype(int) - last.astype(int)).mean() < 3
    assert np.abs(second.astype(int) - third.astype(int)).mean() > 0


def test_a_traversal_that_cannot_be_drawn_is_one_clear_line(trained, tmp_path):
    done = figures("traversal", trained / "a", "--out", tmp_path / "t.png")
    assert done.returncode == 1 and "ends in .gif or .mp4" in done.stderr and done.stderr.count("\n") == 1
    assert not (tmp_path / "t.png").exists()


@pytest.mark.parametrize("name, starts", [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
@pytest.mark.parametrize("figure", ["figure1", "figure2", "losses", "grid"])
def test_figures_have_the_format_that_is_asked_for(figure, name, starts, trained, tmp_path):
    done = figures(figure, trained / "a", "--format", name, "--out", tmp_path / "f.png")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f.json", f"f.{name}"]
    assert (tmp_path / f"f.{name}").read_bytes().startswith(starts)


def test_a_name_that_is_no_pictures_is_refused_before_anything_is_written(tmp_path, digits):
    run = tmp_path / "run"
    fit(run, digits)
    for out in (tmp_path / "new" / "a.xyz", tmp_path / "new" / "folder"):
        done = call("figures", "figure2", run, "--out", out, folder="analysis")
        assert done.returncode == 1 and f"{out} is no name of a picture; give one that ends with .png" in done.stderr
    assert not (tmp_path / "new").exists()


def test_a_foreign_evaluation_is_one_line(tmp_path, digits):
    run = tmp_path / "run"
    fit(run, digits)
    for name, content, commands in (
        ("evaluation.json", '{"accuracy": "boo"}', ("report", "measure")),
        ("evaluation.json", "[]", ("report", "measure")),
        ("categories.json", '{"codes": "boo"}', ("figures figure2", "report")),
        ("categories.json", "[]", ("figures figure2", "report")),
    ):
        whole = (run / name).read_text()
        (run / name).write_text(content)
        for command in commands:
            done = call(*command.split(), run, folder="analysis", cwd=tmp_path)
            assert done.returncode == 1 and done.stderr.count("\n") == 1 and name in done.stderr
        (run / name).write_text(whole)


def test_of_a_thousand_categories_some_are_drawn_and_it_is_said(tmp_path, digits):
    run = tmp_path / "run"
    fit(run, digits, codes="1000c", updates=2)
    for figure in ("grid", "figure2"):
        done = call("figures", figure, run, folder="analysis")
        assert done.returncode == 0, done.stderr
        record = json.loads((run / "figures" / f"{figure}.json").read_text())
        assert "50 of 1,000 categories" in record["caption"]
        assert max(Image.open(run / "figures" / f"{figure}.png").size) < 5000


def test_a_figure_that_does_not_exist_is_one_line(tmp_path):
    done = figures("figure9", "x")
    assert done.returncode == 1 and "'figure9'; allowed: figure1" in done.stderr and done.stderr.count("\n") == 1
