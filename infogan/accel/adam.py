"""Adam on float32 weights from the gradients of their bfloat16 copies, large weights in one pass over memory."""

import functools
import sys

import torch
from torch import Tensor, nn

from infogan.accel import parallel
from infogan.accel.products import LARGE

EPSILON = 1e-8  # torch's default, and TensorFlow's


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
