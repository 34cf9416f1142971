"""What the benchmark measures, each in a process of its own: training loops, matrix products and memory bandwidth.

A contender is a function that runs a given number of updates (or products, or passes over memory).
"""

import dataclasses
import importlib.util
import itertools
import os
import resource
import time
from collections.abc import Callable
from contextlib import ExitStack
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from infogan import data, training
from infogan.config import Config
from infogan.errors import InputError
from infogan.terms.base import Loss, descend

Run = Callable[[int], None]

LOOPS = ("textbook", "reference", "fast", "fast GAN without Q")
"""Training loops: a textbook one, our float32 step, our step as it trains, and the same without Q."""
PEAKS = ("float32", "bfloat16", "memory")
"""Measured peaks of the machine: matrix products in either precision, and memory bandwidth."""


@dataclasses.dataclass(frozen=True)
class Setup:
    """What a contender is made from. `peer` is the file of one that is not ours."""

    kind: str
    batch_size: int
    device: str
    threads: int
    data_dir: Path | None = None
    peer: Path | None = None


def textbook_networks(device: str) -> tuple[nn.Module, nn.Module, nn.Module, nn.Module]:
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
    return generator.to(device), trunk.to(device), d_head.to(device), q_head.to(device)


def textbook(setup: Setup) -> Run:
    """The loop of most tutorials: a DataLoader with transforms, eager float32, D's gradients in both steps, .item()."""
    n, device = setup.batch_size, setup.device
    torchvision = data.import_torchvision()
    root = setup.data_dir or os.environ.get(data.DATA_VARIABLE) or "data"
    dataset = torchvision.datasets.MNIST(root, train=True, transform=torchvision.transforms.ToTensor())
    loader = torch.utils.data.DataLoader(dataset, batch_size=n, shuffle=True, drop_last=True)
    batches = itertools.chain.from_iterable(itertools.repeat(loader))

    generator, trunk, d_head, q_head = textbook_networks(device)
    d_parameters = [*trunk.parameters(), *d_head.parameters(), *q_head.parameters()]
    adam_d = torch.optim.Adam(d_parameters, 2e-4, betas=(0.5, 0.999))
    adam_g = torch.optim.Adam(generator.parameters(), 1e-3, betas=(0.5, 0.999))
    bce, cross_entropy, mse = nn.BCELoss(), nn.CrossEntropyLoss(), nn.MSELoss()
    real_label, fake_label = (torch.full((n, 1), value, device=device) for value in (1.0, 0.0))

    def q_loss(features: Tensor, category: Tensor, continuous: Tensor) -> Tensor:
        q_params = q_head(features)
        return cross_entropy(q_params[:, :10], category) + mse(q_params[:, 10:], continuous)

    def run(updates: int) -> None:
        for _ in range(updates):
            images = next(batches)[0].to(device)
            category = torch.randint(10, (n,), device=device)
            continuous = torch.rand(n, 2, device=device) * 2 - 1
            noise = torch.rand(n, 62, device=device) * 2 - 1
            z = torch.cat([nn.functional.one_hot(category, 10).float(), continuous, noise], 1)

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

    return run


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


def ours(setup: Setup) -> Run:
    """Our step, with one G(z) for both steps as in the textbook loop, on batches drawn as training draws them."""
    without_q, reference = setup.kind == "fast GAN without Q", setup.kind == "reference"
    config = Config(
        info_flow="detached" if without_q else "both-steps",
        batch_size=setup.batch_size,
        device=setup.device,
        precision="float32" if reference else "auto",
    )
    config = training.resolve(config)
    dataset = data.load("mnist", setup.data_dir)
    model = (GANWithoutQ if without_q else training.Learner)(config, dataset.image_shape)
    batches = data.Batches(dataset.train.images.to(model.device), setup.batch_size, seed=0)
    numbers = itertools.count()

    def batch() -> tuple[Tensor, Tensor]:
        index = batches.index(next(numbers))
        return batches.images[index], index

    step = model.step if reference else model.fastest_step(*batch())

    def run(updates: int) -> None:
        for _ in range(updates):
            step(*batch())

    return run


def products(precision: str, device: str) -> tuple[Run, int]:
    """Products of two square matrices, large enough for the peak and small enough for the cache; and FLOP of one."""
    size = 8192 if device.startswith("cuda") else 2048
    a, b, product = (torch.randn(size, size, device=device, dtype=getattr(torch, precision)) for _ in range(3))

    def run(times: int) -> None:
        for _ in range(times):
            torch.mm(a, b, out=product)

    return run, 2 * size**3


