"""What makes the training step fast; the plain float32 step needs none of it.

- activations and gradients in bfloat16, as under autocast, from copies of the weights that are renewed once per update
  (autocast casts at each use);
- Adam on the float32 weights from the copies' gradients, for large weights in one pass over memory;
- weight gradients of convolutions as one matrix product;
- freed memory kept by the process; on a GPU, the whole step as one CUDA graph.
"""

import ctypes
import functools
import os
import sys

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from infogan import parallel

LARGE = 1_000_000  # weights; below it a kernel of its own saves nothing
FEW = 3  # channels, of images
CHUNK = 32  # images whose patches stay in cache
TAPS = torch.tensor([[3, 1, 4], [4, 2, 0]])  # by parity of the output's row: the kernel's row for the input's row before, at and after it; 4: none


def cores() -> int:
    """Cores this process may use, which can be fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def keep_memory() -> None:
    """Tell glibc to keep freed memory: by default each step gives its large gradients back to the system and
    spends a fifth of its time on page faults getting them again. Other C libraries have no such call.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        trim_threshold, mmap_threshold = -1, -3
        mallopt(mmap_threshold, 1 << 30)
        mallopt(trim_threshold, (1 << 31) - 1)


class Convolve(torch.autograd.Function):
    """4x4 convolution of stride 2 and padding 1, or its transpose, by whichever way was measured to be quickest.

    apply(x, weight, bias, transposed): maps [N, C, H, W] to [N, C', H/2, W/2], or transposed to [N, C', 2H, 2W]; bias may be None.
    Measured on Zen 4 against oneDNN's own ways: at 64 to 128 channels the weight's gradient by matrix products takes 84 % of the time
    (on AMX, as one product, half), and the transpose to one channel takes half.
    """

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, bias: Tensor | None, transposed: bool) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.transposed = transposed
        if not transposed:
            return F.conv2d(x, weight, bias, 2, 1)
        maps = _transposed(x, weight)
        return maps if bias is None else maps + bias.view(-1, 1, 1)

    @staticmethod
    def backward(ctx, grad: Tensor):
        x, weight = ctx.saved_tensors
        grad_x = grad_weight = grad_bias = None
        if ctx.needs_input_grad[0]:
            grad_x = F.conv2d(grad, weight, None, 2, 1) if ctx.transposed else _transposed(grad, weight)
        if ctx.needs_input_grad[1]:
            grad_weight = _weight_gradient(*(grad, x) if ctx.transposed else (x, grad), weight)
        if ctx.needs_input_grad[2]:
            grad_bias = grad.sum((0, 2, 3))
        return grad_x, grad_weight, grad_bias, None


def _transposed(x: Tensor, weight: Tensor) -> Tensor:
    """The transposed convolution: to few channels as a 3x3 convolution that makes the four pixels by parity as channels."""
    if weight.shape[1] > FEW:
        return F.conv_transpose2d(x, weight, None, 2, 1)
    kernel = F.pad(weight, (0, 1, 0, 1))[:, :, TAPS[:, None, :, None], TAPS[None, :, None, :]]  # [C, C', 2, 2, 3, 3]
    return F.pixel_shuffle(F.conv2d(x, kernel.permute(1, 2, 3, 0, 4, 5).flatten(0, 2), padding=1), 2)


def _weight_gradient(large: Tensor, small: Tensor, weight: Tensor) -> Tensor:
    """Of a convolution from maps `large` to maps whose gradient is `small`; the sum over images in float32."""
    if weight.shape[1] <= FEW:
        how = ([2, 2], [1, 1], [1, 1], False, [0, 0], 1)  # stride, padding, dilation, not transposed, no output padding, one group
        return torch.ops.aten.convolution_backward(small, large, weight, None, *how, [False, True, False])[1]
    total = sum(
        (of_small.permute(0, 2, 3, 1).flatten(0, 2).t() @ _patches(of_large)).float()
        for of_large, of_small in zip(large.split(CHUNK), small.split(CHUNK))
    )
    return total.to(weight.dtype).unflatten(1, (4, 4, weight.shape[1])).permute(0, 3, 1, 2)


