"""Layers of the networks: products that train with bfloat16 weight copies, batch norm of real and generated images."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from infogan.accel import parallel, products


class _Product:
    """A layer of matrix products. On the fast path it trains with its weight's bfloat16 copy; it evaluates in float32."""

    weight: nn.Parameter
    half: Tensor | None = None

    def operands(self) -> tuple[Tensor, Tensor | None]:
        """Weight and bias, in the precision of the product."""
        if self.half is None or not self.training:
            return self.weight, self.bias
        return self.half, None if self.bias is None else self.bias.to(self.half.dtype)


class Linear(_Product, nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        weight, bias = self.operands()
        if weight is self.half and weight.device.type == "cpu" and weight.numel() >= products.LARGE and bias is None:
            return products.Multiply.apply(x, weight)
        return F.linear(x, weight, bias)


class _Convolving(_Product):
    """4x4: maps [N, C, H, W] to half the size, or transposed to twice; of stride 1 to the same size."""

    transposed: bool

    def forward(self, x: Tensor) -> Tensor:
        weight, bias = self.operands()
        keeps_size = self.stride == (1, 1)
        if weight is self.half and weight.device.type == "cpu" and not keeps_size:
            return products.Convolve.apply(x, weight, bias, self.transposed)
        convolve = F.conv_transpose2d if self.transposed else F.conv2d
        if not keeps_size:
            return convolve(x, weight, bias, self.stride, self.padding)
        # A kernel of even width has no middle: the odd row and column are on the right and below, as in TensorFlow.
        if self.transposed:
            return convolve(x, weight, bias, 1, 1)[..., :-1, :-1]
        return convolve(F.pad(x, (1, 2, 1, 2)), weight, bias)


class Convolution(_Convolving, nn.Conv2d):
    transposed = False


class UpConvolution(_Convolving, nn.ConvTranspose2d):
    transposed = True


class BatchNorm(nn.Module):
    """Batch norm of features [N, C] or maps [N, C, H, W].

    In training the first `real` images and the others are normalised apart, as if passed one after the other, and
    the running statistics follow the first group alone (all images where `real` is None).
    """

    def __init__(self, channels: int):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor, real: int | None = None) -> Tensor:
        if not self.training:
            return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias)
        if real is None or real == len(x):
            return self._normalise(x, followed=True)
        if real == 0:
            return self._normalise(x, followed=False)
        ours, theirs = x.split([real, len(x) - real])
        return torch.cat([self._normalise(ours, followed=True), self._normalise(theirs, followed=False)])

    def _normalise(self, x: Tensor, followed: bool) -> Tensor:
        """By the batch's own statistics, which the running ones follow or not."""
        known = (self.running_mean, self.running_var) if followed else (None, None)
        if parallel.world() == 1:
            return F.batch_norm(x, *known, self.weight, self.bias, training=True)
        mean, variance = parallel.moments(x.float())
        if followed:
            n = parallel.world() * x.numel() / x.shape[1]
            self.running_mean.lerp_(mean.detach(), 0.1)
            self.running_var.lerp_(variance.detach() * n / (n - 1), 0.1)
        scale = self.weight * (variance + 1e-5).rsqrt()
        shape = (1, -1, *[1] * (x.dim() - 2))
        return (x.float() * scale.view(shape) + (self.bias - mean * scale).view(shape)).to(x.dtype)


class Stack(nn.Sequential):
    """Layers in order; those of batch norm are told which images are real."""

    def forward(self, x: Tensor, real: int | None = None) -> Tensor:
        for layer in self:
            x = layer(x, real) if isinstance(layer, BatchNorm) else layer(x)
        return x


class ToFeatures(nn.Module):
    """Maps [N, C, H, W] to features [N, H*W*C]: a view where maps lie channels-last, as ours do, and no copy."""

    def forward(self, maps: Tensor) -> Tensor:
        return maps.permute(0, 2, 3, 1).flatten(1)


class ToMaps(nn.Module):
    """Features [N, H*W*C] to maps [N, C, H, W] lying channels-last: a view."""

    def __init__(self, channels: int, height: int, width: int):
        super().__init__()
        self.shape = (height, width, channels)

    def forward(self, features: Tensor) -> Tensor:
        return features.unflatten(1, self.shape).permute(0, 3, 1, 2)


def product_dtype(network: nn.Module) -> torch.dtype:
    """What the network's matrix products and convolutions compute in now."""
    return next(m for m in network.modules() if isinstance(m, _Product)).operands()[0].dtype


def keep_halves(network: nn.Module) -> dict[nn.Parameter, Tensor]:
    """Give every product a bfloat16 copy of its weight, and return the copies by weight; Adam renews them."""
    layers = [m for m in network.modules() if isinstance(m, _Product)]
    for layer in layers:
        if isinstance(layer, Linear) and layer.weight.device.type == "cpu":
            layer.weight.data = products.lay(layer.weight.data)
        layer.half = layer.weight.detach().to(torch.bfloat16).requires_grad_()
    return {layer.weight: layer.half for layer in layers}
