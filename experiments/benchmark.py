"""Training speed on MNIST, beside a textbook loop and beside what the machine can do.

Measured in turn, each in a process of its own: a textbook loop, our plain float32 step, our step as it trains (fast),
the same GAN without Q (claim C7), and the machine's peaks: matrix products and memory bandwidth. Our step is that of
the preset `authors` with the latents of D's step in G's too, as the textbook loop has them. The roofline bound is the
images/s if the products ran at the measured peak, Adam at the measured bandwidth, and nothing else took time.

Examples:
  python experiments/benchmark.py --data-dir ~/data
  python experiments/benchmark.py --peer notebook.py      # another implementation, side by side
"""

import dataclasses
import importlib
import itertools
import os
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import torch
import torch.nn.functional as F
import tyro
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from tqdm import tqdm

from infogan import data, records, training
from infogan.accel import cpu
from infogan.cli import one_line_errors
from infogan.config import Config
from infogan.terms.base import Loss, descend
from infogan.utils.errors import InputError

LOOPS = ("textbook", "reference", "fast", "fast GAN without Q")
"""Training loops; `reference` is our float32 step."""
PEAKS = ("float32", "bfloat16", "memory")
"""Of the machine: matrix products in either precision, and memory bandwidth."""


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
    peer: tuple[Path, ...] = ()
    """Python files of other loops, with prepare(batch_size, data_dir, device) that returns a function of one update."""
    data_dir: Path | None = None
    """Folder of mnist. Default: $INFOGAN_DATA, else ./data."""
    out: Path | None = None
    """JSON file of the result. Default: runs/benchmark-cpu.json or runs/benchmark-cuda.json."""

    @property
    def peers(self) -> dict[str, Path]:
        """By the file's name without .py."""
        return {file.stem: file for file in self.peer}


def textbook_networks() -> tuple[nn.Module, nn.Module, nn.Module, nn.Module]:
    """The paper's MNIST networks (appendix C.1) in torch's own layers: generator, trunk, D's head and Q's head."""
    generator = nn.Sequential(
        *(nn.Linear(74, 1024), nn.BatchNorm1d(1024), nn.ReLU()),
        *(nn.Linear(1024, 128 * 7 * 7), nn.BatchNorm1d(128 * 7 * 7), nn.ReLU(), nn.Unflatten(1, (128, 7, 7))),
        *(nn.ConvTranspose2d(128, 64, 4, 2, 1), nn.BatchNorm2d(64), nn.ReLU()),
        *(nn.ConvTranspose2d(64, 1, 4, 2, 1), nn.Sigmoid()),
    )
    trunk = nn.Sequential(
        *(nn.Conv2d(1, 64, 4, 2, 1), nn.LeakyReLU(0.1)),
        *(nn.Conv2d(64, 128, 4, 2, 1), nn.BatchNorm2d(128), nn.LeakyReLU(0.1), nn.Flatten()),
        *(nn.Linear(128 * 7 * 7, 1024), nn.BatchNorm1d(1024), nn.LeakyReLU(0.1)),
    )
    d_head = nn.Sequential(nn.Linear(1024, 1), nn.Sigmoid())
    q_head = nn.Sequential(nn.Linear(1024, 128), nn.BatchNorm1d(128), nn.LeakyReLU(0.1), nn.Linear(128, 12))
    return generator, trunk, d_head, q_head