def _patches(maps: Tensor) -> Tensor:
    """The 4x4 patches that a convolution of stride 2 and padding 1 sees: [N H/2 W/2, 16 C] of maps [N, C, H, W]."""
    padded = F.pad(maps.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1))
    n, height, width, channels = padded.shape
    a, b, c, d = padded.stride()
    shape = (n, height // 2 - 1, width // 2 - 1, 4, 4, channels)
    return padded.as_strided(shape, (a, 2 * b, 2 * c, b, c, d)).reshape(-1, 16 * channels)


class Adam(torch.optim.Adam):
    """torch's fused Adam on float32 weights; `halves` maps those that have one to their bfloat16 copy.

    A copy is the leaf that gradients are computed for; step() moves the weight by them and renews the copy.
    """

    def __init__(self, parameters: list[nn.Parameter], lr: float, beta1: float, halves: dict[nn.Parameter, Tensor]):
        on_gpu = parameters[0].is_cuda
        rate = torch.tensor(lr, device=parameters[0].device) if on_gpu else lr
        super().__init__(parameters, rate, betas=(beta1, 0.999), fused=True, capturable=on_gpu)
        self.halves = {p: halves[p] for p in parameters if p in halves}
        self.large = {p for p in self.halves if p.numel() >= LARGE and not on_gpu}
        for p in parameters:  # at once, and not in the first step: a CUDA graph would make them zero in each replay
            moments = {name: torch.zeros_like(p) for name in ("exp_avg", "exp_avg_sq")}
            self.state[p] = {"step": torch.zeros((), device=p.device if on_gpu else "cpu"), **moments}

    def set_rate(self, rate: float) -> None:
        """The learning rate of the steps to come, those of a captured graph included."""
        group = self.param_groups[0]
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate

    @torch.no_grad()
    def step(self) -> None:
        leaves = [self.halves.get(p, p) for p in self.param_groups[0]["params"]]
        parallel.average([leaf.grad for leaf in leaves if leaf.grad is not None])
        moving = [p for p, half in self.halves.items() if half.grad is not None]
        for p in moving:
            if p in self.large:
                self._step_large(p)
        others = [p for p in moving if p not in self.large]
        for p in others:
            p.grad = torch.empty_like(p).copy_(self.halves[p].grad)
        super().step()
        if others:
            torch._foreach_copy_([self.halves[p] for p in others], others)
        self.zero_grad()

    def _step_large(self, p: nn.Parameter) -> None:
        group, state, half = self.param_groups[0], self.state[p], self.halves[p]
        beta1, beta2 = group["betas"]
        state["step"] += 1
        step = state["step"].item()
        scalars = (group["lr"] / (1 - beta1**step), 1 - beta2**step, beta1, beta2)
        tensors = (p.detach(), state["exp_avg"], state["exp_avg_sq"], half.grad, half.detach())
        try:
            _compiled_update()(*(t.view(-1) for t in tensors), *map(torch.tensor, scalars))
        except Exception as error:  # no C++ compiler, most often: whatever it is, torch's own kernel does the same
            _warn_once((str(error).strip() or type(error).__name__).splitlines()[0])
            state["step"] -= 1
            self.large.remove(p)

    def zero_grad(self, set_to_none: bool = True) -> None:
        super().zero_grad(set_to_none)
        for half in self.halves.values():
            half.grad = None


@functools.cache
def _warn_once(reason: str) -> None:
    print(f"torch.compile cannot be used here ({reason}): training goes on, somewhat slower", file=sys.stderr)


def _update(p, mean, square, grad, half, rate, correction, beta1, beta2) -> None:
    """Adam (Kingma & Ba 2015, algorithm 1) and the renewed copy, elementwise: compiled, one pass over memory."""
    grad = grad.float()
    mean.copy_(beta1 * mean + (1 - beta1) * grad)
    square.copy_(beta2 * square + (1 - beta2) * grad * grad)
    p.sub_(rate * mean / ((square / correction).sqrt() + 1e-8))
    half.copy_(p)


@functools.cache
def _compiled_update():
    import torch._inductor.config

    torch._inductor.config.compile_threads = 1  # one small kernel: no pool of compiler processes for it
    return torch.compile(_update, dynamic=True)


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
