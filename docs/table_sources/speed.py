"""Tables of speed, of the cost of studies, and of pruners."""

from table_sources.common import csv, interval, markdown, over, read, seeds_of, table

CONTENDERS = {
    "textbook": "textbook loop",
    "notebook": "the blog's notebook",
    "reference": "our float32 step",
    "fast": "our fast path",
    "fast GAN without Q": "our fast path, GAN without Q",
}
"""Names in the benchmark's JSON, and what is said here."""


def _rows(path: str) -> dict[tuple[int, str], dict]:
    return {(row["batch"], row["contender"]): row for row in read(path)["rows"]}


def _rate(row: dict | None) -> str:
    """Median and range of images/s."""
    if row is None:
        return ""
    rate = row["images_per_second"]
    return f"{rate['median']:,.0f} [{rate['low']:,.0f}, {rate['high']:,.0f}]"


def _share(row: dict, new: str, old: str) -> str:
    """A share under its present name, or under the one it had when the file was written."""
    value = row.get(new, row.get(old))
    return "" if value is None else f"{100 * value:.0f} %"


def _speed(path: str) -> str:
    rows = _rows(path)
    out = []
    for batch in sorted({batch for batch, _ in rows}):
        fast, notebook = rows[batch, "fast"], rows.get((batch, "notebook"))
        median = fast["images_per_second"]["median"]
        out.append(
            (
                batch,
                *(_rate(rows.get((batch, name))) for name in ("textbook", "notebook", "reference", "fast")),
                f"{fast['times_textbook']:.1f}",
                f"{median / notebook['images_per_second']['median']:.1f}" if notebook else "",
                _share(fast, "share_of_bfloat16_peak", "share_of_bfloat16_rate"),
                _share(fast, "share_of_roofline_bound", "share_of_floor"),
            )
        )
    shown = " | ".join(CONTENDERS[name] for name in ("textbook", "notebook", "reference", "fast"))
    ratios = "× textbook | × notebook | of the bfloat16 peak | of the roofline bound"
    names = f"batch | {shown} | {ratios}".split(" | ")
    kept = [i for i in range(len(names)) if any(row[i] != "" for row in out)]  # not every file has every column
    return markdown(" | ".join(names[i] for i in kept), [[row[i] for i in kept] for row in out])


@table
def speed_cpu() -> str:
    return _speed("benchmark/cpu.json")


@table
def speed_gpu() -> str:
    return _speed("h200/benchmark_h200_batch128.json")


@table
def speed_epyc() -> str:
    return _speed("benchmark/epyc-efa401d.json")


@table
def cost_of_q() -> str:
    """Claim C7: an update of InfoGAN against that of the same GAN without Q."""
    out = []
    for path, machine in (
        ("benchmark/cpu.json", "two cores of an Intel Xeon with AMX"),
        ("h200/benchmark_h200_batch128.json", "NVIDIA H200"),
    ):
        rows = _rows(path)
        for batch in sorted({batch for batch, _ in rows}):
            ours, plain = rows[batch, "fast"], rows[batch, "fast GAN without Q"]
            time = plain["images_per_second"]["median"] / ours["images_per_second"]["median"]
            out.append((machine, batch, f"{time:.2f}", f"{ours['memory_mib'] / plain['memory_mib']:.2f}"))
    return markdown("machine | batch | time | memory", out)


@table
def precision() -> str:
    """1,000 updates of `authors` in either precision, the same five seeds."""
    first, present = seeds_of("mnist/precision.csv"), seeds_of("mnist/precision-present.csv").set_index("seed")
    reference = first[first.precision == "float32"].set_index("seed").accuracy
    earlier = first[first.precision == "bfloat16"].set_index("seed").accuracy
    rows = [("float32", over(reference), "")]
    for name, accuracy in (("bfloat16, step of d20a701", present.accuracy), ("bfloat16, step before it", earlier)):
        rows.append((name, over(accuracy), over(accuracy - reference)))
    return markdown("precision | test accuracy | less float32's, seed by seed", rows)


@table
def overhead() -> str:
    """Seconds per trial that are not training, and trials/s when nothing is trained."""
    rows = read("benchmark/overhead.json")["rows"]
    names = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
    workers = sorted({row["workers"] for row in rows})
    cells = {
        (
            row["storage"],
            row["workers"],
        ): f"{row['machinery_seconds_per_trial']:.2f} s, {row['trials_per_second']:.1f}/s"
        for row in rows
    }
    lines = [(name, *(cells[storage, n] for n in workers)) for storage, name in names.items()]
    return markdown("storage | " + " | ".join(f"{n} worker{'s' * (n > 1)}" for n in workers), lines)


@table
def pruners() -> str:
    rows = sorted(read("benchmark/pruners.json")["rows"], key=lambda row: -row["accuracy"])
    lines = [
        (
            row["pruner"],
            interval(row["accuracy"], row["low"], row["high"]),
            f"{row['trials begun']:.0f}",
            f"{row['ended']:.0f}",
        )
        for row in rows
    ]
    return markdown("pruner | best accuracy found | trials begun | trials ended", lines)


@table
def study() -> str:
    """What `make sweep` found: the best two configurations, trained again with fresh seeds."""
    trials, again = csv("digits-study/trials.csv").set_index("trial"), csv("digits-study/confirmation.csv")
    rows = []
    for number, seeds in again.groupby("trial", sort=False):
        trial = trials.loc[number]
        continuous = trial.lambda_continuous
        weights = f"{trial.lambda_categorical:.2f}" + (f", {continuous:.2f}" if continuous == continuous else "")
        tested = over(seeds["test accuracy"])
        validated = f"{seeds['validation accuracy'].mean():.3f}"
        rows.append(
            (number, trial.recipe, f"`{trial.codes}`", trial.batch_size, weights, validated, len(seeds), tested)
        )
    header = "trial | recipe | codes | batch | λ | validation accuracy | fresh seeds | test accuracy"
    return markdown(header, rows)


@table
def importances() -> str:
    rows = csv("digits-study/importances.csv").query("among == 'all trials'")
    lines = [(f"`{row.parameter}`", interval(row.importance, row.low, row.high, 2)) for row in rows.itertuples()]
    return markdown("parameter | fANOVA importance", lines)
