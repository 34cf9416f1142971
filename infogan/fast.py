"""What makes the training step fast; the plain float32 step needs none of it.

- activations and gradients in bfloat16, as under autocast, from copies of the weights that are renewed once per update
  (autocast casts at each use);
- Adam on the float32 weights from the copies' gradients, for large weights in one pass over memory;
- weight gradients of convolutions by matrix products, those of large layers as the product that oneDNN is quickest at;
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
EPSILON = 1e-8  # torch's default, and TensorFlow's
NARROW = 64  # rows beside those of a large weight
CHUNK = 32  # images whose patches stay in cache
# By parity of the output's row, the 4x4 kernel's row for the input's row before, at and after it (4: none); the same for
# columns. As a matrix [2 2 3 3, 4 4] it makes a kernel of stride 2 into four 3x3 kernels, one for each of four pixels.
TAPS = torch.tensor([[3, 1, 4], [4, 2, 0]])
PARITIES = torch.einsum("auk,bvl->abuvkl", *2 * [torch.eye(5)[TAPS][..., :4]]).reshape(36, 16)


def cores() -> int:
    """Cores this process may use, which can be fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def keep_memory() -> None:
    """Tell glibc to keep freed memory: else large batches give gradients back to the system in each step, and at 512
    spend a tenth of its time on page faults getting them again. Other C libraries have no such call.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    trim_threshold, mmap_threshold = -1, -3
    # The first refused (older versions take 32 MiB at most), the second alone would do harm: it ends glibc's own fitting of the first.
    if mallopt is not None and (mallopt(mmap_threshold, 1 << 30) or mallopt(mmap_threshold, 32 << 20)):
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
        if _wanted(ctx, 0):
            grad_x = F.conv2d(grad, weight, None, 2, 1) if ctx.transposed else _transposed(grad, weight)
        if _wanted(ctx, 1):
            grad_weight = _weight_gradient(*(grad, x) if ctx.transposed else (x, grad), weight)
        if _wanted(ctx, 2):
            grad_bias = grad.sum((0, 2, 3))
        return grad_x, grad_weight, grad_bias, None


class Multiply(torch.autograd.Function):
    """A fully connected layer without bias, apply(x, weight): [N, in] and [out, in] to [N, out].

    The weight's gradient is the product of two tall matrices; where the smaller one is transposed first, oneDNN takes half the time.
    So the gradient of a weight taller than wide comes out lying by columns: `lay` such a weight that way.
    """

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _narrow(x, weight) if weight.is_contiguous() else F.linear(x, weight)

    @staticmethod
    def backward(ctx, grad: Tensor):
        x, weight = ctx.saved_tensors
        grad_x = grad_weight = None
        if _wanted(ctx, 0):
            grad_x = grad @ weight if weight.is_contiguous() else _narrow(grad, weight.t())
        if _wanted(ctx, 1):
            tall = grad.shape[1] > x.shape[1]
            grad_weight = (x.t().contiguous() @ grad).t() if tall else grad.t().contiguous() @ x
        return grad_x, grad_weight


def _narrow(rows: Tensor, weight: Tensor) -> Tensor:
    """rows @ weight.t() of a weight lying by rows: of few rows as the product transposed, so that oneDNN repacks the rows and not the weight."""
    return (weight @ rows.t()).t().contiguous() if len(rows) <= NARROW else rows @ weight.t()


def lay(weight: Tensor) -> Tensor:
    """The matrix, lying as `Multiply` makes its gradient: by columns where it has more rows than those."""
    return weight.t().contiguous().t() if weight.shape[0] > weight.shape[1] else weight


def _wanted(ctx, index: int) -> bool:
    """Whether this very pass asks for the gradient of that input: `needs_input_grad` knows nothing of backward(inputs=...)."""
    if not ctx.needs_input_grad[index]:
        return False
    try:
        return torch._C._will_engine_execute_node(ctx.next_functions[index][0])
    except RuntimeError:  # under autograd.grad, which the engine cannot tell of a leaf
        return True


def _transposed(x: Tensor, weight: Tensor) -> Tensor:
    """The transposed convolution: to few channels as a 3x3 convolution that makes the four pixels by parity as channels."""
    if weight.shape[1] > FEW:
        return F.conv_transpose2d(x, weight, None, 2, 1)
    kernel = (PARITIES.to(weight.dtype) @ weight.flatten(2).permute(2, 0, 1).flatten(1)).unflatten(0, (4, 3, 3))
    kernel = kernel.unflatten(3, weight.shape[:2]).permute(4, 0, 3, 1, 2).flatten(0, 1)  # [4 C', C, 3, 3]
    return F.pixel_shuffle(F.conv2d(x, kernel, padding=1), 2)


def _weight_gradient(large: Tensor, small: Tensor, weight: Tensor) -> Tensor:
    """Of a convolution from maps `large` to maps whose gradient is `small`; the sum over images in float32."""
    if weight.shape[1] <= FEW:
        how = (
            [2, 2],
            [1, 1],
            [1, 1],
            False,
            [0, 0],
            1,
        )  # stride, padding, dilation, not transposed, no output padding, one group
        return torch.ops.aten.convolution_backward(small, large, weight, None, *how, [False, True, False])[1]
    parts = [
        of_small.permute(0, 2, 3, 1).flatten(0, 2).t().contiguous() @ _patches(of_large)
        for of_large, of_small in zip(large.split(CHUNK), small.split(CHUNK))
    ]
    total = parts[0] if len(parts) == 1 else sum(part.float() for part in parts).to(weight.dtype)
    return total.unflatten(1, (4, 4, weight.shape[1])).permute(0, 3, 1, 2)


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
        self.grads = {p: torch.empty_like(p) for p in self.halves if p not in self.large}  # as float32
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
        moving = [(p, leaf) for p in self.param_groups[0]["params"] if (leaf := self.halves.get(p, p)).grad is not None]
        parallel.average([leaf.grad for _, leaf in moving])
        small = [(p, leaf) for p, leaf in moving if p not in self.large or not self._step_large(p)]
        if small:
            self._step_small(small)
        self.zero_grad()

    def _step_small(self, moving: list[tuple[nn.Parameter, Tensor]]) -> None:
        """By torch's kernel at once: the grouping of torch.optim around it takes a quarter of a millisecond an update."""
        weights, copied = [p for p, _ in moving], [(p, half) for p, half in moving if half is not p]
        if copied:
            torch._foreach_copy_([self.grads[p] for p, _ in copied], [half.grad for _, half in copied])
        grads = [self.grads.get(p, p.grad) for p in weights]
        means, squares, steps = ([self.state[p][name] for p in weights] for name in ("exp_avg", "exp_avg_sq", "step"))
        group = self.param_groups[0]
        beta1, beta2 = group["betas"]
        torch._foreach_add_(steps, 1)
        torch._fused_adam_(
            weights, grads, means, squares, [], steps,
            lr=group["lr"], beta1=beta1, beta2=beta2, eps=EPSILON, weight_decay=0.0, amsgrad=False, maximize=False,
        )  # fmt: skip
        if copied:
            torch._foreach_copy_([half for _, half in copied], [p for p, _ in copied])

    def _step_large(self, p: nn.Parameter) -> bool:
        """In one pass over memory, where torch.compile can be used; returns whether."""
        group, state, half = self.param_groups[0], self.state[p], self.halves[p]
        beta1, beta2 = group["betas"]
        state["step"] += 1
        step = state["step"].item()
        scalars = (group["lr"] / (1 - beta1**step), 1 - beta2**step, beta1, beta2)
        grad = half.grad if half.grad.stride() == half.stride() else torch.empty_like(half).copy_(half.grad)
        tensors = (p.detach(), state["exp_avg"], state["exp_avg_sq"], grad, half.detach())
        try:
            flat = (t.as_strided((t.numel(),), (1,)) for t in tensors)  # as they lie in memory, all alike
            _compiled_update()(*flat, *map(torch.tensor, scalars))
        except Exception as error:  # no C++ compiler, most often: whatever it is, torch's own kernel does the same
            _warn_once((str(error).strip() or type(error).__name__).splitlines()[0])
            state["step"] -= 1
            self.large.remove(p)
            self.grads[p] = torch.empty_like(p)
            return False
        return True

    def zero_grad(self, set_to_none: bool = True) -> None:
        for p in self.param_groups[0]["params"]:
            self.halves.get(p, p).grad = None


@functools.cache
def _warn_once(reason: str) -> None:
    print(f"torch.compile cannot be used here ({reason}): training goes on, somewhat slower", file=sys.stderr)


def _update(p, mean, square, grad, half, rate, correction, beta1, beta2) -> None:
    """Adam (Kingma & Ba 2015, algorithm 1) and the renewed copy, elementwise: compiled, one pass over memory."""
    grad = grad.float()
    mean.copy_(beta1 * mean + (1 - beta1) * grad)
    square.copy_(beta2 * square + (1 - beta2) * grad * grad)
    p.sub_(rate * mean / ((square / correction).sqrt() + EPSILON))
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
