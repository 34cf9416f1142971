"""Training speed on MNIST, all measured in one run, alternating: a textbook loop, our plain float32 step, our fast path.

Each contender lives in a process of its own and is asked in turn, several times over; the table has the median and
the range. Beside them: the matrix-product rate of this machine, the arithmetic of one update, and the share of that
rate each contender reaches; the memory's rate, and the share of the floor: the images/s if the products went at the one
rate, Adam at the other, and all else took no time; the same GAN without Q (claim C7); one process with all cores against one per core.

Examples:
  python experiments/benchmark.py --data-dir ~/data
  python experiments/benchmark.py --device cuda --out analysis/results/benchmark/h100.json
  python experiments/benchmark.py --peer notebook=their_loop.py    # any other implementation, side by side
  python experiments/benchmark.py --long 20000                     # is the cost linear and the memory flat?
"""

import dataclasses
import importlib.util
import os
import platform
import statistics
import sys
import time
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import tyro

from infogan import experiment
from infogan.cli import run_script
from infogan.config import InputError
from infogan.presets import PRESETS

RESULTS = Path(__file__).parents[1] / "analysis" / "results" / "benchmark"
OURS = ("textbook", "reference", "fast", "fast GAN without Q")


@dataclass(frozen=True)
class Options:
    device: str = "auto"
    """cpu, cuda, cuda:1 ...; auto takes a GPU where there is one."""
    batch_sizes: tuple[int, ...] = (16, 128, 512)
    """Batch sizes to measure at."""
    repeats: int = 5
    """How often each contender is asked, in turn with the others."""
    seconds: float = 4.0
    """How long it runs each time."""
    peer: tuple[str, ...] = ()
    """NAME=FILE of other implementations: a Python file with prepare(batch_size, data_dir, device) that returns a
    function running the given number of updates."""
    long: int = 0
    """Instead: train this many updates of batch 16 and report seconds and memory along the way."""
    data_dir: Path | None = None
    """Folder of mnist. Default: $INFOGAN_DATA, else ./data."""
    out: Path | None = None
    """JSON file of the result. Default: analysis/results/benchmark/cpu.json or cuda.json, with -long for --long."""


def textbook(batch_size: int, data_dir: Path | None, device: str):
    """The loop found everywhere: DataLoader with transforms, eager float32, gradients into D in G's step, .item() each update."""
    import torch
    from torch import nn

    from infogan import data

    torchvision = data.import_torchvision()
    root = data_dir or os.environ.get(data.DATA_VARIABLE) or "data"
    dataset = torchvision.datasets.MNIST(root, train=True, transform=torchvision.transforms.ToTensor())
    loader = torch.utils.data.DataLoader(dataset, batch_size=batch_size, shuffle=True, drop_last=True)

    generator = nn.Sequential(
        nn.Linear(74, 1024), nn.BatchNorm1d(1024), nn.ReLU(),
        nn.Linear(1024, 128 * 7 * 7), nn.BatchNorm1d(128 * 7 * 7), nn.ReLU(), nn.Unflatten(1, (128, 7, 7)),
        nn.ConvTranspose2d(128, 64, 4, 2, 1), nn.BatchNorm2d(64), nn.ReLU(),
        nn.ConvTranspose2d(64, 1, 4, 2, 1), nn.Sigmoid(),
    ).to(device)  # fmt: skip
    trunk = nn.Sequential(
        nn.Conv2d(1, 64, 4, 2, 1), nn.LeakyReLU(0.1),
        nn.Conv2d(64, 128, 4, 2, 1), nn.BatchNorm2d(128), nn.LeakyReLU(0.1), nn.Flatten(),
        nn.Linear(128 * 7 * 7, 1024), nn.BatchNorm1d(1024), nn.LeakyReLU(0.1),
    ).to(device)  # fmt: skip
    d_head = nn.Sequential(nn.Linear(1024, 1), nn.Sigmoid()).to(device)
    q_head = nn.Sequential(nn.Linear(1024, 128), nn.BatchNorm1d(128), nn.LeakyReLU(0.1), nn.Linear(128, 12)).to(device)
    adam_d = torch.optim.Adam(
        [*trunk.parameters(), *d_head.parameters(), *q_head.parameters()], 2e-4, betas=(0.5, 0.999)
    )
    adam_g = torch.optim.Adam(generator.parameters(), 1e-3, betas=(0.5, 0.999))
    bce, cross_entropy, mse = nn.BCELoss(), nn.CrossEntropyLoss(), nn.MSELoss()
    real_label, fake_label = (torch.full((batch_size, 1), value, device=device) for value in (1.0, 0.0))

    def batches():
        while True:
            yield from loader

    def information(features, category, continuous):
        answer = q_head(features)
        return cross_entropy(answer[:, :10], category) + mse(answer[:, 10:], continuous)

    stream = batches()

    def run(updates: int) -> None:
        for _ in range(updates):
            images = next(stream)[0].to(device)
            category = torch.randint(10, (batch_size,), device=device)
            continuous = torch.rand(batch_size, 2, device=device) * 2 - 1
            noise = torch.rand(batch_size, 62, device=device) * 2 - 1
            z = torch.cat([nn.functional.one_hot(category, 10).float(), continuous, noise], 1)

            adam_d.zero_grad()
            loss_real = bce(d_head(trunk(images)), real_label)
            fake = generator(z)
            features = trunk(fake.detach())
            loss_fake = bce(d_head(features), fake_label)
            loss_d = loss_real + loss_fake + information(features, category, continuous)
            loss_d.backward()
            adam_d.step()

            adam_g.zero_grad()
            features = trunk(fake)
            loss_g = bce(d_head(features), real_label) + information(features, category, continuous)
            loss_g.backward()
            adam_g.step()
            loss_d.item(), loss_g.item()

    return run


