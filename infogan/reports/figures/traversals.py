"""The paper's figures 3 to 6: images along the code that matches each of the figure's factors best.

That is the code with the most mutual information with the factor, beyond the null (infogan.reports.factor_match).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import tyro

from infogan.codes import Categorical, Continuous
from infogan.inference import Model
from infogan.reports import common
from infogan.reports.factor_match import RANGE, Match, Matcher, Wanted
from infogan.reports.figures.drawing import Output, write_panels
from infogan.reports.figures.panels import Panel, caption, vary_category, vary_continuous
from infogan.utils.errors import InputError
from infogan.utils.options import Unset

BASELINES = {"untrained": "untrained networks", "gan": "a regular GAN"}
"""The groups of networks of a null, in words."""


@dataclass(frozen=True)
class Traversals(Output):
    """For each panel of the paper's figure, images along the code with the most mutual information with its factor.

    Where one code has the most with several factors, it is drawn once. Default of --out: figures/FIGURE.png in the
    first run.
    """

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Run directories, of one dataset: one for all panels, or one for each setting."""
    each: bool = False
    """Draw a figure of each run by itself, in its own directory: the scorecard's numbers are over such."""
    null: tuple[Path, ...] = ()
    """Runs of a regular GAN (info_flow detached) on the same dataset, which join the untrained networks as the null."""
    data_dir: Unset[Path] = None
    """Folder of the dataset. Default: $INFOGAN_DATA, else ./data."""

    wanted: ClassVar[tuple[Wanted, ...]]

    def draw(self) -> None:
        """Write the figure, and print its numbers. Raises InputError where no panel can be drawn."""
        if not self.runs:
            raise InputError("give at least one run directory, such as runs/faces3d-faces-azimuth-seed0")
        if self.each and self.out is not None:
            raise InputError(f"--out {self.out} is one picture, --each draws one for each run: leave one of them out")
        loaded = [Model(directory) for directory in self.runs]
        gans = [Model(directory) for directory in self.null]
        matcher = Matcher(common.load_dataset(self.data_dir, *self.runs, *self.null), gans)
        for group in [[run] for run in loaded] if self.each else [loaded]:
            self._draw(group, matcher)

    def _draw(self, loaded: list[Model], matcher: Matcher) -> None:
        """One figure of these runs."""
        found = matcher.best(loaded, self.wanted)
        for want in self.wanted:
            if want not in found:
                kind, factors = want.kind.__name__.lower(), " or ".join(want.names)
                print(f"{want.title}: left out; it needs a {kind} code and a factor {factors}")
        if not found:
            runs = ", ".join(str(run.directory) for run in loaded)
            factors = ", ".join(name for want in self.wanted for name in want.names)
            raise InputError(f"none of the panels can be drawn from {runs}: give runs on a dataset with {factors}")
        table = matcher.rows(found)
        print(common.as_text(pd.DataFrame([_printed(row) for row in table])))
        path = self.path(loaded[0].directory / "figures" / f"{type(self).__name__.lower()}.png")
        captions = dict.fromkeys(caption(match.run) for match in found.values())
        numbers = {"caption": "; ".join(captions), "n_images": len(matcher.images), "verdicts": table}
        write_panels(path, self.panels(found), numbers | {"runs": [common.about_run(run) for run in loaded]})

    def panels(self, found: dict[Wanted, Match]) -> list[Panel]:
        """A panel for each code, with all factors that it matches best."""
        codes: dict[tuple[Path, int], list[Wanted]] = {}
        for want, match in found.items():
            codes.setdefault((match.run.directory, match.code), []).append(want)
        return [self._panel(wanted, [found[want] for want in wanted]) for wanted in codes.values()]

    def _panel(self, wanted: Sequence[Wanted], matched: Sequence[Match]) -> Panel:
        run, code = matched[0].run, matched[0].code
        title = "\n".join(_title(want, match) for want, match in zip(wanted, matched))
        if wanted[0].kind is Categorical:
            panel = vary_category(run, title, code)
        else:
            panel = vary_continuous(run, title, code, RANGE)
        factors, titles = [match.factor for match in matched], [want.title for want in wanted]
        panel.about = {"factors": factors, "wanted": titles, "run": run.directory.name}
        return panel


def _title(want: Wanted, match: Match) -> str:
    """A panel's title; that of a match with no more information than the null says so, not a number below 0."""
    said = f"{want.title}: c{match.code + 1}, "
    if match.excess_nats <= 0:
        best = max(match.null, key=lambda group: match.null[group]["mean_nats"])
        return said + f"no more information on {match.factor} than {BASELINES[best]}"
    return said + f"normalised mutual information {match.normalised:.2f} with {match.factor}"


def _printed(row: dict) -> dict:
    """A row of the table that is printed."""
    names = ("panel", "run", "code", "factor", "information_nats", "entropy_nats")
    null = {f"null_{name}": group["mean_nats"] for name, group in row["null"].items()}
    moved = {name: row["traversal"].get(name, np.nan) for name in ("explained_variance", "relative_spread")}
    measured = {"normalised": row["normalised"]} | moved | {"image_spread": row["spread"]}
    return {name: row[name] for name in names} | null | measured | {"collapsed": row["collapsed"]}


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
