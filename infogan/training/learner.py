"""From a configuration to an InfoGAN that can be trained, resumed and run fast on its device."""

import copy
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from infogan.accel import cpu
from infogan.accel.adam import Adam
from infogan.accel.cuda_graph import fastest
from infogan.algorithm import InfoGAN
from infogan.codes import Latent
from infogan.config import Config
from infogan.data import augmentation
from infogan.networks import Generator, build
from infogan.networks.averaging import decay_at, update_average
from infogan.networks.layers import keep_bf16_copies, renew_bf16_copies
from infogan.terms import base
from infogan.training import diffaugment
from infogan.utils.randomness import RandomGenerators, derive

METRICS = ("loss_d", "loss_g", "info_categorical_nats", "info_continuous_nats", "d_real", "d_fake")
"""Of every run; terms add their own."""


class Learner(InfoGAN):
    """An InfoGAN as a configuration states it, with Adam by fused kernels, its state, and its fast path.

    The plain float32 step is the reference. In bfloat16 the networks' activations and gradients, and the copies of the
    weights they are computed with, have that precision (infogan/accel); the weights, Adam, batch norm's statistics and
    the objective stay float32.

    Args: config: resolved; image_shape: (C, H, W); n_images: training images, of which terms may keep something each;
    labels: their classes, for `config.labelled` of them.
    """

    adam_d: Adam
    adam_g: Adam
    random: RandomGenerators

    def __init__(
        self, config: Config, image_shape: tuple[int, int, int], n_images: int = 0, labels: Tensor | None = None
    ):
        self.device = torch.device(config.device)
        if self.device.index is not None:
            torch.cuda.set_device(self.device)  # streams and graphs are made on the current device
        torch.backends.cudnn.allow_tf32 = False  # by default a GPU's float32 convolutions are not float32
        latent = Latent(config.codes, config.noise, config.q_std)
        random = RandomGenerators(config.seed, self.device)
        terms = base.build(base.Settings(config, latent, image_shape, n_images, labels))
        G, D = build(image_shape, latent, derive(config.seed, "weights"), config)
        for network in (G, D):
            network.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.networks = nn.ModuleList([G, D, *terms]).to(self.device)
        drawn_by_terms = [purpose for term in terms for purpose in term.random]
        for purpose in ("codes", *(["diffaugment"] if config.diffaugment else []), *drawn_by_terms):
            random[purpose]  # made before the step is captured
        self.averaged = copy.deepcopy(G).eval().requires_grad_(False) if config.g_ema else None
        self.bf16_copies: dict[nn.Parameter, Tensor] = {}
        if config.precision == "bfloat16":
            cpu.keep_memory()
            self.bf16_copies = keep_bf16_copies(self.networks)
        self.augmentation = augmentation.build(config.augmentation)
        augmentations = self.augmentation.augment, diffaugment.build(config.diffaugment, random)
        adam = partial(Adam, copies=self.bf16_copies)
        super().__init__(G, D, latent, config, random, terms, *augmentations, adam, self._leaf)
        self.metrics = tuple(dict.fromkeys([*METRICS, *(name for term in terms for name in term.metrics)]))

    def _leaf(self, weight: nn.Parameter) -> Tensor:
        return self.bf16_copies.get(weight, weight)

    def decay_learning_rates(self, step: int) -> None:
        """Learning rates for the update after `step`: as configured, falling linearly to 0 over the last share
        lr_decay."""
        if not self.config.lr_decay:
            return
        share = min(1.0, (self.config.updates - step) / (self.config.lr_decay * self.config.updates))
        self.adam_d.set_learning_rate(share * self.config.lr_d)
        self.adam_g.set_learning_rate(share * self.config.lr_g)

    @property
    def sampling_generator(self) -> Generator:
        """What samples and measures are of: G with averaged weights, where the configuration averages them."""
        return self.averaged or self.generator

    def average_generator(self, step: int) -> None:
        """Let the averaged weights follow the update number `step`, counted from 0, which has been made."""
        if self.averaged is not None:
            update_average(self.averaged, self.generator, decay_at(step, self.config.g_ema))

    def tensors(self) -> dict[str, Tensor]:
        """All that a resumed run needs, by name."""
        out = self.random.state()
        networks = {"generator": self.generator, "discriminator": self.discriminator}
        for name, network in (networks | ({"averaged": self.averaged} if self.averaged else {})).items():
            out |= {f"{name}.{key}": value for key, value in network.state_dict().items()}
        for term in self.terms:
            out |= {f"term.{term.name}.{term.step}.{key}": value for key, value in term.state_dict().items()}
        return out | self.adam_d.tensors("adam_d") | self.adam_g.tensors("adam_g")

    @torch.no_grad()
    def load_tensors(self, tensors: dict[str, Tensor], step: int = 0) -> None:
        """The inverse of tensors(), in place; `step` is the update that they were kept after."""
        for name, mine in self.tensors().items():
            if not name.startswith("random."):
                mine.copy_(tensors[name])
        self.random.load(tensors, step)
        renew_bf16_copies(self.networks)

    def fastest_step(self, *batch: Tensor) -> Callable[..., dict[str, Tensor]]:
        """`step` as this device runs it fastest, for batches like this one: see infogan.accel.cuda_graph."""
        state = [tensor for name, tensor in self.tensors().items() if not name.startswith("random.")]
        return fastest(self.step, batch, self.random, [*state, *self.bf16_copies.values()], self.forget_gradients)

    def forget_gradients(self) -> None:
        self.adam_d.zero_grad()
        self.adam_g.zero_grad()
