"""Tables of speed."""

from table_sources.common import markdown, read, table

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
    return _speed("benchmark/h200.json")


@table
def speed_epyc() -> str:
    return _speed("benchmark/epyc-efa401d.json")


@table
def cost_of_q() -> str:
    """Claim C7: an update of InfoGAN against that of the same GAN without Q."""
    out = []
    for path, machine in (
        ("benchmark/cpu.json", "two cores of an Intel Xeon with AMX"),
        ("benchmark/h200.json", "NVIDIA H200"),
    ):
        rows = _rows(path)
        for batch in sorted({batch for batch, _ in rows}):
            ours, plain = rows[batch, "fast"], rows[batch, "fast GAN without Q"]
            time = plain["images_per_second"]["median"] / ours["images_per_second"]["median"]
            out.append((machine, batch, f"{time:.2f}", f"{ours['memory_mib'] / plain['memory_mib']:.2f}"))
    return markdown("machine | batch | time | memory", out)
