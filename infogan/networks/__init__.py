"""The paper's networks (appendix C) as data, and the one builder that makes modules of them."""

import contextlib
from collections.abc import Iterator, Sequence
from functools import partial
from math import prod
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from infogan.codes import Latent
from infogan.config import Config, InputError
from infogan.networks.layers import (
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
    matrix_layers,
    product_dtype,
)

DEFAULT = Config()


class Conv(NamedTuple):
    """4x4 convolution, leaky ReLU after it; stride 2 halves the image, stride 1 keeps its size."""

    channels: int
    norm: bool = True
    stride: int = 2


class Dense(NamedTuple):
    """Fully connected layer."""

    units: int
    norm: bool = True


class Maps(NamedTuple):
    """Fully connected layer to the smallest maps of G, from which its transposed convolutions make the image.

    norm_maps: batch norm has one mean for each of the maps, as after a convolution, and not one for each unit.
    """

    channels: int
    norm: bool = True
    norm_maps: bool = False


class Up(NamedTuple):
    """4x4 transposed convolution: stride 2 doubles the image, stride 1 keeps its size."""

    channels: int
    norm: bool = True
    stride: int = 2
    bias: bool = True


class Architecture(NamedTuple):
    """The trunk that D and Q share, Q's hidden layers, and those of G, for images of any size that G's strides divide.
    D's and Q's last layers follow from the latent codes, and G's, which doubles the image, from the image.

    With `tanh` the networks work on [-1, 1]; outside them images are in [0, 1] always.
    leaky_slope: of the leaky ReLU in trunk and Q, below 0. last_bias: of G's last layer.
    """

    trunk: tuple[Conv | Dense, ...]
    q_hidden: tuple[Dense, ...]
    generator: tuple[Dense | Maps | Up, ...]
    tanh: bool = False
    leaky_slope: float = 0.1
    last_bias: bool = True

    @property
    def magnification(self) -> int:
        """The image's side over that of G's smallest map."""
        return 2 * prod(layer.stride for layer in self.generator if isinstance(layer, Up))


MNIST_TRUNK = (Conv(64, norm=False), Conv(128), Dense(1024))
MNIST_GENERATOR = (Dense(1024), Maps(128), Up(64))
NETWORKS = {
    "mnist": Architecture(MNIST_TRUNK, (Dense(128),), MNIST_GENERATOR),  # C.1
    "faces": Architecture(MNIST_TRUNK, (), MNIST_GENERATOR),  # C.4: Q's output layer follows the trunk at once
    "svhn": Architecture(  # C.2, and CelebA's C.3
        trunk=(Conv(64, norm=False), Conv(128), Conv(256)),
        q_hidden=(Dense(128),),
        generator=(Maps(448), Up(256), Up(128, norm=False), Up(64, norm=False)),
        tanh=True,
    ),
    "chairs": Architecture(  # for C.5; these layers are ours: those in the middle keep the size of the map
        trunk=(Conv(64, norm=False), Conv(128), Conv(256), Conv(256, stride=1), Conv(256, stride=1), Dense(1024)),
        q_hidden=(),
        generator=(Dense(1024), Maps(256), Up(256, stride=1), Up(256, stride=1), Up(128), Up(64)),
    ),
    "digits": Architecture(  # ours, for 8 x 8
        trunk=(Conv(32, norm=False), Conv(64), Dense(256)),
        q_hidden=(Dense(64),),
        generator=(Dense(256), Maps(64), Up(32)),
    ),
}
"""The paper's networks (appendix C), and ours."""

SMALLEST_MAP = 4
"""Pixels of the shorter side of the last map of `dcgan` at least; below twice as many."""
WIDEST, NARROWEST = 256, 32
"""Channels of the smallest map of `dcgan`, as in the paper's SVHN networks, and of its larger maps at least: a map of
twice the side has half as many."""


