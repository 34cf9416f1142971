"""The training step, which reads like the paper's algorithm, and the state that a resumed run needs."""

import dataclasses
from collections.abc import Callable
from itertools import chain

import torch
from torch import Tensor, nn

from infogan.accel import cpu, parallel
from infogan.accel.adam import Adam
from infogan.accel.cuda_graph import fastest
from infogan.codes import Latent, chosen
from infogan.config import Config, InputError
from infogan.data import Batches, Dataset
from infogan.layers import keep_bf16_copies, renew_bf16_copies
from infogan.networks import architecture, build
from infogan.pretraining import overclustering
from infogan.randomness import Streams, derive
from infogan.terms import base
from infogan.terms.base import Context, Seen, Term, backward_passes, descend

METRICS = ("loss_d", "loss_g", "info_categorical_nats", "info_continuous_nats", "d_real", "d_fake")
"""Of every run; terms add their own."""


def choose_codes(config: Config, dataset: Dataset) -> Config:
    """Replace codes `auto` by those that follow the dataset's classes."""
    return dataclasses.replace(config, codes=chosen(config.codes, dataset.n_classes))


def resolve(config: Config) -> Config:
    """Replace `auto` by what this machine has; a configuration as recorded names its device and precision. Codes `auto`
    stay: see choose_codes.

    Raises InputError where the codes cannot be read, a term or the pretraining lacks the categorical code that it
    needs, or a device is asked for that is not there.
    """
    latent = Latent(chosen(config.codes, None), config.noise, config.q_std)
    base.check(config, latent)
    overclustering.check(config, latent)
    device = config.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"device {device!r} cannot be used here ({reason}): use cpu or auto") from error
    precision = config.precision
    if precision == "auto":
        on_gpu = device != "cpu"
        has_bf16 = torch.cuda.is_bf16_supported(including_emulation=False) if on_gpu else cpu.has_bf16()
        precision = "bfloat16" if has_bf16 else "float32"
    return dataclasses.replace(config, device=device, precision=precision)


def check(config: Config, dataset: Dataset) -> None:
    """Raises InputError where the two cannot be trained together; nothing has been written by then."""
    resolve(choose_codes(config, dataset))
    architecture(dataset.image_shape, config.network)
    Batches(dataset.train.images, config.batch_size, seed=0)


