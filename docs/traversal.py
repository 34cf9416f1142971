"""Draw docs/images/traversal.gif: the categories of a trained model, and its two continuous codes moving from -1 to 1.

Run it after a change of the model (seconds): python docs/traversal.py
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # so that a checkout that is not installed works

import infogan  # noqa: E402
from infogan import records  # noqa: E402
from infogan.inference import Codes, Model  # noqa: E402

MODEL = ROOT / "analysis" / "results" / "models" / "mnist-best"
OUT = ROOT / "docs" / "images" / "traversal.gif"
STEPS, LIMIT = 13, 1.0  # frames from -LIMIT to LIMIT, the range of training; the GIF goes there and back
SIDE, GAP, LEFT, TOP, BETWEEN = 70, 4, 104, 26, 12  # pixels; SIDE: of an image
FRAME_MS, GREYS = 110, 32
INK, LINE, PAPER = 30, 150, 255

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def images(model: Model, labels: list[int], code: int, value: float) -> np.ndarray:
    """An image uint8 [H, W] of each digit, 0 to 9, with continuous code `code` at `value`, the other at 0."""
    continuous = np.zeros((10, 2), np.float32)
    continuous[:, code] = value
    categories = np.array([[labels.index(digit)] for digit in range(10)])
    return model.generate(Codes(categories, continuous), seed=np.ones(10, int))[..., 0]


def frame(model: Model, labels: list[int], value: float) -> Image.Image:
    """One picture: a row for each continuous code, its slider at the left."""
    step = SIDE + GAP
    picture = Image.new("L", (LEFT + 10 * step, TOP + 2 * (SIDE + BETWEEN)), PAPER)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(15)
    draw.text((LEFT - 20, TOP / 2), "c1 =", INK, font, anchor="rm")
    for digit in range(10):
        draw.text((LEFT + digit * step + SIDE / 2, TOP / 2), str(labels.index(digit)), INK, font, anchor="mm")
    for code in (0, 1):
        top = TOP + code * (SIDE + BETWEEN)
        for digit, image in enumerate(images(model, labels, code, value)):
            large = Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
            picture.paste(large, (LEFT + digit * step, top))
        slider(draw, top + SIDE // 2 + 10, f"c{code + 2} = {value:.1f}", value, font)
    return picture


def slider(draw: ImageDraw.ImageDraw, y: int, text: str, value: float, font: Font) -> None:
    """A line with a knob at `value`, its text above it."""
    left, right = 14, LEFT - 20
    draw.text(((left + right) / 2, y - 20), text, INK, font, anchor="mm")
    draw.line((left, y, right, y), LINE, 3)
    x = left + (right - left) * (value + LIMIT) / (2 * LIMIT)
    draw.ellipse((x - 6, y - 6, x + 6, y + 6), INK)


def main() -> None:
    model = infogan.load(MODEL)
    labels = records.read_json(MODEL / "evaluation.json")["label_of_category"]
    forth = [frame(model, labels, value) for value in np.linspace(-LIMIT, LIMIT, STEPS).round(6) + 0.0]
    greys = Image.new("P", (1, 1))
    greys.putpalette([round(i * 255 / (GREYS - 1)) for i in range(GREYS) for _ in range(3)])
    frames = [each.convert("RGB").quantize(palette=greys, dither=Image.Dither.NONE) for each in forth + forth[-2:0:-1]]
    frames[0].save(OUT, save_all=True, append_images=frames[1:], duration=FRAME_MS, loop=0, optimize=True)
    print(f"{OUT.relative_to(ROOT)}: {len(frames)} frames, {frames[0].size}, {OUT.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
