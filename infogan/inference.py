"""Using a trained InfoGAN: codes in, images out, and back again."""

import dataclasses
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from infogan import networks, records
from infogan.codes import Categorical
from infogan.config import InputError
from infogan.networks import recognise


class Codes(NamedTuple):
    """Latent codes of N images, in the order of the run's specification.

    categories: int64 [N, number of categorical codes]; continuous: float32 [N, number of continuous codes], in training
    within [-1, 1] for codes Unif(-1, 1).
    """

    categories: np.ndarray
    continuous: np.ndarray


class Model:
    """Generator and recognition network of a run, in evaluation mode, on the CPU.

    latent: what the codes are (infogan.codes.Latent); image_shape: (C, H, W).
    """

    def __init__(self, directory: str | os.PathLike):
        run = records.load(directory)
        self.directory, self.config, self.latent, self.step = run.directory, run.config, run.latent, run.step
        self.generator, self.discriminator = run.generator, run.discriminator
        self.image_shape = run.discriminator.to_maps.shape[-1:] + run.discriminator.to_maps.shape[:-1]

    def sample(self, n: int, seed: int = 0) -> Codes:
        """n codes from their prior."""
        return self._codes(self.latent.sample(n, torch.Generator().manual_seed(seed)))

    def _codes(self, z: Tensor) -> Codes:
        categories, continuous = self.latent.read(z)
        return Codes(categories.numpy(), continuous.numpy())

    def generate(self, codes: Codes, seed: int | np.ndarray = 0) -> np.ndarray:
        """Images uint8 [N, H, W, C] of codes. One seed draws the noise of all N; an array of N seeds draws each by its own.

        Raises InputError where the codes' shapes or categories are not those of the model.
        """
        categories, continuous = np.atleast_2d(codes.categories), np.atleast_2d(codes.continuous)
        sizes = self.latent.categorical_sizes
        n, n_continuous = max(len(categories), len(continuous)), sum(c.count for c in self.latent.continuous)
        categories, continuous = categories.reshape(-1, len(sizes)), continuous.reshape(-1, n_continuous)
        if any(part.shape[1] and len(part) != n for part in (categories, continuous)):
            raise InputError(
                f"there are categories of {len(categories)} images and continuous codes of {len(continuous)}: give as many of both"
            )
        for i, size in enumerate(sizes):
            if ((bad := categories[:, i]) < 0).any() or (bad >= size).any():
                raise InputError(
                    f"categorical code {i} has categories {sorted(set(bad.tolist()))}; give 0 to {size - 1}"
                )
        if np.ndim(seed) == 0:
            z = self.latent.sample(n, torch.Generator().manual_seed(int(seed)))
        elif len(seed) != n:
            raise InputError(f"there are {len(seed)} seeds for {n} images: give one, or one for each")
        else:
            z = torch.cat([self.latent.sample(1, torch.Generator().manual_seed(int(s))) for s in seed])
        given = {Categorical: iter(range(len(sizes))), None: iter(range(n_continuous))}
        for term, at in self.latent.columns():
            for k in range(term.count):
                if isinstance(term, Categorical):
                    picks = torch.as_tensor(categories[:, next(given[Categorical])]).long()
                    columns = slice(at.start + k * term.size, at.start + (k + 1) * term.size)
                    z[:, columns] = torch.nn.functional.one_hot(picks, term.size).float()
                else:
                    z[:, at.start + k] = torch.as_tensor(continuous[:, next(given[None])])
        return networks.generate(self.generator, z)

    def recognise(self, images: np.ndarray | Tensor) -> Codes:
        """Q's reading of images, uint8 [N, H, W, C] or, of one channel, [N, H, W]: the likeliest categories, the means.

        Raises InputError where the images are not of the model's size.
        """
        categories, means = recognise(self.discriminator, self.latent, self._maps(images))
        return Codes(categories.numpy(), means.numpy())

    @torch.no_grad()
    def probabilities(self, images: np.ndarray | Tensor) -> list[np.ndarray]:
        """Q's probabilities of each categorical code's categories: a list of float32 [N, size]."""
        answer = self.discriminator(self._maps(images).float() / 255)[1]
        parts = [
            answer[:, at].unflatten(1, (term.count, term.size)).softmax(-1)
            for term, at in self.latent.columns()
            if isinstance(term, Categorical)
        ]
        return [part[:, i].numpy() for part in parts for i in range(part.shape[1])]

    def _maps(self, images: np.ndarray | Tensor) -> Tensor:
        maps = torch.as_tensor(images)
        if maps.dim() == 3:
            maps = maps.unsqueeze(-1)
        channels, height, width = self.image_shape
        if maps.dtype != torch.uint8 or tuple(maps.shape[1:]) != (height, width, channels):
            raise InputError(
                f"images are {str(maps.dtype).removeprefix('torch.')} of shape {tuple(maps.shape)}; give uint8 N x {height} x {width} x {channels}"
            )
        return maps.permute(0, 3, 1, 2)

    def save(self, directory: str | os.PathLike, half: bool = False) -> Path:
        """The networks' weights alone (safetensors) with their configuration: what `load` needs, a third of a checkpoint.

        half: store them as float16, in half the space; `load` reads them as float32 again.
        Returns the directory. Raises InputError for the run's own.
        """
        directory = Path(directory)
        if directory.resolve() == self.directory.resolve():
            raise InputError(
                f"{directory} holds the run itself, whose checkpoint would lose what it needs to go on: choose another folder"
            )
        directory.mkdir(parents=True, exist_ok=True)
        weights = {
            f"{name}.{key}": value.half() if half else value
            for name, network in (("generator", self.generator), ("discriminator", self.discriminator))
            for key, value in network.state_dict().items()
        }
        records.save_checkpoint(directory, weights, {"step": self.step, "image_shape": self.image_shape}, keep=False)
        source = records.read_json(self.directory / "config.json")
        records.write_json(
            directory / "config.json",
            {"config": dataclasses.asdict(self.config), "provenance": source.get("provenance", {})},
        )
        return directory


class Recogniser(nn.Module):
    """The recognition network alone, images float [N, C, H, W] in [0, 1] to Q's answer [N, q_width]: for export."""

    def __init__(self, discriminator: nn.Module):
        super().__init__()
        self.discriminator = discriminator

    def forward(self, images: Tensor) -> Tensor:
        return self.discriminator(images)[1]
