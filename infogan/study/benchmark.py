"""Training speed on MNIST: a textbook loop, our plain float32 step and our fast path, measured in turn in one run.

Each contender has a process of its own and is measured several times; the table has the median and the range. Beside
them: the measured peaks of this machine (matrix products, memory bandwidth), the arithmetic of one update, and each
contender's share of the matrix peak and of the roofline bound (the images/s if the products ran at the matrix peak,
Adam at the memory's bandwidth, and nothing else took time); the same GAN without Q (claim C7); and one process with all
cores against one process per core. Our step is that of the preset `authors` with the latents of D's step in G's too, as
the textbook loop has them.

Examples:
  python experiments/benchmark.py --data-dir ~/data
  python experiments/benchmark.py --device cuda --out runs/h100.json
  python experiments/benchmark.py --peer notebook=their_loop.py    # any other implementation, side by side
  python experiments/benchmark.py --long 20000                     # is the cost linear and the memory flat?
"""

import dataclasses
import os
import statistics
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import tyro

from infogan.config import Config
from infogan.errors import InputError


@dataclass(frozen=True)
class Options:
    """The command line."""

    device: str = "auto"
    """cpu, cuda, cuda:1 ...; auto takes a GPU where there is one."""
    batch_sizes: tuple[int, ...] = (16, 128, 512)
    """Batch sizes to measure at."""
    repeats: int = 5
    """Measurements of each contender, taken in turn with the others."""
    seconds: float = 4.0
    """Length of one measurement."""
    peer: tuple[str, ...] = ()
    """NAME=FILE of other implementations: a Python file with prepare(batch_size, data_dir, device) that returns a
    function running the given number of updates."""
    long: int = 0
    """Instead: train this many updates of batch 16 and report seconds and memory along the way."""
    data_dir: Path | None = None
    """Folder of mnist. Default: $INFOGAN_DATA, else ./data."""
    out: Path | None = None
    """JSON file of the result. Default: runs/benchmark-cpu.json or -cuda.json, with -long for --long."""

    def peers(self) -> dict[str, Path]:
        """The files of `peer` by name. Raises InputError for a name that is taken and for a file that is not there."""
        from infogan.study.contenders import LOOPS, PEAKS

        out: dict[str, Path] = {}
        for text in self.peer:
            name, _, file = text.partition("=")
            if not name or not Path(file).is_file() or name in (*LOOPS, *PEAKS, *out):
                raise InputError(
                    f"peer is {text!r}; give NAME=FILE with a name of its own and a Python file that exists"
                )
            out[name] = Path(file)
        return out


