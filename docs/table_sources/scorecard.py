"""The scorecard of the sources' claims, and its rules."""

from infogan.metrics.clustering import mean_interval
from infogan.reports.claims import verdicts
from table_sources.common import H200, RESULTS, csv, h200, markdown, read, share, table

GPU_BENCHMARK = "h200/benchmark_h200_batch128.json"
REWORDED = {
    "640,000 images;": "640,000 images, NVIDIA H200;",
    "100,000 images;": "100,000 images, AMD EPYC;",
    "batch 16, 128, 512": "batch 16, 128, 512, two cores of an Intel Xeon with AMX",
    "normalised MI": "normalised mutual information",
    "a stand-in rendered here": "a stand-in",
    "+-": "±",
    "the same beyond": "as C5 beyond",
}
"""Phrases of the committed table, and what the page says instead."""


def reworded(text: str) -> str:
    for old, new in REWORDED.items():
        text = text.replace(old, new)
    return text


@table
def scorecard() -> str:
    """The committed scorecard; runs on a GPU, whose directories were not kept, beside it."""
    lines = (RESULTS / "scorecard.md").read_text().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")][1:]
    rows = []
    for claim, says, by, number, holds, result in cells:
        rows.append([reworded(cell) for cell in (claim, says, by, number, holds, result.strip("*"))])
        if claim == "C3" and by.startswith("authors with"):
            rows.append([claim, reworded(says), *_authors_on_gpu()])
        if claim == "C7":
            gpu = {row["contender"]: row["images_per_second"]["median"] for row in read(GPU_BENCHMARK)["rows"]}
            times = gpu["fast GAN without Q"] / gpu["fast"]
            by = f"batch 128, one benchmark, {H200}"
            rows.append([claim, reworded(says), by, f"{times:.2f} times", f"{int(times <= 1.1)} of 1", "not tested"])
    rows = sorted(rows + _blog(), key=lambda row: ("CBO".index(row[0][0]), int(row[0][1:])))
    for row, above in reversed(list(zip(rows[1:], rows, strict=False))):
        if row[:2] == above[:2]:
            row[:2] = "", ""
    return markdown("claim | what it says | run | measured | holds in | result", rows)


def _authors_on_gpu() -> list[str]:
    """C3, by its rule, of ten seeds on the H200."""
    accuracy = h200()[h200().why == "ten seeds"].test_accuracy
    reached, verdict = (accuracy >= 0.95).sum(), verdicts.by_interval(*mean_interval(accuracy)[1:], 0.95)
    by = f"authors with the paper's networks, 5,000 updates, {H200}"
    return [by, f"{share(accuracy)} accuracy", f"{reached} of {len(accuracy)}", reworded(verdict)]


def _blog() -> list[list[str]]:
    """B1 and B2: the one run of full length, with the networks that `blog` had before its notebook's."""
    full = h200()[h200().why == "full length"].iloc[0]
    by = f"blog with the paper's networks, 187,500 updates, {H200}"
    metrics = csv("h200/blog_full_seed0_metrics.csv")
    tenth = len(metrics) // 10
    first, last = metrics[:tenth].mean(), metrics[-tenth:].mean()
    factor = min(first.loss_d / last.loss_d, last.loss_g / first.loss_g)
    accuracy = f"test accuracy {full.test_accuracy:.3f}; generated images were not kept"
    return [
        ["B1", "one 10-way code separates the digits in rows (blog)", by, accuracy, "1 seed", "not tested"],
        ["B2", "D's loss falls towards 0 while G's climbs (blog)", by, f"{factor:.2f} times", "1 of 1", "not tested"],
    ]


@table
def rules() -> str:
    committed = csv("scorecard.csv")
    grouped = committed.groupby("rule", sort=False).claim.unique()
    return markdown("claims | rule", [(", ".join(claims), reworded(rule)) for rule, claims in grouped.items()])
