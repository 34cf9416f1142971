"""-lambda L_I(G, Q) (paper, equations 5 and 6), each kind of code with a lambda of its own."""

from torch import Tensor

from infogan.config import Config
from infogan.objective import information_bound
from infogan.terms.base import Context, Part, Seen, Step, Term

MOVES: dict[str, dict[Step, tuple[Part, ...]]] = {
    "both-steps": {"D": ("trunk", "q_head"), "G": ("generator",)},
    "generator-step": {"G": ("generator", "q_head", "trunk")},
    "q-head": {"G": ("generator", "q_head")},
    "detached": {"G": ("q_head",)},
}
"""By info_flow: the parts that L_I moves in D's step and in G's step. It is always computed in G's step."""


class Information(Term):
    """-(lambda_categorical L_I(categorical codes) + lambda_continuous L_I(continuous codes)), in nats."""

    name, of_q = "information", True

    def __init__(self, config: Config, step: Step, moves: tuple[Part, ...]):
        super().__init__()
        self.config, self.step, self.moves = config, step, frozenset(moves)
        self.reads = frozenset(("generator", "trunk", "q_head") if step == "G" else ("trunk", "q_head"))
        self.metrics = ("info_categorical_nats", "info_continuous_nats") if step == "G" else ()

    def forward(self, seen: Seen) -> Tensor:
        bound = information_bound(seen.latent, seen.z, seen.q_fake)
        seen.metrics.update(zip(self.metrics, bound))
        categorical, continuous = bound
        return -(self.config.lambda_categorical * categorical + self.config.lambda_continuous * continuous)


def build(context: Context, weight: float) -> list[Term]:
    config = context.config
    return [Information(config, step, moves) for step, moves in MOVES[config.info_flow].items()]
