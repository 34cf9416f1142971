"""InfoGAN's update (Chen et al. 2016): a step of D, then a step of G, each of which descends a list of losses.

The networks have four parts: the generator; the trunk, which D and Q share; d_head, D's output on it; and q, all that
is Q's alone. A loss trains some of the parts, and all others are constant to it (see infogan.terms.base.Loss). The
sources agree on the losses, and differ in the parts that L_I trains.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from infogan.codes import Latent
from infogan.config import Config
from infogan.networks import DiscriminatorQ, Generator
from infogan.terms.base import Context, Loss, Step, Term, descend

TRAINED_BY_INFORMATION: dict[str, dict[Step, tuple[str, ...]]] = {
    "both-steps": {"D": ("trunk", "q"), "G": ("generator",)},  # the authors' code
    "generator-step": {"D": (), "G": ("generator", "q", "trunk")},  # equation 6
    "q-head": {"D": (), "G": ("generator", "q")},  # the blog's notebook
    "detached": {"D": (), "G": ("q",)},  # the regular GAN of figure 1, whose Q is fitted beside it
}


def discriminator_value(x: Context, reduction: str) -> Loss:
    """-V(D, G) (equation 1) of D's logits: the sum of its two expectations, or their mean (the blog)."""
    loss = F.softplus(-x.d_real).mean() + F.softplus(x.d_fake).mean()
    loss = loss if reduction == "sum" else loss / 2
    return Loss(loss, trains=("trunk", "d_head"), log={"loss_d": loss})


def generator_value(x: Context) -> Loss:
    """-E log D(G(z, c)) of D's logits: the non-saturating form of G's part of V."""
    loss = F.softplus(-x.d_fake).mean()
    return Loss(loss, trains=("generator",), constant=("trunk", "d_head"), log={"loss_g": loss})


def information_bound(latent: Latent, z: Tensor, q_params: Tensor) -> tuple[Tensor, Tensor]:
    """L_I = E[log Q(c|x)] + H(c) <= I(c; G(z, c)) (equation 5), in nats.

    Args: z: [N, latent.width], G's input; q_params: [N, latent.q_width], Q's parameters for G(z).
    Returns: the bound of the categorical codes (at most their H(c)) and that of the continuous ones (not bounded by
    their differential entropy where Q learns its standard deviation), two scalars.
    """
    (categorical, continuous), (h_categorical, h_continuous) = latent.log_q(z, q_params), latent.entropy
    return categorical.mean() + h_categorical, continuous.mean() + h_continuous


def information(x: Context, config: Config, trains: Collection[str]) -> Loss:
    """-lambda L_I(G, Q) (equation 6), each kind of code with a lambda of its own."""
    categorical, continuous = information_bound(x.latent, x.z, x.q_fake)
    loss = -(config.lambda_categorical * categorical + config.lambda_continuous * continuous)
    constant = [part for part in ("generator", *x.D.parts_of_q) if part not in trains]
    return Loss(loss, trains, constant, {"info_categorical_nats": categorical, "info_continuous_nats": continuous})


class Optimiser(Protocol):
    """Adam of some parameters, as torch's or as a faster one."""

    def step(self) -> None: ...

    def zero_grad(self) -> None: ...


def torch_adam(parameters: list[nn.Parameter], lr: float, beta1: float) -> Optimiser:
    return torch.optim.Adam(parameters, lr, (beta1, 0.999))


