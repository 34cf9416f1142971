"""Latent codes c and noise z: their priors, entropies and log Q(c|x) (paper, sections 4-6).

A latent specification is written as text: ``10c`` is one categorical code of ten categories,
``4x10c`` four of them, ``2u`` two codes Unif(-1, 1), ``1g`` one code N(0, 1); terms are joined
with ``+``. Noise is written the same way with ``u`` or ``g`` alone: ``62u``, ``62g``.
"""

import dataclasses
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from infogan.config import InputError

_TERM = re.compile(r"(?:([0-9]{1,9})x)?([0-9]{1,9})([a-z])")
LARGEST = 10_000
"""Numbers that G receives of all terms of a specification: more is a mistake, and would take all memory."""
_LOG_2PI = math.log(2 * math.pi)
_HELP = (
    "write terms such as 10c (one 10-way code), 4x10c (four of them), 2u (two Unif(-1,1)), 1g (one N(0,1)), "
    "joined with +"
)


def chosen(codes: str, n_classes: int | None) -> str:
    """The codes, or for "auto" a category for each of the data's classes, ten where it has no labels (None) or one
    class, and two continuous codes."""
    return codes if codes != "auto" else f"{n_classes if n_classes and n_classes > 1 else 10}c+2u"


@dataclass(frozen=True)
class Categorical:
    """`count` independent uniform categorical codes of `size` categories, given to G as one-hot vectors."""

    size: int
    count: int = 1

    def __str__(self) -> str:
        return f"{self.size}c" if self.count == 1 else f"{self.count}x{self.size}c"

    @property
    def width(self) -> int:
        """Numbers that G receives; Q has as many logits."""
        return self.size * self.count

    @property
    def entropy(self) -> float:
        """H(c) in nats: ln(size) for each code."""
        return self.count * math.log(self.size)

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        index = torch.randint(self.size, (n, self.count), generator=generator, device=generator.device)
        return torch.eye(self.size, device=index.device)[index].flatten(1)

    def log_q(self, code: Tensor, logits: Tensor) -> Tensor:
        """log Q(c|x) in nats, [N], of one-hot codes [N, width] under softmax logits [N, width]."""
        log_p = logits.unflatten(1, (self.count, self.size)).log_softmax(-1)
        return (log_p.flatten(1) * code).sum(1)


class Prior(NamedTuple):
    """Of one continuous code: its differential entropy in nats, and samples of a shape, on the generator's device."""

    entropy: float
    sample: Callable[[tuple[int, ...], torch.Generator], Tensor]


PRIORS = {
    "u": Prior(
        math.log(2), lambda shape, g: torch.empty(shape, device=g.device).uniform_(-1, 1, generator=g)
    ),  # Unif(-1, 1)
    "g": Prior(0.5 * (_LOG_2PI + 1), lambda shape, g: torch.randn(shape, generator=g, device=g.device)),  # N(0, 1)
}


@dataclass(frozen=True)
class Continuous:
    """`count` independent continuous codes whose prior is PRIORS[kind]: "u" for Unif(-1, 1), "g" for N(0, 1).

    Q models each as a Gaussian; its mean and, when learned, its log standard deviation are Q's parameters.
    """

    kind: str
    count: int

    def __str__(self) -> str:
        return f"{self.count}{self.kind}"

    @property
    def width(self) -> int:
        return self.count

    @property
    def entropy(self) -> float:
        """Differential entropy in nats: ln 2 for Unif(-1, 1), ln(2 pi e)/2 for N(0, 1), each times count."""
        return self.count * PRIORS[self.kind].entropy

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        return PRIORS[self.kind].sample((n, self.count), generator)

    def log_q(self, code: Tensor, mean: Tensor, log_std: Tensor | None = None) -> Tensor:
        """log Q(c|x) in nats, [N], of codes [N, count] under N(mean, exp(log_std)^2); std 1 where log_std is None."""
        error = code - mean
        if log_std is None:
            log_p = -0.5 * (error.square() + _LOG_2PI)
        else:
            log_p = -0.5 * ((error * (-log_std).exp()).square() + _LOG_2PI) - log_std
        return log_p.sum(1)


def parse(text: str) -> tuple[Categorical | Continuous, ...]:
    """Read a specification such as "10c+2u"; the empty text has no terms.

    Raises InputError naming the term that cannot be read, and for terms of more than LARGEST numbers.
    """
    terms: list[Categorical | Continuous] = []
    for word in text.replace(" ", "").split("+") if text.strip() else []:
        match = _TERM.fullmatch(word)
        if match is None or match[3] not in ("c", *PRIORS):
            raise InputError(f"cannot read the latent code term {word!r} in {text!r}: {_HELP}")
        times, number, kind = int(match[1] or 1), int(match[2]), match[3]
        if times == 0 or number == 0 or (kind == "c" and number == 1):
            least = "at least 2 categories" if kind == "c" else "at least 1"
            raise InputError(f"the latent code term {word!r} in {text!r} is empty: give {least}, or leave the term out")
        term = Categorical(number, times) if kind == "c" else Continuous(kind, times * number)
        if terms and dataclasses.replace(term, count=terms[-1].count) == terms[-1]:  # one code after another of a kind
            term = dataclasses.replace(term, count=term.count + terms.pop().count)
        terms.append(term)
    if (width := sum(term.width for term in terms)) > LARGEST:
        raise InputError(f"{text!r} has {width:,} numbers; give {LARGEST:,} at most")
    return tuple(terms)


