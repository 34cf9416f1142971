"""The paper's networks (appendix C) as data, and the one builder that makes modules of them."""

from math import prod
from typing import NamedTuple

import torch
from torch import Tensor, nn

from infogan.codes import Latent
from infogan.config import InputError


class Conv(NamedTuple):
    """4x4 convolution, leaky ReLU after it; stride 2 halves the image."""

    channels: int
    norm: bool = True


class Dense(NamedTuple):
    """Fully connected layer; a tuple of units is the C x H x W the next layer sees."""

    units: int | tuple[int, int, int]
    norm: bool = True


class Up(NamedTuple):
    """4x4 transposed convolution of stride 2: doubles the image."""

    channels: int
    norm: bool = True


class Architecture(NamedTuple):
    """The trunk that D and Q share, Q's hidden layers, and G; the heads follow from the latent codes."""

    image: tuple[int, int, int]
    trunk: tuple[Conv | Dense, ...]
    q_hidden: tuple[Dense, ...]
    generator: tuple[Dense | Up, ...]


def architecture(image: tuple[int, int, int]) -> Architecture:
    """The stack for images of C x H x W.

    8 x 8 (scikit-learn's digits) gets a small one of ours; every other size divisible by 4 gets the
    paper's MNIST stack (appendix C.1), whose only size-dependent number is the 7 x 7 = (28/4) x (28/4) map.
    Raises InputError for a size that two strides of 2 do not divide.
    """
    channels, height, width = image
    if height % 4 or width % 4:
        raise InputError(f"images are {height}x{width}; both sides must be divisible by 4: pad or resize them")
    quarter = (height // 4, width // 4)
    if image[1:] == (8, 8):
        return Architecture(
            image,
            trunk=(Conv(32, norm=False), Conv(64), Dense(256)),
            q_hidden=(Dense(64),),
            generator=(Dense(256), Dense((64, *quarter)), Up(32), Up(channels, norm=False)),
        )
    return Architecture(
        image,
        trunk=(Conv(64, norm=False), Conv(128), Dense(1024)),
        q_hidden=(Dense(128),),
        generator=(Dense(1024), Dense((128, *quarter)), Up(64), Up(channels, norm=False)),
    )


def _stack(layers: tuple, shape: tuple[int, ...], activation) -> tuple[list[nn.Module], tuple[int, ...]]:
    """Modules of `layers` for input of `shape` (features, or C x H x W), each followed by BN and activation."""
    modules: list[nn.Module] = []
    for layer in layers:
        bias = not layer.norm  # batch norm's shift makes a bias before it redundant
        if isinstance(layer, Dense):
            if len(shape) > 1:
                modules.append(nn.Flatten())
            units = layer.units if isinstance(layer.units, int) else prod(layer.units)
            modules.append(nn.Linear(prod(shape), units, bias=bias))
            norm: nn.Module = nn.BatchNorm1d(units)
            shape = (units,)
        elif isinstance(layer, Conv):
            modules.append(nn.Conv2d(shape[0], layer.channels, 4, stride=2, padding=1, bias=bias))
            norm = nn.BatchNorm2d(layer.channels)
            shape = (layer.channels, shape[1] // 2, shape[2] // 2)
        else:
            modules.append(nn.ConvTranspose2d(shape[0], layer.channels, 4, stride=2, padding=1, bias=bias))
            norm = nn.BatchNorm2d(layer.channels)
            shape = (layer.channels, shape[1] * 2, shape[2] * 2)
        if layer.norm:
            modules.append(norm)
        modules.append(activation())
        if isinstance(layer, Dense) and not isinstance(layer.units, int):
            modules.append(nn.Unflatten(1, layer.units))
            shape = layer.units
    return modules, shape


class Generator(nn.Module):
    """G(z, c): latent [N, latent.width] to images [N, C, H, W] in [0, 1] (Bernoulli means)."""

    def __init__(self, arch: Architecture, latent: Latent):
        super().__init__()
        modules, shape = _stack(arch.generator, (latent.width,), nn.ReLU)
        assert shape == arch.image, f"the generator makes {shape}, the images are {arch.image}"
        modules[-1] = nn.Sigmoid()
        self.layers = nn.Sequential(*modules)

    def forward(self, latent: Tensor) -> Tensor:
        return self.layers(latent)


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
        hidden, q_shape = _stack(arch.q_hidden, shape, leaky)
        self.trunk = nn.Sequential(*trunk)
        self.d_head = nn.Linear(prod(shape), 1)
        self.q_head = nn.Sequential(*hidden, nn.Linear(prod(q_shape), latent.q_width))

        self._norms = [m for m in self.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]

    def forward(self, images: Tensor, update_statistics: bool = False) -> tuple[Tensor, Tensor]:
        """In training, running statistics follow only calls with update_statistics: those on real images.

        Q reads real images in the end, and generated ones have other statistics.
        """
        if self.training:
            for norm in self._norms:
                norm.track_running_stats = update_statistics
        features = self.trunk(images)
        return self.d_head(features).squeeze(1).float(), self.q_head(features).float()


def build(image: tuple[int, int, int], latent: Latent, seed: int) -> tuple[Generator, DiscriminatorQ]:
    """G and D/Q for images of C x H x W with weights drawn from N(0, 0.02), the same for the same seed."""
    arch = architecture(image)
    generator = torch.Generator().manual_seed(seed)
    networks = Generator(arch, latent), DiscriminatorQ(arch, latent)
    for network in networks:
        for module in network.modules():
            if isinstance(module, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)):
                nn.init.normal_(module.weight, 0.0, 0.02, generator=generator)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
    return networks
