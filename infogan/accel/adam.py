"""Adam on float32 weights from the gradients of their bfloat16 copies, large weights in one pass over memory."""

import functools
import sys

import torch
from torch import Tensor, nn
from torch.optim.adam import adam

from infogan.accel.products import LARGE

BETA2 = 0.999
EPSILON = 1e-8
"""torch's default, and TensorFlow's."""


class Adam:
    """Adam (Kingma & Ba 2015, algorithm 1) by torch's fused kernel.

    `copies` maps those parameters that have one to their bfloat16 copy: the leaf that gradients are computed for.
    step() moves the weight by them and renews the copy.
    """

    def __init__(self, parameters: list[nn.Parameter], lr: float, beta1: float, copies: dict[nn.Parameter, Tensor]):
        self.parameters, self.beta1 = parameters, beta1
        self.leaves = [copies.get(p, p) for p in parameters]
        on_gpu = parameters[0].is_cuda
        self.lr: float | Tensor = torch.tensor(lr, device=parameters[0].device) if on_gpu else lr
        # At once, and not in the first step: a CUDA graph would make them zero in each replay.
        self.means, self.squares = ([torch.zeros_like(p) for p in parameters] for _ in range(2))
        self.steps = [torch.zeros((), device=p.device if on_gpu else "cpu") for p in parameters]
        self.large = {i for i, p in enumerate(parameters) if p in copies and p.numel() >= LARGE and not on_gpu}

    def set_learning_rate(self, rate: float) -> None:
        """The learning rate of the steps to come, those of a captured graph included."""
        if isinstance(self.lr, Tensor):
            self.lr.fill_(rate)
        else:
            self.lr = rate

    @torch.no_grad()
    def step(self) -> None:
        """Move the parameters that have a gradient."""
        grads = {i: leaf.grad for i, leaf in enumerate(self.leaves) if leaf.grad is not None}
        small = {i: grad for i, grad in grads.items() if i not in self.large or not self._step_large(i, grad)}
        has_copy = [i for i in small if self.leaves[i] is not self.parameters[i]]
        for i in has_copy:  # in float32, laid out as the weight is
            small[i] = torch.empty_like(self.parameters[i]).copy_(small[i])
        kept = (self.parameters, self.means, self.squares, self.steps)
        weights, means, squares, steps = ([of[i] for i in small] for of in kept)
        plain: dict = {"fused": True, "weight_decay": 0.0, "amsgrad": False, "maximize": False}
        rates: dict = {"lr": self.lr, "beta1": self.beta1, "beta2": BETA2, "eps": EPSILON}
        adam(weights, list(small.values()), means, squares, [], steps, **rates, **plain)
        for i in has_copy:
            self.leaves[i].copy_(self.parameters[i])

    def _step_large(self, i: int, grad: Tensor) -> bool:
        """In one pass over memory, where torch.compile can be used; returns whether."""
        copy = self.leaves[i]
        self.steps[i] += 1
        step = self.steps[i].item()
        scalars = (self.lr / (1 - self.beta1**step), 1 - BETA2**step, self.beta1, BETA2)
        if grad.stride() != copy.stride():
            grad = torch.empty_like(copy).copy_(grad)
        tensors = (self.parameters[i].detach(), self.means[i], self.squares[i], grad, copy.detach())
        try:
            flat = (t.as_strided((t.numel(),), (1,)) for t in tensors)  # as they lie in memory, all alike
            _compiled_update()(*flat, *map(torch.tensor, scalars))
        except Exception as error:  # no C++ compiler, most often: whatever it is, torch's own kernel does the same
            _warn_once((str(error).strip() or type(error).__name__).splitlines()[0])
            self.steps[i] -= 1
            self.large.remove(i)
            return False
        return True

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for leaf in self.leaves:
            leaf.grad = None

    def tensors(self, prefix: str) -> dict[str, Tensor]:
        """The moments and step counts, by name, of each parameter by its number."""
        out: dict[str, Tensor] = {}
        for i in range(len(self.parameters)):
            out |= {f"{prefix}.{i}.step": self.steps[i], f"{prefix}.{i}.exp_avg": self.means[i]}
            out[f"{prefix}.{i}.exp_avg_sq"] = self.squares[i]
        return out


@functools.cache
def _warn_once(reason: str) -> None:
    print(f"torch.compile cannot be used here ({reason}): training goes on, somewhat slower", file=sys.stderr)


def _update(p, mean, square, grad, copy, rate, correction, beta1, beta2) -> None:
    """Adam and the renewed copy, elementwise: compiled, one pass over memory."""
    grad = grad.float()
    mean.copy_(beta1 * mean + (1 - beta1) * grad)
    square.copy_(beta2 * square + (1 - beta2) * grad * grad)
    p.sub_(rate * mean / ((square / correction).sqrt() + EPSILON))
    copy.copy_(p)


@functools.cache
def _compiled_update():
    # One small kernel: no pool of compiler processes for it.
    return torch.compile(_update, dynamic=True, options={"compile_threads": 1})
