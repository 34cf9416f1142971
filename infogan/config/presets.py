"""The named presets: what each source states, as data; and how a configuration differs from its preset."""

import dataclasses
import re
from pathlib import Path

from infogan.config import RUNTIME_FIELDS, Config

PRESETS: dict[str, tuple[Config, str]] = {}
"""By name: the configuration, and what it is of."""


def _preset(name: str, text: str, parent: str | None = None, **changes) -> None:
    """Enter a preset: another one, or else the defaults, with these changes."""
    base = PRESETS[parent][0] if parent else Config()
    PRESETS[name] = (dataclasses.replace(base, preset=name, **changes), text)


# What differs between the sources, and nothing else. The authors' code states every value; where the paper or the blog
# is silent its preset keeps the authors' value, but for two: weights from N(0, 0.02), as in DCGAN, on whose techniques
# the paper says it builds (section 6), and one G(z) for both steps, as in the blog's notebook and most torch code.
_preset(
    "authors",
    "openai/InfoGAN, MNIST: uniform noise, Q's std fixed, the bound in D's and in G's loss",
    initialisation="authors",
    leaky_slope=0.01,
    g_latent="fresh",
)
_preset(
    "paper",
    "the paper's text: learned std, the bound trains G and Q in G's step (equation 6)",
    q_std="learned",
    info_flow="generator-step",
    # "smaller for continuous codes", section 6: this value is ours. Silent on noise, beta1, batch, length.
    lambda_continuous=0.1,
)
_preset(
    "blog",
    "the blog post: one 10-way code, normal noise, batch 16, 50 epochs",
    codes="10c",
    noise="62g",
    g_layers="blog",
    initialisation="blog",
    info_flow="q-head",
    d_loss="mean",
    lr_g=2e-4,
    beta1=0.9,
    batch_size=16,
    updates=187_500,
)
_preset(
    "gan", "a regular GAN whose Q head is only fitted beside it (figure 1's baseline)", "authors", info_flow="detached"
)
_preset(
    "iic",
    "beyond the paper: self-supervised pretraining by invariant information clustering, then pseudo-labels",
    q_trunk="own",
    terms="iic:1+pseudo-labels:2",
    pretraining=1000,
    lr_decay=1.0,
    updates=6000,
)
# Losses and Adam's beta1 of R3GAN (Huang et al. 2024); their gamma of FFHQ at 64 x 64, 2 for images in [-1, 1].
# Learning rates are the paper's; what L_I trains and the noise are those of celeba-stable. Not yet chosen by a
# protocol.
_preset(
    "modern",
    "beyond the paper: relativistic loss, R1 and R2, DiffAugment, averaged weights; images from 16 to 128 pixels",
    noise="64g",
    network="dcgan",
    d_layers="no-norm",
    initialisation="he",
    leaky_slope=0.2,
    info_flow="q-head",
    terms="relativistic:1+r1:0.5+r2:0.5",
    diffaugment="translation+cutout",
    g_ema=0.999,
    beta1=0.0,
    batch_size=64,
    updates=6000,
)

# For some hundred pictures: as the three seeds on clip art (analysis/results/clipart), with the length that two cores
# train in 20 minutes. No other setting was tried.
_preset(
    "modern-iic",
    "modern after the self-supervised pretraining of iic, for a folder of some hundred pictures",
    "modern",
    q_trunk="own",
    terms="relativistic:1+r1:0.5+r2:0.5+iic:1+pseudo-labels:2",
    augmentation="objects",
    diffaugment="colour+translation+cutout",
    pretraining=600,
    updates=1000,
)

# The paper's other experiments (appendix C): learning rates and lambda 1 unless it says otherwise; their length is
# ours. Its faces and chairs are not distributed: the presets train on stand-ins unless --dataset says otherwise, and
# their values, and the chairs' networks, are ours.
_OTHER = {"lambda_continuous": 1.0, "updates": 20_000}
_SVHN = {"dataset": "svhn", "network": "svhn", "codes": "4x10c+4u", "noise": "124u"}
_FACES = {"dataset": "faces3d", "network": "faces", "codes": "5u", "noise": "128u"}
_CHAIRS = {"dataset": "rendered_chairs", "network": "chairs", "codes": "3x20c+1u", "noise": "128u"}
_preset("svhn", "the paper's SVHN (figure 5)", "paper", **_OTHER | _SVHN)
_preset("celeba", "the paper's CelebA (figure 6)", "svhn", dataset="celeba", codes="10x10c", noise="128u")
_FACE_SETTINGS = {  # lr_d, lr_g, lambda_continuous
    "faces-azimuth": ("the paper's 3D faces, setting for azimuth (figure 3a)", 2e-4, 5e-4, 0.2),
    "faces-elevation": ("... for elevation (figure 3b)", 4e-4, 3e-4, 0.1),
    "faces-lighting": ("... for lighting and for width (figures 3c, 3d)", 8e-4, 3e-4, 10.0),
}
for _name, (_text, _d, _g, _lambda) in _FACE_SETTINGS.items():
    _preset(_name, _text, "paper", **_OTHER | _FACES | {"lr_d": _d, "lr_g": _g, "lambda_continuous": _lambda})
