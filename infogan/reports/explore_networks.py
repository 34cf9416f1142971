"""Networks as data for the page that computes them (explore_networks.js): layers, and weights as 8-bit integers."""

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor, nn

from infogan.inference import Model
from infogan.networks.layers import BatchNorm, Convolution, Linear, ToFeatures, ToMaps
from infogan.utils.errors import InputError

LEVELS = 127
"""Steps of a weight on either side of 0, so that it fits 8 bits; the largest weight of an output has this many."""


class Packed:
    """Layers in the order of computation, and what the script reads for them, in the same order.

    layers: descriptions for JSON. numbers: float32, a scale and a shift for each output of a product, and for each
    channel of batch norm. weights: int8, of products as [taps of the kernel, inputs, outputs].

    A product is a convolution, a transposed one, or a fully connected layer, which is a convolution of one pixel by a
    kernel of one pixel. The script keeps maps channels-last, as the weights of ToFeatures and ToMaps expect them.
    """

    def __init__(self) -> None:
        self.numbers: list[np.ndarray] = []
        self.weights: list[np.ndarray] = []

    def content(self) -> bytes:
        """All numbers, then all weights, little-endian."""
        numbers = [part.astype("<f4") for part in self.numbers]
        return b"".join(part.tobytes() for part in numbers + self.weights)

    def add(self, modules: Iterable[nn.Module]) -> list[dict]:
        """Descriptions of layers in evaluation mode. Raises InputError for a layer that the script does not know."""
        return [layer for module in modules for layer in self._layers(module)]

    def _layers(self, module: nn.Module) -> list[dict]:
        match module:
            case nn.Sequential():
                return self.add(module)
            case Linear():
                weight, bias = module.operands()
                return [self._product(weight.t()[None], bias, {"kernel": 1, "stride": 1, "transposed": False})]
            case Convolution():
                weight, bias = module.operands()
                taps = weight.permute(2, 3, 0, 1) if module.transposed else weight.permute(2, 3, 1, 0)
                geometry = {"kernel": len(taps), "stride": module.stride, "transposed": module.transposed}
                return [self._product(taps.flatten(0, 1), bias, geometry)]
            case BatchNorm():  # by its running statistics
                scale = module.weight / (module.running_var + 1e-5).sqrt()
                return [self.affine(scale, module.bias - module.running_mean * scale)]
            case ToMaps():
                height, width, _ = module.shape
                return [{"kind": "maps", "height": height, "width": width}]
            case ToFeatures():
                return [{"kind": "maps", "height": 1, "width": 1}]
            case nn.LeakyReLU():
                return [{"kind": "leaky", "slope": module.negative_slope}]
            case nn.ReLU():
                return [{"kind": "leaky", "slope": 0}]
            case nn.Tanh() | nn.Sigmoid():
                return [{"kind": type(module).__name__.lower()}]
        raise InputError(
            f"the page cannot compute the layer {type(module).__name__}; expected Linear, Convolution, UpConvolution, "
            "BatchNorm, ReLU, LeakyReLU, Tanh or Sigmoid: use infogan.load in Python"
        )

    def affine(self, scale: Tensor, shift: Tensor) -> dict:
        """A scale and a shift for each channel."""
        self._keep_numbers(scale, shift)
        return {"kind": "affine", "channels": len(scale)}

    def _product(self, weight: Tensor, bias: Tensor | None, geometry: dict) -> dict:
        """weight: [taps, inputs, outputs]."""
        _, inputs, outputs = weight.shape
        scale = weight.abs().amax((0, 1)).clamp_min(1e-30) / LEVELS
        self._keep_numbers(scale, torch.zeros(outputs) if bias is None else bias)
        self.weights.append((weight / scale).round().to(torch.int8).numpy())
        return {"kind": "product", "inputs": inputs, "outputs": outputs} | geometry

    def _keep_numbers(self, *parts: Tensor) -> None:
        self.numbers += [part.detach().numpy() for part in parts]


@torch.no_grad()
def pack(model: Model) -> tuple[dict[str, list[dict]], bytes]:
    """The layers of `generator` (latent to image in [0, 1]) and `recogniser` (image to Q's parameters), and their
    numbers and weights as bytes (see Packed).

    Raises InputError for a layer that the script does not know.
    """
    packed, channels = Packed(), model.image_shape[0]
    ones, halves = torch.ones(channels), torch.full((channels,), 0.5)
    trunk, generator = model.discriminator.trunk_of_q, model.generator
    layers = {"generator": packed.add(generator.layers), "recogniser": []}
    if generator.tanh:
        layers["generator"].append(packed.affine(halves, halves))
    if trunk.tanh:
        layers["recogniser"].append(packed.affine(2 * ones, -ones))
    layers["recogniser"] += packed.add([trunk, model.discriminator.q_head])
    return layers, packed.content()
