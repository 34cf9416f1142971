"""Explore a trained model in the browser: move its codes, resample its noise, draw a digit and see what Q predicts.

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
from infogan.codes import Categorical, Continuous
from infogan.errors import InputError
from infogan.inference import Codes, Model
from infogan.reports import common

PAGE = Path(__file__).with_name("explore.html")
LIMIT = 1_000_000  # bytes of a request: a drawing is far smaller
HOSTS = ("127.0.0.1", "localhost")


@dataclass(frozen=True)
class Options:
    """The command line."""

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
    return common.data_url(file.getvalue())


def as_dataset(drawing: Image.Image, shape: tuple[int, int, int]) -> np.ndarray:
    """A white drawing on black, scaled and centred like a digit of MNIST: uint8 [1, H, W, C].

    It is scaled, in its proportions, into a box of 20/28 of the image and centred by its mass (LeCun et al. 1998).
    Scikit-learn's 8 x 8 digits fill their images, and so does a drawing of that size. An empty drawing stays empty.
    """
    channels, height, width = shape
    grey = drawing.convert("L")
    canvas = np.zeros((height, width), np.uint8)
    if (box := grey.getbbox()) is not None:
        ink = grey.crop(box)
        box_side = 8 if height == 8 else min(height, width) * 20 / 28
        scale = box_side / max(ink.size)
        size = max(1, round(ink.width * scale)), max(1, round(ink.height * scale))
        pixels = np.asarray(ink.resize(size, Image.Resampling.LANCZOS))
        mass = pixels.astype(float) / max(1, pixels.sum(dtype=float))
        rows, columns = np.indices(pixels.shape)
        top = _start((rows * mass).sum(), pixels.shape[0], height)
        left = _start((columns * mass).sum(), pixels.shape[1], width)
        canvas[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
    return np.repeat(canvas[None, :, :, None], channels, 3)


def _start(centre: float, side: int, room: int) -> int:
    """Where a drawing with `side` pixels begins in `room` pixels, so that its centre is in their middle if it fits."""
    return int(np.clip(round((room - 1) / 2 - centre), 0, room - side))


class Explorer:
    """The requests of the page; each method takes a JSON object and returns one."""

    def __init__(self, model: Model):
        self.model = model
        evaluation = model.directory / "evaluation.json"
        self.codes = records.read_json(evaluation).get("codes", []) if evaluation.exists() else []

    def about(self, _: dict) -> dict:
        """The model's title, its codes, and the width of the pen."""
        config, latent = self.model.config, self.model.latent
        labels = [code["label_of_category"] for code in self.codes]
        categorical = [
            {"name": f"c{code + 1}", "size": size, "labels": labels[i] if i < len(labels) else None}
            for i, (code, size) in enumerate(zip(latent.single_codes(Categorical), latent.categorical_sizes))
        ]
        return {
            "title": f"{common.run_title(config)}, {self.model.step:,} updates",
            "categorical": categorical,
            "continuous": [f"c{code + 1}" for code in latent.single_codes(Continuous)],
            "pen": max(22, 400 / self.model.image_shape[1]),  # of the drawing area's 280 pixels: wider for small images
        }

    def generate(self, request: dict) -> dict:
        """The image of the codes; with `vary`, a code's number, also one of each category, all else equal."""
        codes = Codes(np.array([request["categories"]], np.int64), np.array([request["continuous"]], np.float32))
        seed = int(request["seed"])
        response: dict = {"image": png(self.model.generate(codes, seed)[0])}
        if request.get("vary") is not None:
            varied = int(request["vary"])
            size = self.model.latent.categorical_sizes[varied]
            row = Codes(np.repeat(codes.categories, size, 0), np.repeat(codes.continuous, size, 0))
            row.categories[:, varied] = np.arange(size)
            response["row"] = [png(image) for image in self.model.generate(row, np.full(size, seed))]
        return response

    def recognise(self, request: dict) -> dict:
        """Q's prediction for a drawing (a data URL), its reconstruction G(Q(x)), and the drawing as Q receives it."""
        drawing = Image.open(io.BytesIO(base64.b64decode(request["drawing"].split(",", 1)[1])), formats=["PNG"])
        image = as_dataset(drawing, self.model.image_shape)
        codes = self.model.recognise(image)
        reconstruction = self.model.generate(codes, int(request["seed"]))[0]
        return {
            "categories": codes.categories[0].tolist(),
            "continuous": codes.continuous[0].round(3).tolist(),
            "probabilities": [p[0].round(4).tolist() for p in self.model.probabilities(image)],
            "input": png(image[0]),
            "reconstruction": png(reconstruction),
        }


class Handler(BaseHTTPRequestHandler):
    """Sends the page and answers its requests, and refuses those of other pages."""

    explorer: Explorer

    def do_GET(self) -> None:
        """The page."""
        if self.path == "/":
            self._send(200, "text/html; charset=utf-8", PAGE.read_bytes())
        else:
            self._send(404, "text/plain", b"not found")

    def do_POST(self) -> None:
        """One method of the explorer."""
        explorer = self.explorer
        actions = {"/about": explorer.about, "/generate": explorer.generate, "/recognise": explorer.recognise}
        length = self.headers.get("Content-Length", "")
        if not self._is_from_the_page() or self.path not in actions or not length.isdigit() or int(length) > LIMIT:
            return self._send(400, "text/plain", b"bad request")
        try:
            response = actions[self.path](json.loads(self.rfile.read(int(length))))
        except Exception as error:  # of whatever kind a wrong request causes; the server goes on
            return self._send(400, "text/plain", f"{type(error).__name__}: {error}".encode())
        self._send(200, "application/json", json.dumps(response).encode())

    def _is_from_the_page(self) -> bool:
        """Whether the request cannot have come from a page of another site.

        Such a page may send requests to this address too. It cannot set this content type without asking first (CORS),
        which is never granted; and where it does so under a name of its own that it lets point to this machine (DNS
        rebinding), Host has that name.
        """
        host = self.headers.get("Host", "").split(":")[0]
        return self.headers.get("Content-Type") == "application/json" and host in HOSTS

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", "default-src 'self' 'unsafe-inline'; img-src data:")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Nothing: there would be a line for every moved slider."""


def serve(model: Model, port: int) -> ThreadingHTTPServer:
    """A server on 127.0.0.1, not yet running. Raises InputError where the port is taken, or is no port."""
    if not 0 <= port < 65536:
        raise InputError(f"port is {port}; give a number from 1 to 65535, or 0 for any free one")
    handler = type("ModelHandler", (Handler,), {"explorer": Explorer(model)})
    try:
        return ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError as error:
        raise InputError(
            f"port {port} cannot be used ({error.strerror}): give another --port, or 0 for any free one"
        ) from error


def main() -> None:
    """Serve the page until Ctrl-C."""
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
