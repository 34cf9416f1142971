"""The paper's figures 3 to 6: images along the code that stands for each of the figure's factors.

Which code that is, is measured: the one with the most mutual information with the factor, beyond the null. Whether it
stands for the factor is measured too, on Q and on G (infogan.reports.standing).
"""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np
import pandas as pd
import torch
import tyro

from infogan.codes import Categorical, Continuous
from infogan.data import Dataset
from infogan.errors import InputError
from infogan.inference import Run, load_run
from infogan.metrics import collapse, disentanglement
from infogan.metrics.factor_estimates import Estimator, estimator
from infogan.metrics.image_statistics import STATISTICS, image_statistics
from infogan.records.summary import last_bound
from infogan.reports import common, standing
from infogan.reports.figures.drawing import animate, write_panels
from infogan.reports.figures.panels import Panel, about_run, caption, vary_category, vary_continuous
from infogan.reports.information import Known, Null, Nulls, Predicted, excess, known_factors, predict


class Wanted(NamedTuple):
    """A panel of the paper: its title, the kind of its code, and how the names of the factors that fit it begin."""

    title: str
    kind: type
    names: tuple[str, ...]


class Match(NamedTuple):
    """A code of a run (its position among all single codes), and its mutual information with a factor."""

    run: Run
    code: int
    of: str
    """The kind of the factor: factors, attributes or measured."""
    factor: str
    information_nats: float
    entropy_nats: float
    null: Null

    @property
    def excess_nats(self) -> float:
        """Mutual information beyond the null."""
        return excess(self.information_nats, self.null)

    @property
    def normalised(self) -> float:
        """(I - I_null) / H(factor)"""
        return self.excess_nats / self.entropy_nats

    def numbers(self) -> dict:
        """What the figure's JSON file records of it."""
        names = ("factor", "information_nats", "entropy_nats", "null", "normalised")
        return {name: getattr(self, name) for name in names}


def matches(run: Run, predicted: Predicted, known: Known, nulls: Nulls, want: Wanted) -> Iterator[Match]:
    """Each code of the wanted kind with each factor of the wanted names."""
    codes = run.latent.single_codes(want.kind)
    for of, (values, names) in known.items():
        columns = [i for i, name in enumerate(names) if name.startswith(want.names)]
        if not codes or not columns:
            continue
        chosen = values[:, columns]
        nats, entropies = predicted.information(chosen, want.kind), disentanglement.entropies(chosen)
        each = zip(columns, nulls.information(run, chosen, want.kind), entropies.tolist(), nats.T.tolist())
        for column, null, entropy, of_codes in each:
            for code, of_code in zip(codes, of_codes):
                yield Match(run, code, of, names[column], of_code, entropy, null)


class Judge:
    """Measures runs on one dataset by what is known of its images.

    gans: runs of a regular GAN, for the null.
    """

    def __init__(self, dataset: Dataset, gans: Sequence[Run] = ()):
        self.images, self.known = known_factors(dataset)
        self._dataset, self._nulls = dataset, Nulls(self.images, gans)
        self._estimators = dict[tuple[str, str], Estimator]()

    def best(self, runs: Sequence[Run], wanted: Iterable[Wanted]) -> dict[Wanted, Match]:
        """For each panel that the runs have a code for, and the dataset a factor, the match of most information."""
        predicted = [(run, predict(run.discriminator, run.latent, self.images)) for run in runs]
        found = {}
        for want in wanted:
            fitting = [each for run, codes in predicted for each in matches(run, codes, self.known, self._nulls, want)]
            if fitting:
                found[want] = max(fitting, key=lambda match: match.excess_nats)
        return found

    def rows(self, found: dict[Wanted, Match]) -> list[dict]:
        """The `verdicts` of the figure's JSON file: of each panel the run, Q's side, G's side, and what follows."""
        used = {match.run.directory: match.run for match in found.values()}
        spreads = {
            at: collapse.measure(run.generator, run.discriminator, run.latent, self.images, last_bound(run.directory))
            for at, run in used.items()
        }
        out = []
        for want, match in found.items():
            estimate, spread = self._estimator(match.of, match.factor), spreads[match.run.directory]
            moved = standing.moved_by(match.run, match.code, estimate) if estimate.about["measurable"] else None
            traversal = {"estimate": estimate.about} | (dataclasses.asdict(moved) if moved else {})
            holds = standing.stands_for(match.normalised, moved, spread["collapsed"])
            about = {"panel": want.title} | about_run(match.run) | {"code": f"c{match.code + 1}"}
            out.append(about | match.numbers() | {"traversal": traversal} | spread | {"holds": holds})
        return out

    def _estimator(self, kind: str, name: str) -> Estimator:
        if (kind, name) not in self._estimators:
            self._estimators[kind, name] = estimator(self._dataset, kind, name)
        return self._estimators[kind, name]


