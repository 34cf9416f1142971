"""Tables of runs on MNIST and Fashion-MNIST."""

import json
from collections import Counter

import numpy as np
import pandas as pd

from infogan import load
from infogan.inference import Codes
from infogan.reports.runs import read_runs
from table_sources.common import (
    EPYC,
    H200,
    RESULTS,
    by_seed,
    csv,
    h200,
    listed,
    markdown,
    over,
    seeds_of,
    share,
    table,
)

AUTHORS = "authors/mnist-authors"
AUTHORS_BEFORE = "`authors` with the paper's networks"
"""The preset as it was before it had its code's slope, initial values and fresh latents."""
WHOLE = (0, 1, 2)
"""Seeds of the whole runs of `blog`."""
SHARED = 200
"""Test images of a digit in the category of another from which the two count as sharing it."""

TEN_SEEDS = {
    "`authors`": AUTHORS,
    "`paper`": "mnist/mnist-paper",
    "`blog` with the paper's networks, a tenth": "mnist/mnist-blog",
}
"""Settings of which ten seeds have evaluations after each tenth of their updates, and their folders."""
DECIDED_AT = (1, 2, 3, 4, 5, 7, 9)
"""Tenths of the updates."""
MIXED = 0.2
"""Share of a digit's test images in a second category from which that category is mixed."""


def minutes(pattern: str) -> str:
    """Median training time of the runs whose evaluation.json matches."""
    seconds = [json.loads(file.read_text())["train_seconds"] for file in RESULTS.glob(pattern)]
    return f"{np.median(seconds) / 60:.0f} min"


def mnist_runs() -> dict[str, pd.DataFrame]:
    """Preset to its runs on MNIST on a CPU."""
    short = seeds_of("mnist/runs.csv")
    short["preset"] = short.preset.str.partition(" ")[0]
    return {
        "authors": seeds_of("authors/accuracy.csv"),
        "authors, before": short[short.preset == "authors"],
        "paper": short[short.preset == "paper"],
        "blog, whole": seeds_of("blog/accuracy.csv"),
        "blog": short[short.preset == "blog"],
        "gan": seeds_of("authors/gan.csv"),
        "iic": seeds_of("iic-variants/longer.csv"),
        "iic, short": seeds_of("own-trunk/accuracy.csv"),
    }


@table
def results() -> str:
    """README: at most six rows."""
    runs = mnist_runs()

    def row(name: str, shown: str, updates: str, folder: str) -> tuple:
        accuracy = runs[name].accuracy
        time = minutes(f"{folder}-seed*/evaluation.json")
        digits = 4 if name == "iic" else 3  # as in mnist()
        return shown, updates, len(accuracy), by_seed(accuracy, digits), "CPU", time

    rows = [
        row("authors", "`authors`", "5,000", AUTHORS),
        row("paper", "`paper`", "5,000", "mnist/mnist-paper"),
        row("blog, whole", "`blog`", "187,500", "blog/mnist-blog"),
        row("gan", "`gan`, the baseline", "5,000", "authors/mnist-gan"),
        row("iic", "`iic`, ours", "1,000 + 6,000", "iic-variants/longer"),
    ]
    return markdown("preset | updates | seeds | test accuracy | hardware | time", rows)


@table
def mnist() -> str:
    named = {
        "authors": ("`authors`", "5,000", "0.95"),
        "authors, before": (AUTHORS_BEFORE, "5,000", "0.95"),
        "paper": ("`paper`", "5,000", "0.95"),
        "blog, whole": ("`blog`", "187,500", "none"),
        "blog": ("`blog` with the paper's networks, a tenth", "18,750", "none"),
        "gan": ("`gan`", "5,000", '"no clear meaning"'),
        "iic": ("`iic`", "1,000 + 6,000", ""),
        "iic, short": ("`iic --updates 2000`", "1,000 + 2,000", ""),
    }
    rows = [
        (
            named[name][0],
            len(runs),
            named[name][1],
            by_seed(runs.accuracy, 4 if name.startswith("iic") else 3),  # three would round 0.9865 up to a rule's 0.987
            f"{runs.accuracy.min():.3f} to {runs.accuracy.max():.3f}",
            f"{(runs.accuracy >= 0.95).sum()} of {len(runs)}",
            by_seed(runs.nmi),
            by_seed(runs.ari),
            by_seed(runs.info_categorical_nats, 3, np.log(10)),
            named[name][2],
        )
        for name, runs in mnist_runs().items()
    ]
    measures = "accuracy | worst to best | 0.95 or more | NMI | ARI | L_I of c1, nats | stated by the source"
    return markdown(f"preset | seeds | updates | {measures}", rows)


