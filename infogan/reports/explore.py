"""Explore a trained model in the browser: move its codes, resample its noise, draw a digit and see what Q predicts.

One HTML file holds the page and the networks, which the browser computes itself: it needs nothing else and no network.
It is served on this machine until Ctrl-C, or, with --out, only written.

Example:
  python analysis/explore.py runs/mnist-authors-seed0
"""

import base64
import functools
import json
import re
import signal
import sys
import tempfile
import threading
import webbrowser
import zlib
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import tyro

from infogan import records
from infogan.codes import Categorical, Continuous
from infogan.inference import Model
from infogan.reports import common
from infogan.reports.effects import measured_effects
from infogan.reports.explore_networks import pack
from infogan.utils.errors import InputError, printable
from infogan.utils.options import Unset

PAGE = Path(__file__).with_name("explore.html")
SCRIPT = Path(__file__).with_name("explore_networks.js")
PART = 1 << 20
"""Characters of a part of the weights, after which the page's bar moves on."""
TRAINED = {"u": "values seen in training", "g": "two thirds of the values in training"}
"""What -1 to 1 is, by the kind of a continuous code's prior."""
TEXT_BROWSERS = {"browsh", "elinks", "links", "links2", "lynx", "w3m", "www-browser"}
"""They show no such page, and would take the terminal."""


@dataclass(frozen=True)
class Options:
    """The command line."""

    run: tyro.conf.Positional[Path]
    """Run directory, or what export.py wrote."""
    out: Unset[Path] = None
    """Only write the page, as index.html in this folder."""
    host: str = "127.0.0.1"
    """Address to serve at; 0.0.0.0 for all of this machine's."""
    port: int = 0
    """Port to serve at; 0 takes any free one."""
    browser: bool = True
    """Open the page in the default browser."""


def page(model: Model) -> str:
    """The page of a model as HTML, which needs no other file.

    Raises InputError for a layer, or a prior of the noise, that the page cannot compute.
    """
    networks, content = pack(model)
    stream = zlib.compressobj(9, strategy=zlib.Z_HUFFMAN_ONLY)  # weights repeat no patterns
    packed = base64.b64encode(stream.compress(content) + stream.flush()).decode()
    parts = [packed[start : start + PART] for start in range(0, len(packed), PART)]
    about = describe(model) | {"networks": networks, "parts": len(parts)}
    labelled = model.config.labelled
    filled = {
        "learned": f"with the labels of {labelled:,} images" if labelled else "without labels",
        "about": json.dumps(about).replace("<", "\\u003c"),  # no text ends the script
        "networks": SCRIPT.read_text(encoding="utf-8"),
        "parts": "\n".join(f'<script>part("{part}")</script>' for part in parts),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda match: filled[match[1]], PAGE.read_text(encoding="utf-8"))


def describe(model: Model) -> dict:
    """The model's title, its codes and noise, and the width of the pen, for the page's script.

    Raises InputError for noise of a prior that the page does not draw from.
    """
    latent, columns = model.latent, model.latent.single_columns()
    named = model.categories or [[None] * size for size in latent.categorical_sizes]
    categorical = [
        {"name": f"c{code + 1}", "at": columns[code].start, "size": len(of_code), "named": of_code}
        for code, of_code in zip(latent.single_codes(Categorical), named, strict=True)
    ]
    names = [each["name"] == str(each["label"]) for of_code in named for each in of_code if each]
    kinds = [term.kind for term in latent.continuous for _ in range(term.count)]
    continuous = [
        {"name": f"c{code + 1}", "at": columns[code].start, "trained": TRAINED.get(kind, ""), "effects": effects}
        for code, kind, effects in zip(latent.single_codes(Continuous), kinds, effects_of_codes(model))
    ]
    noise = [term for term in latent.noise if isinstance(term, Continuous)]  # as all noise is
    for term in noise:
        if term.kind not in TRAINED:
            raise InputError(f"noise {term} has a prior that the page cannot draw from; expected u or g")
    return {
        "title": f"{common.run_title(model.config)}, {model.step:,} updates",
        "image": model.image_shape,
        "categorical": categorical,
        "continuous": continuous,
        "noise": [{"kind": term.kind, "count": term.count} for term in noise],
        "latent_width": latent.width,
        "digits": model.image_shape[0] == 1 and bool(names) and all(names),
        "pen": max(22, 400 / model.image_shape[1]),  # of the drawing area's 280 pixels: wider for small images
    }


def effects_of_codes(model: Model) -> list[list[tuple[str, float]] | None]:
    """What each continuous code changes (see infogan.reports.effects); None where scikit-image is not installed."""
    if not model.latent.continuous:
        return []
    try:
        effects = measured_effects(model)
    except ModuleNotFoundError:
        return [None] * len(model.latent.single_codes(Continuous))
    return [[(word, round(r, 2)) for word, r in of_code] for of_code in effects]


class Handler(SimpleHTTPRequestHandler):
    """Sends the page, without a line on the terminal for each request."""

    timeout = 60  # seconds of silence of a client

    def log_message(self, *arguments: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    """A server that is not disturbed by a client that leaves."""

    def handle_error(self, request, client_address) -> None:
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def serve(folder: Path, host: str, port: int) -> ThreadingHTTPServer:
    """A server of the folder's files, not yet running. Raises InputError where it cannot have the host or the port."""
    if not 0 <= port < 65536:
        raise InputError(f"port is {port}; give a number from 1 to 65535, or 0 for any free one")
    try:
        return Server((host, port), functools.partial(Handler, directory=str(folder)))
    except OSError as error:
        raise InputError(f"{host}:{port} cannot be used ({error.strerror}): give another --port or --host") from error


def graphical_browser() -> webbrowser.BaseBrowser | None:
    """The default browser, unless it is one of text or there is none."""
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return None
    return None if Path(browser.name).name in TEXT_BROWSERS else browser


def main() -> None:
    """Write the page, and serve it until Ctrl-C."""
    options = tyro.cli(Options, description=__doc__)
    if options.out and options.out.exists() and not options.out.is_dir():
        raise InputError(f"{options.out} is a file: give a folder as --out")
    model = Model(options.run)
    if options.out:
        file = options.out / "index.html"
        records.write_atomic(file, page(model))
        size = file.stat().st_size / 1e6
        print(f"wrote {printable(file)} ({size:.1f} MB); open it in a browser, or serve the folder")
        return
    for each in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(each) is not signal.SIG_IGN:  # as under nohup
            signal.signal(each, signal.default_int_handler)  # as Ctrl-C, so that the temporary folder goes
    with tempfile.TemporaryDirectory(prefix="infogan-explore-") as folder:
        server = serve(Path(folder), options.host, options.port)
        records.write_atomic(Path(folder) / "index.html", page(model))
        host, port = options.host, server.server_address[1]
        url = f"http://{host}:{port}/"
        print(f"{printable(options.run)}: {url}   (Ctrl-C ends it)")
        tunnel = f"ssh -N -L {port}:{host}:{port} THIS_MACHINE"
        print(f"from another machine: {tunnel}, then open http://127.0.0.1:{port}/", flush=True)
        if options.browser and (browser := graphical_browser()):
            threading.Thread(target=browser.open, args=[url], daemon=True).start()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