class InfoGAN:
    """G, D and Q with their two optimisers, and the training step (paper, equation 6).

    `config` must be resolved. The plain float32 step is the reference. In bfloat16 the networks' activations and
    gradients, and the copies of the weights they are computed with, have that precision (infogan/accel); the weights,
    Adam, batch norm's statistics and the objective stay float32.

    Args: image_shape: (C, H, W); n_images: training images, of which terms may keep something each.
    """

    def __init__(self, config: Config, image_shape: tuple[int, int, int], n_images: int = 0):
        self.config = config
        self.latent = Latent(config.codes, config.noise, config.q_std)
        self.device = torch.device(config.device)
        if self.device.index is not None:
            torch.cuda.set_device(self.device)  # streams and graphs are made on the current device
        torch.backends.cudnn.allow_tf32 = False  # by default a GPU's float32 convolutions are not float32
        self.generator, self.discriminator = (
            network.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            for network in build(image_shape, self.latent, derive(config.seed, "weights"), config)
        )
        self.streams = Streams(config.seed, self.device)
        self.terms = base.build(Context(config, self.latent, image_shape, n_images))
        self.term_modules = nn.ModuleList(self.terms).to(self.device)
        for purpose in chain(("codes",), *(term.streams for term in self.terms)):
            self.streams[purpose]  # made before the step is captured
        self.metrics = tuple(dict.fromkeys(chain(METRICS, *(term.metrics for term in self.terms))))
        self.bf16_copies: dict[nn.Parameter, Tensor] = {}
        if config.precision == "bfloat16":
            cpu.keep_memory()
            for network in (self.generator, self.discriminator, self.term_modules):
                self.bf16_copies |= keep_bf16_copies(network)
        self.d_passes, self.adam_d = self._optimiser("D", config.lr_d)
        self.g_passes, self.adam_g = self._optimiser("G", config.lr_g)

    def _optimiser(self, step: base.Step, lr: float):
        """The backward passes of a step's terms, and Adam over all that they move."""
        D, order = self.discriminator, base.MOVABLE[step]
        parts: dict[str, nn.Module] = {
            "generator": self.generator,
            "trunk": D.trunk,
            "d_head": D.d_head,
            "q_head": D.layers_of_q,
        }
        of_step = [term for term in self.terms if term.step == step]

        def parameters(part: base.Part | Term) -> list[nn.Parameter]:
            return list((part if isinstance(part, Term) else parts[part]).parameters())

        def leaves(part: base.Part | Term) -> list[Tensor]:
            """What gradients are computed for: a weight's bfloat16 copy, which the products read, where there is
            one."""
            return [self.bf16_copies.get(p, p) for p in parameters(part)]

        passes = backward_passes(of_step, leaves, order)
        moved = [p for part in order if any(part in term.moves for term in of_step) for p in parameters(part)]
        moved += [p for term in of_step for p in parameters(term)]
        return passes, Adam(moved, lr, self.config.beta1, self.bf16_copies)

    def step(self, images: Tensor, index: Tensor) -> Tensor:
        """One step of D, then one of G (and of Q with either: see terms/information.py).

        Args: images: uint8 [N, C, H, W], real ones; index: int64 [N], which training images they are.
        Returns: self.metrics of the update, a float32 vector on the device.
        """
        G, D = self.generator, self.discriminator
        batch, latent = images.float() / 255, self.latent.sample(len(images), self.streams["codes"])
        real, z, index = parallel.part(batch), parallel.part(latent), parallel.part(index)

        # D ascends V(D, G), and descends the other terms of its step.
        with torch.set_grad_enabled(self.config.g_latent == "same"):  # else G's step has a G(z) of its own
            fake, n = G(z), len(real)
        d_logits, q_params = D(torch.cat([real, fake.detach()]), real=n)
        (d_real, d_fake), (q_real, q_fake) = d_logits.split(n), q_params.split(n)
        seen = Seen(
            G, D, self.latent, self.streams, batch, index, z, real, fake.detach(), d_fake, q_fake, (d_real, q_real)
        )
        metrics = {"d_real": d_real.sigmoid().mean(), "d_fake": d_fake.sigmoid().mean()}
        descend(self.d_passes, seen)
        self.adam_d.step()
        metrics |= seen.metrics

        # G descends V(D, G) - lambda L_I(G, Q), and the other terms of its step.
        if self.config.g_latent == "fresh":
            z = parallel.part(self.latent.sample(len(images), self.streams["codes"]))
            fake = G(z)
        seen = Seen(G, D, self.latent, self.streams, batch, index, z, real, fake, *D(fake))
        descend(self.g_passes, seen)
        self.adam_g.step()
        metrics |= seen.metrics
        return torch.stack([metrics[name] for name in self.metrics]).detach()

    def decay_learning_rates(self, step: int) -> None:
        """Learning rates for the update after `step`: as configured, falling linearly to 0 over the last share
        lr_decay."""
        if not self.config.lr_decay:
            return
        share = min(1.0, (self.config.updates - step) / (self.config.lr_decay * self.config.updates))
        self.adam_d.set_learning_rate(share * self.config.lr_d)
        self.adam_g.set_learning_rate(share * self.config.lr_g)

    def tensors(self) -> dict[str, Tensor]:
        """All that a resumed run needs, by name."""
        out = self.streams.state()
        for name, network in (("generator", self.generator), ("discriminator", self.discriminator)):
            out |= {f"{name}.{key}": value for key, value in network.state_dict().items()}
        for term in self.terms:
            out |= {f"term.{term.name}.{term.step}.{key}": value for key, value in term.state_dict().items()}
        return out | self.adam_d.tensors("adam_d") | self.adam_g.tensors("adam_g")

    @torch.no_grad()
    def load_tensors(self, tensors: dict[str, Tensor], step: int = 0) -> None:
        """The inverse of tensors(), in place; `step` is the update that they were kept after."""
        for name, mine in self.tensors().items():
            if not name.startswith("stream."):
                mine.copy_(tensors[name])
        self.streams.load(tensors, step)
        for network in (self.generator, self.discriminator, self.term_modules):
            renew_bf16_copies(network)

    def fastest_step(self, *batch: Tensor) -> Callable[..., Tensor]:
        """The step as this device runs it fastest, for batches like this one: see infogan.accel.cuda_graph."""
        state = [tensor for name, tensor in self.tensors().items() if not name.startswith("stream.")]
        state += self.bf16_copies.values()

        def forget_gradients() -> None:
            self.adam_d.zero_grad()
            self.adam_g.zero_grad()

        return fastest(self.step, batch, self.streams, state, forget_gradients)
