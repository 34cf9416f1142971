"""A trained InfoGAN in use: codes to images, and images to codes."""

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from infogan import networks, records
from infogan.codes import Categorical, Latent
from infogan.records import pictures
from infogan.records.provenance import public
from infogan.records.shapes import CHECKPOINT, Shape, problem
from infogan.utils import torch_state
from infogan.utils.errors import InputError

D_ALONE = ("discriminator.trunk.", "discriminator.d_head.")
"""What a saved model has not where Q has a trunk of its own."""


class Codes(NamedTuple):
    """Latent codes of N images, in the order of the run's specification.

    categories: int64 [N, number of categorical codes].
    continuous: float32 [N, number of continuous codes]; codes Unif(-1, 1) were trained on values within [-1, 1].
    """

    categories: np.ndarray
    continuous: np.ndarray


class Model:
    """Generator and recognition network of a run directory, or of one that Model.save wrote, in evaluation mode, on the
    CPU or where `to` moves them. They take no memory besides the file's weights.

    config: the run's infogan.config.Config; latent: its codes (infogan.codes.Latent); image_shape: (C, H, W);
    step: the update of the checkpoint; categories: what each categorical code's categories are called (see
    infogan.metrics.clustering.name_categories), empty where no validation images with labels said it.

    Raises InputError, one line, where the directory is missing, incomplete or damaged, or its configuration, state and
    weights do not fit each other.
    """

    @torch_state.fresh()
    def __init__(self, directory: str | os.PathLike):
        self.directory = directory = Path(directory).expanduser()
        self.config = config = records.read_config(directory)
        tensors, state = records.load_checkpoint(directory)
        if state.get("phase") == "pretraining":
            raise InputError(
                f"{directory} was interrupted in its pretraining and has no trained generator yet: train it further"
            )
        if wrong := problem(state, Shape(CHECKPOINT, required=tuple(CHECKPOINT))):
            raise InputError(f"the checkpoint in {directory} is damaged: {wrong}; restore it from a copy")
        self.latent, self.step = Latent(config.codes, config.noise, config.q_std), state["step"]
        try:
            with torch.device("meta"):
                G, D = networks.uninitialised(tuple(state["image_shape"]), self.latent, config)
            if config.q_trunk == "own" and not any(name.startswith(D_ALONE) for name in tensors):
                D.drop_d()
            averaged = any(name.startswith("averaged.") for name in tensors)
            for prefix, network in (("averaged." if averaged else "generator.", G), ("discriminator.", D)):
                kept = {name.removeprefix(prefix): t.float() for name, t in tensors.items() if name.startswith(prefix)}
                network.load_state_dict(kept, assign=True)
                network.eval()
        except (RuntimeError, AssertionError, OverflowError, TypeError, ValueError) as error:
            reason = " ".join(str(error).split())[:300]
            raise InputError(
                f"the checkpoint in {directory} does not fit its config.json ({reason}): restore both from a copy"
            ) from error
        self.generator, self.discriminator, self.image_shape = G, D, D.image_shape
        self.categories = records.read_categories(directory)
        sizes = self.latent.categorical_sizes
        if self.categories and list(map(len, self.categories)) != sizes:
            raise InputError(f"{directory / 'categories.json'} is not of codes {config.codes}: restore it from a copy")

    def __repr__(self) -> str:
        return (
            f"Model(codes={str(self.latent)!r}, image_shape={self.image_shape}, preset={self.config.preset!r}, "
            f"dataset={self.config.dataset!r}, step={self.step})"
        )

    def to(self, device: str | torch.device) -> "Model":
        """Move the networks to a device, such as "cuda"; what goes in and comes out stays on the CPU. Returns itself.

        Raises InputError where the device cannot be used.
        """
        try:
            self.generator.to(device)
            self.discriminator.to(device)
        except (RuntimeError, AssertionError) as error:
            reason = str(error).splitlines()[0]
            raise InputError(f"device {str(device)!r} cannot be used here ({reason}): use cpu") from error
        return self

    @property
    def code_names(self) -> dict[str, int]:
        """c1, c2, ... in the order of the run's specification, each with its number of categories; 0 for a continuous
        one."""
        sizes = iter(self.latent.categorical_sizes)
        categorical = self.latent.single_codes(Categorical)
        count = len(self.latent.single_columns())
        return {f"c{i + 1}": next(sizes) if i in categorical else 0 for i in range(count)}

    @property
    def category_names(self) -> list[tuple[str, float] | None] | None:
        """For each category of the first categorical code the class that it was matched to on validation images, and
        the share of the category's images that are of this class; None for a category that was matched to none.

        The name of a class without one is its number. None where the validation images had no labels.
        """
        if not self.categories:
            return None
        return [None if named is None else (named["name"], named["share"]) for named in self.categories[0]]

    def category(self, name: str) -> int:
        """The category of the first categorical code that has this name. Raises InputError where none has."""
        names = [named[0] if named else "" for named in self.category_names or []]
        if name not in names:
            known = ", ".join(map(repr, filter(None, names))) or "none: give categories by their numbers"
            raise InputError(f"no category is called {name!r}; names are {known}")
        return names.index(name)

    @torch_state.fresh()
    def codes(
        self,
        n: int = 1,
        seed: int | np.ndarray = 0,
        category: int | str | None = None,
        **values: float | np.ndarray,
    ) -> Codes:
        """Codes of n images of which some are given: `category` of the first categorical code, by its number or name,
        and others by the code's name.

        The codes that are not given are drawn as in `sample`, or for each image from its own of n seeds: images with
        one seed have these codes in common, and by `generate` their noise.

        >>> seed = numpy.zeros(9, int)
        >>> model.generate(model.codes(9, seed, category=3, c2=numpy.linspace(-1, 1, 9)), seed)

        values: a number, or n of them, for codes named in `code_names`.
        Raises InputError for a code or a category that the model does not have.
        """
        names = self.code_names
        if category is not None:
            first = next((name for name, size in names.items() if size), None)
            if first is None:
                raise InputError(f"category is {category}, and the model's codes {self.latent} have none: leave it out")
            if first in values:
                raise InputError(f"category and {first} are the same code: give one of the two")
            values = {first: self.category(category) if isinstance(category, str) else category, **values}
        z = self._noise(n, seed)
        for name, value in values.items():
            if name not in names:
                raise InputError(f"there is no code {name}; the model {self.latent} has {', '.join(names)}")
            dtype = torch.int64 if names[name] else torch.float32
            column = _rows(np.broadcast_to(np.asarray(value), n), 1, dtype, name)[:, 0]
            _check_categories(name, column, names[name])
            z = self.latent.set_code(z, int(name[1:]) - 1, column)
        return Codes(*(part.numpy() for part in self.latent.read(z)))

    @torch_state.fresh()
    def sample(self, n: int, seed: int = 0) -> Codes:
        """Codes of n images, drawn from their prior. Raises InputError where n or seed is no whole number from 0."""
        if not isinstance(n, int | np.integer) or isinstance(n, bool) or n < 0:
            raise InputError(f"n is {n!r}; give a whole number of images, 0 or more")
        return Codes(*(part.numpy() for part in self.latent.read(self.latent.sample(int(n), _random(seed)))))

    @torch_state.fresh()
    def generate(self, codes: Codes, seed: int | np.ndarray = 0) -> np.ndarray:
        """Images uint8 [N, H, W, C] of codes.

        seed: of the noise z of all N images, or an array of N seeds, one for each image.

        Raises InputError where shapes or categories do not fit the model.
        """
        sizes, n_continuous = self.latent.categorical_sizes, sum(term.count for term in self.latent.continuous)
        categories = _rows(codes.categories, len(sizes), torch.int64, "categories")
        continuous = _rows(codes.continuous, n_continuous, torch.float32, "continuous codes")
        if sizes and n_continuous and len(categories) != len(continuous):
            raise InputError(
                f"there are categories of {len(categories)} images and continuous codes of {len(continuous)}; "
                "give as many of both"
            )
        for i, size in enumerate(sizes):
            _check_categories(f"categorical code {i}", categories[:, i], size)
        z = self._noise(max(len(categories), len(continuous)), seed)
        return networks.generate(self.generator, self.latent.write(z, categories, continuous))

    def _noise(self, n: int, seed: int | np.ndarray) -> Tensor:
        """Latents [n, latent.width] from the prior; `generate` replaces the codes in them."""
        seeds = np.asarray(seed)
        if not seeds.ndim:
            return self.latent.sample(n, _random(seeds.item()))
        if seeds.shape != (n,):
            raise InputError(f"seed has shape {seeds.shape} for {n} images; give a whole number, or one for each image")
        rows = [self.latent.sample(1, _random(each)) for each in seeds.tolist()]
        return torch.cat(rows) if rows else torch.zeros(0, self.latent.width)

    @torch_state.fresh()
    def recognise(self, images: np.ndarray | Tensor) -> Codes:
        """Q's prediction for images: the most likely categories, the means of the continuous codes.

        images: uint8 [N, H, W, C]; [N, H, W] where there is one channel.

        Raises InputError where the images are not of the model's size.
        """
        predicted = networks.recognise(self.discriminator, self.latent, self._maps(images))
        return Codes(*(part.numpy() for part in predicted))

    @torch_state.fresh()
    @torch.no_grad()
    def probabilities(self, images: np.ndarray | Tensor) -> list[np.ndarray]:
        """Q's probabilities of each categorical code's categories, float32 [N, size]; images as for `recognise`."""
        q_params = networks.evaluate_q(self.discriminator, self._maps(images))
        return [logits.softmax(1).numpy() for logits in self.latent.category_logits(q_params)]

    def _maps(self, images: np.ndarray | Tensor) -> Tensor:
        """Images as uint8 [N, C, H, W]."""
        # No tensor can be made of a reversed view.
        given = images if isinstance(images, Tensor) else np.ascontiguousarray(images)
        shape = tuple(given.shape) + (1,) * (given.ndim == 3)
        channels, height, width = self.image_shape
        dtype = str(given.dtype).removeprefix("torch.")
        if dtype != "uint8" or len(shape) != 4 or shape[1:] != (height, width, channels):
            raise InputError(f"images are {dtype} of shape {shape}; give uint8 N x {height} x {width} x {channels}")
        return torch.as_tensor(given).cpu().reshape(shape).permute(0, 3, 1, 2)

    def save(self, directory: str | os.PathLike, half: bool = False) -> Path:
        """Write the networks' weights (safetensors), the configuration, and the categories' names: what `infogan.load`
        needs.

        That is about a third of a checkpoint, which also holds the optimisers' state; less where Q has a trunk of its
        own, since D is then left out.
        half: store float16; `infogan.load` converts to float32.

        Returns the directory. Raises InputError for the run directory itself.
        """
        directory = Path(directory)
        if directory.resolve() == self.directory.resolve():
            raise InputError(
                f"{directory} holds the run itself, whose checkpoint would be replaced: choose another directory"
            )
        directory.mkdir(parents=True, exist_ok=True)
        for name in ("config.json", "categories.json"):  # another model's, which must not describe these weights
            (directory / name).unlink(missing_ok=True)
        weights = {
            f"{name}.{key}": value.half() if half else value
            for name, network in (("generator", self.generator), ("discriminator", self.discriminator))
            for key, value in network.state_dict().items()
            if self.config.q_trunk != "own" or not f"{name}.{key}".startswith(D_ALONE)
        }
        records.save_checkpoint(directory, weights, {"step": self.step, "image_shape": self.image_shape}, keep=False)
        made = records.read_json(self.directory / "config.json").get("provenance", {})
        if named := records.read_optional(self.directory / "categories.json"):
            records.write_json(directory / "categories.json", named)
        # What travels has no path of this machine in it.
        config = dataclasses.replace(self.config, dataset=Path(self.config.dataset).name)
        content = {"config": dataclasses.asdict(config), "provenance": public(made)}
        records.write_json(directory / "config.json", content)
        return directory


