"""Layers of the networks: products that train with bfloat16 weight copies, batch norm of real and generated images."""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from infogan.accel import products


class MatrixLayer(nn.Module):
    """A layer of matrix products. On the fast path it trains with its weight's bfloat16 copy; it evaluates in float32.

    Args: shape: of the weight, outputs first (of a transposed convolution inputs first); bias: its length, 0 for none.
    """

    bias: nn.Parameter | None
    bf16_copy: Tensor | None = None
    left_singular: Tensor | None
    """With spectral normalisation: an estimate of the first left singular vector of the weight [out, in * kernel],
    float32 [out]."""

    def __init__(self, shape: tuple[int, ...], bias: int):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(shape))
        self.register_buffer("left_singular", None)
        self.register_parameter("bias", nn.Parameter(torch.zeros(bias)) if bias else None)

    @property
    def factor(self) -> Tensor:
        """What the product takes now: the weight, or in training its copy."""
        return self.weight if self.bf16_copy is None or not self.training else self.bf16_copy

    @property
    def inputs(self) -> int:
        """How many numbers a unit of the output is computed from."""
        return self.weight[0].numel()

    def operands(self) -> tuple[Tensor, Tensor | None]:
        """Weight and bias, in the precision of the product."""
        weight = self.factor
        if self.left_singular is not None:
            weight = (weight.float() / self._spectral_norm(weight, self.left_singular)).to(weight.dtype)
        return weight, None if self.bias is None else self.bias.to(weight.dtype)

    def normalise_spectrally(self) -> None:
        """Divide the weight by its largest singular value (Miyato et al. 2018, algorithm 1), once weights are drawn."""
        self.left_singular = torch.zeros(self.weight.shape[0])

    def _spectral_norm(self, weight: Tensor, left: Tensor) -> Tensor:
        """The largest singular value, a scalar with a gradient to the weight, by one power iteration from the last
        estimate."""
        matrix = weight.float().flatten(1)
        with torch.no_grad():
            right = F.normalize(matrix.t() @ left, dim=0)
            if self.training:
                left.copy_(F.normalize(matrix @ right, dim=0))
        return left.clone() @ matrix @ right


class Linear(MatrixLayer):
    """A fully connected layer: [N, inputs] to [N, outputs]."""

    def __init__(self, inputs: int, outputs: int, bias: bool = True):
        super().__init__((outputs, inputs), outputs if bias else 0)

    def forward(self, x: Tensor) -> Tensor:
        weight, bias = self.operands()
        ours = weight is self.bf16_copy and weight.device.type == "cpu"
        if ours and weight.numel() >= products.LARGE and bias is None:
            return products.Multiply.apply(x, weight)
        return F.linear(x, weight, bias)


class ParallelLinear(MatrixLayer):
    """Fully connected layers side by side, each with inputs of its own: [heads, N, inputs] to [heads, N, outputs]."""

    @property
    def inputs(self) -> int:
        return self.weight.shape[1]

    def __init__(self, heads: int, inputs: int, outputs: int):
        super().__init__((heads, inputs, outputs), heads * outputs)

    def forward(self, x: Tensor) -> Tensor:
        weight, bias = self.operands()
        assert bias is not None
        return torch.baddbmm(bias.view(len(weight), 1, -1), x, weight)


class Convolution(MatrixLayer):
    """4x4 convolution of maps [N, C, H, W]: stride 2 halves their size, stride 1 keeps it."""

    transposed = False

    def __init__(self, inputs: int, outputs: int, stride: int = 2, bias: bool = True):
        channels = (inputs, outputs) if self.transposed else (outputs, inputs)
        super().__init__((*channels, 4, 4), outputs if bias else 0)
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        weight, bias = self.operands()
        if weight.dtype is torch.bfloat16 and weight.device.type == "cpu" and self.stride == 2:
            return products.Convolve.apply(x, weight, bias, self.transposed)
        convolve = F.conv_transpose2d if self.transposed else F.conv2d
        if self.stride == 2:
            return convolve(x, weight, bias, stride=2, padding=1)
        # A kernel of even width has no middle: the odd row and column are on the right and below, as in TensorFlow.
        if self.transposed:
            return convolve(x, weight, bias, stride=1, padding=1)[..., :-1, :-1]
        return convolve(F.pad(x, (1, 2, 1, 2)), weight, bias)


