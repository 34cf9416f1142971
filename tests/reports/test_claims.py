"""The scorecard on runs for which every outcome is known."""

import dataclasses
import json
import math
import sys

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT, call

from infogan import training
from infogan.config.presets import PRESETS
from infogan.reports import reproduce
from infogan.reports.claims import rows as verdicts
from infogan.reports.claims.rules import Claim
from infogan.reports.runs import read_curves, read_runs, write
from infogan.study import cost


def write_run(
    folder,
    preset: str,
    seed: int,
    bound,
    accuracy: float | None = None,
    shown=None,
    loss_d=(1.0, 1.0),
    loss_g=(1.0, 1.0),
    changes=None,
    name="",
    collapsed=False,
    **figures,
):
    """A run of its preset's length, 200 rows. bound: the update after which L_I is at its height, and that, in nats.

    loss_d, loss_g: in the first and in the second half. shown: of quality.json. figures: content of files in figures/.
    """
    reached, height = bound
    changed = {"precision": "float32"} | (changes or {})
    made = dataclasses.replace(PRESETS[preset][0], seed=seed, **changed)
    step = np.arange(1, 201) * made.updates // 200
    made = dataclasses.replace(made, log_every=int(step[0]))
    metrics = pd.DataFrame({"step": step, "info_categorical_nats": np.where(step >= reached, height, 0.0)})
    for column, (first, last) in (("loss_d", loss_d), ("loss_g", loss_g)):
        metrics[column] = np.where(step <= made.updates // 2, first, last)
    directory = folder / (name or f"mnist-{preset}-seed{seed}")
    (directory / "figures").mkdir(parents=True)
    metrics.to_csv(directory / "metrics.csv", index=False)
    (directory / "config.json").write_text(json.dumps({"config": dataclasses.asdict(made)}))
    if accuracy is not None:
        measured = {"accuracy": accuracy, "accuracy_ci95": [0.0, 1.0], "n_images": 9, "best_code": 0, "codes": []}
        measured |= {"label_of_category": [0], "collapsed": collapsed}
        (directory / "evaluation.json").write_text(json.dumps(measured))
    if shown is not None:
        (directory / "quality.json").write_text(json.dumps({"shown": shown}))
    for figure, content in figures.items():
        (directory / "figures" / f"{figure}.json").write_text(json.dumps(content))
    return directory


def morphology(slant: float, width: float, beyond: float = 0.9, agreement: float = 0.95, also: float = 0.05) -> dict:
    """also: the second code's correlation with slant."""

    def rows(where: str, scale: float) -> list[dict]:
        effects = {(0, "slant"): slant, (0, "width"): 0.1, (1, "slant"): also, (1, "width"): width}
        return [
            {"code": code, "where": where, "measure": name, "effect": scale * value}
            for (code, name), value in effects.items()
        ]

    shares = [{"where": "within", "agreement": 0.9}]
    shares += [{"where": f"code {k} beyond", "agreement": agreement * 0.9} for k in (0, 1)]
    return {"correlations": rows("within", 1) + rows("beyond", beyond), "agreement": shares}


def scorecard(folder, *arguments) -> pd.DataFrame:
    done = call("claims", *arguments, "--out", folder, folder="analysis")
    assert done.returncode == 0, done.stderr
    assert (folder / "scorecard.png").stat().st_size > 5000
    return pd.read_csv(folder / "scorecard.csv").set_index("claim")


def panel(name: str, share: float, run: str) -> dict:
    """A panel that cannot be measured on G's side."""
    about = {"panel": name, "run": run, "factor": name, "null": {}, "normalised": share}
    return about | {"traversal": {}, "collapsed": False}


def write_panel(
    folder, seed: int, normalised: float, moved=(0.5, 0.5), spread: float = 0.8, preset="celeba", **changes
):
    """A run with a figure 6 of one panel. moved: explained variance and relative spread, or None."""
    name = f"run{len(list(folder.iterdir())) if folder.exists() else 0}"
    traversal = dict(zip(("explained_variance", "relative_spread"), moved)) if moved else {}
    row = {"panel": "azimuth", "factor": "left_minus_right", "null": {}, "traversal": traversal, "run": name}
    row |= {"normalised": normalised, "collapsed": spread < 0.25}
    changes = {"dataset": "celeba"} | changes
    return write_run(folder, preset, seed, (10, 0.0), name=name, changes=changes, figure6={"verdicts": [row]})


def write_benchmark(path, *batches: tuple[tuple[float, float, float], float]):
    """batches: ratios of InfoGAN's time to that of the GAN without Q, and the ratio of memory.

    The ratios of time are by the median, the lowest and the highest rate of the GAN; InfoGAN's rates are 80 to 125.
    """
    rows = []
    for batch, (time, memory) in enumerate(batches):
        plain = dict(zip(("median", "low", "high"), (100 * t for t in time)))
        ours = {"images_per_second": {"median": 100, "low": 80, "high": 125}, "memory_mib": 1000 * memory}
        gan = {"images_per_second": plain, "memory_mib": 1000}
        rows += [
            {"batch": batch, "contender": "fast"} | ours,
            {"batch": batch, "contender": "fast GAN without Q"} | gan,
        ]
    path.write_text(json.dumps({"rows": rows}))
    return path


def lambdas(folder, accuracies: dict[float, list[float]], collapsed=(), **changes) -> list:
    """Runs of `authors` with accuracies by lambda_categorical. collapsed: pairs of lambda and seed."""
    return [
        write_run(
            folder,
            "authors",
            seed,
            (10, 2.3),
            accuracy,
            name=f"lambda{value}-{seed}",
            collapsed=(value, seed) in collapsed,
            changes={"lambda_categorical": value} | changes,
        )
        for value, group in accuracies.items()
        for seed, accuracy in enumerate(group)
    ]


def write_runs(folder) -> list:
    """Runs of which some replicate each claim and others do not."""
    h = math.log(10)
    diagonal, mixed = (100 * np.eye(10)).tolist(), (100 * np.eye(10)).tolist()
    mixed[4][9] = 25
    shares = {"lighting": 0.5, "context": 0.1, "other": 0.01}
    svhn = {"verdicts": [panel(name, share, "mnist-blog-seed1") for name, share in shares.items()]}
    again = {"verdicts": [panel("other", 0.33, "mnist-blog-seed2")]}
    replicates, turned = morphology(0.8, -0.6), morphology(0.8, 0.2, beyond=-1)
    slanted = morphology(0.8, 0.6, agreement=0.85, also=0.55)
    falls, stays, climbs = {"loss_d": (1, 0.2)}, {"loss_d": (1, 0.9)}, {"loss_g": (1, 3)}
    weak, fashion = {"lambda_categorical": 0.03}, {"dataset": "fashion-mnist"}
    return [
        write_run(folder, "authors", 0, (500, h), accuracy=0.96, morphology=replicates),
        write_run(folder, "authors", 1, (1500, h), accuracy=0.80, morphology=turned),
        write_run(folder, "authors", 2, (10, 1.0), morphology=slanted),
        write_run(folder, "authors", 3, (10, h), accuracy=0.1, name="not the preset", changes=weak),
        write_run(folder, "authors", 4, (10, h), accuracy=0.1, name="not mnist", changes=fashion),
        write_run(folder, "gan", 0, (10, 0.1), accuracy=0.3),
        write_run(folder, "gan", 1, (10, 0.6 * h), accuracy=0.6),
        write_run(folder, "blog", 0, (10, h), accuracy=0.9, shown=mixed, **falls, **climbs),
        write_run(folder, "blog", 1, (10, h), accuracy=0.9, shown=diagonal, **stays, **climbs, figure5=svhn),
        write_run(folder, "blog", 2, (10, h), **falls, loss_g=(1, 1.5), figure5=again),
        write_run(folder, "iic", 0, (10, h), accuracy=0.98),
        write_run(folder, "iic", 1, (10, h), accuracy=0.9655),
    ]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The scorecard of write_runs, and a benchmark: its table, and its folder."""
    folder = tmp_path_factory.mktemp("runs")
    times = ((1.05, 1.0, 1.08), 1.01), ((0.9, 0.8, 1.4), 1.2), ((1.25, 0.7, 1.3), 1.0)
    benchmark = write_benchmark(folder / "b.json", *times)
    return scorecard(folder / "out", *write_runs(folder), "--benchmark", benchmark), folder / "out"


def test_each_claim_is_checked_by_its_rule(made):
    """The verdict is that of the interval over seeds; a part of two or three seeds on either side decides nothing."""
    table, _ = made
    assert [(claim, row.verdict, row.holds, row.of) for claim, row in table.iterrows()] == [
        ("C1", "undecided", 1, 3),
        ("C2", "undecided", 1, 2),
        ("C3", "undecided", 1, 2),
        ("C3", "selected", 1, 1),
        ("C4", "undecided", 1, 2),
        ("C5", "replicates", 3, 3),
        ("C5", "undecided", 1, 3),
        ("C6", "undecided", 1, 3),
        ("C7", "does not replicate", 1, 3),
        ("C11", "not on the source's data", 1, 1),
        ("C11", "not on the source's data", 0, 1),
        ("C11", "not on the source's data", 1, 2),
        ("B1", "undecided", 1, 2),
        ("B2", "undecided", 1, 3),
        ("O1", "undecided", 1, 2),
    ]


@pytest.mark.parametrize(
    ("accuracies", "verdict"),
    [
        ((0.96, 0.961, 0.962), "replicates"),
        ((0.90, 0.91, 0.96), "undecided"),  # the mean is below, its interval is not
        ((0.80, 0.82, 0.84, 0.81), "does not replicate"),
        ((0.97,), "not tested"),  # one seed is no verdict
    ],
)
def test_the_interval_over_seeds_decides(accuracies, verdict, tmp_path):
    runs = [write_run(tmp_path, "authors", seed, (25, 2.3), value) for seed, value in enumerate(accuracies)]
    rows = scorecard(tmp_path / "out", *runs).loc[["C3"]]
    assert rows.verdict.tolist() == [verdict] + ["selected"] * (len(accuracies) > 1)
    assert len(rows) == 1 or rows["mean"].iloc[1] == max(accuracies), "the best seed stands beside the mean"


def test_a_run_that_is_shorter_than_its_source_is_not_judged(tmp_path):
    short = {"updates": 2000}
    runs = [write_run(tmp_path, "authors", seed, (10, 2.3), 0.5, changes=short) for seed in range(3)]
    table = scorecard(tmp_path / "out", *runs)
    assert set(table.verdict) == {"not at full length"}
    assert table.by.str.startswith("authors, 2,000 of 5,000 updates").all()


HIGH, LOW = (0.40, 0.41, 0.42), (0.10, 0.11, 0.12)


@pytest.mark.parametrize(
    ("numbers", "given", "verdict"),
    [
        (HIGH, {}, "replicates"),
        ((0.2, 0.25, 0.3), {}, "undecided"),
        (LOW, {}, "does not replicate"),
        (HIGH, {"moved": (0.1, 0.9)}, "does not replicate"),  # G's images do not show the factor by the code
        (HIGH, {"moved": (0.9, 0.1)}, "does not replicate"),
        (HIGH, {"moved": None}, "not tested"),  # no estimate of the factor
        (LOW, {"moved": None}, "does not replicate"),  # one side is enough for that
        (HIGH, {"spread": 0.05}, "collapsed"),
        (LOW, {"spread": 0.05}, "collapsed"),
        (HIGH, {"updates": 2000}, "not at full length"),
        (HIGH[:1], {}, "not tested"),
        (HIGH, {"dataset": "faces3d"}, "not on the source's data"),
        (HIGH, {"dataset": "svhn"}, "not on the source's data"),  # another figure's
        (HIGH, {"preset": "celeba-stable"}, "holds"),  # no source states the preset
        (LOW, {"preset": "celeba-stable"}, "does not hold"),
        (LOW, {"dataset": "data/celeba_part.npz", "updates": 2000}, "not on the source's data"),
        (LOW, {"dataset": "faces3d", "spread": 0.05}, "collapsed"),
    ],
)
def test_panels_are_judged_over_seeds(numbers, given, verdict, tmp_path):
    """By the interval of each side of the rule, where there are two seeds of full length that did not collapse."""
    runs = [write_panel(tmp_path / "runs", seed, value, **given) for seed, value in enumerate(numbers)]
    table = scorecard(tmp_path / "out", *runs)
    row, collapsed = table.loc["C12"], verdict == "collapsed"
    assert row.verdict == verdict and row.of == (0 if collapsed else len(numbers))
    recipe = given.get("preset", "celeba")
    whole = f"{PRESETS[recipe][0].updates:,}"
    length = f"2,000 of {whole}" if given.get("updates") else whole
    data = {"faces3d": "faces3d (a stand-in rendered here)", "data/celeba_part.npz": "celeba_part (images of a file)"}
    name = given.get("dataset", "celeba")
    images = data.get(name, f"{name} (the real dataset)")
    assert row.by == f"{images}, {recipe}, {length} updates, float32: left_minus_right"
    if len(numbers) > 1 and not collapsed:
        mean, half = np.mean(numbers), 4.3027 * np.std(numbers, ddof=1) / 3**0.5
        assert (row["mean"], row.low, row.high) == pytest.approx((mean, mean - half, mean + half), abs=1e-4)
    assert len(pd.read_csv(tmp_path / "out" / "scorecard-runs.csv")) == row.of


def test_panels_of_other_settings_are_rows_of_their_own_and_collapsed_seeds_are_counted(tmp_path):
    kinds = [{}, {}, {"spread": 0.1}, {"spread": 0.1}]
    runs = [write_panel(tmp_path / "runs", seed, 0.4 + seed / 100, **kind) for seed, kind in enumerate(kinds)]
    for change in ({"lr_g": 0.1}, {"dataset": "data/own.npz"}, {"precision": "bfloat16"}):
        runs.append(write_panel(tmp_path / "runs", 0, 0.3, **change))
    table = scorecard(tmp_path / "out", *runs)
    assert list(table.verdict) == ["replicates", "not tested", "not on the source's data", "not tested"]
    assert list(table.of) == [2, 1, 1, 1] and "own (images of a file), celeba, 20,000" in table.by.iloc[2]
    moved = "in generated images 0.50 of the variance, 0.50 of the spread; G has collapsed in 2 more"
    assert f"{moved} | 2 of 2 | **replicates**" in (tmp_path / "out" / "scorecard.md").read_text()
    again = write_panel(tmp_path / "runs", 1, 0.3)
    refused = call("claims", *runs, again, "--out", tmp_path / "no", folder="analysis")
    assert "repeats seed 1 of celeba (the real dataset), celeba, 20,000 updates" in refused.stderr


def test_every_run_is_listed_with_its_length_and_hardware(made):
    table, folder = made
    listed = pd.read_csv(folder / "scorecard-runs.csv")
    counts = listed.groupby("claim").size()
    over_seeds = table[(table.index != "C7") & (table.verdict != "selected")]
    assert counts.equals(over_seeds.groupby(level=0).of.sum()) and counts.sum() == over_seeds.of.sum()
    assert listed.groupby("claim").holds.sum().equals(over_seeds.groupby(level=0).holds.sum())
    assert set(listed.pretraining) == {0, 1000} and listed.pretraining.dtype == int
    assert listed.hardware.str.len().min() > 0 and (listed[listed.preset == "authors"].updates == 5000).all()


def test_only_runs_of_the_preset_as_it_is_are_judged_and_each_precision_by_itself(tmp_path):
    runs = [write_run(tmp_path, "authors", seed, (10, 2.3), accuracy=0.96) for seed in (0, 1)]
    for name, changes in (("slope", {"leaky_slope": 0.3}), ("bfloat16", {"precision": "bfloat16"})):
        runs.append(write_run(tmp_path, "authors", 0, (10, 2.3), 0.5, name=name, changes=changes))
    rows = scorecard(tmp_path / "out", *runs).loc[["C3"]]
    assert rows.of.tolist() == [2, 1, 1] and rows["mean"].tolist() == [0.96, 0.96, 0.5]


def test_a_result_folder_has_the_scorecard_of_its_run_directories(tmp_path):
    runs = write_runs(tmp_path / "runs")
    for name in ("not the preset", "not mnist"):
        runs.remove(tmp_path / "runs" / name)
    table = scorecard(tmp_path / "out", *runs)
    paths = read_runs(runs), read_curves(runs)
    write(tmp_path / "kept", *paths)
    pd.testing.assert_frame_equal(scorecard(tmp_path / "again", tmp_path / "kept"), table, rtol=1e-4)


def test_lambda_is_judged_by_its_lead_over_the_best_other_on_sound_runs(tmp_path):
    accuracies = {1.0: [0.8, 0.9, 0.7], 0.1: [0.5, 0.6, 0.7], 4.0: [0.83, 0.83, 0.83, 0.99], 9.0: [1.0, 1.0]}
    row = scorecard(tmp_path / "out", *lambdas(tmp_path, accuracies, collapsed=[(4.0, 3)])).loc["C8"]
    assert row["mean"] == pytest.approx(0.8 - 0.83), "two seeds of lambda 9 are not enough, and one of 4 has collapsed"
    assert row.by == "mnist, authors, 5,000 updates, float32; λ 1 against 0.1, 4; 3 seeds of each"
    assert row.also == "G has collapsed in 1 more" and row.verdict == "undecided"
    # Three with standard deviation 0.1 against three alike: Welch has two degrees of freedom.
    assert row.low == pytest.approx(row["mean"] - 4.3027 * 0.1 / 3**0.5, abs=1e-4)


def test_where_too_few_sound_runs_are_left_lambda_is_not_judged(tmp_path):
    accuracies = {1.0: [0.8, 0.9, 0.7], 0.1: [0.5, 0.6, 0.7]}
    runs = lambdas(tmp_path, accuracies, collapsed=[(0.1, seed) for seed in range(3)])
    row = scorecard(tmp_path / "out", *runs).loc["C8"]
    assert row.verdict == "collapsed" and (row.holds, row.of) == (0, 0) and np.isnan(row["mean"])


def test_a_preset_of_our_own_replicates_no_claim_of_the_paper(tmp_path):
    """The longer run of a preset is judged, and named by its length."""
    longer = {"updates": 9000}
    runs = [
        write_run(tmp_path, "iic", seed, (10, 2.3), 0.98, morphology=morphology(0.8, -0.6), changes=longer)
        for seed in range(3)
    ]
    table = scorecard(tmp_path / "out", *runs)
    rows = table.loc[["C5"]]
    assert rows.verdict.tolist() == ["holds", "undecided"], "of three seeds a share decides nothing"
    assert table.verdict["O1"] == "holds"
    assert rows.by.str.startswith("iic, 1,000 + 9,000 updates").all()


def test_width_alone_counts_and_a_code_that_is_slant_too_does_not(tmp_path):
    thick = morphology(0.8, 0.1)
    thick["correlations"].append({"code": 1, "where": "within", "measure": "thickness", "effect": 0.9})
    kinds = (morphology(0.8, 0.5), thick, morphology(0.8, 0.9, also=0.6), morphology(0.4, 0.9))
    runs = [write_run(tmp_path, "authors", seed, (10, 2.3), morphology=kind) for seed, kind in enumerate(kinds)]
    assert scorecard(tmp_path / "out", *runs).says["C5"].str.startswith("c2 is rotation").tolist() == [True, True]
    holds = (
        pd.read_csv(tmp_path / "out" / "scorecard-runs.csv").query("claim == 'C5'").groupby("number").holds.agg(list)
    )
    assert holds["correlation"] == [True, True, True, False]
    assert holds["weaker correlation"] == [True, False, False, False]


@pytest.mark.parametrize(
    ("low", "high", "at_least", "verdict"),
    [
        (1.0, 2.0, True, "replicates"),
        (0.9, 2.0, True, "undecided"),
        (0.1, 0.9, True, "does not replicate"),
        (0.1, 1.0, False, "replicates"),
        (0.9, 1.1, False, "undecided"),
        (1.1, 2.0, False, "does not replicate"),
    ],
)
def test_verdicts_of_intervals(low, high, at_least, verdict):
    claim = Claim("C0", "", "", "", 1.0, "≥" if at_least else "≤")
    assert verdicts.by_interval(low, high, claim) == verdict


@pytest.mark.parametrize(
    ("holds", "of", "verdict"),
    [
        *((holds, 3, "undecided") for holds in range(4)),
        (4, 4, "replicates"),
        (0, 4, "does not replicate"),
        (5, 10, "undecided"),
    ],
)
def test_a_share_is_decided_by_wilsons_interval(holds, of, verdict):
    assert verdicts.by_share(holds, of) == verdict


def test_the_numbers_are_means_over_seeds_with_intervals(made):
    table, folder = made
    mean = table["mean"]
    assert mean["C1"] == pytest.approx(1000, abs=130) and table.never["C1"] == 1, "one seed never reaches H(c)"
    assert mean["C3"].iloc[0] == pytest.approx(0.88)
    assert table.low["C3"].iloc[0] == 0 and table.high["C3"].iloc[0] == 1, "a wide interval of two is cut at 0 and 1"
    assert mean["C5"].iloc[0] == pytest.approx(0.8) and table.also["C5"].iloc[1].startswith("in the mean 0.47 weaker")
    # Rules of several parts: the share of seeds, and Wilson's interval of 1 of 3 and of 1 of 2.
    assert (mean["C6"], table.low["C6"], table.high["C6"]) == pytest.approx((1 / 3, 0.0615, 0.7923), abs=1e-4)
    assert (mean["B1"], table.low["B1"], table.high["B1"]) == pytest.approx((1 / 2, 0.0945, 0.9055), abs=1e-4)
    assert table.also["C6"] == "in the mean 0.92 of the agreement within ±1", "0.95, 0.95 and 0.85"
    assert table.also["B1"] == "in the mean 0.90 of the worst row's images", "1, and 100 of 125"
    assert table.also["B2"] == f"in the mean {(3 + 1 / 0.9 + 1.5) / 3:.2f} times, the smaller factor", "G's or D's"
    assert list(mean["C11"]) == pytest.approx([0.5, 0.1, (0.01 + 0.33) / 2])
    numbers = "0.50 normalised MI; not measurable in generated images | 1 of 1 | **not on the source's data** |"
    assert numbers in (folder / "scorecard.md").read_text()
    # The median of the third batch size, the memory of the second, and the longest time of the second.
    assert (mean["C7"], table.low["C7"], table.high["C7"]) == pytest.approx((1.25, 1.2, 1.4 / 0.8))


def test_a_bound_that_never_reaches_the_entropy_is_reported_as_such(tmp_path):
    runs = [write_run(tmp_path, "paper", seed, (10, 1.0)) for seed in range(5)]
    table = scorecard(tmp_path / "out", *runs)
    assert list(table.index) == ["C1"] and table.verdict["C1"] == "does not replicate" and table.never["C1"] == 5
    assert "| never |" in (tmp_path / "out" / "scorecard.md").read_text()


def test_input_on_which_no_claim_can_be_checked_is_one_clear_line(tmp_path):
    run = write_run(tmp_path, "gan", 0, (10, 0.1))
    again = write_run(tmp_path, "gan", 0, (10, 0.1), name="again")
    short = write_run(tmp_path, "paper", 1, (10, 1.0))
    pd.read_csv(short / "metrics.csv")[:-5].to_csv(short / "metrics.csv", index=False)
    (tmp_path / "long.json").write_text('{"rows": [{"update": 1}]}')
    for arguments, message in (
        ((tmp_path,), "neither a run directory nor a folder"),
        ((run, again), "repeats seed 0 of gan"),
        ((short,), "no claim can be checked"),
        ((run, "--benchmark", tmp_path / "long.json"), "without --long"),
    ):
        done = call("claims", *arguments, "--out", tmp_path / "out", folder="analysis")
        assert done.returncode == 1 and message in done.stderr and done.stderr.count("\n") == 1, done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("preset", "accuracies", "verdict"), [("", (0.97, 0.972), "replicates"), ("paper", (0.5,), "not tested")]
)
def test_a_claim_is_trained_measured_and_judged(preset, accuracies, verdict, tmp_path, monkeypatch, capsys):
    """By runs that a stand-in for training writes."""
    reached = dict(enumerate(accuracies, 1))

    def train(config, dataset, directory, wandb):
        bound = (800, 2.29)
        write_run(directory.parent, config.preset, config.seed, bound, reached[config.seed])

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(training, "train", train)
    monkeypatch.setattr(cost, "images_per_second", lambda config, dataset: 1000)
    given = ["C3", "--seed", *map(str, reached), "--scorecard", str(ROOT / "analysis" / "results" / "scorecard.csv")]
    monkeypatch.setattr(sys, "argv", ["reproduce", *given, *(["--preset", preset] if preset else [])])
    reproduce.main()
    ours, committed = capsys.readouterr().out.split("these runs\n")[1].split("scorecard.csv\n")
    assert verdict in ours and f"{preset or 'authors'}, 5,000 updates" in committed


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["D3"], "allowed: C1, C2"),
        (["C3", "--preset", "blog"], "allowed: authors, paper"),
        (["C7"], "experiments/benchmark.py"),
    ],
)
def test_what_is_no_claim_of_runs_is_named(words, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = call("reproduce", *words, folder="analysis")
    assert done.returncode == 1 and says in done.stderr and len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())
