"""The named presets: what each source states, as data; and how a configuration differs from its preset."""

import dataclasses

from infogan.config import RUNTIME_FIELDS, Config, Network

# What differs between the sources, and nothing else. The authors' code states every value; where the paper or the blog
# is silent its preset keeps the authors' value, but for two: weights from N(0, 0.02), as in DCGAN, on whose techniques
# the paper says it builds (section 6), and one G(z) for both steps, as in the blog's notebook and most torch code.
_BASE = Config()
_AUTHORS = dataclasses.replace(_BASE, initialisation="authors", leaky_slope=0.01, g_latent="fresh")
_PAPER = dataclasses.replace(
    _BASE,
    preset="paper",
    q_std="learned",
    info_flow="generator-step",
    # "smaller for continuous codes", section 6: this value is ours. Silent on noise, beta1, batch, length.
    lambda_continuous=0.1,
)


def _paper(preset: str, dataset: str, network: Network, codes: str, noise: str, **values) -> Config:
    """One of the paper's other experiments (appendix C): learning rates and lambda 1 unless it says otherwise; its
    length is ours."""
    return dataclasses.replace(
        _PAPER,
        preset=preset,
        dataset=dataset,
        network=network,
        codes=codes,
        noise=noise,
        **{"lambda_continuous": 1.0, "updates": 20_000} | values,
    )


def _faces(preset: str, lr_d: float, lr_g: float, lambda_continuous: float) -> Config:
    # The paper's faces are not distributed: the preset trains on the stand-in unless --dataset says otherwise. Values
    # are ours.
    return _paper(preset, "faces3d", "faces", "5u", "128u", lr_d=lr_d, lr_g=lr_g, lambda_continuous=lambda_continuous)


def _chairs(preset: str, lambda_continuous: float, lambda_categorical: float) -> Config:
    # Values, and the networks, are ours.
    return _paper(
        preset,
        "rendered_chairs",
        "chairs",
        "3x20c+1u",
        "128u",
        lambda_continuous=lambda_continuous,
        lambda_categorical=lambda_categorical,
    )


def _stable(preset: str, config: Config, **values) -> Config:
    """A variant of one of the paper's other experiments whose images do not become all alike, as the paper's do.

    Normal noise, whose variance is three times that of uniform noise; L_I does not train the trunk that D uses; batch
    norm after every layer of G but the last. See docs/other-datasets.md.
    """
    return dataclasses.replace(
        config,
        preset=preset,
        noise=config.noise.replace("u", "g"),
        info_flow="q-head",
        g_layers="batch-norm",
        batch_size=64,
        **{"updates": 4000} | values,
    )


_SVHN = _paper("svhn", "svhn", "svhn", "4x10c+4u", "124u")
_CELEBA = _paper("celeba", "celeba", "svhn", "10x10c", "128u")
_AZIMUTH = _faces("faces-azimuth", 2e-4, 5e-4, 0.2)
_ROTATION = _chairs("chairs-rotation", 10.0, 1.0)


PRESETS: dict[str, tuple[Config, str]] = {
    "authors": (_AUTHORS, "openai/InfoGAN, MNIST: uniform noise, Q's std fixed, the bound in D's and in G's loss"),
    "paper": (_PAPER, "the paper's text: learned std, the bound trains G and Q in G's step (equation 6)"),
    "blog": (
        dataclasses.replace(
            _BASE,
            preset="blog",
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
        ),
        "the blog post: one 10-way code, normal noise, batch 16, 50 epochs",
    ),
    "gan": (
        dataclasses.replace(_AUTHORS, preset="gan", info_flow="detached"),
        "a regular GAN whose Q head is only fitted beside it (figure 1's baseline)",
    ),
    "iic": (
        dataclasses.replace(
            _BASE,
            preset="iic",
            q_trunk="own",
            terms="iic:1+pseudo-labels:2",
            pretraining=1000,
            lr_decay=1.0,
            updates=6000,
        ),
        "beyond the paper: self-supervised pretraining by invariant information clustering, then pseudo-labels",
    ),
    "modern": (
        # Losses and Adam's beta1 of R3GAN (Huang et al. 2024); their gamma of FFHQ at 64 x 64, 2 for images in [-1, 1].
        # Learning rates are the paper's; what L_I trains and the noise are those of celeba-stable. Not yet chosen by a
        # protocol.
        dataclasses.replace(
            _BASE,
            preset="modern",
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
        ),
        "beyond the paper: relativistic loss, R1 and R2, DiffAugment, averaged weights; images from 16 to 128 pixels",
    ),
    "svhn": (_SVHN, "the paper's SVHN (figure 5)"),
    "celeba": (_CELEBA, "the paper's CelebA (figure 6)"),
    "faces-azimuth": (_AZIMUTH, "the paper's 3D faces, setting for azimuth (figure 3a)"),
    "faces-elevation": (_faces("faces-elevation", 4e-4, 3e-4, 0.1), "... for elevation (figure 3b)"),
    "faces-lighting": (_faces("faces-lighting", 8e-4, 3e-4, 10.0), "... for lighting and for width (figures 3c, 3d)"),
    "chairs-rotation": (_ROTATION, "the paper's 3D chairs, setting for rotation (figure 4a)"),
    "chairs-width": (_chairs("chairs-width", 0.05, 2.0), "... for width (figure 4b)"),
    "svhn-stable": (
        _stable("svhn-stable", _SVHN, lambda_categorical=0.3, lambda_continuous=0.1, lr_decay=0.5, updates=8000),
        "SVHN with normal noise, L_I that does not train D's trunk, batch norm in all of G, smaller lambda, longer",
    ),
    "celeba-stable": (
        _stable("celeba-stable", _CELEBA),
        "CelebA with normal noise, L_I that does not train D's trunk, batch norm in all of G",
    ),
    "faces-stable": (
        _stable("faces-stable", _AZIMUTH, lr_decay=0.5, updates=3000),
        "faces-azimuth with normal noise, L_I that does not train D's trunk, learning rates that fall in the end",
    ),
    "chairs-stable": (
        # L_I trains the trunk, as in the paper: no seed collapsed.
        dataclasses.replace(
            _ROTATION,
            preset="chairs-stable",
            dataset="chairs3d@32",
            network="faces",
            noise="128g",
            q_std="fixed",
            lambda_categorical=0.1,
            lr_decay=0.5,
            batch_size=64,
            updates=3000,
        ),
        "chairs-rotation at 32 x 32 with normal noise, Q's std fixed, a smaller lambda of the categorical codes",
    ),
}


OURS = ("iic", "modern", "svhn-stable", "celeba-stable", "faces-stable", "chairs-stable")
"""Presets that no source states: where a claim is true of them, they replicate nothing."""

CODES_FOLLOW_DATA = ("iic", "modern")
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
    preset, begun = (dataclasses.asdict(each) for each in (PRESETS[config.preset][0], begin(config.preset)))
    return {
        name: value
        for name, value in dataclasses.asdict(config).items()
        if name not in (*FREE_FIELDS, *but) and value not in (preset[name], begun[name])
    }


def describe(config: Config, *but: str) -> str:
    """The preset's name, and what was changed in it but for the fields named; an unknown preset's name alone."""
    if config.preset not in PRESETS:
        return config.preset
    listed = ", ".join(f"{field} {value}" for field, value in changed_fields(config, *but).items())
    return f"{config.preset} ({listed})" if listed else config.preset
