"""The paper's networks (appendix C) as data, and the one builder that makes modules of them."""

from collections.abc import Sequence
from functools import partial
from math import prod
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from infogan.codes import Latent
from infogan.config import Config, InputError
from infogan.diffaugment import Augmentation, unchanged
from infogan.layers import (
    RUNNING,
    BatchNorm,
    Convolution,
    Linear,
    MatrixLayer,
    Sequential,
    ToFeatures,
    ToMaps,
    UpConvolution,
    at_least_float32,
    channels_last,
    product_dtype,
)

DEFAULT = Config()


class Conv(NamedTuple):
    """4x4 convolution, leaky ReLU after it; stride 2 halves the image, stride 1 keeps its size."""

    channels: int
    norm: bool = True
    stride: int = 2


class Dense(NamedTuple):
    """Fully connected layer; a tuple of units is the C x H x W the next layer sees.

    norm_maps: batch norm has one mean for each of the C maps, as after a convolution, and not one for each unit.
    """

    units: int | tuple[int, int, int]
    norm: bool = True
    norm_maps: bool = False


class Up(NamedTuple):
    """4x4 transposed convolution: stride 2 doubles the image, stride 1 keeps its size."""

    channels: int
    norm: bool = True
    stride: int = 2
    bias: bool = True


class Architecture(NamedTuple):
    """The trunk that D and Q share, Q's hidden layers, and G; the heads follow from the latent codes.

    With `tanh` the networks work on [-1, 1]; outside them images are in [0, 1] always.
    leaky_slope: of the leaky ReLU in trunk and Q, below 0.
    """

    image: tuple[int, int, int]
    trunk: tuple[Conv | Dense, ...]
    q_hidden: tuple[Dense, ...]
    generator: tuple[Dense | Up, ...]
    tanh: bool = False
    leaky_slope: float = 0.1


SMALLEST_MAP = 4
"""Pixels of the shorter side of the last map of `dcgan` at least; below twice as many."""
WIDEST, NARROWEST = 256, 32
"""Channels of the smallest map of `dcgan`, as in the paper's SVHN networks, and of its larger maps at least: a map of
twice the side has half as many."""


def for_size(image: tuple[int, int, int], network: str) -> str:
    """The network that a run on images of C x H x W begins with: dcgan in place of auto above 32 pixels.

    There the MNIST stacks have 67 million weights (64 x 64) and more. What a record calls `auto` stays what it was.
    """
    large = max(image[1:]) > 32 and min(image[1:]) >= 4 * SMALLEST_MAP
    return "dcgan" if network == "auto" and large else network


