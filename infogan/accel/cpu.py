"""The processor: which cores this process may use and shares with other runs, and memory that glibc keeps."""

import contextlib
import ctypes
import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from infogan.utils.locks import locked

THREADS_VARIABLE = "OMP_NUM_THREADS"
CPUINFO = Path("/proc/cpuinfo")


def cores() -> int:
    """Cores this process may use: those of its affinity, as many as the quota of its container allows."""
    import joblib

    return joblib.cpu_count()


def _core_numbers() -> list[int]:
    """Those of this process's affinity."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [*range(os.cpu_count() or 1)]


@contextlib.contextmanager
def shared_cores(most: int | None = None) -> Iterator[None]:
    """Within it torch uses the cores that no other run on this machine has taken, at least one, and takes them.

    Runs that are started side by side by hand would else start as many threads as there are cores each, and spend
    their time switching. Where $OMP_NUM_THREADS is set, so many threads are used (no more than `cores`), and so many
    cores taken if they are free. most: threads at most.
    """
    import torch

    before = torch.get_num_threads()
    wanted = min(before, most or before, cores())
    with _taken_cores(wanted) as free:
        threads = wanted if THREADS_VARIABLE in os.environ else max(1, free)
        if threads < wanted:
            said = f"{threads} of {wanted} threads: other runs use the other cores"
            print(f"{said}; {THREADS_VARIABLE} sets another number", file=sys.stderr)
        torch.set_num_threads(threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)


@contextlib.contextmanager
def _taken_cores(wanted: int) -> Iterator[int]:
    """How many of `wanted` cores were free, which are taken until the context ends.

    A core is taken by a lock on a file in the system's temporary folder, which a process that dies leaves unlocked.
    Where such a file cannot be made, all count as free.
    """
    from filelock import Timeout

    folder = Path(tempfile.gettempdir()) / f"infogan-cores-{os.getuid() if hasattr(os, 'getuid') else 'user'}"
    with contextlib.ExitStack() as taken:
        free = 0
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            for core in _core_numbers():
                with contextlib.suppress(Timeout):
                    if free < wanted:
                        taken.enter_context(locked(folder / str(core), timeout=0))
                        free += 1
        except OSError:
            free = wanted
        yield free


def _cpuinfo() -> str:
    """What Linux says of the processor; elsewhere nothing."""
    return CPUINFO.read_text(encoding="utf-8", errors="replace") if CPUINFO.exists() else ""


def describe() -> str:
    """The processor's name, the cores that this process may use, and its bfloat16 instructions."""
    text = _cpuinfo()
    models = [line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("model name")]
    model = models[-1] if models else platform.processor() or platform.machine()
    features = [name for name in ("avx512_bf16", "amx_bf16") if name in text]
    return f"{model}, {cores()} cores, {' '.join(features) or 'no bfloat16'}"


def has_bf16() -> bool:
    """Whether the processor has instructions for bfloat16 (AVX512-BF16; AMX comes with it)."""
    return "avx512_bf16" in _cpuinfo()


def keep_memory() -> None:
    """Make glibc keep freed memory: else large batches give gradients back to the system in each step, and at 512
    spend a tenth of its time on page faults getting them again. Other C libraries have no such call.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    trim_threshold, mmap_threshold = -1, -3
    # The first refused (older versions take 32 MiB at most), the second alone would do harm: it ends glibc's own
    # fitting of the first.
    if mallopt is not None and (mallopt(mmap_threshold, 1 << 30) or mallopt(mmap_threshold, 32 << 20)):
        mallopt(trim_threshold, (1 << 31) - 1)