def _rows(values: np.ndarray | Tensor, columns: int, dtype: torch.dtype, what: str) -> Tensor:
    """Real numbers as [N, columns]; a vector is one image's, or, of one column, N images'. [0, 0] for no columns.

    Raises InputError for another shape, for values that are no finite float32, and for categories that are not whole.
    """
    if not columns:
        return torch.zeros(0, 0, dtype=dtype)
    numbers = values.detach().double().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)
    if numbers.dtype.kind not in "biuf":
        raise InputError(f"{what} are {numbers.dtype}; give real numbers")
    rows = torch.from_numpy(np.array(numbers, np.float64, order="C"))
    allowed = rows == rows.round() if dtype == torch.int64 else rows.float().isfinite()
    if len(wrong := rows[~allowed]):
        expected = "whole numbers" if dtype == torch.int64 else "finite numbers of float32"
        raise InputError(f"{what} have values such as {wrong[0]:g}; give {expected}")
    if rows.dim() < 2 and (columns == 1 or rows.numel() == columns):
        rows = rows.reshape(-1, columns)
    if rows.shape[1:] != (columns,):
        raise InputError(f"{what} have shape {tuple(rows.shape)}; give N x {columns}")
    return rows.to(dtype)


def _check_categories(what: str, values: Tensor, size: int) -> None:
    """Raises InputError where values of a code of `size` categories are none of them; size 0: of a continuous code."""
    if size and len(wrong := values[(values < 0) | (values >= size)]):
        raise InputError(f"{what} has category {wrong[0]}; give 0 to {size - 1}")


