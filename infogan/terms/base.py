"""What a loss term is, what it sees of an update, and how the terms of a step share backward passes."""

import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from types import ModuleType
from typing import ClassVar, Literal

from torch import Tensor, nn

from infogan import terms
from infogan.accel import parallel
from infogan.codes import Latent
from infogan.config import Config
from infogan.data import augmentation
from infogan.errors import InputError
from infogan.networks import DiscriminatorQ, Generator
from infogan.randomness import Streams

Part = Literal["generator", "trunk", "d_head", "q_head"]
Step = Literal["D", "G"]
"""trunk: D's, which Q shares unless it has one of its own; q_head: all that Q does not share."""
MOVABLE: dict[Step, tuple[Part, ...]] = {
    "D": ("trunk", "d_head", "q_head"),
    "G": ("generator", "q_head", "trunk"),
}
"""The parts that each step's optimiser can move. Adam numbers its parameters in this order, and a checkpoint has the
numbers."""


@dataclass
class Seen:
    """One update as the terms see it. Images are float32 [N, C, H, W] in [0, 1], of this process's part of the batch.

    Each step has one of its own: in D's step `fake` is detached from G; in G's step all that D and Q say of images is
    said by the moved D, with gradients to G. D's logits are [N], Q's parameters [N, q_width].
    """

    generator: Generator
    discriminator: DiscriminatorQ
    latent: Latent
    streams: Streams
    batch: Tensor
    """The real images of all processes, of which `real` is this one's part."""
    index: Tensor
    """Which training images `real` are, int64 [N]."""
    z: Tensor
    """G's input [N, latent.width]."""
    real: Tensor
    fake: Tensor
    d_fake: Tensor
    q_fake: Tensor
    of_real: tuple[Tensor, Tensor] | None = None
    """D's logits and Q's parameters of the real images, where the step has them already."""
    metrics: dict[str, Tensor] = field(default_factory=dict)
    """What metrics.csv is to have of this update: scalars by name."""

    @cached_property
    def _of_real(self) -> tuple[Tensor, Tensor]:
        return self.of_real or self.discriminator(self.real)

    @property
    def d_real(self) -> Tensor:
        """D's logits [N] of the real images."""
        return self._of_real[0]

    @property
    def q_real(self) -> Tensor:
        """Q's parameters [N, q_width] of the real images."""
        return self._of_real[1]

    @cached_property
    def q_augmented(self) -> Tensor:
        """Q's parameters [N, q_width] for an augmented copy of each real image: made once, when a term asks."""
        augmented = augmentation.augment(self.batch, self.streams["augmentation"])
        return self.discriminator.q_params(parallel.part(augmented))


@dataclass(frozen=True)
class Context:
    """What a term may be built from."""

    config: Config
    latent: Latent
    image_shape: tuple[int, int, int]
    n_images: int
    """Training images."""


class Term(nn.Module):
    """One summand of D's or of G's loss.

    Its buffers and parameters are checkpointed; parameters of its own are moved by the step's optimiser beside the
    parts named.
    """

    name: ClassVar[str]
    step: Step
    """Whose step descends it."""
    moves: frozenset[Part]
    """The parts whose parameters its gradient moves."""
    reads: frozenset[Part]
    """The parts that its value depends on. Where it reads a part and does not move it, terms that move the part may not
    share its backward pass."""
    metrics: tuple[str, ...] = ()
    """The names that forward() adds to seen.metrics."""
    streams: tuple[str, ...] = ()
    """The random streams it draws from."""
    of_q: ClassVar[bool] = False
    """Whether it reads Q and not D. Where Q has a trunk of its own, such a term neither reads nor moves D's."""

    def __init__(self, weight: float = 1.0):
        super().__init__()
        self.weight = weight

    def forward(self, seen: Seen) -> Tensor:
        """The loss, a scalar that the step descends."""
        raise NotImplementedError

    def begin(self, discriminator: DiscriminatorQ, images: Tensor) -> None:
        """Called once, when the adversarial phase begins, with all training images uint8 [N, C, H, W]."""


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"infogan.terms.{name.replace('-', '_')}")


