"""The processor: how many cores this process may use, and memory that glibc is told to keep."""

import ctypes
import os
import sys


def cores() -> int:
    """Cores this process may use, which can be fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def keep_memory() -> None:
    """Tell glibc to keep freed memory: else large batches give gradients back to the system in each step, and at 512
    spend a tenth of its time on page faults getting them again. Other C libraries have no such call.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    trim_threshold, mmap_threshold = -1, -3
    # The first refused (older versions take 32 MiB at most), the second alone would do harm: it ends glibc's own
    # fitting of the first.
    if mallopt is not None and (mallopt(mmap_threshold, 1 << 30) or mallopt(mmap_threshold, 32 << 20)):
        mallopt(trim_threshold, (1 << 31) - 1)


def has_bf16() -> bool:
    """Whether the processor has instructions for bfloat16."""
    import torch

    return torch.cpu._is_avx512_bf16_supported()
