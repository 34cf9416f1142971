"""The phases of a run: self-supervised pretraining, where a recipe has it, then the adversarial training."""

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from infogan.data import Batches
from infogan.training.learner import Learner


class Phase:
    """A part of a run, as the loop of infogan.training asks for it."""

    name: str
    length: int
    """Updates."""
    updates_before = 0
    """Those of the phases before it."""
    metrics: tuple[str, ...]
    """Names of what an update returns."""
    table: str
    """The CSV file, less its suffix, that has their rows."""
    prefix = ""
    """Of their names, for observers."""
    evaluations: frozenset[int] = frozenset()
    """The updates after which validation images are measured; 0 is before the first."""

    def start(self) -> None:
        """Called once, before the first update; not where the phase is resumed."""

    def update(self, step: int) -> Tensor:
        """The update number `step`, counted from 0; returns the metrics, float32 [len(metrics)], on the device."""
        raise NotImplementedError

    def finish(self, directory: Path, seconds: float) -> None:
        """Called after the last update, and again where a finished phase is resumed. seconds: of training so far."""

    def position(self, step: int) -> dict[str, int]:
        """What status.json says of where the run stands."""
        return {"step": step}

    def derived(self, row: Mapping) -> dict[str, float]:
        """What a row of the table has besides the metrics."""
        return {}

    def tensors(self) -> dict[str, Tensor]:
        """What a checkpoint has in it besides the model's tensors."""
        return {}

    def load_tensors(self, tensors: dict[str, Tensor]) -> None:
        """The inverse of tensors(), in place of start()."""


class Adversarial(Phase):
    """The training of G, D and Q (paper, equation 6)."""

    name, table = "adversarial", "metrics"

    def __init__(self, model: Learner, batches: Batches):
        self.model, self.batches, config = model, batches, model.config
        self.length, self.updates_before, self.metrics = config.updates, config.pretraining, model.metrics
        ends = {-(-self.length * k // config.evaluations) for k in range(1, config.evaluations + 1)}  # rounded up
        self.evaluations = frozenset(ends | ({0} if config.pretraining else set()))
        self._step: Callable[..., dict[str, Tensor]] | None = None

    def start(self) -> None:
        """Let the terms take what they need of the model as pretraining left it."""
        for term in self.model.terms:
            term.begin(self.model.discriminator, self.batches.images)

    def update(self, step: int) -> Tensor:
        index = self.batches.index(self.updates_before + step)
        batch = self.batches.images[index], index
        if self._step is None:
            self._step = self.model.fastest_step(*batch)
        self.model.decay_learning_rates(step)
        computed = self._step(*batch)
        self.model.average_generator(step)
        return torch.stack([computed[name] for name in self.metrics])

    def derived(self, row: Mapping) -> dict[str, float]:
        """L_I as a share of the codes' entropy."""
        bound = row["info_categorical_nats"] + row["info_continuous_nats"]
        return {"info_over_entropy": bound / sum(self.model.latent.entropy)}
