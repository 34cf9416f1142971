"""One run on several processes, started by torchrun: each takes its part of every batch, and together they compute
what one process would: the same codes, batch norm over the whole batch, the mean of the gradients.

torch's DistributedDataParallel averages gradients in hooks of one forward and one backward pass of one module; our step
has two optimisers that move parts of the same networks, so we average where an optimiser steps.
"""

import atexit
import os
from collections.abc import Callable
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from infogan.errors import InputError

T = TypeVar("T")


class PeerLost(SystemExit):
    """Another process of the run ended, and says why; this one prints nothing and ends with exit status 1."""

    def __str__(self) -> str:
        return "another process of the run ended"


def launched() -> bool:
    """Whether torchrun started this process as one of several."""
    return int(os.environ.get("WORLD_SIZE", 1)) > 1


def start(batch_size: int, device: str) -> str:
    """Meet the other processes, until this one ends; returns its device. Raises InputError where the batch cannot be
    shared evenly."""
    world = int(os.environ["WORLD_SIZE"])
    if batch_size % world and int(os.environ["RANK"]):
        raise PeerLost(1)
    if batch_size % world:
        raise InputError(
            f"batch_size is {batch_size}, which {world} processes cannot share evenly: give a multiple of {world}"
        )
    on_gpu = device.startswith("cuda") or (device == "auto" and torch.cuda.is_available())
    if on_gpu:  # before the first message: NCCL refuses two processes on one GPU
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl" if on_gpu else "gloo")
    atexit.register(dist.destroy_process_group)  # gloo threads left running now and then abort a process at its end
    return f"cuda:{os.environ['LOCAL_RANK']}" if on_gpu else "cpu"


def world() -> int:
    return dist.get_world_size() if dist.is_initialized() else 1


def rank() -> int:
    return dist.get_rank() if dist.is_initialized() else 0


def part(whole: Tensor) -> Tensor:
    """This process's rows of a tensor that all processes have."""
    return whole.chunk(world())[rank()] if world() > 1 else whole


def average(tensors: list[Tensor]) -> None:
    """Each tensor becomes its mean over the processes, taken in float32 and in one message, rounded to the tensor's own
    type."""
    if world() == 1 or not tensors:
        return
    message = torch.cat([t.detach().float().flatten() for t in tensors])
    _all_reduce(message)
    for tensor, mean in zip(tensors, (message / world()).split([t.numel() for t in tensors])):
        tensor.copy_(mean.view_as(tensor))


class _Sum(torch.autograd.Function):
    """Over the processes; each one's x moves the sum that all of them have, so a gradient is summed likewise.

    torch.distributed.nn.functional.all_reduce is the same, and deprecated for a private function.
    """

    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        total = x.clone()
        _all_reduce(total)
        return total

    @staticmethod
    def backward(ctx, grad: Tensor) -> Tensor:
        return _Sum.forward(ctx, grad)


def mean(x: Tensor) -> Tensor:
    """The mean of x over the processes; differentiable."""
    return _Sum.apply(x) / world() if world() > 1 else x


def moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and (biased) variance per channel of x [N, C, ...] over the batches of all processes; differentiable."""
    over = [0, *range(2, x.dim())]
    shape = (1, -1, *[1] * (x.dim() - 2))
    centre = mean(x.mean(over))
    return centre, mean((x - centre.view(shape)).square().mean(over))


def any_of_us(flag: bool) -> bool:
    """Whether the flag is set in any process; all must ask at the same point."""
    if world() == 1:
        return flag
    flags = torch.tensor(float(flag), device=_device())
    _all_reduce(flags)
    return bool(flags)


def _device() -> str:
    return "cuda" if dist.get_backend() == "nccl" else "cpu"


def _all_reduce(tensor: Tensor, operation: Any = dist.ReduceOp.SUM) -> None:
    """In place over the processes."""
    try:
        dist.all_reduce(tensor, operation)
    except RuntimeError as error:  # a connection closed by its other end
        raise PeerLost(1) from error


def from_first(value: T) -> T:
    """The first process's value, in every process."""
    if world() == 1:
        return value
    values = [value]
    try:
        dist.broadcast_object_list(values)
    except RuntimeError as error:
        raise PeerLost(1) from error
    return values[0]


def together(call: Callable[[], T]) -> T:
    """What call() returns, if it succeeds in every process: else the first that failed raises its error, and the others
    PeerLost."""
    if world() == 1:
        return call()
    result, failed = None, None
    try:
        result = call()
    except Exception as error:
        failed = error
    lowest = torch.tensor(float(world() if failed is None else rank()), device=_device())
    _all_reduce(lowest, dist.ReduceOp.MIN)
    if lowest < world():
        raise failed if failed is not None and lowest == rank() else PeerLost(1)
    return result  # type: ignore[return-value]
