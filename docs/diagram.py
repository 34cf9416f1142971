"""Draw docs/images/infogan.svg: G, D and Q, what flows between them, and the two losses.

Run it after a change: python docs/diagram.py
"""

from pathlib import Path

WIDTH, HEIGHT = 840, 330
INK, GREY = "#1b2733", "#5b6b7a"
BLUE, GREEN = "#0072b2", "#00795c"  # of the palette of Okabe and Ito; the green is darkened for contrast
FONT = "font-family='Helvetica, Arial, sans-serif'"
L_I = "L<tspan dy='4' font-size='10'>I</tspan><tspan dy='-4'>\u200b</tspan>"


def box(x: int, y: int, width: int, height: int, colour: str, title: str, *lines: str) -> str:
    """A rounded box with a bold title and lines below it."""
    middle = x + width / 2
    top = y + height / 2 - 9 * len(lines) + 6
    out = f"<rect x='{x}' y='{y}' width='{width}' height='{height}' rx='8' fill='{colour}14' stroke='{colour}'/>"
    out += text(middle, top, title, colour, 17, "bold")
    for i, line in enumerate(lines):
        out += text(middle, top + 19 * (i + 1), line, INK, 13)
    return out


def text(x: float, y: float, content: str, colour: str = INK, size: int = 13, weight: str = "normal") -> str:
    """Text centred at x."""
    style = f"font-size='{size}' font-weight='{weight}' fill='{colour}' text-anchor='middle'"
    return f"<text x='{x}' y='{y}' {FONT} {style}>{content}</text>"


def arrow(*points: tuple[int, int], colour: str = GREY) -> str:
    """A line through the points, with an arrow head at its end."""
    path = " ".join(f"{x},{y}" for x, y in points)
    return f"<polyline points='{path}' fill='none' stroke='{colour}' stroke-width='2' marker-end='url(#{colour[1:]})'/>"


def head(colour: str) -> str:
    """The marker that `arrow` ends with."""
    shape = f"<path d='M0,0 L9,4.5 L0,9 z' fill='{colour}'/>"
    size = "markerWidth='9' markerHeight='9' refX='8' refY='4.5' orient='auto' markerUnits='userSpaceOnUse'"
    return f"<marker id='{colour[1:]}' {size}>{shape}</marker>"


def draw() -> str:
    """The whole picture as SVG."""
    parts = [
        "<title>InfoGAN: the generator G turns codes c and noise z into an image; the discriminator D and the "
        "recognition network Q share a trunk; D says real or generated, Q predicts c</title>",
        "<defs>" + "".join(map(head, (GREY, BLUE, GREEN))) + "</defs>",
        f"<rect width='{WIDTH}' height='{HEIGHT}' rx='10' fill='#ffffff'/>",
        box(24, 60, 150, 72, GREEN, "codes c", "10 categories,", "2 continuous"),
        box(24, 156, 150, 54, GREY, "noise z", "62 numbers"),
        arrow((174, 96), (206, 96), (206, 122), (232, 122), colour=GREEN),
        arrow((174, 183), (206, 183), (206, 148), (232, 148)),
        box(236, 96, 112, 78, BLUE, "G", "generator"),
        arrow((348, 135), (384, 135)),
        box(388, 96, 104, 78, GREY, "G(z, c)", "generated", "image"),
        box(388, 218, 104, 60, GREY, "x", "real image"),
        arrow((492, 135), (528, 135)),
        arrow((492, 248), (580, 248), (580, 178)),
        box(532, 96, 96, 78, BLUE, "trunk", "shared by", "D and Q"),
        arrow((628, 152), (654, 152), (654, 214), (680, 214), colour=BLUE),
        arrow((628, 118), (654, 118), (654, 78), (680, 78), colour=GREEN),
        box(684, 182, 134, 64, BLUE, "D", "real or generated?"),
        box(684, 46, 134, 64, GREEN, "Q", "which c? Q(c | x)"),
        arrow((751, 46), (751, 22), (99, 22), (99, 56), colour=GREEN),
        text(425, 42, f"{L_I}: Q predicts c from G(z, c); G and Q raise this bound on the mutual information", GREEN),
        text(425, 312, "V(D, G): D tells real from generated images; G makes images that D takes for real", BLUE),
    ]
    head_of_file = f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {HEIGHT}' role='img'>"
    return "\n".join([head_of_file, *parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    (Path(__file__).parent / "images" / "infogan.svg").write_text(draw(), encoding="utf-8")
