"""A trained model's categories side by side while its continuous codes move: a GIF, or an MP4."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from matplotlib.font_manager import findfont
from PIL import Image, ImageDraw, ImageFont

from infogan import records
from infogan.codes import Categorical, Continuous
from infogan.inference import Codes, Model
from infogan.reports.figures.panels import category_order
from infogan.utils.errors import InputError, install
from infogan.utils.options import Unset

SIDE, GAP, LEFT, TOP, BETWEEN = 70, 4, 104, 26, 12  # pixels; SIDE: of an image
FRAME_MS, COLOURS = 110, 32
STEPS = 13
"""Pictures from -1 to 1, the range of the codes in training."""
SEED = 1
"""Of the noise."""
INK, LINE, PAPER = "#1E1E1E", "#969696", "#FFFFFF"
MOST_COLUMNS, MOST_ROWS = 12, 6


@dataclass(frozen=True)
class Traversal:
    """An animation: a column for each category of c1, a row for each continuous code, which moves from -1 to 1 and
    back."""

    run: tyro.conf.Positional[Path]
    """Run directory, or what export wrote."""
    out: Unset[Path] = None
    """Where to write it, .gif or .mp4 (needs imageio-ffmpeg). Default: RUN/figures/traversal.gif."""

    def draw(self) -> None:
        """Write the animation. Raises InputError where the run has no continuous code, or the ending is another."""
        out = self.out or self.run / "figures" / "traversal.gif"
        if out.suffix not in (".gif", ".mp4"):
            raise InputError(f"--out is {out}; give a name that ends in .gif or .mp4")
        model = Model(self.run)
        if not model.latent.continuous:
            raise InputError(f"{self.run} has codes {model.latent}, none of them continuous: there is none to move")
        forth = [_frame(model, value) for value in np.linspace(-1, 1, STEPS)]
        out.parent.mkdir(parents=True, exist_ok=True)
        (write_gif if out.suffix == ".gif" else write_mp4)(out, forth + forth[-2:0:-1])
        print(f"wrote {out} ({out.stat().st_size / 1000:.0f} kB)")


def _frame(model: Model, value: float) -> Image.Image:
    """One picture, with each code's slider at its left."""
    columns, heads = _columns(model)
    names = [f"c{code + 1}" for code in model.latent.single_codes(Continuous)][:MOST_ROWS]
    step = SIDE + GAP
    picture = Image.new("RGB", (LEFT + len(heads) * step, TOP + len(names) * (SIDE + BETWEEN)), PAPER)
    draw, font = ImageDraw.Draw(picture), ImageFont.truetype(findfont("DejaVu Sans"), 13)
    for k, head in enumerate(heads):
        draw.text((LEFT + k * step + SIDE / 2, TOP / 2), head, INK, font, anchor="mm")
    for row, name in enumerate(names):
        top = TOP + row * (SIDE + BETWEEN)
        codes = Codes(columns.categories, columns.continuous.copy())
        codes.continuous[:, row] = value
        seeds = np.full(len(heads), SEED) if model.latent.categorical else SEED + np.arange(len(heads))
        for k, image in enumerate(model.generate(codes, seeds)):
            large = _image(image).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
            picture.paste(large, (LEFT + k * step, top))
        _slider(draw, top + SIDE // 2 + 10, f"{name} = {value:z.1f}", value, font)
    return picture


def _slider(draw: ImageDraw.ImageDraw, y: int, text: str, value: float, font: ImageFont.FreeTypeFont) -> None:
    """A line with a knob at `value`, its text above it."""
    left, right = 14, LEFT - 20
    draw.text(((left + right) / 2, y - 20), text, INK, font, anchor="mm")
    draw.line((left, y, right, y), LINE, 3)
    x = left + (right - left) * (value + 1) / 2
    draw.ellipse((x - 6, y - 6, x + 6, y + 6), INK)


def _columns(model: Model) -> tuple[Codes, list[str]]:
    """The codes of each column, continuous ones 0, and its heading: categories of c1 by matched label, or noise."""
    sizes = model.latent.categorical_sizes
    n_continuous = len(model.latent.single_codes(Continuous))
    if not sizes:
        heads = [f"noise {i + 1}" for i in range(8)]
        return Codes(np.zeros((8, 0), np.int64), np.zeros((8, n_continuous), np.float32)), heads
    order, heads = category_order(model)
    order, heads = order[:MOST_COLUMNS], heads[:MOST_COLUMNS]
    categories = np.zeros((len(order), len(model.latent.single_codes(Categorical))), np.int64)
    categories[:, 0] = order
    return Codes(categories, np.zeros((len(order), n_continuous), np.float32)), heads


def _image(image: np.ndarray) -> Image.Image:
    """uint8 [H, W, C] as a picture in colour."""
    return Image.fromarray(image.squeeze(2) if image.shape[2] == 1 else image).convert("RGB")


def write_gif(path: Path, frames: Sequence[Image.Image]) -> None:
    """Write pictures as an animation without end, with one palette for all."""
    palette = frames[len(frames) // 4].quantize(COLOURS)
    small = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    with records.replacing(path) as file:
        small[0].save(file, save_all=True, append_images=small[1:], duration=FRAME_MS, loop=0, optimize=True)


def write_mp4(path: Path, frames: Sequence[Image.Image]) -> None:
    """Write pictures, there and back four times, as H.264. Raises InputError where imageio-ffmpeg is missing."""
    try:
        import imageio.v3 as imageio
        import imageio_ffmpeg  # noqa: F401
    except ImportError as error:
        raise InputError(f"{path} needs imageio-ffmpeg: {install('video')}, or give a .gif") from error
    even = [frame.crop((0, 0, frame.width // 2 * 2, frame.height // 2 * 2)) for frame in frames]  # H.264 wants it
    video = np.stack([np.asarray(frame) for frame in even] * 4)
    with records.replacing(path) as file:
        imageio.imwrite(file, video, plugin="FFMPEG", fps=1000 / FRAME_MS, codec="libx264", macro_block_size=2)