@dataclass(frozen=True)
class Traversals:
    """For each panel of the paper's figure, images along the code with the most mutual information with its factor."""

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Run directories, of one dataset: one for all panels, or one for each setting."""
    each: bool = False
    """Draw a figure of each run by itself, in its own directory: the scorecard's numbers are over such."""
    null: tuple[Path, ...] = ()
    """Runs of a regular GAN (info_flow detached) on the same dataset, which join the untrained networks as the null."""
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
        if self.each and self.out is not None:
            raise InputError(f"--out {self.out} is one picture, --each draws one for each run: leave one of them out")
        loaded = [load_run(directory) for directory in self.runs]
        gans = [load_run(directory) for directory in self.null]
        if len(names := {run.config.dataset for run in (*loaded, *gans)}) > 1:
            raise InputError(f"the runs are of different datasets, {', '.join(sorted(names))}: give those of one")
        judge = Judge(common.load_dataset(self.data_dir, *self.runs, *self.null), gans)
        for group in [[run] for run in loaded] if self.each else [loaded]:
            self._draw(group, judge)

    def _draw(self, loaded: list[Run], judge: Judge) -> None:
        """One figure of these runs."""
        found = judge.best(loaded, self.wanted)
        for want in self.wanted:
            if want not in found:
                print(f"{want.title}: left out; {_why_none(loaded, want)}")
        if not found:
            runs = ", ".join(str(run.directory) for run in loaded)
            factors = ", ".join(name for want in self.wanted for name in want.names)
            raise InputError(f"none of the panels can be drawn from {runs}: give runs on a dataset with {factors}")
        table = judge.rows(found)
        print(common.as_text(pd.DataFrame([_printed(row) for row in table])))
        panels = [self._panel(want, match) for want, match in found.items()]
        path = self.out or common.figures_folder(loaded[0].directory) / f"{type(self).__name__.lower()}.png"
        if self.gif:
            animate(path.with_suffix(".gif"), [panel.images for panel in panels if panel.images is not None])
        numbers = {
            "caption": _captions(match.run for match in found.values()),
            "n_images": len(judge.images),
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
            panel = vary_continuous(match.run, title, self.rows, match.code, standing.RANGE)
        panel.about = {"factor": match.factor, "meant": want.title, "run": match.run.directory.name}
        assert panel.images is not None
        panel.about["generated"] = _statistics_of_columns(panel.images)
        return panel


def _why_none(runs: list[Run], want: Wanted) -> str:
    kind, dataset = want.kind.__name__.lower(), Path(runs[0].config.dataset).stem
    if not any(run.latent.single_codes(want.kind) for run in runs):
        return f"the runs have no {kind} code"
    return f"{dataset} has no factor {' or '.join(want.names)}"


def _printed(row: dict) -> dict:
    """A row of the table that is printed."""
    names = ("panel", "run", "code", "factor", "information_nats", "entropy_nats")
    null = {f"null_{name}": group["mean_nats"] for name, group in row["null"].items()}
    moved = {name: row["traversal"].get(name, np.nan) for name in ("explained_variance", "relative_spread")}
    judged = {"normalised": row["normalised"]} | moved | {"image_spread": row["spread"], "holds": row["holds"]}
    return {name: row[name] for name in names} | null | judged


def _captions(runs: Iterable[Run]) -> str:
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
