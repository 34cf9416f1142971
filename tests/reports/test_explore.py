"""The explorer, driven in a real headless browser, and the server behind it."""

import base64
import contextlib
import http.client
import json
import socket
import struct
import subprocess
import sys
import threading
import time
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from conftest import ROOT
from pages import assert_legible
from PIL import Image, ImageDraw

from infogan import load
from infogan.errors import InputError
from infogan.reports import explore
from infogan.reports.effects import measured_effects

MODEL = ROOT / "analysis" / "results" / "models" / "digits"


@pytest.fixture(scope="module")
def model():
    return load(MODEL)


@pytest.fixture(scope="module")
def address(model):
    server = explore.serve(model, 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address
    server.shutdown()


@pytest.fixture
def page(browser, address):
    page = open_page(browser, address)
    yield page
    assert page.problems == []
    page.close()


def open_page(browser, address, **options):
    """The explorer's page once its first image is there; `problems` collects what the browser complains of."""
    options = {"viewport": {"width": 1100, "height": 900}} | options
    page = browser.new_page(bypass_csp=True, **options)  # Playwright waits by eval
    page.problems = []
    page.on("console", lambda message: page.problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.goto(f"http://{address[0]}:{address[1]}/")
    page.wait_for_function("document.getElementById('image').naturalWidth > 0")
    return page


def image_after(page, action) -> str:
    """The generated image once it differs from what it was before the action."""
    before = page.get_attribute("#image", "src")
    action()
    page.wait_for_function("before => document.getElementById('image').src !== before", arg=before)
    return page.get_attribute("#image", "src")


def test_sliders_keys_and_noise_change_the_image(page):
    slider = page.locator("#code0")
    moved = image_after(page, lambda: slider.fill("1.5"))
    assert page.text_content("#value0") == "1.50"
    slider.focus()
    assert image_after(page, lambda: page.keyboard.press("ArrowLeft")) != moved
    assert page.text_content("#value0") == "1.45"
    page.locator("body").click(position={"x": 5, "y": 5})
    image_after(page, lambda: page.keyboard.press("7"))
    assert page.get_attribute("#image", "alt").startswith("generated image, 7 (category ")
    assert page.locator("#row button[aria-pressed=true]").get_attribute("aria-label").startswith("7 (category ")
    image_after(page, lambda: page.keyboard.press("n"))
    image_after(page, lambda: page.keyboard.press("r"))
    assert page.text_content("#value0") == "0.00"
    image_after(page, lambda: page.locator("#row button").nth(2).click())


def test_categories_are_in_the_order_of_their_labels(page, model):
    labels = explore.Explorer(model).about({})["categorical"][0]["labels"]
    shown = page.locator("#row b").all_text_contents()
    assert shown == [str(label) for label in sorted(labels)] and len(shown) == 10
    categories = [int(text.removeprefix("cat. ")) for text in page.locator("#row small").all_text_contents()]
    assert [str(labels[k]) for k in categories] == shown


def test_sliders_are_named_by_what_they_were_measured_to_do(page, model):
    effects = explore.Explorer(model).effects({})["effects"]
    page.wait_for_function("document.getElementById('name1').textContent.includes('c3')")
    for i, found in enumerate(effects):
        name = page.text_content(f"#name{i}")
        assert name.startswith(found[0][0] if found else f"c{i + 2}"), name
        assert f"c{i + 2}" in name


def test_a_click_on_the_strip_moves_the_slider_to_that_image(page):
    page.wait_for_function("document.getElementById('strip0').naturalWidth > 0")
    strip = page.locator("#strip0")
    box = strip.bounding_box()
    assert page.evaluate("document.getElementById('strip0').naturalWidth") == 9 * 8, "nine images of 8 x 8"
    image_after(page, lambda: strip.click(position={"x": box["width"] * 6.5 / 9, "y": box["height"] / 2}))
    assert page.text_content("#value0") == "1.00"
    thumb = page.evaluate(
        "(() => { const b = document.getElementById('code0').getBoundingClientRect();"
        " return b.left + 8 + (b.width - 16) * 3 / 4; })()"
    )
    assert thumb == pytest.approx(box["x"] + box["width"] * 6.5 / 9, abs=2), "the thumb is above its image"


def test_a_key_plays_a_slider_and_stops_it(page):
    before = page.text_content("#value0")
    page.keyboard.press("p")
    page.wait_for_function("before => document.getElementById('value0').textContent !== before", arg=before)
    assert page.get_attribute("#play0", "aria-pressed") == "true"
    page.keyboard.press("p")
    stopped = page.text_content("#value0")
    page.wait_for_timeout(200)
    assert page.text_content("#value0") == stopped and page.get_attribute("#play0", "aria-pressed") == "false"


def test_the_view_of_all_categories_chooses_one(page):
    page.keyboard.press("g")
    page.wait_for_function("document.querySelectorAll('#grid img[src]').length === 10")
    assert page.evaluate("document.getElementById('grid').getElementsByTagName('img')[0].naturalWidth") == 10 * 8
    page.locator("#grid button").nth(4).click()
    assert page.is_visible("#image") and not page.is_visible("#grid")
    assert page.get_attribute("#image", "alt").startswith("generated image, 4 ")


@pytest.mark.parametrize("width", [390, 1600])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_off_and_text_has_contrast(browser, address, width, scheme, tmp_path):
    page = open_page(browser, address, viewport={"width": width, "height": 850}, color_scheme=scheme)
    draw_a_one(page)
    assert page.locator("#image").bounding_box()["width"] >= min(480, 0.8 * width), "a large image"
    assert_legible(page, "button.plain, #row button, select")
    page.screenshot(path=tmp_path / f"explore-{width}-{scheme}.png", full_page=True)
    assert page.problems == []
    page.close()


def test_a_finger_can_draw(browser, address):
    page = open_page(browser, address, viewport={"width": 390, "height": 850}, has_touch=True)
    assert page.is_visible("#hint")
    pad = page.locator("#canvas")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_function("document.getElementById('reconstruction').naturalWidth > 0")
    assert not page.is_visible("#hint")
    assert page.evaluate("getComputedStyle(document.getElementById('canvas')).touchAction") == "none"
    page.close()


def test_everything_can_be_reached_by_the_keyboard(page):
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.getAttribute('aria-label')"))
    assert {"noise", "reset", "all", "code0", "play0", "code1", "play1", "clear"} <= reached
    assert sum(str(one).count("(category ") for one in reached) == 10


def draw_a_one(page) -> None:
    pad = page.locator("#canvas")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 6)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] * 5 / 6, steps=8)
    page.mouse.up()
    page.wait_for_function("document.getElementById('reconstruction').naturalWidth > 0")


