"""What a loss is, what it may read of an update, and how the losses of a step share backward passes.

The losses of the paper are in infogan.algorithm. A term is a loss of a later paper, a file of this folder each.
"""

import importlib
import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any, ClassVar, Literal, NamedTuple

from torch import Generator as RandomGenerator
from torch import Tensor, nn

from infogan.codes import Latent
from infogan.config import Config
from infogan.networks import DiscriminatorQ, Generator
from infogan.utils.errors import InputError

Step = Literal["D", "G"]


@dataclass
class Context:
    """One step as its losses see it. Images are float32 [N, C, H, W] in [0, 1]; D's logits are [N], Q's parameters
    [N, latent.q_width].

    Each step has one of its own: in D's step `fake` is detached from G; in G's step all that D and Q say of images is
    said by the moved D, with gradients to G.
    """

    G: Generator
    D: DiscriminatorQ
    latent: Latent
    random: Mapping[str, RandomGenerator]
    """By purpose."""
    augment: Callable[[Tensor, RandomGenerator], Tensor]
    """Makes the copies of real images that Q learns from."""
    diffaugment: Callable[[Tensor], Tensor]
    """Of what D's trunk reads, see infogan.training.diffaugment."""
    index: Tensor
    """Which training images `real` are, int64 [N]."""
    real: Tensor
    z: Tensor
    """G's input [N, latent.width]."""
    fake: Tensor
    d_fake: Tensor
    q_fake: Tensor
    of_real: tuple[Tensor, Tensor] | None = None
    """D's logits and Q's parameters of the real images, where the step has them already."""

    @cached_property
    def _of_real(self) -> tuple[Tensor, Tensor]:
        return self.of_real or self.D(self.real, 0, self.diffaugment(self.real))

    @property
    def d_real(self) -> Tensor:
        return self._of_real[0]

    @property
    def q_real(self) -> Tensor:
        return self._of_real[1]

    def discriminate(self, images: Tensor) -> Tensor:
        """D's logits [N] of images, augmented as all that D reads; batch norm normalises them by their own
        statistics."""
        return self.D.discriminate(self.diffaugment(images))

    @cached_property
    def q_augmented(self) -> Tensor:
        """Q's parameters for an augmented copy of each real image: made once, when a term asks."""
        return self.D.q_params(self.augment(self.real, self.random["augmentation"]))


class Loss(NamedTuple):
    """A summand of D's or of G's loss.

    value: a scalar that the step descends. trains: the names of the parts that it trains, "generator", "trunk",
    "d_head", "q"; or a module of its own. constant: the parts that it reads besides. log: scalars by name.
    """

    value: Tensor
    trains: Collection[str | nn.Module]
    constant: Collection[str] = ()
    log: Mapping[str, Tensor] = {}

    def conflicts(self, other: "Loss") -> bool:
        """Whether one of the two trains what the other holds constant."""
        return bool({*self.trains} & {*other.constant} or {*other.trains} & {*self.constant})


def descend(
    losses: Sequence[Loss], parts: Mapping[str, nn.Module], leaf: Callable[[nn.Parameter], Tensor], optimiser: Any
) -> dict[str, Tensor]:
    """Move by each loss what it trains, and nothing else; returns what the losses log.

    Losses share a backward pass unless one trains what another holds constant: in G's step of equation 6 the GAN value
    must not move D's trunk, which L_I moves.
    """
    groups: list[list[Loss]] = []
    for loss in losses:
        for group in groups:
            if not any(loss.conflicts(other) for other in group):
                group.append(loss)
                break
        else:
            groups.append([loss])
    for group in groups:
        trained = dict.fromkeys(part for loss in group for part in loss.trains)
        modules = [parts[part] if isinstance(part, str) else part for part in trained]
        leaves = [leaf(weight) for module in modules for weight in module.parameters()]
        total = sum((loss.value for loss in group[1:]), group[0].value)
        total.backward(inputs=leaves, retain_graph=group is not groups[-1])
    optimiser.step()
    optimiser.zero_grad()
    return {name: value.detach() for loss in losses for name, value in loss.log.items()}