def _random(seed: int) -> torch.Generator:
    """Raises InputError for a seed that torch cannot take."""
    if not isinstance(seed, int | np.integer) or isinstance(seed, bool) or not 0 <= seed < 2**63:
        raise InputError(f"seed is {seed}; give a whole number from 0 to 2**63 - 1")
    return torch.Generator().manual_seed(int(seed))


class Recogniser(nn.Module):
    """The recognition network alone, for export: images float [N, C, H, W] in [0, 1] to Q's parameters [N, q_width]."""

    def __init__(self, discriminator: networks.DiscriminatorQ):
        super().__init__()
        self.discriminator = discriminator

    def forward(self, images: Tensor) -> Tensor:
        return self.discriminator.q_params(images)


def category_grid(
    generator: nn.Module, latent: Latent, seed: int, columns: int = 10, order: Sequence[int] | None = None
) -> np.ndarray:
    """Samples of G as one picture [H', W', C]: a row for each category of the first categorical code.

    A column's images have all other codes and the noise in common. Without categorical codes there is one row.
    order: of the rows' categories; default 0, 1, 2, ..., pictures.MOST_CATEGORIES at most.
    """
    z = latent.sample(columns, torch.Generator().manual_seed(seed))
    rows = [z]
    if latent.categorical_sizes:
        first = latent.single_codes(Categorical)[0]
        shown = order or range(min(latent.categorical_sizes[0], pictures.MOST_CATEGORIES))
        rows = [latent.set_code(z, first, category) for category in shown]
    return pictures.tile(networks.generate(generator, torch.cat(rows)), len(rows))
