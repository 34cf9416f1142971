"""Convolutions and matrix products in bfloat16 on the CPU, by whichever way was measured to be quickest."""

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.grad import conv2d_weight

LARGE = 1_000_000  # weights; below it a kernel of its own saves nothing
FEW = 3  # channels, of images
NARROW = 64  # rows beside those of a large weight
CHUNK = 32  # images whose patches stay in cache
# By parity of the output's row, the 4x4 kernel's row for the input's row before, at and after it (4: none); the same
# for columns. As a matrix [2 2 3 3, 4 4] it makes a kernel of stride 2 into four 3x3 kernels, one for each of four
# pixels.
TAPS = torch.tensor([[3, 1, 4], [4, 2, 0]])
PARITIES = torch.einsum("auk,bvl->abuvkl", *2 * [torch.eye(5)[TAPS][..., :4]]).reshape(36, 16)


class Convolve(torch.autograd.Function):
    """4x4 convolution of stride 2 and padding 1, or its transpose, by whichever way was measured to be quickest.

    apply(x, weight, bias, transposed): maps [N, C, H, W] to [N, C', H/2, W/2], or transposed to [N, C', 2H, 2W]; bias
    may be None. Measured on Zen 4 against oneDNN's own ways: at 64 to 128 channels the weight's gradient by matrix
    products takes 84 % of the time (on AMX, as one product, half), and the transpose to one channel takes half.
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
            large, small = (grad, x) if ctx.transposed else (x, grad)
            grad_weight = _weight_gradient(large, small, weight)
        if _wanted(ctx, 2):
            grad_bias = grad.sum((0, 2, 3))
        return grad_x, grad_weight, grad_bias, None


class Multiply(torch.autograd.Function):
    """A fully connected layer without bias, apply(x, weight): [N, in] and [out, in] to [N, out].

    The weight's gradient is the product of two tall matrices; where the smaller one is transposed first, oneDNN takes
    half the time.
    So the gradient of a weight taller than wide comes out in column-major order: `match_layout` stores such a weight
    so.
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
    """rows @ weight.t() of a weight in row-major order: of few rows as the product transposed, so that oneDNN repacks
    the rows and not the weight."""
    return (weight @ rows.t()).t().contiguous() if len(rows) <= NARROW else rows @ weight.t()


def match_layout(weight: Tensor) -> Tensor:
    """The matrix [out, in], stored as `Multiply` makes its gradient: column-major where out > in."""
    return weight.t().contiguous().t() if weight.shape[0] > weight.shape[1] else weight


def _wanted(ctx, index: int) -> bool:
    """Whether this very pass asks for the gradient of that input.

    `needs_input_grad`, torch's public answer, knows nothing of backward(inputs=...): with it a step of batch 128 takes
    a tenth longer.
    """
    if not ctx.needs_input_grad[index]:
        return False
    try:
        return torch._C._will_engine_execute_node(ctx.next_functions[index][0])
    except RuntimeError:  # under autograd.grad, which the engine cannot tell of a leaf
        return True


def _transposed(x: Tensor, weight: Tensor) -> Tensor:
    """The transposed convolution: to few channels as a 3x3 convolution that makes the four pixels by parity as
    channels."""
    if weight.shape[1] > FEW:
        return F.conv_transpose2d(x, weight, None, 2, 1)
    kernel = (PARITIES.to(weight.dtype) @ weight.flatten(2).permute(2, 0, 1).flatten(1)).unflatten(0, (4, 3, 3))
    kernel = kernel.unflatten(3, weight.shape[:2]).permute(4, 0, 3, 1, 2).flatten(0, 1)  # [4 C', C, 3, 3]
    return F.pixel_shuffle(F.conv2d(x, kernel, padding=1), 2)


def _weight_gradient(large: Tensor, small: Tensor, weight: Tensor) -> Tensor:
    """Of a convolution from maps `large` to maps whose gradient is `small`; the sum over images in float32."""
    if weight.shape[1] <= FEW:
        return conv2d_weight(large, weight.shape, small, stride=2, padding=1)
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
