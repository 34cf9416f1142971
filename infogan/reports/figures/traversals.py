"""The paper's figures 3 to 6: images along the code that stands for each of the figure's factors.

Which code that is, is measured: the one with the most mutual information with the factor.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np
import pandas as pd
import torch
import tyro

from infogan import records
from infogan.codes import Categorical, Continuous
from infogan.errors import InputError
from infogan.metrics.image_statistics import STATISTICS, image_statistics
from infogan.reports import common
from infogan.reports.figures.drawing import animate, write_panels
from infogan.reports.figures.panels import Panel, about_run, caption, vary_category, vary_continuous
from infogan.reports.information import (
    Known,
    information,
    known_factors,
    normalised_information,
    predicted_codes,
    stands_for,
)

RANGE = np.linspace(-1, 1, 10)
"""Values of continuous codes, as in the paper."""


class Wanted(NamedTuple):
    """A panel of the paper: its title, the kind of its code, and how the names of the factors that fit it begin."""

    title: str
    kind: type
    names: tuple[str, ...]


class Match(NamedTuple):
    """A code of a run (its position among all single codes), and its mutual information with a factor."""

    run: records.Run
    code: int
    factor: str
    information_nats: float
    shuffled_nats: float
    entropy_nats: float

    @property
    def excess_nats(self) -> float:
        """Mutual information beyond that with the shuffled factor."""
        return self.information_nats - self.shuffled_nats

    @property
    def normalised(self) -> float:
        """See infogan.reports.information.normalised_information."""
        return normalised_information(self.information_nats, self.shuffled_nats, self.entropy_nats)

    def numbers(self) -> dict:
        """What the figure's JSON file records of it."""
        names = ("factor", "information_nats", "shuffled_nats", "entropy_nats")
        return {name: getattr(self, name) for name in names}


def matches(run: records.Run, codes: np.ndarray, known: Known, want: Wanted) -> list[Match]:
    """Each code of the wanted kind with each factor of the wanted names. codes: Q's prediction [N, codes]."""
    out = []
    for values, names in known.values():
        columns = [i for i, name in enumerate(names) if name.startswith(want.names)]
        for code in run.latent.single_codes(want.kind) if columns else []:
            categorical = [0] if want.kind is Categorical else []
            found = information(codes[:, [code]], values[:, columns], [names[i] for i in columns], categorical)
            numbers = zip(
                found["names"], found["information_nats"][0], found["shuffled_nats"][0], found["entropy_nats"]
            )
            out += [Match(run, code, *each) for each in numbers]
    return out