def test_the_codes_of_a_drawn_digit_are_predicted(page):
    """For a one, drawn with the mouse, Q predicts the category that was matched to 1 on test images."""
    draw_a_one(page)
    predicted = page.text_content("#predicted0")
    assert predicted.startswith("1 (category "), page.text_content("#prediction")
    assert page.locator(".bar").count() == 10 and page.locator(".bar.likeliest").text_content().startswith("1")
    page.keyboard.press("u")
    assert page.get_attribute("#image", "alt") == f"generated image, {predicted.strip()}"
    page.keyboard.press("c")
    assert page.get_attribute("#reconstruction", "src") is None
    assert not page.is_visible("#reconstruction"), "no frame of a missing image"


def post(address, path: str, body: bytes, **headers) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(*address, timeout=10)
    connection.request("POST", path, body, {"Content-Type": "application/json", **headers})
    response = connection.getresponse()
    return response.status, response.read()


def test_an_image_takes_at_most_fifty_milliseconds(address):
    body = json.dumps({"categories": [3], "continuous": [0.5, -0.5], "seed": 1}).encode()
    seconds = []
    for _ in range(20):
        began = time.perf_counter()
        status, content = post(address, "/generate", body)
        seconds.append(time.perf_counter() - began)
        assert status == 200 and json.loads(content)["image"].startswith("data:image/png;base64,")
    assert min(seconds) < 0.05, "the fastest: other processes may slow the others"


def test_requests_of_other_pages_and_wrong_ones_are_refused(address):
    assert address[0] == "127.0.0.1"
    good = json.dumps({"categories": [3], "continuous": [0, 0], "seed": 1}).encode()
    assert post(address, "/generate", good)[0] == 200
    for path, body, headers in (
        ("/generate", good, {"Content-Type": "text/plain"}),
        ("/generate", good, {"Host": "evil.example"}),
        ("/nothing", good, {}),
        ("/generate", b"{", {}),
        ("/generate", b"{}", {}),
        ("/generate", json.dumps({"categories": [30], "continuous": [0, 0], "seed": 1}).encode(), {}),
        ("/recognise", json.dumps({"drawing": "data:,no", "seed": 1}).encode(), {}),
        ("/recognise", json.dumps({"drawing": explore.png(np.zeros((1, 5000, 1), np.uint8)), "seed": 1}).encode(), {}),
        ("/generate", b"", {"Content-Length": "1000001"}),  # refused before it is sent
    ):
        assert post(address, path, body, **headers)[0] == 400, (path, headers)
    assert post(address, "/generate", good)[0] == 200, "the server goes on"


