"""The paper's networks (appendix C) as data, and the one builder that makes modules of them."""

from collections.abc import Iterable
from math import prod
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from infogan import fast, parallel
from infogan.codes import Latent
from infogan.config import InputError


class Conv(NamedTuple):
    """4x4 convolution, leaky ReLU after it; stride 2 halves the image, stride 1 keeps its size."""

    channels: int
    norm: bool = True
    stride: int = 2


class Dense(NamedTuple):
    """Fully connected layer; a tuple of units is the C x H x W the next layer sees."""

    units: int | tuple[int, int, int]
    norm: bool = True


class Up(NamedTuple):
    """4x4 transposed convolution: stride 2 doubles the image, stride 1 keeps its size."""

    channels: int
    norm: bool = True
    stride: int = 2


class Architecture(NamedTuple):
    """The trunk that D and Q share, Q's hidden layers, and G; the heads follow from the latent codes.

    With `tanh` the networks work on [-1, 1]; outside them images are in [0, 1] always.
    """

    image: tuple[int, int, int]
    trunk: tuple[Conv | Dense, ...]
    q_hidden: tuple[Dense, ...]
    generator: tuple[Dense | Up, ...]
    tanh: bool = False


def architecture(image: tuple[int, int, int], network: str = "auto") -> Architecture:
    """The stack called `network` (paper, appendix C; see config.Config.network) for images of C x H x W.

    The paper's stacks are made for one size of image each; what depends on it is the map that G's convolutions start
    from. `auto` takes a small stack of ours for 8 x 8 (scikit-learn's digits), the SVHN one for 32 x 32 in colour, else the MNIST one.
    Raises InputError for a size that the stack's strides do not divide.
    """
    channels, height, width = image
    if network == "auto":
        network = "digits" if (height, width) == (8, 8) else "svhn" if image == (3, 32, 32) else "mnist"
    multiple = {"svhn": 16, "chairs": 8}.get(network, 4)
    if height % multiple or width % multiple:
        raise InputError(
            f"images are {height}x{width}; both sides must be divisible by {multiple} for the {network} networks: pad or resize them"
        )
    small = (height // multiple, width // multiple)
    last = Up(channels, norm=False)
    if network == "digits":
        trunk, q_hidden = (Conv(32, norm=False), Conv(64), Dense(256)), (Dense(64),)
        return Architecture(image, trunk, q_hidden, generator=(Dense(256), Dense((64, *small)), Up(32), last))
    if network in ("mnist", "faces"):  # C.1; C.4: Q's output layer follows the trunk at once
        trunk, q_hidden = (Conv(64, norm=False), Conv(128), Dense(1024)), () if network == "faces" else (Dense(128),)
        return Architecture(image, trunk, q_hidden, generator=(Dense(1024), Dense((128, *small)), Up(64), last))
    if network == "svhn":  # C.2, and CelebA's C.3
        trunk = (Conv(64, norm=False), Conv(128), Conv(256))
        generator = (Dense((448, *small)), Up(256), Up(128, norm=False), Up(64, norm=False), last)
        return Architecture(image, trunk, q_hidden=(Dense(128),), generator=generator, tanh=True)
    # C.5, as recalled: the layers in the middle keep the size of the map.
    trunk = (Conv(64, norm=False), Conv(128), Conv(256), Conv(256, stride=1), Conv(256, stride=1), Dense(1024))
    generator = (Dense(1024), Dense((256, *small)), Up(256, stride=1), Up(256, stride=1), Up(128), Up(64), last)
    return Architecture(image, trunk, q_hidden=(), generator=generator)


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
        if weight is self.half and weight.device.type == "cpu" and weight.numel() >= fast.LARGE and bias is None:
            return fast.Multiply.apply(x, weight)
        return F.linear(x, weight, bias)


class _Convolving(_Product):
    """4x4: maps [N, C, H, W] to half the size, or transposed to twice; of stride 1 to the same size."""

    transposed: bool

    def forward(self, x: Tensor) -> Tensor:
        weight, bias = self.operands()
        keeps_size = self.stride == (1, 1)
        if weight is self.half and weight.device.type == "cpu" and not keeps_size:
            return fast.Convolve.apply(x, weight, bias, self.transposed)
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


def _stack(layers: tuple, shape: tuple[int, ...], activation) -> tuple[list[nn.Module], tuple[int, ...]]:
    """Modules of `layers` for input of `shape` (features, or C x H x W), each followed by BN and activation."""
    modules: list[nn.Module] = []
    for layer in layers:
        bias = not layer.norm  # batch norm's shift makes a bias before it redundant
        if isinstance(layer, Dense):
            if len(shape) > 1:
                modules.append(ToFeatures())
            units = layer.units if isinstance(layer.units, int) else prod(layer.units)
            modules.append(Linear(prod(shape), units, bias=bias))
            channels = units
            shape = (units,)
        elif isinstance(layer, Conv):
            modules.append(Convolution(shape[0], layer.channels, 4, stride=layer.stride, padding=1, bias=bias))
            channels = layer.channels
            shape = (layer.channels, shape[1] // layer.stride, shape[2] // layer.stride)
        else:
            modules.append(UpConvolution(shape[0], layer.channels, 4, stride=layer.stride, padding=1, bias=bias))
            channels = layer.channels
            shape = (layer.channels, shape[1] * layer.stride, shape[2] * layer.stride)
        if layer.norm:
            modules.append(BatchNorm(channels))
        modules.append(activation())
        if isinstance(layer, Dense) and not isinstance(layer.units, int):
            modules.append(ToMaps(*layer.units))
            shape = layer.units
    return modules, shape


class Generator(nn.Module):
    """G(z, c): latent [N, latent.width] to images [N, C, H, W] in [0, 1] (with a sigmoid: Bernoulli means)."""

    def __init__(self, arch: Architecture, latent: Latent):
        super().__init__()
        modules, shape = _stack(arch.generator, (latent.width,), nn.ReLU)
        assert shape == arch.image, f"the generator makes {shape}, the images are {arch.image}"
        modules[-1] = nn.Tanh() if arch.tanh else nn.Sigmoid()
        self.layers, self.tanh = Stack(*modules), arch.tanh

    def forward(self, latent: Tensor) -> Tensor:
        images = self.layers(latent.to(product_dtype(self))).float()
        return (images + 1) / 2 if self.tanh else images


class DiscriminatorQ(nn.Module):
    """D and the recognition network Q on one trunk: images [N, C, H, W] to D's logit [N] and Q's answer.

    Q's answer [N, latent.q_width] holds, in the codes' order, logits of categories and means of
    continuous codes, then the log standard deviations where they are learned.
    """

    def __init__(self, arch: Architecture, latent: Latent):
        super().__init__()

        def leaky():
            return nn.LeakyReLU(0.1)

        trunk, shape = _stack(arch.trunk, arch.image, leaky)
        if len(shape) > 1:
            trunk, shape = [*trunk, ToFeatures()], (prod(shape),)
        hidden, q_shape = _stack(arch.q_hidden, shape, leaky)
        self.to_features, self.to_maps = ToFeatures(), ToMaps(*arch.image)
        self.trunk = Stack(*trunk)
        self.d_head = Linear(prod(shape), 1)
        self.q_head = Stack(*hidden, Linear(prod(q_shape), latent.q_width))
        self.tanh = arch.tanh

    def features(self, images: Tensor, real: int | None = 0) -> Tensor:
        """The trunk's answer. The first `real` images are real, the others generated; see BatchNorm.

        Both go through in one pass. Running statistics follow the real images: Q reads such in the end, and generated
        ones have others. With None all are normalised together, and running statistics follow them all.
        """
        # Said in words, `channels_last` passes over images of one channel, and the first convolution then answers in the other layout.
        images = self.to_maps(self.to_features(images * 2 - 1 if self.tanh else images))
        return self.trunk(images.to(product_dtype(self)), real)

    def judge(self, images: Tensor, real: int | None = 0) -> Tensor:
        """D's logits [N] alone."""
        return self.d_head(self.features(images, real)).squeeze(1).float()

    def forward(self, images: Tensor, real: int | None = 0) -> tuple[Tensor, Tensor]:
        """D's logits [N] and Q's answers [N, q_width] to images of which the first `real` are real."""
        features = self.features(images, real)
        return self.d_head(features).squeeze(1).float(), self.q_head(features, real).float()


def product_dtype(network: nn.Module) -> torch.dtype:
    """What the network's matrix products and convolutions compute in now."""
    return next(m for m in network.modules() if isinstance(m, _Product)).operands()[0].dtype


def keep_halves(network: nn.Module) -> dict[nn.Parameter, Tensor]:
    """Give every product a bfloat16 copy of its weight, and return the copies by weight; Adam renews them."""
    layers = [m for m in network.modules() if isinstance(m, _Product)]
    for layer in layers:
        if isinstance(layer, Linear) and layer.weight.device.type == "cpu":
            layer.weight.data = fast.lay(layer.weight.data)
        layer.half = layer.weight.detach().to(torch.bfloat16).requires_grad_()
    return {layer.weight: layer.half for layer in layers}


def build(
    image: tuple[int, int, int], latent: Latent, seed: int, network: str = "auto"
) -> tuple[Generator, DiscriminatorQ]:
    """G and D/Q for images of C x H x W with weights drawn from N(0, 0.02), the same for the same seed."""
    arch = architecture(image, network)
    networks = Generator(arch, latent), DiscriminatorQ(arch, latent)
    draw(networks, seed)
    return networks


def draw(networks: Iterable[nn.Module], seed: int) -> None:
    """Weights from N(0, 0.02), biases 0, the same for the same seed."""
    generator = torch.Generator().manual_seed(seed)
    for network in networks:
        for module in network.modules():
            if isinstance(module, _Product):
                nn.init.normal_(module.weight, 0.0, 0.02, generator=generator)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
