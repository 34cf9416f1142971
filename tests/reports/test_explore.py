"""The explorer's page, which computes networks itself, in a real headless browser, and the command that serves it."""

import base64
import contextlib
import dataclasses
import http.client
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import ROOT, call, fit
from pages import assert_legible
from torch import nn

from infogan import data, load, networks
from infogan.codes import PRIORS, Latent
from infogan.config import Config
from infogan.networks.layers import BatchNorm, MatrixLayer
from infogan.reports import explore
from infogan.reports.effects import measured_effects
from infogan.reports.explore_networks import LEVELS, pack
from infogan.utils.errors import InputError

MODELS = ROOT / "analysis" / "results" / "models"
EFFECTS = [[("slant", 0.8123), ("ink", -0.5)], []]


@pytest.fixture(scope="module")
def model():
    return load(MODELS / "digits")


@pytest.fixture(scope="module")
def address(model, tmp_path_factory):
    """The page as a file; its sliders are named by EFFECTS, which measuring would take seconds for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(explore, "measured_effects", lambda model: EFFECTS)
        file = tmp_path_factory.mktemp("explorer") / "index.html"
        file.write_text(explore.page(model), encoding="utf-8")
    return file.as_uri()


@pytest.fixture
def page(browser, address):
    page = open_page(browser, address)
    yield page
    assert page.problems == []
    page.close()


def open_page(browser, address, **options):
    """The explorer's page once its images are there, without a network.

    `problems` collects what the browser complains of, `requests` what it asks for.
    """
    page = browser.new_context(offline=True, **{"viewport": {"width": 1100, "height": 900}} | options).new_page()
    page.problems, page.requests = [], []
    page.on("console", lambda message: page.problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("request", lambda request: page.requests.append(request.url))
    page.goto(address)
    page.wait_for_function("document.getElementById('loading').hidden || document.getElementById('error').textContent")
    assert page.text_content("#error") == ""
    page.wait_for_function(f"{INK}('#strip1') > 0")
    return page


INK = """(selector => { const canvas = document.querySelector(selector);
  return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data
    .reduce((sum, byte, i) => i % 4 < 3 ? sum + byte : sum, 0); })"""
"""Sum of a canvas' colours."""


def image_of(page, selector: str = "#image") -> str:
    return page.evaluate("selector => document.querySelector(selector).toDataURL()", selector)


def image_after(page, action) -> str:
    """The generated image once it differs from what it was before the action."""
    before = image_of(page)
    action()
    page.wait_for_function("before => document.getElementById('image').toDataURL() !== before", arg=before)
    return image_of(page)


def test_sliders_keys_and_noise_change_the_image(page):
    assert page.text_content("#name0") == "slant c2, strong" and "r = 0.81" in page.get_attribute("#name0", "title")
    assert page.text_content("#name1") == "c3 moves none of the measures clearly"
    slider = page.locator("#code0")
    moved = image_after(page, lambda: slider.fill("1.5"))
    assert page.text_content("#value0") == "1.50"
    slider.focus()
    assert image_after(page, lambda: page.keyboard.press("ArrowLeft")) != moved
    assert page.text_content("#value0") == "1.45"
    page.locator("body").click(position={"x": 5, "y": 5})
    image_after(page, lambda: page.keyboard.press("7"))
    assert page.get_attribute("#image", "aria-label").startswith("generated image, 7 (category ")
    assert page.locator("#row button[aria-pressed=true]").get_attribute("aria-label").startswith("7 (category ")
    image_after(page, lambda: page.keyboard.press("n"))
    image_after(page, lambda: page.keyboard.press("r"))
    assert page.text_content("#value0") == "0.00"
    image_after(page, lambda: page.locator("#row button").nth(2).click())


def test_categories_are_in_the_order_of_their_labels(page, model):
    labels = [int(name) for name, _ in model.category_names]
    shown = page.locator("#row b").all_text_contents()
    assert shown == [str(label) for label in sorted(labels)] and len(shown) == 10
    categories = [int(text.removeprefix("cat. ")) for text in page.locator("#row small").all_text_contents()]
    assert [str(labels[k]) for k in categories] == shown


def test_a_click_on_the_strip_moves_the_slider_to_that_image(page):
    strip = page.locator("#strip0")
    box = strip.bounding_box()
    image_after(page, lambda: strip.click(position={"x": box["width"] * 6.5 / 9, "y": box["height"] / 2}))
    assert page.text_content("#value0") == "1.00"


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
    page.wait_for_function(f"{INK}('#grid button:last-child canvas') > 0")
    assert page.evaluate("document.querySelector('#grid canvas').width") == 10 * 8
    page.locator("#grid button").nth(4).click()
    assert page.is_visible("#image") and not page.is_visible("#grid")
    assert page.get_attribute("#image", "aria-label").startswith("generated image, 4 ")


