"""The phases of a run: self-supervised pretraining, where a recipe has it, then the adversarial training.

A phase has a name, a length (updates), the names of the metrics that its updates return, the table that they are
written to and the prefix that observers are given them with, the updates after which validation images are measured,
and what a checkpoint has in it besides the model's tensors.
"""

from collections.abc import Callable

from torch import Tensor

from infogan.data import Batches
from infogan.pretraining.overclustering import Overclustering
from infogan.training import InfoGAN


class Pretraining:
    """Self-supervised pretraining of D's trunk and Q, see infogan.pretraining.overclustering."""

    name = table = "pretraining"
    prefix = "pretraining/"
    evaluations = frozenset[int]()

    def __init__(self, model: InfoGAN, batches: Batches):
        config = model.config
        self.overclustering = Overclustering(
            config, model.latent, model.discriminator, model.bf16_copies, batches.at, model.streams
        )
        self.length, self.batch_size, self.metrics = config.pretraining, config.batch_size, self.overclustering.metrics

    def update(self, step: int) -> Tensor:
        return self.overclustering.update(step)

    def images(self, step: int) -> int:
        return step * self.batch_size

    def position(self, step: int) -> dict[str, int]:
        """What status.json says of where the run stands."""
        return {"step": 0, "pretraining_step": step}

    def derived(self, row: dict) -> dict[str, float]:
        """What a row of the table has besides the phase's metrics."""
        return {}

    def tensors(self) -> dict[str, Tensor]:
        return self.overclustering.tensors()

    def load_tensors(self, tensors: dict[str, Tensor]) -> None:
        self.overclustering.load_tensors(tensors)


class Adversarial:
    """The training of G, D and Q (paper, equation 6)."""

    name, table = "adversarial", "metrics"
    prefix = ""

    def __init__(self, model: InfoGAN, batches: Batches):
        config = model.config
        self.model, self.batches = model, batches
        self.length, self.metrics = config.updates, model.metrics
        count = config.evaluations
        self.evaluations = frozenset(-(-config.updates * k // count) for k in range(1, count + 1))  # rounded up
        self._fastest_step: Callable[..., Tensor] | None = None

    def begin(self) -> None:
        """Let the terms take what they need of the model as pretraining left it; not called when the phase is
        resumed."""
        for term in self.model.terms:
            term.begin(self.model.discriminator, self.batches.images)

    def update(self, step: int) -> Tensor:
        index = self.batches.index(self.model.config.pretraining + step)  # the pretraining has shown the first batches
        batch = self.batches.images[index], index
        if self._fastest_step is None:
            self._fastest_step = self.model.fastest_step(*batch)
        self.model.decay_learning_rates(step)
        return self._fastest_step(*batch)

    def images(self, step: int) -> int:
        return self.model.config.images(step)

    def position(self, step: int) -> dict[str, int]:
        return {"step": step}

    def derived(self, row: dict) -> dict[str, float]:
        """L_I as a share of the codes' entropy."""
        bound = row["info_categorical_nats"] + row["info_continuous_nats"]
        return {"info_over_entropy": bound / sum(self.model.latent.entropy)}

    def tensors(self) -> dict[str, Tensor]:
        return {}

    def load_tensors(self, tensors: dict[str, Tensor]) -> None:
        """The phase has no tensors besides the model's."""