def _dcgan(image: tuple[int, int, int]) -> Architecture:
    """As many halvings as the image's size allows (Radford et al. 2016)."""
    _, height, width = image
    halvings = (min(height, width) // SMALLEST_MAP).bit_length() - 1
    if halvings < 2:
        raise InputError(f"images are {height}x{width}; the dcgan networks need {4 * SMALLEST_MAP} pixels or more")
    widths = [max(WIDEST >> level, NARROWEST) for level in range(halvings)]  # from the smallest map to the largest
    trunk = tuple(Conv(maps, norm=level > 0) for level, maps in enumerate(reversed(widths)))
    return Architecture(trunk, (Dense(128),), (Maps(widths[0]), *map(Up, widths[1:])), tanh=True)


def for_size(image: tuple[int, int, int], network: str) -> str:
    """The network that a run on images of C x H x W begins with: dcgan in place of auto above 32 pixels.

    There the MNIST networks have 67 million weights (64 x 64) and more. What a record calls `auto` stays what it was.
    """
    large = max(image[1:]) > 32 and min(image[1:]) >= 4 * SMALLEST_MAP
    return "dcgan" if network == "auto" and large else network


def architecture(image: tuple[int, int, int], network: str = "auto") -> Architecture:
    """The layers of a network by name (see config.Config.network) for images of C x H x W.

    `auto` takes `digits` for 8 x 8 (scikit-learn's digits), `svhn` for 32 x 32 in colour, else `mnist`; a run begins
    with `dcgan` in its place above 32 pixels, see for_size.
    Raises InputError for a size that the layers' strides do not divide.
    """
    _, height, width = image
    if network == "auto":
        network = "digits" if (height, width) == (8, 8) else "svhn" if image == (3, 32, 32) else "mnist"
    arch = _dcgan(image) if network == "dcgan" else NETWORKS[network]
    multiple = arch.magnification
    if height % multiple or width % multiple:
        fits = [max(side // multiple, 1) * multiple for side in (height, width)]
        raise InputError(
            f"images are {height}x{width}; both sides must be divisible by {multiple} for the {network} networks: "
            f"resize them to {fits[0]}x{fits[1]} (a folder of images: FOLDER@{min(fits)})"
        )
    return arch


def _modules(layers: tuple, shape: tuple[int, ...], activation, small=()) -> tuple[list[nn.Module], tuple[int, ...]]:
    """Modules of `layers` for input of `shape` (features, or C x H x W), each followed by batch norm and activation,
    and the shape of their output. small: (H, W) of `Maps`."""
    modules: list[nn.Module] = []
    for layer in layers:
        bias = not layer.norm  # batch norm's shift makes a bias before it redundant
        to_maps: list[nn.Module] = []
        if isinstance(layer, Conv):
            modules.append(Convolution(shape[0], layer.channels, layer.stride, bias))
            shape = (layer.channels, shape[1] // layer.stride, shape[2] // layer.stride)
        elif isinstance(layer, Up):
            modules.append(UpConvolution(shape[0], layer.channels, layer.stride, bias and layer.bias))
            shape = (layer.channels, shape[1] * layer.stride, shape[2] * layer.stride)
        else:
            out = (layer.units,) if isinstance(layer, Dense) else (layer.channels, *small)
            modules += [ToFeatures()] if len(shape) > 1 else []
            modules.append(Linear(prod(shape), prod(out), bias=bias))
            shape, to_maps = out, [ToMaps(*out)] if isinstance(layer, Maps) else []
            if to_maps and layer.norm_maps:
                modules.append(to_maps.pop())
        if layer.norm:
            modules.append(BatchNorm(prod(shape) if to_maps else shape[0]))
        modules += [activation(), *to_maps]
    return modules, shape


class Generator(nn.Module):
    """G(z, c): latent [N, latent.width] to images [N, C, H, W] in [0, 1] (with a sigmoid: Bernoulli means)."""

    def __init__(self, arch: Architecture, image: tuple[int, int, int], latent: Latent):
        super().__init__()
        layers = (*arch.generator, Up(image[0], norm=False, bias=arch.last_bias))
        small = [side // arch.magnification for side in image[1:]]
        modules, shape = _modules(layers, (latent.width,), nn.ReLU, small)
        assert shape == image, f"the generator makes {shape}, the images are {image}"
        modules[-1] = nn.Tanh() if arch.tanh else nn.Sigmoid()
        self.layers, self.tanh = Sequential(*modules), arch.tanh

    def forward(self, latent: Tensor) -> Tensor:
        images = at_least_float32(self.layers(latent.to(product_dtype(self))))
        return (images + 1) / 2 if self.tanh else images


class Trunk(Sequential):
    """The convolutions of D/Q: images [N, C, H, W] in [0, 1] to features [N, width]."""

    def __init__(self, arch: Architecture, image: tuple[int, int, int]):
        modules, shape = _modules(arch.trunk, image, partial(nn.LeakyReLU, arch.leaky_slope))
        super().__init__(*modules, *([ToFeatures()] if len(shape) > 1 else []))
        self.width, self.tanh = prod(shape), arch.tanh

    def forward(self, images: Tensor, real: int | None = 0) -> Tensor:
        """Features. The first `real` images are real, the others generated, in one pass; see BatchNorm.

        Running statistics follow the real images alone: Q predicts the codes of such in the end, and generated ones
        have others.
        """
        images = channels_last(images * 2 - 1 if self.tanh else images)
        return super().forward(images.to(product_dtype(self)), real)


class DiscriminatorQ(nn.Module):
    """D and the recognition network Q on one trunk: images [N, C, H, W] to D's logits [N] and Q's parameters [N,
    latent.q_width].

    Q's parameters are, in the codes' order, logits of categories and means of continuous codes, then the log standard
    deviations where they are learned.

    q_trunk: None, or a trunk of Q's own, which takes the place of D's in all that Q reads.
    norm: whether D's trunk has the architecture's batch norm, and not biases in its place.
    """

    def __init__(
        self,
        arch: Architecture,
        image: tuple[int, int, int],
        latent: Latent,
        own_trunk: bool = False,
        norm: bool = True,
    ):
        super().__init__()
        self.image_shape = image
        of_d = arch.trunk if norm else tuple(layer._replace(norm=False) for layer in arch.trunk)
        self.trunk = Trunk(arch._replace(trunk=of_d), image)
        hidden, q_shape = _modules(arch.q_hidden, (self.trunk.width,), partial(nn.LeakyReLU, arch.leaky_slope))
        self.d_head = Linear(self.trunk.width, 1)
        self.q_head = Sequential(*hidden, Linear(prod(q_shape), latent.q_width))
        self.q_trunk = Trunk(arch, image) if own_trunk else None

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

    def forward(self, images: Tensor, real: int = 0, augmented: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """D's logits [N] and Q's parameters [N, q_width] of images of which the first `real` are real.

        augmented: what D's trunk reads in place of images (training/diffaugment.py), and Q with it where it shares that
        trunk. Where Q has a trunk of its own it reads the images as they are, and its batch norm takes the statistics
        of real images for generated ones.
        """
        features = self.trunk(images if augmented is None else augmented, real)
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
    layers = arch.generator
    if recipe.g_layers == "blog":
        layers = tuple(layer._replace(norm_maps=True) if isinstance(layer, Maps) else layer for layer in layers)
    elif recipe.g_layers == "batch-norm":
        layers = tuple(layer._replace(norm=True) for layer in layers)
    of_g = arch._replace(generator=layers, last_bias=recipe.g_layers != "blog")
    generator = Generator(of_g, image, latent)
    discriminator = DiscriminatorQ(arch, image, latent, recipe.q_trunk == "own", recipe.d_layers != "no-norm")
    if recipe.spectral_norm:
        normalise_spectrally(discriminator.trunk, discriminator.d_head)
    return generator, discriminator


def normalise_spectrally(*parts: nn.Module) -> None:
    """Spectral normalisation of every matrix product in these, to be called before weights are drawn."""
    for layer in matrix_layers(*parts):
        layer.normalise_spectrally()


def _output_layers(network: nn.Module) -> Sequence[nn.Module]:
    """The layers of G, or of D and Q, that no ReLU follows."""
    if isinstance(network, DiscriminatorQ):
        return [network.d_head, network.q_head[-1]]
    return list(matrix_layers(network))[-1:]


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
            elif isinstance(module, BatchNorm) and initialisation in ("authors", "blog"):
                nn.init.normal_(module.weight, 1.0, 0.02, generator=generator)
    for layer in matrix_layers(*networks):
        if layer.left_singular is not None:
            drawn = torch.randn(layer.left_singular.shape, generator=generator)
            layer.left_singular = nn.functional.normalize(drawn, dim=0)


@contextlib.contextmanager
def evaluating(network: nn.Module) -> Iterator[torch.device]:
    """The network in evaluation mode, without gradients; yields its device."""
    was_training = network.training
    with torch.no_grad():
        yield next(network.eval().parameters()).device
    network.train(was_training)


def generate(generator: nn.Module, latents: Tensor) -> np.ndarray:
    """Images uint8 [N, H, W, C] of latents [N, latent.width], batch norm in evaluation mode."""
    with evaluating(generator) as device:
        images = torch.cat([generator(part.to(device)) for part in latents.split(500)])
    return (images.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()


BATCH_OF_STATISTICS = 100
"""Images that batch norm normalises together where Q is evaluated as trained."""


def evaluate_q(discriminator: DiscriminatorQ, images: Tensor, as_trained: bool = False) -> Tensor:
    """Q's parameters [N, q_width] of images [N, C, H, W], uint8 or float in [0, 1], never in bfloat16, on the CPU.

    Batch norm uses its running statistics, which training gathers on real images alone; with `as_trained` those that it
    takes for generated images in training, the batch's own unless Q has a trunk of its own.
    """
    scale = 1 if images.is_floating_point() else 255
    with evaluating(discriminator) as device:
        batch_statistics = as_trained and discriminator.q_trunk is None
        for layer in discriminator.modules() if batch_statistics else ():
            layer.training = isinstance(layer, BatchNorm)
        parts = images.split(BATCH_OF_STATISTICS if batch_statistics else 2000)
        batches = (batch.to(device).float() / scale for batch in parts)
        return torch.cat([discriminator.q_params(batch) for batch in batches]).cpu()


def recognise(discriminator: DiscriminatorQ, latent: Latent, images: Tensor) -> tuple[Tensor, Tensor]:
    """Q's prediction for uint8 images [N, C, H, W]: likeliest categories [N, n] int64, means [N, m], on the CPU."""
    return latent.read(evaluate_q(discriminator, images))