def textbook(batch: int, options: Options) -> Callable[[], object]:
    """The loop of most tutorials: a DataLoader with transforms, eager float32, D's gradients in both steps, .item()."""
    device, torchvision = options.device, data.import_torchvision()
    root = options.data_dir or os.environ.get(data.DATA_VARIABLE) or "data"
    dataset = torchvision.datasets.MNIST(root, train=True, download=True, transform=torchvision.transforms.ToTensor())
    loader = torch.utils.data.DataLoader(dataset, batch_size=batch, shuffle=True, drop_last=True)
    batches = itertools.chain.from_iterable(itertools.repeat(loader))

    generator, trunk, d_head, q_head = (network.to(device) for network in textbook_networks())
    d_parameters = [*trunk.parameters(), *d_head.parameters(), *q_head.parameters()]
    adam_d = torch.optim.Adam(d_parameters, 2e-4, betas=(0.5, 0.999))
    adam_g = torch.optim.Adam(generator.parameters(), 1e-3, betas=(0.5, 0.999))
    bce, cross_entropy, mse = nn.BCELoss(), nn.CrossEntropyLoss(), nn.MSELoss()
    real_label, fake_label = (torch.full((batch, 1), value, device=device) for value in (1.0, 0.0))

    def q_loss(features: Tensor, category: Tensor, continuous: Tensor) -> Tensor:
        q_params = q_head(features)
        return cross_entropy(q_params[:, :10], category) + mse(q_params[:, 10:], continuous)

    def update() -> None:
        images = next(batches)[0].to(device)
        category = torch.randint(10, (batch,), device=device)
        continuous = torch.rand(batch, 2, device=device) * 2 - 1
        noise = torch.rand(batch, 62, device=device) * 2 - 1
        z = torch.cat([F.one_hot(category, 10).float(), continuous, noise], 1)

        adam_d.zero_grad()
        loss_real = bce(d_head(trunk(images)), real_label)
        fake = generator(z)
        features = trunk(fake.detach())
        loss_fake = bce(d_head(features), fake_label)
        loss_d = loss_real + loss_fake + q_loss(features, category, continuous)
        loss_d.backward()
        adam_d.step()

        adam_g.zero_grad()
        features = trunk(fake)
        loss_g = bce(d_head(features), real_label) + q_loss(features, category, continuous)
        loss_g.backward()
        adam_g.step()
        loss_d.item(), loss_g.item()

    return update


class GANWithoutQ(training.Learner):
    """A GAN with one G(z) for both steps, in which neither Q nor L_I is computed."""

    def step(self, images: Tensor, index: Tensor) -> dict[str, Tensor]:
        """One step of D, then one of G; returns both losses."""
        G, D, n = self.generator, self.discriminator, len(images)
        fake = G(self.latent.sample(n, self.random["codes"]))
        d_real, d_fake = D.discriminate(torch.cat([images.float() / 255, fake.detach()]), real=n).split(n)
        value = F.softplus(-d_real).mean() + F.softplus(d_fake).mean()
        loss = Loss(value, ("trunk", "d_head"), log={"loss_d": value})
        log = descend([loss], self.parts, self.leaf, self.adam_d)
        value = F.softplus(-D.discriminate(fake)).mean()
        return log | descend([Loss(value, ("generator",), log={"loss_g": value})], self.parts, self.leaf, self.adam_g)


def ours(name: str, batch: int, options: Options) -> Callable[[], object]:
    """Our step, with one G(z) for both steps as in the textbook loop, on batches drawn as training draws them."""
    config = Config(batch_size=batch, device=options.device, precision="float32" if name == "reference" else "auto")
    learner = training.Learner
    if name == "fast GAN without Q":
        learner, config = GANWithoutQ, dataclasses.replace(config, info_flow="detached")
    dataset = data.load("mnist", options.data_dir)
    model = learner(training.resolve(config), dataset.image_shape)
    batches = data.Batches(dataset.train.images.to(model.device), batch, seed=0)
    numbers = itertools.count()

    def images() -> tuple[Tensor, Tensor]:
        index = batches.index(next(numbers))
        return batches.images[index], index

    step = model.step if name == "reference" else model.fastest_step(*images())
    return lambda: step(*images())


def peak(name: str, device: str) -> tuple[Callable[[], object], int]:
    """A product of square matrices, large enough for the peak and small enough for the cache, and its FLOP; or an
    addition in place to many more numbers than fit in cache, and the bytes that it reads and writes."""
    if name == "memory":
        numbers = torch.zeros(1 << (26 if device == "cpu" else 30), device=device)
        return lambda: numbers.add_(1), 2 * numbers.nbytes
    size = 2048 if device == "cpu" else 8192
    a, b, product = (torch.randn(size, size, device=device, dtype=getattr(torch, name)) for _ in range(3))
    return lambda: torch.mm(a, b, out=product), 2 * size**3


def prepare(name: str, batch: int, options: Options) -> tuple[Callable[[], object], int]:
    """A contender, and how much one call of it counts: images, FLOP or bytes."""
    if name in PEAKS:
        return peak(name, options.device)
    if name not in LOOPS:
        sys.path.insert(0, str(options.peers[name].parent))
        return importlib.import_module(name).prepare(batch, options.data_dir, options.device), batch
    return textbook(batch, options) if name == "textbook" else ours(name, batch, options), batch