class Latent:
    """The generator's whole input: codes c, which Q recovers, followed by noise z.

    Args:
        codes: text such as "10c+2u".
        noise: text such as "62u" or "62g"; may be empty.
        q_std: "learned" or "fixed" (to 1), Q's standard deviation of the continuous codes.
    """

    def __init__(self, codes: str, noise: str, q_std: str = "learned"):
        self.codes, self.noise = parse(codes), parse(noise)
        if not self.codes:
            raise InputError(f"no latent code in {codes!r}: InfoGAN needs at least one; {_HELP}")
        if any(isinstance(term, Categorical) for term in self.noise):
            raise InputError(f"noise {noise!r} must be continuous: write 62u (uniform) or 62g (normal)")
        self.q_std = q_std
        self.categorical = [c for c in self.codes if isinstance(c, Categorical)]
        self.continuous = [c for c in self.codes if isinstance(c, Continuous)]

    def __str__(self) -> str:
        return "+".join(map(str, self.codes))

    @cached_property
    def code_width(self) -> int:
        return sum(c.width for c in self.codes)

    @cached_property
    def width(self) -> int:
        """Numbers that G receives: 74 for the paper's MNIST codes and noise."""
        return self.code_width + sum(z.width for z in self.noise)

    @cached_property
    def q_width(self) -> int:
        """Q's parameters: a logit per category, a mean (and a log std when learned) per continuous code."""
        learned = sum(c.width for c in self.continuous) if self.q_std == "learned" else 0
        return self.code_width + learned

    @cached_property
    def _singles(self) -> list[tuple[Categorical | Continuous, slice]]:
        """Each single code: its term, and where it stands in G's input."""
        out, start = [], 0
        for term in self.codes:
            for _ in range(term.count):
                stop = start + term.width // term.count
                out.append((term, slice(start, stop)))
                start = stop
        return out

    @cached_property
    def categorical_sizes(self) -> list[int]:
        """The number of categories of each single categorical code, in order."""
        return [term.size for term, _ in self._singles if isinstance(term, Categorical)]

    def single_codes(self, kind: type) -> list[int]:
        """Positions, among all single codes, of those of one kind (Categorical or Continuous)."""
        return [i for i, (term, _) in enumerate(self._singles) if isinstance(term, kind)]

    def single_columns(self) -> list[slice]:
        """Where each single code stands in G's input, in order; the same columns hold its logits or its mean in Q's
        parameters."""
        return [at for _, at in self._singles]

    @cached_property
    def entropy(self) -> tuple[float, float]:
        """H(c) in nats: of all categorical codes, of all continuous codes (differential)."""
        return sum(c.entropy for c in self.categorical), sum((c.entropy for c in self.continuous), 0.0)

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """[N, width] float32 from the prior, on the generator's device."""
        return torch.cat([term.sample(n, generator) for term in self.codes + self.noise], dim=1)

    def log_q(self, latent: Tensor, q_params: Tensor) -> tuple[Tensor, Tensor]:
        """log Q(c|x) in nats of the categorical and of the continuous codes.

        Args:
            latent: [N, width] as sampled; q_params: [N, q_width] from Q.
        Returns: two tensors [N] (zeros where there is no such code).
        """
        parts: dict[type, list[Tensor]] = {Categorical: [], Continuous: []}
        start, std = 0, self.code_width
        for term in self.codes:
            at = slice(start, start := start + term.width)
            given = [latent[:, at], q_params[:, at]]
            if isinstance(term, Continuous) and self.q_std == "learned":
                given.append(q_params[:, std : std + term.width])
                std += term.width
            parts[type(term)].append(term.log_q(*given))
        categorical, continuous = (
            reduce(torch.add, some) if some else q_params.new_zeros(len(q_params)) for some in parts.values()
        )
        return categorical, continuous

    def category_logits(self, q_params: Tensor) -> list[Tensor]:
        """The logits of each single categorical code, [N, size], in Q's parameters [N, q_width]."""
        return [q_params[:, at] for term, at in self._singles if isinstance(term, Categorical)]

    def read(self, q_params: Tensor) -> tuple[Tensor, Tensor]:
        """Q's most likely codes: categories [N, number of categorical codes] int64, means [N, continuous] float."""
        none = q_params[:, :0]
        categories = [logits.argmax(1, keepdim=True) for logits in self.category_logits(q_params)]
        means = [q_params[:, at] for term, at in self._singles if isinstance(term, Continuous)]
        return torch.cat([none.long(), *categories], 1), torch.cat([none, *means], 1)

    def write(self, latent: Tensor, categories: Tensor, values: Tensor) -> Tensor:
        """A copy of `latent` [N, width] with these codes: the inverse of `read`."""
        for kind, part in ((Categorical, categories), (Continuous, values)):
            for code, column in zip(self.single_codes(kind), part.T):
                latent = self.set_code(latent, code, column)
        return latent

    def set_code(self, latent: Tensor, code: int, value: float | Tensor) -> Tensor:
        """A copy of `latent` [N, width] with one single code set: the traversals of figure 2.

        `code` counts the single codes in order (0 is c1); `value` is the category or the continuous value, or N of
        them.
        """
        latent, at = latent.clone(), self.single_columns()[code]
        values, size = torch.as_tensor(value).expand(len(latent)), at.stop - at.start
        latent[:, at] = (F.one_hot(values.long(), size) if size > 1 else values[:, None]).to(latent)
        return latent