_preset(
    "chairs-rotation",
    "the paper's 3D chairs, setting for rotation (figure 4a)",
    "paper",
    **_OTHER | _CHAIRS | {"lambda_continuous": 10.0},
)
_preset("chairs-width", "... for width (figure 4b)", "chairs-rotation", lambda_continuous=0.05, lambda_categorical=2.0)

# Variants whose images do not become all alike, as the paper's do: normal noise, whose variance is three times that of
# uniform noise; L_I does not train the trunk that D uses; batch norm after every layer of G but the last. See
# docs/other-datasets.md.
_STABLE = {"info_flow": "q-head", "g_layers": "batch-norm", "batch_size": 64, "updates": 4000}
_preset(
    "svhn-stable",
    "SVHN with normal noise, L_I that does not train D's trunk, batch norm in all of G, smaller lambda, longer",
    "svhn",
    noise="124g",
    **_STABLE | {"lambda_categorical": 0.3, "lambda_continuous": 0.1, "lr_decay": 0.5, "updates": 8000},
)
_preset(
    "celeba-stable",
    "CelebA with normal noise, L_I that does not train D's trunk, batch norm in all of G",
    "celeba",
    noise="128g",
    **_STABLE,
)
_preset(
    "faces-stable",
    "faces-azimuth with normal noise, L_I that does not train D's trunk, learning rates that fall in the end",
    "faces-azimuth",
    noise="128g",
    **_STABLE | {"lr_decay": 0.5, "updates": 3000},
)
_preset(
    "chairs-stable",  # L_I trains the trunk, as in the paper: no seed collapsed
    "chairs-rotation at 32 x 32 with normal noise, Q's std fixed, a smaller lambda of the categorical codes",
    "chairs-rotation",
    dataset="chairs3d@32",
    network="faces",
    noise="128g",
    q_std="fixed",
    lambda_categorical=0.1,
    lr_decay=0.5,
    batch_size=64,
    updates=3000,
)

OURS = ("iic", "modern", "modern-iic", "svhn-stable", "celeba-stable", "faces-stable", "chairs-stable")
"""Presets that no source states: where a claim is true of them, they replicate nothing."""

CODES_FOLLOW_DATA = ("iic", "modern", "modern-iic")
"""Presets that a command begins with codes `auto`. Recorded runs have codes as they were chosen; PRESETS has those of
ten classes, as all committed runs."""

FREE_FIELDS = ("preset", "dataset", "seed", "updates", "precision", *RUNTIME_FIELDS)
"""What a run of a preset may choose without being another recipe."""


def begin(name: str) -> Config:
    """The configuration that a command begins with and changes: the preset, with codes that follow the data where it
    is one of CODES_FOLLOW_DATA."""
    config = PRESETS[name][0]
    return dataclasses.replace(config, codes="auto") if name in CODES_FOLLOW_DATA else config


def changed_fields(config: Config, *but: str) -> dict[str, object]:
    """The fields in which a configuration differs from its preset, but for FREE_FIELDS and those named."""
    preset, default = (dataclasses.asdict(each) for each in (PRESETS[config.preset][0], begin(config.preset)))
    return {
        name: value
        for name, value in dataclasses.asdict(config).items()
        if name not in (*FREE_FIELDS, *but) and value not in (preset[name], default[name])
    }


def run_directory(config: Config) -> Path:
    """Where a run is kept by default: runs/DATASET-PRESET-seedN, with the settings that differ from the preset's."""
    changed = [f"{name}={value}" for name, value in changed_fields(config).items()]
    parts = (Path(config.dataset).stem, config.preset, *changed, f"seed{config.seed}")
    return Path("runs") / re.sub(r"[^\w=.+@-]", "_", "-".join(parts))


def describe(config: Config, *but: str) -> str:
    """The preset's name, and what was changed in it but for the fields named; an unknown preset's name alone."""
    if config.preset not in PRESETS:
        return config.preset
    listed = ", ".join(f"{field} {value}" for field, value in changed_fields(config, *but).items())
    return f"{config.preset} ({listed})" if listed else config.preset