def resident() -> int:
    """Bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def serve(connection: Connection, name: str, batch: int, options: Options) -> None:
    """The process of a contender: for each number of seconds received, runs about that long and sends units per second.

    None ends it; it then sends its memory in MiB: on a GPU the peak, else what it holds beyond an idle process.
    """
    torch.set_num_threads(cpu.cores())
    on_gpu, before = options.device != "cpu", resident()
    once, unit = prepare(name, batch, options)

    def seconds_for(times: int) -> float:
        began = time.perf_counter()
        for _ in range(times):
            once()
        if on_gpu:
            torch.cuda.synchronize(options.device)
        return time.perf_counter() - began

    seconds_for(5)  # compiles kernels and allocates workspaces
    if on_gpu:
        torch.cuda.reset_peak_memory_stats(options.device)
    each = seconds_for(5) / 5
    with suppress(EOFError, ConnectionError):  # the benchmark has ended
        connection.send(None)
        while (seconds := connection.recv()) is not None:
            times = max(3, round(seconds / each))
            connection.send(times * unit / seconds_for(times))
        connection.send((torch.cuda.max_memory_allocated(options.device) if on_gpu else resident() - before) / 2**20)


def measure(names: list[str], batch: int, options: Options, progress: tqdm) -> tuple[dict, dict]:
    """Units per second (median and range) and memory in MiB of each contender, measured in turn; by name.

    Raises InputError where one cannot start.
    """
    spawn, running, speeds = get_context("spawn"), {}, {name: [] for name in names}
    with ExitStack() as stack:
        for name in names:
            mine, theirs = spawn.Pipe()
            running[name] = stack.enter_context(mine)  # closed, it ends the process
            # No daemon, which multiprocessing forbids to have children: a peer may load data in processes of its own.
            spawn.Process(target=serve, args=(theirs, name, batch, options)).start()
            theirs.close()
            try:
                mine.recv()
            except EOFError:
                raise InputError(f"{name} at batch {batch} could not start: fix the error printed above") from None
        for _ in range(options.repeats):
            for name, connection in running.items():
                connection.send(options.seconds)
                speeds[name].append(connection.recv())
                progress.update()
        for connection in running.values():
            connection.send(None)
        memory_mib = {name: connection.recv() for name, connection in running.items()}
    return {name: spread(values) for name, values in speeds.items()}, memory_mib


def spread(values: list[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "low": min(values), "high": max(values)}


def arithmetic() -> tuple[float, int]:
    """FLOP per image, as torch counts them in the float32 step, and bytes that Adam moves in one update.

    Per weight it reads and writes the weight and two moments in float32, and reads a float32 gradient, or reads a
    bfloat16 gradient and writes the weight's bfloat16 copy: 28 bytes either way.
    """
    model = training.Learner(training.resolve(Config(device="cpu", precision="float32")), (1, 28, 28))
    with FlopCounterMode(display=False) as counter:
        model.step(torch.zeros(16, 1, 28, 28, dtype=torch.uint8), torch.arange(16))
    weights = sum(p.numel() for network in (model.generator, model.discriminator) for p in network.parameters())
    return counter.get_total_flops() / 16, 28 * weights


def rows_of(batch: int, speeds: dict, peaks: dict, seconds_of_adam: float, flops: float) -> list[dict]:
    """A row for each loop: its speed, over the textbook loop's, and InfoGAN's shares of peaks and roofline bound.

    Args: speeds: images/s by loop; peaks: FLOP/s by precision; seconds_of_adam: of one update; flops: of an image.
    """
    fastest = max(peak["median"] for peak in peaks.values())
    bound = batch / (flops * batch / fastest + seconds_of_adam)  # images/s
    rows = []
    for name, speed in speeds.items():
        median, times = speed["median"], speed["median"] / speeds["textbook"]["median"]
        row = {"batch": batch, "contender": name, "images_per_second": speed, "times_textbook": times}
        if name in ("textbook", "reference", "fast"):
            row |= {f"share_of_{which}_peak": median * flops / peak["median"] for which, peak in peaks.items()}
            row["share_of_roofline_bound"] = median / bound
        rows.append(row)
    return rows


def compare(options: Options, precisions: tuple[str, ...]) -> dict:
    """All contenders in turn, at each batch size; `precisions` are those that the device has instructions for."""
    flops, adam_bytes = arithmetic()
    names, peaks, bandwidths, rows = [*precisions, "memory", *LOOPS, *options.peers], {}, {}, []
    total = options.repeats * len(options.batch_sizes) * len(names)
    with tqdm(total=total, unit=" measurements") as progress:
        for batch in options.batch_sizes:
            speeds, memory_mib = measure(names, batch, options, progress)
            peaks[batch] = {precision: speeds.pop(precision) for precision in precisions}
            bandwidths[batch] = speeds.pop("memory")
            of_batch = rows_of(batch, speeds, peaks[batch], adam_bytes / bandwidths[batch]["median"], flops)
            rows += [row | {"memory_mib": memory_mib[row["contender"]]} for row in of_batch]
    result = {"flops_per_image": flops, "adam_bytes_per_update": adam_bytes, "rows": rows}
    return result | {"matrix_product_flops_per_second": peaks, "memory_bytes_per_second": bandwidths}


def show(result: dict) -> None:
    """Print the table of `compare`, and below it the measured peaks and the cost of Q."""

    def cell(speed: dict, scale: float = 1) -> str:
        return f"{speed['median'] / scale:,.0f} [{speed['low'] / scale:,.0f}, {speed['high'] / scale:,.0f}]"

    print(f"\n{result['machine']}; median [range] of {result['repeats']}\n")
    print(f"batch  {'loop':20s}{'images/s':>28s}{'x textbook':>12s}{'of roofline bound':>19s}{'MiB':>7s}")
    for row in result["rows"]:
        bound = f"{row['share_of_roofline_bound']:.0%}" if "share_of_roofline_bound" in row else ""
        speed, times = cell(row["images_per_second"]), f"{row['times_textbook']:.2f}"
        print(f"{row['batch']:5d}  {row['contender']:20s}{speed:>28s}{times:>12s}{bound:>19s}{row['memory_mib']:7,.0f}")
    by_loop = {(row["batch"], row["contender"]): row for row in result["rows"]}
    for batch, peaks in result["matrix_product_flops_per_second"].items():
        rates = ", ".join(f"{name} {cell(peak, 1e9)} GFLOP/s" for name, peak in peaks.items())
        bandwidth = cell(result["memory_bytes_per_second"][batch], 1e9)
        print(f"measured peaks beside batch {batch}: matrix products {rates}; memory {bandwidth} GB/s")
        with_q, without_q = by_loop[batch, "fast"], by_loop[batch, "fast GAN without Q"]
        ratio = without_q["images_per_second"]["median"] / with_q["images_per_second"]["median"]
        memory = with_q["memory_mib"] / without_q["memory_mib"]
        print(f"InfoGAN against the GAN without Q at batch {batch}: {ratio:.3f} x the time, {memory:.3f} x the memory")


def main() -> None:
    options = tyro.cli(Options, description=__doc__)
    if options.repeats < 1 or min(options.batch_sizes, default=0) < 2:
        raise InputError("give at least 1 repeat and batch sizes of 2 or more")
    if not 0 < options.seconds < float("inf"):
        raise InputError(f"seconds is {options.seconds}; give a length above 0, such as 4")
    for file in options.peer:
        if not file.is_file() or file.stem in (*LOOPS, *PEAKS) or options.peers[file.stem] != file:
            raise InputError(f"peer is {str(file)!r}; give a Python file that exists, with a name of its own")
    config = training.resolve(Config(device=options.device))
    options = dataclasses.replace(options, device=config.device)
    data.load("mnist", options.data_dir)  # says in one line where it is missing
    on_gpu = options.device != "cpu"
    machine = torch.cuda.get_device_name(options.device) if on_gpu else cpu.describe()
    # Without instructions for bfloat16 one such product takes a minute.
    precisions = ("float32", "bfloat16") if config.precision == "bfloat16" else ("float32",)
    result = {"machine": machine, "repeats": options.repeats} | compare(options, precisions)
    show(result)
    path = options.out or Path("runs", f"benchmark-{'cuda' if on_gpu else 'cpu'}.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    records.write_json(path, result | {"provenance": records.provenance()})
    print(f"wrote {path}")


if __name__ == "__main__":
    with one_line_errors():
        main()
