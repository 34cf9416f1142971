"""Explore a trained model in the browser: move its codes, resample its noise, draw a digit and see what Q reads in it.

The page is served on this machine alone (127.0.0.1) and needs no network.

Example:
  python analysis/explore.py runs/mnist-authors-seed0
"""

import base64
import io
import json
import webbrowser
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import tyro
from PIL import Image

from infogan import load, records
from infogan.cli import run_script
from infogan.codes import Categorical, Continuous
from infogan.config import InputError
from infogan.inference import Codes, Model

PAGE = Path(__file__).with_name("explore.html")
LIMIT = 1_000_000  # bytes of a request: a drawing is far smaller


@dataclass(frozen=True)
class Options:
    run: tyro.conf.Positional[Path]
    """Run directory, or what export.py wrote."""
    port: int = 8765
    """Port on 127.0.0.1; 0 takes any free one."""
    browser: bool = True
    """Open the page in the default browser."""


def png(image: np.ndarray) -> str:
    """A data URL of an image uint8 [H, W, C]."""
    file = io.BytesIO()
    Image.fromarray(image.squeeze(2) if image.shape[2] == 1 else image).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def as_dataset(drawing: Image.Image, shape: tuple[int, int, int]) -> np.ndarray:
    """A white drawing on black as a digit of MNIST is made (LeCun et al. 1998): scaled, in its proportions, into a box of 20/28
    of the image and centred by its mass; scikit-learn's 8 x 8 digits fill theirs. uint8 [1, H, W, C]; an empty drawing stays empty."""
    channels, height, width = shape
    grey = drawing.convert("L")
    canvas = np.zeros((height, width), np.uint8)
    if (box := grey.getbbox()) is not None:
        ink = grey.crop(box)
        box_side = 8 if height == 8 else min(height, width) * 20 / 28
        scale = box_side / max(ink.size)
        ink = np.asarray(ink.resize([max(1, round(side * scale)) for side in ink.size], Image.Resampling.LANCZOS))
        rows, columns = np.indices(ink.shape)
        mass = ink.astype(float) / max(1, ink.sum(dtype=float))
        top = round((height - 1) / 2 - (rows * mass).sum())
        left = round((width - 1) / 2 - (columns * mass).sum())
        top, left = (
            int(np.clip(at, 0, room - side))
            for at, room, side in ((top, height, ink.shape[0]), (left, width, ink.shape[1]))
        )
        canvas[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    return np.repeat(canvas[None, :, :, None], channels, 3)


class Explorer:
    """What the page asks for; each answer is a JSON object."""

    def __init__(self, model: Model):
        self.model = model
        evaluation = model.directory / "evaluation.json"
        self.codes = records.read_json(evaluation).get("codes", []) if evaluation.exists() else []

    def about(self, _: dict) -> dict:
        config, latent = self.model.config, self.model.latent
        categorical = [
            {
                "name": f"c{code + 1}",
                "size": size,
                "labels": self.codes[i]["label_of_category"] if i < len(self.codes) else None,
            }
            for i, (code, size) in enumerate(zip(latent.single_codes(Categorical), latent.categorical_sizes))
        ]
        title = f"{Path(config.dataset).stem}, preset {config.preset}, seed {config.seed}, {self.model.step:,} updates"
        pen = max(
            22, 400 / self.model.image_shape[1]
        )  # of a canvas of 280: strokes at least as wide as those of small images
        return {
            "title": title,
            "categorical": categorical,
            "continuous": [f"c{code + 1}" for code in latent.single_codes(Continuous)],
            "pen": pen,
        }

    def generate(self, asked: dict) -> dict:
        """The image of the codes; and, noise and all else equal, one of each category of the code that `vary` names."""
        codes = Codes(np.array([asked["categories"]], np.int64), np.array([asked["continuous"]], np.float32))
        seed = int(asked["seed"])
        answer = {"image": png(self.model.generate(codes, seed)[0])}
        if asked.get("vary") is not None:
            size = self.model.latent.categorical_sizes[int(asked["vary"])]
            all_of = Codes(np.repeat(codes.categories, size, 0), np.repeat(codes.continuous, size, 0))
            all_of.categories[:, int(asked["vary"])] = np.arange(size)
            answer["row"] = [png(image) for image in self.model.generate(all_of, np.full(size, seed))]
        return answer

    def recognise(self, asked: dict) -> dict:
        """Q's reading of a drawing (a data URL), G's rendering of that reading, and the drawing as Q saw it."""
        drawing = Image.open(io.BytesIO(base64.b64decode(asked["drawing"].split(",", 1)[1])), formats=["PNG"])
        image = as_dataset(drawing, self.model.image_shape)
        codes = self.model.recognise(image)
        rendering = self.model.generate(codes, int(asked["seed"]))[0]
        return {
            "categories": codes.categories[0].tolist(),
            "continuous": codes.continuous[0].round(3).tolist(),
            "probabilities": [p[0].round(4).tolist() for p in self.model.probabilities(image)],
            "seen": png(image[0]),
            "image": png(rendering),
        }


def serve(model: Model, port: int) -> ThreadingHTTPServer:
    """A server on 127.0.0.1, not yet running. Raises InputError where the port is taken."""
    explorer, page = Explorer(model), PAGE.read_bytes()
    actions = {"/about": explorer.about, "/generate": explorer.generate, "/recognise": explorer.recognise}

    class Handler(BaseHTTPRequestHandler):
        def answer(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Security-Policy", "default-src 'self' 'unsafe-inline'; img-src data:")
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            if self.path == "/":
                self.answer(200, "text/html; charset=utf-8", page)
            else:
                self.answer(404, "text/plain", b"not found")

        def do_POST(self) -> None:
            # A page of another site could post here too: it cannot set this type without asking first, which is never granted,
            # and a name of its own that it lets point to this machine stands in Host.
            length = (
                int(self.headers.get("Content-Length", "")) if self.headers.get("Content-Length", "").isdigit() else -1
            )
            ours = self.headers.get("Content-Type") == "application/json" and self.headers.get("Host", "").split(":")[
                0
            ] in ("127.0.0.1", "localhost")
            if not ours or self.path not in actions or not 0 <= length <= LIMIT:
                return self.answer(400, "text/plain", b"bad request")
            try:
                answer = actions[self.path](json.loads(self.rfile.read(length)))
            except Exception as error:  # whatever a wrong request leads to, the page goes on
                return self.answer(400, "text/plain", f"{type(error).__name__}: {error}".encode())
            self.answer(200, "application/json", json.dumps(answer).encode())

        def log_message(self, *arguments) -> None:
            pass  # one line per moved slider helps nobody

    try:
        return ThreadingHTTPServer(("127.0.0.1", port), Handler)
    except OSError as error:
        raise InputError(
            f"port {port} cannot be used ({error.strerror}): give another --port, or 0 for any free one"
        ) from error


def main() -> None:
    options = tyro.cli(Options, description=__doc__)
    server = serve(load(options.run), options.port)
    url = f"http://127.0.0.1:{server.server_address[1]}/"
    print(f"{options.run}: {url}   (Ctrl-C ends it)", flush=True)
    if options.browser:
        webbrowser.open(url)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print()


if __name__ == "__main__":
    run_script(main)
