"""Torch's process-wide settings as a fresh process has them, whatever the caller of a function has set."""

import contextlib
from collections.abc import Iterator

import torch


@contextlib.contextmanager
def fresh() -> Iterator[None]:
    """Within it gradients are recorded, nothing is cast automatically, and tensors are made in float32 on the CPU;
    afterwards the caller's settings hold again. Also a decorator: @fresh()."""
    dtype = torch.get_default_dtype()
    with contextlib.ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        stack.enter_context(torch.autocast("cpu", enabled=False))
        if torch.cuda.is_available():
            stack.enter_context(torch.autocast("cuda", enabled=False))
        if torch.get_default_device() != torch.device("cpu"):
            stack.enter_context(torch.device("cpu"))
        stack.callback(torch.set_default_dtype, dtype)
        torch.set_default_dtype(torch.float32)
        yield
