"""Drawing figures of generated images again, without their runs."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import tyro

from infogan import records
from infogan.errors import InputError, printable
from infogan.reports.figures.drawing import compose


@dataclass(frozen=True)
class Redraw:
    """Draw pictures of generated images again from their JSON files and panels; no run is needed."""

    figures: tyro.conf.Positional[tuple[Path, ...]]
    """JSON files that figures wrote; those without panels (figure1, losses, tradeoff) are passed over."""
    out: Path = Path("figures")
    """Folder for the pictures, each named after its run and figure."""

    without_images: ClassVar[tuple[str, ...]] = ("figure1", "losses", "morphology", "tradeoff")

    def draw(self) -> None:
        """Write the figures. Raises InputError where none of the files has panels."""
        drawn = 0
        for path in self.figures:
            if not any("tile" in panel for panel in records.read_json(path).get("panels", [])):
                if path.stem not in self.without_images:
                    print(f"{printable(path)} has no images: draw it from its run")
                continue
            run = path.parent.parent.name if path.parent.name == "figures" else path.parent.name
            compose(path, self.out / f"{run}-{path.stem}.png")
            drawn += 1
        if not drawn:
            raise InputError("none of the files given has images: give JSON files of figure2 to figure6 or of grid")