@dataclass(frozen=True)
class Settings:
    """What a term may be built from."""

    config: Config
    latent: Latent
    image_shape: tuple[int, int, int]
    n_images: int
    """Training images."""
    labels: Tensor | None = None
    """Their classes, int64 [n_images], where they have any; for the term `labelled` alone."""


class Term(nn.Module):
    """A loss of a later paper, in D's step or in G's.

    Its buffers and parameters are checkpointed; parameters of its own are moved by the step's optimiser beside the
    parts named.
    """

    name: ClassVar[str]
    step: Step
    trains: frozenset[str]
    """The parts that it trains; a term of Q does not train the shared trunk where Q has one of its own."""
    constant: frozenset[str] = frozenset()
    """The parts that it reads besides."""
    metrics: tuple[str, ...] = ()
    """The names that forward() logs."""
    random: tuple[str, ...] = ()
    """The purposes of the random generators it draws from."""
    of_q: ClassVar[bool] = False
    """Whether it reads Q and not D."""
    replaces_value: ClassVar[bool] = False
    """Whether it takes the place of the GAN value."""

    def __init__(self, weight: float = 1.0):
        super().__init__()
        self.weight = weight

    def forward(self, context: Context) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss before its weight, and what is logged of it."""
        raise NotImplementedError

    def loss(self, context: Context) -> Loss:
        value, log = self(context)
        own = (self,) if any(True for _ in self.parameters()) else ()
        return Loss(value if self.weight == 1 else self.weight * value, (*self.trains, *own), self.constant, log)

    def begin(self, discriminator: DiscriminatorQ, images: Tensor) -> None:
        """Called once, when the adversarial phase begins, with all training images uint8 [N, C, H, W]."""


class DiscriminatorValue(Term):
    """D's part of another GAN value than the paper's, in its place."""

    step, trains, metrics, replaces_value = "D", frozenset(("trunk", "d_head")), ("loss_d",), True


class GeneratorValue(Term):
    """G's part of another GAN value than the paper's, in its place."""

    step, trains, constant = "G", frozenset(("generator",)), frozenset(("trunk", "d_head"))
    metrics, replaces_value = ("loss_g",), True


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"infogan.terms.{name.replace('-', '_')}")


def build(settings: Settings) -> list[Term]:
    """The terms of a configuration.

    A term's file has `build(settings, weight, **options)`, which returns its modules, one for each step that it is part
    of.
    """
    specs = settings.config.loss_terms
    built = [_module(spec.name).build(settings, spec.weight, **spec.settings) for spec in specs]
    made: list[Term] = [term for of_spec in built for term in of_spec]
    for term in made:
        if term.of_q and settings.config.q_trunk == "own":
            term.trains, term.constant = term.trains - {"trunk"}, term.constant - {"trunk"}
    return made


def check(config: Config, latent: Latent) -> None:
    """Raises InputError for a setting that a term does not have, and for codes or fields that it cannot work with.

    The latter is said by `check(config, latent, **options)` of the term's file, where it has one.
    """
    for spec in config.loss_terms:
        module = _module(spec.name)
        allowed = list(inspect.signature(module.build).parameters)[2:]
        if unknown := sorted(set(spec.settings) - set(allowed)):
            names = ", ".join(unknown)
            raise InputError(f"the term {spec.name} has no setting {names}; allowed: {', '.join(allowed) or 'none'}")
        if hasattr(module, "check"):
            module.check(config, latent, **spec.settings)


def check_labels(config: Config, latent: Latent, labels: Tensor | None) -> None:
    """Raises InputError for labels of the training images that a term cannot work with: said by its file's
    `check_labels`, where it has one."""
    for spec in config.loss_terms:
        if hasattr(module := _module(spec.name), "check_labels"):
            module.check_labels(config, latent, labels, **spec.settings)
