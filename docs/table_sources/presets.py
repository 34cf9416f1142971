"""Tables of the presets, from infogan/config/presets.py."""

from infogan.config import Config
from infogan.config.presets import PRESETS
from table_sources.common import markdown, table

WHO = {
    "both-steps": "D's step: trunk and Q head; G's step: G",
    "generator-step": "G's step: G, Q head and trunk (equation 6)",
    "q-head": "G's step: G and Q head",
    "detached": "Q head alone, on detached images",
}
G_LAYERS = {
    "paper": "each unit of the first maps; bias",
    "blog": "each of the first maps; no bias",
}
INITIALISATION = {
    "paper": "N(0, 0.02), biases 0, γ 1",
    "authors": "N(0, 0.02), those of D's convolutions cut off at 0.04, biases 0, γ from N(1, 0.02)",
    "blog": "N(0, 0.02), torch's biases, γ from N(1, 0.02)",
}
OURS_IN = {
    "faces-azimuth": ("lr_d", "lr_g", "lambda_continuous"),
    "faces-elevation": ("lr_d", "lr_g", "lambda_continuous"),
    "faces-lighting": ("lr_d", "lr_g", "lambda_continuous"),
    "chairs-rotation": ("lr_d", "lr_g", "lambda_categorical", "lambda_continuous"),
    "chairs-width": ("lr_d", "lr_g", "lambda_categorical", "lambda_continuous"),
}
"""Fields whose values are ours: the paper states others for each of its settings, which were not at hand."""
FIGURES = {
    "svhn": "5",
    "celeba": "6",
    "faces-azimuth": "3a",
    "faces-elevation": "3b",
    "faces-lighting": "3c, 3d",
    "chairs-rotation": "4a",
    "chairs-width": "4b",
}


@table
def sources() -> str:
    """The presets of the sources, field by field."""
    configs = {name: PRESETS[name][0] for name in ("paper", "authors", "blog", "gan")}
    has_continuous = {name: "u" in config.codes for name, config in configs.items()}
    fields = {
        "codes": lambda c: f"`{c.codes}`",
        "noise": lambda c: f"`{c.noise}`",
        "Q's standard deviation of continuous codes": lambda c: c.q_std if has_continuous[c.preset] else "",
        "what L_I trains (`info_flow`)": lambda c: WHO[c.info_flow],
        "G's batch norm and last bias (`g_layers`)": lambda c: G_LAYERS[c.g_layers],
        "initial weights (`initialisation`)": lambda c: INITIALISATION[c.initialisation],
        "slope of leaky ReLU": lambda c: f"{c.leaky_slope:g}",
        "latents of G's step": lambda c: {"same": "those of D's step", "fresh": "drawn anew"}[c.g_latent],
        "λ categorical": lambda c: f"{c.lambda_categorical:g}",
        "λ continuous": lambda c: f"{c.lambda_continuous:g}" if has_continuous[c.preset] else "",
        "learning rate of D, of G": lambda c: f"{c.lr_d:g}, {c.lr_g:g}",
        "Adam's β1": lambda c: c.beta1,
        "batch size": lambda c: c.batch_size,
        "updates": lambda c: f"{c.updates:,}",
        "D's loss on real and generated images": lambda c: c.d_loss,
    }
    rows = [[name, *(value(config) for config in configs.values())] for name, value in fields.items()]
    return markdown(" | ".join(["", *(f"`{name}`" for name in configs)]), rows)


@table
def datasets() -> str:
    """The presets of the paper's other experiments."""
    rows = []
    for name, figure in FIGURES.items():
        config = PRESETS[name][0]
        weights = [_shown(config, "lambda_categorical", "c"), _shown(config, "lambda_continuous", "u")]
        rates = [_shown(config, "lr_d"), _shown(config, "lr_g")]
        latent = f"`{config.codes}`, `{config.noise}`"
        rows.append((f"`{name}`", f"`{config.dataset}`", latent, ", ".join(rates), ", ".join(weights), figure))
    return markdown("preset | dataset | codes, noise | lr D, lr G | λ categorical, continuous | figure", rows)


def _shown(config: Config, field: str, needs: str = "") -> str:
    if needs not in config.codes:
        return "none"
    return f"{getattr(config, field):g}" + (" \\*" if field in OURS_IN.get(config.preset, ()) else "")
