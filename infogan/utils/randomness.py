"""Random generators, one for each purpose, so that a change of one leaves the others as they were."""

import hashlib
import sys

import torch
from torch import Tensor


def derive(seed: int, purpose: str) -> int:
    """An independent seed for each purpose."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{purpose}".encode()).digest()[:6], "big")


class RandomGenerators(dict[str, torch.Generator]):
    """Generators on one device by purpose, each made when it is first asked for; see `state` for resuming."""

    def __init__(self, seed: int, device: torch.device):
        super().__init__()
        self.seed, self.device = seed, device

    def __missing__(self, purpose: str) -> torch.Generator:
        self[purpose] = torch.Generator(self.device).manual_seed(derive(self.seed, purpose))
        return self[purpose]

    def renew(self) -> None:
        """Put new generators in the places of all: a capture for a CUDA graph that failed leaves them unusable."""
        for purpose in list(self):
            self[purpose] = torch.Generator(self.device).manual_seed(derive(self.seed, purpose))

    def state(self) -> dict[str, Tensor]:
        """What a resumed run needs, by name."""
        return {f"random.{purpose}": generator.get_state() for purpose, generator in self.items()}

    def load(self, tensors: dict[str, Tensor], step: int) -> None:
        """The inverse of state().

        A GPU's state does not fit the CPU and the reverse: on the other device each generator begins anew, from the
        update's number.
        """
        for purpose, generator in list(self.items()):
            stored = tensors[f"random.{purpose}"]
            if stored.shape == generator.get_state().shape:
                generator.set_state(stored)
                continue
            generator.manual_seed(derive(self.seed, f"{purpose}-{step}"))
            print(
                f"the random generator of {purpose} was of another kind of device: it begins anew at update {step}",
                file=sys.stderr,
            )