@pytest.mark.parametrize("width", [390, 1440])
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
    pad = page.locator("#pad")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_selector("#predicted0")
    assert not page.is_visible("#hint")
    assert page.evaluate("getComputedStyle(document.getElementById('pad')).touchAction") == "none"
    page.close()


def test_everything_can_be_reached_by_the_keyboard(page):
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.getAttribute('aria-label')"))
    assert {"noise", "reset", "all", "code0", "play0", "code1", "play1", "clear"} <= reached
    assert sum(str(one).count("(category ") for one in reached) == 10


def test_the_page_asks_for_nothing_but_itself(page, address):
    """So it works as a file, without a network, and below any path of a proxy."""
    draw_a_one(page)
    assert page.requests == [address]


def draw_a_one(page) -> None:
    pad = page.locator("#pad")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 6)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] * 5 / 6, steps=8)
    page.mouse.up()
    page.wait_for_function("prediction && waiting === null")


def test_the_codes_of_a_drawn_digit_are_predicted(page):
    """For a one, drawn with the mouse, Q predicts the category that was matched to 1 on validation images."""
    draw_a_one(page)
    predicted = page.text_content("#predicted0")
    assert predicted.startswith("1 (category "), page.text_content("#prediction")
    assert page.locator(".bar").count() == 10 and page.locator(".bar.likeliest").text_content().startswith("1")
    assert "slant c2 = " in page.text_content("#prediction")
    page.keyboard.press("u")
    assert page.get_attribute("#image", "aria-label") == f"generated image, {predicted.strip()}"
    page.keyboard.press("c")
    assert not page.is_visible("#reconstruction"), "no frame of a missing image"


def test_a_drawing_is_scaled_and_centred_as_the_dataset_is(page):
    """On a pad of 280 x 280 a bar of 100 x 20 pixels; a model of 28 x 28 has digits in a box of 20 x 20."""
    image = page.evaluate(
        """() => {
          const drawing = new Float32Array(280 * 280);
          for (let y = 20; y < 120; y++) drawing.fill(255, y * 280 + 10, y * 280 + 30);
          const of = (height, channels) => Function("height", "width", "channels", `${shares}; ${asDataset};
            return drawing => Array.from(asDataset(drawing, 280, 280))`)(height, height, channels);
          return [of(28, 1)(drawing), of(32, 3)(drawing), of(28, 1)(new Float32Array(280 * 280))];
        }"""
    )
    of_mnist, of_colour, empty = (np.array(part) for part in image)
    rows, columns = np.nonzero(of_mnist.reshape(28, 28) > 0.5)
    assert rows.max() - rows.min() + 1 == 20 and columns.max() - columns.min() + 1 == 4
    assert rows.mean() == pytest.approx(13.5, abs=0.5) and columns.mean() == pytest.approx(13.5, abs=0.5)
    assert of_mnist.max() == 1 and of_mnist.sum() == pytest.approx(80)
    colour = of_colour.reshape(32, 32, 3)
    assert (colour == colour[..., :1]).all() and colour.max() == 1
    assert empty.max() == 0


def in_browser(page, layers: str, inputs: np.ndarray) -> np.ndarray:
    """What the page's script computes of inputs [N, ..., channels]; layers: a JavaScript expression."""
    height, width = inputs.shape[1:3] if inputs.ndim == 4 else (1, 1)
    script = f"""([inputs, height, width]) => inputs.map(one =>
      Array.from(compute({layers}, {{data: Float32Array.from(one), height, width}}).data))"""
    return np.array(page.evaluate(script, [inputs.reshape(len(inputs), -1).tolist(), height, width]), np.float32)


SHAPES = {"mnist": (1, 8, 12), "svhn": (3, 16, 16), "faces": (1, 8, 8), "chairs": (3, 8, 8), "digits": (1, 8, 8)}
RECIPES = [Config(network=name) for name in SHAPES] + [
    Config(network="mnist", g_layers="blog", q_trunk="own"),
    Config(network="digits", spectral_norm=True, leaky_slope=0.2),
]


