"""Explore a trained model in the browser: move its codes, resample its noise, draw a digit and see what Q predicts.

The page is served on this machine alone (127.0.0.1) and needs no network.

Example:
  python analysis/explore.py runs/mnist-authors-seed0
"""

import base64
import io
import json
import re
import socket
import sys
import threading
import time
import warnings
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import tyro
from PIL import Image

from infogan import load, records
from infogan.codes import Categorical, Continuous
from infogan.errors import InputError, printable
from infogan.inference import Codes, Model
from infogan.reports import common
from infogan.reports.effects import measured_effects

PAGE = Path(__file__).with_name("explore.html")
LIMIT = 1_000_000  # bytes of a request: a drawing is far smaller
LARGEST_SIDE = 1000  # pixels of a drawing
LARGEST_CODE = 100  # of a continuous code
VALUES = np.linspace(-2, 2, 9, dtype=np.float32)
"""Of a continuous code, in the strip below its slider."""
COLUMNS = 10
"""Noise vectors in the view of all categories."""
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


def _is_list(values: object, n: int, kind: type) -> bool:
    """Whether JSON is a list of n numbers: whole ones where the kind is int."""
    kinds = (int,) if kind is int else (int, float)
    return isinstance(values, list) and len(values) == n and all(type(one) in kinds for one in values)


def _seed(request: dict) -> int:
    """Raises InputError for what is no seed."""
    seed = request["seed"]
    if type(seed) is not int or not 0 <= seed < 2**31:
        raise InputError(f"seed is {seed!r}; give a whole number from 0 to 2**31 - 1")
    return seed


class Explorer:
    """The requests of the page; each of its actions takes a JSON object and returns one."""

    def __init__(self, model: Model):
        self.model = model
        self.codes = records.read_evaluation(model.directory).get("codes", [])
        self.measured: list[list[tuple[str, float]]] | None = None
        self.measuring = threading.Lock()

    def actions(self) -> tuple[Callable[[dict], dict], ...]:
        """What the page may ask for, by the method's name."""
        return self.about, self.effects, self.generate, self.traversals, self.grid, self.recognise

    def _codes(self, request: dict) -> tuple[Codes, int]:
        """The codes of one image, and the seed of its noise. Raises InputError where the model has no such image."""
        categories, continuous = request["categories"], request["continuous"]
        sizes, n = self.model.latent.categorical_sizes, len(self.model.latent.single_codes(Continuous))
        if not _is_list(categories, len(sizes), int) or not all(0 <= k < size for k, size in zip(categories, sizes)):
            raise InputError(f"categories are {categories!r}; give a whole number below each of {sizes}")
        if not _is_list(continuous, n, float) or not all(abs(value) <= LARGEST_CODE for value in continuous):
            raise InputError(f"continuous are {continuous!r}; give {n} numbers from -{LARGEST_CODE} to {LARGEST_CODE}")
        return Codes(np.array([categories], np.int64), np.array([continuous], np.float32)), _seed(request)

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
            "values": VALUES.tolist(),
            "height_over_width": self.model.image_shape[1] / self.model.image_shape[2],
            "digits": self.model.image_shape[0] == 1 and bool(self.codes),
            "pen": max(22, 400 / self.model.image_shape[1]),  # of the drawing area's 280 pixels: wider for small images
        }

    def effects(self, _: dict) -> dict:
        """What each continuous code changes: see infogan.reports.effects. Measured when it is first asked for."""
        with self.measuring:
            if self.measured is None:
                self.measured = measured_effects(self.model)
        return {"effects": [[(word, round(r, 2)) for word, r in of_code] for of_code in self.measured]}

    def generate(self, request: dict) -> dict:
        """The image of the codes."""
        codes, seed = self._codes(request)
        return {"image": png(self.model.generate(codes, seed)[0])}

    def traversals(self, request: dict) -> dict:
        """Of the codes: an image of each category of the first code, and for each continuous code a strip of images
        over VALUES, all else equal."""
        codes, seed = self._codes(request)
        sizes, n_continuous = self.model.latent.categorical_sizes, codes.continuous.shape[1]
        n_categories = sizes[0] if sizes else 0
        n = n_categories + n_continuous * len(VALUES)
        if n == 0:
            return {"categories": [], "strips": []}
        varied = Codes(np.repeat(codes.categories, n, 0), np.repeat(codes.continuous, n, 0))
        if n_categories:
            varied.categories[:n_categories, 0] = np.arange(n_categories)
        for code in range(n_continuous):
            start = n_categories + code * len(VALUES)
            varied.continuous[start : start + len(VALUES), code] = VALUES
        images = self.model.generate(varied, np.full(n, seed))
        strips = images[n_categories:].reshape(n_continuous, len(VALUES), *images.shape[1:])
        return {
            "categories": [png(image) for image in images[:n_categories]],
            "strips": [png(np.concatenate(strip, axis=1)) for strip in strips],
        }

    def grid(self, request: dict) -> dict:
        """A strip of COLUMNS noise vectors for each category of the first code, all else equal."""
        codes, seed = self._codes(request)
        n = self.model.latent.categorical_sizes[0]
        varied = Codes(np.repeat(codes.categories, n * COLUMNS, 0), np.repeat(codes.continuous, n * COLUMNS, 0))
        varied.categories[:, 0] = np.repeat(np.arange(n), COLUMNS)
        seeds = np.tile((seed + np.arange(COLUMNS)) % 2**31, n)
        images = self.model.generate(varied, seeds)
        return {"rows": [png(np.concatenate(row, axis=1)) for row in images.reshape(n, COLUMNS, *images.shape[1:])]}

    def recognise(self, request: dict) -> dict:
        """Q's prediction for a drawing (a data URL), its reconstruction G(Q(x)), and the drawing as Q receives it."""
        drawing = Image.open(io.BytesIO(base64.b64decode(request["drawing"].split(",", 1)[1])), formats=["PNG"])
        if max(drawing.size) > LARGEST_SIDE:  # known before a pixel is decoded
            raise InputError(f"the drawing is {drawing.width}x{drawing.height}; at most {LARGEST_SIDE} on a side")
        image = as_dataset(drawing, self.model.image_shape)
        codes = self.model.recognise(image)
        reconstruction = self.model.generate(codes, _seed(request))[0]
        return {
            "categories": codes.categories[0].tolist(),
            "continuous": codes.continuous[0].round(3).tolist(),
            "probabilities": [p[0].round(4).tolist() for p in self.model.probabilities(image)],
            "input": png(image[0]),
            "reconstruction": png(reconstruction),
        }