def passes_over_memory(device: str) -> tuple[Run, int]:
    """Additions in place to many more numbers than fit in cache; and the bytes that one pass reads and writes."""
    numbers = torch.zeros(1 << (30 if device.startswith("cuda") else 26), device=device)

    def run(times: int) -> None:
        for _ in range(times):
            numbers.add_(1)

    return run, 2 * numbers.nbytes


def peer(file: Path, setup: Setup) -> Run:
    """What the Python file's prepare(batch_size, data_dir, device) returns."""
    spec = importlib.util.spec_from_file_location("peer", file)
    assert spec is not None and spec.loader is not None, f"{file} is not a Python file"
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.prepare(setup.batch_size, setup.data_dir, setup.device)


def prepare(setup: Setup) -> tuple[Run, int]:
    """A contender, and how much one of its updates, products or passes counts: images, FLOP or bytes."""
    if setup.peer is not None:
        return peer(setup.peer, setup), setup.batch_size
    if setup.kind == "memory":
        return passes_over_memory(setup.device)
    if setup.kind in PEAKS:
        return products(setup.kind, setup.device)
    return (textbook if setup.kind == "textbook" else ours)(setup), setup.batch_size


def resident_mib() -> float:
    """Memory that this process holds now; where the system does not tell (it is not Linux), the most it has held."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text(encoding="utf-8").split()[1]) * resource.getpagesize() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # bytes on macOS


def serve(connection: Connection, setup: Setup) -> None:
    """The process of a contender: for each number of seconds received, runs about that long and sends units per second.

    None ends it; it then sends its memory in MiB: on a GPU the peak, else what it holds beyond an idle process.
    """
    torch.set_num_threads(setup.threads)
    on_gpu = setup.device.startswith("cuda")
    if torch.device(setup.device).index is not None:
        torch.cuda.set_device(setup.device)
    before = resident_mib()
    run, unit = prepare(setup)

    def seconds_for(times: int) -> float:
        began = time.perf_counter()
        run(times)
        if on_gpu:
            torch.cuda.synchronize()
        return time.perf_counter() - began

    seconds_for(5)  # compiles kernels and allocates workspaces
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    each = 0.0
    try:
        connection.send(None)
        while (seconds := connection.recv()) is not None:
            each = each or seconds_for(5) / 5
            times = max(3, round(seconds / each))
            connection.send(times * unit / seconds_for(times))
        connection.send(torch.cuda.max_memory_allocated() / 2**20 if on_gpu else resident_mib() - before)
    except (EOFError, ConnectionError):
        return  # the benchmark has ended


class Contender:
    """The process of a contender, as the benchmark sees it; a context manager, at whose end the process ends.

    Not a daemon, which multiprocessing forbids to have children: a peer may load data in processes of its own.
    """

    def __init__(self, setup: Setup):
        self.setup = setup
        self.speeds: list[float] = []
        """Images, FLOP or bytes per second, one for each measurement."""
        spawn = get_context("spawn")
        self.connection, theirs = spawn.Pipe()
        self.process = spawn.Process(target=serve, args=(theirs, setup))
        self.process.start()
        theirs.close()

    def wait_until_ready(self) -> None:
        """Raises InputError where the contender cannot start."""
        try:
            self.connection.recv()
        except EOFError:
            name = f"{self.setup.kind} at batch {self.setup.batch_size}"
            raise InputError(f"{name} could not start: mend the error printed above") from None

    def start(self, seconds: float) -> None:
        """Begin a measurement of about that length."""
        self.connection.send(seconds)

    def wait(self) -> None:
        """Until the measurement is done; appends to `speeds`."""
        self.speeds.append(self.connection.recv())

    def finish(self) -> float:
        """End the process; returns its memory in MiB (see `serve`)."""
        self.connection.send(None)
        memory = self.connection.recv()
        self.process.join()
        return memory

    @classmethod
    def start_all(cls, setups: list[Setup], stack: ExitStack) -> list["Contender"]:
        """A contender of each setup, all ready; they end with the stack. Raises InputError where one cannot start."""
        contenders = [stack.enter_context(cls(setup)) for setup in setups]
        for contender in contenders:
            contender.wait_until_ready()
        return contenders

    def __enter__(self) -> "Contender":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.connection.close()