GOOD = {"categories": [3], "continuous": [0, 0], "seed": 1}


@pytest.mark.parametrize("path", ["/generate", "/traversals", "/grid"])
@pytest.mark.parametrize(
    "change",
    [
        {"categories": [3.7]},
        {"categories": [float("nan")]},
        {"categories": [True]},
        {"categories": [-1]},
        {"categories": "3"},
        {"continuous": [float("nan"), 0]},
        {"continuous": [1e39, 0]},
        {"continuous": [10**400, 0]},
        {"continuous": [0] * 100_000},
        {"continuous": [[0, 0]]},
        {"seed": 1.5},
        {"seed": -1},
        {"seed": 2**64},
        {"seed": "\ud800"},
    ],
    ids=str,
)
def test_codes_that_cannot_be_meant_are_refused(address, path, change):
    assert post(address, path, json.dumps(GOOD).encode())[0] == 200
    assert post(address, path, json.dumps(GOOD | change).encode())[0] == 400


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"3", b"[" * 400_000, b'{"a":' * 100_000, b"\xff", b"[" + b"9" * 5000 + b"]"]
)
def test_what_is_no_request_is_refused(address, body, capfd):
    assert post(address, "/generate", body)[0] == 400
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("length", ["-1", "abc", str(10**12), "\xb2", "1" * 5000, "+3", ""])
def test_a_length_that_is_none_is_refused_without_a_word(address, length, capfd):
    head = "POST /generate HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    assert answer(address, f"{head}Content-Length: {length}\r\n\r\n".encode("latin-1")) == b"HTTP/1.0 400"
    assert capfd.readouterr().err == ""