@dataclass(frozen=True)
class Traversals:
    """For each panel of the paper's figure, images along the code with the most mutual information with its factor."""

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Run directories, of one dataset: one for all panels, or one for each setting."""
    out: Path | None = None
    """Where to write the picture. Default: figures/FIGURE.png in the first run."""
    rows: int = 5
    """Random samples, one a row."""
    gif: bool = False
    """Also write the panels as one animation along the codes."""
    data_dir: Path | None = None
    """Folder of the dataset. Default: $INFOGAN_DATA, else ./data."""

    wanted: ClassVar[tuple[Wanted, ...]]

    def draw(self) -> None:
        """Write the figure, and print its numbers. Raises InputError where no panel can be drawn."""
        if not self.runs:
            raise InputError("give at least one run directory, such as runs/faces3d-faces-azimuth-seed0")
        loaded = [records.load(directory) for directory in self.runs]
        if len(names := {run.config.dataset for run in loaded}) > 1:
            raise InputError(f"the runs are of different datasets, {', '.join(sorted(names))}: give those of one")
        images, known = known_factors(common.load_dataset(self.data_dir, *self.runs))
        predicted = [(run, predicted_codes(run, images)) for run in loaded]
        found = {}
        for want in self.wanted:
            if fitting := [match for run, codes in predicted for match in matches(run, codes, known, want)]:
                found[want] = max(fitting, key=lambda match: match.excess_nats)
            else:
                print(f"{want.title}: left out; {_why_none(loaded, want)}")
        if not found:
            runs, factors = ", ".join(map(str, self.runs)), ", ".join(name for w in self.wanted for name in w.names)
            raise InputError(f"none of the panels can be drawn from {runs}: give runs on a dataset with {factors}")
        self._write(found, loaded, len(images))

    def _write(self, found: dict[Wanted, Match], loaded: list[records.Run], n_images: int) -> None:
        table = [_row(want, match) for want, match in found.items()]
        print(common.as_text(pd.DataFrame(table)))
        panels = [self._panel(want, match) for want, match in found.items()]
        path = self.out or common.figures_folder(self.runs[0]) / f"{type(self).__name__.lower()}.png"
        if self.gif:
            animate(path.with_suffix(".gif"), [panel.images for panel in panels if panel.images is not None])
        numbers = {
            "caption": _captions(run for run in loaded if any(match.run is run for match in found.values())),
            "n_images": n_images,
            "runs": [about_run(run) for run in loaded],
            "verdicts": table,
        }
        write_panels(path, panels, numbers)

    def _panel(self, want: Wanted, match: Match) -> Panel:
        title = (
            f"{want.title}: c{match.code + 1}, normalised mutual information {match.normalised:.2f} with {match.factor}"
        )
        if want.kind is Categorical:
            panel = vary_category(match.run, title, self.rows, match.code)
        else:
            panel = vary_continuous(match.run, title, self.rows, match.code, RANGE)
        panel.about = match.numbers() | {"meant": want.title, "run": match.run.directory.name}
        assert panel.images is not None
        panel.about["generated"] = _statistics_of_columns(panel.images)
        return panel


def _why_none(runs: list[records.Run], want: Wanted) -> str:
    kind, dataset = want.kind.__name__.lower(), Path(runs[0].config.dataset).stem
    if not any(run.latent.single_codes(want.kind) for run in runs):
        return f"the runs have no {kind} code"
    return f"{dataset} has no factor {' or '.join(want.names)}"


def _row(want: Wanted, match: Match) -> dict:
    """A row of the table that is printed, and kept as `verdicts`."""
    about = {"panel": want.title, "run": match.run.directory.name, "code": f"c{match.code + 1}"}
    return about | match.numbers() | {"holds": stands_for(match.normalised)}


def _captions(runs: Iterable[records.Run]) -> str:
    """Of each run once."""
    return "; ".join(dict.fromkeys(caption(run) for run in runs))


def _statistics_of_columns(images: np.ndarray) -> dict[str, list[float]]:
    """STATISTICS of the generated images [columns, rows, H, W, C] of each column, means over the rows."""
    flat = torch.from_numpy(images.reshape(-1, *images.shape[2:])).permute(0, 3, 1, 2)
    means = image_statistics(flat).reshape(len(images), -1, len(STATISTICS)).mean(1)
    return {name: means[:, i].round(4).tolist() for i, name in enumerate(STATISTICS)}


class Figure3(Traversals):
    """The paper's figure 3, faces: azimuth, elevation, lighting and width along continuous codes from -1 to 1."""

    wanted = (
        Wanted("azimuth", Continuous, ("azimuth", "yaw")),
        Wanted("elevation", Continuous, ("elevation", "pitch")),
        Wanted("lighting", Continuous, ("light",)),
        Wanted("wide or narrow", Continuous, ("width",)),
    )


class Figure4(Traversals):
    """The paper's figure 4, chairs: rotation and width along a continuous code from -1 to 1."""

    wanted = (Wanted("rotation", Continuous, ("rotation", "azimuth")), Wanted("width", Continuous, ("width",)))


class Figure5(Traversals):
    """The paper's figure 5, SVHN: lighting along a continuous code, the context of the plate along a categorical one.

    SVHN has labels of neither. Their stand-ins are measured on the images: brightness, and the difference in brightness
    of the middle and the border.
    """

    wanted = (Wanted("lighting", Continuous, ("brightness",)), Wanted("context", Categorical, ("middle_minus_border",)))


HAIR = tuple("Bald Bangs Black_Hair Blond_Hair Brown_Hair Gray_Hair Receding Straight_Hair Wavy_Hair".split())
"""CelebA's attributes of the hair, as their names begin."""


class Figure6(Traversals):
    """The paper's figure 6, CelebA: azimuth, glasses, hair style and emotion along categorical codes.

    CelebA has no attribute for the azimuth. Its stand-in is the difference in brightness of the left and the right half
    of an image.
    """

    wanted = (
        Wanted("azimuth", Categorical, ("left_minus_right",)),
        Wanted("glasses", Categorical, ("Eyeglasses",)),
        Wanted("hair style", Categorical, HAIR),
        Wanted("emotion", Categorical, ("Smiling",)),
    )