def random_model(recipe: Config) -> SimpleNamespace:
    """Networks whose weights are a scale for each output times whole numbers up to LEVELS: 8 bits hold them exactly."""
    latent = Latent("3c+2u", "5u", q_std="learned")
    generator, discriminator = networks.build(SHAPES[recipe.network], latent, 0, recipe)
    random = torch.Generator().manual_seed(1)
    for module in [*generator.modules(), *discriminator.modules()]:
        if isinstance(module, MatrixLayer):
            outputs_first = module.weight.data.transpose(0, int(getattr(module, "transposed", False)))
            whole = torch.randint(-LEVELS, LEVELS + 1, outputs_first.shape, generator=random).float()
            whole.flatten(1)[:, 0] = LEVELS
            fan_in = whole[0].numel()
            scale = 0.02 * (0.5 + torch.rand(len(whole), generator=random)) / fan_in**0.5
            outputs_first.copy_(whole * scale.view(-1, *[1] * (whole.dim() - 1)))
        if isinstance(module, BatchNorm):
            for part, low, high in zip((module.weight, module.bias, module.running_mean), (0.5, -1, -1), (2, 1, 1)):
                part.data.uniform_(low, high, generator=random)
            module.running_var.uniform_(0.5, 2, generator=random)
    return SimpleNamespace(
        generator=generator.eval(),
        discriminator=discriminator.eval(),
        image_shape=SHAPES[recipe.network],
        latent=latent,
    )


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda r: f"{r.network}-{r.g_layers}-{r.q_trunk}-{r.spectral_norm}")
def test_the_script_computes_what_torch_computes(browser, recipe):
    made = random_model(recipe)
    layers, content = pack(made)
    page = browser.new_page()
    page.add_script_tag(path=explore.SCRIPT)
    page.evaluate("() => { globalThis.made = null; }")
    page.evaluate(
        "([layers, text]) => { made = readNetworks(layers, Uint8Array.from(atob(text), one => one.charCodeAt(0))); }",
        [layers, base64.b64encode(content).decode()],
    )
    z = made.latent.sample(3, torch.Generator().manual_seed(2))
    random_images = torch.rand(3, *made.image_shape, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        images, q_params = made.generator(z).permute(0, 2, 3, 1), made.discriminator.q_params(random_images)
    assert images.std() > 0.03 and q_params.std() > 0.03, "no constant networks are compared"
    found = in_browser(page, "made.generator", z.numpy()).reshape(images.shape)
    np.testing.assert_allclose(found, images, atol=1e-4)
    found = in_browser(page, "made.recogniser", random_images.permute(0, 2, 3, 1).numpy())
    np.testing.assert_allclose(found, q_params, atol=1e-4, rtol=1e-4)
    page.close()


@pytest.mark.parametrize(("name", "n", "equal", "grey_levels"), [("digits", 300, 298, 8), ("mnist-iic", 30, 30, 16)])
def test_eight_bits_leave_the_predictions_the_same(
    name, n, equal, grey_levels, browser, request, monkeypatch, tmp_path
):
    """Of the shipped models on their test images; docs/play.md has the numbers of 2,000 images."""
    folder = request.getfixturevalue("data_dir") if name == "mnist-iic" else None
    model, images = load(MODELS / name), data.load(load(MODELS / name).config.dataset, folder).test.images[:n]
    monkeypatch.setattr(explore, "measured_effects", lambda model: EFFECTS)
    (tmp_path / "index.html").write_text(explore.page(model), encoding="utf-8")
    page = open_page(browser, (tmp_path / "index.html").as_uri())
    found = in_browser(page, "about.networks.recogniser", images.permute(0, 2, 3, 1).numpy() / np.float32(255))
    q_params = networks.evaluate_q(model.discriminator, images).numpy()
    assert (found[:, :10].argmax(1) == q_params[:, :10].argmax(1)).sum() >= equal
    z = model.latent.sample(20, torch.Generator().manual_seed(0))
    generated = in_browser(page, "about.networks.generator", z.numpy()) * 255
    expected = networks.generate(model.generator, z).reshape(generated.shape)
    assert np.abs(generated.round() - expected).max() <= grey_levels
    page.close()


def test_a_layer_the_page_cannot_compute_is_named():
    made = random_model(Config(network="digits"))
    made.generator.layers.append(nn.Softplus())
    with pytest.raises(InputError, match="cannot compute the layer Softplus; expected Linear, Convolution"):
        pack(made)


def test_noise_the_page_cannot_draw_is_named(model, monkeypatch):
    monkeypatch.setattr(explore, "measured_effects", lambda model: EFFECTS)
    monkeypatch.setitem(PRIORS, "t", PRIORS["u"])
    monkeypatch.setattr(model, "latent", Latent("10c+2u", "62t"))
    with pytest.raises(InputError, match="noise 62t has a prior that the page cannot draw from; expected u or g"):
        explore.page(model)


def test_names_are_no_markup_and_sliders_need_no_measure(browser, model, monkeypatch, tmp_path):
    """A run's name that would end the script; scikit-image, which measures, is not installed."""

    def missing(model):
        raise ModuleNotFoundError(name="skimage")

    dataset = "</script><script>alert(1)</script>{{parts}}"
    monkeypatch.setattr(model, "config", dataclasses.replace(model.config, dataset=dataset.replace("/", "")))
    monkeypatch.setattr(explore, "measured_effects", missing)
    (tmp_path / "index.html").write_text(explore.page(model), encoding="utf-8")
    page = open_page(browser, (tmp_path / "index.html").as_uri())
    assert "<script>{{parts}}" in page.text_content("#title") and page.problems == []
    assert page.text_content("#name0").strip() == "c2"
    page.close()


@pytest.fixture
def server(tmp_path):
    (tmp_path / "index.html").write_text("the page")
    server = explore.serve(tmp_path, "127.0.0.1", 0)
    threading.Thread(target=server.serve_forever, args=[0.05], daemon=True).start()
    yield server.server_address
    server.shutdown()


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/", 200), ("GET", "/?a=1", 200), ("HEAD", "/", 200), ("GET", "/no", 404)]
)
def test_the_page_is_served(server, method, path, status):
    connection = http.client.HTTPConnection(*server, timeout=10)
    connection.request(method, path)
    response = connection.getresponse()
    assert response.status == status and (response.read() == b"the page") == (status == 200 and method == "GET")