def ours(kind: str, batch_size: int, data_dir: Path | None, device: str):
    """Our step, authors' preset, batches drawn as training draws them."""
    from infogan import data, training
    from infogan.objective import discriminator_loss, generator_loss

    class WithoutQ(training.InfoGAN):
        """The same GAN, nothing of Q or L_I computed."""

        def step(self, real):
            import torch

            G, D, n = self.generator, self.discriminator, len(real)
            z = self.latent.sample(n, self.code_stream)
            fake = G(z)
            on_real, on_fake = D.judge(torch.cat([real.float() / 255, fake.detach()]), real=n).split(n)
            loss_d = discriminator_loss(on_real, on_fake, self.config.d_loss)
            loss_d.backward(inputs=self.d_moves)
            self.adam_d.step()
            loss_g = generator_loss(D.judge(fake))
            loss_g.backward(inputs=self.g_moves)
            self.adam_g.step()
            return torch.stack([loss_d, loss_g]).detach()

    config = dataclasses.replace(
        PRESETS["gan" if "without Q" in kind else "authors"][0],
        batch_size=batch_size, device=device, precision="float32" if kind == "reference" else "auto",
    )  # fmt: skip
    dataset = data.load("mnist", data_dir)
    config = training.resolve(config)
    model = (WithoutQ if "without Q" in kind else training.InfoGAN)(config, dataset.image_shape)
    batches = data.Batches(dataset.train.images.to(device), batch_size, seed=0)
    step = model.step if kind == "reference" else model.fastest_step(batches.at(0))
    done = 0

    def run(updates: int) -> None:
        nonlocal done
        for _ in range(updates):
            step(batches.at(done))
            done += 1

    return run


def products(precision: str, device: str):
    """Products of two square matrices, large enough to reach the machine's rate and small enough to stay in cache."""
    import torch

    size = 8192 if device.startswith("cuda") else 2048
    a, b, product = (torch.randn(size, size, device=device, dtype=getattr(torch, precision)) for _ in range(3))

    def run(times: int) -> None:
        for _ in range(times):
            torch.mm(a, b, out=product)

    run.unit = 2 * size**3
    return run


def memory(device: str):
    """Reading and writing numbers in place, many more than fit in cache."""
    import torch

    numbers = torch.zeros(1 << (30 if device.startswith("cuda") else 26), device=device)

    def run(times: int) -> None:
        for _ in range(times):
            numbers.add_(1)

    run.unit = 2 * numbers.nbytes
    return run