@table
def mnist_h200() -> str:
    names = {
        "ten seeds": AUTHORS_BEFORE,
        "longer": "the same, four times as long",
        "fresh seeds": "`iic --updates 2000` with the trunk shared, fresh seeds 1000 to 1004",
        "full length": "`blog` with the paper's networks, full length",
    }
    rows = []
    for why, name in names.items():
        runs = h200()[h200().why == why]
        worst = f"{runs.test_accuracy.min():.3f} to {runs.test_accuracy.max():.3f}" if len(runs) > 1 else ""
        updates = f"{runs.updates.iloc[0]:,}"
        rows.append((name, len(runs), updates, by_seed(runs.test_accuracy), worst, by_seed(runs.test_nmi)))
    return markdown("preset | seeds | updates | test accuracy | worst to best | NMI", rows)


@table
def blog_length() -> str:
    """Losses of the blog's preset at its full length, and in the notebook's published log."""

    def tenths(metrics: pd.DataFrame) -> list[float]:
        n = max(1, len(metrics) // 10)
        return [part[name].mean() for name in ("loss_d", "loss_g") for part in (metrics[:n], metrics[-n:])]

    full = tenths(csv("h200/blog_full_seed0_metrics.csv"))
    whole = np.array([tenths(csv(f"blog/mnist-blog-seed{seed}/metrics.csv")) for seed in WHOLE])
    rows = [
        ("the paper's", "187,500", 1, H200, *(f"{value:.2f}" for value in full)),
        ("the notebook's", "187,500", len(whole), EPYC, *(listed(column) for column in whole.T)),
        (
            "the notebook's own log",
            "187,500",
            1,
            "unknown",
            *(f"{value:.2f}" for value in tenths(csv("blog/notebook.csv"))),
        ),
    ]
    losses = "D's loss, first tenth | D's loss, last tenth | G's loss, first tenth | G's loss, last tenth"
    return markdown(f"networks | updates | seeds | hardware | {losses}", rows)


@table
def blog_accuracy() -> str:
    """Validation accuracy of runs of full length after parts of their updates."""
    files = {f"seed {seed}": f"blog/mnist-blog-seed{seed}/evaluations.csv" for seed in WHOLE}
    files |= {"seed 0 on the H200, with the paper's networks": "h200/blog_full_seed0_evaluations.csv"}
    parts, rows = (0.1, 0.25, 0.5, 0.75, 1.0), []
    for run, path in files.items():
        accuracy = csv(path).set_index("step").accuracy
        rows.append((run, *(f"{accuracy[round(part * 187_500)]:.3f}" for part in parts)))
    return markdown("updates | " + " | ".join(f"{part:.0%}".replace("%", " %") for part in parts), rows)


def morphologies(pattern: str) -> list[dict]:
    """Of runs with a figures/morphology.json that matches: slant and other, the correlations of the best two codes with
    slant and with width; weaker, the smaller one; generated, how often a classifier agrees with the category."""
    out = []
    for _, run in read_runs(sorted(path.parents[1] for path in RESULTS.glob(pattern))).iterrows():
        codes = (("c2", "c3"), ("c3", "c2"))
        pairs = [(abs(run[f"{one}_slant"]), abs(run[f"{another}_width"])) for one, another in codes]
        slant, other = max(pairs, key=min)
        out.append({"generated": run.agreement, "slant": slant, "other": other, "weaker": min(slant, other)})
    return out


@table
def iic() -> str:
    runs = mnist_runs()["iic"]
    shapes = morphologies("iic-variants/longer-seed*/figures/morphology.json")
    evaluations = [csv(f"iic-variants/longer-seed{seed}/evaluations.csv") for seed in runs.seed.astype(int)]
    quantities = {
        "validation accuracy after the pretraining": [rows.accuracy[0] for rows in evaluations],
        "**test accuracy**": runs.accuracy,
        "NMI": runs.nmi,
        "generated images that show the digit of their category (classifier)": runs.generator_accuracy,
        "Fréchet distance": runs.frechet_distance,
        "precision": runs.sample_precision,
        "recall": runs.sample_recall,
        "continuous code with slant, partial correlation": [one["slant"] for one in shapes],
        "the other one with width": [one["other"] for one in shapes],
    }
    rows = []
    for name, values in quantities.items():
        digits = 4 if "test acc" in name else 3 if "accuracy" in name or "digit" in name or name == "NMI" else 2
        shown = over(values, digits) if name.startswith("Fréchet") else share(values, digits)
        rows.append((name, shown, f"{min(values):.{digits}f} to {max(values):.{digits}f}"))
    return markdown("`iic` on MNIST, ten seeds | mean | lowest to highest", rows)


VARIANTS = {
    "longer-first-5000": "6,000 updates (the preset)",
    "no-iic-loss": "without the IIC loss after the pretraining",
}
"""Of iic with 2,000 updates, in the folder iic-variants, on the same seeds."""


@table
def variants() -> str:
    """iic with 2,000 updates and each variant of it, and the paired differences."""
    short = mnist_runs()["iic, short"].set_index("seed")
    settings = {"`iic --updates 2000`": short}
    settings |= {shown: seeds_of(f"iic-variants/{name}.csv").set_index("seed") for name, shown in VARIANTS.items()}
    measures = {"accuracy": 4, "frechet_distance": 2, "sample_recall": 2, "generator_accuracy": 3}
    tops, rows = {"frechet_distance": np.inf}, []
    for shown, runs in settings.items():
        assert list(runs.index) == list(short.index), "the same seeds"
        rows.append((shown, *(by_seed(runs[one], digits, tops.get(one, 1)) for one, digits in measures.items())))
        if runs is not short:
            rows.append(("... difference", *(over(runs[one] - short[one], digits) for one, digits in measures.items())))
    measured = "test accuracy | Fréchet distance, first 5,000 | recall, first 5,000 | G shows the category's digit"
    return markdown(f"setting, ten seeds | {measured}", rows)


@table
def images() -> str:
    """Accuracy and sample quality of iic and of the sources' presets."""
    runs, paper = mnist_runs(), seeds_of("mnist/paper-images.csv")
    rows = [
        ("`iic`", runs["iic"], runs["iic"]),
        ("`authors`", runs["authors"], runs["authors"]),
        (f"`paper` (images of {len(paper)} other runs)", runs["paper"], paper),
        ("`blog`", runs["blog, whole"], runs["blog, whole"]),
        ("`gan`", runs["gan"], runs["gan"]),
    ]
    cells = [
        (
            name,
            len(accuracies),
            by_seed(accuracies.accuracy, 4),
            by_seed(drawn.frechet_distance, 2, np.inf),
            by_seed(drawn.sample_precision, 2),
            by_seed(drawn.sample_recall, 2),
            f"{drawn.generator_accuracy.min():.3f}" + (f" of {len(drawn)}" if len(drawn) < len(accuracies) else ""),
            *(_seeds_in_which(claim, name) for claim in ("C5", "C6")),
        )
        for name, accuracies, drawn in rows
    ]
    quality = "Fréchet distance | precision | recall | G shows the category's digit, worst run"
    return markdown(f"preset | seeds | test accuracy | {quality} | C5 holds in | C6 holds in", cells)


def _seeds_in_which(claim: str, name: str) -> str:
    """In how many seeds of a preset the claim's rule holds; name: of the preset in backticks, and more."""
    scored = csv("scorecard.csv")
    row = scored[(scored.claim == claim) & (scored.setting == name.split("`")[1])]
    return f"{row.holds.iloc[-1]} of {row.of.iloc[-1]}" if len(row) else ""


@table
def ablations() -> str:
    runs = seeds_of("mnist-best/ablations/accuracy.csv")
    whole = seeds_of("mnist-best/accuracy.csv").query("seed < 3")  # all of these share D's trunk
    names = {
        "mnist-best": "nothing",
        "no-warm-up": "pretraining and pseudo-labels, at equal images",
        "no-hold": "pseudo-labels",
        "no-consistency": "IIC term",
        "no-cool-down": "learning-rate decay",
    }
    rows = []
    for run, name in names.items():
        part = whole if run == "mnist-best" else runs[runs.run.str.startswith(run)]
        folder = "mnist-best" if run == "mnist-best" else "mnist-best/ablations"
        shapes = morphologies(f"{folder}/{run}-seed[0-2]/figures/morphology.json")
        accuracy = ", ".join(f"{value:.4f}" for value in part.accuracy)
        generated = ", ".join(f"{one['generated']:.3f}" for one in shapes)
        rows.append((name, accuracy, generated, ", ".join(f"{one['weaker']:.2f}" for one in shapes)))
    measures = "test accuracy, seeds 0 to 2 | generated digit is its category's | C5: weaker of the two correlations"
    return markdown(f"left out | {measures}", rows)


PARTS = {
    "nothing": "nothing",
    "heads": "eleven of the twelve heads",
    "over-clustering": "over-clustering (ten clusters a head in place of 50)",
    "strokes": "random strokes in the clustering and the distillation",
    "merging-by-strokes": "random strokes in the merging (affine maps in their place)",
}
"""Parts of the pretraining that were left out."""


@table
def pretraining_parts() -> str:
    """Validation accuracy after the pretraining with each part left out, and what is lost, paired by seed."""
    measured = csv("pretraining-parts/pretraining.csv").set_index("seed")
    whole, rows = measured.accuracy[measured.left_out == "nothing"], []
    for part, shown in PARTS.items():
        accuracy = measured.accuracy[measured.left_out == part]
        assert list(accuracy.index) == list(whole.index), "the same seeds"
        lost = "" if part == "nothing" else over(whole - accuracy, 4)
        rows.append((shown, share(accuracy), f"{accuracy.min():.3f} to {accuracy.max():.3f}", lost))
    return markdown("left out | accuracy, ten seeds | worst to best | lost by leaving it out", rows)


@table
def fashion() -> str:
    earlier = seeds_of("fashion-mnist/accuracy.csv").groupby("preset")
    runs = {
        "`iic`": seeds_of("iic-variants/fashion.csv"),
        "`iic --updates 2000`": seeds_of("own-trunk/fashion-accuracy.csv"),
        "the same, trunk shared": earlier.get_group("best"),
        AUTHORS_BEFORE: earlier.get_group("authors with the paper's networks"),
    }
    rows = []
    for name, part in runs.items():
        spread = f"{part.accuracy.min():.3f} to {part.accuracy.max():.3f}"
        rows.append((name, len(part), by_seed(part.accuracy), spread, by_seed(part.nmi), by_seed(part.ari)))
    return markdown("preset | seeds | test accuracy | worst to best | NMI | ARI", rows)


def sharing_runs(folder: str) -> tuple[int, Counter]:
    """How many runs there are, and in how many of them two digits share a category."""
    files = sorted(RESULTS.glob(f"{folder}-seed*/evaluation.json"))
    return len(files), Counter(pair for file in files for pair in _sharing(json.loads(file.read_text())["codes"][0]))


@table
def shared() -> str:
    rows = []
    folders = {
        "authors": AUTHORS,
        "paper": "mnist/mnist-paper",
        "blog": "blog/mnist-blog",
        "iic": "iic-variants/longer",
    }
    for name, folder in folders.items():
        runs, found = sharing_runs(folder)
        common = ", ".join(f"{a} and {b} in {n}" for (a, b), n in found.most_common() if n >= runs / 3)
        rows.append((f"`{name}`", runs, common or "none"))
    return markdown("preset | runs | pairs that share a category in a third of the runs or more", rows)


def _sharing(code: dict) -> set[tuple[int, int]]:
    """Pairs of digits of which one has SHARED test images or more in the category matched to the other."""
    label_of = code["label_of_category"]
    return {
        (min(label_of[row], digit), max(label_of[row], digit))
        for row, counts in enumerate(code["confusion"])
        for digit, count in enumerate(counts)
        if count >= SHARED and digit != label_of[row] >= 0
    }


@table
def noise() -> str:
    """How much the images of the shipped models vary with each part of G's input."""
    rows = []
    for folder, name in (
        ("mnist-iic", "`iic` on MNIST"),
        ("digits", f"{AUTHORS_BEFORE}, on 8×8 digits"),
    ):
        model, random = load(RESULTS / "models" / folder), np.random.default_rng(0)
        categories = np.repeat(np.arange(10), 20)[:, None]
        fixed = Codes(categories, np.repeat(random.uniform(-1, 1, (10, 2)), 20, 0))
        varied = Codes(categories, random.uniform(-1, 1, (200, 2)))
        of_noise, of_codes = model.generate(fixed, seed=0), model.generate(varied, seed=np.zeros(200, int))
        rows.append((name, f"{_deviation(of_noise):.2f}", f"{_deviation(of_codes):.2f}"))
    return markdown("model | noise z alone | c2 and c3 alone", rows)


def _deviation(images: np.ndarray) -> float:
    """Root mean variance of a pixel in [0, 1] over the 20 images of a category; mean over categories."""
    return float(np.sqrt((images.reshape(10, 20, -1) / 255).var(1).mean(-1)).mean())


@table
def decided() -> str:
    """When it is decided which seeds are good: the rank correlation over seeds of the accuracy on the way and at the
    end, both on validation images."""
    rows = []
    for name, folder in TEN_SEEDS.items():
        seeds = range(len(list(RESULTS.glob(f"{folder}-seed*"))))
        accuracy = pd.DataFrame([csv(f"{folder}-seed{seed}/evaluations.csv").accuracy for seed in seeds])
        ranks = accuracy.corrwith(accuracy[9], method="spearman")
        rows.append((name, len(seeds), *(f"{ranks[tenth - 1]:.2f}" for tenth in DECIDED_AT)))
    return markdown("preset | seeds | " + " | ".join(f"{10 * tenth} %" for tenth in DECIDED_AT), rows)
