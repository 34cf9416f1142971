"""The configurations that a sweep searches: presets with other latent codes, weights of L_I and batch sizes."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

from infogan.config import Config, from_dict
from infogan.errors import InputError
from infogan.presets import FREE_FIELDS, PRESETS

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.study import Study
    from optuna.trial import BaseTrial

RECIPES = ("authors", "paper", "blog")
"""Presets from which a trial has all that is not searched."""
BATCH_SIZES = (16, 32, 64, 128, 256, 512)


def fitting(train_images: int) -> tuple[int, ...]:
    """Those of BATCH_SIZES that so many training images can fill. Raises InputError where there are too few for any."""
    if train_images < BATCH_SIZES[0]:
        raise InputError(
            f"there are {train_images} training images, and a study's smallest batch size is {BATCH_SIZES[0]}: "
            "give a larger dataset"
        )
    return tuple(size for size in BATCH_SIZES if size <= train_images)


def batch_sizes(study: "Study") -> tuple[int, ...]:
    """Those that the study was made with."""
    return tuple(study.user_attrs.get("settings", {}).get("batch_sizes", BATCH_SIZES))


def suggest(trial: "BaseTrial", dataset: str, images: int, seed: int, sizes: Sequence[int] = BATCH_SIZES) -> Config:
    """The configuration of a trial; every trial sees the same number of real images. sizes: the study's batch sizes."""
    recipe = trial.suggest_categorical("recipe", RECIPES)
    codes = trial.suggest_int("categorical_codes", 1, 3)
    size = trial.suggest_categorical("categories", (5, 8, 10, 12, 20))
    continuous = trial.suggest_int("continuous_codes", 0, 4)
    noise = trial.suggest_categorical("noise", (16, 62, 128))
    lambda_categorical = trial.suggest_float("lambda_categorical", 0.03, 10, log=True)
    lambda_continuous = trial.suggest_float("lambda_continuous", 0.03, 10, log=True) if continuous else 0.0
    batch_size = trial.suggest_categorical("batch_size", tuple(sizes))
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


def check_unchanged(study: "Study", sizes: Sequence[int]) -> None:
    """Raises InputError where trials of the study searched another space, as Optuna would fail each new trial, or where
    a recipe of theirs was another one, as trials would not be comparable."""
    from optuna.trial import FixedTrial

    point = source_settings()[1] | {"batch_size": sizes[0]}  # with continuous codes: it has every parameter
    example = FixedTrial(point)
    suggest(example, "", 1, 0, sizes)
    now: dict[str, BaseDistribution] = example.distributions
    for trial in study.get_trials(deepcopy=False):
        for name, before in trial.distributions.items():
            if before != now.get(name):
                raise InputError(
                    f"study {study.study_name!r} searched {name} in {before}, and this version searches "
                    f"{now.get(name, 'no such parameter')}: give another --study, which begins anew"
                )
        if "config" in trial.user_attrs:
            today = dataclasses.asdict(suggest(FixedTrial(trial.params), "", 1, 0, sizes))
            for name, before in dataclasses.asdict(from_dict(trial.user_attrs["config"])).items():
                if name not in FREE_FIELDS and before != today[name]:
                    raise InputError(
                        f"study {study.study_name!r} has trials of the recipe {trial.params['recipe']} with {name} "
                        f"{before}, and this version has {today[name]}: give another --study, which begins anew"
                    )