def test_enormous_headers_are_refused_without_a_word(address, capfd):
    for head, status in (
        ("X: " + "a" * 70_000, b"HTTP/1.0 431"),
        ("X: a\r\n" * 300, b"HTTP/1.0 431"),
    ):
        assert answer(address, f"GET / HTTP/1.1\r\n{head}\r\n\r\n".encode()) == status
    assert answer(address, b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n") == b"HTTP/1.0 414"
    assert capfd.readouterr().err == ""


def answer(address, request: bytes) -> bytes:
    """The first line of the answer to bytes, as far as the status."""
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(request)
        return connection.recv(12)


@pytest.mark.parametrize("size", [(60_000, 60_000), (9_900, 9_900), (2**32 - 1, 2**32 - 1), (100_000, 1), (0, 0)])
def test_a_drawing_of_absurd_size_is_refused_before_it_is_decoded(address, size):
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", *size, 8, 0, 0, 0, 0))
    file = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    drawing = "data:image/png;base64," + base64.b64encode(file).decode()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        status, content = post(address, "/recognise", json.dumps({"drawing": drawing, "seed": 1}).encode())
    assert status == 400 and b"truncated" not in content


def test_a_drawing_is_scaled_and_centred_as_the_dataset_is():
    drawing = Image.new("L", (280, 280))
    ImageDraw.Draw(drawing).rectangle((10, 20, 29, 119), fill=255)
    (image,) = explore.as_dataset(drawing, (1, 28, 28))[..., 0]
    rows, columns = np.nonzero(image > 127)
    assert rows.max() - rows.min() + 1 == 20 and columns.max() - columns.min() + 1 == 4
    assert rows.mean() == pytest.approx(13.5, abs=0.5) and columns.mean() == pytest.approx(13.5, abs=0.5)
    assert explore.as_dataset(Image.new("L", (280, 280)), (3, 32, 32)).shape == (1, 32, 32, 3)


def test_a_taken_port_is_named(address, model):
    with pytest.raises(InputError, match=f"port {address[1]} cannot be used"):
        explore.serve(model, address[1])


@pytest.mark.parametrize("port", [-1, 65536, 99999])
def test_a_number_that_is_no_port_is_named(port, model):
    with pytest.raises(InputError, match=f"port is {port}; give a number from 1 to 65535"):
        explore.serve(model, port)


def test_the_page_is_served(address):
    connection = http.client.HTTPConnection(*address, timeout=10)
    for path, status, kind in (("/", 200, "text/html; charset=utf-8"), ("/explore.html", 404, "text/plain")):
        connection.request("GET", path)
        response = connection.getresponse()
        page = response.read()
        assert (response.status, response.headers["Content-Type"]) == (status, kind)
        assert (b"InfoGAN explorer" in page) == (status == 200)


def test_a_drawing_is_reconstructed(address):
    drawing = explore.png(np.full((8, 8, 1), 255, np.uint8))
    status, content = post(address, "/recognise", json.dumps({"drawing": drawing, "seed": 1}).encode())
    found = json.loads(content)
    assert status == 200 and len(found["continuous"]) == 2
    [probabilities], [category] = found["probabilities"], found["categories"]
    assert sum(probabilities) == pytest.approx(1, abs=0.01) and max(probabilities) == probabilities[category]
    assert found["input"].startswith("data:image/png") and found["reconstruction"].startswith("data:image/png")


def test_exploring_and_exporting_need_no_plots_and_no_tables():
    code = "import sys, infogan.reports.explore, infogan.reports.export\n"
    code += "print({'pandas', 'seaborn', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout == "set()\n", done.stderr


def test_the_script_serves(script_environment):
    command = [sys.executable, str(ROOT / "analysis" / "explore.py"), str(MODEL), "--port", "0", "--no-browser"]
    process = subprocess.Popen(command, env=script_environment, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        assert "http://127.0.0.1:" in line
    finally:
        process.kill()
        process.wait()


def test_many_clients_at_once_are_answered(address):
    """More than a backlog of five, the default of the library."""
    body = json.dumps({"categories": [3], "continuous": [0, 0], "seed": 1}).encode()
    with ThreadPoolExecutor(40) as clients:
        statuses = list(clients.map(lambda _: post(address, "/generate", body)[0], range(120)))
    assert statuses == [200] * 120


def test_a_client_that_leaves_or_falls_silent_is_forgotten_without_a_word(model, capfd, monkeypatch):
    monkeypatch.setattr(explore.Handler, "timeout", 0.3)
    server = explore.serve(model, 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    threads = threading.active_count()
    silent = [socket.create_connection(server.server_address) for _ in range(5)]
    leaving = socket.create_connection(server.server_address)
    leaving.sendall(b"POST /generate HTTP/1.1\r\nContent-Length: 500\r\nHost: 127.0.0.1\r\n\r\n{")
    leaving.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    leaving.close()  # a reset
    deadline = time.monotonic() + 10
    while threading.active_count() > threads and time.monotonic() < deadline:
        time.sleep(0.05)
    assert threading.active_count() <= threads, "their threads have ended"
    assert [one.recv(1) for one in silent] == [b""] * 5, "their connections are closed"
    server.shutdown()
    assert capfd.readouterr().err == ""


def test_clients_that_send_a_byte_now_and_then_hold_no_threads(model, monkeypatch):
    monkeypatch.setattr(explore.Handler, "timeout", 0.5)
    server = explore.serve(model, 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    threads = threading.active_count()
    slow = [socket.create_connection(server.server_address) for _ in range(100)]
    began = time.monotonic()
    while time.monotonic() - began < 15:
        for one in slow:
            with contextlib.suppress(OSError):  # closed by the server
                one.sendall(b"P")
        time.sleep(0.1)
        if time.monotonic() - began > 1 and threading.active_count() <= threads:
            break
    assert threading.active_count() <= threads
    assert post(server.server_address, "/generate", json.dumps(GOOD).encode())[0] == 200
    server.shutdown()


def test_effects_of_a_known_generator_are_found(model, monkeypatch):
    """A generator whose images lean by the first code and whose second code does nothing."""
    rows = np.arange(28)

    def leaning(codes, seed=0):
        images = np.zeros((len(codes.continuous), 28, 28, 1), np.uint8)
        for image, (lean, _) in zip(images, codes.continuous):
            columns = np.round(14 + lean * (13.5 - rows) / 4).astype(int)
            for offset in (-1, 0, 1):
                image[rows[4:24], columns[4:24] + offset, 0] = 255
        return images

    monkeypatch.setattr(model, "generate", leaning)
    first, second = measured_effects(model, images=60)
    assert first[0][0] == "slant" and first[0][1] > 0.95 and second == []
