"""The configuration of one run. Imports nothing heavy: `--help` stays instant."""

import dataclasses
import sys
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args, get_origin

from infogan.config.terms import LABELLED, Spec, parse
from infogan.utils.errors import InputError

try:
    from tyro.conf import Suppress  # the command line does not offer the field; reading a model needs no tyro
except ImportError:
    Suppress = None  # type: ignore[misc]

__all__ = ["RUNTIME_FIELDS", "Config", "InputError", "Network", "WandbMode", "from_dict"]

WandbMode = Literal["auto", "online", "offline", "disabled"]
Network = Literal["auto", "mnist", "svhn", "faces", "chairs", "dcgan", "digits"]

RUNTIME_FIELDS = ("device", "log_every", "evaluations", "checkpoint_every")
"""How a run is executed and recorded. The other fields are its recipe, which identifies it; these may change when it
resumes."""


@dataclass(frozen=True)
class Config:
    """The recipe of one training run, and how it is executed.

    A field that an older run's record does not have is read as its default here, which therefore never changes.
    """

    preset: Annotated[str, Suppress] = "authors"
    """Name of the preset the other values started from."""
    dataset: str = "mnist"
    """digits, mnist, fashion-mnist, kmnist, emnist-digits, emnist-letters, emnist-balanced, usps, svhn, celeba,
    rendered_chairs; sprites, faces3d, chairs3d (rendered here; chairs3d@32: at 32 x 32); or the path of an
    .npz file with `images`, or of a folder of images (FOLDER@64: at 64 x 64; without, 32 x 32;
    FOLDER@64:pad: padded to squares, not cropped)."""
    seed: int = 0
    """Seeds weights, data order, codes and augmentation, each through a random stream of its own."""

    codes: str = "10c+2u"
    """Latent codes: 10c one 10-way categorical, 4x10c four of them, 2u two Unif(-1,1), 1g one N(0,1). auto: as many
    categories as the training images have classes (10 without labels), and 2u; a run records what that was."""
    noise: str = "62u"
    """Noise z: 62u is 62 x Unif(-1,1), 62g is 62 x N(0,1)."""
    q_std: Literal["learned", "fixed"] = "fixed"
    """Q's standard deviation of continuous codes: learned, or fixed to 1."""
    network: Network = "auto"
    """The paper's networks for MNIST, SVHN and CelebA, faces or chairs; dcgan (Radford et al. 2016), whose depth and
    width follow the images' size, from 16 pixels; or ours for 8 x 8 digits. auto goes by the images' size: dcgan above
    32 pixels, which a run then records."""
    g_layers: Literal["paper", "blog", "batch-norm"] = "paper"
    """blog: batch norm has one mean for each of G's first maps and not for each of their units, and G's last layer
    has no bias. batch-norm: batch norm after every layer of G but the last (DCGAN, Radford et al. 2016), where the
    paper's networks for SVHN and CelebA have none after the third and fourth."""
    d_layers: Literal["paper", "no-norm"] = "paper"
    """no-norm: D's trunk without batch norm, through which D's logit of an image depends on the images beside it, and
    with it a gradient penalty. A trunk of Q's own keeps it."""
    initialisation: Literal["paper", "authors", "blog", "he"] = "paper"
    """paper: weights from N(0, 0.02), biases 0, batch norm's scale 1. authors: D's convolutions' weights cut off at
    two standard deviations, batch norm's scale from N(1, 0.02). blog: weights as in the paper, biases as torch draws
    them, batch norm's scale from N(1, 0.02). he: weights from N(0, 2 / inputs of a unit) (He et al. 2015) where a
    ReLU follows, which networks without batch norm need; all else as in the paper."""
    leaky_slope: float = 0.1
    """Slope of leaky ReLU below 0, in D and Q: 0.1 in the paper, 0.01 in the authors' code."""
    q_trunk: Literal["shared", "own"] = "shared"
    """Q's convolutions: those of D, as in every source, or a trunk of its own, so that what Q learns of real images
    does not change what D sees; its batch norm then takes the statistics of real images for generated ones."""
    spectral_norm: bool = False
    """Spectral normalisation (Miyato et al. 2018) of every layer of D's trunk and of its output. False in every
    source."""

    diffaugment: str = ""
    """DiffAugment (Zhao et al. 2020) of every image that D's trunk reads in training, real or generated: a list of
    colour, translation and cutout, joined with +. Empty, for none, in every source."""
    g_ema: float = 0.0
    """Decay of the exponential moving average of G's weights over the updates, such as 0.999: samples, measures and
    exports are of the average. 0, for none, in every source."""

    lambda_categorical: float = 1.0
    """Weight of the categorical codes' mutual-information lower bound L_I."""
    lambda_continuous: float = 1.0
    """Weight of the continuous codes' mutual-information lower bound L_I."""
    info_flow: Literal["both-steps", "generator-step", "q-head", "detached"] = "both-steps"
    """Which parts L_I trains. both-steps: D's step moves trunk and Q head, G's step moves G (authors' code).
    generator-step: G's step moves G, Q head and the shared trunk (equation 6). q-head: G's step moves G and
    the Q head (blog). detached: the Q head alone, on detached images (the plain GAN of figure 1)."""
    terms: str = ""
    """Loss terms beyond the paper, NAME:WEIGHT joined with +, such as iic:1+pseudo-labels:2. NAME: iic, pseudo-labels,
    contrastive (InfoGAN-CR), r1, r2, hinge or relativistic (in place of the non-saturating loss). Empty in every
    source."""
    labelled: int = 0
    """Training images whose labels Q's first code learns (ss-InfoGAN, Spurr et al. 2017): as many of each class, chosen
    by the seed. 0, for none, in every source."""
    pretraining: int = 0
    """Updates of self-supervised pretraining before the GAN begins: over-clustering of the real images on D's trunk,
    merging into categories, distillation into Q (infogan/pretraining). They come on top of `updates`. 0 in every
    source."""
    augmentation: str = "digits"
    """Copies of real images that the pretraining, iic and pseudo-labels learn from: digits (rotation, stretch, shear,
    shift, strokes), objects (crop, flip, brightness, erasing), none, or a list of these four with strengths, such as
    flip,crop=0.2."""
    lr_decay: float = 0.0
    """Share of the updates, at the end, over which both learning rates fall linearly to 0. Such a run cannot be made
    longer afterwards. 0 in every source."""
    g_latent: Literal["same", "fresh"] = "same"
    """The latents of G's step: those of D's step, or drawn anew as in the authors' code, which runs G twice."""
    d_loss: Literal["sum", "mean"] = "sum"
    """D's loss on real and on fake images: their sum, or their mean."""

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
    """Updates between two checkpoints; the end of a phase, and an interruption, always write one."""

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            _check_type(field, value)
            if field.name in _RANGES:
                allowed, expected = _RANGES[field.name]
                if not allowed(value):
                    raise InputError(f"{field.name} is {value}; give {expected}")
        parse(self.terms)

    @property
    def loss_terms(self) -> list[Spec]:
        """The terms listed, and `labelled` where there are labelled images."""
        return parse(self.terms) + ([Spec(LABELLED, 1.0, {})] if self.labelled else [])

    def images(self, step: int) -> int:
        """Real images shown by the end of update `step`, those of the pretraining included."""
        return (self.pretraining + step) * self.batch_size

    @property
    def is_scheduled(self) -> bool:
        """Whether what an update does depends on the length of the run, which then cannot become longer."""
        return self.lr_decay > 0 or any("start" in spec.settings for spec in parse(self.terms))