def serve(connection, kind: str, batch_size: int, options: Options, device: str, threads: int) -> None:
    """A contender's process: for each number of seconds it receives, runs about that long and answers the rate per second."""
    import torch

    torch.set_num_threads(threads)
    on_gpu = device.startswith("cuda")
    if on_gpu:
        torch.cuda.set_device(device)
    before = resident_mib()
    if kind in ("float32", "bfloat16"):
        run = products(kind, device)
    elif kind == "memory":
        run = memory(device)
    elif kind == "textbook":
        run = textbook(batch_size, options.data_dir, device)
    elif kind in OURS:
        run = ours(kind, batch_size, options.data_dir, device)
    else:
        file = dict(peer.split("=", 1) for peer in options.peer)[kind]
        spec = importlib.util.spec_from_file_location("peer", file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        run = module.prepare(batch_size, options.data_dir, device)

    def seconds_for(times: int) -> float:
        began = time.perf_counter()
        run(times)
        if on_gpu:
            torch.cuda.synchronize()
        return time.perf_counter() - began

    seconds_for(5)  # first uses: compiled kernels, workspaces
    each = seconds_for(5) / 5
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    connection.send(getattr(run, "unit", batch_size))
    try:
        while (seconds := connection.recv()) is not None:
            times = max(3, round(seconds / each))
            connection.send(times / seconds_for(times))
    except EOFError:
        return  # whoever asked is gone
    connection.send(torch.cuda.max_memory_allocated() / 2**20 if on_gpu else resident_mib() - before)


def resident_mib() -> float:
    """Memory this process holds now. It is what training has come to need: the fast path keeps what it once had."""
    import psutil

    return psutil.Process().memory_info().rss / 2**20


class Contender:
    """A contender's process, from here. It ends when its connection is closed.

    Not a daemon, which multiprocessing forbids to have children: other loops may load data in processes of their own.
    """

    started: list["Contender"] = []

    def __init__(self, kind: str, batch_size: int, options: Options, device: str, threads: int):
        self.connection, theirs = get_context("spawn").Pipe()
        arguments = (theirs, kind, batch_size, options, device, threads)
        self.process = get_context("spawn").Process(target=serve, args=arguments)
        self.process.start()
        theirs.close()
        self.started.append(self)
        try:
            self.unit = self.connection.recv()  # of one run: images, floating point operations of a product, or bytes
        except EOFError:
            raise InputError(f"{kind} at batch {batch_size} could not start: its error stands above") from None
        self.rates: list[float] = []

    def ask(self, seconds: float) -> None:
        self.connection.send(seconds)

    def answer(self) -> None:
        self.rates.append(self.connection.recv() * self.unit)

    def finish(self) -> float:
        """Ends the process; returns the memory in MiB that it took on top of an idle one."""
        self.connection.send(None)
        memory = self.connection.recv()
        self.process.join()
        return memory


def alternate(contenders: list[Contender], options: Options, progress) -> None:
    for _ in range(options.repeats):
        for contender in contenders:
            contender.ask(options.seconds)
            contender.answer()
            progress.update()


def arithmetic() -> tuple[float, int]:
    """Floating point operations of one update for each of its images, counted from the reference step by torch, and bytes that Adam moves.

    Per weight it reads and writes the weight and two moments in float32, and reads the gradient: in float32, or in bfloat16, but then it writes the weight's copy.
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from infogan import training

    config = dataclasses.replace(PRESETS["authors"][0], batch_size=16, device="cpu", precision="float32")
    model = training.InfoGAN(training.resolve(config), (1, 28, 28))
    with FlopCounterMode(display=False) as counter:
        model.step(torch.zeros(16, 1, 28, 28, dtype=torch.uint8))
    return counter.get_total_flops() / 16, 28 * sum(
        p.numel() for network in (model.generator, model.discriminator) for p in network.parameters()
    )


def machine(device: str) -> str:
    """What the numbers were measured on."""
    import torch

    from infogan.accel import cpu

    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    flags = cpuinfo.read_text() if cpuinfo.exists() else ""
    for line in flags.splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
    features = [name for name in ("avx512_bf16", "amx_bf16") if name in flags]
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA")
    return f"{model}, {cpu.cores()} cores, {' '.join(features) or 'no bfloat16'}" + (
        f", limited to {limit}" if limit else ""
    )


def spread(rates: list[float]) -> dict:
    return {"median": statistics.median(rates), "low": min(rates), "high": max(rates)}


def compare(options: Options, device: str, precisions: tuple[str, ...]) -> dict:
    """All contenders in turn; `precisions` are those whose matrix products the device computes itself."""
    from tqdm import tqdm

    from infogan.accel import cpu

    threads, (flops, adam_bytes) = cpu.cores(), arithmetic()
    kinds = (*OURS, *(peer.split("=", 1)[0] for peer in options.peer))
    rows, peaks, memory_rates = [], {}, {}
    each = len(kinds) + len(precisions) + 1
    total = options.repeats * (len(options.batch_sizes) * each + (threads if threads > 1 and device == "cpu" else 0))
    with tqdm(total=total, unit=" measurements", mininterval=0.5 if sys.stderr.isatty() else 30) as progress:
        for batch_size in options.batch_sizes:
            rate = {kind: Contender(kind, 1, options, device, threads) for kind in (*precisions, "memory")}
            contenders = {kind: Contender(kind, batch_size, options, device, threads) for kind in kinds}
            alternate([*rate.values(), *contenders.values()], options, progress)
            peaks[batch_size] = {kind: spread(one.rates) for kind, one in rate.items()}
            memory_rates[batch_size] = peaks[batch_size].pop("memory")
            for one in rate.values():
                one.finish()
            fastest = max(peak["median"] for peak in peaks[batch_size].values())
            floor = flops * batch_size / fastest + adam_bytes / memory_rates[batch_size]["median"]  # seconds an update
            baseline = statistics.median(contenders["textbook"].rates)
            for kind, one in contenders.items():
                speed = spread(one.rates)
                row = {"batch": batch_size, "contender": kind, "images_per_second": speed}
                row["times_textbook"] = speed["median"] / baseline
                if kind in ("textbook", "reference", "fast"):
                    row["gflops_per_second"] = speed["median"] * flops / 1e9
                    for kind_of_product, peak in peaks[batch_size].items():
                        row[f"share_of_{kind_of_product}_rate"] = speed["median"] * flops / peak["median"]
                    row["share_of_floor"] = speed["median"] * floor / batch_size
                rows.append(row | {"memory_mib": one.finish()})
        placement = None
        if threads > 1 and device == "cpu":
            batch_size = 128 if 128 in options.batch_sizes else options.batch_sizes[0]
            together = [Contender("fast", batch_size, options, device, 1) for _ in range(threads)]
            alone = Contender("fast", batch_size, options, device, threads)
            sums = []
            for _ in range(options.repeats):
                for one in together:
                    one.ask(options.seconds)
                for one in together:
                    one.answer()
                sums.append(sum(one.rates[-1] for one in together))
                alone.ask(options.seconds)
                alone.answer()
                progress.update(threads)
            for one in (*together, alone):
                one.finish()
            placement = {
                "batch": batch_size,
                "one_process_all_cores": spread(alone.rates),
                "one_process_per_core": spread(sums),
                "gain": statistics.median(sums) / statistics.median(alone.rates),
            }
    result = {
        "flops_per_image": flops,
        "adam_bytes_per_update": adam_bytes,
        "matrix_product_flops_per_second": peaks,
        "memory_bytes_per_second": memory_rates,
        "rows": rows,
    }
    return result | ({"placement": placement} if placement else {})


def show(result: dict) -> None:
    import pandas as pd

    def cell(speed: dict, scale: float = 1) -> str:
        return f"{speed['median'] / scale:,.0f} [{speed['low'] / scale:,.0f}, {speed['high'] / scale:,.0f}]"

    lines = []
    fastest = "bfloat16" if "share_of_bfloat16_rate" in result["rows"][0] else "float32"
    for row in result["rows"]:
        share = row.get(f"share_of_{fastest}_rate")
        lines.append(
            {
                "batch": row["batch"],
                "": row["contender"],
                "images/s": cell(row["images_per_second"]),
                "x textbook": f"{row['times_textbook']:.2f}",
                "GFLOP/s": f"{row['gflops_per_second']:,.0f}" if share else "",
                f"of {fastest} rate": f"{share:.0%}" if share else "",
                "of the floor": f"{row['share_of_floor']:.0%}" if share else "",
                "MiB": f"{row['memory_mib']:,.0f}",
            }
        )
    print(
        f"\n{result['machine']}\none update: {result['flops_per_image'] / 1e9:.3f} GFLOP an image; median [range] of {result['repeats']}\n"
    )
    print(pd.DataFrame(lines).to_string(index=False))
    for batch, rates in result["matrix_product_flops_per_second"].items():
        products = ", ".join(f"{kind} {cell(rate, 1e9)} GFLOP/s" for kind, rate in rates.items())
        print(
            f"beside batch {batch}: matrix products {products}; memory {cell(result['memory_bytes_per_second'][batch], 1e9)} GB/s"
        )
    for batch in sorted({row["batch"] for row in result["rows"]}):
        with_q, without = (
            next(r for r in result["rows"] if (r["batch"], r["contender"]) == (batch, kind)) for kind in OURS[2:]
        )
        time_ratio = without["images_per_second"]["median"] / with_q["images_per_second"]["median"]
        memory_ratio = with_q["memory_mib"] / without["memory_mib"]
        print(
            f"InfoGAN against the GAN without Q at batch {batch}: {time_ratio:.3f} x the time, {memory_ratio:.3f} x the memory"
        )
    if "placement" in result:
        place = result["placement"]
        print(
            f"batch {place['batch']}, one process per core: {cell(place['one_process_per_core'])} images/s in all, {place['gain']:.2f} x one process with all cores"
        )


def long_run(options: Options, device: str) -> dict:
    """A whole run of many updates, tracked and checkpointed as any: is its cost linear, does its memory stay flat?"""
    import tempfile

    import torch

    from infogan import data

    part = max(1, options.long // 10)
    config = dataclasses.replace(
        PRESETS["authors"][0],
        batch_size=16,
        device=device,
        updates=options.long,
        log_every=part,
        checkpoint_every=part,
        evaluations=2,
    )
    rows = []

    class Recorder:
        def logged(self, row: dict) -> None:
            now = torch.cuda.memory_allocated() / 2**20 if device.startswith("cuda") else resident_mib()
            spent = row["seconds"] - (rows[-1]["total"] if rows else 0)
            rows.append({"update": row["step"], "seconds": spent, "total": row["seconds"], "memory_mib": now})

        def evaluated(self, row: dict, images: dict) -> None:
            pass

    with tempfile.TemporaryDirectory() as folder:
        experiment.train(
            config, data.load("mnist", options.data_dir), Path(folder) / "run", "offline", observers=[Recorder()]
        )
    print("\n  updates  seconds  MiB held")
    for row in rows:
        print(f"{row['update']:9,d}  {row['seconds']:7.2f}  {row['memory_mib']:8,.0f}")
    halves = [
        statistics.median(row["seconds"] for row in part) for part in (rows[: len(rows) // 2], rows[len(rows) // 2 :])
    ]
    # By then the first evaluation, after half of the run, and the first checkpoint have taken their memory, once.
    growth = rows[-1]["memory_mib"] - rows[len(rows) // 2]["memory_mib"]
    print(
        f"second half / first half: {halves[1] / halves[0]:.3f} x the time (medians); memory since half of the run: {growth:+.1f} MiB"
    )
    return {
        "batch": 16,
        "rows": rows,
        "time_second_half_over_first": halves[1] / halves[0],
        "memory_growth_mib": growth,
    }


def main() -> None:
    options = tyro.cli(Options, description=__doc__)

    from infogan import data, records, training

    for peer in options.peer:
        name, equals, file = peer.partition("=")
        if not (equals and name and Path(file).is_file()) or name in (*OURS, "float32", "bfloat16", "memory"):
            raise InputError(f"peer is {peer!r}; give NAME=FILE with a name of its own and a Python file that exists")
    if options.repeats < 1 or options.long < 0 or options.long == 1 or min(options.batch_sizes, default=0) < 2:
        raise InputError("give at least 1 repeat, 0 or at least 2 long updates and batch sizes of 2 or more")
    config = training.resolve(dataclasses.replace(PRESETS["authors"][0], device=options.device))
    device = config.device
    # Where bfloat16 is not the machine's own, one such product takes a minute and says nothing.
    precisions = ("float32", "bfloat16") if config.precision == "bfloat16" else ("float32",)
    data.load("mnist", options.data_dir)
    result = {"machine": machine(device), "repeats": options.repeats}
    try:
        result |= long_run(options, device) if options.long else compare(options, device, precisions)
    finally:
        for contender in Contender.started:
            contender.connection.close()
    if not options.long:
        show(result)
    path = options.out or RESULTS / f"{device.split(':')[0]}{'-long' if options.long else ''}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    records.write_json(path, result | {"provenance": records.provenance()})
    print(f"\nwrote {path}")


if __name__ == "__main__":
    run_script(main)