def test_a_client_that_leaves_is_forgotten_without_a_word(server, capfd):
    leaving = socket.create_connection(server)
    leaving.sendall(b"GET / HTTP/1.1\r\n")
    leaving.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    leaving.close()  # a reset
    time.sleep(0.2)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("host", "port", "message"),
    [
        ("127.0.0.1", None, r"127.0.0.1:\d+ cannot be used .*: give another --port"),
        ("127.0.0.1", -1, "port is -1; give a number from 1 to 65535"),
        ("127.0.0.1", 65536, "port is 65536; give a number from 1 to 65535"),
        ("203.0.113.1", 0, "203.0.113.1:0 cannot be used"),
    ],
)
def test_a_taken_port_and_a_host_that_is_not_this_machine_are_named(server, tmp_path, host, port, message):
    with pytest.raises(InputError, match=message):
        explore.serve(tmp_path, host, server[1] if port is None else port)


@pytest.mark.parametrize(
    ("program", "graphical"), [("firefox", True), ("/usr/bin/lynx", False), ("www-browser", False), ("", False)]
)
def test_a_text_browser_is_not_opened(program, graphical, monkeypatch):
    def get():
        if not program:
            raise explore.webbrowser.Error
        return explore.webbrowser.GenericBrowser(program)

    monkeypatch.setattr(explore.webbrowser, "get", get)
    assert (explore.graphical_browser() is not None) == graphical


def test_the_command_serves_opens_the_browser_and_leaves_nothing(script_environment, tmp_path, digits):
    """The browser does not end before the command does, which serves all the same."""
    fit(tmp_path / "run", digits, codes="10c", updates=1)  # no sliders, so that nothing is measured for their names
    program = tmp_path / "firefox"
    program.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\nexec sleep 60\n')
    program.chmod(0o755)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = script_environment | {"BROWSER": f"{program} %s", "TMPDIR": str(temporary)}
    command = [sys.executable, str(ROOT / "analysis" / "explore.py"), str(tmp_path / "run")]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        address = process.stdout.readline().split()[1]
        port = int(address.rstrip("/").rpartition(":")[2])
        assert f"ssh -N -L {port}:127.0.0.1:{port} " in process.stdout.readline()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", "/")
        assert b"InfoGAN explorer" in connection.getresponse().read()
        deadline = time.monotonic() + 10
        while not (tmp_path / "opened").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert (tmp_path / "opened").read_text().strip() == address
        process.terminate()
        assert process.wait(20) == 0 and list(temporary.glob("infogan-explore-*")) == []
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_the_page_is_only_written(monkeypatch, tmp_path):
    monkeypatch.setattr(explore, "measured_effects", lambda model: EFFECTS)
    done = call("explore", MODELS / "digits", "--out", tmp_path / "new" / "folder", folder="analysis")
    assert done.returncode == 0 and done.stdout.startswith(f"wrote {tmp_path}/new/folder/index.html (0.3 MB)")
    assert "slant" in (tmp_path / "new" / "folder" / "index.html").read_text(encoding="utf-8")


def test_exploring_and_exporting_need_no_plots_and_no_tables():
    code = "import sys, infogan.reports.explore, infogan.reports.export\n"
    code += "print({'pandas', 'seaborn', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout == "set()\n", done.stderr


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
