"""The configuration of one run, and the named presets. Imports nothing heavy: `--help` stays instant."""

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Literal, get_args, get_origin

import tyro


class InputError(Exception):
    """Something the user gave cannot be used; the message is one line that says what would.

    Not a ValueError, which the command-line parser would catch and wrap in its own words.
    """


WandbMode = Literal["auto", "online", "offline", "disabled"]


@dataclass(frozen=True)
class Config:
    """Everything that decides what one training run computes."""

    preset: Annotated[str, tyro.conf.Suppress] = "authors"
    """Name of the preset the other values started from."""
    dataset: str = "mnist"
    """digits, mnist, fashion-mnist, svhn, celeba, rendered_chairs; sprites, faces3d, chairs3d (rendered here; chairs3d@32: at
    32 x 32); or the path of an .npz file with `images`, or of a folder of images (FOLDER@64: at 64 x 64; without, 32 x 32)."""
    seed: int = 0
    """One integer seeds weights, data order and codes, each through its own stream."""

    codes: str = "10c+2u"
    """Latent codes: 10c one 10-way categorical, 4x10c four of them, 2u two Unif(-1,1), 1g one N(0,1)."""
    noise: str = "62u"
    """Noise z: 62u is 62 x Unif(-1,1), 62g is 62 x N(0,1)."""
    q_std: Literal["learned", "fixed"] = "fixed"
    """Q's standard deviation of continuous codes: learned, or fixed to 1."""
    network: Literal["auto", "mnist", "svhn", "faces", "chairs", "digits"] = "auto"
    """The paper's networks for MNIST, SVHN and CelebA, faces or chairs, or ours for 8 x 8 digits; auto goes by the images' size."""

    lambda_categorical: float = 1.0
    """Weight of the categorical codes' mutual-information lower bound."""
    lambda_continuous: float = 1.0
    """Weight of the continuous codes' mutual-information lower bound."""
    info_flow: Literal["both-steps", "generator-step", "q-head", "detached"] = "both-steps"
    """Whom the bound trains. both-steps: D's step moves trunk and Q head, G's step moves G (authors' code).
    generator-step: G's step moves G, Q head and the shared trunk (equation 6). q-head: G's step moves G and
    the Q head (blog). detached: the Q head alone, on detached images (the plain GAN of figure 1)."""
    consistency: float = 0.0
    """Beyond the paper: weight, in D's step, of the mutual information between Q's categories for a real image and for a
    copy of it (rotated, stretched, sheared, shifted, one in two scratched), its logits times 10. 0 in every source."""
    warm_up: int = 0
    """Beyond the paper: updates before the GAN begins, in which D's trunk sorts the real images into clusters, these are merged
    into the categories, and Q learns them (infogan/clusters.py). They come on top of `updates`, and are kept only when all are done.
    0 in every source."""
    hold: float = 0.0
    """Beyond the paper: weight, in D's step, of the cross-entropy of Q's categories for a real image and for its copy with
    the category that Q gave the image when the warm-up was done, where it was sure. 0 in every source."""
    cool_down: float = 0.0
    """Beyond the paper: share of the updates, at the end, over which both learning rates fall to 0, linearly. 0 in every source.
    Such a run cannot be made longer afterwards."""
    d_loss: Literal["sum", "mean"] = "sum"
    """D's loss on real and on fake images: their sum, or their mean."""
    d_norm: Literal["apart", "together"] = "apart"
    """D's batch norm: real and generated images normalised apart (every source), where a batch of nearly equal images looks
    varied to D; or, beyond the paper, together."""

    lr_d: float = 2e-4
    """Adam's learning rate for D."""
    lr_g: float = 1e-3
    """Adam's learning rate for G."""
    beta1: float = 0.5
    """Adam's first decay rate."""
    batch_size: int = 128
    """Images in one update of D and one of G."""
    updates: int = 5000
    """Length of the run: one update is a step of D and a step of G."""

    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """float32 is the reference; bfloat16 is the fast path; auto takes bfloat16 where the processor has it."""
    device: str = "auto"
    """cpu, cuda, cuda:1 ...; auto takes a GPU where there is one."""
    log_every: int = 10
    """Updates between two rows of metrics.csv."""
    evaluations: int = 10
    """How often, evenly over the run, validation images are measured and samples drawn."""
    checkpoint_every: int = 500
    """Updates between two checkpoints; the end, and an interruption after the warm-up, always write one."""

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if get_origin(field.type) is Literal and value not in get_args(field.type):
                raise InputError(f"{field.name} is {value!r}; allowed: {', '.join(get_args(field.type))}")
        for name in ("batch_size", "updates", "log_every", "evaluations", "checkpoint_every"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}; give 1 or more")
        if self.batch_size < 2:
            raise InputError("batch_size is 1; batch normalisation needs 2 or more")
        for name in ("lr_d", "lr_g"):
            if not 0 < getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}; give a learning rate between 0 and 1, such as 2e-4")
        if not 0 <= self.beta1 < 1:
            raise InputError(f"beta1 is {self.beta1}; give a value in [0, 1), such as 0.5")
        if self.warm_up < 0 or self.warm_up == 1:
            raise InputError(f"warm_up is {self.warm_up}; give 0, or 2 or more updates")
        if not 0 <= self.cool_down <= 1:
            raise InputError(f"cool_down is {self.cool_down}; give a share of the run between 0 and 1, such as 0.5")
        for name in ("consistency", "hold"):
            value = getattr(self, name)
            if value and self.info_flow != "both-steps":
                raise InputError(
                    f"{name} is {value} with info_flow {self.info_flow}; it trains Q in D's step: give 0, or info_flow both-steps"
                )
            if value and self.d_norm == "together":
                raise InputError(
                    f"{name} is {value} with d_norm together, where an image and its copy would be normalised differently: give 0, or d_norm apart"
                )
        if self.hold and not self.warm_up:
            raise InputError(
                f"hold is {self.hold} without a warm-up, whose end it holds Q to: give 0, or a warm_up such as 1000"
            )
        for name in ("lambda_categorical", "lambda_continuous", "consistency", "hold"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise InputError(f"{name} is {getattr(self, name)}; give 0 or a positive number")

    def images(self, step: int) -> int:
        """Real images shown by the end of update `step`, those of the warm-up included."""
        return (self.warm_up + step) * self.batch_size


def from_dict(values: dict) -> Config:
    """A Config from stored values; raises InputError naming unknown fields."""
    known = {field.name for field in dataclasses.fields(Config)}
    if unknown := sorted(set(values) - known):
        raise InputError(f"unknown configuration fields {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    return Config(**values)