class InfoGAN:
    """G, D and Q with their two optimisers, and the update.

    Args: random: generators by purpose; terms: losses of later papers, which join D's or G's. From outside come the
    augmentation of the copies that terms learn from, that of what D's trunk reads (training/diffaugment.py), and faster
    arithmetic: adam(parameters, lr, beta1), and leaf(weight), the tensor that a weight's gradient is taken of.
    """

    def __init__(
        self,
        G: Generator,
        D: DiscriminatorQ,
        latent: Latent,
        config: Config,
        random: Mapping[str, torch.Generator],
        terms: Sequence[Term] = (),
        augment: Callable[[Tensor, torch.Generator], Tensor] = lambda images, random: images,
        diffaugment: Callable[[Tensor], Tensor] = lambda images: images,
        adam: Callable[[list[nn.Parameter], float, float], Optimiser] = torch_adam,
        leaf: Callable[[nn.Parameter], Tensor] = lambda weight: weight,
    ):
        self.generator, self.discriminator, self.latent, self.config = G, D, latent, config
        self.random, self.terms, self.leaf = random, terms, leaf
        self.augment, self.diffaugment = augment, diffaugment
        self.parts = {"generator": G, "trunk": D.trunk, "d_head": D.d_head, "q": D.layers_of_q}
        self.adam_d = adam(self.trained("D", ("trunk", "d_head", "q")), config.lr_d, config.beta1)
        self.adam_g = adam(self.trained("G", ("generator", "q", "trunk")), config.lr_g, config.beta1)

    def information_trains(self, step: Step) -> tuple[str, ...]:
        trains = TRAINED_BY_INFORMATION[self.config.info_flow][step]
        return tuple(part for part in trains if part in ("generator", *self.discriminator.parts_of_q))

    def trained(self, step: Step, parts: tuple[str, ...]) -> list[nn.Parameter]:
        """The parameters that the losses of a step train, in this order of the parts, and the terms' own."""
        terms = [term for term in self.terms if term.step == step]
        value = {"D": ("trunk", "d_head"), "G": ("generator",)}[step]
        trains = {*value, *self.information_trains(step), *(part for term in terms for part in term.trains)}
        if unmoved := ", ".join(sorted(trains - {*parts})):
            raise ValueError(f"a term trains {unmoved} in {step}'s step, whose optimiser has {', '.join(parts)}")
        modules = [self.parts[part] for part in parts if part in trains] + terms
        return [parameter for module in modules for parameter in module.parameters()]

    def losses(self, step: Step, x: Context) -> list[Loss]:
        """What D's or G's step descends: the GAN value, L_I where the step trains a part by it, and the terms."""
        losses, terms = [], [term for term in self.terms if term.step == step]
        if not any(term.replaces_value for term in terms):
            losses.append(discriminator_value(x, self.config.d_loss) if step == "D" else generator_value(x))
        if trains := self.information_trains(step):
            losses.append(information(x, self.config, trains))
        return losses + [term.loss(x) for term in terms]

    def step(self, images: Tensor, index: Tensor) -> dict[str, Tensor]:
        """One update: D's step, then G's.

        Args: images: real ones, uint8 [N, C, H, W]; index: which training images they are, int64 [N].
        Returns: scalars by name: the losses, L_I in nats, and D's mean probability of real and of generated images.
        """
        G, D, n = self.generator, self.discriminator, len(images)
        real, z = images.float() / 255, self.latent.sample(n, self.random["codes"])

        # D ascends V(D, G), and descends the other losses of its step.
        with torch.set_grad_enabled(self.config.g_latent == "same"):
            fake = G(z)
        both = torch.cat([real, fake.detach()])
        d, q = D(both, n, self.diffaugment(both))
        (d_real, d_fake), (q_real, q_fake) = d.split(n), q.split(n)
        common = (G, D, self.latent, self.random, self.augment, self.diffaugment, index, real)
        x = Context(*common, z, fake.detach(), d_fake, q_fake, (d_real, q_real))
        log = {"d_real": d_real.detach().sigmoid().mean(), "d_fake": d_fake.detach().sigmoid().mean()}
        log |= descend(self.losses("D", x), self.parts, self.leaf, self.adam_d)

        # G descends V(D, G) - lambda L_I(G, Q), and the other losses of its step. D and Q are as D's step moved them.
        if self.config.g_latent == "fresh":
            z = self.latent.sample(n, self.random["codes"])
            fake = G(z)
        x = Context(*common, z, fake, *D(fake, 0, self.diffaugment(fake)))
        return log | descend(self.losses("G", x), self.parts, self.leaf, self.adam_g)