_COUNT = (lambda n: 1 <= n < 2**63, "1 or more, below 2**63")
_WEIGHT = (lambda x: 0 <= x <= sys.float_info.max, "0 or a positive number")
_RATE = (lambda x: 0 < x < 1, "a learning rate between 0 and 1, such as 2e-4")
_RANGES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "seed": (lambda n: 0 <= n < 2**63, "a whole number from 0 to 2**63 - 1"),
    "leaky_slope": (lambda x: 0 <= x < 1, "a slope in [0, 1), such as 0.1"),
    "g_ema": (lambda x: 0 <= x < 1, "0, or a decay below 1, such as 0.999"),
    "lambda_categorical": _WEIGHT,
    "lambda_continuous": _WEIGHT,
    "labelled": (lambda n: 0 <= n < 2**63, "0, or a number of images, such as 100"),
    "pretraining": (lambda n: n == 0 or 2 <= n < 2**63, "0, or 2 or more updates"),
    "lr_decay": (lambda x: 0 <= x <= 1, "a share of the run between 0 and 1, such as 0.5"),
    "lr_d": _RATE,
    "lr_g": _RATE,
    "beta1": (lambda x: 0 <= x < 1, "a value in [0, 1), such as 0.5"),
    "batch_size": (lambda n: 2 <= n < 2**63, "2 or more, which batch normalisation needs, below 2**63"),
    "updates": _COUNT,
    "log_every": _COUNT,
    "evaluations": _COUNT,
    "checkpoint_every": _COUNT,
}
"""The values that a field takes, and what to give instead of another."""
_TYPES: dict[object, tuple[tuple[type, ...], str]] = {
    bool: ((bool,), "give true or false"),
    int: ((int,), "give a whole number"),
    float: ((float, int), "give a number"),
    str: ((str,), "give a string"),
}
"""The types that a field of each type takes, and what to give instead of another."""


def _check_type(field: dataclasses.Field, value: object) -> None:
    """Raises InputError where a field's value is of another type, or none of those that are allowed."""
    if get_origin(field.type) is Literal:
        if value not in get_args(field.type):
            raise InputError(f"{field.name} is {value!r}; allowed: {', '.join(get_args(field.type))}")
        return
    kind = get_args(field.type)[0] if get_origin(field.type) is Annotated else field.type
    types, allowed = _TYPES[kind]
    if not isinstance(value, types) or (isinstance(value, bool) and kind is not bool):
        raise InputError(f"{field.name} is {value!r}; {allowed}")
    if isinstance(value, str) and any(unicodedata.category(c) == "Cc" for c in value):  # a library could print it
        raise InputError(f"{field.name} is {value!r}; give a string without control characters")


def from_dict(values: Any) -> Config:
    """A Config from stored values.

    Raises InputError naming unknown fields, and fields whose values a Config cannot have.
    """
    if not isinstance(values, dict) or not all(isinstance(name, str) for name in values):
        raise InputError(f"a configuration is {values!r}; give an object of fields and their values")
    known = {field.name for field in dataclasses.fields(Config)}
    if unknown := sorted(set(values) - known):
        raise InputError(f"unknown configuration fields {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    return Config(**values)