def arithmetic() -> tuple[float, int]:
    """FLOP per image and bytes that Adam moves, in one update; torch counts the float32 step's FLOP.

    Per weight Adam reads and writes the weight and two moments in float32, and reads a float32 gradient or reads a
    bfloat16 gradient and writes the weight's bfloat16 copy: 28 bytes either way.
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from infogan import training

    config = Config(batch_size=16, device="cpu", precision="float32")
    model = training.Learner(training.resolve(config), (1, 28, 28))
    with FlopCounterMode(display=False) as counter:
        model.step(torch.zeros(16, 1, 28, 28, dtype=torch.uint8), torch.arange(16))
    networks = (model.generator, model.discriminator)
    weights = sum(p.numel() for network in networks for p in network.parameters())
    return counter.get_total_flops() / 16, 28 * weights


def machine(device: str) -> str:
    """What the numbers are measured on: the GPU's name, or the processor's with its cores and bfloat16 instructions."""
    import torch

    from infogan.accel import cpu

    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA")
    return cpu.describe() + (f", limited to {limit}" if limit else "")


def spread(values: list[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "low": min(values), "high": max(values)}


def measure(setups: list, options: Options, progress) -> tuple[dict[str, dict], dict[str, float]]:
    """Units per second (median and range) and memory in MiB of each contenders.Setup, measured in turn; by kind."""
    from infogan.study.contenders import Contender

    with ExitStack() as stack:
        running = Contender.start_all(setups, stack)
        for _ in range(options.repeats):
            for contender in running:
                contender.start(options.seconds)
                contender.wait()
                progress.update()
        memory_mib = {contender.setup.kind: contender.finish() for contender in running}
    return {contender.setup.kind: spread(contender.speeds) for contender in running}, memory_mib


def place(setup, options: Options, progress) -> dict:
    """Images/s in all of one process with setup.threads threads, and of as many processes with one thread each."""
    from infogan.study.contenders import Contender

    single = dataclasses.replace(setup, threads=1)
    sums = []
    with ExitStack() as stack:
        *together, alone = Contender.start_all([single] * setup.threads + [setup], stack)
        for _ in range(options.repeats):
            for contender in together:
                contender.start(options.seconds)
            for contender in together:
                contender.wait()
            sums.append(sum(contender.speeds[-1] for contender in together))
            alone.start(options.seconds)
            alone.wait()
            progress.update(setup.threads)
        for contender in (*together, alone):
            contender.finish()
    return {
        "batch": setup.batch_size,
        "one_process_all_cores": spread(alone.speeds),
        "one_process_per_core": spread(sums),
        "gain": statistics.median(sums) / statistics.median(alone.speeds),
    }


def rows_of(
    batch: int, speeds: dict[str, dict], peaks: dict[str, dict], seconds_of_adam: float, flops: float
) -> list[dict]:
    """A row for each loop: its speed, over the textbook loop's, and InfoGAN's shares of peaks and roofline bound.

    Args: speeds: images/s by loop; peaks: FLOP/s by precision; seconds_of_adam: of one update; flops: of an image.
    """
    fastest = max(peak["median"] for peak in peaks.values())
    bound = batch / (flops * batch / fastest + seconds_of_adam)  # images/s
    rows = []
    for kind, speed in speeds.items():
        median = speed["median"]
        row = {"batch": batch, "contender": kind, "images_per_second": speed}
        row["times_textbook"] = median / speeds["textbook"]["median"]
        if kind in ("textbook", "reference", "fast"):
            row["gflops_per_second"] = median * flops / 1e9
            row |= {f"share_of_{name}_peak": median * flops / peak["median"] for name, peak in peaks.items()}
            row["share_of_roofline_bound"] = median / bound
        rows.append(row)
    return rows


def compare(options: Options, device: str, precisions: tuple[str, ...]) -> dict:
    """All contenders in turn, at each batch size; `precisions` are those that the device has instructions for."""
    from tqdm import tqdm

    from infogan.accel import cpu
    from infogan.study.contenders import LOOPS, Setup

    threads, (flops, adam_bytes), peers = cpu.cores(), arithmetic(), options.peers()
    of_machine, loops = (*precisions, "memory"), (*LOOPS, *peers)
    placed = threads > 1 and device == "cpu"
    peaks, bandwidths, rows, placement = {}, {}, [], {}

    def setup(kind: str, batch_size: int) -> Setup:
        return Setup(kind, batch_size, device, threads, options.data_dir, peers.get(kind))

    total = options.repeats * (len(options.batch_sizes) * (len(of_machine) + len(loops)) + threads * placed)
    with tqdm(total=total, unit=" measurements", mininterval=0.5 if sys.stderr.isatty() else 30) as progress:
        for batch in options.batch_sizes:
            setups = [setup(kind, 1) for kind in of_machine] + [setup(kind, batch) for kind in loops]
            speeds, memory_mib = measure(setups, options, progress)
            peaks[batch] = {precision: speeds.pop(precision) for precision in precisions}
            bandwidths[batch] = speeds.pop("memory")
            of_batch = rows_of(batch, speeds, peaks[batch], adam_bytes / bandwidths[batch]["median"], flops)
            rows += [row | {"memory_mib": memory_mib[row["contender"]]} for row in of_batch]
        if placed:
            batch = 128 if 128 in options.batch_sizes else options.batch_sizes[0]
            placement = {"placement": place(setup("fast", batch), options, progress)}
    return {
        "flops_per_image": flops,
        "adam_bytes_per_update": adam_bytes,
        "matrix_product_flops_per_second": peaks,
        "memory_bytes_per_second": bandwidths,
        "rows": rows,
    } | placement


def show(result: dict) -> None:
    """Print the table of `compare`, and the ratios below it."""

    def cell(speed: dict, scale: float = 1) -> str:
        return f"{speed['median'] / scale:,.0f} [{speed['low'] / scale:,.0f}, {speed['high'] / scale:,.0f}]"

    precision = "bfloat16" if "share_of_bfloat16_peak" in result["rows"][0] else "float32"
    lines = []
    for row in result["rows"]:
        counted = "gflops_per_second" in row
        line = {"batch": str(row["batch"]), "": row["contender"], "images/s": cell(row["images_per_second"])}
        line["x textbook"] = f"{row['times_textbook']:.2f}"
        line["GFLOP/s"] = f"{row['gflops_per_second']:,.0f}" if counted else ""
        line[f"of {precision} peak"] = f"{row[f'share_of_{precision}_peak']:.0%}" if counted else ""
        line["of roofline bound"] = f"{row['share_of_roofline_bound']:.0%}" if counted else ""
        lines.append(line | {"MiB": f"{row['memory_mib']:,.0f}"})
    gflop = result["flops_per_image"] / 1e9
    print(f"\n{result['machine']}\none update: {gflop:.3f} GFLOP an image; median [range] of {result['repeats']}\n")
    widths = [max(len(name), *(len(line[name]) for line in lines)) for name in lines[0]]
    for cells in [list(lines[0]), *(list(line.values()) for line in lines)]:
        print("  ".join(f"{text:>{width}}" for text, width in zip(cells, widths, strict=True)))

    for batch, peaks in result["matrix_product_flops_per_second"].items():
        products = ", ".join(f"{name} {cell(peak, 1e9)} GFLOP/s" for name, peak in peaks.items())
        bandwidth = cell(result["memory_bytes_per_second"][batch], 1e9)
        print(f"measured peaks beside batch {batch}: matrix products {products}; memory {bandwidth} GB/s")
    by_loop = {(row["batch"], row["contender"]): row for row in result["rows"]}
    for batch in sorted({row["batch"] for row in result["rows"]}):
        with_q, without_q = by_loop[batch, "fast"], by_loop[batch, "fast GAN without Q"]
        times = without_q["images_per_second"]["median"] / with_q["images_per_second"]["median"]
        memory = with_q["memory_mib"] / without_q["memory_mib"]
        print(f"InfoGAN against the GAN without Q at batch {batch}: {times:.3f} x the time, {memory:.3f} x the memory")
    if "placement" in result:
        placement = result["placement"]
        speed = f"{cell(placement['one_process_per_core'])} images/s in all"
        gain = f"{placement['gain']:.2f} x one process with all cores"
        print(f"batch {placement['batch']}, one process per core: {speed}, {gain}")


class Recorder:
    """Follows a run (infogan.events.Observer): seconds and memory at each row of metrics.csv."""

    def __init__(self, memory_mib):
        self.memory_mib = memory_mib
        self.rows: list[dict] = []

    def logged(self, row: dict) -> None:
        spent = row["seconds"] - (self.rows[-1]["total"] if self.rows else 0)
        now = {"update": row["step"], "seconds": spent, "total": row["seconds"]}
        self.rows.append(now | {"memory_mib": self.memory_mib()})

    def evaluated(self, row: dict, images: dict[str, Path]) -> None:
        pass


def long_run(options: Options, device: str) -> dict:
    """A run of many updates with its records and checkpoints: seconds and memory of each tenth."""
    import tempfile

    import torch

    from infogan import data, training
    from infogan.study.contenders import resident_mib

    part = max(1, options.long // 10)
    config = Config(
        batch_size=16, device=device, updates=options.long, log_every=part, checkpoint_every=part, evaluations=2
    )
    on_gpu = device.startswith("cuda")
    recorder = Recorder(lambda: torch.cuda.memory_allocated() / 2**20 if on_gpu else resident_mib())
    dataset = data.load("mnist", options.data_dir)
    with tempfile.TemporaryDirectory() as folder:
        training.train(config, dataset, Path(folder) / "run", "offline", observers=[recorder])

    rows = recorder.rows
    print("\n  updates  seconds  MiB held")
    for row in rows:
        print(f"{row['update']:9,d}  {row['seconds']:7.2f}  {row['memory_mib']:8,.0f}")
    middle = len(rows) // 2
    first, second = (statistics.median(row["seconds"] for row in half) for half in (rows[:middle], rows[middle:]))
    # Row `middle` comes after the first evaluation and the first checkpoint, which allocate memory once.
    growth = rows[-1]["memory_mib"] - rows[middle]["memory_mib"]
    print(f"second half / first half: {second / first:.3f} x the time (medians)")
    print(f"memory since half of the run: {growth:+.1f} MiB")
    return {"batch": 16, "rows": rows, "time_second_half_over_first": second / first, "memory_growth_mib": growth}


def main() -> None:
    options = tyro.cli(Options, description=__doc__)

    from infogan import data, records, training

    options.peers()
    if options.repeats < 1 or options.long < 0 or options.long == 1 or min(options.batch_sizes, default=0) < 2:
        raise InputError("give at least 1 repeat, 0 or at least 2 long updates and batch sizes of 2 or more")
    config = training.resolve(Config(device=options.device))
    device = config.device
    # Without instructions for bfloat16 one such product takes a minute.
    precisions = ("float32", "bfloat16") if config.precision == "bfloat16" else ("float32",)
    data.load("mnist", options.data_dir)
    result = {"machine": machine(device), "repeats": options.repeats}
    if options.long:
        result |= long_run(options, device)
    else:
        result |= compare(options, device, precisions)
        show(result)
    name = f"{device.split(':')[0]}{'-long' if options.long else ''}.json"
    path = options.out or Path("runs", f"benchmark-{name}")
    path.parent.mkdir(parents=True, exist_ok=True)
    records.write_json(path, result | {"provenance": records.provenance()})
    print(f"\nwrote {path}")