def build(context: Context) -> list[Term]:
    """All terms of a configuration: the GAN value and L_I, or what replaces them, then those it lists.

    A term's file has `build(context, weight, **settings)`, which returns its modules, one for each step that it is part
    of. Where the file has REPLACES, the term takes the place of the standard term of that name.
    """
    specs = terms.parse(context.config.terms)
    replaced = {getattr(_module(spec.name), "REPLACES", None) for spec in specs}
    standard = [terms.Spec(name, 1.0, {}) for name in terms.STANDARD if name not in replaced]
    built = [_module(spec.name).build(context, spec.weight, **spec.settings) for spec in (*standard, *specs)]
    made = [term for of_spec in built for term in of_spec]
    for term in made:
        if term.of_q and context.config.q_trunk == "own":
            term.moves, term.reads = term.moves - {"trunk"}, term.reads - {"trunk"}
        if unmoved := sorted(term.moves - set(MOVABLE[term.step])):
            raise ValueError(f"the term {term.name} moves {', '.join(unmoved)}, which {term.step}'s step does not move")
    recorded = {name for term in made for name in term.metrics}
    if missing := sorted({"loss_d", "loss_g"} - recorded):
        raise ValueError(f"no term records {', '.join(missing)}: a term that replaces the GAN value must")
    return made


def check(config: Config, latent: Latent) -> None:
    """Raises InputError for a setting that a term does not have, and for codes or fields that it cannot work with.

    The latter is said by `check(config, latent)` of the term's file, where it has one.
    """
    for spec in terms.parse(config.terms):
        module = _module(spec.name)
        allowed = list(inspect.signature(module.build).parameters)[2:]
        if unknown := sorted(set(spec.settings) - set(allowed)):
            names = ", ".join(unknown)
            raise InputError(f"the term {spec.name} has no setting {names}; allowed: {', '.join(allowed) or 'none'}")
        if hasattr(module, "check"):
            module.check(config, latent)


@dataclass
class BackwardPass:
    """Terms of one step whose sum can be differentiated at once, and the leaves that its gradient goes to."""

    terms: list[Term]
    leaves: list[Tensor]


def backward_passes(of_step: list[Term], leaves_of: Callable[[Part | Term], list[Tensor]], order: tuple[Part, ...]):
    """The terms of a step, in as few backward passes as their parts allow.

    Terms share a pass if each moves whatever it reads of the parts that the pass moves: otherwise the gradient of one
    would move a part that is another's alone (in G's step of equation 6 the GAN value must not move D's trunk, which
    L_I moves).

    Args: leaves_of: the tensors that gradients are computed for, of a part or of a term's own parameters; order: of the
    parts.
    Returns: list[BackwardPass].
    """
    groups: list[list[Term]] = []
    for term in of_step:
        for group in groups:
            moved = frozenset[Part]().union(term.moves, *(other.moves for other in group))
            if all(moved & other.reads <= other.moves for other in (*group, term)):
                group.append(term)
                break
        else:
            groups.append([term])
    passes = []
    for group in groups:
        moved = frozenset[Part]().union(*(term.moves for term in group))
        leaves = [leaf for part in order if part in moved for leaf in leaves_of(part)]
        passes.append(BackwardPass(group, leaves + [leaf for term in group for leaf in leaves_of(term)]))
    return passes


def descend(passes: list[BackwardPass], seen: Seen) -> None:
    """Leave the gradient of each pass's weighted sum in its leaves."""
    losses = []
    for one in passes:
        weighted = [loss if t.weight == 1 else t.weight * loss for t in one.terms for loss in (t(seen),)]
        losses.append(sum(weighted[1:], weighted[0]))
    for i, (one, loss) in enumerate(zip(passes, losses, strict=True)):
        loss.backward(inputs=one.leaves, retain_graph=i + 1 < len(passes))
