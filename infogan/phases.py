"""The phases of a run: self-supervised pretraining, where a recipe has it, then the adversarial training."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from infogan.data import Batches
from infogan.learner import Learner
from infogan.pretraining.overclustering import Overclustering
from infogan.randomness import derive


class Phase(Protocol):
    """What the loop asks of a phase."""

    name: str
    length: int
    """Updates."""
    metrics: tuple[str, ...]
    """Names of what an update returns."""
    table: str
    """The CSV file, less its suffix, that has their rows."""
    prefix: str
    """Of their names, for observers."""
    evaluations: frozenset[int]
    """The updates after which validation images are measured; 0 is before the first."""

    def start(self) -> None:
        """Called once, before the first update; not where the phase is resumed."""

    def update(self, step: int) -> Tensor:
        """The update number `step`, counted from 0; returns the metrics, float32 [len(metrics)], on the device."""

    def finish(self, directory: Path, seconds: float) -> None:
        """Called after the last update, and again where a finished phase is resumed. seconds: of training so far."""

    def images(self, step: int) -> int:
        """Real images that the run has shown by the end of update `step`."""

    def position(self, step: int) -> dict[str, int]:
        """What status.json says of where the run stands."""

    def derived(self, row: Mapping) -> dict[str, float]:
        """What a row of the table has besides the metrics."""

    def tensors(self) -> dict[str, Tensor]:
        """What a checkpoint has in it besides the model's tensors."""

    def load_tensors(self, tensors: dict[str, Tensor]) -> None:
        """The inverse of tensors(), in place of start()."""


class Adversarial:
    """The training of G, D and Q (paper, equation 6)."""

    name, table, prefix = "adversarial", "metrics", ""

    def __init__(self, model: Learner, batches: Batches):
        self.model, self.batches, self.config = model, batches, model.config
        self.length, self.metrics = self.config.updates, model.metrics
        count = self.config.evaluations
        ends = {-(-self.length * k // count) for k in range(1, count + 1)}  # rounded up
        self.evaluations = frozenset(ends | ({0} if self.config.pretraining else set()))
        self._step: Callable[..., dict[str, Tensor]] | None = None

    def start(self) -> None:
        """Let the terms take what they need of the model as pretraining left it."""
        for term in self.model.terms:
            term.begin(self.model.discriminator, self.batches.images)

    def update(self, step: int) -> Tensor:
        index = self.batches.index(self.config.pretraining + step)  # the pretraining has shown the first batches
        batch = self.batches.images[index], index
        if self._step is None:
            self._step = self.model.fastest_step(*batch)
        self.model.decay_learning_rates(step)
        computed = self._step(*batch)
        self.model.average_generator(step)
        return torch.stack([computed[name] for name in self.metrics])

    def finish(self, directory: Path, seconds: float) -> None:
        """The model is the result."""

    def images(self, step: int) -> int:
        return self.config.images(step)

    def position(self, step: int) -> dict[str, int]:
        return {"step": step}

    def derived(self, row: Mapping) -> dict[str, float]:
        """L_I as a share of the codes' entropy."""
        bound = row["info_categorical_nats"] + row["info_continuous_nats"]
        return {"info_over_entropy": bound / sum(self.model.latent.entropy)}

    def tensors(self) -> dict[str, Tensor]:
        return {}

    def load_tensors(self, tensors: dict[str, Tensor]) -> None:
        """The phase has no tensors besides the model's."""


def phases(model: Learner, images: Tensor) -> list[Phase]:
    """Those of the model's configuration, in order. images: all training images, uint8 [N, C, H, W]."""
    batches = Batches(images, model.config.batch_size, derive(model.config.seed, "order"))
    before: list[Phase] = [Overclustering(model, batches)] if model.config.pretraining else []
    return [*before, Adversarial(model, batches)]