class UpConvolution(Convolution):
    """4x4 transposed convolution: stride 2 doubles the size of maps, stride 1 keeps it."""

    transposed = True

    @property
    def inputs(self) -> int:
        """Of the 4x4 taps each stride takes its share: at stride 2 a pixel of the output sees 2x2 of the input."""
        return self.weight.shape[0] * (4 // self.stride) ** 2


RUNNING = -1
"""In place of the number of real images: batch norm takes its running statistics, which follow real images."""


class BatchNorm(nn.Module):
    """Batch norm of features [N, C] or maps [N, C, H, W].

    In training the first `real` images and the others are normalised separately, as if passed one after the other, and
    the running statistics follow the first group alone (all images where `real` is None).
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor, real: int | None = None) -> Tensor:
        if not self.training or real == RUNNING:
            return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias)
        if real is None or real == len(x):
            return self._normalise(x, followed=True)
        if real == 0:
            return self._normalise(x, followed=False)
        of_real, of_fake = x.split([real, len(x) - real])
        return torch.cat([self._normalise(of_real, followed=True), self._normalise(of_fake, followed=False)])

    def _normalise(self, x: Tensor, followed: bool) -> Tensor:
        """By the batch's own statistics, which the running ones follow or not."""
        mean, variance = (self.running_mean, self.running_var) if followed else (None, None)
        return F.batch_norm(x, mean, variance, self.weight, self.bias, training=True)


def at_least_float32(x: Tensor) -> Tensor:
    """What leaves a network: of bfloat16 products as float32."""
    return x.float() if x.dtype is torch.bfloat16 else x


class Sequential(nn.Sequential):
    """Layers in order; those of batch norm are given the number of real images."""

    def forward(self, x: Tensor, real: int | None = None) -> Tensor:
        for layer in self:
            x = layer(x, real) if isinstance(layer, BatchNorm) else layer(x)
        return x


class ToFeatures(nn.Module):
    """Maps [N, C, H, W] to features [N, H*W*C]: a view of maps that are channels-last in memory, as ours are."""

    def forward(self, maps: Tensor) -> Tensor:
        return maps.permute(0, 2, 3, 1).flatten(1)


class ToMaps(nn.Module):
    """Features [N, H*W*C] to maps [N, C, H, W] channels-last in memory: a view."""

    def __init__(self, channels: int, height: int, width: int):
        super().__init__()
        self.shape = (height, width, channels)

    def forward(self, features: Tensor) -> Tensor:
        return features.unflatten(1, self.shape).permute(0, 3, 1, 2)


def channels_last(images: Tensor) -> Tensor:
    """The same images [N, C, H, W], channels last in memory.

    torch's `channels_last` format takes no notice of images of one channel, and the first convolution's result is then
    laid out otherwise.
    """
    return ToMaps(*images.shape[1:])(ToFeatures()(images))


def matrix_layers(*networks: nn.Module) -> Iterator[MatrixLayer]:
    return (layer for network in networks for layer in network.modules() if isinstance(layer, MatrixLayer))


def product_dtype(network: nn.Module) -> torch.dtype:
    """What the network's matrix products and convolutions compute in now."""
    return next(matrix_layers(network)).factor.dtype


def keep_bf16_copies(network: nn.Module) -> dict[nn.Parameter, Tensor]:
    """Give every product a bfloat16 copy of its weight, and return the copies by weight; Adam renews them."""
    copies: dict[nn.Parameter, Tensor] = {}
    for layer in matrix_layers(network):
        if isinstance(layer, Linear) and layer.weight.device.type == "cpu":
            layer.weight.data = products.match_layout(layer.weight.data)
        layer.bf16_copy = copies[layer.weight] = layer.weight.detach().to(torch.bfloat16).requires_grad_()
    return copies


@torch.no_grad()
def renew_bf16_copies(network: nn.Module) -> None:
    """Round the weights to their bfloat16 copies again, where there are such: after weights were loaded."""
    for layer in matrix_layers(network):
        if layer.bf16_copy is not None:
            layer.bf16_copy.copy_(layer.weight)
