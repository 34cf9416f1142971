"""The configurations that a sweep searches: presets with other latent codes, weights of L_I and batch sizes."""

import dataclasses
from typing import TYPE_CHECKING

from infogan.config import Config
from infogan.presets import PRESETS

if TYPE_CHECKING:
    from optuna.trial import BaseTrial

RECIPES = ("authors", "paper", "blog")
"""Presets whose noise prior, Q's std, learning rates and information flow a trial may have."""


def suggest(trial: "BaseTrial", dataset: str, images: int, seed: int) -> Config:
    """The configuration of a trial; every trial sees the same number of real images."""
    recipe = trial.suggest_categorical("recipe", RECIPES)
    codes = trial.suggest_int("categorical_codes", 1, 3)
    size = trial.suggest_categorical("categories", (5, 8, 10, 12, 20))
    continuous = trial.suggest_int("continuous_codes", 0, 4)
    noise = trial.suggest_categorical("noise", (16, 62, 128))
    lambda_categorical = trial.suggest_float("lambda_categorical", 0.03, 10, log=True)
    lambda_continuous = trial.suggest_float("lambda_continuous", 0.03, 10, log=True) if continuous else 0.0
    batch_size = trial.suggest_categorical("batch_size", (16, 32, 64, 128, 256, 512))
    base = PRESETS[recipe][0]
    categorical = f"{codes}x{size}c" if codes > 1 else f"{size}c"
    updates = max(1, round(images / batch_size))
    return dataclasses.replace(
        base,
        dataset=dataset,
        seed=seed,
        codes=f"{categorical}+{continuous}u" if continuous else categorical,
        noise=f"{noise}{base.noise[-1]}",
        lambda_categorical=lambda_categorical,
        lambda_continuous=lambda_continuous,
        batch_size=batch_size,
        updates=updates,
        log_every=max(1, updates // 100),
        checkpoint_every=max(1, updates // 5),
    )


def source_settings() -> list[dict[str, str | int | float]]:
    """The paper's, the authors' and the blog's settings as points of the search space; a sweep tries them first."""
    codes: dict[str, str | int | float]
    codes = {"categorical_codes": 1, "categories": 10, "noise": 62, "lambda_categorical": 1.0}
    return [
        {"recipe": "paper", **codes, "continuous_codes": 2, "lambda_continuous": 0.1, "batch_size": 128},
        {"recipe": "authors", **codes, "continuous_codes": 2, "lambda_continuous": 1.0, "batch_size": 128},
        {"recipe": "blog", **codes, "continuous_codes": 0, "batch_size": 16},
    ]