class Timed(io.RawIOBase):
    """What a client sends, all of it within some seconds: one that sends a byte now and then holds no thread for long.

    Reading raises TimeoutError afterwards.
    """

    def __init__(self, connection: socket.socket, seconds: float):
        self.connection, self.end = connection, time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        if (left := self.end - time.monotonic()) <= 0:
            raise TimeoutError("the request takes too long")
        self.connection.settimeout(left)
        return self.connection.recv_into(buffer)


class Handler(BaseHTTPRequestHandler):
    """Sends the page and answers its requests, and refuses those of other pages."""

    explorer: Explorer
    timeout = 10  # seconds that a client may take to send its request, and to receive the answer

    def setup(self) -> None:
        super().setup()
        self.rfile.close()
        self.rfile = io.BufferedReader(Timed(self.connection, self.timeout))

    def do_GET(self) -> None:
        """The page."""
        if self.path == "/":
            self._send(200, "text/html; charset=utf-8", PAGE.read_bytes())
        else:
            self._send(404, "text/plain", b"not found")

    def do_POST(self) -> None:
        """One method of the explorer."""
        explorer = self.explorer
        actions = {f"/{action.__name__}": action for action in explorer.actions()}
        length = self.headers.get("Content-Length", "")
        readable = re.fullmatch("[0-9]{1,7}", length) and int(length) <= LIMIT
        if not self._is_from_the_page() or self.path not in actions or not readable:
            return self._send(400, "text/plain", b"bad request")
        try:
            response = actions[self.path](json.loads(self.rfile.read(int(length))))
        except Exception as error:  # of whatever kind a wrong request causes; the server goes on
            return self._send(400, "text/plain", f"{type(error).__name__}: {printable(error)}".encode())
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
        self.connection.settimeout(self.timeout)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", "default-src 'self' 'unsafe-inline'; img-src data:")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Nothing: there would be a line for every moved slider."""


class Server(ThreadingHTTPServer):
    """A server of many clients, which is not disturbed by those that leave."""

    request_queue_size = 128
    daemon_threads = True

    def handle_error(self, request, client_address) -> None:
        """Nothing for a connection that was closed or fell silent; a traceback for what is our fault."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def serve(model: Model, port: int) -> ThreadingHTTPServer:
    """A server on 127.0.0.1, not yet running. Raises InputError where the port is taken, or is no port."""
    if not 0 <= port < 65536:
        raise InputError(f"port is {port}; give a number from 1 to 65535, or 0 for any free one")
    handler = type("ModelHandler", (Handler,), {"explorer": Explorer(model)})
    try:
        return Server(("127.0.0.1", port), handler)
    except OSError as error:
        raise InputError(
            f"port {port} cannot be used ({error.strerror}): give another --port, or 0 for any free one"
        ) from error


def main() -> None:
    """Serve the page until Ctrl-C."""
    options = tyro.cli(Options, description=__doc__)
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # `recognise` refuses what it warns of
    server = serve(load(options.run), options.port)
    url = f"http://127.0.0.1:{server.server_address[1]}/"
    print(f"{printable(options.run)}: {url}   (Ctrl-C ends it)", flush=True)
    if options.browser:
        webbrowser.open(url)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print()
