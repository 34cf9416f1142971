"""One command for a machine with a GPU: the tests that need one, the benchmark, and a table of full runs.

It stops before --minutes are over; the same command goes on where it stopped, and ends when all is done. It needs no
network, and of the extras only what one run needs; the tests are left out where pytest is not installed.

Example:
  python experiments/gpu_check.py --data-dir ~/data --out gpu-check
"""

import dataclasses
import importlib.util
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import tyro

from infogan import records
from infogan.config import Config
from infogan.errors import InputError
from infogan.presets import PRESETS

TESTS = Path(__file__).parents[2] / "tests" / "gpu"
RUNS = (("authors", 10), ("iic", 2), ("blog", 1))
"""Presets at their full lengths, and seeds of each."""


@dataclass(frozen=True)
class Options:
    """The command line."""

    data_dir: Path | None = None
    """Folder of mnist. Default: $INFOGAN_DATA, else ./data."""
    out: Path = Path("gpu-check")
    """Folder of the results: check.json, benchmark.json, and a run directory for each run."""
    minutes: float = 9.0
    """Begin nothing new that late; the same command goes on."""
    device: str = "cuda"
    """The device that is checked."""
    updates: int | None = None
    """Cut every run to so many updates: to try the command out."""


class Check:
    """What has been done, in check.json, and how much time is left."""

    def __init__(self, options: Options):
        self.options, self.file = options, options.out / "check.json"
        self.deadline = time.monotonic() + 60 * options.minutes
        self.done: dict = records.read_json(self.file) if self.file.exists() else {}

    def section(self, name: str, work) -> None:
        """work() once, its result kept under the name; nothing where the time is over."""
        if name in self.done or self.late:
            return
        self.done[name] = work()
        records.write_json(self.file, self.done)

    @property
    def late(self) -> bool:
        return time.monotonic() > self.deadline


def planned(options: Options) -> dict[str, Config]:
    """Every run by the name of its directory, the seeds of a preset after one another."""
    out = {}
    for name, seeds in RUNS:
        preset = dataclasses.replace(PRESETS[name][0], device=options.device)
        if options.updates is not None:
            preset = dataclasses.replace(preset, updates=options.updates, pretraining=min(preset.pretraining, 8))
        for seed in range(seeds):
            out[f"mnist-{name}-seed{seed}"] = dataclasses.replace(preset, seed=seed)
    return out


def run_tests() -> dict:
    """How many tests of tests/gpu passed, failed and were skipped, as pytest says it in its last line."""
    if importlib.util.find_spec("pytest") is None or not TESTS.is_dir():
        return {"summary": "not run: pytest or tests/gpu is missing"}
    command = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", str(TESTS)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=TESTS.parents[1], check=False)
    lines = done.stdout.strip().splitlines() or [done.stderr.strip()[-200:]]
    return {"summary": lines[-1], "failed": [line for line in lines if line.startswith("FAILED")]}


def run_benchmark(options: Options) -> dict:
    """The rows of a short benchmark; all of it is in benchmark.json."""
    file = options.out / "benchmark.json"
    command = [
        sys.executable,
        "-m",
        "infogan",
        "benchmark",
        "--device",
        options.device,
        "--repeats",
        "3",
        "--seconds",
        "0.5",
    ]
    command += ["--out", str(file)]
    command += ["--data-dir", str(options.data_dir)] if options.data_dir else []
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"error": (done.stderr.strip() or done.stdout.strip()).splitlines()[-1]}
    return {"rows": records.read_json(file)["rows"]}


def run_one(config: Config, directory: Path, dataset) -> dict:
    """Accuracy on test images, seconds of training, and seconds in all."""
    from infogan import training

    began = time.perf_counter()
    result = training.train(config, dataset, directory, "disabled")
    measured = {name: result.get(name) for name in ("accuracy", "train_seconds")}
    return measured | {"seconds": round(time.perf_counter() - began, 1)}


def show(check: Check, runs: dict[str, Config]) -> None:
    """The table, which is printed last."""
    print(f"\n{check.done['device']}")
    print(f"tests: {check.done.get('tests', {}).get('summary', 'to be run')}")
    for row in check.done.get("benchmark", {}).get("rows", []):
        speed = row["images_per_second"]["median"]
        print(f"  batch {row['batch']:>4}  {row['contender']:20s} {speed:>10,.0f} images/s")
    print(f"{'run':24s} {'accuracy':>9s} {'training':>10s} {'in all':>9s}")
    for name in runs:
        if name in check.done:
            row = check.done[name]
            accuracy = "-" if row["accuracy"] is None else f"{row['accuracy']:.4f}"
            print(f"{name:24s} {accuracy:>9s} {row['train_seconds']:>8.1f} s {row['seconds']:>7.1f} s")
    left = [name for name in ("tests", "benchmark", *runs) if name not in check.done]
    print(f"{check.file}: " + (f"{len(left)} to do, the same command goes on" if left else "all done"))


def main() -> None:
    options = tyro.cli(Options, description=__doc__)

    import torch

    from infogan import data, training

    runs = planned(options)
    training.resolve(next(iter(runs.values())))  # says in one line that the device is not there
    options.out.mkdir(parents=True, exist_ok=True)
    check = Check(options)
    on_gpu = options.device.startswith("cuda")
    name = torch.cuda.get_device_name(options.device) if on_gpu else options.device
    if check.done.setdefault("device", name) != name:
        raise InputError(f"{check.file} is of {check.done['device']}, and this is {name}: give another --out")
    check.done["provenance"] = records.provenance()
    dataset = data.load("mnist", options.data_dir)
    check.section("tests", run_tests)
    check.section("benchmark", lambda: run_benchmark(options))
    for name, config in runs.items():
        check.section(name, lambda name=name, config=config: run_one(config, options.out / name, dataset))
    show(check, runs)
