"""A training step captured as one CUDA graph."""

import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from infogan.utils.randomness import RandomGenerators


class CapturedStep:
    """`step` as one CUDA graph: per update a copy of the batch and one launch, and no wait for the device.

    It owns what its graph reads and writes: the step (with its model), the random generators and the state. What it
    returns is written anew by the next call.

    Args:
        step: the model's step, a batch to tensors; batch: what it takes, such as uint8 images [N, C, H, W].
        random: the generators it draws from; state: every tensor that the step changes, the optimisers' included.
    """

    def __init__(
        self,
        step: Callable[..., Any],
        batch: tuple[Tensor, ...],
        random: list[torch.Generator],
        state: list[Tensor],
    ):
        self.step, self.random, self.state = step, random, state
        self.batch = [tensor.clone() for tensor in batch]
        self._rehearse()
        self.graph = torch.cuda.CUDAGraph()
        for generator in random:
            self.graph.register_generator_state(generator)
        with torch.cuda.stream(torch.cuda.current_stream()):  # which a failed capture would leave on its own stream
            with torch.cuda.graph(self.graph):
                self.result = step(*self.batch)

    def _rehearse(self) -> None:
        """Let libraries choose their kernels and workspaces before the capture; the state is as it was afterwards."""
        before, drawn = [t.clone() for t in self.state], [generator.get_state() for generator in self.random]
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        try:
            with torch.cuda.stream(side):
                for _ in range(3):
                    self.step(*self.batch)
        finally:
            torch.cuda.current_stream().wait_stream(side)
            with torch.no_grad():
                for tensor, value in zip(self.state, before, strict=True):
                    tensor.copy_(value)
            for generator, position in zip(self.random, drawn, strict=True):
                generator.set_state(position)

    def __call__(self, *batch: Tensor) -> Any:
        for mine, given in zip(self.batch, batch, strict=True):
            mine.copy_(given)
        self.graph.replay()
        return self.result


def fastest(
    step: Callable[..., Any],
    batch: tuple[Tensor, ...],
    random: RandomGenerators,
    state: list[Tensor],
    forget_gradients: Callable[[], None],
) -> Callable[..., Any]:
    """The step as the generators' device runs it fastest: on a GPU captured for batches like this one, else as it is.

    Args: see CapturedStep; forget_gradients: undoes what a capture that failed may have left in the graph's own memory.
    """
    if random.device.type != "cuda":
        return step
    drawn = random.state()
    try:
        return CapturedStep(step, batch, list(random.values()), [tensor.detach() for tensor in state])
    except RuntimeError as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        print(f"the step cannot be captured as a CUDA graph ({reason}): training goes on without it", file=sys.stderr)
        forget_gradients()
        random.renew()
        random.load(drawn, 0)
        return step
