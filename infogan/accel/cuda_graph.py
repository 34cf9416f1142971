"""The training step captured as one CUDA graph."""

import torch
from torch import Tensor


class CapturedStep:
    """`step` as one CUDA graph: per update a copy of the batch and one launch, and no wait for the device.

    Args:
        step: the model's step, a batch to a vector; batch: what it takes, such as uint8 images [N, C, H, W]; stream: the random stream it draws from.
        state: gives every tensor that the step changes, the optimisers' included.
    """

    def __init__(self, step, batch: tuple[Tensor, ...], stream: torch.Generator, state: list[Tensor]):
        self.batch = [tensor.clone() for tensor in batch]
        before, drawn = [t.clone() for t in state], stream.get_state()
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        try:
            with torch.cuda.stream(side):  # libraries choose their kernels and workspaces before the capture
                for _ in range(3):
                    step(*self.batch)
        finally:
            torch.cuda.current_stream().wait_stream(side)
            with torch.no_grad():
                for tensor, value in zip(state, before):
                    tensor.copy_(value)
            stream.set_state(drawn)
        self.graph = torch.cuda.CUDAGraph()
        self.graph.register_generator_state(stream)
        with torch.cuda.stream(torch.cuda.current_stream()):  # which a failed capture would leave on its own stream
            with torch.cuda.graph(self.graph):
                self.result = step(*self.batch)

    def __call__(self, *batch: Tensor) -> Tensor:
        for mine, given in zip(self.batch, batch, strict=True):
            mine.copy_(given)
        self.graph.replay()
        return self.result.clone()