def architecture(image: tuple[int, int, int], network: str = "auto") -> Architecture:
    """The stack called `network` (paper, appendix C; see config.Config.network) for images of C x H x W.

    The paper's stacks are made for one size of image each; what depends on it is the map that G's convolutions start
    from. `auto` takes a small stack of ours for 8 x 8 (scikit-learn's digits), the SVHN one for 32 x 32 in colour, else
    the MNIST one; a run begins with `dcgan` in its place above 32 pixels, see for_size.
    Raises InputError for a size that the stack's strides do not divide.
    """
    channels, height, width = image
    if network == "auto":
        network = "digits" if (height, width) == (8, 8) else "svhn" if image == (3, 32, 32) else "mnist"
    halvings = max(0, (min(height, width) // SMALLEST_MAP).bit_length() - 1)
    multiple = {"svhn": 16, "chairs": 8, "dcgan": 2**halvings}.get(network, 4)
    if network == "dcgan" and halvings < 2:
        raise InputError(f"images are {height}x{width}; the dcgan networks need {4 * SMALLEST_MAP} pixels or more")
    if height % multiple or width % multiple:
        fits = [max(side // multiple, 1) * multiple for side in (height, width)]
        raise InputError(
            f"images are {height}x{width}; both sides must be divisible by {multiple} for the {network} networks: "
            f"resize them to {fits[0]}x{fits[1]} (a folder of images: FOLDER@{min(fits)})"
        )
    small = (height // multiple, width // multiple)
    last = Up(channels, norm=False)
    trunk: tuple[Conv | Dense, ...]
    q_hidden: tuple[Dense, ...]
    generator: tuple[Dense | Up, ...]
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
    if network == "dcgan":
        widths = [max(WIDEST >> level, NARROWEST) for level in range(halvings)]  # from the smallest map to the largest
        trunk = tuple(Conv(maps, norm=level > 0) for level, maps in enumerate(reversed(widths)))
        generator = (Dense((widths[0], *small)), *(Up(maps) for maps in widths[1:]), last)
        return Architecture(image, trunk, q_hidden=(Dense(128),), generator=generator, tanh=True)
    if network != "chairs":
        raise InputError(f"network is {network!r}; allowed: mnist, svhn, faces, chairs, dcgan, digits, auto")
    # For C.5; these layers are ours: those in the middle keep the size of the map.
    trunk = (Conv(64, norm=False), Conv(128), Conv(256), Conv(256, stride=1), Conv(256, stride=1), Dense(1024))
    generator = (Dense(1024), Dense((256, *small)), Up(256, stride=1), Up(256, stride=1), Up(128), Up(64), last)
    return Architecture(image, trunk, q_hidden=(), generator=generator)


def _stack(layers: tuple, shape: tuple[int, ...], activation) -> tuple[list[nn.Module], tuple[int, ...]]:
    """Modules of `layers` for input of `shape` (features, or C x H x W), each followed by BN and activation."""
    modules: list[nn.Module] = []
    for layer in layers:
        bias = not layer.norm  # batch norm's shift makes a bias before it redundant
        maps = None
        if isinstance(layer, Dense):
            if len(shape) > 1:
                modules.append(ToFeatures())
            units = layer.units if isinstance(layer.units, int) else prod(layer.units)
            modules.append(Linear(prod(shape), units, bias=bias))
            channels, shape = units, (units,)
            if not isinstance(layer.units, int):
                maps, shape = ToMaps(*layer.units), layer.units
            if maps and layer.norm_maps:
                modules.append(maps)
                channels, maps = shape[0], None
        elif isinstance(layer, Conv):
            modules.append(Convolution(shape[0], layer.channels, layer.stride, bias))
            channels = layer.channels
            shape = (layer.channels, shape[1] // layer.stride, shape[2] // layer.stride)
        else:
            modules.append(UpConvolution(shape[0], layer.channels, layer.stride, bias and layer.bias))
            channels = layer.channels
            shape = (layer.channels, shape[1] * layer.stride, shape[2] * layer.stride)
        if layer.norm:
            modules.append(BatchNorm(channels))
        modules.append(activation())
        if maps:
            modules.append(maps)
    return modules, shape


class Generator(nn.Module):
    """G(z, c): latent [N, latent.width] to images [N, C, H, W] in [0, 1] (with a sigmoid: Bernoulli means)."""

    def __init__(self, arch: Architecture, latent: Latent):
        super().__init__()
        modules, shape = _stack(arch.generator, (latent.width,), nn.ReLU)
        assert shape == arch.image, f"the generator makes {shape}, the images are {arch.image}"
        modules[-1] = nn.Tanh() if arch.tanh else nn.Sigmoid()
        self.layers, self.tanh = Sequential(*modules), arch.tanh

    def forward(self, latent: Tensor) -> Tensor:
        images = at_least_float32(self.layers(latent.to(product_dtype(self))))
        return (images + 1) / 2 if self.tanh else images


class Trunk(Sequential):
    """The convolutions of D/Q: images [N, C, H, W] in [0, 1] to features [N, width]."""

    def __init__(self, arch: Architecture):
        modules, shape = _stack(arch.trunk, arch.image, partial(nn.LeakyReLU, arch.leaky_slope))
        super().__init__(*modules, *([ToFeatures()] if len(shape) > 1 else []))
        self.width, self.tanh = prod(shape), arch.tanh

    def forward(self, images: Tensor, real: int | None = 0) -> Tensor:
        """Features. The first `real` images are real, the others generated, in one pass; see BatchNorm.

        Running statistics follow the real images alone: Q predicts the codes of such in the end, and generated ones
        have others.
        """
        images = channels_last(images * 2 - 1 if self.tanh else images)
        return super().forward(images.to(product_dtype(self)), real)


def without_norm(arch: Architecture) -> Architecture:
    """The same networks, with biases in place of the trunk's batch norm."""
    return arch._replace(trunk=tuple(layer._replace(norm=False) for layer in arch.trunk))


class DiscriminatorQ(nn.Module):
    """D and the recognition network Q on one trunk: images [N, C, H, W] to D's logits [N] and Q's parameters [N,
    latent.q_width].

    Q's parameters are, in the codes' order, logits of categories and means of continuous codes, then the log standard
    deviations where they are learned.

    q_trunk: None, or a trunk of Q's own, which takes the place of D's in all that Q reads.
    norm: whether D's trunk has the architecture's batch norm.
    """

    def __init__(self, arch: Architecture, latent: Latent, own_trunk: bool = False, norm: bool = True):
        super().__init__()
        self.image_shape = arch.image
        self.trunk = Trunk(arch if norm else without_norm(arch))
        hidden, q_shape = _stack(arch.q_hidden, (self.trunk.width,), partial(nn.LeakyReLU, arch.leaky_slope))
        self.d_head = Linear(self.trunk.width, 1)
        self.q_head = Sequential(*hidden, Linear(prod(q_shape), latent.q_width))
        self.q_trunk = Trunk(arch) if own_trunk else None

    def drop_d(self) -> None:
        """Leave Q alone, which has a trunk of its own: what a model needs that is no longer trained."""
        del self.trunk, self.d_head

    @property
    def trunk_of_q(self) -> Trunk:
        """The trunk that Q reads images with."""
        return self.trunk if self.q_trunk is None else self.q_trunk

    @property
    def parts_of_q(self) -> tuple[str, ...]:
        """Names of the parts that Q reads images with (see infogan.algorithm): a trunk of its own is a part of q."""
        return ("trunk", "q") if self.q_trunk is None else ("q",)

    @property
    def layers_of_q(self) -> nn.ModuleList:
        """All that Q does not share with D."""
        return nn.ModuleList([self.q_head] if self.q_trunk is None else [self.q_head, self.q_trunk])

    def discriminate(self, images: Tensor, real: int | None = 0) -> Tensor:
        """D's logits [N] alone."""
        return at_least_float32(self.d_head(self.trunk(images, real)).squeeze(1))

    def q_params(self, images: Tensor, real: int | None = 0) -> Tensor:
        """Q's parameters [N, q_width] alone."""
        return at_least_float32(self.q_head(self.trunk_of_q(images, real), real))

    def forward(self, images: Tensor, real: int = 0, augment: Augmentation = unchanged) -> tuple[Tensor, Tensor]:
        """D's logits [N] and Q's parameters [N, q_width] of images of which the first `real` are real.

        augment: what D's trunk reads in place of images (see infogan.diffaugment), and Q with it where it shares that
        trunk. Where Q has a trunk of its own it reads the images as they are, and its batch norm takes the statistics
        of real images for generated ones.
        """
        features = self.trunk(augment(images), real)
        d = at_least_float32(self.d_head(features).squeeze(1))
        if self.q_trunk is None:
            return d, at_least_float32(self.q_head(features, real))
        # A pretrained Q reads categories from differences far below one grey level, when the batch's own statistics
        # amplify them: G would hide the codes there, and draw nothing. By those of real images it has to be seen.
        q_fake = self.q_params(images[real:], RUNNING)
        return d, torch.cat([self.q_params(images[:real], real), q_fake]) if real else q_fake


def build(
    image: tuple[int, int, int], latent: Latent, seed: int, recipe: Config = DEFAULT
) -> tuple[Generator, DiscriminatorQ]:
    """G and D/Q for images of C x H x W, with the networks and the initialisation that the recipe names; the weights
    are the same for the same seed."""
    networks = uninitialised(image, latent, recipe)
    init_weights(networks, seed, recipe.initialisation)
    return networks


def uninitialised(image: tuple[int, int, int], latent: Latent, recipe: Config) -> tuple[Generator, DiscriminatorQ]:
    """What `build` builds, before weights are drawn."""
    arch = architecture(image, recipe.network)._replace(leaky_slope=recipe.leaky_slope)
    if recipe.g_layers == "blog":
        arch = arch._replace(generator=_as_in_the_blog(arch.generator))
    elif recipe.g_layers == "batch-norm":
        *hidden, last = arch.generator
        arch = arch._replace(generator=(*(layer._replace(norm=True) for layer in hidden), last))
    generator = Generator(arch, latent)
    discriminator = DiscriminatorQ(arch, latent, recipe.q_trunk == "own", recipe.d_layers != "no-norm")
    if recipe.spectral_norm:
        normalise_spectrally(discriminator.trunk, discriminator.d_head)
    return generator, discriminator


def normalise_spectrally(*parts: nn.Module) -> None:
    """Spectral normalisation of every matrix product in these, to be called before weights are drawn."""
    for module in (module for part in parts for module in part.modules()):
        if isinstance(module, MatrixLayer):
            module.normalise_spectrally()


def _as_in_the_blog(layers: tuple[Dense | Up, ...]) -> tuple[Dense | Up, ...]:
    """G's layers as the blog's notebook has them: its first maps are normalised as maps, its last layer has no bias."""
    *before, last = layers
    assert isinstance(last, Up)
    changed = [layer._replace(norm_maps=True) if isinstance(layer, Dense) else layer for layer in before]
    return (*changed, last._replace(bias=False))


def _output_layers(network: nn.Module) -> Sequence[nn.Module]:
    """The layers of G, or of D and Q, that no ReLU follows."""
    if isinstance(network, DiscriminatorQ):
        return [network.d_head, network.q_head[-1]]
    return [m for m in network.modules() if isinstance(m, MatrixLayer)][-1:]


def init_weights(networks: Sequence[nn.Module], seed: int, initialisation: str = "paper") -> None:
    """Draw the weights, the same for the same seed, and what spectral normalisation begins with.

    "paper": weights from N(0, 0.02), biases 0, batch norm's scale 1. "authors": as there, but the convolutions' (not
    the transposed ones') cut off at two standard deviations, and batch norm's scale from N(1, 0.02). "blog": weights as
    in "paper", biases uniform within 1 / sqrt(inputs of a unit), as torch draws them, and batch norm's scale from
    N(1, 0.02). "he": as in "paper", but weights from N(0, 2 / inputs of a unit) where a ReLU follows, which keep the
    size of what layers pass on (He et al. 2015, equation 10); G's images then begin grey, and not saturated.
    """
    generator = torch.Generator().manual_seed(seed)
    for network in networks:
        outputs = _output_layers(network)
        for module in network.modules():
            if isinstance(module, MatrixLayer):
                if initialisation == "authors" and isinstance(module, Convolution) and not module.transposed:
                    nn.init.trunc_normal_(module.weight, 0.0, 0.02, -0.04, 0.04, generator=generator)
                else:
                    he = initialisation == "he" and module not in outputs
                    std = (2 / module.inputs) ** 0.5 if he else 0.02
                    nn.init.normal_(module.weight, 0.0, std, generator=generator)
                if module.bias is not None and initialisation == "blog":
                    bound = module.weight[0].numel() ** -0.5
                    nn.init.uniform_(module.bias, -bound, bound, generator=generator)
                elif module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, BatchNorm) and initialisation in ("authors", "blog"):
                nn.init.normal_(module.weight, 1.0, 0.02, generator=generator)
    for module in (module for network in networks for module in network.modules()):
        if isinstance(module, MatrixLayer) and module.left_singular is not None:
            module.left_singular = nn.functional.normalize(
                torch.randn(module.left_singular.shape, generator=generator), dim=0
            )


@torch.no_grad()
def generate(generator: nn.Module, latents: Tensor) -> np.ndarray:
    """Images uint8 [N, H, W, C] of latents [N, latent.width], batch norm in evaluation mode."""
    device = next(generator.parameters()).device
    was_training = generator.training
    generator.eval()
    images = torch.cat([generator(part.to(device)) for part in latents.split(500)])
    generator.train(was_training)
    return (images.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()


@torch.no_grad()
def evaluate_q(discriminator: DiscriminatorQ, images: Tensor) -> Tensor:
    """Q's parameters [N, q_width] of images [N, C, H, W], uint8 or float in [0, 1], never in bfloat16, on the CPU.

    Batch norm uses its running statistics, which training gathers on real images alone.
    """
    device, scale = next(discriminator.parameters()).device, 1 if images.is_floating_point() else 255
    was_training = discriminator.training
    discriminator.eval()
    q_params = torch.cat([discriminator.q_params(batch.to(device).float() / scale) for batch in images.split(2000)])
    discriminator.train(was_training)
    return q_params.cpu()


def recognise(discriminator: DiscriminatorQ, latent: Latent, images: Tensor) -> tuple[Tensor, Tensor]:
    """Q's prediction for uint8 images [N, C, H, W]: likeliest categories [N, n] int64, means [N, m], on the CPU."""
    return latent.read(evaluate_q(discriminator, images))
